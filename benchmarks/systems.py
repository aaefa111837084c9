"""Implementations and their settings, as text: a kind, or `kind:option=value,option=value`. A new setting is a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WORKERS = Path(__file__).parent / "workers"
DEFAULT = (  # the first is what the others are divided by
    "original",
    "transformers:dtype=float32",
    "transformers:dtype=bfloat16",
    "transformers:quantize=int8",
    "barkcpp:dtype=float16",
    "barkcpp:quantize=q8_0",
    "ours:dtype=float32",
    "ours:dtype=bfloat16",
    "ours:quantize=int8",
)
ON_A_GPU = ("original", "transformers:dtype=bfloat16", "ours:dtype=bfloat16")


@dataclass(frozen=True)
class Kind:
    """An implementation.

    Attributes:
        worker: the script that drives it.
        form: of the weights that it reads; see `benchmarks.weights.FORMS`.
        environment: see `benchmarks.environments`; None for the one that this runs in.
    """

    worker: Path
    form: str
    environment: str | None = None


KINDS = {
    "original": Kind(WORKERS / "original.py", "suno", "original"),
    "transformers": Kind(WORKERS / "huggingface.py", "huggingface"),
    "barkcpp": Kind(WORKERS / "barkcpp.py", "ggml", "barkcpp"),
    "ours": Kind(WORKERS / "ours.py", "native"),
}


@dataclass(frozen=True)
class System:
    """An implementation in one of its settings.

    Attributes:
        kind: of `KINDS`.
        options: as its worker takes them.
    """

    kind: str
    options: Mapping[str, str]

    @property
    def name(self) -> str:
        """How tables call it."""
        return " ".join([self.kind, *self.options.values()])

    @property
    def precision(self) -> str:
        """Of its weights, where its options say it."""
        return self.options.get("quantize") or self.options.get("dtype") or "float32"


def parse(text: str) -> System:
    """The system of a text like `ours:dtype=bfloat16`.

    Raises:
        ValueError: it is not of that form, or there is no such kind.
    """
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        raise ValueError(f"there is no implementation {kind!r}; there are {', '.join(KINDS)}")
    pairs = [part.partition("=") for part in rest.split(",") if part]
    if not all(name and value for name, _, value in pairs):
        raise ValueError(f"expected options like dtype=bfloat16,quantize=none, not {rest!r}")
    return System(kind, {name: value for name, _, value in pairs})
