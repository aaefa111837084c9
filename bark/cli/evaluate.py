"""`bark evaluate`: how well a model speaks, beside its teacher."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bark.cli.arguments import Debug, Device
from bark.errors import OptionError, TextError
from bark.files import check_target

if TYPE_CHECKING:
    from bark.evaluation.report import Report
    from bark.evaluation.run import Progress
    from bark.evaluation.systems import SystemSpec

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def evaluate(
    sentences: Annotated[Path, typer.Option("--sentences", help="A UTF-8 file with a sentence a line.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Name or folder; again for another. Else $BARK_MODEL, else pup.")
    ] = None,
    voices: Annotated[
        str | None, typer.Option("--voices", help="Names with commas between; else all of the language.")
    ] = None,
    teacher: Annotated[str | None, typer.Option("--teacher", help="Held beside the model: hibari, kokoro.")] = None,
    teacher_voice: Annotated[
        list[str] | None, typer.Option("--teacher-voice", help="v2/en_speaker_0=af_heart; again for each voice.")
    ] = None,
    kokoro_voices: Annotated[Path | None, typer.Option(help="The file that `npm pack kokoro-js` writes.")] = None,
    only_teacher: Annotated[bool, typer.Option("--only-teacher", help="Leave the model out.")] = False,
    judges: Annotated[str, typer.Option("--judges", help="Which judges to ask.")] = "words,speaker,mos",
    language: Annotated[str, typer.Option("--language", help="Of the sentences.")] = "en",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Take the first so many sentences.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the first sentence; the next has the next.")] = 0,
    device: Device = None,
    dtype: Annotated[str | None, typer.Option("--dtype", help="Of the weights: float32, bfloat16, float16.")] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="CPU threads of the transcriber.")] = 1,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write the tables here.")] = None,
    audio_dir: Annotated[
        Path | None, typer.Option("--audio-dir", help="Keep audio and verdicts; a later run does only what is missing.")
    ] = None,
    spectrograms: Annotated[
        Path | None, typer.Option("--spectrograms", help="Draw ten sentences into this folder.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Show no progress.")] = False,
    debug: Debug = False,
) -> None:
    """Measure word errors, speaker similarity, naturalness, speed and memory."""
    from bark.evaluation.files import write_json, write_text
    from bark.evaluation.run import Evaluation
    from bark.evaluation.run import evaluate as run
    from bark.evaluation.synthesis import plan
    from bark.evaluation.systems import SystemSpec

    for target in filter(None, (json, markdown)):
        check_target(target)  # before the work, not after
    texts = read_sentences(sentences, limit)
    mapping = read_mapping(teacher_voice or [])
    systems = [] if only_teacher else _models(model, device, dtype)
    if teacher and language != "en":
        raise OptionError(f"--teacher {teacher} reads English alone; leave it out for {language}")
    if teacher:
        file = str(kokoro_voices) if kokoro_voices else None
        systems.append(SystemSpec(teacher, kind=teacher, voices=mapping, kokoro_voices=file))
    names = _voices(voices, systems, mapping, language)
    with _folder(audio_dir) as folder, _progress(quiet) as progress:
        lines = plan(texts, names, seed)
        evaluation = Evaluation(systems, lines, folder, teacher, judges.split(","), language, threads)
        report = run(evaluation, spectrograms, progress)
    if json:
        write_json(json, report.to_dict())
    if markdown:
        write_text(markdown, report.to_markdown())
    _show(report)


def read_sentences(path: Path, limit: int | None = None) -> list[str]:
    """The lines of a file that aren't empty.

    Raises:
        TextError: the file can't be read, isn't UTF-8, or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise TextError(f"can't read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TextError(f"{path} is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02X}") from error
    texts = [line.strip() for line in lines if line.strip()][:limit]
    if not texts:
        raise TextError(f"{path} has no sentences")
    return texts


def read_mapping(pairs: Sequence[str]) -> dict[str, str]:
    """The teacher's voice for each voice, from `voice=teacher's voice`.

    Raises:
        OptionError: a pair is not of that form.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        voice, _, other = pair.partition("=")
        if not voice or not other:
            raise OptionError(f"--teacher-voice takes a pair like v2/en_speaker_0=af_heart, not {pair!r}")
        mapping[voice] = other
    return mapping


def _models(models: Sequence[str] | None, device: str | None, dtype: str | None) -> list[SystemSpec]:
    """The models, each by the last part of its name."""
    from bark.evaluation.systems import SystemSpec
    from bark.settings import Settings

    specs: dict[str, SystemSpec] = {}
    for model in models or [Settings.from_env().model]:
        tail = Path(model).absolute().name
        name = tail if tail not in specs else f"{tail}-{len(specs)}"
        specs[name] = SystemSpec(name, model=model, device=device, dtype=dtype)
    return list(specs.values())


def _voices(asked: str | None, systems: Sequence[SystemSpec], mapping: dict[str, str], language: str) -> list[str]:
    """The voices asked for, else those with a teacher's voice, else the first model's of the language.

    Raises:
        OptionError: there is no system, or no voice is known.
    """
    if not systems:
        raise OptionError("--only-teacher wants a --teacher")
    if asked:
        return [name.strip() for name in asked.split(",") if name.strip()]
    if mapping:
        return list(mapping)
    voices = _own_voices(systems[0], language)
    if not voices:
        raise OptionError(f"{systems[0].name} has no voices for {language!r}; name some with --voices")
    return voices


def _own_voices(system: SystemSpec, language: str) -> list[str]:
    from bark.checkpoints.registry import find_checkpoint
    from bark.evaluation.systems import MODEL
    from bark.voices.library import voice_names

    if system.kind != MODEL or system.model is None:
        return ["af_heart"]  # the voice that all teachers have
    names = voice_names(find_checkpoint(system.model) / "voices")
    return [name for name in names if name.rpartition("/")[2].startswith(f"{language}_")]


@contextmanager
def _folder(asked: Path | None) -> Iterator[Path]:
    if asked:
        yield asked
        return
    with tempfile.TemporaryDirectory(prefix="bark-evaluate-") as folder:
        yield Path(folder)


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress | None]:
    """A bar on standard error for each thing that is being done."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn(),
                  console=Console(stderr=True)) as bars:  # fmt: skip
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done)

        yield tell


def _show(report: Report) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from bark.evaluation.report import HEADERS, rows_of_table

    table = Table(*HEADERS, box=box.SIMPLE)
    for row in rows_of_table(report):
        table.add_row(*row)
    # A pipe has no width; there, rich would squeeze the table into 80 columns.
    Console(width=None if sys.stdout.isatty() else 140).print(table)
