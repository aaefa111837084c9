"""A judge of tags: which of the sounds that tags ask for are heard in an utterance, and when.

It learns from the teacher's own clips, whose sounds are known to the hundredth of a second, straight and through the
codec, and is held to figures on clips that it hasn't heard before anything is measured with it:

python -m recipes.pup.tag_detector --config recipes/pup/configs/world.toml
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.native import load_weights
from bark.checkpoints.tensors import save_tensors
from bark.codec import build_codec
from bark.codec.base import Codec
from bark.codec.layers import Conv, ConvNeXtBlock, Downsample
from bark.codec.spectrum import LogMel
from bark.errors import BarkError
from bark.evaluation.files import Audio, write_json, write_text
from bark.evaluation.teachers import SAMPLE_RATE
from bark.training.alignment import IGNORED, phoneme_classes
from bark.training.audio_corpus import Clip, read_clips
from bark.training.loop import Batch, LoopConfig, Trainer
from bark.training.optimizers import OptimizerConfig
from bark.training.run import read_settings
from recipes.pup.expressive import TAGS

KINDS = {"①": "laughter", "②": "sigh", "③": "gasp", "④": "throat", "⑤": "music"}  # by their letters in phonemes
HOP = 240  # samples of a spectrum
STEP = 2 * HOP  # and of a verdict
LONG = round(0.16 * SAMPLE_RATE / STEP)  # verdicts in a row, whose mean must be `SURE`
SURE = 0.5
CODED = 400  # clips that are also heard through the codec
HELD_OUT = 10  # one clip in so many, by its text, is not trained on
TAGGED, PLAIN = "expressive-en", "kokoro-en"


def kinds_of(text: str) -> set[str]:
    """The sounds that a text asks for."""
    return {KINDS[letter] for tag, letter in TAGS.items() if tag in text}


class TagDetector(nn.Module):
    """log-mel → ConvNeXt → which sound, every 20 ms; what is heard of speech, song and silence is none."""

    def __init__(self, width: int = 128, blocks: int = 5) -> None:
        super().__init__()
        self.mel = LogMel(SAMPLE_RATE, 1024, HOP, 80)
        self.trunk = nn.Sequential(
            Conv(80, width, kernel=7, lookahead=3),
            nn.LayerNorm(width),
            Downsample(width, width, STEP // HOP),
            *(ConvNeXtBlock(width) for _ in range(blocks)),
            nn.LayerNorm(width),
            nn.Linear(width, len(KINDS) + 1),
        )

    def forward(self, audio: Tensor) -> Tensor:
        """Audio [B, N] at `SAMPLE_RATE` → logits [B, ceil(N / STEP), 1 + kinds], of which the first is none."""
        logits: Tensor = self.trunk(self.mel(audio))
        return logits.float()

    @torch.inference_mode()
    def sureness(self, audio: Audio) -> dict[str, float]:
        """For each kind how sure it is, 0 to 1, where it is surest over `LONG` steps of audio [T]."""
        odds = self(torch.from_numpy(np.pad(audio, (0, max(0, LONG * STEP - len(audio)))))[None])[0].softmax(-1)
        means = odds.unfold(0, LONG, 1).mean(-1).amax(0)
        return dict(zip(KINDS.values(), means[1:].tolist(), strict=True))

    def heard(self, audio: Audio) -> set[str]:
        """The kinds that are heard in audio [T] at `SAMPLE_RATE`."""
        return {kind for kind, sure in self.sureness(audio).items() if sure > SURE}


@dataclass(frozen=True)
class _Example:
    audio: Audio
    classes: npt.NDArray[np.int64]  # every STEP samples


class DetectorTask(nn.Module):
    """What `bark.training.loop` needs to train a detector.

    Args:
        detector: to train.
        sets: examples of clips with tags, and of clips without; each is drawn as often.
    """

    def __init__(
        self, detector: TagDetector, sets: Sequence[Sequence[_Example]], batch: int = 16, seconds: float = 3
    ) -> None:
        super().__init__()
        self.detector, self._sets, self._batch = detector, sets, batch
        self._steps = round(seconds * SAMPLE_RATE / STEP)

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random crops at random levels."""
        audio = np.zeros((self._batch, self._steps * STEP), np.float32)
        classes = np.zeros((self._batch, self._steps), np.int64)
        for row in range(self._batch):
            examples = self._sets[row % len(self._sets)]
            example = examples[int(rng.integers(len(examples)))]
            start = int(rng.integers(0, max(1, len(example.classes) - self._steps + 1)))
            read = example.audio[start * STEP :][: audio.shape[1]]
            audio[row, : len(read)] = read * 10 ** (rng.uniform(-9, 3) / 20)
            told = example.classes[start:][: self._steps]
            classes[row, : len(told)] = told
        return {"audio": torch.from_numpy(audio), "classes": torch.from_numpy(classes)}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of every step."""
        logits = self.detector(batch["audio"])
        return {"loss": F.cross_entropy(logits.transpose(1, 2), batch["classes"])}

    def validate(self) -> dict[str, float]:
        """Nothing: `held_to` is what counts."""
        return {}

    def export(self, path: Path) -> None:
        """Writes `tag_detector.safetensors`."""
        save_tensors(self.detector.state_dict(), path / "tag_detector.safetensors")


def load(work: Path) -> TagDetector:
    """The detector that was trained in this work folder.

    Raises:
        BarkError: there is none.
    """
    path = work / "runs" / "tag-detector" / "tag_detector.safetensors"
    if not path.exists():
        raise BarkError(f"no {path}: run `python -m recipes.pup.tag_detector` first")
    detector = TagDetector()
    load_weights(detector, path)
    return detector.eval()


def train(work: Path, codec: Codec, steps: int, tagged: str = TAGGED, plain: str = PLAIN) -> dict[str, Any]:
    """Trains it if that wasn't done, and gives its figures on held-out clips.

    Args:
        work: folder of the recipe.
        codec: of the model that is to be judged.
        steps: of training.
        tagged: set with tags.
        plain: set without.
    """
    sets = [read_clips([work / "corpus" / name]) for name in (tagged, plain)]
    kept = [[clip for clip in clips if not _is_held_out(clip)][: 3 * CODED] for clips in sets]
    examples = [list(map(example, clips)) for clips in kept]
    torch.manual_seed(0)  # a new model's weights
    task = DetectorTask(TagDetector(), [[*some, *coded(some[:CODED], codec)] for some in examples])
    Trainer(
        task,
        LoopConfig(steps, ema=0.99, threads=1),
        OptimizerConfig(lr=1e-3, matrix_lr=2e-3),
        work / "runs" / "tag-detector",
    ).run()
    detector = load(work)
    held_out = [clip for clips in sets for clip in [c for c in clips if _is_held_out(c)][:CODED]]
    straight = list(map(example, held_out))
    texts = [clip.row["text"] for clip in held_out]
    return {
        "teacher": held_to(detector, texts, [each.audio for each in straight]),
        "codec": held_to(detector, texts, [each.audio for each in coded(straight, codec)]),
    }


def held_to(detector: TagDetector, texts: Sequence[str], audio: Sequence[Audio]) -> dict[str, dict[str, int]]:
    """For each kind in how many clips it was asked for, found there, not asked for, and found there all the same.

    "any" counts clips that ask for something and those that ask for nothing: of the former those in which all that was
    asked for is heard, of the latter those in which anything is.
    """
    names = [*KINDS.values(), "any"]
    counts = {name: {"asked": 0, "found": 0, "others": 0, "false": 0} for name in names}
    for text, each in zip(texts, audio, strict=True):
        asked, heard = kinds_of(text), detector.heard(each)
        for name in KINDS.values():
            there = name in asked
            counts[name]["asked" if there else "others"] += 1
            counts[name]["found" if there else "false"] += name in heard
        counts["any"]["asked" if asked else "others"] += 1
        counts["any"]["found" if asked else "false"] += asked <= heard if asked else bool(heard)
    return counts


def to_markdown(found: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """The figures as a table."""
    lines = ["| of | sound | asked for | found | not asked for | found all the same |", "| --- | --- |" + " ---: |" * 4]
    for of, counts in found.items():
        for name, each in counts.items():
            shares = [each["found"] / max(1, each["asked"]), each["false"] / max(1, each["others"])]
            lines.append(f"| {of} | {name} | {each['asked']} | {shares[0]:.0%} | {each['others']} | {shares[1]:.1%} |")
    return "\n".join(lines) + "\n"


def example(clip: Clip) -> _Example:
    """A clip with what sounds in it, every `STEP` samples: nothing of note in one whose phonemes nobody kept."""
    count = -(-clip.row["samples"] // STEP)
    if "durations" not in clip.row:
        return _Example(clip.audio(), np.zeros(count, np.int64))
    classes = phoneme_classes(clip, np.arange(count) * STEP + STEP // 2, "".join(KINDS))
    return _Example(clip.audio(), np.where(classes == IGNORED, 0, classes))


def coded(examples: Sequence[_Example], codec: Codec) -> Iterator[_Example]:
    """Clips as the codec gives them back."""
    for straight in examples:
        with torch.inference_mode():
            audio = codec.decode(codec.encode(torch.from_numpy(straight.audio)[None]))[0].numpy()
        yield _Example(audio[: len(straight.audio)].astype(np.float32), straight.classes)


def _is_held_out(clip: Clip) -> bool:
    return zlib.crc32(clip.row["text"].encode()) % HELD_OUT == 0


def main() -> None:
    """Trains, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.pup.tag_detector", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("recipes/pup/configs/world.toml"))
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--plain", default=PLAIN, help="the set whose clips have no tags")
    arguments = parser.parse_args()
    try:
        codec = build_codec(read_settings(arguments.config)["model"]["codec"])
        load_weights(codec, arguments.work / "runs" / "codec" / "codec.safetensors")
        found = train(arguments.work, codec.eval(), arguments.steps, plain=arguments.plain)
    except BarkError as error:
        sys.exit(f"tag_detector: {error}")
    write_json(arguments.work / "runs" / "tag-detector" / "report.json", found)
    write_text(arguments.work / "runs" / "tag-detector" / "report.md", to_markdown(found))
    print(to_markdown(found))


if __name__ == "__main__":
    main()
