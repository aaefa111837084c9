"""What the environment says. Only this file reads and writes `os.environ`, and when it is asked to."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from bark.errors import OptionError

YES, NO = {"1", "t", "true", "y", "yes", "on"}, {"0", "f", "false", "n", "no", "off"}

KERNEL_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")  # oneDNN's own, and torch's before it
KERNELS = 64  # each keeps code and memory of its own; with torch's 1024, four minutes of speech took 270 MB more
SPINNING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
SPINS = 1_000  # some tens of microseconds, which lose nothing where the cores are free; the usual number is 300 000


@dataclass(frozen=True)
class Settings:
    """Choices that hold until the caller makes others.

    Attributes:
        model: `BARK_MODEL`: name or folder of the model to load.
        device: `BARK_DEVICE`: where it computes, for example `cpu` or `cuda:1`; None chooses.
        dtype: `BARK_DTYPE`: of the weights, for example `float32`; None chooses.
        quantize: `BARK_QUANTIZE`: what the weights are quantised to on a CPU; None chooses.
        cuda_graphs: `BARK_CUDA_GRAPHS`: decoding on a CUDA GPU is recorded once and then replayed.
        models: folder whose subfolders are checkpoints by name, `$XDG_CACHE_HOME/bark/models`.
        voices: `BARK_VOICES`: folder of the user's own voices, else `$XDG_DATA_HOME/bark/voices`. A server keeps those
            of its clients in folders within.
        hub: 🤗's cache of downloaded repositories: `HF_HUB_CACHE`, else `$HF_HOME/hub`, else
            `$XDG_CACHE_HOME/huggingface/hub`.
        small: `SUNO_USE_SMALL_MODELS`: of Suno's models, the small ones.
        offload: `SUNO_OFFLOAD_CPU`: a model is on the GPU only while it works.
        mps: `SUNO_ENABLE_MPS`: an Apple GPU may be chosen.
        exact: Suno's models compute on a CPU in float32, as the original does, unless a precision is asked for: its
            draws give its tokens then. Not of the environment; the original's functions ask for it.
        suno: folder of Suno's `.pt` files, `$XDG_CACHE_HOME/suno/bark_v0`.
        torch_hub: where Meta's EnCodec puts its weights, `$TORCH_HOME/hub/checkpoints`.
    """

    model: str = "pup"
    device: str | None = None
    dtype: str | None = None
    quantize: str | None = None
    cuda_graphs: bool = True
    models: Path = Path("~/.cache/bark/models")
    voices: Path = Path("~/.local/share/bark/voices")
    hub: Path = Path("~/.cache/huggingface/hub")
    small: bool = False
    offload: bool = False
    mps: bool = False
    exact: bool = False
    suno: Path = Path("~/.cache/suno/bark_v0")
    torch_hub: Path = Path("~/.cache/torch/hub/checkpoints")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Reads the environment as it is now; empty variables count as absent.

        Raises:
            OptionError: a variable that should say yes or no says something else.
        """
        env = os.environ if environ is None else environ
        cache = Path(env.get("XDG_CACHE_HOME") or "~/.cache")
        data = Path(env.get("XDG_DATA_HOME") or "~/.local/share")
        return cls(
            model=env.get("BARK_MODEL") or "pup",
            device=env.get("BARK_DEVICE") or None,
            dtype=env.get("BARK_DTYPE") or None,
            quantize=env.get("BARK_QUANTIZE") or None,
            cuda_graphs=_switch(env, "BARK_CUDA_GRAPHS", "true"),
            models=_home(cache / "bark" / "models"),
            voices=_home(Path(env.get("BARK_VOICES") or data / "bark" / "voices")),
            hub=_home(Path(env.get("HF_HUB_CACHE") or Path(env.get("HF_HOME") or cache / "huggingface") / "hub")),
            small=_switch(env, "SUNO_USE_SMALL_MODELS"),
            offload=_switch(env, "SUNO_OFFLOAD_CPU"),
            mps=_switch(env, "SUNO_ENABLE_MPS"),
            suno=_home(cache / "suno" / "bark_v0"),
            torch_hub=_home(Path(env.get("TORCH_HOME") or cache / "torch") / "hub" / "checkpoints"),
        )


def truth(text: str, name: str) -> bool:
    """What a word says: true or false, yes or no, on or off, 1 or 0.

    Raises:
        OptionError: neither; the text begins with `name`.
    """
    word = text.strip().lower()
    if word not in YES | NO:
        raise OptionError(f"{name} must be true or false, not {text!r}")
    return word in YES


def _switch(env: Mapping[str, str], name: str, default: str = "false") -> bool:
    return truth(env.get(name) or default, name)


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # no home folder is known; then there is no such cache either
        return path


def bound_kernel_caches(environ: MutableMapping[str, str] | None = None) -> None:
    """Has torch's CPU library keep few of the kernels that it makes for every new length, unless the environment says.

    It looks there once, before its first product.
    """
    env = os.environ if environ is None else environ
    for name in KERNEL_CACHES:
        env.setdefault(name, str(KERNELS))


def bound_spinning(environ: MutableMapping[str, str] | None = None) -> None:
    """Has threads that wait for each other soon sleep, unless the environment says.

    They would rather turn in circles for milliseconds, several times a layer. Where another program is on one of the
    cores, the one that is waited for has none: two programs that speak on two cores then say a fifth of what one says,
    together. To be called before torch is imported.
    """
    env = os.environ if environ is None else environ
    if not any(env.get(name) for name in SPINNING):
        env[SPINNING[0]] = str(SPINS)


def environment_without(*names: str) -> dict[str, str]:
    """The environment for another process, which these variables are none of the business of."""
    return {name: value for name, value in os.environ.items() if name not in names}
