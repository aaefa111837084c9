"""The parts of a model: each is loaded when it is first needed, and is on its device when it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TypeVar, cast

import torch
from torch import nn

from bark.checkpoints.base import Checkpoint, Part
from bark.codec.base import Codec
from bark.engine import CoarseStage, FineStage, SemanticStage
from bark.engine.device import codec_device, visiting
from bark.engine.quantize import foresee, pack
from bark.models.config import GPTConfig, widened
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.semantic.tokenizer import SemanticTokenizer
from bark.settings import Settings, bound_kernel_caches
from bark.text.tokenizer import TextTokenizer
from bark.voices import VoiceLibrary

M = TypeVar("M", GPT, FineGPT)
PARTS: tuple[Part, ...] = ("semantic", "coarse", "fine", "codec")


class Parts:
    """Tokenizer, stages and codec of a checkpoint.

    A part is borrowed for the length of a `with` block:

        with parts.coarse() as stage:
            codes = list(stage.generate(…))

    Args:
        checkpoint: what they are made of.
        device: where they compute.
        dtype: of the stages' weights; None leaves them as they are stored, for reading. The codec's are float32.
        quantize: what the stages' weights are quantised to on a CPU; see `bark.engine.quantize`.
        offload: True to have a part on the device only while it is borrowed, and on the CPU else.
        windows: of the coarse stage; see `bark.models.config.widened`.
        graphs: whether a CUDA GPU may record and replay what it decodes with; see `bark.engine.cuda_graph`.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: torch.device,
        dtype: torch.dtype | None,
        *,
        quantize: str | None = None,
        offload: bool = False,
        windows: str = "exact",
        graphs: bool = True,
    ) -> None:
        if device.type == "cpu":
            bound_kernel_caches()
        self.checkpoint = checkpoint
        self.config = widened(checkpoint.config, windows)
        self.device = device
        self.codec_device = codec_device(device)
        self.dtype = dtype
        self.quantize = quantize
        self.graphs = graphs
        self.offload = offload and device.type != "cpu"
        self.kinds: dict[str, str | None] = {}  # of voices by name, as `bark.casting` has heard them
        self._loaded: dict[Part, SemanticStage | CoarseStage | FineStage | nn.Module] = {}

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """Of text; raises as `Checkpoint.text_tokenizer` does."""
        return self.checkpoint.text_tokenizer()

    @cached_property
    def voices(self) -> VoiceLibrary:
        """The voices that come with the checkpoint, and the user's own."""
        return VoiceLibrary(self.checkpoint.voices, self.config.tokens, Settings.from_env().voices)

    @contextmanager
    def semantic(self) -> Iterator[SemanticStage]:
        """The first stage; a part that is missing or broken raises a `CheckpointError`."""
        with self._borrowed("semantic"):
            yield cast(SemanticStage, self._loaded["semantic"])

    @contextmanager
    def coarse(self) -> Iterator[CoarseStage]:
        """The second stage; raises as `semantic` does."""
        with self._borrowed("coarse"):
            yield cast(CoarseStage, self._loaded["coarse"])

    @contextmanager
    def fine(self) -> Iterator[FineStage]:
        """The third stage; raises as `semantic` does."""
        with self._borrowed("fine"):
            yield cast(FineStage, self._loaded["fine"])

    @contextmanager
    def codec(self) -> Iterator[Codec]:
        """What makes audio of codes, on `codec_device`; raises as `semantic` does."""
        with self._borrowed("codec"):
            yield cast(Codec, self._loaded["codec"])

    @contextmanager
    def semantic_tokenizer(self) -> Iterator[SemanticTokenizer]:
        """What makes semantic tokens of audio, on `codec_device`; raises as `semantic` does, and if there is none.

        It is loaded for as long as it is borrowed: voices are seldom made.
        """
        yield self.checkpoint.semantic_tokenizer(self.codec_device)

    def load(self, *parts: Part) -> None:
        """Loads some parts, or all of them, unless they are there.

        Raises:
            CheckpointError: one is missing or broken.
        """
        for part in parts or PARTS:
            if part not in self._loaded:
                self._loaded[part] = self._made(part)

    def unload(self, *parts: Part) -> None:
        """Forgets some parts, or all of them; what is asked for again is loaded again."""
        for part in parts or PARTS:
            self._loaded.pop(part, None)

    def module(self, part: Part) -> nn.Module:
        """The network of a part, which is loaded if it isn't there; raises as `load` does."""
        self.load(part)
        loaded = self._loaded[part]
        return loaded if isinstance(loaded, nn.Module) else loaded.model

    @contextmanager
    def _borrowed(self, part: Part) -> Iterator[None]:
        module = self.module(part)
        if not self.offload:
            yield
            return
        with visiting(module, self._place(part)):
            yield

    def _place(self, part: Part) -> torch.device:
        return self.codec_device if part == "codec" else self.device

    def _made(self, part: Part) -> SemanticStage | CoarseStage | FineStage | nn.Module:
        device = torch.device("cpu") if self.offload else self._place(part)
        if part == "semantic":
            return SemanticStage(self._causal(self.checkpoint.semantic, self.config.semantic, device), self.config)
        if part == "coarse":
            return CoarseStage(self._causal(self.checkpoint.coarse, self.config.coarse, device), self.config)
        if part == "fine":
            return FineStage(self._ready(self.checkpoint.fine, device), self.config)
        return self.checkpoint.codec(device)

    def _causal(
        self, load: Callable[[torch.device, torch.dtype | None], GPT], shape: GPTConfig, device: torch.device
    ) -> GPT:
        if self.dtype is not None and self.device.type == "cpu":
            foresee(shape, self.dtype, self.quantize)
        model = self._ready(load, device)
        model.graphs = self.graphs
        return model

    def _ready(self, load: Callable[[torch.device, torch.dtype | None], M], device: torch.device) -> M:
        if self.dtype is None or self.device.type != "cpu":
            return load(device, self.dtype)
        model = load(device, None)
        pack(model, self.dtype, self.quantize)
        return model
