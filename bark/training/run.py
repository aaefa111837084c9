"""From a TOML file to a run: reads what to train, on what, how long, and where to keep it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from bark.errors import TrainingError
from bark.models.config import ModelConfig, from_mapping
from bark.training.checks import at_least
from bark.training.loop import STATE, LoopConfig, Task, Trainer
from bark.training.optimizers import OptimizerConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Settings = Mapping[str, Any]
T = TypeVar("T")
LEAST = {"batch": 1, "batch_tokens": 1, "clips": 1, "crop_seconds": 0.1, "validation_clips": 1, "validation_windows": 1}


def read_settings(path: Path) -> dict[str, Any]:
    """The tables of a TOML file, and of the one that it `extends`, a path from its own folder: what it says counts.

    Raises:
        TrainingError: a file can't be read, is not TOML, or extends itself.
    """
    return _read(path, ())


def _read(path: Path, extended: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in extended:
        raise TrainingError(f"{path} extends itself")
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"can't read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not TOML: {error}") from error
    base = settings.pop("extends", None)
    if base is None:
        return settings
    if not isinstance(base, str):
        raise TrainingError(f"{path}: extends must name a file, not {base!r}")
    return _merged(_read(path.parent / base, (*extended, path.resolve())), settings)


def _merged(base: Settings, own: Settings) -> dict[str, Any]:
    """Table by table; lists and values are replaced."""
    both = {
        name: _merged(base[name], value) if isinstance(value, dict) and isinstance(base[name], dict) else value
        for name, value in own.items()
        if name in base
    }
    return {**base, **own, **both}


def train(what: str, settings: Settings, data: Path, out: Path, device: str = "cpu") -> None:
    """Trains one model to the end of its schedule, or until it's told to stop.

    Args:
        what: "codec", "codec-decoder", "semantic-tokenizer", "semantic", "coarse" or "fine".
        settings: the whole file; the table named like `what` has `loop`, `optimizer` and the task's own. But for
            "codec-decoder" `initial` names weights to begin with, a path from `data`, "" for none; a run that has
            begun goes on from its own. For "codec-decoder" `synthesis` says what its decoder writes (`PupCodecConfig`);
            else what the codec's does.
        data: folder of the corpus and of tokenised data.
        out: folder of all runs; this one takes `out/what`.

    Raises:
        TrainingError: the settings have no such table, or the data isn't there.
    """
    if what not in TASKS:
        raise TrainingError(f"can't train {what!r}; there are {', '.join(TASKS)}")
    table = dict(_table(settings, what))
    loop = from_mapping(LoopConfig, table.pop("loop", {}), f"[{what}.loop]")
    optimizer = from_mapping(OptimizerConfig, table.pop("optimizer", {}), f"[{what}.optimizer]")
    torch.manual_seed(loop.seed)  # a new model's weights
    initial = table.pop("initial", None)
    task = TASKS[what](table, settings, data, out)
    if initial and not (out / what / STATE).exists():  # a run that has begun goes on from its own
        from bark.checkpoints.native import load_weights

        load_weights(_model(task, what), data / initial)
    Trainer(task, loop, optimizer, out / what, device).run()


def _table(settings: Settings, name: str) -> Mapping[str, Any]:
    table = settings.get(name)
    if not isinstance(table, Mapping):
        raise TrainingError(f"the config has no table [{name}]")
    return table


def _model_table(settings: Settings, part: str) -> Mapping[str, Any]:
    table = _table(settings, "model").get(part)
    if not isinstance(table, Mapping):
        raise TrainingError(f"the config has no table [model.{part}]")
    return table


def _sets(table: dict[str, Any]) -> Mapping[str, float]:
    """Takes the weights of the sets out of a model's table; a set of weight 0 is none."""
    sets = table.pop("sets", None)
    sets = {name: weight for name, weight in sets.items() if weight != 0} if isinstance(sets, Mapping) else {}
    if not sets:
        raise TrainingError("the config names no sets of data; say, sets = { my-voice = 1.0 }")
    for name, weight in sets.items():
        if not isinstance(weight, (int, float)) or isinstance(weight, bool) or not 0 < weight < inf:
            raise TrainingError(f"the weight of the set {name} must be a number from 0 up, not {weight!r}")
    return sets


def _task_config(kind: type[T], table: Mapping[str, Any], name: str) -> T:
    """A task's own settings: what is drawn must be something."""
    config = from_mapping(kind, table, name)
    at_least(name, **{each: (value, LEAST[each]) for each, value in vars(config).items() if each in LEAST})
    return config


def _model(task: Task, what: str) -> nn.Module:
    kept = {"codec": "codec", "semantic-tokenizer": "tokenizer"}.get(what, "model")
    model = getattr(task, kept, None)
    if what == "codec-decoder" or not isinstance(model, nn.Module):
        raise TrainingError(f"[{what}]: a decoder begins with its codec, so it takes no `initial`")
    return model


def _codec(table: dict[str, Any], settings: Settings, data: Path, out: Path) -> Task:
    from bark.training.codec import CodecTask, CodecTaskConfig

    codec = _pup_codec(settings)
    if codec.config.synthesis == "source-filter":
        return _source_filter(codec, table, data, "[codec]", whole=True)
    train_set, held_out = _samplers(_sets(table), data)
    return CodecTask(codec, train_set, held_out, _task_config(CodecTaskConfig, table, "[codec]"))


