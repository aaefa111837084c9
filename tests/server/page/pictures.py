"""Takes the pictures of docs/pictures: `python -m tests.server.page.pictures ADDRESS`, of a server that runs there.

It wants Playwright, Chromium, and fonts for all of the page's languages (Inter, Noto).
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.server.page.looking import kept, until, with_voices

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
COLOURS = 128
WIDE, NARROW = {"width": 1280, "height": 1000}, {"width": 360, "height": 800}
STORY = (
    "The boat left the harbour at dawn. Nobody saw it go, and nobody waved. "
    "It came back a week later, with nobody in it, and a lamp still burning."
)
FIRST = (("A story, and then some tea.", "v2/en_speaker_1"), ("It is good to be heard — at last!", "v2/en_speaker_4"))


def say(page: Any, text: str, voice: str, seed: int) -> None:
    """Has a text spoken."""
    page.fill("#text", text)
    page.select_option("#voice", voice)
    page.fill("#seed", str(seed))
    page.click("#speak")


def take(browser: Any, address: str, name: str, **options: Any) -> None:
    """Says some things, and takes a picture while the last is heard."""
    context = browser.new_context(**options)
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(address)
    with_voices(page)
    for count, (text, voice) in enumerate(FIRST, 1):
        say(page, text, voice, count)
        until(page, f"document.querySelectorAll('#takes li').length === {count}", 300)
    say(page, STORY, "v2/en_speaker_0", 3)
    until(page, "parseFloat(document.getElementById('position').value) > 3.4", 300)
    page.click("#play")
    if name.endswith("dark"):  # the light ones are taken while it is still made
        kept(page, 3)
    page.evaluate("document.activeElement.blur()")
    if "narrow" in name:
        page.evaluate("scrollTo(0, document.querySelector('.stage').offsetTop - 12)")
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(page.screenshot(full_page="wide" in name)))
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)
    context.close()


def main(address: str) -> None:
    """Takes all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        for theme in ("light", "dark"):
            take(browser, address, f"page-wide-{theme}", viewport=WIDE, color_scheme=theme)
            take(browser, address, f"page-narrow-{theme}", viewport=NARROW, color_scheme=theme, has_touch=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
