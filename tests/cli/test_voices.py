"""`bark voices`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark.voices import Voice

Call = Callable[..., Any]


def test_names_are_listed_one_a_line(call: Call) -> None:
    outcome = call("voices", "list")
    assert outcome == (0, b"v2/de_speaker_0\nv2/en_speaker_0\nv2/en_speaker_1\n", "")


def test_names_of_a_language(call: Call) -> None:
    assert call("voices", "list", "--language", "de").out == b"v2/de_speaker_0\n"
    assert call("voices", "list", "--language", "d").out == b""


def test_the_list_needs_no_torch(checkpoint: Path) -> None:
    code = (
        "import sys\nfrom bark.cli.voices import list_voices\n"
        f"list_voices({str(checkpoint)!r}, None)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "v2/en_speaker_0" in done.stdout


def test_an_unknown_model(call: Call, tmp_path: Path) -> None:
    outcome = call("voices", "list", "--model", str(tmp_path))
    assert outcome.status == 1
    assert f"no config.json in {tmp_path}" in outcome.err


def test_lists_what_a_model_of_sunos_finds_in_the_hubs_cache(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    folder = tmp_path / "hf" / "hub" / "models--suno--bark" / "snapshots" / "0a1b" / "speaker_embeddings"
    folder.mkdir(parents=True)
    for key in ("semantic_prompt", "coarse_prompt", "fine_prompt"):
        (folder / f"announcer_{key}.npy").touch()
    (folder / "de_speaker_0_semantic_prompt.npy").touch()  # which alone is no voice
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "text.pt").touch()
    assert call("voices", "list", "--model", str(tmp_path / "model")) == (0, b"announcer\n", "")


def test_show(call: Call, checkpoint: Path) -> None:
    voice = Voice.from_npz(checkpoint / "voices" / "v2" / "en_speaker_0.npz")
    outcome = call("voices", "show", "v2/en_speaker_0")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.decode().splitlines() == [
        "v2/en_speaker_0: 2.0 s",
        f"semantic  [50]        {voice.semantic.min()} to {voice.semantic.max()}",
        f"coarse    [2, 100]    {voice.coarse.min()} to {voice.coarse.max()}",
        f"fine      [8, 100]    {voice.fine.min()} to {voice.fine.max()}",
    ]


def test_show_finds_faults(call: Call, voice: Voice, tmp_path: Path) -> None:
    Voice("bad", voice.semantic, voice.coarse[:1], voice.fine).save(tmp_path / "bad.npz")
    outcome = call("voices", "show", "bad.npz")
    assert outcome == (1, b"", "bark: voice bad: coarse_prompt has 1 rows of codes; this model has 2\n")
    outcome = call("voices", "show", "v2/en_speaker_7")
    assert outcome.status == 1
    assert outcome.err.startswith("bark: there is no voice 'v2/en_speaker_7'; did you mean v2/en_speaker_")


def test_export(call: Call, checkpoint: Path, tmp_path: Path) -> None:
    assert call("voices", "export", "v2/en_speaker_1") == (0, b"en_speaker_1.npz\n", "")
    assert call("voices", "export", "en_speaker_1.npz", "-o", "again.npz").status == 0
    original = Voice.from_npz(checkpoint / "voices" / "v2" / "en_speaker_1.npz")
    with np.load(tmp_path / "again.npz", allow_pickle=False) as arrays:  # as the original reads it
        np.testing.assert_array_equal(arrays["semantic_prompt"], original.semantic)
        np.testing.assert_array_equal(arrays["coarse_prompt"], original.coarse)
        np.testing.assert_array_equal(arrays["fine_prompt"], original.fine)


def test_export_of_three_files(call: Call, voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "me").mkdir()
    for key, array in (("semantic", voice.semantic), ("coarse", voice.coarse), ("fine", voice.fine)):
        np.save(tmp_path / "me" / f"{key}_prompt.npy", array)
    assert call("voices", "export", "me", "-o", "out.npz") == (0, b"out.npz\n", "")
    np.testing.assert_array_equal(Voice.from_npz(tmp_path / "out.npz").fine, voice.fine)


def test_export_where_nothing_can_be_written(call: Call, tmp_path: Path) -> None:
    outcome = call("voices", "export", "v2/en_speaker_1", "-o", "none/v.npz")
    assert outcome.status == 1
    assert "there is no folder" in outcome.err
    assert not list(tmp_path.iterdir())
