"""`bark generate`: speaks a text into a WAV file."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bark.cli.arguments import Debug, Device, Dtype, Model, Offload, Quantize, Small
from bark.errors import OptionError, OutputError, TextError
from bark.options import GenerateOptions

if TYPE_CHECKING:
    from bark.result import Generation

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def generate(
    words: Annotated[str | None, typer.Argument(metavar="TEXT", help="What to say.", show_default=False)] = None,
    text: Annotated[str | None, typer.Option("-t", "--text", help="What to say; - reads standard input.")] = None,
    input_file: Annotated[
        Path | None, typer.Option("-i", "--input-file", help="A UTF-8 file with what to say.")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", help="The WAV file to write; - writes to standard output.")
    ] = "bark_generation.wav",
    voice: Annotated[
        str | None, typer.Option("-v", "--voice", help="Name of a voice, or an npz file; `bark voices list`.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed says it the same way.")] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="Lower is calmer; unless given, what suits the model.")
    ] = None,
    model: Model = None,
    device: Device = None,
    dtype: Dtype = None,
    quantize: Quantize = None,
    small: Small = None,
    offload: Offload = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors and warnings.")] = False,
    debug: Debug = False,
) -> None:
    """Speak a text.

    Give the text as an argument, with --text, or with --input-file.
    """
    GenerateOptions().with_changes(seed=seed, temperature=temperature)  # mistakes are told before anything is loaded
    said = read_text(words, text, input_file)
    _check_output(output)

    from bark.pipeline import Bark
    from bark.progress import shown_progress

    bark = Bark(model, device, dtype, quantize=quantize, small=small, offload=offload)
    with nullcontext() if quiet else shown_progress() as progress:
        result = bark.generate(said, voice, seed=seed, temperature=temperature, progress=progress)
    _write(result, output)
    if not quiet:
        typer.echo(f"{output}: {summary(result)} by {bark.config.name} on {bark.device}, seed {result.seed}", err=True)


def read_text(words: str | None, text: str | None, input_file: Path | None) -> str:
    """The text, from the one place where it was given.

    Raises:
        OptionError: it was given nowhere, or in several places.
        TextError: it can't be read, or isn't UTF-8.
    """
    if sum(value is not None for value in (words, text, input_file)) != 1:
        raise OptionError("give the text once: as an argument, with --text, or with --input-file")
    if input_file is not None:
        try:
            return _decoded(input_file.read_bytes(), str(input_file))
        except OSError as error:
            raise TextError(f"can't read {input_file}: {error.strerror}") from error
    if text == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input")
    return words if words is not None else text or ""


def _decoded(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TextError(f"{source} is not UTF-8: byte {error.start} is 0x{data[error.start]:02X}") from error


def _check_output(output: str) -> None:
    if output != "-":
        from bark.audio.write import check_wav_path

        check_wav_path(output)
    elif sys.stdout.isatty():
        raise OptionError("-o - writes a WAV file to standard output, which is a terminal; send it to a file or a pipe")


def _write(result: Generation, output: str) -> None:
    if output != "-":
        return result.save(output)
    from bark.audio.write import encode_wav

    data = encode_wav(result.audio, result.sample_rate)
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # what the buffer still holds can't be written either, and Python would complain of that when it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(f"can't write to standard output: {error.strerror}") from error


def summary(result: Generation) -> str:
    """Length, time and speed of a generation."""
    speed = result.duration / result.elapsed if result.elapsed else 0.0
    return f"{result.duration:.1f} s of audio in {result.elapsed:.1f} s ({speed:.1f} × real time)"
