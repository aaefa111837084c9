"""A voice is a voice, or an error says what it lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bark.audio.equalizer import FREQUENCIES
from bark.errors import OutputError, VoiceError
from bark.tokens import SUNO, TokenSpace
from bark.voices import Voice
from bark.voices.arrays import KEYS


def arrays(voice: Voice, **changes: Any) -> dict[str, Any]:
    """As they are named in an npz."""
    return {"semantic_prompt": voice.semantic, "coarse_prompt": voice.coarse, "fine_prompt": voice.fine, **changes}


def test_what_is_saved_is_read_again(voice: Voice, tmp_path: Path) -> None:
    voice.save(tmp_path / "tester.npz")
    read = Voice.from_npz(tmp_path / "tester.npz")
    assert read.name == "tester"
    for part in ("semantic", "coarse", "fine"):
        np.testing.assert_array_equal(getattr(read, part), getattr(voice, part))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.uint64])
def test_any_integers_will_do_and_become_int64(voice: Voice, space: TokenSpace, dtype: Any) -> None:
    made = Voice("v", voice.semantic.astype(dtype), voice.coarse.astype(dtype), voice.fine.astype(dtype))
    assert made.check(space).semantic.dtype == made.fine.dtype == np.int64


def test_arrays_are_copies_that_nobody_can_change(voice: Voice) -> None:
    own = voice.semantic.copy()
    made = replace(voice, semantic=own)
    own[0] = 63 - own[0]
    assert made.semantic[0] == voice.semantic[0]
    with pytest.raises(ValueError, match="read-only"):
        made.semantic[0] = 1


def test_save_needs_a_folder(voice: Voice, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        voice.save(tmp_path / "missing" / "v.npz")


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("semantic", np.zeros(5), "semantic_prompt must hold integers, not float64"),
        ("semantic", np.zeros((1, 5), dtype=int), r"semantic_prompt must have the shape \[tokens\], not \[1, 5\]"),
        ("coarse", np.zeros(5, dtype=int), r"coarse_prompt must have the shape \[codebooks, frames\], not \[5\]"),
        ("fine", np.zeros((8, 0), dtype=int), r"fine_prompt is empty, shape \[8, 0\]"),
        ("semantic", np.array([3, -1]), "semantic_prompt holds -1 to 3; tokens count from 0"),
        ("semantic", np.array([2**63], dtype=np.uint64), "semantic_prompt holds 9223372036854775808"),
        ("semantic", np.array([True]), "must hold integers, not bool"),
        ("semantic", np.array(["a"]), "must hold integers, not <U1"),
    ],
)
def test_arrays_that_are_no_voice(voice: Voice, part: str, value: Any, sentence: str) -> None:
    with pytest.raises(VoiceError, match=f"voice tester: .*{sentence}"):
        replace(voice, **{part: value})


@pytest.mark.parametrize(
    ("part", "change", "sentence"),
    [
        ("coarse", lambda a: a[:1], "coarse_prompt has 1 rows of codes; this model has 2"),
        ("fine", lambda a: a[:5], "fine_prompt has 5 rows of codes; this model has 8"),
        ("semantic", lambda a: a + 60, r"semantic_prompt holds \d+, but this model's tokens there are 0 to 63"),
        ("fine", lambda a: a + 16, r"fine_prompt holds \d+, but this model's tokens there are 0 to 15"),
        ("coarse", lambda a: a[:, :50], "coarse_prompt has 50 frames, but semantic_prompt's 50 tokens last 100"),
        ("fine", lambda a: np.tile(a, 2), "fine_prompt has 200 frames"),
    ],
)
def test_voices_of_another_model(voice: Voice, space: TokenSpace, part: str, change: Any, sentence: str) -> None:
    with pytest.raises(VoiceError, match=f"voice tester: {sentence}"):
        replace(voice, **{part: change(getattr(voice, part))}).check(space)


def test_lengths_may_differ_by_what_rounding_leaves() -> None:
    # the lengths of one of Suno's presets
    fine = np.zeros((8, 1100), dtype=int)
    Voice("suno", np.zeros(733, dtype=int), fine[:2], fine).check(SUNO)


class TestFromArrays:
    def test_what_the_original_calls_a_full_generation(self, voice: Voice, space: TokenSpace) -> None:
        made = Voice.from_arrays(arrays(voice, more="of no interest"), "mine")
        assert made.check(space).name == "mine"
        np.testing.assert_array_equal(made.coarse, voice.coarse)

    def test_an_npz_that_is_open(self, voice: Voice, tmp_path: Path) -> None:
        np.savez(tmp_path / "v.npz", **arrays(voice))
        with np.load(tmp_path / "v.npz") as opened:
            np.testing.assert_array_equal(Voice.from_arrays(opened).fine, voice.fine)
        np.savez(tmp_path / "v.npz", **arrays(voice, fine_prompt=np.array([None])))
        with np.load(tmp_path / "v.npz") as opened, pytest.raises(VoiceError, match="can't be read: Object arrays"):
            Voice.from_arrays(opened)

    def test_lists_and_tensors(self, voice: Voice) -> None:
        made = Voice.from_arrays(
            arrays(voice, coarse_prompt=voice.coarse.tolist(), fine_prompt=torch.tensor(voice.fine))
        )
        np.testing.assert_array_equal(made.coarse, voice.coarse)
        np.testing.assert_array_equal(made.fine, voice.fine)

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"fine_prompt": [[1, 2], [3]]}, "voice mine: fine_prompt is not an array: "),
            ({"fine_prompt": torch.zeros(8, 4, device="meta")}, "voice mine: fine_prompt is not an array: "),
            ({"fine_prompt": None}, "voice mine: fine_prompt must hold integers, not object"),
            ({"coarse_prompt": [[0.5], [1.5]]}, "voice mine: coarse_prompt must hold integers, not float64"),
            ({"semantic_prompt": 5}, r"voice mine: semantic_prompt must have the shape \[tokens\], not \[\]"),
        ],
    )
    def test_no_arrays(self, voice: Voice, change: dict[str, Any], sentence: str) -> None:
        with pytest.raises(VoiceError, match=sentence):
            Voice.from_arrays(arrays(voice, **change), "mine")

    def test_one_is_missing(self, voice: Voice) -> None:
        with pytest.raises(VoiceError, match=r"^voice mine: coarse_prompt missing; it has semantic_prompt, fine_"):
            Voice.from_arrays({k: v for k, v in arrays(voice).items() if k != "coarse_prompt"}, "mine")
        with pytest.raises(VoiceError, match="it has nothing"):
            Voice.from_arrays({})


def test_manner_and_what_is_known_are_kept(voice: Voice, tmp_path: Path) -> None:
    made = replace(voice, manner=np.array([1, 2, 3]), about={"consent_by": "Zoë", "recording_sha256": "0f"})
    made.save(tmp_path / "made.npz")
    again = Voice.from_npz(tmp_path / "made.npz")
    assert again.about == made.about
    np.testing.assert_array_equal(again.reading, [1, 2, 3])
    np.testing.assert_array_equal(again.semantic, voice.semantic)
    with np.load(tmp_path / "made.npz", allow_pickle=False) as found:  # as other programs read it
        assert set(found) == {*KEYS, "manner_prompt", "about"}
        np.testing.assert_array_equal(found["fine_prompt"], voice.fine)
        assert Voice.from_arrays(found).about == made.about


def test_an_equalizer_is_kept(voice: Voice, tmp_path: Path) -> None:
    gains = np.linspace(-9, 9, len(FREQUENCIES))
    made = replace(voice, equalizer=gains)
    gains[0] = 0
    made.save(tmp_path / "made.npz")
    again = Voice.from_npz(tmp_path / "made.npz")
    assert again.equalizer is not None and again.equalizer.dtype == np.float32
    assert again.equalizer[[0, -1]].tolist() == [-9, 9]
    with pytest.raises(ValueError, match="read-only"):
        again.equalizer[0] = 1
    with np.load(tmp_path / "made.npz", allow_pickle=False) as found:
        assert set(found) == {*KEYS, "equalizer"}


@pytest.mark.parametrize(
    ("gains", "sentence"),
    [
        (np.zeros(53), r"must be 54 floats, not float64 of shape \[53\]"),
        (np.zeros((54, 1)), r"must be 54 floats, not float64 of shape \[54, 1\]"),
        (np.zeros(54, int), "must be 54 floats, not int64"),
        (np.full(54, "a"), "must be 54 floats, not <U1"),
        (np.full(54, np.nan), "must hold gains of −40 to 40 dB"),
        (np.full(54, np.inf), "must hold gains of −40 to 40 dB"),
        (np.full(54, -41.0), "must hold gains of −40 to 40 dB"),
        ([[1.0], [1.0, 2.0]], "is not an array"),
    ],
)
def test_what_is_no_equalizer(voice: Voice, gains: Any, sentence: str) -> None:
    with pytest.raises(VoiceError, match=f"voice tester: equalizer {sentence}"):
        replace(voice, equalizer=gains)


def test_a_pickled_equalizer_is_never_read(voice: Voice, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", **arrays(voice, equalizer=np.array([print] * 54, dtype=object)))
    with pytest.raises(VoiceError, match="equalizer holds pickled objects"):
        Voice.from_npz(tmp_path / "other.npz")


def test_without_them_a_file_is_as_ever(voice: Voice, tmp_path: Path) -> None:
    voice.save(tmp_path / "plain.npz")
    assert voice.reading is voice.semantic and voice.about == {}
    with np.load(tmp_path / "plain.npz", allow_pickle=False) as found:
        assert set(found) == set(KEYS)


@pytest.mark.parametrize(
    "about",
    [np.array(["one", "two"]), np.array("no json"), np.array("[1, 2]"), np.arange(3), np.array("[" * 99_999)],
    ids=["several", "no json", "a list", "numbers", "deep"],
)
def test_what_others_mean_by_about_is_left_alone(voice: Voice, tmp_path: Path, about: Any) -> None:
    np.savez(tmp_path / "other.npz", **arrays(voice, about=about))
    assert Voice.from_npz(tmp_path / "other.npz").about == {}


def test_pickled_notes_are_never_read(voice: Voice, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", **arrays(voice, about=np.array({"by": "me"}, dtype=object)))
    assert Voice.from_npz(tmp_path / "other.npz").about == {}


def test_a_manner_of_another_model(voice: Voice, space: TokenSpace) -> None:
    made = replace(voice, manner=np.array([space.semantic_vocab]))
    with pytest.raises(VoiceError, match=f"manner_prompt holds {space.semantic_vocab}"):
        made.check(space)
    with pytest.raises(VoiceError, match="manner_prompt must have the shape"):
        replace(voice, manner=np.zeros((2, 3), np.int64))
