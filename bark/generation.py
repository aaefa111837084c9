"""The stages by the names and arguments of Suno's package, so that scripts written for it run as they are.

The model is that of `BARK_MODEL`, else pup. Numbers and names beside the functions are in `bark.original`. Draws come
from torch's own source, as in the original: what follows `torch.manual_seed` is the same again. Nothing is loaded, and
no torch imported, before a function is called.

`MODEL`, `USE_SMALL_MODELS`, `OFFLOAD_CPU`, `GLOBAL_ENABLE_MPS` and `CACHE_DIR` say what the environment says now; what
is assigned to them counts instead. All hold when a model is loaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bark import original
from bark.errors import BarkError, BarkWarning, OptionError
from bark.loaded import PARTS, Choice, Loaded
from bark.options import GenerateOptions, ModelsOwn, SamplingOptions
from bark.original import *  # noqa: F403
from bark.progress import shown_progress
from bark.record import Record
from bark.settings import Settings
from bark.text.normalize import normalize
from bark.text.prepare import prepared
from bark.voices import Voice, VoiceLike

if TYPE_CHECKING:
    import numpy.typing as npt

    from bark.models.config import ModelConfig
    from bark.pipeline import Bark
    from bark.tokens import IntArray

__all__ = [
    "CACHE_DIR",
    "GLOBAL_ENABLE_MPS",
    "OFFLOAD_CPU",
    "USE_SMALL_MODELS",
    "clean_models",
    "codec_decode",
    "generate_coarse",
    "generate_fine",
    "generate_text_semantic",
    "load_codec_model",
    "load_model",
    "models",
    "models_devices",
    "preload_models",
]
__all__ += original.__all__

COARSE_HISTORY, COARSE_STRIDE = 630, 60  # Suno's; as arguments they stand for the model's own
TEMPERATURE, FINE_TEMPERATURE, MIN_EOS_P = ModelsOwn(0.7), ModelsOwn(0.5), ModelsOwn(0.2)

SWITCHES = {  # the original's name (but for the first): the field of Settings
    "MODEL": "model",
    "USE_SMALL_MODELS": "small",
    "OFFLOAD_CPU": "offload",
    "GLOBAL_ENABLE_MPS": "mps",
    "CACHE_DIR": "suno",
}
MODEL: str  # these five are in `__getattr__`
USE_SMALL_MODELS: bool
OFFLOAD_CPU: bool
GLOBAL_ENABLE_MPS: bool
CACHE_DIR: str
_loaded = Loaded()
models: dict[str, Any] = _loaded.networks
"""What is loaded, by the original's names: `text` (`model` and `tokenizer`), `coarse`, `fine`, `codec`."""
models_devices: dict[str, str] = {}
"""Where what is loaded goes while it works, where `OFFLOAD_CPU` keeps it on the CPU else; by the same names."""


def __getattr__(name: str) -> Any:
    """Switches that nobody has assigned to."""
    if name not in SWITCHES:
        raise AttributeError(f"module 'bark.generation' has no attribute {name!r}")
    value = getattr(Settings.from_env(), SWITCHES[name])
    return str(value) if isinstance(value, Path) else value


def preload_models(
    text_use_gpu: bool = True,
    text_use_small: bool = False,
    coarse_use_gpu: bool = True,
    coarse_use_small: bool = False,
    fine_use_gpu: bool = True,
    fine_use_small: bool = False,
    codec_use_gpu: bool = True,
    force_reload: bool = False,
) -> None:
    """Loads all parts of the model; without it each is loaded when it is first needed.

    Args:
        text_use_gpu, coarse_use_gpu, fine_use_gpu, codec_use_gpu: False for the CPU; True for `BARK_DEVICE`, else a
            GPU where there is one.
        text_use_small, coarse_use_small, fine_use_small: True for the smaller of Suno's models; without effect on a
            model of one size.
        force_reload: True to load again what is loaded.

    Raises:
        WeightsNotFoundError: there is no such model; the text lists the places searched.
        CheckpointError: a part is missing or broken.
        OptionError: there is no such device, or the environment says something that makes no sense.
    """
    load_model(text_use_gpu, text_use_small, force_reload, "text")
    load_model(coarse_use_gpu, coarse_use_small, force_reload, "coarse")
    load_model(fine_use_gpu, fine_use_small, force_reload, "fine")
    load_codec_model(codec_use_gpu, force_reload)


