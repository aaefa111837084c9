"""Where each form of checkpoint has its voices."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bark import Bark
from bark.checkpoints.huggingface import HuggingFaceCheckpoint
from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.suno import SunoCheckpoint
from bark.errors import VoiceError
from bark.tokens import SUNO
from bark.voices import Voice, VoiceLibrary

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture
def preset() -> Voice:
    """As long as one of Suno's."""
    rng = np.random.default_rng(0)
    fine = rng.integers(1024, size=(8, 487))
    return Voice("any", rng.integers(10_000, size=324), fine[:2], fine)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of 🤗's, with an empty snapshot of suno/bark-small."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    snapshot = tmp_path / "hub" / "models--suno--bark-small" / "snapshots" / "0a1b"
    snapshot.mkdir(parents=True)
    return snapshot


def save_as_processor(voice: Voice, folder: Path, *names: str) -> None:
    """Writes voices as 🤗's own class does."""
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from transformers.models.bark.processing_bark import BarkProcessor

    source = folder.parent / "arrays"
    row = {}
    for key, array in (
        ("semantic_prompt", voice.semantic),
        ("coarse_prompt", voice.coarse),
        ("fine_prompt", voice.fine.astype(np.int32)),
    ):
        source.mkdir(exist_ok=True)
        np.save(source / f"{key}.npy", array)
        row[key] = f"{key}.npy"
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")))
    table = {"repo_or_path": str(source), **dict.fromkeys(names, row)}
    BarkProcessor(tokenizer, table).save_pretrained(str(folder))


def test_voices_as_transformers_saves_them(hf_folder: Path, hub: Path, preset: Voice, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(hf_folder, tmp_path / "own"))
    save_as_processor(preset, folder, "announcer", "en_speaker_0", "v2/en_speaker_0")
    library = Bark(folder, device="cpu").voices
    assert library.names() == ["announcer", "en_speaker_0", "v2/en_speaker_0"]
    for name in library.names():
        voice = library.load(name)
        assert voice.name == name
        for part in ("semantic", "coarse", "fine"):
            np.testing.assert_array_equal(getattr(voice, part), getattr(preset, part))


def test_sunos_presets_in_the_hubs_cache(
    hf_folder: Path, suno_folder: Path, checkpoint: Path, hub: Path, preset: Voice
) -> None:
    path = hub / "speaker_embeddings" / "v2" / "en_speaker_6.npz"
    path.parent.mkdir(parents=True)
    preset.save(path)
    for model in (HuggingFaceCheckpoint(hf_folder), SunoCheckpoint(suno_folder)):
        library = VoiceLibrary(model.voices, SUNO)
        assert library.names() == ["v2/en_speaker_6"]
        assert library.load("v2/en_speaker_6").fine.shape == (8, 487)
        with pytest.raises(VoiceError, match=r"v2/en_speaker_7' is one of Suno's, .* in none of .*voices, .*; `hf "):
            library.load("v2/en_speaker_7")
    own = NativeCheckpoint(checkpoint)
    assert "v2/en_speaker_6" not in VoiceLibrary(own.voices, own.config.tokens).names()


def test_the_folders_own_come_first(suno_folder: Path, hub: Path, preset: Voice, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(suno_folder, tmp_path / "own", copy_function=lambda a, b: Path(b).symlink_to(a)))
    for place, length in ((hub / "speaker_embeddings", 487), (folder / "voices", 300)):
        place.mkdir(parents=True)
        cut = Voice("any", preset.semantic[: length * 2 // 3], preset.coarse[:, :length], preset.fine[:, :length])
        cut.save(place / "announcer.npz")
    assert VoiceLibrary(SunoCheckpoint(folder).voices, SUNO).load("announcer").fine.shape == (8, 300)
