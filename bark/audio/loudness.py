"""Loudness by ITU-R BS.1770-4 and EBU R 128, measured and set without ever holding the whole audio."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bark.audio.filter import Filter
from bark.audio.resample import ResampleStream
from bark.audio.samples import Audio, Floats, as_audio
from bark.errors import OptionError, OutputError
from bark.files import reason

PODCAST, BROADCAST = -16.0, -23.0  # LUFS that are usual
PEAK = -1.0  # dBTP, EBU R 128
OVERSAMPLING = 4
GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS; LU below what passes the first
STEPS = 10  # a second; a gating block is four of them
BLOCK = 65_536
RATES = (8000, 192_000)
Array = npt.NDArray[np.float64]


class Meter:
    """Measures audio as it comes; ten numbers a second are kept of it."""

    def __init__(self, sample_rate: int) -> None:
        """Args:
        sample_rate: Hz.

        Raises:
            OptionError: the weighting is not defined at such a rate.
        """
        if not RATES[0] <= sample_rate <= RATES[1]:
            raise OptionError(f"loudness is measured at {RATES[0]} to {RATES[1]} Hz, not {sample_rate}")
        self._rate = sample_rate
        self._weighting = Filter(k_weighting(sample_rate))  # as the ear weights it
        self._energies: list[float] = []  # of the steps: sums of squares of the weighted audio
        self._step = np.empty(0)  # of which not all has come
        self._seen = 0
        self._peak = 0.0
        self._finer = ResampleStream(sample_rate, OVERSAMPLING * sample_rate)

    def push(self, audio: Audio) -> None:
        """Takes audio [T]."""
        for start in range(0, len(audio), BLOCK):
            self._take(audio[start : start + BLOCK])

    def _take(self, audio: Audio) -> None:
        self._see_peak(audio)
        self._see_peak(self._finer.push(audio))
        self._step = np.concatenate([self._step, self._weighting.push(audio)])
        while len(self._step) >= (length := self._step_length()):
            self._energies.append(float(np.square(self._step[:length]).sum()))
            self._step, self._seen = self._step[length:], self._seen + length

    def _step_length(self) -> int:
        """Samples of the next step, so that steps keep time where a tenth of a second is no whole number."""
        return round((len(self._energies) + 1) * self._rate / STEPS) - self._seen

    def _see_peak(self, audio: Audio) -> None:
        self._peak = max(self._peak, float(np.abs(audio).max(initial=0.0)))

    def loudness(self) -> float:
        """Integrated loudness in LUFS; −inf of silence and of less than 0.4 s, which BS.1770 can't measure."""
        energies = np.array(self._energies)
        if len(energies) < 4:
            return -math.inf
        sums = np.convolve(energies, np.ones(4), "valid")
        blocks = sums / (4 * self._rate / STEPS)
        loud = blocks[blocks > _power(GATE)]
        if not len(loud):
            return -math.inf
        loud = loud[loud > loud.mean() * 10 ** (RELATIVE_GATE / 10)]
        return _lufs(float(loud.mean()))

    def true_peak(self) -> float:
        """The peak between the samples too, 4 times oversampled, in dBTP; call it once all has come."""
        self._see_peak(self._finer.finish())
        return 20 * math.log10(self._peak) if self._peak else -math.inf


