"""`python -m bark --text …`: the flags of Suno's package, without a subcommand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bark.cli.arguments import Debug
from bark.errors import OptionError
from bark.options import SamplingOptions
from bark.settings import truth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bark.api import FullGeneration

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def original(
    text: Annotated[str | None, typer.Option("--text", help="What to say.")] = None,
    output_filename: Annotated[
        str, typer.Option("--output-filename", help="The file to write, in the format of its suffix.")
    ] = "bark_generation.wav",
    output_dir: Annotated[Path, typer.Option("--output-dir", help="Folder to write to; it is made.")] = Path(),
    history_prompt: Annotated[
        str | None, typer.Option("--history-prompt", help="Name of a voice, or an npz file.")
    ] = None,
    text_temp: Annotated[float | None, typer.Option("--text-temp", help="Lower is calmer; of what is said.")] = None,
    waveform_temp: Annotated[
        float | None, typer.Option("--waveform-temp", help="Lower is calmer; of the sound.")
    ] = None,
    silent: Annotated[str, typer.Option("--silent", metavar="BOOL", help="true for no progress bar.")] = "false",
    output_full: Annotated[
        str, typer.Option("--output-full", metavar="BOOL", help="true to write the tokens too, as a voice, in an npz.")
    ] = "false",
    model: Annotated[
        str | None, typer.Option("--model", help="Name or folder of the model; else $BARK_MODEL, else pup.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Speak a text, with the flags of Suno's package; `bark generate` has more."""
    if text is None:
        raise OptionError("give the text with --text")
    quiet, full = truth(silent, "--silent"), truth(output_full, "--output-full")
    for temperature in (text_temp, waveform_temp):
        SamplingOptions(temperature)  # a mistake is told before anything is loaded
    target = _target(output_dir, output_filename)

    from bark import SAMPLE_RATE, generation
    from bark.api import generate_audio, save_as_prompt
    from bark.audio.writer import write_audio
    from bark.generation import TEMPERATURE

    if model is not None:
        generation.MODEL = model
    said, sounding = (TEMPERATURE if given is None else given for given in (text_temp, waveform_temp))
    made = generate_audio(text, history_prompt, said, sounding, quiet, output_full=True)
    tokens, audio = cast("tuple[FullGeneration, NDArray[np.float32]]", made)
    write_audio(target, audio, SAMPLE_RATE)
    if full:
        save_as_prompt(target.with_suffix(".npz"), tokens)
    typer.echo(f"the audio is in {target}" + (f", its tokens in {target.with_suffix('.npz')}" if full else ""))


def _target(folder: Path, name: str) -> Path:
    """The file to write, once it is known that it can be written; the folder is made."""
    from bark.audio.formats import check_audio_path
    from bark.checkpoints.tensors import make_folder

    make_folder(folder)
    check_audio_path(folder / name)
    return folder / name
