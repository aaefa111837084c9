"""Plays audio while it is made."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bark import SAMPLE_RATE
from bark.errors import OptionError, OutputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Audio = npt.NDArray[np.float32]


def check_player() -> None:
    """Finds out whether there is anything to play on.

    Raises:
        OptionError: sounddevice or PortAudio is missing.
        OutputError: there is no device.
    """
    sounddevice = _sounddevice()
    try:
        sounddevice.check_output_settings(channels=1, dtype="float32", samplerate=SAMPLE_RATE)
    except Exception as error:  # PortAudioError, and ValueError where there is no default device
        raise OutputError(f"--play: there is no audio device to play on ({error})") from error


@contextmanager
def played(sample_rate: int) -> Iterator[Callable[[Audio], None]]:
    """Gives a function that takes audio [T] to be played, and waits for none of it; all is played when the block ends.

    If the block fails, what hasn't been played is dropped.

    Raises:
        OutputError: the device fails.
    """
    pieces: queue.SimpleQueue[Audio | None] = queue.SimpleQueue()
    faults: list[Exception] = []
    stopped = threading.Event()
    try:
        stream = _sounddevice().OutputStream(samplerate=sample_rate, channels=1, dtype="float32")
    except Exception as error:
        raise OutputError(f"can't play: {error}") from error

    def play() -> None:
        try:
            with stream:
                while (piece := pieces.get()) is not None and not stopped.is_set():
                    stream.write(piece[:, None])
        except Exception as error:
            faults.append(error)

    player = threading.Thread(target=play, name="play", daemon=True)
    player.start()
    try:
        yield pieces.put
    except BaseException:
        stopped.set()
        raise
    finally:
        pieces.put(None)
        player.join()
    if faults:
        raise OutputError(f"can't play: {faults[0]}") from faults[0]


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise OptionError("--play needs sounddevice, which is not installed: pip install 'openbark[play]'") from error
    except OSError as error:
        raise OptionError(
            "--play needs the PortAudio library, which is not here (on Debian and Ubuntu: apt install libportaudio2)"
        ) from error
    return sounddevice
