"""Step `evaluate`: the checkpoint and its teacher say the sentences that were kept back, and the judges listen.

Each language has a folder of its own in `work/evaluation`: audio, and what the judges said of it. What is there is
neither spoken nor heard again, so a run that was killed goes on, and another checkpoint takes only its own time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bark.errors import OptionError
from bark.evaluation.files import make_folder, write_json, write_text
from bark.evaluation.judging import JUDGES, Panel
from bark.evaluation.report import Report
from bark.evaluation.run import Evaluation
from bark.evaluation.run import evaluate as run
from bark.evaluation.synthesis import Line, plan, speak
from bark.evaluation.systems import SystemSpec, TeacherSynthesizer
from bark.evaluation.teachers import KokoroTeacher
from bark.lines import language_of
from recipes.pup.corpus import Polyglot
from recipes.pup.evaluation_table import table, to_markdown
from recipes.pup.texts import evaluation_sentences

STANDARD = 120  # of the sentences in evaluation/en.txt; the others are spare. Other languages have 105
KOKORO_VOICES = "kokoro-js-1.2.1.tgz"
TEACHER = "kokoro"
Tell = Callable[[str, int, int], None]


def evaluate(
    config: Mapping[str, Any],
    work: Path,
    checkpoints: Sequence[Path] = (),
    kokoro_voices: Path | None = None,
    sentences: int = STANDARD,
    languages: Sequence[str] = (),
    judges: Sequence[str] = JUDGES,
    seed: int = 0,
) -> dict[str, Report]:
    """Judges checkpoints beside Kokoro in each language, and writes `report.json` and `report.md`.

    Both are written anew after each language, of those that are done. Pictures are of the English sentences.

    Args:
        config: the recipe's; `voices.presets` has the teacher's voice of each preset, as `v2/de_speaker_0`.
        work: folder of the recipe; everything goes into its `evaluation`.
        checkpoints: folders to judge; else `checkpoint` of the work folder.
        kokoro_voices: the file that `npm pack kokoro-js` writes; else the one in the work folder.
        sentences: of each language, at most.
        languages: two letters each; none, or `all`, for those that have presets.
        judges: which to ask.
        seed: of the first sentence; each next one has the next.

    Returns:
        Reports by language.

    Raises:
        OptionError: a language has no presets.
        BarkError: a checkpoint or the teacher can't be loaded, or a judge isn't installed.
    """
    presets = presets_of(config, languages)
    voices = kokoro_voices or work / KOKORO_VOICES
    models = _models(checkpoints or [work / "checkpoint"])
    first = next(iter(presets))
    panel = Panel.load(judges, first)  # a judge that isn't there is told of before hours of speech
    folder = make_folder(work / "evaluation")
    reports: dict[str, Report] = {}
    for language, own in presets.items():
        lines = plan(evaluation_sentences(language)[:sentences], list(own), seed)
        teacher = SystemSpec(TEACHER, kind=TEACHER, voices=own, kokoro_voices=str(voices))
        panel = panel if language == first else panel.hearing(language)
        evaluation = Evaluation(
            [*models, teacher], lines, folder / language, TEACHER, judges, language, panel=panel
        )  # fmt: skip
        if language != "en":
            _speak_here(teacher, voices, lines, evaluation)
        pictures = folder / language / "spectrograms" if language == "en" else None
        reports[language] = run(evaluation, pictures, _teller(language))
        _write(folder, reports, presets)
    print((folder / "report.md").read_text(encoding="utf-8"))
    return reports


def presets_of(config: Mapping[str, Any], languages: Sequence[str] = ()) -> dict[str, dict[str, str]]:
    """The teacher's voice of each preset, by language, in the order of the config.

    Raises:
        OptionError: a language has none.
    """
    found: dict[str, dict[str, str]] = {}
    for preset, voice in config["voices"]["presets"].items():
        language = language_of(preset)
        if language is None:
            raise OptionError(f"[voices.presets]: {preset!r} tells no language; it should be like v2/de_speaker_0")
        found.setdefault(language, {})[preset] = voice
    wanted = list(found) if not languages or "all" in languages else list(dict.fromkeys(languages))
    for language in wanted:
        if language not in found:
            raise OptionError(f"[voices.presets] has none in {language!r}; there are some in {', '.join(found)}")
    return {language: found[language] for language in wanted}


def _models(checkpoints: Sequence[Path]) -> list[SystemSpec]:
    """The checkpoints, each under the name of its folder."""
    specs = {
        path.absolute().name: SystemSpec(path.absolute().name, model=str(path), device="cpu") for path in checkpoints
    }
    if len(specs) < len(checkpoints) or TEACHER in specs:
        raise OptionError(f"checkpoints to compare need folders of different names, and none that is {TEACHER}")
    return list(specs.values())


def _speak_here(teacher: SystemSpec, voices: Path, lines: Sequence[Line], evaluation: Evaluation) -> None:
    """Has the teacher speak in this process: other languages need the recipe's G2P, of which a worker doesn't know."""
    tell, what = _teller(evaluation.language), f"{teacher.name} speaks"

    def make() -> TeacherSynthesizer:
        return TeacherSynthesizer(teacher.name, Polyglot(_kokoro(voices), evaluation.language), teacher.voices)

    speak(make, lines, evaluation.folder / teacher.name, teacher.key(), lambda done: tell(what, done, len(lines)))


@cache
def _kokoro(voices: Path) -> KokoroTeacher:
    return KokoroTeacher(voices)


def _write(folder: Path, reports: Mapping[str, Report], presets: Mapping[str, Mapping[str, str]]) -> None:
    values = {"table": table(reports), "languages": {code: report.to_dict() for code, report in reports.items()}}
    write_json(folder / "report.json", values)
    write_text(folder / "report.md", to_markdown(reports, presets))


def _teller(language: str) -> Tell:
    def tell(what: str, done: int, of: int) -> None:
        if done % 20 == 0 or done == of:
            print(f"{language}: {what}: {done}/{of}", flush=True)

    return tell
