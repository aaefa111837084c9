"""Small models that tell what semantic tokens are worth: back to sound, from phonemes, and to the speaker."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bark.checkpoints.tensors import save_tensors
from bark.codec.layers import Conv, ConvNeXtBlock, Upsample
from bark.codec.pup import PupCodec
from bark.engine import SemanticStage, stage_generator
from bark.evaluation.files import Audio
from bark.models.config import GPTConfig, ModelConfig, SemanticLayout
from bark.models.gpt import GPT
from bark.options import SamplingOptions
from bark.text.tokenizer import TextTokenizer, train_tokenizer
from bark.tokens import IntArray
from bark.training.loop import Batch, Task
from bark.training.tokenized import TokenClip
from recipes.pup.semantic_candidates import VOCAB

FRAME_RATE = 50  # of the codec
DIPHTHONGS = str.maketrans(
    "AIOQSTWY", "12345678"
)  # the text tokenizer makes letters small, which here are other sounds
PHONEME_VOCAB = 400
TEMPERATURE = 0.3


class ResynthesisTask(nn.Module):
    """Semantic tokens and a voice's name to the codec's latent, by regression: what sounds when, in a blurred voice.

    Args:
        tokens: of each clip, [T], or features of it instead, [T, D].
        codes: of each clip, [K, T'], 50 Hz.
        voices: of each clip.
        rate: of the tokens.
        codec: whose latent is wanted.
        vocab: how many tokens there are.
        blocks: ConvNeXt blocks at the tokens' rate, and at 50 Hz.
    """

    def __init__(
        self,
        tokens: Sequence[np.ndarray],
        codes: Sequence[IntArray],
        voices: Sequence[str],
        rate: int,
        codec: PupCodec,
        batch: int = 16,
        width: int = 192,
        vocab: int = VOCAB,
        blocks: tuple[int, int] = (2, 3),
    ) -> None:
        super().__init__()
        self._step, self._batch, self._frames = FRAME_RATE // rate, batch, 80
        self._names = sorted(set(voices))
        self._clips = list(zip(tokens, codes, [self._names.index(voice) for voice in voices], strict=True))
        self._codec = [codec]  # in a list, so that it is no part of what is trained
        size, told = codec.config.width, tokens[0].shape[1:]
        self.token = nn.Linear(told[0], width) if told else nn.Embedding(vocab, width)
        self.voice = nn.Embedding(len(self._names), width)
        self.body = nn.Sequential(
            Conv(width, width, kernel=7, lookahead=3),
            *(ConvNeXtBlock(width) for _ in range(blocks[0])),
            Upsample(width, self._step) if self._step > 1 else nn.Linear(width, width),
            *(ConvNeXtBlock(width) for _ in range(blocks[1])),
            nn.LayerNorm(width),
            nn.Linear(width, size),
        )
        sample = torch.cat([self._latent(c) for _, c, _ in self._clips[:: max(1, len(self._clips) // 64)]])
        self.register_buffer("mean", sample.mean(0))
        self.register_buffer("scale", sample.std(0))

    @property
    def module(self) -> nn.Module:
        """The module with all parameters."""
        return self

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random crops."""
        rows = [self._crop(rng) for _ in range(self._batch)]
        return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Loss of a batch."""
        with torch.no_grad():
            wanted = self._codec[0].quantizer.decode(batch["codes"])
        return {"loss": self.error(batch["tokens"], batch["voice"], wanted)}

    def error(self, tokens: Tensor, voice: Tensor, wanted: Tensor) -> Tensor:
        """Mean squared error of the latent, where its own variance is 1."""
        found = self._told(tokens, voice)
        return (found.float() - (wanted - self.get_buffer("mean")) / self.get_buffer("scale")).square().mean()

    @torch.inference_mode()
    def speak(self, tokens: np.ndarray, voice: str) -> Audio:
        """Tokens [T], or features [T, D], in a voice, through the codec's books to audio [N]."""
        known = torch.tensor([self._names.index(voice)])
        latent = self._told(torch.from_numpy(_read(tokens))[None], known).float()
        latent = latent * self.get_buffer("scale") + self.get_buffer("mean")
        codec = self._codec[0]
        audio: Audio = codec.decode(codec.quantizer.encode(latent, codec.n_codebooks))[0].numpy()
        return audio

    def validate(self) -> dict[str, float]:
        """Nothing: held-out clips are judged afterwards."""
        return {}

    def export(self, path: Path) -> None:
        """Writes `resynthesis.safetensors`."""
        save_tensors(self.state_dict(), path / "resynthesis.safetensors")

    def _told(self, tokens: Tensor, voice: Tensor) -> Tensor:
        found: Tensor = self.body(self.token(tokens) + self.voice(voice)[:, None])
        return found

    def _latent(self, codes: IntArray) -> Tensor:
        with torch.no_grad():
            return self._codec[0].quantizer.decode(torch.from_numpy(codes.astype(np.int64))[None])[0]

    def _crop(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        need = self._frames // self._step
        while True:
            tokens, codes, voice = self._clips[rng.integers(len(self._clips))]
            if len(tokens) > need:
                break
        start = int(rng.integers(0, len(tokens) - need))
        frames = slice(start * self._step, start * self._step + self._frames)
        return {
            "tokens": _read(tokens[start : start + need]),
            "codes": codes[:, frames].astype(np.int64),
            "voice": np.asarray(voice),
        }


def _read(tokens: np.ndarray) -> np.ndarray:
    """Tokens [T] or features [T, D], as a net takes them."""
    return tokens.astype(np.int64 if tokens.ndim == 1 else np.float32)


def learn(task: Task, steps: int, lr: float, warmup: int = 30) -> None:
    """Trains a task by AdamW in float32: bfloat16, and so Muon, is a sixtieth as fast on a CPU that doesn't have it.

    Args:
        task: what to train; step n draws its batch from seed n.
        steps: the learning rate rises for `warmup`, and falls to nothing by the last.
        lr: at its peak.
    """
    torch.manual_seed(0)
    parameters = list(task.module.parameters())
    optimizer = torch.optim.AdamW(parameters, lr, betas=(0.9, 0.95), weight_decay=0.01)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))
        losses = task(task.draw(np.random.default_rng([0, step])))
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 50 == 0:
            print(
                f"step {step + 1}: " + ", ".join(f"{k} {float(v.detach()):.3f}" for k, v in losses.items()), flush=True
            )


