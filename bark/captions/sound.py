"""Where audio is silent."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

HOP = 0.01  # seconds
QUIET = 0.02  # of the loudest hundredth, 34 dB below it; what is quieter is silence
SILENT = 1e-4  # where full scale is 1, silence however quiet the rest
PAUSE = 0.2  # seconds of silence; a word has none as long as that, where a plosive's is shorter


class Sound:
    """Which hundredths of a second of audio are loud.

    Args:
        audio: [T] in [−1, 1].
        sample_rate: Hz.
    """

    def __init__(self, audio: FloatArray, sample_rate: int) -> None:
        hop = round(HOP * sample_rate)
        count = len(audio) // hop
        frames = np.asarray(audio[: count * hop], np.float32).reshape(count, hop)
        level = np.sqrt(np.square(frames).mean(1))
        self.loud: BoolArray = level > max(SILENT, QUIET * float(np.quantile(level, 0.99)) if count else 0.0)

    @property
    def start(self) -> float:
        """Seconds at which the sound begins; 0 where there is none."""
        return self._edges()[0]

    @property
    def end(self) -> float:
        """Seconds at which the sound ends; 0 where there is none."""
        return self._edges()[1]

    def within(self, start: float, end: float) -> tuple[float, float]:
        """The longest stretch of sound without a pause between two times, or these where there is none."""
        first = max(0, round(start / HOP))
        places = np.flatnonzero(self.loud[first : max(first, round(end / HOP))]) + first
        if not len(places):
            return start, end
        runs = np.split(places, np.flatnonzero(np.diff(places) > PAUSE / HOP) + 1)
        longest = max(runs, key=len)
        return max(start, longest[0] * HOP), min(end, (longest[-1] + 1) * HOP)

    def at(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Seconds at which these shares (0 … 1) of all the sound have been heard; pauses don't count."""
        places = np.flatnonzero(self.loud)
        if not len(places):
            return shares * len(self.loud) * HOP
        gaps = np.diff(places, append=places[-1] + 1)
        heard = np.where(gaps > PAUSE / HOP, 1, gaps).cumsum()
        times: npt.NDArray[np.float64] = np.interp(shares * heard[-1], [0, *heard], [places[0], *(places + 1)]) * HOP
        return times

    def _edges(self) -> tuple[float, float]:
        places = np.flatnonzero(self.loud)
        return (places[0] * HOP, (places[-1] + 1) * HOP) if len(places) else (0.0, 0.0)
