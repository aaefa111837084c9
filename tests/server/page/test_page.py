"""What is on the page beside speech: examples, voices, history, looks, and how it is used without a mouse."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Any

import pytest

from tests.server.page.fake import DRAWN, RATE, Script
from tests.server.page.looking import HEARD, SILENT, kept, speak, until, with_voices

RUN_AXE = """() => axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
  .then((found) => found.violations.map((fault) => `${fault.id}: ${fault.nodes.map((node) => node.html).join(" ")}`))"""
ADD_MANY = """async ([count, bytes]) => {
  const { History } = await import("/page/history.js");
  const { Take } = await import("/page/take.js");
  const history = new History();
  for (let i = 0; i < count; i++) {
    const take = new Take({ input: `Number ${i}.` });
    take.add(new Int16Array(bytes / 2));
    take.end(true);
    await history.add(take, new Uint8Array(1));
  }
  return (await history.all()).map((entry) => entry.request.input);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, as it comes with a package that the page's own does not need."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def test_tags_go_where_the_cursor_is(page: Any) -> None:
    page.fill("#text", "Oh dear.")
    page.evaluate("document.getElementById('text').setSelectionRange(2, 2)")
    page.click("#tags >> text='[sighs]'")
    assert page.input_value("#text") == "Oh [sighs] dear."
    page.keyboard.type("my")
    assert page.input_value("#text") == "Oh [sighs]my dear."
    page.fill("#text", "la la")
    page.keyboard.press("Control+a")
    page.click("#tags >> text='♪'")
    assert page.input_value("#text") == "♪ la la ♪ "


@pytest.mark.slow
def test_examples_fill_the_form(page: Any) -> None:
    page.click("#tricks >> text='Man and woman'")
    assert page.input_value("#text").startswith("MAN: ")
    assert page.is_checked("#dialogue")
    page.click("#languages >> text='Deutsch'")
    assert page.input_value("#voice") == "v2/de_speaker_0"
    assert not page.is_visible("#dialogue")
    assert page.locator(".chip.foreign").count() == 11
    assert "English and German" in page.inner_text("#languages-note")
    assert page.locator("#languages button").count() == 13
    assert page.inner_text("#expected").startswith("About 4")


@pytest.mark.slow
def test_voices_can_be_heard_first(page: Any, script: Script) -> None:
    page.select_option("#voice", "v2/de_speaker_0")
    page.click("#preview")
    until(page, HEARD)
    assert script.speech[0]["input"] == "Hallo! So klinge ich."
    assert script.speech[0]["voice"] == "v2/de_speaker_0"
    page.click("#preview")
    until(page, SILENT)
    page.click("#preview")
    until(page, HEARD)
    assert len(script.speech) == 1  # it is known by now
    assert page.locator("#takes li").count() == 0


def test_a_voice_is_made_from_a_recording_with_consent(page: Any, script: Script, recording: Path) -> None:
    page.click("#record")
    page.click("#recording-send")
    assert page.inner_text("#recording-fault") == "The voice needs a name."
    page.fill("#recording-name", "Me")
    page.click("#recording-send")
    assert page.inner_text("#recording-fault") == "Choose a recording, or make one."
    page.set_input_files("#recording-file", recording)
    page.click("#recording-send")
    assert "has to agree" in page.inner_text("#recording-fault")
    assert script.forms == []
    page.check("#consent")
    page.click("#recording-send")
    page.wait_for_selector("#recording-dialog", state="hidden")
    assert page.input_value("#voice") == "voice_1"
    form = script.forms[0]
    assert b'name="name"\r\n\r\nMe\r\n' in form and b'name="consent"\r\n\r\ntrue\r\n' in form
    assert b'name="audio"; filename="me.wav"' in form and recording.read_bytes() in form
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#remove-voice")
    until(page, "document.getElementById('voice').value === ''")
    assert script.deleted == ["voice_1"]


@pytest.mark.slow
def test_a_voice_is_made_from_what_the_microphone_hears(page: Any, script: Script) -> None:
    page.click("#record")
    page.fill("#recording-name", "Me")
    page.check("#consent")
    page.click("#microphone")
    page.wait_for_selector("#microphone-words:has-text('Recording…')")
    page.wait_for_timeout(700)
    page.click("#microphone")
    page.wait_for_selector("#microphone-words:has-text('Recorded')")
    page.click("#recording-send")
    page.wait_for_selector("#recording-dialog", state="hidden")
    sound = script.forms[0].partition(b"RIFF")[2]
    assert sound[4:8] == b"WAVE" and int.from_bytes(sound[20:24], "little") == RATE
    assert int.from_bytes(sound[36:40], "little") > 0.3 * RATE * 2


def test_the_history_outlasts_the_page(page: Any, script: Script, sentence: str) -> None:
    for text in (sentence, "And this."):
        speak(page, text)
        page.wait_for_selector(f"#takes li:has-text('{text}')")
    page.reload()
    kept(page, 2)
    assert page.locator("#takes li .said").all_inner_texts() == ["And this.", sentence]
    row = page.locator("#takes li").nth(1)
    row.get_by_role("button", name="Play").click()
    until(page, HEARD)
    assert page.inner_text("#stage-title") == sentence
    with page.expect_download() as download:
        row.get_by_role("button", name="Download").click()
    assert Path(download.value.path()).stat().st_size == 44 + 2 * RATE * script.seconds
    assert len(script.speech) == 2
    row.get_by_role("button", name="Delete").click()
    kept(page, 1)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Delete: And this."
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#clear")
    kept(page, 0)
    assert page.is_visible("#shelf-empty")


@pytest.mark.slow
def test_what_was_made_is_made_otherwise(page: Any, script: Script, sentence: str) -> None:
    page.select_option("#voice", "v2/en_speaker_1")
    page.fill("#seed", "7")
    speak(page, sentence)
    kept(page, 1)
    page.locator("#takes li").get_by_role("button", name="Again with another seed").click()
    kept(page, 2)
    assert [request.get("seed") for request in script.speech] == [7, None]
    assert script.speech[1]["voice"] == "v2/en_speaker_1"
    page.click("#keep-seed")
    assert page.input_value("#seed") == str(DRAWN)
    page.reload()
    kept(page, 2)
    with_voices(page)
    page.locator("#takes li").nth(1).get_by_role("button", name="Put text and settings back").click()
    filled = [page.input_value(field) for field in ("#text", "#voice", "#seed")]
    assert filled == [sentence, "v2/en_speaker_1", "7"]


@pytest.mark.slow
def test_the_history_is_bounded(page: Any) -> None:
    texts = page.evaluate(ADD_MANY, [103, 200])
    assert texts == [f"Number {number}." for number in range(102, 2, -1)]
    assert page.evaluate(ADD_MANY, [3, 90_000_000]) == ["Number 2.", "Number 1."]


@pytest.mark.slow
def test_the_theme_can_be_switched(open_page: Any) -> None:
    page = open_page(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    assert page.inner_text("#theme") == "Light"
    page.click("#theme")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == dark  # it follows the system again


@pytest.mark.parametrize("width", [360, *(pytest.param(each, marks=pytest.mark.slow) for each in (320, 768, 1280))])
def test_nothing_is_cut_at_any_width(open_page: Any, sentence: str, width: int) -> None:
    page = with_voices(open_page(viewport={"width": width, "height": 740}))
    speak(page, f"{sentence} {'Donaudampfschifffahrt' * 9}")
    kept(page, 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = """[...document.querySelectorAll("button, input, select, textarea, h2, p")].filter((each) => {
      const box = each.getBoundingClientRect();
      return box.width > 1 && each.id !== "said" && (box.left < 0 || box.right > innerWidth + 0.5);
    }).map((each) => each.outerHTML)"""
    assert page.evaluate(outside) == []


@pytest.mark.slow
def test_all_can_be_done_by_keyboard(page: Any, script: Script, sentence: str) -> None:
    speak(page, sentence)
    kept(page, 1)
    page.click("#shelf-title")
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
    wanted = """[...document.querySelectorAll("a, button, input, select, textarea")].filter((each) =>
      each.checkVisibility({ visibilityProperty: true }) && !each.disabled && !each.closest("dialog")).length"""
    described = """(() => {
      const style = getComputedStyle(document.activeElement);
      const at = document.activeElement;
      const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      return [at.id || at.textContent || at.getAttribute("aria-label"), ring, at === document.body];
    })()"""
    reached: list[str] = []
    page.keyboard.press("Shift+Tab")
    while not page.evaluate("document.activeElement.classList.contains('skip')"):
        page.keyboard.press("Shift+Tab")
    for _ in range(200):
        name, ring, body = page.evaluate(described)
        if body:
            break
        assert ring, f"no focus is seen on {name}"
        reached.append(name)
        page.keyboard.press("Tab")
    assert len(reached) == page.evaluate(wanted)  # and then out of the page: nothing holds the focus


@pytest.mark.slow
def test_a_dialog_gives_the_focus_back(page: Any, script: Script) -> None:
    page.focus("#record")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "recording-name"
    page.keyboard.press("Control+Enter")  # speaks nothing while the form is open
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "record"
    assert script.speech == []


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_no_fault(open_page: Any, axe: str, script: Script, sentence: str, theme: str) -> None:
    page = with_voices(open_page(color_scheme=theme, reduced_motion="reduce"))
    page.evaluate(axe)
    assert page.evaluate(RUN_AXE) == []
    page.click("#tricks >> text='Man and woman'")
    page.click("#speak")
    kept(page, 1)
    script.fault = (429, "y", "too many requests wait", {})
    page.click("#another")
    page.wait_for_selector("#trouble")
    assert page.evaluate(RUN_AXE) == []
    page.click("#record")
    page.click("#recording-send")
    assert page.evaluate(RUN_AXE) == []
