"""How long the causal stages take for a token of each of several rows, and whether it is the token it should be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import torch

from bark.engine import CoarseHistory, CoarseStage, SemanticStage, stage_generator
from bark.engine.blocks import BlockWriter
from bark.engine.sequence import written
from bark.engine.workspace import Workspace
from bark.evaluation.floor import BYTES, Floor, token_weights, wait_for
from bark.evaluation.speed import long_voice, row
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.options import SamplingOptions
from bark.pipeline import Bark

WARM = SamplingOptions(temperature=0.7)
Stage = SemanticStage | CoarseStage
Make = Callable[[int, int], Any]  # a sequence, by its number and how many tokens it shall write


def semantic(stage: SemanticStage) -> Make:
    """Utterances of one text that end by themselves nowhere."""

    def make(number: int, tokens: int) -> Any:
        seconds = (tokens - 0.5) / stage.tokens.semantic_rate
        generator = stage_generator(number, "semantic", stage.model.device)
        text = row(20 + number % 4, stage.tokens.text_pad - stage.tokens.text_offset)
        return stage.sequence(text, options=WARM, max_duration=seconds, stop_at_eos=False, generator=generator)

    return make


def coarse(stage: CoarseStage, config: ModelConfig) -> Make:
    """What comes after a voice that fills the window."""
    voice = long_voice(config)

    def make(number: int, tokens: int) -> Any:
        given = row(tokens, stage.tokens.semantic_vocab)
        while stage.frames(len(given)) * stage.tokens.n_coarse > tokens:
            given = given[:-1]
        generator = stage_generator(number, "coarse", stage.model.device)
        history = CoarseHistory(voice.semantic, voice.coarse)
        return stage.sequence(
            (given + number) % stage.tokens.semantic_vocab, history, options=WARM, generator=generator
        )

    return make


def random_stage(config: ModelConfig, name: str, device: torch.device, dtype: torch.dtype) -> tuple[Stage, Make]:
    """A causal stage with random weights, and what it writes."""
    with torch.device(device):
        model = GPT(config.semantic if name == "semantic" else config.coarse)
        model.reset_parameters()
    model = model.to(device, dtype).eval()
    if name == "semantic":
        said = SemanticStage(model, config)
        return said, semantic(said)
    sounded = CoarseStage(model, config)
    return sounded, coarse(sounded, config)


def decoding(
    config: ModelConfig, device: torch.device, dtype: torch.dtype, rows: Sequence[int], floor: Floor, repeats: int = 3
) -> Iterator[dict[str, Any]]:
    """Milliseconds a step, in which each row writes a token: replayed and as it is, with the time at best beside it."""
    precision = str(dtype).removeprefix("torch.")
    for name in ("semantic", "coarse"):
        stage, make = random_stage(config, name, device, dtype)
        shape = stage.model.config
        vocab = stage.tokens.semantic_vocab if name == "semantic" else stage.tokens.codebook_size
        best = token_weights(shape, vocab) * BYTES[precision] / floor.bandwidth * 1e3
        tokens = 60 if name == "coarse" else 128
        for count, graphs in product(rows, (True, False)):
            own = Workspace(stage.model, stage.capacity, count, graphs=graphs)
            times = repeats + 2 if graphs else 2  # two of them record
            few, many = (min(_seconds(stage, make, own, n) for _ in range(times)) for n in (4, tokens))
            yield {
                "stage": name,
                "rows": count,
                "graphs": graphs and own.graphs.wanted,
                "recordings": len(own.graphs),
                "first_tokens_ms": few * 1e3,
                "step_ms": (many - few) / (tokens - 4) * 1e3,
                "weights_ms": best,
            }
            del own


def _seconds(stage: Stage, make: Make, own: Workspace, tokens: int) -> float:
    started = time.perf_counter()
    for _ in written(BlockWriter(stage.model, own), [(n, make(n, tokens)) for n in range(own.rows)]):
        pass
    wait_for(stage.model.device)
    return time.perf_counter() - started


def companions(bark: Bark, rows: int = 5, tokens: int = 60) -> dict[str, dict[str, float]]:
    """Share of tokens that are the same, drawn by many rows or by one, replayed or as it is.

    Args:
        bark: the model, in float32.
        rows: how many.
        tokens: of each.
    """
    found = {}
    with bark.parts.semantic() as said, bark.parts.coarse() as sounded:
        makes: list[tuple[str, Stage, Make]] = [
            ("semantic", said, semantic(said)),
            ("coarse", sounded, coarse(sounded, bark.config)),
        ]
        for name, stage, make in makes:
            plain = _tokens(stage, make, rows, tokens, rows, graphs=False)
            found[name] = {
                "replayed": _same(_tokens(stage, make, rows, tokens, rows), plain),
                "alone": _same(_tokens(stage, make, rows, tokens, 1), plain),
                "different rows": float(len({tuple(each) for each in plain})),
            }
    return found


def _tokens(stage: Stage, make: Make, rows: int, tokens: int, slots: int, graphs: bool = True) -> list[list[int]]:
    own = Workspace(stage.model, stage.capacity, slots, graphs=graphs)
    for _ in range(3):  # as it is, recorded, replayed
        said: dict[int, list[int]] = {n: [] for n in range(rows)}
        for number, item in written(BlockWriter(stage.model, own), [(n, make(n, tokens)) for n in range(rows)]):
            said[number] += torch.as_tensor(item).flatten().tolist()
    return list(said.values())


def _same(said: list[list[int]], others: list[list[int]]) -> float:
    pairs = [(a, b) for one, other in zip(said, others, strict=True) for a, b in zip(one, other, strict=True)]
    return sum(a == b for a, b in pairs) / len(pairs)


def logits_apart(models: Sequence[Bark], length: int = 200) -> dict[str, float]:
    """By how much the logits of one device are apart from another's, as a share of their size (‖a − b‖ / ‖b‖)."""
    found = {}
    for part in ("semantic", "coarse"):
        said = []
        for model in models:
            gpt = model.parts.module(part)
            assert isinstance(gpt, GPT)
            tokens = torch.from_numpy(row(min(length, gpt.config.block_size), gpt.config.input_vocab))
            with torch.inference_mode():
                embedded = gpt.embed(tokens[None].to(gpt.device))
                hidden = gpt(embedded, torch.arange(len(tokens), device=gpt.device))
                said.append(gpt.logits(hidden).double().cpu())
        found[part] = float((said[0] - said[1]).norm() / said[1].norm())
    return found
