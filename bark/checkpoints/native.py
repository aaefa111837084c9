"""This project's own checkpoints: a folder of `config.json`, safetensors, `tokenizer.json` and voices.

config.json                       ModelConfig
semantic.safetensors              GPT
coarse.safetensors                GPT
fine.safetensors                  FineGPT
codec.safetensors                 what `build_codec` makes
semantic_tokenizer.safetensors    where there is one
tokenizer.json                    🤗 tokenizers
voices/**/*.npz                   voices by name
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from bark.checkpoints.registry import CONFIG
from bark.checkpoints.tensors import make_folder, read_tensors, save_tensors
from bark.codec import build_codec
from bark.errors import CheckpointError
from bark.files import replacing
from bark.models.config import ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.text.tokenizer import TextTokenizer

TOKENIZER = "tokenizer.json"
VOICES = "voices"
M = TypeVar("M", bound=nn.Module)


class NativeCheckpoint:
    """A checkpoint folder whose config has been read; weights are read when they are asked for.

    Args:
        folder: see the head of this file.

    Raises:
        CheckpointError: `config.json` can't be read or isn't a model's.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.config = ModelConfig.from_dict(_read_json(self.folder / CONFIG))

    def semantic(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> GPT:
        """The model of the semantic stage, for inference.

        Raises:
            CheckpointError: the file is missing, broken, or not of the config's shape.
        """
        return self._load("semantic", lambda: GPT(self.config.semantic), device, dtype)

    def coarse(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> GPT:
        """The model of the coarse stage, for inference; raises as `semantic` does."""
        return self._load("coarse", lambda: GPT(self.config.coarse), device, dtype)

    def fine(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> FineGPT:
        """The model of the fine stage, for inference; raises as `semantic` does."""
        return self._load("fine", lambda: FineGPT(self.config.fine), device, dtype)

    def codec(self, device: torch.device | str = "cpu") -> nn.Module:
        """The codec (`bark.codec.base.Codec`), in float32; raises as `semantic` does."""
        # Not on the meta device: a codec computes windows and filters when it is made, and they aren't stored.
        with WithoutInit():
            codec = _built("codec", lambda: build_codec(self.config.codec))
        load_weights(codec, self.folder / "codec.safetensors")
        return codec.to(device).eval().requires_grad_(False)

    def text_tokenizer(self) -> TextTokenizer:
        """What turns text into ids.

        Raises:
            CheckpointError: the file is missing or broken, or has more ids than the semantic model reads.
        """
        tokenizer = TextTokenizer.from_file(self.folder / TOKENIZER)
        room = self.config.semantic.input_vocab - self.config.tokens.text_offset
        if tokenizer.vocab_size > room:
            raise CheckpointError(
                f"{self.folder / TOKENIZER}: {tokenizer.vocab_size} ids, but the semantic model has room for {room}"
            )
        return tokenizer

    @property
    def voices(self) -> Path:
        """Folder of the voices; it need not exist."""
        return self.folder / VOICES

    def _load(self, part: str, make: Callable[[], M], device: torch.device | str, dtype: torch.dtype) -> M:
        with torch.device("meta"), WithoutInit():
            model = _built(part, make)
        load_weights(model, self.folder / f"{part}.safetensors", device=device, dtype=dtype)
        return model.eval().requires_grad_(False)


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


def load_weights(
    module: nn.Module,
    path: str | os.PathLike[str],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> None:
    """Puts a file's tensors in place of a module's own, which may be on the meta device.

    Tensors that are already of the asked kind stay mapped to the file. Weights that were shared stay shared.

    Args:
        module: whose tensors to replace.
        path: a safetensors file.
        device: where they go.
        dtype: that floating-point tensors get; others keep theirs.

    Raises:
        CheckpointError: the file is missing or broken, or a tensor is missing, unknown or of another shape.
    """
    slots = _slots(module)
    tensors = read_tensors(Path(path))
    _check_tensors(Path(path), {name: slot[0].shape for name, slot in slots.items()}, tensors)
    state: dict[str, Tensor] = {}
    for first, (own, names) in slots.items():
        tensor = tensors.pop(first)
        tensor = tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)
        if isinstance(own, nn.Parameter):  # as one Parameter under all its names, it stays shared
            tensor = nn.Parameter(tensor, requires_grad=own.requires_grad)
        state.update(dict.fromkeys(names, tensor))
    module.load_state_dict(state, assign=True)


def save_checkpoint(
    folder: str | os.PathLike[str],
    config: ModelConfig,
    modules: Mapping[str, nn.Module],
    tokenizer: str | os.PathLike[str] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Writes a checkpoint, or some parts of one; `config.json` comes last, so that an unfinished one isn't found.

    Args:
        folder: made if it isn't there; parts of it that aren't given stay as they are.
        config: of the model.
        modules: by part: semantic, coarse, fine, codec, semantic_tokenizer.
        tokenizer: the `tokenizer.json` to copy.
        dtype: that floating-point tensors get; None keeps theirs.

    Raises:
        OutputError: something can't be written.
    """
    folder = Path(folder)
    make_folder(folder)
    for part, module in modules.items():
        save_tensors(module.state_dict(), folder / f"{part}.safetensors", dtype)
    if tokenizer is not None:
        with replacing(folder / TOKENIZER) as temporary:
            shutil.copyfile(tokenizer, temporary)
    text = json.dumps(config.to_dict(), indent=2, ensure_ascii=False) + "\n"
    with replacing(folder / CONFIG) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _built(part: str, make: Callable[[], M]) -> M:
    try:
        return make()
    except CheckpointError:
        raise
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:  # a number that makes no sense
        raise CheckpointError(f"{CONFIG}: {part}: no model can be made of these settings ({error})") from error


def _slots(module: nn.Module) -> dict[str, tuple[Tensor, list[str]]]:
    """Every tensor of a module by its first name, with all its names."""
    slots: dict[int, tuple[Tensor, list[str]]] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        slots.setdefault(id(tensor), (tensor, []))[1].append(name)
    return {names[0]: (tensor, names) for tensor, names in slots.values()}


def _check_tensors(path: Path, wanted: Mapping[str, torch.Size], tensors: Mapping[str, Tensor]) -> None:
    missing = [name for name in wanted if name not in tensors]
    unknown = [name for name in tensors if name not in wanted]
    if missing or unknown:
        faults = [f"{label} {_few(names)}" for label, names in (("misses", missing), ("has unknown", unknown)) if names]
        raise CheckpointError(f"{path} {' and '.join(faults)}: it isn't of the model that {CONFIG} describes")
    for name, shape in wanted.items():
        if tensors[name].shape != shape:
            found = list(tensors[name].shape)
            raise CheckpointError(f"{path}: {name} has the shape {found}, but {CONFIG} asks for {list(shape)}")


def _few(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"can't read {path}: {error.strerror}") from error
    except ValueError as error:  # broken JSON, or bytes that aren't UTF-8
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: expected a table of settings, got {type(values).__name__}")
    return values
