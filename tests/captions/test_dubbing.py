"""Lines spoken to fit their times, by a speaker of tones."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.captions import Cue, Fit, Limits, dub, plan
from bark.captions.dubbing import GAP, MARGIN
from bark.errors import BarkWarning, OptionError

RATE = 8000


def speak(cue: Cue) -> np.ndarray:
    """As many tenths of a second as the text has letters, with a fifth of silence on either side."""
    silence = np.zeros(RATE // 5, np.float32)
    tone = np.full(RATE // 10 * len(cue.text), 0.5, np.float32)
    return np.concatenate([silence, tone, silence])


def stretch(audio: np.ndarray, sample_rate: int, speed: float) -> np.ndarray:
    """Faster, and higher."""
    assert sample_rate == RATE
    return audio[(np.arange(round(len(audio) / speed)) * speed).astype(int)]


def made(cues: list[Cue], limits: Limits | None = None) -> tuple[np.ndarray, list[Fit]]:
    pieces = list(dub(cues, speak, stretch, RATE, limits))
    audio = [piece for piece in pieces if not isinstance(piece, Fit)]
    return np.concatenate(audio), [piece for piece in pieces if isinstance(piece, Fit)]


def loud(audio: np.ndarray, start: float, end: float) -> float:
    """Share of a span that is loud."""
    return float((np.abs(audio[round(start * RATE) : round(end * RATE)]) > 0.1).mean())


class TestPlan:
    def test_what_fits_is_not_hurried(self) -> None:
        (one, two) = plan([Cue("a", 1, 3), Cue("b", 5, 6)], [2.5, 1.0])
        assert (one.start, one.speed, one.available) == (1, 1.0, pytest.approx(4 - GAP))
        assert (two.start, two.speed, two.available) == (5, 1.0, None)

    def test_a_long_line_is_faster(self) -> None:
        (one, _) = plan([Cue("a", 0, 2), Cue("b", 2 + GAP, 3)], [2.5, 1.0])
        assert one.speed == pytest.approx(1.25)
        assert one.late == 0

    def test_a_short_line_is_slower_up_to_its_end(self) -> None:
        (one, two) = plan([Cue("a", 0, 2), Cue("b", 9, 10)], [1.8, 0.2], Limits(0.8, 1.5))
        assert one.speed == pytest.approx(0.9)
        assert two.speed == 0.8

    def test_beyond_the_limit_there_is_a_warning_and_the_next_begins_late(self) -> None:
        with pytest.warns(BarkWarning, match=r"cue 1 at 0 s \('a'\) takes 4.0 s, but has 2.0 s: at 1.5 times .* 0.7 s"):
            (one, two) = plan([Cue("a", 0, 2), Cue("b", 2 + GAP, 4), Cue("c", 9, 10)], [4.0, 1.0, 1.0])[:2]
        assert one.speed == 1.5
        assert two.start == pytest.approx(4 / 1.5 + GAP)

    def test_nothing_said(self) -> None:
        (one,) = plan([Cue("a", 0, 2)], [0.0])
        assert (one.speed, one.end) == (1.0, 0.0)

    @given(st.data())
    def test_lines_never_overlap(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, 8))
        edges = sorted(data.draw(st.lists(st.floats(0, 30), min_size=2 * count, max_size=2 * count)))
        cues = [Cue("x", start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
        seconds = data.draw(st.lists(st.floats(0, 8), min_size=count, max_size=count))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BarkWarning)
            fits = plan(cues, seconds)
        assert all(each.start >= each.cue.start and 0.8 <= each.speed <= 1.5 for each in fits)
        assert all(b.start >= a.end for a, b in pairwise(fits))


class TestDub:
    def test_lines_are_where_their_cues_are(self) -> None:
        audio, fits = made([Cue("x" * 10, 1.0, 2.0 + 2 * MARGIN), Cue("x" * 5, 15.0, 15.6)])
        assert [each.speed for each in fits] == pytest.approx([1.0, 1.0], abs=0.02)
        assert fits[0].natural == pytest.approx(1.0 + 2 * MARGIN, abs=0.03)
        assert loud(audio, 0, 1.0) == 0
        assert loud(audio, 1.1, 2.0) == 1
        assert loud(audio, 2.2, 15.0) == 0
        assert loud(audio, 15.1, 15.5) == 1
        assert len(audio) / RATE == pytest.approx(15.6, abs=0.05)

    def test_a_hurried_line_ends_before_the_next(self) -> None:
        audio, fits = made([Cue("x" * 13, 0.0, 1.0), Cue("x" * 5, 1.1, 2.0)])
        assert 1.2 < fits[0].speed < 1.5
        assert fits[1].start == 1.1
        assert loud(audio, 1.04, 1.14) < 0.2

    def test_a_late_line_delays_the_next(self) -> None:
        with pytest.warns(BarkWarning, match="cue 1 at 0 s"):
            audio, fits = made([Cue("x" * 30, 0.0, 1.0), Cue("x" * 5, 1.0, 5.0)])
        assert fits[1].start == pytest.approx(3.1 / 1.5 + GAP, abs=0.05)
        assert len(audio) / RATE == pytest.approx(fits[1].end, abs=0.05)

    def test_silence_comes_in_pieces(self) -> None:
        pieces = dub([Cue("x", 3600.0, 3601.0)], speak, stretch, RATE)
        lengths = [len(next(pieces)) for _ in range(360)]  # type: ignore[arg-type]
        assert lengths == [10 * RATE] * 360

    def test_a_silent_line(self) -> None:
        audio, (fit,) = made([Cue("", 1.0, 2.0)])
        assert (fit.natural, fit.speed, len(audio)) == (0.0, 1.0, RATE)

    def test_cues_are_asked_for_one_ahead(self) -> None:
        asked = []

        def source() -> object:
            for n in range(4):
                asked.append(n)
                yield Cue("x", 2.0 * n, 2.0 * n + 1)

        pieces = dub(source(), speak, stretch, RATE)  # type: ignore[arg-type]
        next(piece for piece in pieces if isinstance(piece, Fit))
        assert asked == [0, 1]


@pytest.mark.parametrize("limits", [(0.0, 1.5), (1.1, 1.5), (0.8, 0.9), (0.8, 11.0)])
def test_impossible_limits(limits: tuple[float, float]) -> None:
    with pytest.raises(OptionError, match="speeds must be from"):
        Limits(*limits)
