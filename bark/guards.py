"""What looks wrong with an utterance: cheap checks of its tokens, and of its audio."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bark.engine.alignment import Alignment
from bark.models.config import GuardConfig, SoundConfig
from bark.text.duration import expected_duration
from bark.text.normalize import SAYABLE
from bark.text.tags import TAG

LOOSE = re.compile("[♪…]|—|" + TAG.pattern)  # what takes as long as it takes
SLOW, FAST = 1.8, 0.5  # times the expected duration; 71 utterances of pup took 0.78 to 1.09 times that
SLACK = 1.5  # seconds by which any text may take longer
HURRY = 0.1  # seconds less may be expected; of 72 utterances of a word or three, none took less than 0.7 of that
STILL = 1.5  # seconds for which the same semantic token may stand; of pup's 71, at most 0.28
PERIOD = 2.5  # seconds that a loop may be long
LOOP = 2.0  # seconds for which it may be what was said a period before
FRAME = 0.02  # seconds of a frame of audio
DEPTH, FLOOR = 35.0, -60.0  # dB below the loudest, and absolutely, under which a frame is silent
GAP = 1.6  # seconds of silence that may be between words; of pup's 71, at most 0.52
SILENT_SHARE = 0.6
QUIET = -42.0  # dB of full scale that the loudest frames must reach
CLIPPED, CLIPPED_SHARE = 0.985, 0.01
UNREACHED = 0.15  # share of the text at its end that may be without attention
SETBACK = 0.25  # share of the text that may be gone back …
LONGER = 1.1  # … unless it takes so many times as long as expected: who says something again takes longer

Audio = npt.NDArray[np.float32]


class Problem(NamedTuple):
    """Something that looks wrong.

    Attributes:
        text: says what.
        badness: how bad it is, to choose the least bad of several tries.
    """

    text: str
    badness: float


class Said(NamedTuple):
    """Semantic tokens to be judged.

    Attributes:
        text: that they should say.
        tokens: [T].
        rate: tokens a second.
        limited: whether the model wrote as many as it can.
        cut: whether it was told to stop there, so that their number says nothing.
        alignment: where they say the text, if the model tells.
        surprise: nats a token by which they surprise the model; None where its limit isn't known.
        limits: of the model.
        sounds: each tag that asks for a sound, and the seconds that were spent on it, if the model tells.
        known: what is known of such sounds.
    """

    text: str
    tokens: Sequence[int]
    rate: float
    limited: bool = False
    cut: bool = False
    alignment: Alignment | None = None
    surprise: float | None = None
    limits: GuardConfig = GuardConfig()
    sounds: Sequence[tuple[str, float]] = ()
    known: SoundConfig = SoundConfig()


def said_problems(said: Said) -> list[Problem]:
    """What looks wrong with semantic tokens: too many or too few, words or sounds that are missing, garble, a loop."""
    found = [] if said.cut else _length(said)
    found += [*_loops(said), *_garble(said)]
    return found if said.cut else [*found, *_coverage(said), *_sounds(said)]


def _length(said: Said) -> list[Problem]:
    seconds, expected = len(said.tokens) / said.rate, expected_duration(said.text)
    if said.limited:
        return [Problem(f"it doesn't end: {seconds:.1f} s, as long as the model can speak", 2 + seconds / expected)]
    if not SAYABLE.search(said.text):
        return []
    loose = 3 * len(LOOSE.findall(said.text))
    if seconds > SLOW * expected + SLACK + loose:
        return [Problem(f"it takes {seconds:.1f} s, where {expected:.1f} s are expected", seconds / expected)]
    if seconds < FAST * (expected - HURRY) or not len(said.tokens):
        return [Problem(f"it takes only {seconds:.1f} s, where {expected:.1f} s are expected", 3 - seconds / expected)]
    return []


def _loops(said: Said) -> list[Problem]:
    tokens = np.asarray(said.tokens)
    still = _run(tokens, 1) / said.rate
    if still > STILL:
        return [Problem(f"one sound stands for {still:.1f} s", still / STILL)]
    longest = max((_run(tokens, period) for period in range(2, round(PERIOD * said.rate))), default=0)
    if longest / said.rate > LOOP:
        return [Problem(f"it repeats itself for {longest / said.rate:.1f} s", longest / said.rate)]
    return []


def _run(tokens: npt.NDArray[np.int64], period: int) -> int:
    """Tokens in a row, at most, that are those a period before."""
    if len(tokens) <= period:
        return 0
    differ = np.flatnonzero(np.concatenate([[True], tokens[period:] != tokens[:-period], [True]]))
    return int(np.diff(differ).max() - 1)


def _garble(said: Said) -> list[Problem]:
    """Words that the model itself finds unlikely are words that hardly anyone understands."""
    most, nats = said.limits.surprise, said.surprise
    if most is None or nats is None or nats <= most:
        return []
    return [Problem(f"it surprises the model itself: {nats:.1f} nats a token, where {most:.1f} are usual", nats / most)]


def _coverage(said: Said) -> list[Problem]:
    if said.alignment is None:
        return []
    words = said.alignment.attention.shape[1]
    found = []
    if said.alignment.unreached > max(2, UNREACHED * words):
        share = said.alignment.unreached / words
        found.append(Problem(f"the last {share:.0%} of the text is not said", 1 + 2 * share))
    longer = len(said.tokens) / said.rate > LONGER * expected_duration(said.text)
    if longer and said.alignment.setback > max(4, SETBACK * words):
        share = said.alignment.setback / words
        found.append(Problem(f"{share:.0%} of the text is said again", 1 + share))
    return found


def _sounds(said: Said) -> list[Problem]:
    """Tags that were passed over, and sounds that don't end."""
    found = []
    for tag, seconds in said.sounds:
        shortest, longest = said.known.bounds(tag)
        if seconds < shortest:
            found.append(Problem(f"{tag} is not heard", 1.0))
        elif seconds > longest:
            found.append(Problem(f"{tag} takes {seconds:.1f} s", seconds / longest))
    return found


def heard_problems(audio: Audio, sample_rate: int) -> list[Problem]:
    """What looks wrong with audio [T]: silence, a level that isn't speech, clipping."""
    frame = round(FRAME * sample_rate)
    if len(audio) < frame:
        return []
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    level = 10 * np.log10((frames.astype(np.float64) ** 2).mean(1) + 1e-12)
    loud = float(np.percentile(level, 95))
    if loud < QUIET:
        return [Problem(f"it is nearly silent: {loud:.0f} dB at its loudest", (QUIET - loud) / 10)]
    found = _silence(level < max(loud - DEPTH, FLOOR))
    clipped = float((np.abs(audio) > CLIPPED).mean())
    if clipped > CLIPPED_SHARE:
        found.append(Problem(f"{clipped:.0%} of it is clipped", 10 * clipped))
    return found


def _silence(silent: npt.NDArray[np.bool_]) -> list[Problem]:
    """Of frames that are silent or not."""
    heard = np.flatnonzero(~silent)
    gap = float(np.diff(heard).max(initial=1) - 1) * FRAME
    found = [Problem(f"there is a silence of {gap:.1f} s in it", gap / GAP)] if gap > GAP else []
    if (share := float(silent.mean())) > SILENT_SHARE:
        found.append(Problem(f"{share:.0%} of it is silence", share))
    return found


def badness(problems: Sequence[Problem]) -> float:
    """Of all together."""
    return sum(each.badness for each in problems)
