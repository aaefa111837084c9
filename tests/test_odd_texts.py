"""Texts that nobody would write: each is spoken or refused, and soon."""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bark.errors import BarkError, BarkWarning
from bark.options import GenerateOptions
from bark.pipeline import Bark

LONGEST = 100_000  # characters
PATIENCE = 20.0  # seconds of computing until a text counts as stuck; the slowest of 100 000 characters took a fifth
ALPHABETS = (
    "aeinrst",
    "àéîöß",
    "дежзий",
    "αβγδ",
    "的一是不了",
    "あのカタ",
    "가나다",
    "कखिी्",
    "ابتث",
    "אבגד",
    "กขคำ",
    "ሀሁሂ",
    "0123456789",
    "²½Ⅷ①٣५",
    "ﷺ㌀ǆﬃ",  # each becomes several characters when it is normalised
)
ODD = (
    "[laughs]",
    "[",
    "]",
    "[[",
    "[music",
    "♪",
    "♪ la la ♪",
    "😀",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "☃️",
    "a\u0301\u0308",
    "\u0301",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u202e",
    "\u2066",
    "\x00",
    "\x1b[31m",
    "\ud800",
    "\U0010ffff",
    "\ue000",
    "\n\n",
    "\r\n",
    "\u2028",
    "\x85",
    "\u3000",
    "\t",
    " ",
    ".",
    "…",
    "—",
    "。",
    "!?",
    "***",
    "—,;:",
    '"',
    "'",
    "<0x41>",
    "</s>",
    "A: ",
    "---\n",
    "https://a.b/c?d=e&f",
    "1e308",
    "Dr. ",
    "$3.50",
)


def odd_texts(longest: int) -> st.SearchStrategy[str]:
    """Pieces of many scripts and none, some of them over and over again."""
    words = st.one_of(*(st.text(letters, min_size=1, max_size=12) for letters in ALPHABETS))
    piece = st.one_of(st.sampled_from(ODD), words, st.text(max_size=20))
    times = st.one_of(st.just(1), st.integers(1, 12), st.integers(1, longest))
    repeated = st.builds(lambda text, count: text * min(count, longest // max(1, len(text))), piece, times)
    joined = st.builds(
        str.join, st.sampled_from(["", " ", "\n", "\n\n", ", ", "\u200b"]), st.lists(repeated, max_size=8)
    )
    return joined.map(lambda text: text[:longest])


def speaks_or_refuses(bark: Bark, text: str, retries: int = 0) -> None:
    options = GenerateOptions(seed=1, retries=retries, max_duration=0.5)
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BarkWarning)
        try:
            made = bark.generate(text, options=options)
        except BarkError:
            made = None
    assert time.process_time() - started < PATIENCE
    if made is not None:
        assert np.isfinite(made.audio).all()
        assert made.utterances
        assert made.duration <= 0.5 + 0.04


def plans_or_refuses(bark: Bark, text: str) -> None:
    started = time.process_time()
    try:
        lines = bark.plan(text)
    except BarkError:
        lines = []
    assert time.process_time() - started < PATIENCE
    assert all(line.text.strip() and 0 <= line.pause <= 3600 for line in lines)


BRIEF = settings(max_examples=25, deadline=None, derandomize=True)
THOROUGH = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


@BRIEF
@given(odd_texts(400))
@example("5" * 5000)
@example("[laughs]" * 40)
@example("a\u200b" * 300)
def test_an_odd_text_is_spoken_or_refused(bark: Bark, text: str) -> None:
    speaks_or_refuses(bark, text, retries=len(text) % 2)


@BRIEF
@given(odd_texts(2000))
@example("x" * 20_000)
@example("猫" * 20_000)
@example("5" * 5000)
@example("\u0301" * 5000)
@example("a" + "\u0301" * 5000)
@example("[" * 5000)
@example("\u200b" * 20_000)
def test_an_odd_text_is_planned_or_refused(bark: Bark, text: str) -> None:
    plans_or_refuses(bark, text)


@pytest.mark.slow
@THOROUGH
@given(odd_texts(LONGEST))
def test_many_odd_texts_are_planned_or_refused(bark: Bark, text: str) -> None:
    plans_or_refuses(bark, text)


@pytest.mark.slow
@THOROUGH
@given(odd_texts(3000), st.integers(0, 1))
def test_many_odd_texts_are_spoken_or_refused(bark: Bark, text: str, retries: int) -> None:
    speaks_or_refuses(bark, text, retries)


@pytest.mark.slow
def test_the_bundled_model_speaks_or_refuses_odd_texts(bundled: Path) -> None:
    pup = Bark(bundled, "cpu")

    @settings(THOROUGH, max_examples=200)
    @given(odd_texts(3000), st.integers(0, 1))
    def check(text: str, retries: int) -> None:
        plans_or_refuses(pup, text)
        speaks_or_refuses(pup, text, retries)

    check()
