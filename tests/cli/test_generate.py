"""`bark generate`: where the text comes from, where the audio goes, and what is said about it."""

from __future__ import annotations

import io
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

Call = Callable[..., Any]


def samples(data: bytes) -> int:
    """Of a WAV file."""
    audio, rate = soundfile.read(io.BytesIO(data))
    assert rate == 24_000
    return len(audio)


def test_a_file_is_written_and_summed_up(call: Call, tmp_path: Path) -> None:
    outcome = call("generate", "Hello there", "-o", "said.wav", "--seed", "7")
    assert (outcome.status, outcome.out) == (0, b"")
    seconds = samples((tmp_path / "said.wav").read_bytes()) / 24_000
    said = re.fullmatch(
        r"said\.wav: ([\d.]+) s of audio in [\d.]+ s \([\d.]+ × real time\) by tiny on cpu, seed 7\n", outcome.err
    )
    assert said
    assert float(said[1]) == pytest.approx(seconds, abs=0.06)


def test_a_pipe_gets_the_same_bytes_and_no_bar(call: Call, tmp_path: Path) -> None:
    call("generate", "Hello there", "-o", "said.wav", "--seed", "7")
    outcome = call("generate", "Hello there", "-o", "-", "--seed", "7", "--quiet")
    assert outcome == (0, (tmp_path / "said.wav").read_bytes(), "")


def test_the_text_may_come_from_anywhere(call: Call, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(b"\xef\xbb\xbfHello there\n")
    ways = [
        call("generate", "Hello there", "-o-", "--seed", "1"),
        call("generate", "-t", "Hello there", "-o-", "--seed", "1"),
        call("generate", "--text", "-", "-o-", "--seed", "1", stdin=b"Hello\n there\n"),
        call("generate", "-i", "text.txt", "-o-", "--seed", "1"),
        call("generate", "--input_file", "text.txt", "-o-", "--seed", "1"),
    ]
    assert {way.status for way in ways} == {0}
    assert len({way.out for way in ways}) == 1


def test_options_are_passed_on(call: Call, checkpoint: Path) -> None:
    plain = call("generate", "Hello", "-o-", "--seed", "1").out
    assert call("generate", "Hello", "-o-", "--seed", "2").out != plain
    assert call("generate", "Hello", "-o-", "--seed", "1", "--temperature", "0").out != plain
    named = call("generate", "Hello", "-o-", "--seed", "1", "-v", "v2/en_speaker_1").out
    assert named != plain
    path = checkpoint / "voices" / "v2" / "en_speaker_1.npz"
    assert call("generate", "Hello", "-o-", "--seed", "1", "--voice", str(path)).out == named
    same = call("generate", "Hello", "-o-", "--seed=1", "--model", str(checkpoint), "--device=cpu", "--dtype=float32")
    assert same.out == plain


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Hi", "-v", "en_speaker_0"], "did you mean v2/en_speaker_0"),
        (["Hi", "--model", "./nowhere"], "no config.json in"),
        (["Hi", "-o", "missing/said.wav"], "there is no folder"),
        (["Hi", "-o", "."], "it is a folder"),
        (["Hi", "-o", "said.mp3"], "only WAV is written"),
        (["-i", "none.txt"], "can't read none.txt: No such file or directory"),
        ([""], "there is no text to speak"),
        (["a\udcffb"], "half a character"),
    ],
)
def test_failures_are_a_sentence_and_status_1(call: Call, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    outcome = call("generate", *arguments)
    assert (outcome.status, outcome.out) == (1, b"")
    assert sentence in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.glob("*.wav"))


def test_input_that_is_not_utf8(call: Call) -> None:
    outcome = call("generate", "-t", "-", stdin=b"ab\xff")
    assert (outcome.status, outcome.err) == (1, "bark: standard input is not UTF-8: byte 2 is 0xFF\n")


def test_broken_weights(call: Call, own_checkpoint: Path) -> None:
    path = own_checkpoint / "coarse.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    outcome = call("generate", "Hi", "--model", str(own_checkpoint))
    assert outcome.status == 1
    assert "coarse.safetensors is not a whole safetensors file" in outcome.err


def test_a_full_disk(run: Callable[..., Any]) -> None:
    outcome = run("generate", "Hi", "-o", "/dev/full")
    assert outcome.returncode == 1
    assert outcome.stderr == b"bark: can't write /dev/full: the disk is full\n"


def test_a_full_disk_behind_standard_output(run: Callable[..., Any]) -> None:
    with Path("/dev/full").open("wb") as full:
        outcome = run("generate", "Hi", "-o", "-", stdout=full)
    assert outcome.returncode == 1
    assert outcome.stderr == b"bark: can't write to standard output: No space left on device\n"


def test_an_interrupted_write_leaves_nothing(run: Callable[..., Any], tmp_path: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    outcome = run("generate", "Hello there", "-o", "said.wav", preexec_fn=small_files_only)
    assert outcome.returncode == 1
    assert b"can't write said.wav: the file would be larger than is allowed" in outcome.stderr
    assert list(tmp_path.iterdir()) == []
