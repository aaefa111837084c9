"""Step `pack`: trained weights, tokenizers and voices as the checkpoint folder that the package ships."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bark.checkpoints.native import save_checkpoint
from bark.evaluation.judging import Clip as JudgedClip
from bark.evaluation.judging import Panel, judge
from bark.models.config import ModelConfig
from bark.training.audio_corpus import read_clips
from bark.training.tokenized import TokenClip, read_tokens
from bark.voices import Voice

WEIGHTS = {
    "codec": "codec",
    "codec-decoder": "codec",
    "semantic-tokenizer": "semantic_tokenizer",
    "semantic": "semantic",
    "coarse": "coarse",
    "fine": "fine",
}


def pack(config: Mapping[str, Any], work: Path) -> None:
    """Writes `checkpoint/` of the work folder; presets are chosen anew only if they aren't there."""
    folder = work / "checkpoint"
    folder.mkdir(parents=True, exist_ok=True)
    model = ModelConfig.from_dict(config["model"])
    for run, name in WEIGHTS.items():
        source = work / "runs" / run / f"{name}.safetensors"
        if source.exists() or run != "codec-decoder":  # without it the codec's first decoder is used
            shutil.copyfile(source, folder / source.name)
    for name, teacher_voice in config["voices"]["presets"].items():
        path = folder / "voices" / f"{name}.npz"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _preset(name, teacher_voice, config["voices"], model, work).save(path)
    save_checkpoint(folder, model, {}, tokenizer=work / "tokens" / "tokenizer.json")


def _preset(name: str, speaker: str, wanted: Mapping[str, Any], model: ModelConfig, work: Path) -> Voice:
    """A clip of the speaker that the judge understands wholly and that sounds most like the speaker's others."""
    clips = read_tokens([work / "tokens" / name for name in wanted["sets"]], codes=True)
    low, high = (round(seconds * model.tokens.semantic_rate) for seconds in wanted["seconds"])
    fitting = [clip for clip in clips if clip.voice == speaker and low <= len(clip.semantic) <= high]
    candidates = fitting[: wanted["candidates"]]
    if not candidates:
        raise SystemExit(f"{wanted['sets']} have no clip of {speaker} of {wanted['seconds']} seconds for {name}")
    chosen = _most_typical(candidates, [work / "corpus" / name for name in wanted["sets"]], model.tokens.sample_rate)
    assert chosen.codes is not None
    return Voice(name, chosen.semantic, chosen.codes[: model.tokens.n_coarse], chosen.codes)


def _most_typical(candidates: list[TokenClip], corpora: list[Path], sample_rate: int) -> TokenClip:
    names = {clip.id for clip in candidates}
    audio = {clip.row["id"]: clip.audio() for clip in read_clips(corpora) if clip.row["id"] in names}
    panel = Panel.load(("words", "speaker"))
    judgements = judge([JudgedClip(audio[c.id], c.text, c.voice, sample_rate) for c in candidates], panel)
    centre = np.mean([j.voice for j in judgements if j.voice is not None], axis=0)

    def rank(index: int) -> tuple[int, float]:
        judgement = judgements[index]
        assert judgement.words is not None and judgement.voice is not None
        return judgement.words.errors, -float(judgement.voice @ centre)

    return candidates[min(range(len(candidates)), key=rank)]