def _codec_decoder(table: dict[str, Any], settings: Settings, data: Path, out: Path) -> Task:
    from bark.checkpoints.native import load_weights

    begun = _pup_codec(settings)
    codec = _pup_codec(settings, table.pop("synthesis", begun.config.synthesis))
    start = out / "codec" / "codec.safetensors"
    if not start.exists():
        raise TrainingError(f"{start} isn't there: train the codec before its decoder")
    load_weights(begun, start)
    if codec.config.synthesis == "source-filter":
        from bark.training.source_filter import begin_with

        begin_with(codec, begun)
        return _source_filter(codec, table, data, "[codec-decoder]", whole=False)
    if begun.config.synthesis == "source-filter":
        raise TrainingError("[codec-decoder] synthesis: the codec's decoder writes filters, and can't unlearn that")
    from bark.training.vocoder import VocoderTask, VocoderTaskConfig

    train_set, held_out = _samplers(_sets(table), data)
    return VocoderTask(begun, train_set, held_out, _task_config(VocoderTaskConfig, table, "[codec-decoder]"))


def _source_filter(codec: Any, table: dict[str, Any], data: Path, name: str, whole: bool) -> Task:
    """The task of a codec whose decoder writes pitch and filters: of the decoder, or of the whole."""
    from bark.training.pitched import PitchedSampler
    from bark.training.source_filter import SourceFilterTask, SourceFilterTaskConfig

    sets = _sets(table)
    _, held_out = _samplers(sets, data)
    sampler = PitchedSampler({data / "corpus" / name: weight for name, weight in sets.items()}, codec.synthesis.hop)
    return SourceFilterTask(codec, sampler, held_out, _task_config(SourceFilterTaskConfig, table, name), whole)


def _pup_codec(settings: Settings, synthesis: str | None = None) -> Any:
    """A fresh codec of the settings, or with another synthesis than they say."""
    from bark.codec import build_codec
    from bark.codec.pup import PupCodec

    shape = dict(_model_table(settings, "codec"))
    codec = build_codec(shape if synthesis is None else {**shape, "synthesis": synthesis})
    if not isinstance(codec, PupCodec):
        raise TrainingError("[model.codec]: only a codec of kind 'pup' can be trained")
    return codec


def _semantic(table: dict[str, Any], settings: Settings, data: Path, out: Path) -> Task:
    from bark.text.tokenizer import TextTokenizer
    from bark.training.semantic import SemanticTask, SemanticTaskConfig

    model = ModelConfig.from_dict(_table(settings, "model"))
    text = TextTokenizer.from_file(data / "tokens" / "tokenizer.json")
    clips, weights = _clips(_sets(table), data, codes=False)
    config = _task_config(SemanticTaskConfig, table, "[semantic]")
    return SemanticTask(model.semantic, model.tokens, model.semantic_layout, text, clips, weights, config)


def _coarse(table: dict[str, Any], settings: Settings, data: Path, out: Path) -> Task:
    from bark.training.coarse import CoarseTask, CoarseTaskConfig

    model = ModelConfig.from_dict(_table(settings, "model"))
    clips, weights = _clips(_sets(table), data, codes=True)
    config = _task_config(CoarseTaskConfig, table, "[coarse]")
    return CoarseTask(model.coarse, model.tokens, model.coarse_layout, clips, weights, config)


def _fine(table: dict[str, Any], settings: Settings, data: Path, out: Path) -> Task:
    from bark.training.fine import FineTask, FineTaskConfig

    model = ModelConfig.from_dict(_table(settings, "model"))
    clips, weights = _clips(_sets(table), data, codes=True)
    return FineTask(
        model.fine, model.tokens, model.fine_layout, clips, weights, _task_config(FineTaskConfig, table, "[fine]")
    )


def _clips(sets: Mapping[str, float], data: Path, codes: bool) -> tuple[list[Any], list[float]]:
    """The clips of all sets, and how often each is drawn: a set's weight is shared by its clips."""
    from bark.training.tokenized import read_tokens

    clips, weights = [], []
    for name, weight in sets.items():
        members = read_tokens([data / "tokens" / name], codes)
        clips += members
        weights += [weight / len(members)] * len(members)
    return clips, weights


def _samplers(sets: Mapping[str, float], data: Path) -> tuple[Any, Any]:
    from bark.training.audio_corpus import AudioSampler

    folders = {data / "corpus" / name: weight for name, weight in sets.items()}
    sampler = AudioSampler(folders)
    if not len(sampler):
        raise TrainingError(f"there is no clip to train on in {', '.join(map(str, folders))}")
    return sampler, AudioSampler(folders, held_out=True)


def _semantic_tokenizer(table: dict[str, Any], settings: Settings, data: Path, out: Path) -> Task:
    from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
    from bark.training.audio_corpus import read_clips
    from bark.training.semantic_tokenizer import SemanticTokenizerTask, SemanticTokenizerTaskConfig

    shape = _model_table(settings, "semantic_tokenizer")
    tokenizer = SemanticTokenizer(from_mapping(SemanticTokenizerConfig, shape, "[model.semantic_tokenizer]"))
    folders = {data / "corpus" / name: weight for name, weight in _sets(table).items()}
    sets = [(read_clips([folder], held_out=False), weight) for folder, weight in folders.items()]
    held_out = read_clips(list(folders)[::-1], held_out=True)
    config = _task_config(SemanticTokenizerTaskConfig, table, "[semantic-tokenizer]")
    return SemanticTokenizerTask(tokenizer, sets, held_out, config)


TASKS: dict[str, Callable[[dict[str, Any], Settings, Path, Path], Task]] = {
    "codec": _codec,
    "codec-decoder": _codec_decoder,
    "semantic-tokenizer": _semantic_tokenizer,
    "semantic": _semantic,
    "coarse": _coarse,
    "fine": _fine,
}