def load_model(
    use_gpu: bool = True, use_small: bool = False, force_reload: bool = False, model_type: str = "text"
) -> Any:
    """Loads the model of a stage, unless the same is loaded; see `preload_models` for the arguments and errors.

    Args:
        model_type: `text`, `coarse` or `fine`.

    Returns:
        The network; for `text` a dict of it, `model`, and of the `tokenizer`.
    """
    if model_type not in ("text", "coarse", "fine"):
        raise OptionError(f"model_type must be text, coarse or fine, not {model_type!r}")
    return _load(model_type, use_gpu, use_small, force_reload)


def load_codec_model(use_gpu: bool = True, force_reload: bool = False) -> Any:
    """Loads the codec, and returns its network; see `load_model`."""
    return _load("codec", use_gpu, False, force_reload)


def clean_models(model_key: str | None = None) -> None:
    """Forgets what is loaded: `text`, `coarse`, `fine` or `codec`, or all of them."""
    for name in [model_key] if model_key is not None else list(PARTS):
        _loaded.clean(name)
        models_devices.pop(name, None)


def generate_text_semantic(
    text: str,
    history_prompt: VoiceLike | None = None,
    temp: float = TEMPERATURE,
    top_k: int | None = None,
    top_p: float | None = None,
    silent: bool = False,
    min_eos_p: float | None = MIN_EOS_P,
    max_gen_duration_s: float | None = None,
    allow_early_stop: bool = True,
    use_kv_caching: bool = False,
) -> IntArray:
    """Text to semantic tokens.

    Args:
        text: what to say; what is beyond the model's window is cut, with a `BarkWarning`.
        history_prompt: who says it: the name of a voice, the path of an npz file, or a dict, as `output_full` gives
            it; None for any. See `bark.voices.VoiceLibrary.load`.
        temp: divides the logits; 0 always takes the likeliest token. Where it isn't given it is what suits the model,
            which for Suno's is 0.7; so are the other numbers.
        top_k, top_p: only the k likeliest tokens, or those whose probabilities add up to p; None for all.
        silent: True for no progress bar.
        min_eos_p: probability of the end at which the utterance ends; None waits for it to be drawn.
        max_gen_duration_s: seconds at most.
        allow_early_stop: False to go on to the model's limit, or `max_gen_duration_s`.
        use_kv_caching: without effect: keys and values are always kept, and the tokens are the same.

    Returns:
        Semantic tokens [T].

    Raises:
        TextError: there is no text, or it is not text.
        VoiceError: there is no such voice, or it is not of this model.
        OptionError: an argument makes no sense.
        CheckpointError, WeightsNotFoundError: as `preload_models`.
    """
    sampling = SamplingOptions(temp, top_k, top_p)
    options = GenerateOptions(semantic=sampling, min_eos_p=min_eos_p, max_duration=max_gen_duration_s)
    text, bark = normalize(text), _bark("text")
    text = prepared(text, bark.config.text)
    own = bark.config.generation
    voice, ids = _voice(history_prompt, bark), bark.encode(text)
    with bark.parts.semantic() as stage:
        tokens = stage.generate(
            np.array(ids),
            voice.reading if voice else None,
            options=sampling.suited(own.semantic),
            min_eos_p=own.min_eos_p if isinstance(min_eos_p, ModelsOwn) else min_eos_p,
            max_duration=options.max_duration,
            stop_at_eos=allow_early_stop,
            generator=_generator(bark),
        )
        pieces = _collected("semantic", tokens, lambda token: 1 / bark.config.tokens.semantic_rate, silent)
    if not pieces:
        warnings.warn("the model ended the utterance at once: there are no tokens", BarkWarning, stacklevel=2)
    return np.array(pieces, dtype=np.int64)


