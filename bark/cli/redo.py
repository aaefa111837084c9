"""`bark redo`: speaks some lines of a project anew, and makes its audio of all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from bark.audio.tags import Tags
from bark.cli.arguments import CoarseWindows, Debug, Device, Dtype, Model, Offload, Quantize, Small
from bark.cli.beside import Beside, stem_suffix, taking
from bark.cli.keeping import MIX
from bark.cli.output import Form, check_output, opened
from bark.errors import OptionError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MIXED_CAPTIONS = ("mix.srt", "mix.vtt", "mix.json")
MOST = 100_000  # lines of a range


@app.command()
def redo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of the project.", show_default=False)],
    lines: Annotated[list[str], typer.Argument(metavar="LINE…", help="Numbers from 1, and ranges such as 5-7.")],
    seed: Annotated[int | None, typer.Option("--seed", help="Of the lines; else another one than before.")] = None,
    voice: Annotated[str | None, typer.Option("-v", "--voice", help="Who says them now.")] = None,
    text: Annotated[str | None, typer.Option("-t", "--text", help="What is said now; of one line.")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="Lower is calmer.")] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help=f"The file to write; {MIX} in DIR unless given.")
    ] = None,
    format: Annotated[str | None, typer.Option("--format", help="wav, flac, mp3, ogg, opus, aac, m4a or pcm.")] = None,
    captions: Annotated[
        list[str] | None,
        typer.Option("--captions", help=".srt, .vtt or .json; those in DIR called mix are written anew anyway."),
    ] = None,
    captions_by: Annotated[str, typer.Option("--captions-by", help="segment or word.")] = "segment",
    stems: Annotated[Path | None, typer.Option("--stems", help="A folder for a file of each speaker.")] = None,
    model: Model = None,
    device: Device = None,
    dtype: Dtype = None,
    quantize: Quantize = None,
    small: Small = None,
    offload: Offload = None,
    coarse_windows: CoarseWindows = "exact",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors and warnings.")] = False,
    debug: Debug = False,
) -> None:
    """Speak some lines of a project anew; the others stay as they are."""
    from bark.project import Changes, Project
    from bark.project.project import manifest_of

    indices = numbered(lines)
    if text is not None and len(indices) != 1:
        raise OptionError("--text is what one line says; name one line")
    changes = Changes(seed, voice, text, temperature)
    manifest_of(folder)  # that there is a project is found out before anything is made
    target = output or str(folder / MIX)
    there = [str(folder / name) for name in MIXED_CAPTIONS if (folder / name).is_file()]
    wanted = Beside((*(captions or ()), *there), captions_by, stems, stem_suffix(target, format))
    check_output(target, Form(format))
    wanted.check()

    from bark.pipeline import Bark
    from bark.progress import shown_progress
    from bark.result import Utterance

    bark = Bark(model, device, dtype, quantize=quantize, small=small, offload=offload, coarse_windows=coarse_windows)
    with ExitStack() as stack:
        project = stack.enter_context(Project(bark.parts, folder))
        project.open(indices)
        with shown_progress(shown=not quiet) as progress:
            for utterance in project.redo(indices, changes, progress):
                if not quiet:
                    typer.echo(
                        f"line {utterance.index + 1}: {utterance.duration:.1f} s, seed {utterance.seed}", err=True
                    )
        form = Form(format, tags=Tags(project.text, model=bark.config.name))
        write = stack.enter_context(opened(target, bark.sample_rate, form))
        taken = stack.enter_context(taking(bark.parts, wanted))
        samples = 0
        for piece in project.pieces():
            taken.take(piece)
            if not isinstance(piece, Utterance):
                samples += len(piece)
                write(piece)
    if not quiet:
        typer.echo(f"{target}: {samples / bark.sample_rate:.1f} s of audio", err=True)


def numbered(given: Sequence[str]) -> list[int]:
    """Indices of lines, each once, of numbers from 1 and ranges.

    Raises:
        OptionError: it is neither.
    """
    indices: dict[int, None] = {}
    for each in given:
        found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", each)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last < first + MOST:
            raise OptionError(f"a line is a number from 1 or a range such as 5-7, not {each!r}")
        indices.update(dict.fromkeys(range(first - 1, last)))
    return list(indices)
