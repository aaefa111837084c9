"""The figures of a run: a row for each system and each of its voices, and the clips that were understood worst."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bark.evaluation.judging import Judgement, similarity
from bark.evaluation.metrics import Edits, interval, total

WORST = 10


@dataclass(frozen=True)
class Figures:
    """Means over clips; None where a judge was not asked, or there was nothing to compare with.

    Attributes:
        clips: how many.
        wer, cer: errors to each word and each character, over all clips together.
        wer_interval, cer_interval: 95 % intervals of these.
        mos: DistillMOS, 1 to 5.
        preset_similarity: cosine to the recording that the voice was made from; a teacher's, to the model's.
        teacher_similarity: cosine to the teacher's other sentences in that voice.
        duration: of the audio, seconds.
        speed: seconds of audio made in a second.
    """

    clips: int
    wer: float | None
    cer: float | None
    wer_interval: tuple[float, float] | None
    cer_interval: tuple[float, float] | None
    mos: float | None
    preset_similarity: float | None
    teacher_similarity: float | None
    duration: float
    speed: float | None


@dataclass(frozen=True)
class JudgedSystem:
    """A system with what the judges say.

    Attributes:
        clips: of its sentences.
        presets: of the recordings that its voices were made from.
        peak_memory: of the process that spoke, bytes; 0 where unknown.
    """

    name: str
    clips: Sequence[Judgement]
    presets: Sequence[Judgement] = ()
    peak_memory: int = 0


@dataclass(frozen=True)
class SystemReport:
    """The figures of one system, over all its clips and by voice, and a row for each clip, worst first."""

    name: str
    figures: Figures
    voices: Mapping[str, Figures]
    peak_memory: int
    clips: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Report:
    """A run.

    Attributes:
        systems: in the order they were given.
        about: what was evaluated, and with what.
    """

    systems: Sequence[SystemReport]
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)

    def to_markdown(self) -> str:
        """Tables of systems and voices, and the worst sentences."""
        everything = [(system.name, "all", system) for system in self.systems]
        by_voice = [(s.name, voice, s) for s in self.systems if len(s.voices) > 1 for voice in s.voices]
        rows = [_row(name, voice, system) for name, voice, system in [*everything, *by_voice]]
        parts = [f"{name}: {value}  " for name, value in self.about.items()]
        parts += ["", *_markdown_table(HEADERS, rows)]
        for system in self.systems:
            parts += ["", *_worst(system)]
        return "\n".join(parts).strip() + "\n"


HEADERS = (
    "system",
    "voice",
    "clips",
    "WER %",
    "95 %",
    "CER %",
    "MOS",
    "like preset",
    "like teacher",
    "× real time",
    "peak MB",
)


def make_report(
    systems: Iterable[JudgedSystem], teacher: JudgedSystem | None = None, about: Mapping[str, Any] | None = None
) -> Report:
    """The report of a run.

    Args:
        systems: in the order that they are to be shown.
        teacher: whose voices the systems are held against.
        about: what was evaluated, and with what.
    """
    references = teacher.clips if teacher else ()
    return Report([_system(system, references) for system in systems], dict(about or {}))


def rows_of_table(report: Report) -> list[tuple[str, ...]]:
    """The cells below `HEADERS`, a row a system."""
    return [_row(system.name, "all", system) for system in report.systems]


def _system(system: JudgedSystem, references: Sequence[Judgement]) -> SystemReport:
    by_voice: dict[str, list[Judgement]] = {}
    for judgement in system.clips:
        by_voice.setdefault(judgement.clip.voice, []).append(judgement)
    clips = [_clip(judgement, system.presets, references) for judgement in system.clips]
    return SystemReport(
        name=system.name,
        figures=figures(system.clips, system.presets, references),
        voices={voice: figures(part, system.presets, references) for voice, part in sorted(by_voice.items())},
        peak_memory=system.peak_memory,
        clips=sorted(clips, key=lambda row: -(row["wer"] or 0.0)),
    )


def figures(
    clips: Sequence[Judgement], presets: Sequence[Judgement] = (), references: Sequence[Judgement] = ()
) -> Figures:
    """The figures of a set of clips.

    Args:
        clips: judged.
        presets: what their voices were made from, judged.
        references: the teacher's clips, judged.
    """
    words = [clip.words for clip in clips if clip.words is not None]
    characters = [clip.characters for clip in clips if clip.characters is not None]
    duration = sum(clip.clip.duration for clip in clips)
    seconds = [clip.clip.seconds for clip in clips]
    timed = sum(s for s in seconds if s is not None)
    return Figures(
        clips=len(clips),
        wer=_rate(words),
        cer=_rate(characters),
        wer_interval=interval(words) if words else None,
        cer_interval=interval(characters) if characters else None,
        mos=_mean([clip.mos for clip in clips]),
        preset_similarity=_mean([similarity(clip, presets) for clip in clips]),
        teacher_similarity=_mean([similarity(clip, references) for clip in clips]),
        duration=duration,
        speed=duration / timed if timed and None not in seconds else None,
    )


def _clip(judgement: Judgement, presets: Sequence[Judgement], references: Sequence[Judgement]) -> dict[str, Any]:
    clip = judgement.clip
    return {
        "text": clip.text,
        "transcript": judgement.transcript,
        "voice": clip.voice,
        "wer": _rate([judgement.words] if judgement.words else []),
        "cer": _rate([judgement.characters] if judgement.characters else []),
        "mos": judgement.mos,
        "preset_similarity": similarity(judgement, presets),
        "teacher_similarity": similarity(judgement, references),
        "duration": clip.duration,
        "seconds": clip.seconds,
    }


def _rate(edits: Sequence[Edits]) -> float | None:
    together = total(edits)
    return together.rate if together.total else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _row(name: str, voice: str, system: SystemReport) -> tuple[str, ...]:
    f = system.figures if voice == "all" else system.voices[voice]
    whole = voice == "all"
    return (
        name,
        voice,
        str(f.clips),
        _shown(f.wer, "{:.1%}"),
        "–" if f.wer_interval is None else "{:.1%} … {:.1%}".format(*f.wer_interval).replace("%", ""),
        _shown(f.cer, "{:.1%}"),
        _shown(f.mos, "{:.2f}"),
        _shown(f.preset_similarity, "{:.3f}"),
        _shown(f.teacher_similarity, "{:.3f}"),
        _shown(f.speed, "{:.1f}"),
        _shown(system.peak_memory / 2**20 if whole and system.peak_memory else None, "{:.0f}"),
    )


def _shown(value: float | None, style: str) -> str:
    return "–" if value is None else style.format(value).replace("%", "")


def _markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    line = "| {} |".format
    return [line(" | ".join(cells)) for cells in (headers, ["---"] * len(headers), *rows)]


def _worst(system: SystemReport) -> list[str]:
    wrong = [row for row in system.clips if row["wer"]][:WORST]
    if not wrong:
        return []
    parts = [f"Understood worst of {system.name}:", ""]
    return parts + [f"- {row['wer']:.0%} {row['voice']}: {row['text']} → {row['transcript']}" for row in wrong]
