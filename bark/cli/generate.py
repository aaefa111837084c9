"""`bark generate`: speaks a text into an audio file, a pipe, or the loudspeaker."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bark.audio.tags import Tags
from bark.cli.arguments import CoarseWindows, Debug, Device, Dtype, Model, Offload, Quantize, Small
from bark.cli.beside import Beside, stem_suffix, taking
from bark.cli.casting import Cast, cast_of, planned
from bark.cli.keeping import MIX, kept_pieces, project_seed
from bark.cli.output import Form, check_output, opened
from bark.errors import OptionError, TextError
from bark.options import GenerateOptions

if TYPE_CHECKING:
    from bark.lines import Line
    from bark.progress import StageBars
    from bark.result import Utterance

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
OUTPUT = "bark_generation.wav"
STAGES = ("semantic", "coarse", "fine")


@app.command()
def generate(
    words: Annotated[str | None, typer.Argument(metavar="TEXT", help="What to say.", show_default=False)] = None,
    text: Annotated[str | None, typer.Option("-t", "--text", help="What to say; - reads standard input.")] = None,
    input_file: Annotated[
        Path | None, typer.Option("-i", "--input-file", help="A UTF-8 file with what to say.")
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help=f"The file to write, in the format of its suffix; - for standard output; {OUTPUT} unless given.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help="wav, flac, mp3, ogg, opus, aac, m4a or pcm."),
    ] = None,
    sample_rate: Annotated[
        int | None, typer.Option("--sample-rate", help="Of the file, Hz; else the model's.", show_default=False)
    ] = None,
    loudness: Annotated[
        float | None,
        typer.Option("--loudness", help="Of the whole, LUFS: -16 for podcasts, -23 for broadcasts (EBU R 128)."),
    ] = None,
    stream: Annotated[
        bool, typer.Option("--stream", help="Write to standard output as soon as there is audio.")
    ] = False,
    play: Annotated[bool, typer.Option("--play", help="Play it while it is made; writes a file only with -o.")] = False,
    voice: Annotated[
        str | None, typer.Option("-v", "--voice", help="Name of a voice, or an npz file; `bark voices list`.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Two letters, for telling sentences apart; else the voice's.")
    ] = None,
    dialogue: Annotated[
        bool, typer.Option("--dialogue", help="The text is a script, `NAME: what they say`; so it is with --cast.")
    ] = False,
    cast: Cast = None,
    stems: Annotated[
        Path | None, typer.Option("--stems", metavar="DIR", help="A folder for a file of each speaker alone.")
    ] = None,
    captions: Annotated[
        list[str] | None, typer.Option("--captions", help="A .srt, .vtt or .json to write; as often as wanted.")
    ] = None,
    captions_by: Annotated[str, typer.Option("--captions-by", help="segment or word.")] = "segment",
    project: Annotated[
        Path | None,
        typer.Option("--project", metavar="DIR", help="Keep each line there, go on where it was; `bark redo`."),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin the project anew.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed says it the same way.")] = None,
    retries: Annotated[
        int | None,
        typer.Option("--retries", help="How often a line that looks wrong is said anew; 0: never.", show_default=False),
    ] = None,
    best_of: Annotated[
        int | None,
        typer.Option("--best-of", help="Takes of each line, of which the best is spoken.", show_default=False),
    ] = None,
    max_duration: Annotated[float | None, typer.Option("--max-duration", help="Seconds of audio at most.")] = None,
    min_eos_p: Annotated[
        float | None, typer.Option("--min-eos-p", help="Probability of the end at which a line ends.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="Lower is calmer; unless given, what suits the model.")
    ] = None,
    semantic_temperature: Annotated[
        float | None, typer.Option("--semantic-temperature", help="Of what is said, instead of --temperature.")
    ] = None,
    coarse_temperature: Annotated[
        float | None, typer.Option("--coarse-temperature", help="Of how it sounds, instead of --temperature.")
    ] = None,
    fine_temperature: Annotated[float | None, typer.Option("--fine-temperature", help="Of the sound's detail.")] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Draw from the k likeliest tokens.")] = None,
    top_p: Annotated[
        float | None, typer.Option("--top-p", help="Draw from the likeliest tokens that make up this probability.")
    ] = None,
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
    """Speak a text of any length.

    Give the text as an argument, with --text, or with --input-file. A text longer than the model says in one go is
    spoken line by line; what looks wrong (words missing, a loop, a long silence) is said anew.
    """
    whole = {
        "seed": seed,
        "retries": retries,
        "best_of": best_of,
        "max_duration": max_duration,
        "min_eos_p": min_eos_p,
    }
    stages = dict(zip(STAGES, (semantic_temperature, coarse_temperature, fine_temperature), strict=True))

    def chosen(own: GenerateOptions) -> GenerateOptions:
        options = own.with_changes(temperature=temperature, **whole)
        return sampled(options, stages, top_k=top_k, top_p=top_p)

    chosen(GenerateOptions())  # mistakes are told before anything is loaded
    said = read_text(words, text, input_file)
    roles = cast_of(cast, voice) if dialogue or cast else None
    whole["seed"] = project_seed(project, seed, restart)
    target = output or (None if play else OUTPUT if project is None else str(project / MIX))
    beside = Beside(captions or (), captions_by, stems, stem_suffix(target, format))
    beside.check()
    form = Form(format, sample_rate, loudness)
    check_output(target, form, at_once=stream, play=play)

    from bark.pipeline import Bark
    from bark.progress import shown_progress
    from bark.result import Utterance
    from bark.speaking import drawn_seed

    bark = Bark(model, device, dtype, quantize=quantize, small=small, offload=offload, coarse_windows=coarse_windows)
    options = chosen(bark.config.generation)
    options = replace(options, seed=drawn_seed() if options.seed is None else options.seed)
    lines = planned(bark, said, voice, roles, options, language)
    with ExitStack() as stack:
        form = replace(form, tags=Tags(said, voice=voice or "", model=bark.config.name, seed=options.seed))
        write = stack.enter_context(opened(target, bark.sample_rate, form, at_once=stream, play=play))
        progress = None if quiet else stack.enter_context(shown_progress())
        taken = stack.enter_context(taking(bark.parts, beside))
        total = Total()
        for piece in (
            bark.speak(told(lines, progress), max_duration=max_duration, progress=progress)
            if project is None
            else kept_pieces(bark.parts, project, lines, options, restart, progress)
        ):
            taken.take(piece)
            if isinstance(piece, Utterance):
                total.count(piece)
            else:
                total.samples += len(piece)
                write(piece)
    if not quiet:
        made = total.summary(bark.sample_rate)
        typer.echo(
            f"{target or 'played'}: {made} by {bark.config.name} on {bark.device}, seed {options.seed}", err=True
        )


@dataclass
class Total:
    """What has been spoken."""

    samples: int = 0
    seconds: float = 0.0
    lines: int = 0

    def count(self, utterance: Utterance) -> None:
        """Adds a line, but for its samples."""
        self.lines += 1
        self.seconds += sum(seconds for stage, seconds in utterance.timings.items() if stage != "load")

    def summary(self, sample_rate: int) -> str:
        """Length, time and speed."""
        duration = self.samples / sample_rate
        speed = duration / self.seconds if self.seconds else 0.0
        lines = f", {self.lines} lines," if self.lines > 1 else ""
        return f"{duration:.1f} s of audio{lines} in {self.seconds:.1f} s ({speed:.1f} × real time)"


def told(lines: Sequence[Line], bars: StageBars | None) -> Iterator[Line]:
    """The lines, whose number is shown as they are begun."""
    for number, line in enumerate(lines, 1):
        if bars and len(lines) > 1:
            bars.line(number, len(lines))
        yield line


def sampled(options: GenerateOptions, temperatures: Mapping[str, float | None], **changes: Any) -> GenerateOptions:
    """Options with other temperatures of single stages, and other changes of the stages that write token by token.

    Raises:
        OptionError: a value makes no sense.
    """
    changes = {name: value for name, value in changes.items() if value is not None}
    stages = {}
    for stage, temperature in temperatures.items():
        own = {} if temperature is None else {"temperature": temperature}
        stages[stage] = replace(getattr(options, stage), **own, **({} if stage == "fine" else changes))
    return replace(options, **stages)


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
