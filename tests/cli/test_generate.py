"""`bark generate`: where the text comes from, where the audio goes, and what is said about it."""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bark.audio.loudness import measure

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
    from_file = call("generate", "Hello", "-o-", "--seed", "1", "--voice", str(path)).out
    assert from_file.partition(b"data")[2] == named.partition(b"data")[2]  # what comes before says the voice's name
    same = call("generate", "Hello", "-o-", "--seed=1", "--model", str(checkpoint), "--device=cpu", "--dtype=float32")
    assert same.out == plain


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Hi", "-v", "en_speaker_0"], "did you mean v2/en_speaker_0"),
        (["Hi", "--model", "./nowhere"], "no config.json in"),
        (["Hi", "-o", "missing/said.wav"], "there is no folder"),
        (["Hi", "-o", "."], "it is a folder"),
        (["Hi", "-o", "said.wma"], "no audio format is called .wma"),
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


def after_head(wav: bytes) -> bytes:
    """The samples of a WAV file."""
    return wav.partition(b"data")[2][4:]


LONG = "Hello there. The boat left. It is dawn. I like pizza."


def test_a_long_text_is_spoken_line_by_line(call: Call, tmp_path: Path) -> None:
    outcome = call("generate", LONG, "-o", "said.wav", "--seed", "7")
    assert re.search(r" s of audio, \d lines, in .* seed 7\n$", outcome.err)
    assert samples((tmp_path / "said.wav").read_bytes()) > 4 * 24_000
    assert call("generate", LONG, "-o-", "-q", "--seed", "7").out == (tmp_path / "said.wav").read_bytes()


def test_a_stream_is_the_same_audio(run: Callable[..., Any], call: Call) -> None:
    whole = call("generate", LONG, "-o-", "-q", "--seed", "7").out
    streamed = run("generate", LONG, "-o-", "-q", "--seed", "7", "--stream")
    assert streamed.returncode == 0
    assert after_head(streamed.stdout) == after_head(whole)
    assert streamed.stdout[:8] == b"RIFF" + b"\xff" * 4  # how long it will be isn't known
    assert samples(streamed.stdout) == samples(whole)


def test_a_stream_begins_before_it_ends(checkpoint: Path) -> None:
    command = [sys.executable, "-m", "bark", "generate", LONG * 40, "-o-", "-q", "--stream", "--seed", "7"]
    command += ["--model", str(checkpoint), "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(10_000)) == 10_000
        assert process.poll() is None
        process.kill()


def test_formats(call: Call, tmp_path: Path) -> None:
    assert call("generate", "Hello", "-o", "said.flac", "--seed", "1").status == 0
    assert (tmp_path / "said.flac").read_bytes()[:4] == b"fLaC"
    pcm = call("generate", "Hello", "-o-", "--format", "pcm", "--seed", "1", "-q").out
    assert pcm == after_head(call("generate", "Hello", "-o-", "--seed", "1", "-q").out)


@pytest.mark.parametrize(
    "option",
    [
        "--semantic-temperature=0",
        "--coarse-temperature=0",
        "--fine-temperature=0",
        "--top-k=1",
        "--top-p=0.01",
        "--max-duration=0.4",
        "--min-eos-p=1e-30",
        "--coarse-windows=wide",
        "--best-of=3",
    ],
)
def test_sampling(option: str, call: Call) -> None:
    plain = call("generate", "Hello there", "-o-", "--seed", "1", "-q").out
    other = call("generate", "Hello there", "-o-", "--seed", "1", "-q", option)
    assert other.status == 0
    assert other.out != plain
    assert call("generate", "Hello there", "-o-", "--seed", "1", "-q", option).out == other.out


def test_retries(call: Call) -> None:
    outcome = call("generate", "Hello there", "-o-", "--seed", "1", "-q", "--retries", "1")
    assert outcome.err.startswith("bark: warning: line 1 ('Hello there') looks wrong after 2 tries: it doesn't end")


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--retries=-1", "retries must be a whole number"),
        ("--best-of=0", "best_of must be a whole number"),
        ("--top-p=2", "top_p must be a number"),
        ("--max-duration=0", "max_duration must be a number above 0"),
        ("--format=wma", "there is no audio format 'wma'"),
        ("--coarse-windows=wider", "'wider' are no coarse windows; say exact, wide, widest"),
    ],
)
def test_nonsense_is_told(option: str, sentence: str, call: Call) -> None:
    outcome = call("generate", "Hi", option)
    assert outcome.status in (1, 2)
    assert sentence in outcome.err


