"""What the environment says. This is the only reader of `os.environ`, and it reads when it is asked to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Choices that hold until the caller makes others.

    Attributes:
        model: `BARK_MODEL`: name or folder of the model to load.
        device: `BARK_DEVICE`: where it computes, for example `cpu` or `cuda:1`; None chooses.
        models: folder whose subfolders are checkpoints by name, `$XDG_CACHE_HOME/bark/models`.
        hub: 🤗's cache of downloaded repositories: `HF_HUB_CACHE`, else `$HF_HOME/hub`, else
            `$XDG_CACHE_HOME/huggingface/hub`.
    """

    model: str = "pup"
    device: str | None = None
    models: Path = Path("~/.cache/bark/models")
    hub: Path = Path("~/.cache/huggingface/hub")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Reads the environment as it is now; empty variables count as absent."""
        env = os.environ if environ is None else environ
        cache = Path(env.get("XDG_CACHE_HOME") or "~/.cache")
        return cls(
            model=env.get("BARK_MODEL") or "pup",
            device=env.get("BARK_DEVICE") or None,
            models=_home(cache / "bark" / "models"),
            hub=_home(Path(env.get("HF_HUB_CACHE") or Path(env.get("HF_HOME") or cache / "huggingface") / "hub")),
        )


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # no home folder is known; then there is no such cache either
        return path
