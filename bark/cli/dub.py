"""`bark dub`: speaks captions so that each is heard in its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bark.audio.tags import Tags
from bark.cli.arguments import CoarseWindows, Debug, Device, Dtype, Model, Offload, Quantize, Small
from bark.cli.casting import Cast, cast_of
from bark.cli.output import Form, check_output, opened
from bark.options import GenerateOptions

if TYPE_CHECKING:
    from bark.captions import Cue, Fit
    from bark.pipeline import Bark
    from bark.request import FloatArray
    from bark.voices import Voice

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
OUTPUT = "bark_dubbed.wav"


@app.command()
def dub(
    captions: Annotated[Path, typer.Argument(metavar="CAPTIONS", help="A .srt or .vtt file.", show_default=False)],
    output: Annotated[
        str | None, typer.Option("-o", "--output", help=f"The file to write; - for standard output; else {OUTPUT}.")
    ] = None,
    format: Annotated[str | None, typer.Option("--format", help="wav, flac, mp3, ogg, opus, aac, m4a or pcm.")] = None,
    voice: Annotated[
        str | None, typer.Option("-v", "--voice", help="Of captions before the first name; a name or an npz file.")
    ] = None,
    cast: Cast = None,
    language: Annotated[str | None, typer.Option("--language", help="Two letters; else the voice's.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed says it the same way.")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="Lower is calmer.")] = None,
    slowest: Annotated[float, typer.Option("--slowest", help="Speed of a line that would end early.")] = 0.8,
    fastest: Annotated[float, typer.Option("--fastest", help="Speed of a line that would run late.")] = 1.5,
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
    """Speak captions, each in its time: a line is spoken faster or slower where it must be, at the same pitch.

    Who speaks is what a WebVTT file says, or a name in capitals and a colon before the text.
    """
    from bark.audio.stretch import check_speed, stretch
    from bark.captions import Fit, Limits, read_captions
    from bark.captions import dub as dubbed

    limits = Limits(check_speed(slowest), check_speed(fastest))
    GenerateOptions().with_changes(seed=seed, temperature=temperature)
    roles = cast_of(cast, voice)
    cues = with_speakers(read_captions(captions), roles)
    target = output or OUTPUT
    check_output(target, Form(format))

    from bark.casting import cast_voices
    from bark.pipeline import Bark
    from bark.speaking import drawn_seed

    bark = Bark(model, device, dtype, quantize=quantize, small=small, offload=offload, coarse_windows=coarse_windows)
    speakers = list(dict.fromkeys(str(cue.speaker) for cue in cues))
    voices = cast_voices(bark.parts, speakers, roles, language)
    seed = drawn_seed() if seed is None else seed
    options = bark.config.generation.with_changes(temperature=temperature, seed=seed)
    fits: list[Fit] = []
    with ExitStack() as stack:
        tags = Tags(" ".join(cue.text for cue in cues), voice=voice or "", model=bark.config.name, seed=seed)
        write = stack.enter_context(opened(target, bark.sample_rate, Form(format, tags=tags)))
        for piece in dubbed(cues, speaking(bark, voices, options, language), stretch, bark.sample_rate, limits):
            if isinstance(piece, Fit):
                fits.append(piece)
            else:
                write(piece)
    if not quiet:
        typer.echo(f"{target}: {summary(fits)} by {bark.config.name} on {bark.device}, seed {seed}", err=True)


def speaking(
    bark: Bark, voices: dict[str, Voice | None], options: GenerateOptions, language: str | None
) -> Callable[[Cue], FloatArray]:
    """What speaks a cue, each with a seed of its own; who has no voice has that of what they say first."""
    import numpy as np

    from bark.lines import line_seed
    from bark.text.normalize import SAYABLE

    known, seed, count = dict(voices), options.seed or 0, 0

    def speak(cue: Cue) -> FloatArray:
        nonlocal count
        if not SAYABLE.search(cue.text):
            return np.empty(0, dtype=np.float32)
        own = replace(options, seed=line_seed(seed, count))
        count += 1
        speaker = str(cue.speaker)
        speech = bark.generate(cue.text, known[speaker], options=own, language=language)
        if known[speaker] is None and len(speech.audio):
            known[speaker] = speech.to_voice(speaker)
        return speech.audio

    return speak


def with_speakers(cues: Sequence[Cue], roles: dict[str, str | None]) -> list[Cue]:
    """Cues that all say who speaks: who is named, or who spoke before, or the narrator; names are not spoken."""
    from bark.text.script import NARRATOR, key_of, speaker_of

    known = {key_of(name): name for name in roles}
    speaker, found = known.get(key_of(NARRATOR), NARRATOR), []
    for cue in cues:
        named = None if cue.speaker else speaker_of(cue.text, known)
        name, text = named or (cue.speaker or speaker, cue.text)
        speaker = known.get(key_of(name), name)
        found.append(replace(cue, speaker=speaker, text=text))
    return found


def summary(fits: Sequence[Fit]) -> str:
    """How well lines fit."""
    late = sum(fit.late > 1e-3 for fit in fits)
    others = sum(abs(fit.speed - 1.0) > 0.01 for fit in fits)
    end = fits[-1].end if fits else 0.0
    return f"{end:.1f} s of audio, {len(fits)} captions, {others} at another speed, {late} late,"
