"""What semantic tokens tell at all: a net that samples nothing regresses the codec's latent from them.

It sees the whole clip and knows whose voice it is, so words that are misheard of what it makes are not in the tokens:

python -m recipes.pup.told --config CONFIG --weights work/runs/semantic-tokenizer/semantic_tokenizer.safetensors

`--source` takes what goes into the quantiser, or what the encoder says before that, instead of the tokens. The codec
is that of `--checkpoint`, codes are those of the work folder; an hour of English by several voices is enough. It is the
resynthesis of `recipes.pup.compare_semantic`, but larger, longer trained and heard in more clips.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bark.checkpoints.native import load_weights
from bark.codec.pup import PupCodec
from bark.evaluation.files import Audio
from bark.evaluation.metrics import interval, total, word_edits
from bark.evaluation.normalize import normalizer
from bark.evaluation.whisper import Transcriber
from bark.models.config import from_mapping
from bark.pipeline import Bark
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.training.audio_corpus import Clip, read_clips
from bark.training.run import read_settings
from bark.training.tokenized import read_tokens
from recipes.pup.semantic_models import ResynthesisTask, learn

SOURCES = ("tokens", "bounded", "hidden")
JUDGED = 64  # clips
SHORTEST, LONGEST = 1.2, 6.8  # seconds of these


@torch.inference_mode()
def features(tokenizer: SemanticTokenizer, audio: Tensor, source: str) -> Tensor:
    """Of audio [B, N]: quantised values, those before rounding, or the encoder's last layer, [B, T, D]."""
    mel = tokenizer.mel(audio)
    if source == "hidden":
        hidden: Tensor = tokenizer.encoder[:-1](mel)
        return hidden
    latent = tokenizer.encoder(mel).float()
    return latent.tanh() if source == "bounded" else tokenizer.quantizer.decode(tokenizer.quantizer.encode(latent))


def said(
    codec: PupCodec,
    tokenizer: SemanticTokenizer,
    source: str,
    clips: Sequence[tuple[Clip, np.ndarray]],
    steps: int,
    width: int = 256,
    blocks: tuple[int, int] = (2, 6),
) -> Iterator[tuple[Clip, Audio]]:
    """Clips that are not trained on, each with what is told of it, as audio.

    Args:
        codec: that the codes are of.
        tokenizer: that is asked.
        source: one of `SOURCES`.
        clips: with their codes [K, T].
        steps: of training.
        width: of the net.
        blocks: of the net, at the tokens' rate and at the codec's.
    """
    fit = [each for each in clips if SHORTEST < each[0].row["samples"] / codec.sample_rate < LONGEST]
    judged = random.Random(0).sample(fit, min(JUDGED, len(fit) // 4))
    kept = {clip.row["id"] for clip, _ in judged}
    learned = [(clip, codes) for clip, codes in clips if clip.row["id"] not in kept]
    torch.manual_seed(0)
    task = ResynthesisTask(
        [told(tokenizer, clip, source) for clip, _ in learned],
        [codes for _, codes in learned],
        [clip.row["voice"] for clip, _ in learned],
        tokenizer.config.rate,
        codec,
        width=width,
        blocks=blocks,
    )
    learn(task, steps, 2e-3)
    task.eval()
    for clip, _ in judged:
        yield clip, task.speak(told(tokenizer, clip, source), clip.row["voice"])


def told(tokenizer: SemanticTokenizer, clip: Clip, source: str) -> np.ndarray:
    """`features` of a clip [T, D], for whole tokens only."""
    found = features(tokenizer, torch.from_numpy(clip.audio())[None], source)[0].numpy()
    return found[: clip.row["samples"] // tokenizer.config.hop].astype(np.float16)


def main() -> None:
    """Trains, and says how many words are misheard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--config", type=Path, required=True, help="whose [model.semantic_tokenizer] is asked")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=Path("work/checkpoint"))
    parser.add_argument("--sets", nargs="+", default=["ready-en", "kokoro-en", "kokoro-us"])
    parser.add_argument("--source", choices=SOURCES, default="tokens")
    parser.add_argument("--steps", type=int, default=1500)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    shape = read_settings(asked.config)["model"]["semantic_tokenizer"]
    tokenizer = SemanticTokenizer(from_mapping(SemanticTokenizerConfig, shape, "[model.semantic_tokenizer]")).eval()
    load_weights(tokenizer, asked.weights)
    heard = {clip.row["id"]: clip for name in asked.sets for clip in read_clips([asked.work / "corpus" / name])}
    tokens = [clip for name in asked.sets for clip in read_tokens([asked.work / "tokens" / name], codes=True)]
    clips = [(heard[clip.id], np.asarray(clip.codes)) for clip in tokens if clip.id in heard]
    with Bark(asked.checkpoint, "cpu").parts.codec() as codec:
        assert isinstance(codec, PupCodec)
        judge, normal = Transcriber(), normalizer("en")
        edits = [
            word_edits(normal(clip.row["text"]), normal(judge.transcribe(audio, codec.sample_rate)))
            for clip, audio in said(codec, tokenizer, asked.source, clips, asked.steps)
        ]
    wrong, (low, high) = total(edits), interval(edits)
    print(
        f"{asked.source}: {100 * wrong.rate:.1f} % of {wrong.total} words wrong ({100 * low:.0f} to {100 * high:.0f})"
    )


if __name__ == "__main__":
    main()
