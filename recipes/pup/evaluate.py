"""Step `evaluate`: the checkpoint and its teacher say the sentences that were kept back, and the judges listen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bark.evaluation.files import make_folder, write_json, write_text
from bark.evaluation.report import Report
from bark.evaluation.run import Evaluation
from bark.evaluation.run import evaluate as run
from bark.evaluation.synthesis import plan
from bark.evaluation.systems import SystemSpec
from recipes.pup.texts import evaluation_sentences

STANDARD = 120  # of the sentences in evaluation/en.txt; the others are spare
KOKORO_VOICES = "kokoro-js-1.2.1.tgz"


def evaluate(
    config: Mapping[str, Any],
    work: Path,
    checkpoint: Path | None = None,
    kokoro_voices: Path | None = None,
    sentences: int = STANDARD,
    seed: int = 0,
) -> Report:
    """Judges a checkpoint beside Kokoro, and writes `report.json`, `report.md` and pictures.

    The teacher's audio and all verdicts are kept, so another checkpoint takes only its own time.

    Args:
        config: the recipe's; `voices.presets` has the teacher's voice of each preset.
        work: folder of the recipe; everything goes into its `evaluation`.
        checkpoint: folder to judge; else `checkpoint` of the work folder.
        kokoro_voices: the file that `npm pack kokoro-js` writes; else the one in the work folder.
        sentences: how many, at most.
        seed: of the first sentence; each next one has the next.

    Raises:
        BarkError: the checkpoint or the teacher can't be loaded, or a judge isn't installed.
    """
    checkpoint = checkpoint or work / "checkpoint"
    presets: dict[str, str] = dict(config["voices"]["presets"])
    voices_file = str(kokoro_voices or work / KOKORO_VOICES)
    systems = [
        SystemSpec(checkpoint.absolute().name, model=str(checkpoint), device="cpu"),
        SystemSpec("kokoro", kind="kokoro", voices=presets, kokoro_voices=voices_file),
    ]
    lines = plan(evaluation_sentences("en")[:sentences], list(presets), seed)
    folder = make_folder(work / "evaluation")
    report = run(Evaluation(systems, lines, folder, teacher="kokoro"), folder / "spectrograms", _tell)
    write_json(folder / "report.json", report.to_dict())
    write_text(folder / "report.md", report.to_markdown())
    print(report.to_markdown())
    return report


def _tell(what: str, done: int, of: int) -> None:
    if done % 20 == 0 or done == of:
        print(f"{what}: {done}/{of}", flush=True)