def phoneme_text(phonemes: str) -> str:
    """Phonemes as the text tokenizer can read them, a character each."""
    return phonemes.translate(DIPHTHONGS)


def phoneme_tokenizer(clips: Sequence[TokenClip]) -> TextTokenizer:
    """Learned from the texts of clips, which are phonemes."""
    return train_tokenizer([clip.text for clip in clips], PHONEME_VOCAB)


def text_model(config: ModelConfig, rate: int, vocab: int = VOCAB) -> ModelConfig:
    """The config of a checkpoint with a small semantic model for so many tokens, of a rate."""
    steps, text = 14 * rate, vocab + 1
    layout = SemanticLayout(text_length=200, history_length=64, max_steps=steps, pad_prompt=False)
    shape = GPTConfig(
        n_layer=3,
        n_head=4,
        n_embd=160,
        block_size=200 + 1 + steps,
        input_vocab=text + PHONEME_VOCAB + 2,
        output_vocab=vocab + 1,
    )
    tokens = replace(
        config.tokens,
        semantic_rate=float(rate),
        semantic_vocab=vocab,
        semantic_pad=vocab,
        text_offset=text,
        text_pad=text + PHONEME_VOCAB,
        semantic_infer=text + PHONEME_VOCAB + 1,
    )
    return replace(config, tokens=tokens, semantic=shape, semantic_layout=layout, alignment_heads=((1, 0), (2, 0)))


def say(model: GPT, config: ModelConfig, ids: Sequence[int], seed: int) -> IntArray:
    """Tokens that the text model says for a text's ids."""
    stage = SemanticStage(model, config)
    options = SamplingOptions(temperature=TEMPERATURE)
    said = stage.generate(ids, None, options=options, generator=stage_generator(seed, "semantic"))
    return np.asarray(list(said), np.int64)


class SpeakerProbe(nn.Module):
    """Says who speaks from the tokens of a clip: embedding, one convolution, mean over time."""

    def __init__(self, speakers: int, vocab: int, width: int = 64) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab + 1, width, padding_idx=vocab)
        self.mix = nn.Conv1d(width, 2 * width, kernel_size=5, padding=2)
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(2 * width, speakers)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B, T], vocab after the end → logits [B, speakers]."""
        there = (tokens != self.token.padding_idx)[..., None]
        hidden = F.gelu(self.mix(self.token(tokens).transpose(1, 2))).transpose(1, 2) * there
        pooled = hidden.sum(1) / there.sum(1).clamp(min=1)
        logits: Tensor = self.head(self.drop(pooled))
        return logits


def speaker_accuracy(tokens: Sequence[IntArray], voices: Sequence[str], epochs: int = 25) -> float:
    """Share of clips whose speaker a probe tells right; it asks of one clip in five, and learns from the others."""
    names = sorted(set(voices))
    wanted = torch.tensor([names.index(voice) for voice in voices])
    longest, vocab = max(map(len, tokens)), 1 + max(int(t.max()) for t in tokens)
    padded = torch.from_numpy(np.stack([np.pad(t, (0, longest - len(t)), constant_values=vocab) for t in tokens]))
    asked = torch.arange(len(tokens)) % 5 == 0
    torch.manual_seed(0)
    probe = SpeakerProbe(len(names), vocab)
    optimizer = torch.optim.AdamW(probe.parameters(), 2e-3, weight_decay=0.05)
    for _ in range(epochs):
        for rows in _rows(~asked):
            optimizer.zero_grad()
            F.cross_entropy(probe(padded[rows]), wanted[rows]).backward()
            optimizer.step()
    with torch.inference_mode():
        found = probe.eval()(padded[asked]).argmax(1)
    return float((found == wanted[asked]).float().mean())


def _rows(chosen: Tensor) -> Sequence[Tensor]:
    """Batches of the rows that are chosen, in random order."""
    rows = chosen.nonzero().ravel()
    return rows[torch.randperm(len(rows))].split(64)