def k_weighting(sample_rate: int) -> Array:
    """Impulse response [0.25 s] of the K-weighting of BS.1770: a shelf that lifts the high, then a high-pass.

    The two filters are given there for 48 kHz; their analogue parameters (B. De Man, Evaluation of
    implementations of the EBU R128 loudness measurement, AES 145, 2018) give them for any rate. After a quarter
    of a second what is left of the response is below what doubles can hold.
    """
    response = np.zeros(sample_rate // 4)
    response[0] = 1.0
    return _filtered(_filtered(response, *_shelf(sample_rate)), *_high_pass(sample_rate))


def _shelf(sample_rate: int) -> tuple[tuple[float, float, float], tuple[float, float]]:
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    whole = 1 + k / q + k * k
    ahead = (high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k)
    return (ahead[0] / whole, ahead[1] / whole, ahead[2] / whole), _back(k, q, whole)


def _high_pass(sample_rate: int) -> tuple[tuple[float, float, float], tuple[float, float]]:
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    return (1.0, -2.0, 1.0), _back(k, q, 1 + k / q + k * k)


def _back(k: float, q: float, whole: float) -> tuple[float, float]:
    return 2 * (k * k - 1) / whole, (1 - k / q + k * k) / whole


def _filtered(audio: Array, ahead: tuple[float, float, float], back: tuple[float, float]) -> Array:
    """A filter of second order, run sample by sample."""
    out = np.zeros_like(audio)
    first = second = 0.0  # of the transposed direct form
    for index, value in enumerate(audio.tolist()):
        result = ahead[0] * value + first
        first = ahead[1] * value - back[0] * result + second
        second = ahead[2] * value - back[1] * result
        out[index] = result
    return out


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def gain_to(loudness: float, true_peak: float, target: float = PODCAST, peak: float = PEAK) -> float:
    """The factor that brings audio to a loudness, or as near as its peak lets it.

    Args:
        loudness: LUFS; where it is −inf only the peak counts, and quiet audio stays as it is.
        true_peak: dBTP.
        target: LUFS, −70 to 0.
        peak: dBTP that is not passed, −20 to 0.

    Raises:
        OptionError: the target or the peak makes no sense.
    """
    if not -70 <= target <= 0:
        raise OptionError(f"a loudness is −70 to 0 LUFS, not {target}")
    if not -20 <= peak <= 0:
        raise OptionError(f"a true peak is −20 to 0 dBTP, not {peak}")
    wanted = target - loudness if math.isfinite(loudness) else 0.0
    return float(10 ** (min(wanted, peak - true_peak) / 20))


def measure(audio: Floats, sample_rate: int) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP of audio [T].

    Raises:
        AudioError: the audio is not one row of finite floats.
    """
    meter = Meter(sample_rate)
    meter.push(as_audio(audio))
    return meter.loudness(), meter.true_peak()


def normalize(audio: Floats, sample_rate: int, target: float = PODCAST, peak: float = PEAK) -> Audio:
    """Audio [T] at a loudness, by one factor for all of it; see `gain_to`.

    Raises:
        AudioError: the audio is not one row of finite floats.
        OptionError: the target or the peak makes no sense.
    """
    audio = as_audio(audio)
    return audio * np.float32(gain_to(*measure(audio, sample_rate), target, peak))


class Writer(Protocol):
    """What audio can be written to, as an `AudioWriter`."""

    sample_rate: int

    def write(self, audio: Floats) -> None:
        """Takes audio [T]."""
        ...


class Levelled:
    """Keeps audio in a temporary file until its loudness is known; made by `levelled`."""

    def __init__(self, file: FileIO, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._file = file
        self._meter = Meter(sample_rate)

    def write(self, audio: Floats) -> None:
        """Takes audio [T].

        Raises:
            AudioError: it is not one row of finite floats.
            OutputError: there is no room for the temporary file.
        """
        checked = as_audio(audio)
        self._meter.push(checked)
        left = memoryview(checked.tobytes())
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise OutputError(f"can't keep the audio in {tempfile.gettempdir()}: {reason(error)}") from error

    def send(self, writer: Writer, target: float, peak: float) -> None:
        """Writes all of it, at the loudness, in blocks."""
        gain = np.float32(gain_to(self._meter.loudness(), self._meter.true_peak(), target, peak))
        self._file.seek(0)
        while data := self._file.read(4 * BLOCK):
            writer.write(np.frombuffer(data, np.float32) * gain)


@contextmanager
def levelled(writer: Writer, target: float = PODCAST, peak: float = PEAK) -> Iterator[Levelled]:
    """Takes audio of any length, and gives it to `writer` at a loudness when the block ends well.

    Memory does not grow with the audio; a temporary file of 4 bytes a sample does.

        with open_audio("a.mp3", 24_000) as file, levelled(file, PODCAST) as level:
            level.write(piece)

    Args:
        writer: of `open_audio`.
        target: LUFS.
        peak: dBTP that is not passed.

    Raises:
        OptionError: the target or the peak makes no sense.
        OutputError: there is no room for the temporary file.
    """
    gain_to(target, peak, target, peak)  # mistakes are told before the work is done
    with tempfile.TemporaryFile(buffering=0) as file:  # a full disk is told where it is written to, not at the end
        level = Levelled(file, writer.sample_rate)
        yield level
        level.send(writer, target, peak)
