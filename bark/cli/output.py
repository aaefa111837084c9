"""Where the audio of a command goes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from bark.audio.formats import check_audio_path, named_format
from bark.audio.tags import Tags
from bark.cli.play import check_player, played
from bark.errors import OptionError, OutputError
from bark.files import reason

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bark.audio.loudness import Levelled
    from bark.audio.writer import AudioWriter

    Write = Callable[[npt.NDArray[np.float32]], None]

STDOUT = "-"


@dataclass(frozen=True)
class Form:
    """How audio is written.

    Attributes:
        format: of the file; None for what its name says, or WAV.
        sample_rate: Hz; None for the model's.
        loudness: LUFS that the whole is brought to; None leaves it.
        tags: what the file says of itself.
    """

    format: str | None = None
    sample_rate: int | None = None
    loudness: float | None = None
    tags: Tags | None = None


def check_output(target: str | None, form: Form, *, at_once: bool = False, play: bool = False) -> None:
    """Finds out whether audio can go there, before the work is done.

    Raises:
        OptionError: standard output is a terminal, --play can't play, or what is written at once is to be levelled.
        OutputError: no file can be there, or there is no such format.
    """
    if form.loudness is not None:
        from bark.audio.loudness import PEAK, gain_to

        gain_to(form.loudness, PEAK, form.loudness, PEAK)
        if at_once:
            raise OptionError("--loudness is known at the end, and --stream writes before it; choose one of them")
    if target == STDOUT:
        named_format(form.format or "wav")
        if sys.stdout.isatty():
            raise OptionError("-o - writes audio to standard output, which is a terminal; send it to a file or a pipe")
    elif target is not None:
        check_audio_path(target, form.format)
    if play:
        check_player()


@contextmanager
def opened(
    target: str | None, sample_rate: int, form: Form, *, at_once: bool = False, play: bool = False
) -> Iterator[Write]:
    """Gives a function that takes audio [T], piece by piece; memory does not grow with its length.

    Args:
        target: a path, whose file is whole or not there; `-` for standard output; None for neither.
        sample_rate: Hz.
        form: of what is written.
        at_once: whether standard output gets the audio as it comes. The head of a WAV file in a pipe can't say then
            how long it is. Else it gets all of it at the end.
        play: whether it is played too.

    Raises:
        OutputError: it can't be written.
    """
    with ExitStack() as stack:
        writers: list[Write] = []
        if play:
            writers.append(stack.enter_context(played(sample_rate)))
        if target == STDOUT:
            way = _streamed if at_once else _spooled
            writers.append(stack.enter_context(way(sample_rate, form)))
        elif target is not None:
            writers.append(stack.enter_context(_written(target, sample_rate, form)).write)

        def write(audio: npt.NDArray[np.float32]) -> None:
            for each in writers:
                each(audio)

        yield write


@contextmanager
def _written(target: str | BinaryIO, sample_rate: int, form: Form) -> Iterator[AudioWriter | Levelled]:
    from bark.audio.loudness import levelled
    from bark.audio.writer import open_audio

    file = open_audio(target, sample_rate, format=form.format, output_rate=form.sample_rate, tags=form.tags)
    with ExitStack() as stack:
        writer = stack.enter_context(file)
        yield writer if form.loudness is None else stack.enter_context(levelled(writer, form.loudness))


@contextmanager
def _streamed(sample_rate: int, form: Form) -> Iterator[Write]:
    with _standard_output() as out, _written(out, sample_rate, form) as writer:

        def write(audio: npt.NDArray[np.float32]) -> None:
            writer.write(audio)
            out.flush()

        yield write


@contextmanager
def _spooled(sample_rate: int, form: Form) -> Iterator[Write]:
    with tempfile.TemporaryFile() as spool:
        with _written(cast(BinaryIO, spool), sample_rate, form) as writer:
            yield writer.write
        spool.seek(0)
        with _standard_output() as out:
            shutil.copyfileobj(spool, out)


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except (OutputError, BrokenPipeError) as error:
        raise _failure(error) from error
    except OSError as error:
        if type(error) is not OSError:
            raise
        raise _failure(error) from error


def _failure(error: OSError) -> OutputError:
    # what the buffer still holds can't be written either, and Python would complain of that when it exits
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    cause = error.__cause__ if isinstance(error, OutputError) else error
    return OutputError(f"can't write to standard output: {reason(cause) if isinstance(cause, OSError) else error}")
