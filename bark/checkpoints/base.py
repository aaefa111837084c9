"""What a checkpoint gives, in whatever form it is kept: a config, and models with their weights."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from bark.checkpoints.text import check_vocabulary, find_tokenizer, read_tokenizer
from bark.checkpoints.voices import voice_places
from bark.codec import build_codec
from bark.errors import CheckpointError
from bark.mapped import convert
from bark.models.config import FineGPTConfig, GPTConfig, ModelConfig, from_mapping
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.settings import Settings
from bark.text.tokenizer import TextTokenizer

Stage = Literal["semantic", "coarse", "fine"]
Part = Literal["semantic", "coarse", "fine", "codec"]
STAGES: tuple[Stage, ...] = ("semantic", "coarse", "fine")
M = TypeVar("M", bound=nn.Module)


class Checkpoint(ABC):
    """A model on disk, in this project's form or in someone else's.

    A reader says the config and gives each part's tensors by our names; all else is the same for every form.

    Args:
        folder: of the files.
    """

    _suno = False  # whether it speaks Suno's tokens: then text ids are BERT's, and Suno's voices suit it

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    @property
    @abstractmethod
    def config(self) -> ModelConfig:
        """Shapes and layouts of the model.

        Raises:
            CheckpointError: they can't be read, or make no sense.
        """

    @abstractmethod
    def tensors(self, part: Part) -> dict[str, Tensor]:
        """A part's weights by our names, mapped to the file where that can be; of tied ones, one.

        Raises:
            CheckpointError: the file is missing or broken, or not of this part.
        """

    def int8(self, part: Part) -> bool:
        """Whether a part's weights are kept in int8, and so come in float32 though they take a quarter of that.

        Raises:
            CheckpointError: the file is missing or broken.
        """
        return False

    @abstractmethod
    def source(self, part: Part) -> str:
        """Where a part's weights are, for errors."""

    def semantic(self, device: torch.device | str = "cpu", dtype: torch.dtype | None = torch.float32) -> GPT:
        """The model of the semantic stage, for inference; a dtype of None leaves the weights as they are stored.

        Raises:
            CheckpointError: the file is missing, broken, or not of the config's shape.
        """
        return self._stage("semantic", GPT, self.config.semantic, device, dtype)

    def coarse(self, device: torch.device | str = "cpu", dtype: torch.dtype | None = torch.float32) -> GPT:
        """The model of the coarse stage, for inference; raises as `semantic` does."""
        return self._stage("coarse", GPT, self.config.coarse, device, dtype)

    def fine(self, device: torch.device | str = "cpu", dtype: torch.dtype | None = torch.float32) -> FineGPT:
        """The model of the fine stage, for inference; raises as `semantic` does."""
        return self._stage("fine", FineGPT, self.config.fine, device, dtype)

    def codec(self, device: torch.device | str = "cpu") -> nn.Module:
        """The codec (`bark.codec.base.Codec`), in float32; raises as `semantic` does."""
        tensors, source = self.tensors("codec"), self.source("codec")
        # not on the meta device: a codec computes windows and filters when it is made, and they aren't stored
        codec = _built(lambda: build_codec(self.config.codec), source, "cpu")
        assign(codec, tensors, source)
        return codec.to(device).eval().requires_grad_(False)

    def semantic_tokenizer(self, device: torch.device | str = "cpu") -> SemanticTokenizer:
        """What makes semantic tokens of audio, in float32.

        Raises:
            CheckpointError: the model has none, as Suno's have not, or as `semantic` does.
        """
        if self.config.semantic_tokenizer is None:
            raise CheckpointError(
                f"{self.config.name} has nothing that makes semantic tokens of a recording: no voice can be made of one"
            )
        tensors, source = self.listener()
        shape = from_mapping(SemanticTokenizerConfig, self.config.semantic_tokenizer, "config.json: semantic_tokenizer")
        tokenizer = _built(lambda: SemanticTokenizer(shape), source, "cpu")  # it computes windows as a codec does
        assign(tokenizer, tensors, source)
        return tokenizer.to(device).eval().requires_grad_(False)

    def text_tokenizer(self) -> TextTokenizer:
        """What turns text into ids: the folder's own, or, for Suno's models, BERT's from 🤗's cache.

        Raises:
            CheckpointError: there is none, it is broken, or its ids are not those that the semantic model reads.
        """
        path = find_tokenizer(self.folder, Settings.from_env().hub if self._suno else None)
        tokenizer = read_tokenizer(path)
        check_vocabulary(tokenizer.vocab_size, _text_room(self.config), str(path), suno=self._suno)
        return tokenizer

    def listener(self) -> tuple[dict[str, Tensor], str]:
        """The semantic tokenizer's weights by our names, and where they are, for errors.

        Raises:
            CheckpointError: checkpoints of this form have none, or the file is broken.
        """
        raise CheckpointError(f"{self.folder} has no semantic tokenizer")

    @property
    def voices(self) -> list[Path]:
        """Where the voices are looked for; see `bark.checkpoints.voices.voice_places`."""
        return voice_places(self.folder, Settings.from_env().hub if self._suno else None)

    def _stage(
        self,
        stage: Stage,
        kind: Callable[[Any], M],
        shape: GPTConfig | FineGPTConfig,
        device: Any,
        dtype: torch.dtype | None,
    ) -> M:
        tensors, source = self.tensors(stage), self.source(stage)
        _check_depth(shape.n_layer, tensors, source)
        model = _built(lambda: kind(shape), source)
        assign(model, tensors, source, device=device, dtype=dtype)
        return model.eval().requires_grad_(False)


