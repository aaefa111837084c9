"""`bark generate` with scripts, captions, stems and projects; `bark redo`; `bark dub`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bark.captions import read_captions

Call = Callable[..., Any]

PLAY = """\
---
cast: {ANN: v2/en_speaker_0, BOB: v2/en_speaker_1}
---
ANN: Hello there.
BOB: I like pizza.
CARL: The boat left.
DORA: It is dawn.
ANN: Hello.
"""
LONG = "Hello there. The boat left. It is dawn. I like pizza."


def test_four_people(call: Call, tmp_path: Path) -> None:
    (tmp_path / "play.txt").write_text(PLAY)
    command = ["-i", "play.txt", "--dialogue", "--cast", "CARL=v2/de_speaker_0", "--cast", "dora=v2/en_speaker_1"]
    command += ["--captions", "a.srt", "--captions", "a.vtt", "--captions", "a.json", "--stems", "stems", "--seed", "3"]
    outcome = call("generate", *command, "-o", "play.wav")
    assert outcome.status == 0, outcome.err
    whole, _ = soundfile.read(tmp_path / "play.wav", dtype="int16")
    stems = {path.stem: soundfile.read(path, dtype="int16")[0] for path in (tmp_path / "stems").iterdir()}
    assert sorted(stems) == ["ANN", "BOB", "CARL", "dora"]
    assert np.array_equal(sum(stems.values()), whole)
    cues = json.loads((tmp_path / "a.json").read_text())["cues"]
    assert [cue["speaker"] for cue in cues] == ["ANN", "BOB", "CARL", "dora", "ANN"]
    assert [cue["text"] for cue in cues] == [line.partition(": ")[2] for line in PLAY.splitlines()[3:]]
    for cue in cues:
        middle = round((cue["start"] + cue["end"]) / 2 * 24_000)
        speaking = [name for name, stem in stems.items() if np.abs(stem[middle - 2400 : middle + 2400]).max() > 0]
        assert speaking == [cue["speaker"]]
    for suffix in (".srt", ".vtt"):
        shown = read_captions(tmp_path / f"a{suffix}")
        assert " ".join(" ".join(cue.text.split()) for cue in shown) == " ".join(cue["text"] for cue in cues)


def test_captions_by_word(call: Call, tmp_path: Path) -> None:
    outcome = call("generate", "Hello there", "--captions", "a.srt", "--captions-by", "word", "--seed", "1", "-q")
    assert outcome == (0, b"", "")
    assert [cue.text for cue in read_captions(tmp_path / "a.srt")] == ["Hello", "there"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--captions", "a.txt"], "captions are written to .srt, .vtt or .json, not to a.txt"),
        (["--captions", "no/a.srt"], "there is no folder"),
        (["--captions", "a.srt", "--captions-by", "letter"], "by segment or by word, not by 'letter'"),
        (["--cast", "ANN"], "--cast wants NAME=VOICE"),
        (["--cast", "ANN=x", "--cast", "ann=y"], "--cast has ann twice"),
        (["--cast", "ANN=nobody"], "there is no voice 'nobody'"),
        (["--restart"], "--restart is of a --project"),
        (["--stems", "text.txt"], "can't make the folder 'text.txt'"),
        (["--project", "text.txt"], "can't make a project in 'text.txt'"),
    ],
)
def test_mistakes_are_told(arguments: list[str], sentence: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("ANN: Hi.")
    outcome = call("generate", "-i", "text.txt", *arguments)
    assert outcome.status in (1, 2)
    assert sentence in outcome.err
    assert not list(tmp_path.glob("*.wav"))


def test_a_project_goes_on_and_a_line_is_redone(call: Call, tmp_path: Path) -> None:
    first = call("generate", LONG, "--project", "book", "--captions", "book/mix.srt")
    assert first.status == 0, first.err
    mix = (tmp_path / "book" / "mix.wav").read_bytes()
    said = read_captions(tmp_path / "book" / "mix.srt")
    seed = first.err.split()[-1]
    plain = call("generate", LONG, "-o", "-", "-q", "--seed", seed).out
    assert mix.partition(b"data")[2] == plain.partition(b"data")[2]

    assert call("generate", LONG, "--project", "book").status == 0
    assert (tmp_path / "book" / "mix.wav").read_bytes() == mix
    other = call("generate", LONG + " Hello.", "--project", "book")
    assert (other.status, other.out) == (1, b"")
    assert "book is a project of something else: " in other.err

    redone = call("redo", "book", "2-3", "--seed", "12")
    assert redone.status == 0, redone.err
    assert [line.rpartition(" ")[2] for line in redone.err.splitlines()[:2]] == ["12", "12"]
    assert (tmp_path / "book" / "mix.wav").read_bytes() != mix
    again = read_captions(tmp_path / "book" / "mix.srt")
    assert again == said  # the tiny model says everything in two seconds
    text = call("redo", "book", "2", "--text", "Not now.", "-o", "other.wav", "-q")
    assert text == (0, b"", "")
    assert "Not now." in [cue.text for cue in read_captions(tmp_path / "book" / "mix.srt")]
    assert call("generate", LONG, "--project", "book", "--restart", "--seed", seed).status == 0
    assert (tmp_path / "book" / "mix.wav").read_bytes() == mix


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none", "1"], "there is no project in none"),
        (["book", "0"], "a line is a number from 1 or a range such as 5-7, not '0'"),
        (["book", "3-2"], "not '3-2'"),
        (["book", "1", "2", "--text", "Hi."], "--text is what one line says"),
        (["book", "9"], "there is no line 9 in book, but 1 lines"),
        (["book", "1", "-v", "nobody"], "there is no voice 'nobody'"),
    ],
)
def test_what_cannot_be_redone(arguments: list[str], sentence: str, call: Call, tmp_path: Path) -> None:
    call("generate", "Hello.", "--project", "book", "-q")
    mix = (tmp_path / "book" / "mix.wav").read_bytes()
    outcome = call("redo", *arguments)
    assert outcome.status in (1, 2)
    assert sentence in outcome.err
    assert (tmp_path / "book" / "mix.wav").read_bytes() == mix
    assert not (tmp_path / "none").exists()


SRT = """\
1
00:00:01,000 --> 00:00:02,500
ANN: Hello there.

