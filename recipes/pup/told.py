"""What semantic tokens tell at all: a net that samples nothing regresses the codec's latent from them.

It sees the whole clip and knows whose voice it is, so words that are misheard of what it makes are not in the tokens:

python -m recipes.pup.told --config CONFIG --weights work/runs/semantic-tokenizer/semantic_tokenizer.safetensors

`--source` takes what goes into the quantiser, or what the encoder says before that, instead of the tokens. The codec
is that of `--checkpoint`, codes are those of the work folder; an hour of English by several voices is enough.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bark.checkpoints.native import load_weights
from bark.codec.layers import ConvNeXtBlock
from bark.codec.pup import PupCodec
from bark.evaluation.metrics import interval, total, word_edits
from bark.evaluation.normalize import normalizer
from bark.evaluation.whisper import Transcriber
from bark.models.config import from_mapping
from bark.pipeline import Bark
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.training.audio_corpus import Clip, read_clips
from bark.training.run import read_settings
from bark.training.tokenized import read_tokens

SOURCES = ("tokens", "bounded", "hidden")
SECONDS = 4.0  # of a row
JUDGED = 64  # clips
SHORTEST, LONGEST = 1.2, 6.8  # seconds of these


class Regression(nn.Module):
    """Features of a tokenizer [B, T, D] and a voice [B] → the codec's latent [B, T × ratio, C]."""

    def __init__(self, features: int, voices: int, ratio: int, latent: int, width: int = 256, blocks: int = 8) -> None:
        super().__init__()
        self.read, self.voice = nn.Linear(features, width), nn.Embedding(voices, width)
        self.spread = nn.Linear(width, ratio * width)
        self.trunk = nn.ModuleList(ConvNeXtBlock(width, lookahead=3) for _ in range(blocks))
        self.write = nn.Linear(width, latent)

    def forward(self, x: Tensor, voice: Tensor) -> Tensor:
        """The latent."""
        y = self.spread(nn.functional.gelu(self.read(x)))
        y = y.view(len(x), -1, self.voice.embedding_dim)
        for block in self.trunk:
            y = block(y + self.voice(voice)[:, None])
        latent: Tensor = self.write(y)
        return latent


def features(tokenizer: SemanticTokenizer, audio: Tensor, source: str) -> Tensor:
    """Of audio [B, N]: quantised values, those before rounding, or the encoder's last layer, [B, T, D]."""
    mel = tokenizer.mel(audio)
    if source == "hidden":
        hidden: Tensor = tokenizer.encoder[:-1](mel)
        return hidden
    latent = tokenizer.encoder(mel).float()
    return latent.tanh() if source == "bounded" else tokenizer.quantizer.decode(tokenizer.quantizer.encode(latent))


class Lab:
    """Clips with audio and codes, and the net that is trained on them.

    Args:
        codec: that the codes are of.
        tokenizer: that is asked.
        source: one of `SOURCES`.
        clips: audio and codes [K, T] of each.
        seed: of weights and rows.
    """

    def __init__(
        self,
        codec: PupCodec,
        tokenizer: SemanticTokenizer,
        source: str,
        clips: Sequence[tuple[Clip, np.ndarray]],
        seed: int = 0,
    ) -> None:
        torch.manual_seed(seed)
        self._codec, self._tokenizer, self._source = codec, tokenizer, source
        self._rng, self._hop = random.Random(seed), codec.config.hop
        self._voices = {voice: n for n, voice in enumerate(sorted({clip.row["voice"] for clip, _ in clips}))}
        fit = [each for each in clips if SHORTEST < each[1].shape[1] / codec.frame_rate < LONGEST]
        self.judged = self._rng.sample(fit, min(JUDGED, len(fit) // 4))
        kept = {clip.row["id"] for clip, _ in self.judged}
        self._clips = [each for each in clips if each[0].row["id"] not in kept]
        width = features(tokenizer, torch.zeros(1, 4 * tokenizer.config.hop), source).shape[-1]
        ratio = tokenizer.config.hop // self._hop
        self.net = Regression(width, len(self._voices), ratio, codec.config.width)

    def train(self, steps: int, rows: int = 16, rate: float = 2e-3) -> float:
        """So many steps; gives the share of the latent's variance that the last row of figures left unexplained."""
        optimizer, left = torch.optim.AdamW(self.net.parameters(), rate), math.nan
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
            audio, codes, there, voices = self._batch(rows)
            with torch.no_grad():
                wanted, told = self._codec.quantizer.decode(codes), features(self._tokenizer, audio, self._source)
            with torch.autocast("cpu", torch.bfloat16):
                found = self.net(told, voices)
            loss = ((found.float() - wanted)[there] ** 2).mean() / wanted[there].var()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            optimizer.step()
            left = float(loss.detach())
            if step % 100 == 0:
                print(f"step {step}/{steps}: {left:.3f} of the variance is left", flush=True)
        return left

    @torch.inference_mode()
    def said(self, clip: Clip) -> np.ndarray:
        """What the tokens of a clip tell, as audio [T]."""
        told = features(self._tokenizer, torch.from_numpy(clip.audio())[None], self._source)
        latent = self.net(told, torch.tensor([self._voices[clip.row["voice"]]]))
        return np.asarray(self._codec.decode(self._codec.quantizer.encode(latent, self._codec.n_codebooks))[0])

    def _batch(self, rows: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Audio [B, N], codes [B, K, T], which frames there are [B, T], and voices [B]."""
        every = self._tokenizer.config.hop // self._hop
        frames = round(SECONDS * self._codec.frame_rate) // every * every
        audio = np.zeros((rows, frames * self._hop), np.float32)
        codes, there = np.zeros((rows, self._codec.n_codebooks, frames), np.int64), np.zeros((rows, frames), bool)
        chosen = self._rng.choices(self._clips, k=rows)
        for row, (clip, own) in enumerate(chosen):
            start = self._rng.randrange(max(1, (own.shape[1] - frames) // every + 1)) * every
            heard, read = clip.audio(start * self._hop, audio.shape[1]), own[:, start : start + frames]
            audio[row, : len(heard)], codes[row, :, : read.shape[1]] = heard, read
            there[row, : read.shape[1]] = True
        voices = torch.tensor([self._voices[clip.row["voice"]] for clip, _ in chosen])
        return torch.from_numpy(audio), torch.from_numpy(codes), torch.from_numpy(there), voices


def main() -> None:
    """Trains, and says how many words are misheard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--config", type=Path, required=True, help="whose [model.semantic_tokenizer] is asked")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=Path("work/checkpoint"))
    parser.add_argument("--sets", nargs="+", default=["ready-en", "kokoro-en", "kokoro-us"])
    parser.add_argument("--source", choices=SOURCES, default="tokens")
    parser.add_argument("--steps", type=int, default=900)
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
        lab = Lab(codec, tokenizer, asked.source, clips)
        left = lab.train(asked.steps)
        judge, normal = Transcriber(), normalizer("en")
        edits = [
            word_edits(normal(clip.row["text"]), normal(judge.transcribe(lab.said(clip), codec.sample_rate)))
            for clip, _ in lab.judged
        ]
    wrong, (low, high) = total(edits), interval(edits)
    print(
        f"{asked.source}: {100 * wrong.rate:.1f} % of {wrong.total} words wrong ({100 * low:.0f} to {100 * high:.0f})"
    )
    print(f"{left:.3f} of the variance was left")


if __name__ == "__main__":
    main()