def assign(
    module: nn.Module,
    tensors: Mapping[str, Tensor],
    source: str,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = torch.float32,
) -> None:
    """Puts tensors in place of a module's own, which may be on the meta device.

    Those that are already of the asked kind are taken as they are; the others are converted one after another.

    Args:
        module: whose tensors to replace; weights that it shares stay shared.
        tensors: by the module's names; of those that are shared, by the first name.
        source: said in errors.
        device: where they go.
        dtype: that floating-point tensors get; others keep theirs, as all do for None.

    Raises:
        CheckpointError: a tensor is missing, unknown, of another shape, or of whole numbers where it shouldn't be.
    """
    slots: dict[int, tuple[Tensor, list[str]]] = {}
    for name, own in module.state_dict(keep_vars=True).items():
        slots.setdefault(id(own), (own, []))[1].append(name)
    _check_tensors(tensors, {names[0]: own for own, names in slots.values()}, source)
    state: dict[str, Tensor] = {}
    for own, names in slots.values():
        tensor = tensors[names[0]]
        tensor = convert(tensor, device, dtype if dtype and tensor.is_floating_point() else tensor.dtype)
        if isinstance(own, nn.Parameter):  # as one Parameter under all its names, it stays shared
            tensor = nn.Parameter(tensor, requires_grad=own.requires_grad)
        state.update(dict.fromkeys(names, tensor))
    module.load_state_dict(state, assign=True)


def _check_tensors(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: str) -> None:
    missing = [name for name in wanted if name not in tensors]
    unknown = [name for name in tensors if name not in wanted]
    if missing or unknown:
        faults = [f"{label} {_few(names)}" for label, names in (("misses", missing), ("has unknown", unknown)) if names]
        raise CheckpointError(f"{source} {' and '.join(faults)}: it isn't of the model that its settings describe")
    for name, own in wanted.items():
        tensor = tensors[name]
        if tensor.shape != own.shape:
            raise CheckpointError(
                f"{source}: {name} has the shape {list(tensor.shape)}, but its settings ask for {list(own.shape)}"
            )
        if own.is_floating_point() and not tensor.is_floating_point():
            raise CheckpointError(f"{source}: {name} is of {tensor.dtype}, and weights are floating-point numbers")


def tied(tensors: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Tensors of a fine model with each head under the name of the embedding that it shares its weight with.

    Args:
        tensors: by our names; of head i (`lm_heads.i`) and embedding i + 1 (`wtes.i+1`), one is enough.
        source: said in errors.

    Raises:
        CheckpointError: both are there, and differ.
    """
    kept = dict(tensors)
    for name, head in tensors.items():
        match = re.fullmatch(r"lm_heads\.(\d+)\.weight", name)
        if match:
            embedding = f"wtes.{int(match[1]) + 1}.weight"
            if not _same(kept.setdefault(embedding, kept.pop(name)), head):
                raise CheckpointError(f"{source}: {name} and {embedding} differ, but are one weight in the fine model")
    return kept


def _same(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and (a.data_ptr() == b.data_ptr() or torch.equal(a, b))


class WithoutInit(TorchFunctionMode):
    """Leaves out the initialisation of weights that are about to be replaced.

    On the meta device it would do nothing, but `nn.init.normal_` imports torch's compiler there, which takes longer
    than reading the weights.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Gives the tensor back as it is, where a function of `torch.nn.init` was to fill it."""
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


def _built(make: Callable[[], M], source: str, device: str = "meta") -> M:
    """A module without weights."""
    try:
        with torch.device(device), WithoutInit():
            return make()
    except CheckpointError:
        raise
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:  # a number that makes no sense
        raise CheckpointError(f"{source}: no model can be made of its settings ({error})") from error


def _text_room(config: ModelConfig) -> int:
    """How many ids of text the semantic model reads: to its last row, or to the next that isn't text."""
    space = config.tokens
    others = (token for token in (space.text_pad, space.semantic_infer) if token >= space.text_offset)
    return min(config.semantic.input_vocab, *others) - space.text_offset


def _check_depth(n_layer: int, tensors: Mapping[str, Tensor], source: str) -> None:
    """Before a model is made, which would take for ever if the settings said a billion layers."""
    found = len({name.split(".")[1] for name in tensors if name.startswith("h.")})
    if found != n_layer:
        raise CheckpointError(f"{source} has the weights of {found} layers, but its settings say {n_layer}")


def _few(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