2
00:00:05,000 --> 00:00:06,000
...

3
00:00:08,000 --> 00:00:12,000
BOB: I like pizza.

4
00:00:15,000 --> 00:00:16,000
And so.
"""


def test_captions_are_dubbed(call: Call, tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_text(SRT)
    outcome = call("dub", "film.srt", "-o", "film.wav", "--cast", "BOB=v2/en_speaker_1", "--seed", "1")
    assert outcome.status == 0, outcome.err
    assert "4 captions" in outcome.err
    audio, rate = soundfile.read(tmp_path / "film.wav")
    loud = [np.abs(audio[round(a * rate) : round(b * rate)]).max(initial=0) > 0 for a, b in ((0, 0.99), (1, 2), (5, 6))]
    assert loud == [False, True, False]
    assert not audio[round(7 * rate) : round(7.99 * rate)].any()
    assert len(audio) / rate > 15
    again = call("dub", "film.srt", "-o", "-", "-q", "--cast", "BOB=v2/en_speaker_1", "--seed", "1")
    assert again == (0, (tmp_path / "film.wav").read_bytes(), "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["film.txt"], "captions are read from .srt and .vtt, not from film.txt"),
        (["none.srt"], "can't read none.srt"),
        (["film.srt", "--fastest", "9"], "a speed is 0.25 to 4, not 9"),
        (["film.srt", "--slowest", "1.2"], "speeds must be from"),
        (["film.srt", "-o", "film.wma"], "no audio format is called .wma"),
    ],
)
def test_what_cannot_be_dubbed(arguments: list[str], sentence: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_text(SRT)
    outcome = call("dub", *arguments)
    assert outcome.status in (1, 2)
    assert sentence in outcome.err