class Loudspeaker:
    """Stands for `sounddevice`."""

    def __init__(self, fault: str = "") -> None:
        self.heard: list[np.ndarray] = []
        self._fault = fault

    def check_output_settings(self, **settings: Any) -> None:
        if self._fault == "none":
            raise ValueError("no default output device")

    def OutputStream(self, samplerate: int, **settings: Any) -> Loudspeaker:
        assert samplerate == 24_000
        return self

    def __enter__(self) -> Loudspeaker:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def write(self, audio: np.ndarray) -> None:
        if self._fault == "unplugged":
            raise RuntimeError("device unavailable")
        self.heard.append(audio)


def test_playing(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loudspeaker = Loudspeaker()
    monkeypatch.setitem(sys.modules, "sounddevice", loudspeaker)
    outcome = call("generate", LONG, "--play", "--seed", "7")
    assert outcome.status == 0
    assert outcome.err.startswith("played: ")
    assert list(tmp_path.iterdir()) == []
    pcm = call("generate", LONG, "-o-", "--format", "pcm", "--seed", "7", "-q").out
    heard = np.concatenate(loudspeaker.heard)
    assert heard.shape == (len(pcm) // 2, 1)
    np.testing.assert_allclose(heard[:, 0], np.frombuffer(pcm, "<i2") / 32767, atol=1e-4)


@pytest.mark.parametrize(
    ("loudspeaker", "sentence"),
    [
        (None, "--play needs sounddevice, which is not installed: pip install 'openbark[play]'"),
        (Loudspeaker("none"), "there is no audio device to play on (no default output device)"),
        (Loudspeaker("unplugged"), "can't play: device unavailable"),
    ],
)
def test_nothing_to_play_on(
    loudspeaker: Loudspeaker | None, sentence: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", loudspeaker)
    outcome = call("generate", "Hello", "--play")
    assert outcome.status in (1, 2)
    assert sentence in outcome.err


def test_a_full_disk(run: Callable[..., Any]) -> None:
    outcome = run("generate", "Hi", "-o", "/dev/full")
    assert outcome.returncode == 1
    assert outcome.stderr == b"bark: can't write /dev/full: the disk is full\n"


def test_a_full_disk_behind_standard_output(run: Callable[..., Any]) -> None:
    with Path("/dev/full").open("wb") as full:
        outcome = run("generate", "Hi", "-o", "-", stdout=full)
    assert outcome.returncode == 1
    assert outcome.stderr == b"bark: can't write to standard output: the disk is full\n"


def test_an_interrupted_write_leaves_nothing(run: Callable[..., Any], tmp_path: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    outcome = run("generate", "Hello there", "-o", "said.wav", preexec_fn=small_files_only)
    assert outcome.returncode == 1
    assert b"can't write said.wav: the file would be larger than is allowed" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_says_what_it_is(call: Call, tmp_path: Path) -> None:
    call("generate", "Hello there", "-o", "said.flac", "--seed", "7", "--sample-rate", "16000")
    with soundfile.SoundFile(tmp_path / "said.flac") as file:
        assert file.samplerate == 16_000
        assert "Hello there" in file.title
        assert "Synthetic speech; model tiny, seed 7" in file.comment


def test_loudness(call: Call, tmp_path: Path) -> None:
    call("generate", "Hello there, all of you", "-o", "said.wav", "--seed", "7", "--loudness", "-30")
    call("generate", "Hello there, all of you", "-o", "left.wav", "--seed", "7")
    said, left = (soundfile.read(tmp_path / name)[0] for name in ("said.wav", "left.wav"))
    assert measure(said, 24_000)[0] == pytest.approx(-30, abs=0.1)
    assert np.corrcoef(said, left)[0, 1] > 0.999


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--loudness", "3"], "a loudness is −70 to 0 LUFS, not 3"),
        (["--loudness", "-16", "--stream"], "--loudness is known at the end, and --stream writes before it"),
        (["-o", "a.opus", "--sample-rate", "44100"], "opus can't hold 44100 Hz"),
    ],
)
def test_forms_that_cannot_be(call: Call, tmp_path: Path, options: list[str], says: str) -> None:
    outcome = call("generate", "Hello there", *options)
    assert outcome.status != 0
    assert says in outcome.err
    assert not list(tmp_path.iterdir())
