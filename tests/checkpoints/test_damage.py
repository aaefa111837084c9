"""Damaged models and voices at every public door: one sentence, nothing run, nothing left behind."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from bark import Bark, BarkError
from bark.voices import Voice
from tests.checkpoints.conftest import fill_vocabulary
from tests.checkpoints.damage import MODELS, VOICES, Damage

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

MEMORY = 48 << 20  # bytes that Python may take to refuse a file; the bombs have more


@pytest.fixture
def whole(tmp_path: Path, suno_folder: Path, hf_folder: Path, checkpoint: Path, voice: Voice) -> Callable[[str], Path]:
    """Makes a folder of a form, with all that is read before the part that is damaged."""
    target = tmp_path / "model"

    def make(form: str) -> Path:
        if form == "voice":
            target.mkdir()
            voice.save(target / "mine.npz")
        else:
            shutil.copytree({"suno": suno_folder, "hf": hf_folder, "native": checkpoint}[form], target)
        if form in ("suno", "hf"):
            fill_vocabulary(target / "vocab.txt")
        return target

    return make


@pytest.fixture(autouse=True)
def _own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hf_bark: Any) -> None:
    """With nothing in them but a codec for Suno's files."""
    for name in ("XDG_CACHE_HOME", "HF_HUB_CACHE", "HF_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    hf_bark.codec_model.save_pretrained(tmp_path / "cache" / "models--facebook--encodec_24khz" / "snapshots" / "0a1b")


def files(folder: Path) -> dict[str, int]:
    """All that is there, with the times at which it was written."""
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


@contextmanager
def little_memory(measured: bool) -> Iterator[None]:
    """Whether Python takes no more than `MEMORY`; it is slower while it counts."""
    if not measured:
        yield
        return
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def check(sentence: str, damage: Damage) -> None:
    assert damage.sentence in sentence
    assert sentence.count("\n") == 0
    assert "Traceback" not in sentence
    assert "unexpected" not in sentence


@pytest.mark.parametrize("name", MODELS)
def test_a_model(
    name: str,
    whole: Callable[[str], Path],
    tmp_path: Path,
    call: Callable[..., Any],
) -> None:
    damage, made = MODELS[name], tmp_path / "made by a file"
    folder = whole(damage.form)
    damage.change(folder, made)
    before = files(tmp_path)
    with little_memory(damage.swells), pytest.raises(BarkError) as caught:
        Bark(folder, device="cpu", dtype="float32").generate("a", max_duration=0.1)
    check(str(caught.value), damage)

    said = call("generate", "a", "--model", str(folder), "--device", "cpu", "-o", "said.wav")
    assert (said.status, said.out) == (1, b"")
    check(said.err.removesuffix("\n"), damage)

    verified = call("models", "verify", str(folder))
    assert verified.status == 1
    assert verified.err.count("\n") == 1
    assert damage.sentence in verified.out.decode() + verified.err
    assert files(tmp_path) == before
    assert not made.exists()


@pytest.mark.parametrize("name", VOICES)
def test_a_voice(
    name: str,
    whole: Callable[[str], Path],
    bark: Bark,
    tmp_path: Path,
    call: Callable[..., Any],
) -> None:
    damage, made = VOICES[name], tmp_path / "made by a file"
    path = whole("voice") / "mine.npz"
    damage.change(path.parent, made)
    before = files(tmp_path)
    for voice in (path, str(path)):
        with little_memory(damage.swells), pytest.raises(BarkError) as caught:
            bark.generate("a", voice=voice)
        check(str(caught.value), damage)
    for arguments in (("generate", "a", "-v", str(path), "-o", "said.wav"), ("voices", "show", str(path))):
        said = call(*arguments)
        assert (said.status, said.out) == (1, b"")
        check(said.err.removesuffix("\n"), damage)
    assert files(tmp_path) == before
    assert not made.exists()


def test_numbers_that_are_none_are_found_by_verifying(
    whole: Callable[[str], Path],
    call: Callable[..., Any],
) -> None:
    """To look at every weight would take as long as to load them all, so it is done where that is asked for."""
    folder = whole("suno")
    content = torch.load(folder / "text_2.pt", weights_only=False)
    content["model"]["_orig_mod.transformer.wpe.weight"][5, 5] = torch.inf
    torch.save(content, folder / "text_2.pt")
    verified = call("models", "verify", str(folder))
    assert verified.status == 1
    assert b"text_2.pt: wpe.weight holds values that are not finite numbers" in verified.out