def generate_coarse(
    x_semantic: npt.NDArray[np.integer[Any]],
    history_prompt: VoiceLike | None = None,
    temp: float = TEMPERATURE,
    top_k: int | None = None,
    top_p: float | None = None,
    silent: bool = False,
    max_coarse_history: int = COARSE_HISTORY,
    sliding_window_len: int = COARSE_STRIDE,
    use_kv_caching: bool = False,
) -> IntArray:
    """Semantic tokens to the codes of the first codebooks; see `generate_text_semantic` for the rest.

    Args:
        x_semantic: tokens [T].
        max_coarse_history: coarse tokens that a window reads, at least as many as the model's own write; fewer are
            faster. 630, the most that Suno's models read, stands for what the model was made for.
        sliding_window_len: coarse tokens that a window writes; 60 stands for what the model was made for.

    Returns:
        Codes [2, T'], 75 frames to 49.9 semantic tokens in Suno's models.

    Raises:
        BarkError: the tokens are not of this model.
    """
    from bark.engine import CoarseHistory, CoarseStage

    bark = _bark("coarse")
    voice, space = _voice(history_prompt, bark), bark.config.tokens
    with bark.parts.coarse() as stage:
        pieces = CoarseStage(stage.model, _coarse_config(bark.config, max_coarse_history, sliding_window_len)).generate(
            np.asarray(x_semantic),
            CoarseHistory(voice.semantic, voice.coarse) if voice else None,
            options=SamplingOptions(temp, top_k, top_p).suited(bark.config.generation.coarse),
            generator=_generator(bark),
        )
        codes = _collected("coarse", pieces, lambda piece: piece.shape[1] / space.frame_rate, silent)
    return np.concatenate([np.empty((space.n_coarse, 0), dtype=np.int64), *codes], axis=1)


def generate_fine(
    x_coarse_gen: npt.NDArray[np.integer[Any]],
    history_prompt: VoiceLike | None = None,
    temp: float | None = FINE_TEMPERATURE,
    silent: bool = True,
) -> IntArray:
    """Codes of the first codebooks to those of all; see `generate_text_semantic` for the rest.

    Args:
        x_coarse_gen: codes [K, T]; those of the other codebooks are predicted.
        temp: None always takes the likeliest code.

    Returns:
        Codes [8, T].

    Raises:
        BarkError: the codes are not of this model.
    """
    from bark.engine import FineStage

    bark = _bark("fine")
    voice, codes, space = _voice(history_prompt, bark), np.asarray(x_coarse_gen), bark.config.tokens
    if codes.ndim != 2 or not 1 <= len(codes) < space.n_codebooks:
        raise BarkError(
            f"coarse codes: expected 1 to {space.n_codebooks - 1} codebooks as rows, got the shape {codes.shape}"
        )
    config = replace(bark.config, tokens=replace(space, n_coarse=len(codes)))
    with bark.parts.fine() as stage:
        pieces = FineStage(stage.model, config).generate(
            codes,
            voice.fine if voice else None,
            options=SamplingOptions(temp).suited(bark.config.generation.fine),
            generator=_generator(bark),
        )
        frames = _collected("fine", pieces, lambda piece: piece.shape[1] / space.frame_rate, silent)
    return np.concatenate([np.empty((space.n_codebooks, 0), dtype=np.int64), *frames], axis=1)


