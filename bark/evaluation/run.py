"""A whole evaluation: the systems speak, the judges listen, the report is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bark.evaluation.judging import JUDGES, Panel, judge
from bark.evaluation.remember import remembering
from bark.evaluation.report import JudgedSystem, Report, make_report
from bark.evaluation.spectrograms import draw
from bark.evaluation.synthesis import Line, Speech, load, speak_apart
from bark.evaluation.systems import SystemSpec

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many


@dataclass(frozen=True)
class Evaluation:
    """What to evaluate.

    Attributes:
        systems: who speaks; names must differ.
        lines: what they say; see `bark.evaluation.synthesis.plan`.
        folder: where each system's audio goes, in a folder of its name, and what the judges said of it; a later
            run does only what is missing.
        teacher: name of the system whose voices the others are held against.
        judges: of `bark.evaluation.judging.JUDGES`.
        language: of the sentences.
        threads: CPU threads of Whisper.
        panel: these judges, where they are loaded already.
    """

    systems: Sequence[SystemSpec]
    lines: Sequence[Line]
    folder: Path
    teacher: str | None = None
    judges: Sequence[str] = JUDGES
    language: str = "en"
    threads: int = 1
    panel: Panel | None = None


def evaluate(evaluation: Evaluation, spectrograms: Path | None = None, progress: Progress | None = None) -> Report:
    """Has every system speak, then judges what it said.

    Args:
        evaluation: what to evaluate.
        spectrograms: a folder for pictures of the first ten sentences; None draws none.
        progress: called as clips are spoken and judged.

    Raises:
        BarkError: a system can't be loaded, or a judge isn't installed.
        OutputError: a folder can't be written to.
    """
    tell = progress or (lambda what, done, of: None)
    # fails before hours of speech
    panel = evaluation.panel or Panel.load(evaluation.judges, evaluation.language, evaluation.threads)
    panel = remembering(panel, evaluation.folder, evaluation.language)
    speech = {spec.name: _speak(evaluation, spec, tell) for spec in evaluation.systems}
    if spectrograms:
        draw({name: said.clips for name, said in speech.items()}, spectrograms)
    judged = {name: _judge(name, said, panel, tell) for name, said in speech.items()}
    presets = next((system.presets for system in judged.values() if system.presets), ())
    teacher = judged.get(evaluation.teacher or "")
    if teacher and not teacher.presets:  # it imitates no recording, but tells how alike a voice is to itself
        judged[teacher.name] = replace(teacher, presets=presets)
    return make_report(judged.values(), teacher, _about(evaluation))


def _speak(evaluation: Evaluation, spec: SystemSpec, tell: Progress) -> Speech:
    lines = evaluation.lines
    folder = evaluation.folder / spec.name
    speak_apart(spec, lines, folder, lambda done: tell(f"{spec.name} speaks", done, len(lines)))
    return load(lines, folder, spec.key())


def _judge(name: str, said: Speech, panel: Panel, tell: Progress) -> JudgedSystem:
    of = len(said.clips)
    clips = judge(said.clips, panel, lambda done: tell(f"{name} is judged", done, of))
    presets = judge(said.presets, replace(panel, transcriber=None, mos=None))
    return JudgedSystem(name, clips, presets, said.peak_memory)


def _about(evaluation: Evaluation) -> dict[str, Any]:
    spoken = [line for line in evaluation.lines if line.text is not None]
    return {
        "sentences": len(spoken),
        "language": evaluation.language,
        "seed": spoken[0].seed,
        "judges": ", ".join(evaluation.judges),
        "teacher": evaluation.teacher,
    }
