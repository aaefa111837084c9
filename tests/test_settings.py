"""What the environment says, and when it is read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bark.errors import OptionError
from bark.settings import Settings, bound_kernel_caches, bound_spinning


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({"BARK_MODEL": "", "BARK_DEVICE": ""})
    assert (settings.model, settings.device) == ("pup", None)


def test_the_environment_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_MODEL", "large")
    monkeypatch.setenv("BARK_DEVICE", "cuda:1")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    for name in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings.from_env()
    assert (settings.model, settings.device, settings.models) == ("large", "cuda:1", Path("/cache/bark/models"))
    assert settings.hub == Path("/cache/huggingface/hub")


@pytest.mark.parametrize(
    ("environment", "hub"),
    [
        ({"HF_HOME": "/hf", "XDG_CACHE_HOME": "/cache"}, "/hf/hub"),
        ({"HF_HUB_CACHE": "/hub", "HF_HOME": "/hf"}, "/hub"),
        ({"HF_HUB_CACHE": "", "HF_HOME": "", "XDG_CACHE_HOME": "/cache"}, "/cache/huggingface/hub"),
    ],
)
def test_the_hubs_cache_is_where_its_own_tools_have_it(environment: dict[str, str], hub: str) -> None:
    assert Settings.from_env(environment).hub == Path(hub)


def test_the_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebody")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert Settings.from_env().models == Path("/somebody/.cache/bark/models")


@pytest.mark.parametrize(("word", "meant"), [("True", True), ("1", True), ("on", True), ("False", False), ("0", False)])
def test_the_originals_switches_mean_what_they_say(word: str, meant: bool) -> None:
    names = ("SUNO_USE_SMALL_MODELS", "SUNO_OFFLOAD_CPU", "SUNO_ENABLE_MPS")
    settings = Settings.from_env(dict.fromkeys(names, word))
    assert (settings.small, settings.offload, settings.mps) == (meant,) * 3
    assert Settings.from_env(dict.fromkeys(names, "")) == Settings.from_env({})
    with pytest.raises(OptionError, match="SUNO_OFFLOAD_CPU must be true or false, not 'sometimes'"):
        Settings.from_env({"SUNO_OFFLOAD_CPU": "sometimes"})


def test_where_other_tools_leave_weights() -> None:
    settings = Settings.from_env({"XDG_CACHE_HOME": "/cache"})
    assert (settings.suno, settings.torch_hub) == (Path("/cache/suno/bark_v0"), Path("/cache/torch/hub/checkpoints"))
    assert Settings.from_env({"TORCH_HOME": "/torch"}).torch_hub == Path("/torch/hub/checkpoints")


def test_precision() -> None:
    settings = Settings.from_env({"BARK_DTYPE": "bfloat16", "BARK_QUANTIZE": ""})
    assert (settings.dtype, settings.quantize, settings.exact) == ("bfloat16", None, False)


@pytest.mark.parametrize(("said", "meant"), [("", True), ("1", True), ("0", False), ("off", False)])
def test_graphs(said: str, meant: bool) -> None:
    assert Settings.from_env({"BARK_CUDA_GRAPHS": said}).cuda_graphs is meant


def test_few_kernels_are_kept_unless_the_environment_says_how_many() -> None:
    environ = {"LRU_CACHE_CAPACITY": "7"}
    bound_kernel_caches(environ)
    assert environ == {"LRU_CACHE_CAPACITY": "7", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}


@pytest.mark.parametrize(
    ("environment", "voices"),
    [
        ({"BARK_VOICES": "/mine", "XDG_DATA_HOME": "/data"}, "/mine"),
        ({"BARK_VOICES": "", "XDG_DATA_HOME": "/data"}, "/data/bark/voices"),
        ({}, "~/.local/share/bark/voices"),
    ],
)
def test_where_the_users_own_voices_are(environment: dict[str, str], voices: str) -> None:
    assert Settings.from_env(environment).voices == Path(voices).expanduser()


def test_threads_wait_asleep_unless_somebody_knows_better() -> None:
    environ: dict[str, str] = {}
    bound_spinning(environ)
    assert int(environ["GOMP_SPINCOUNT"]) < 100_000
    for chosen in ({"GOMP_SPINCOUNT": "7"}, {"OMP_WAIT_POLICY": "active"}):
        environ = dict(chosen)
        bound_spinning(environ)
        assert environ == chosen


def test_they_are_told_before_torch_is_imported() -> None:
    code = "import os, sys, bark; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    environment = {
        name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["1000", "False"]
