"""`bark voices create`."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bark.cli import create
from bark.voices import Voice
from bark.voices.consent import STATEMENT
from tests.voices.speech import RATE, babble

Call = Callable[..., Any]


@pytest.fixture
def ann(hearing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording; the model can hear it, and nobody checks how many speak."""
    monkeypatch.setattr(create, "_embed", lambda: lambda audio, rate: np.eye(4)[0])
    monkeypatch.setenv("BARK_VOICES", str(tmp_path / "mine"))
    soundfile.write(tmp_path / "ann.flac", np.stack([babble(), 0.5 * babble()], 1), RATE)
    return tmp_path / "ann.flac"


@pytest.fixture
def make(call: Call, ann: Path, hearing: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("BARK_MODEL", str(hearing))
    return lambda *more, name="ann": call("voices", "create", name, str(ann), *more)


def test_a_voice_is_made_listed_shown_and_spoken_in(make: Call, call: Call, ann: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine" / "ann.npz"
    assert make("--i-have-consent", "--by", "Ann Example") == (0, f"{path}\n".encode(), "")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    about = Voice.from_npz(path).about
    assert about["recording_sha256"] == hashlib.sha256(ann.read_bytes()).hexdigest()
    assert (about["consent_by"], about["consent_statement"], about["model"]) == ("Ann Example", STATEMENT, "tiny")
    assert "ann" in call("voices", "list").out.decode().split()
    shown = call("voices", "show", "ann").out.decode()
    assert "consent by: Ann Example" in shown and "manner" in shown
    assert call("generate", "Hello", "--voice", "ann", "-o", "hello.wav", "-q").status == 0
    assert soundfile.info(tmp_path / "hello.wav").frames


def test_without_consent_nothing_is_made(make: Call, tmp_path: Path) -> None:
    outcome = make()
    assert (outcome.status, outcome.out) == (2, b"")
    assert outcome.err.startswith("bark: a voice is made only with its speaker's consent: --i-have-consent")
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 2)])
def test_on_a_terminal_it_asks(make: Call, monkeypatch: pytest.MonkeyPatch, answer: str, status: int) -> None:
    asked = []

    def confirm(question: str, err: bool) -> bool:
        asked.append(question)
        return answer == "y"

    monkeypatch.setattr(create, "_asks", lambda: True)
    monkeypatch.setattr(create.typer, "confirm", confirm)
    assert make().status == status
    assert asked == [f"{STATEMENT} Is that so?"]


def test_elsewhere_with_a_preview_and_in_its_own_manner(make: Call, call: Call, tmp_path: Path) -> None:
    outcome = make("--i-have-consent", "-o", "here.npz", "--preview", "here.wav", "--own-manner")
    assert outcome[:2] == (0, b"here.npz\n")
    assert Voice.from_npz(tmp_path / "here.npz").manner is None
    assert soundfile.info(tmp_path / "here.wav").frames
    assert not (tmp_path / "mine").exists()
    with np.load(tmp_path / "here.npz", allow_pickle=False) as arrays:  # as other programs read it
        assert arrays["fine_prompt"].shape[0] == 8
        assert json.loads(str(arrays["about"]))["model"] == "tiny"


def test_names_that_are_taken(make: Call) -> None:
    assert make("--i-have-consent").status == 0
    outcome = make("--i-have-consent")
    assert outcome.status == 1 and "of yours already; --force replaces it" in outcome.err
    assert make("--i-have-consent", "--force").status == 0
    assert "can't be called 'v2/en_speaker_0'" in make("--i-have-consent", name="v2/en_speaker_0").err


def test_what_is_wrong_is_one_sentence(make: Call, ann: Path, tmp_path: Path) -> None:
    soundfile.write(ann, babble(2.0), RATE)
    outcome = make("--i-have-consent")
    assert outcome.status == 1 and outcome.err.count("\n") == 1
    assert outcome.err.startswith("bark: the recording is too short: ")
    ann.write_bytes(b"nothing that sounds")
    assert make("--i-have-consent").err.startswith(f"bark: {ann} ")
    ann.unlink()
    assert "can't read" in make("--i-have-consent").err
    assert not (tmp_path / "mine").exists()


def test_places_where_nothing_can_be_written(make: Call, tmp_path: Path) -> None:
    assert "there is no folder" in make("--i-have-consent", "-o", "none/ann.npz").err
    assert "there is no folder" in make("--i-have-consent", "--preview", "none/ann.wav").err
    (tmp_path / "mine").write_text("a file")
    assert "can't make the folder of your voices" in make("--i-have-consent").err


def test_a_model_that_hears_nothing(make: Call, checkpoint: Path) -> None:
    outcome = make("--i-have-consent", "--model", str(checkpoint))
    assert outcome.status == 1
    assert outcome.err.startswith("bark: tiny has nothing that makes semantic tokens of a recording")
