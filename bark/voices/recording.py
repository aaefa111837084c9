"""What of a recording a voice can be made of, and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bark.audio.pitch import voiced_share
from bark.audio.samples import Audio
from bark.errors import AudioError

HOP = 0.01  # seconds of a frame
SHORTEST = 3.0  # seconds of speech
FAINT = -50.0  # dB, of speech, where full scale is 0
CLIPPED = 0.002  # of the samples of speech at the very top; unclipped speech has a tenth of that
TOP = 0.97  # of the peak: resampling rounds what was cut flat
NOISY = 15.0  # dB that speech is above what is heard in its pauses
BELOW, ABOVE = 30.0, 6.0  # dB below the loud frames, and above the noise; what is quieter is a pause
PAUSE = 0.12  # seconds; plosives are shorter
VOICED = 0.15  # of the loud frames, that have a pitch: whispering and noise have none
LIVELY = 10.0  # dB between the soft and the loud tenth; of music, hums and noise it is less
BREATH = 0.3  # seconds of a pause that are kept
TAIL = 0.1  # seconds of the pause that the stretch ends in
Levels = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Recording:
    """Audio, looked at in hundredths of a second.

    Attributes:
        audio: [T].
        sample_rate: Hz.
        levels: of each frame, dB, where full scale is 0, [N].
        speech: which of them are loud enough to be speech, [N].
    """

    audio: Audio
    sample_rate: int
    levels: Levels
    speech: Mask

    @classmethod
    def of(cls, audio: Audio, sample_rate: int) -> Recording:
        """Measures audio [T]."""
        levels = _levels(audio, round(HOP * sample_rate))
        return cls(audio, sample_rate, levels, _speech(levels))

    def pieces(self, seconds: float) -> list[Audio]:
        """The speech, without its pauses, in pieces of so many seconds; what is left over is left out."""
        hop = round(HOP * self.sample_rate)
        speech = self.audio[: len(self.speech) * hop].reshape(-1, hop)[self.speech].reshape(-1)
        size = round(seconds * self.sample_rate)
        return [speech[start : start + size] for start in range(0, len(speech) - size + 1, size)]

    @property
    def seconds(self) -> float:
        """Of speech, pauses left out."""
        return float(self.speech.sum()) * HOP

    def check(self) -> None:
        """Finds out whether a voice can be made of it.

        Raises:
            AudioError: what is wrong with it first of all.
        """
        for look in (self._faint, self._steady, self._short, self._clipped, self._noisy, self._unvoiced):
            if fault := look():
                raise AudioError(f"the recording {fault}")

    def tight(self) -> Recording:
        """The same without silence at its ends, and with no pause longer than `BREATH`."""
        hop, places = round(HOP * self.sample_rate), np.flatnonzero(self.speech)
        if not len(places):
            return self
        kept = np.zeros(len(self.speech), np.bool_)
        half = round(BREATH / HOP / 2)
        for place in places:
            kept[max(0, place - half) : place + half + 1] = True
        kept[: max(0, places[0] - 1)] = False
        audio = self.audio[: len(kept) * hop].reshape(-1, hop)[kept].reshape(-1)
        return Recording(audio, self.sample_rate, self.levels[kept], self.speech[kept])

    def stretch(self, longest: float) -> Audio:
        """The best part of it: as much speech as there can be, ending in a pause, neither too loud nor too soft.

        Args:
            longest: seconds.
        """
        size = round(longest / HOP)
        ends = [end for end in self._ends() if end >= min(size, len(self.speech))] or [len(self.speech)]
        begins = [max(0, end - size) for end in ends]
        typical = float(np.median(self.levels[self.speech]))
        worth = [self._worth(begin, end, typical) for begin, end in zip(begins, ends, strict=True)]
        best = int(np.argmax(worth))
        hop = round(HOP * self.sample_rate)
        return self.audio[begins[best] * hop : ends[best] * hop]

    def _worth(self, begin: int, end: int, typical: float) -> float:
        """Share of speech, less what its level is off by; 6 dB are worth a tenth of the time."""
        speech = self.speech[begin:end]
        if not speech.any():
            return -math.inf
        off = abs(float(np.median(self.levels[begin:end][speech])) - typical)
        return float(speech.mean()) - off / 60

    def _ends(self) -> list[int]:
        """Frames a little into each pause."""
        places = np.flatnonzero(self.speech)
        after = np.append(places[1:], len(self.speech)) - places - 1  # silent frames; at the end a word may be cut off
        return [int(place) + 1 + round(TAIL / HOP) for place in places[after >= round(PAUSE / HOP)]]

    def _faint(self) -> str | None:
        heard = self.levels[self.speech] if self.speech.any() else self.levels
        level = float(np.median(heard)) if len(heard) else -math.inf
        if level >= FAINT:
            return None
        return f"is too quiet: it is at {level:.0f} dB, and at least {FAINT:.0f} are needed; speak up, or come nearer"

    def _steady(self) -> str | None:
        spread = float(np.quantile(self.levels, 0.9) - np.quantile(self.levels, 0.1))
        return None if spread >= LIVELY else "seems to be no speech, but music or noise: its level hardly changes"

    def _short(self) -> str | None:
        if self.seconds >= SHORTEST:
            return None
        total = len(self.audio) / self.sample_rate
        heard = f"{self.seconds:.1f} seconds of speech in {total:.1f}"
        return f"is too short: {heard}; {SHORTEST:g} are needed, and 10 are better"

    def _clipped(self) -> str | None:
        hop = round(HOP * self.sample_rate)
        heard = np.abs(self.audio[: len(self.speech) * hop].reshape(-1, hop)[self.speech])
        share = float((heard >= TOP * heard.max()).mean())
        if share < CLIPPED:
            return None
        return f"is clipped: {share:.1%} of its samples are at the very top; record at a lower level"

    def _noisy(self) -> str | None:
        ratio = self.signal_to_noise
        if ratio >= NOISY:
            return None
        return f"is too noisy: speech is {ratio:.0f} dB above what is heard in its pauses; {NOISY:.0f} are needed"

    def _unvoiced(self) -> str | None:
        share = voiced_share(self.audio, self.sample_rate)
        return None if share >= VOICED else "seems to be no speech: hardly anything in it has a pitch"

    @property
    def signal_to_noise(self) -> float:
        """dB between speech and its pauses, or, where it has none, its softest twentieth."""
        pauses = self.levels[~self.speech]
        soft = np.sort(self.levels)[: max(1, len(self.levels) // 20)]
        noise = pauses if len(pauses) >= len(soft) else soft
        return _mean(self.levels[self.speech]) - _mean(noise)


def _levels(audio: Audio, hop: int) -> Levels:
    frames = audio[: len(audio) // hop * hop].reshape(-1, hop).astype(np.float64)
    levels: Levels = 10 * np.log10(np.square(frames).mean(1) + 1e-12)
    return levels


def _speech(levels: Levels) -> Mask:
    """Frames that are not far below the loud ones, and above the noise; what lies between them is no pause if short."""
    if not len(levels):
        return np.zeros(0, np.bool_)
    loud, soft = np.quantile(levels, 0.95), np.quantile(levels, 0.05)
    mask: Mask = levels > max(loud - BELOW, soft + ABOVE)
    places = np.flatnonzero(mask)
    for place, after in pairwise(places):
        if after - place <= round(PAUSE / HOP):
            mask[place:after] = True
    return mask


def _mean(levels: Levels) -> float:
    """The level of their mean power."""
    return 10 * math.log10(float(np.mean(10 ** (levels / 10)))) if len(levels) else -math.inf
