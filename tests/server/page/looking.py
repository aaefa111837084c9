"""What a test of the page sees and does."""

from __future__ import annotations

import time
from typing import Any

PATIENCE = 30.0  # seconds; a busy machine takes some of them
HEARD = "window.loudness() > 0.02"
SILENT = "window.loudness() < 0.001"
IDLE = "document.querySelector('#speak span').textContent === 'Speak'"


def until(page: Any, expression: str, patience: float = PATIENCE) -> None:
    """Waits until something is true. Playwright's own way evaluates text in the page, which its policy forbids."""
    end = time.monotonic() + patience
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never: {expression}"
        time.sleep(0.02)


def kept(page: Any, count: int) -> None:
    """Waits until so much is in the history."""
    until(page, f"document.querySelectorAll('#takes li').length === {count}")


def with_voices(page: Any) -> Any:
    """The page once it knows the voices."""
    page.wait_for_selector("#voice optgroup", state="attached")
    return page


def speak(page: Any, text: str) -> None:
    """Types a text, and presses the button."""
    page.fill("#text", text)
    page.click("#speak")