def codec_decode(fine_tokens: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float32]:
    """Codes to audio.

    Args:
        fine_tokens: codes [8, T].

    Returns:
        Audio [N] in [−1, 1], float32 at `SAMPLE_RATE`; 320 samples a frame in Suno's models.

    Raises:
        BarkError: the codes are not of this model.
    """
    return decoded(fine_tokens, None)


def decoded(fine_tokens: npt.NDArray[np.integer[Any]], voice: Voice | None) -> npt.NDArray[np.float32]:
    """The same, through the equalizer of the voice that the codes are of, where it has one."""
    import torch

    from bark.engine.checks import code_rows
    from bark.sound import equalizer_of, toned

    bark = _bark("codec")
    space = bark.config.tokens
    codes = code_rows(fine_tokens, space.n_codebooks, space.codebook_size, "fine codes", BarkError)
    if codes.shape[1] == 0:
        return np.empty(0, dtype=np.float32)
    with bark.parts.codec() as codec, torch.inference_mode():
        audio = codec.decode(torch.tensor(codes, device=bark.parts.codec_device)[None])
        return toned(audio, equalizer_of(voice, codec.sample_rate))


def voice_of(history_prompt: VoiceLike | None) -> Voice | None:
    """The voice that a history_prompt is, for `decoded`; raises as the stages do."""
    return _voice(history_prompt, _bark("codec"))


def _load(name: str, use_gpu: bool, use_small: bool, force_reload: bool) -> Any:
    settings = _settings()
    settings = replace(settings, small=settings.small or use_small)
    network = _loaded.load(name, Choice(settings, settings.device if use_gpu else "cpu"), force_reload)
    models_devices.pop(name, None)
    if settings.offload:
        parts = _loaded.owner(name).parts
        models_devices[name] = str(parts.codec_device if name == "codec" else parts.device)
    return network


def _settings() -> Settings:
    """What the environment says, but for what was assigned to the original's switches."""
    assigned: dict[str, Any] = {field: globals()[name] for name, field in SWITCHES.items() if name in globals()}
    if "suno" in assigned:
        assigned["suno"] = Path(assigned["suno"])
    return replace(Settings.from_env(), **assigned)


def _bark(name: str) -> Bark:
    """The model whose part is loaded, or is loaded now."""
    if name not in models:
        _load(name, True, False, False)
    return _loaded.owner(name)


def _voice(history_prompt: VoiceLike | None, bark: Bark) -> Voice | None:
    return None if history_prompt is None else bark.voices.load(history_prompt)


def _generator(bark: Bark) -> Any:
    from bark.engine.device import shared_generator

    return shared_generator(bark.device)


def _coarse_config(config: ModelConfig, max_history: int, stride: int) -> ModelConfig:
    """The model's own, or with other windows.

    Raises:
        OptionError: they don't fit the model.
    """
    if (max_history, stride) == (COARSE_HISTORY, COARSE_STRIDE):
        return config
    own, n = config.coarse_layout, config.tokens.n_coarse
    max_history = own.max_history if max_history == COARSE_HISTORY else max_history
    if not own.stride_of(0) <= max_history <= own.max_history:
        raise OptionError(f"max_coarse_history must be from {own.stride_of(0)} to {own.max_history}, not {max_history}")
    room = (config.coarse.block_size - own.semantic_window - max_history) // n * n
    stride = min(own.stride, room) if stride == COARSE_STRIDE else stride
    if not n <= stride <= room or stride % n:
        raise OptionError(
            f"sliding_window_len must be a multiple of {n} up to {room}, with a history of {max_history}, not {stride}"
        )
    layout = replace(own, max_history=max_history, stride=stride, first_stride=0)
    return replace(config, coarse_layout=layout)


def _collected(stage: str, pieces: Iterable[Any], seconds: Callable[[Any], float], silent: bool) -> list[Any]:
    """All of a stage's pieces; they are counted on a terminal as they come."""
    with shown_progress([stage], not silent) as progress:
        return list(Record(progress).watch(stage, iter(pieces), seconds))
