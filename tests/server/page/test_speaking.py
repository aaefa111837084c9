"""Type, listen, stop, save; and what is said when something goes wrong."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.server.page.fake import DRAWN, RATE, Script, tone
from tests.server.page.looking import HEARD, IDLE, SILENT, kept, speak, until, with_voices

INKED = """(id) => {
  const canvas = document.getElementById(id);
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let at = 0; at < pixels.length; at += 4) inked += pixels[at + 3] > 0;
  return inked / (pixels.length / 4);
}"""


def test_speech_is_heard_before_all_of_it_is_made(page: Any, script: Script, sentence: str) -> None:
    script.gate.clear()
    speak(page, sentence)
    until(page, HEARD)
    assert not script.ended.is_set()
    assert "made of about" in page.inner_text("#progress-words")
    assert page.is_visible("#progress")
    assert 0 < page.evaluate(INKED, "spectrogram") < 0.5  # as far as it is made, of what is expected
    assert page.evaluate(INKED, "waveform") > 0
    script.gate.set()
    assert script.ended.wait(5)
    kept(page, 1)
    assert f"seed {DRAWN}" in page.inner_text("#stage-facts")
    until(page, "document.querySelector('#stage').dataset.state === 'ended'")
    assert page.inner_text("#time") == "0:01.5 / 0:01.5"
    assert page.evaluate(INKED, "spectrogram") > 0.95


def test_what_is_chosen_is_asked_for(page: Any, script: Script) -> None:
    page.fill("#text", "ANN: Who is there?\nBOB: A friend.")
    page.select_option("#voice", "v2/en_speaker_1")
    page.focus("#speed")
    page.keyboard.press("ArrowLeft")
    page.focus("#temperature")
    page.keyboard.press("ArrowRight")
    page.fill("#seed", "9223372036854775807")
    page.keyboard.press("Control+Enter")
    kept(page, 1)
    assert script.speech == [
        {
            "input": "ANN: Who is there?\nBOB: A friend.",
            "model": "pup",
            "voice": "v2/en_speaker_1",
            "temperature": 0.55,
            "speed": 0.93,
            "dialogue": True,
            "response_format": "pcm",
            "stream_format": "sse",
            "seed": 2**63 - 1,
        }
    ]


@pytest.mark.slow
def test_nothing_is_chosen_unless_it_is(page: Any, script: Script, sentence: str) -> None:
    speak(page, sentence)
    kept(page, 1)
    assert script.speech == [{"input": sentence, "model": "pup", "response_format": "pcm", "stream_format": "sse"}]


@pytest.mark.parametrize(
    "how", ["Escape", *(pytest.param(each, marks=pytest.mark.slow) for each in ("#speak", "#stop"))]
)
def test_stopping_ends_the_request(page: Any, script: Script, sentence: str, how: str) -> None:
    script.gate.clear()
    speak(page, sentence)
    until(page, HEARD)
    if how == "Escape":
        page.keyboard.press(how)
    else:
        page.click(how)
    assert script.left.wait(5)
    until(page, IDLE)
    until(page, SILENT)
    assert not page.is_visible("#trouble")
    assert page.locator("#takes li").count() == 0  # 0.2 s are not worth keeping


@pytest.mark.slow
def test_what_was_said_anew_replaces_what_was_being_said(page: Any, script: Script, sentence: str) -> None:
    script.gate.clear()
    speak(page, "The first.")
    until(page, HEARD)
    page.fill("#text", "The second.")
    page.keyboard.press("Control+Enter")
    assert script.left.wait(5)
    script.gate.set()
    kept(page, 1)
    assert page.inner_text("#stage-title") == "The second."


@pytest.mark.slow
def test_pausing_and_going_to_a_place(page: Any, script: Script, sentence: str) -> None:
    script.seconds = 6.0
    speak(page, sentence)
    until(page, HEARD)
    page.click("#play")
    until(page, "document.querySelector('#stage').dataset.state === 'paused'")
    until(page, SILENT)
    before = page.inner_text("#time")
    page.focus("#position")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert "0:03" <= page.inner_text("#time") < "0:05" and page.inner_text("#time") > before
    assert "of 6 seconds" in page.get_attribute("#position", "aria-valuetext")
    page.click("#play")
    until(page, HEARD)


def test_a_wav_file_is_made_here(page: Any, script: Script, sentence: str) -> None:
    speak(page, sentence)
    kept(page, 1)
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == f"hello-it-is-good-to-be-{DRAWN}.wav"
    with wave.open(io.BytesIO(Path(download.value.path()).read_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        assert file.readframes(file.getnframes()) == tone(script.seconds)
    assert len(script.speech) == 1


@pytest.mark.slow
def test_other_formats_are_asked_for_by_seed(page: Any, script: Script, sentence: str) -> None:
    speak(page, sentence)
    kept(page, 1)
    page.select_option("#format", "mp3")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename.endswith(".mp3")
    wanted = {"input": sentence, "model": "pup", "seed": DRAWN, "response_format": "mp3", "stream": False}
    assert script.speech[1] == wanted
    script.fault = (400, "y", "aac needs PyAV", {})
    page.select_option("#format", "aac")
    page.click("#download")
    page.wait_for_selector("#trouble:has-text('Aac needs PyAV.')")


def test_errors_are_said_in_words(page: Any, script: Script, sentence: str) -> None:
    script.fault = (429, "y", "too many requests wait", {"retry-after": "7"})
    speak(page, sentence)
    page.wait_for_selector("#trouble")
    said = "Too many requests wait. It may have room in 7 s."
    assert page.inner_text("#trouble-words") == said
    assert page.get_by_role("alert").all_text_contents()[0] == said
    until(page, IDLE)
    script.fault = None
    page.keyboard.press("Control+Enter")
    kept(page, 1)
    assert not page.is_visible("#trouble")


@pytest.mark.slow
def test_what_goes_wrong_on_the_way_is_said(page: Any, script: Script, sentence: str) -> None:
    script.breaks, script.piece = True, 48_001
    script.gate.clear()
    speak(page, sentence)
    until(page, HEARD)
    script.gate.set()
    page.wait_for_selector("#trouble:has-text('The connection broke before the end.')")
    page.wait_for_selector("#takes li:has-text('not all of it')")  # what was made is not lost
    script.breaks, script.late_fault = False, "the speech was not done in time"
    speak(page, sentence)
    page.wait_for_selector("#trouble:has-text('The speech was not done in time.')")


@pytest.mark.slow
def test_warnings_are_shown(page: Any, script: Script, sentence: str) -> None:
    script.warnings = ["Line 1 looks wrong: too long."]
    speak(page, sentence)
    page.wait_for_selector("#progress-words:has-text('Line 1 looks wrong: too long.')")


@pytest.mark.slow
def test_a_model_that_is_loading_is_waited_for(page: Any, script: Script, sentence: str) -> None:
    script.fault, script.faults = (503, "server_loading", "the server is loading", {"retry-after": "1"}), 1
    speak(page, sentence)
    page.wait_for_selector("#progress-words:has-text('The model is being loaded')")
    kept(page, 1)
    assert len(script.speech) == 2
    assert not page.is_visible("#trouble")


@pytest.mark.slow
def test_a_server_that_is_gone_is_told(page: Any, sentence: str) -> None:
    page.context.set_offline(True)
    speak(page, sentence)
    page.wait_for_selector("#trouble:has-text('The server can’t be reached.')")


@pytest.mark.slow
def test_mistakes_are_told_at_their_place(page: Any, script: Script, sentence: str) -> None:
    speak(page, "  \n")
    assert "no text yet" in page.inner_text("#trouble-words")
    assert page.evaluate("document.activeElement.id") == "text"
    for seed in ("-1", "1.5", "9223372036854775808", "seven"):
        page.fill("#seed", seed)
        speak(page, sentence)
        assert "A seed is a whole number" in page.inner_text("#trouble-words")
        assert page.evaluate("document.activeElement.id") == "seed"
    assert script.speech == []


def test_a_key_is_asked_for_and_kept_for_the_tab(open_page: Any, script: Script, sentence: str) -> None:
    script.key = "the-right-key-0123"
    page = open_page()
    page.wait_for_selector("#key-dialog[open]")
    assert page.evaluate("document.activeElement.id") == "key"
    page.fill("#key", "a-wrong-key-01234")
    page.keyboard.press("Enter")
    page.wait_for_selector("#key-words:has-text('The API key is wrong.')")
    page.fill("#key", script.key)
    page.keyboard.press("Enter")
    with_voices(page)
    assert page.evaluate("sessionStorage['bark-api-key']") == script.key
    page.reload()
    with_voices(page)
    speak(page, sentence)
    kept(page, 1)
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.slow
def test_nobody_must_give_a_key(open_page: Any, script: Script, sentence: str) -> None:
    script.key = "the-right-key-0123"
    page = open_page()
    page.wait_for_selector("#key-dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#trouble:has-text('An API key is needed.')")
    speak(page, sentence)
    page.wait_for_selector("#key-dialog[open]")
    page.click("#key-cancel")
    page.wait_for_selector("#trouble:has-text('An API key is needed.')")
    until(page, IDLE)
