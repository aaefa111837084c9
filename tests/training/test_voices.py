"""Which clips are drawn, and how often."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bark.errors import TrainingError
from bark.training.tokenized import TokenClip
from bark.training.voices import ClipPool, kind_of_teacher, split


def clip(name: str, length: int, voice: str = "v", held_out: bool = False) -> TokenClip:
    return TokenClip(name, "text", voice, held_out, np.zeros(length, np.int64), np.zeros(length, np.int64), None)


def length(clip: TokenClip) -> int:
    return len(clip.semantic)


@pytest.mark.parametrize(
    ("voice", "kind"),
    [
        ("af_heart", "WOMAN"),
        ("bm_george", "MAN"),
        ("if_sara+ef_dora", "WOMAN"),
        ("am_puck+bm_george", "MAN"),
        ("jf_alpha+jm_kumo", None),
        ("af_heart+low", None),
        ("low", None),
        ("", None),
    ],
)
def test_whose_voice_it_is(voice: str, kind: str | None) -> None:
    assert kind_of_teacher(voice) == kind


def test_weights() -> None:
    pool = ClipPool([clip("a", 5), clip("b", 3), clip("c", 4)], [1.0, 2.0, 5.0], length)
    rng = np.random.default_rng(0)
    found = Counter(pool.one(rng).id for _ in range(4000))
    assert [found[name] / 4000 for name in "abc"] == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.03)


def test_batches_are_of_similar_length() -> None:
    pool = ClipPool([clip(str(n), n) for n in range(10, 410)], [1.0] * 400, length)
    for seed in range(20):
        lengths = [length(c) for c in pool.alike(np.random.default_rng(seed), 2000)]
        assert max(lengths) - min(lengths) <= 21  # a twentieth of the pool
        assert max(lengths) * len(lengths) <= 2000


def test_a_clip_longer_than_the_budget_goes_alone() -> None:
    pool = ClipPool([clip("a", 500)], [1.0], length)
    assert len(pool.alike(np.random.default_rng(0), 100)) == 1


def test_batches_draw_all_alike() -> None:
    """The shortest and the longest no more often than the others."""
    pool = ClipPool([clip(str(n), 10) for n in range(40)], [1.0] * 40, length)
    found: Counter[str] = Counter()
    for seed in range(600):
        found.update(c.id for c in pool.alike(np.random.default_rng(seed), 200))
    mean = sum(found.values()) / 40
    assert max(found.values()) < 1.5 * mean
    assert min(found.values()) > 0.6 * mean


def test_same_voice() -> None:
    pool = ClipPool([clip("a", 1, "x"), clip("b", 2, "y"), clip("c", 3, "x")], [1.0] * 3, length)
    rng = np.random.default_rng(0)
    assert {pool.same_voice(rng, "x").id for _ in range(30)} == {"a", "c"}
    assert "x" in pool
    assert "z" not in pool


class TestSplit:
    def test_held_out(self) -> None:
        clips = [clip("a", 1), clip("b", 2, held_out=True), clip("c", 3)]
        train, kept = split(clips, [1.0, 1.0, 0.0], length)
        assert len(train) == 2
        assert {train.one(np.random.default_rng(s)).id for s in range(20)} == {"a"}
        assert kept.one(np.random.default_rng(0)).id == "b"

    def test_nothing_held_out(self) -> None:
        _, kept = split([clip("a", 1)], [1.0], length)
        assert not kept

    def test_nothing_to_train_on(self) -> None:
        with pytest.raises(TrainingError, match="no clip to train on"):
            split([clip("a", 1, held_out=True)], [1.0], length)
