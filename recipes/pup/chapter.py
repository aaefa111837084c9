"""How a long text comes out: words that are misheard, and whether the voice stays itself.

    bark generate -i recipes/pup/evaluation/chapter.txt --voice v2/en_speaker_0 --project work/chapter -o work/all.wav
    python -m recipes.pup.chapter work/chapter --every 3 --plot work/chapter.png

judges each line of a project, and says each sentence of every third line by itself, for comparison.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from sentencex import segment

from bark import Bark
from bark.evaluation.judges import cosine
from bark.evaluation.judging import Clip, Judgement, Panel
from bark.evaluation.metrics import Edits


def clips_of(project: Path) -> list[Clip]:
    """The lines of a project that are made, in order."""
    told = json.loads((project / "project.json").read_text(encoding="utf-8"))
    clips = []
    for number, line in enumerate(told["lines"], 1):
        audio, rate = soundfile.read(project / "segments" / f"{number:04}.wav", dtype="float32")
        clips.append(Clip(audio, line["text"], sample_rate=rate))
    return clips


def said_alone(bark: Bark, clips: Iterable[Clip], voice: str) -> list[Clip]:
    """Each sentence of some clips by itself, in a voice."""
    texts = [text for clip in clips for text in segment("en", clip.text) if text.strip()]
    made = (bark.generate(text, voice, seed=seed).audio for seed, text in enumerate(texts))
    return [Clip(audio, text, sample_rate=bark.sample_rate) for audio, text in zip(made, texts, strict=True)]


def misheard(judgements: Iterable[Judgement]) -> tuple[float, int]:
    """Percent of words wrong, and words."""
    edits = sum((judgement.words for judgement in judgements if judgement.words is not None), Edits())
    return 100 * edits.rate, edits.total


def likenesses(judgements: Sequence[Judgement]) -> list[float]:
    """Cosine of each line's voice with that of the first."""
    voices = [judgement.voice for judgement in judgements if judgement.voice is not None]
    return [cosine(voice, voices[0]) for voice in voices]


def plot(clips: Sequence[Clip], alike: Sequence[float], path: Path) -> None:
    """Likeness over time."""
    from matplotlib import pyplot

    minutes = np.cumsum([0.0, *(clip.duration for clip in clips[:-1])]) / 60
    figure, axes = pyplot.subplots(figsize=(9, 3.5))
    axes.plot(minutes, alike, ".", markersize=5)
    axes.axhline(0.8, color="grey", linewidth=0.8)
    axes.set(xlabel="minutes", ylabel="likeness to the first line", ylim=(0.6, 1.01))
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument(
        "--every", type=int, default=3, help="of the lines, each so manieth is said sentence by sentence"
    )
    parser.add_argument("--voice", default="v2/en_speaker_0")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args(argv)
    clips = clips_of(arguments.project)
    panel = Panel.load(["words", "speaker"], threads=2)
    judged = [panel.judge(clip) for clip in clips]
    alike = likenesses(judged)
    wrong, words = misheard(judged)
    print(f"{len(clips)} lines, {sum(clip.duration for clip in clips) / 60:.1f} min, {words} words")
    print(f"words wrong {wrong:.1f} %; likeness to the first: least {min(alike):.3f}, median {np.median(alike):.3f}")
    if arguments.plot:
        plot(clips, alike, arguments.plot)
    if arguments.every:
        chosen = slice(None, None, arguments.every)
        alone = [panel.judge(clip) for clip in said_alone(Bark("pup", "cpu"), clips[chosen], arguments.voice)]
        print(
            f"of every {arguments.every}. line: as lines {misheard(judged[chosen])[0]:.1f} % of words wrong", end="; "
        )
        print("sentence by sentence {:.1f} % of {}".format(*misheard(alone)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
