"""Imports go one way: a room sees only the rooms below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "bark"
FLOORS = [  # a room sees those of the floors below its own
    {"errors"},
    {"options", "settings", "tokens", "files", "mapped", "heap", "record"},
    {"text", "models", "audio", "progress"},
    {"codec"},
    {"semantic"},
    {"voices", "checkpoints"},
    {"engine", "lines", "result"},
    {"guards", "parts"},
    {"request"},
    {"sound", "trying"},
    {"captions", "speaking", "casting"},
    {"manners"},
    {"flow", "narration", "dialogue", "reading"},
    {"batch", "project"},
    {"pipeline", "store"},
    {"loaded", "original", "rehearsal"},
    {"generation"},
    {"api"},
    {"evaluation", "training"},
    {"server"},
    {"cli"},
    {"__main__", "__init__"},
]
NEVER = {  # though it is below
    "engine": {"text", "audio", "checkpoints", "files", "settings"},
    "training": {"pipeline", "evaluation"},
}
ONLY_IN = {  # third parties that are imported nowhere else
    "typer": {"cli"},
    "rich": {"cli", "progress"},
    "tokenizers": {"text"},
    "llvmlite": {"engine"},
    "num2words": {"text"},
    "jieba": {"text"},
    "py3langid": {"text"},
    "pypinyin": {"text"},
    "pyopenjtalk": {"text"},
    "sentencex": {"text"},
    "safetensors": {"checkpoints"},
    "yaml": {"text"},
    "wave": {"audio"},
    "sounddevice": {"cli"},
    "huggingface_hub": {"store"},
    "fastapi": {"server"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "pydantic": {"server"},
    "pydantic_settings": {"server"},
    "prometheus_client": {"server"},
    "tensorboard": {"training"},
    "faster_whisper": {"evaluation"},
    "resemblyzer": {"evaluation"},
    "transformers": {"evaluation", "checkpoints"},
}
NO_TORCH = [
    "__init__",
    "errors",
    "options",
    "settings",
    "tokens",
    "files",
    "heap",
    "record",
    "result",
    "progress",
    "lines",
]
NO_TORCH += ["api", "generation", "loaded", "original"]
NO_TORCH_ROOMS = ["audio", "voices", "cli"]


def room(path: Path) -> str:
    """The room that a file is in: a folder, or a file of its own."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Full names of what a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path: Path) -> None:
    floors = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    own = room(path)
    assert own in floors, f"bark/{own} is in no floor: say where it belongs"
    for name in imported(path):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top != "bark" or other in ("", own) or other not in floors:  # bark.__version__ is in no room
            continue
        assert floors[other] < floors[own], f"{path} imports {name}, which is not below it"
        assert other not in NEVER.get(own, set()), f"{path} imports {name}, which it must not know"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_third_parties_stay_in_their_rooms(path: Path) -> None:
    for name in imported(path):
        rooms = ONLY_IN.get(name.partition(".")[0])
        assert rooms is None or room(path) in rooms, f"{path} imports {name}"


def test_the_environment_is_read_in_one_place() -> None:
    readers = {path for path in FILES if "os.environ" in path.read_text() or "getenv" in path.read_text()}
    # torchrun tells each training process its rank this way, and there is no other
    assert readers - {ROOT / "training" / "ranks.py"} == {ROOT / "settings.py"}


def test_light_rooms_import_no_torch() -> None:
    light = [ROOT / f"{name}.py" for name in NO_TORCH]
    light += [path for name in NO_TORCH_ROOMS for path in (ROOT / name).rglob("*.py")]
    for path in light:
        top = [name for node in ast.parse(path.read_text()).body for name in _top_level(node)]
        assert not any(name.partition(".")[0] == "torch" for name in top), path


def _top_level(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
