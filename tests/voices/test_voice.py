"""A voice is a voice, or an error says what it lacks."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bark.errors import OutputError, VoiceError
from bark.tokens import SUNO, TokenSpace
from bark.voices import Voice


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


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"can't read the voice .*none\.npz: No such file"):
        Voice.from_npz(tmp_path / "none.npz")


def test_a_missing_array(voice: Voice, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", semantic_prompt=voice.semantic, other=voice.fine)
    with pytest.raises(VoiceError, match="coarse_prompt, fine_prompt missing; it has semantic_prompt, other"):
        Voice.from_npz(tmp_path / "v.npz")


def test_pickles_are_never_read(voice: Voice, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", **arrays(voice, semantic_prompt=np.array([{"an": "object"}])))
    with pytest.raises(VoiceError, match="is not a voice, or is damaged"):
        Voice.from_npz(tmp_path / "v.npz")
    (tmp_path / "p.npz").write_bytes(b"\x80\x04N.")
    with pytest.raises(VoiceError, match="an npz file was expected"):
        Voice.from_npz(tmp_path / "p.npz")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damage_is_an_error_or_harmless(voice: Voice, space: TokenSpace, tmp_path: Path, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays(voice))
    damaged = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.npz"
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        Voice.from_npz(path).check(space)
    except VoiceError as error:
        assert "damaged" in str(error)
