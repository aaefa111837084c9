"""Whatever a folder holds is opened as what it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from bark.checkpoints.huggingface import HuggingFaceCheckpoint
from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.opening import open_checkpoint, open_model
from bark.checkpoints.registry import find_checkpoint
from bark.checkpoints.suno import SunoCheckpoint
from bark.errors import CheckpointError, WeightsNotFoundError
from bark.settings import Settings
from bark.store.convert import convert_model
from bark.store.verify import find_faults
from tests.checkpoints.conftest import fill_vocabulary


def test_each_form(checkpoint: Path, hf_folder: Path, suno_folder: Path, meta_file: Path) -> None:
    for folder, kind in ((checkpoint, NativeCheckpoint), (hf_folder, HuggingFaceCheckpoint)):
        assert type(open_checkpoint(find_checkpoint(folder))) is kind
    suno = open_checkpoint(find_checkpoint(suno_folder), "large", meta_file)
    assert isinstance(suno, SunoCheckpoint)
    assert (suno.size, suno.source("codec")) == ("large", str(meta_file))


def test_another_model_of_huggingface(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vits"}')
    with pytest.raises(CheckpointError, match="'vits', not 'bark'"):
        open_checkpoint(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"none of text_2\.pt, .*fine\.pt in "):
        open_checkpoint(tmp_path)
    with pytest.raises(WeightsNotFoundError, match=r"nor Suno's text_2\.pt or text\.pt"):
        find_checkpoint(tmp_path)


def test_a_name_opens_what_is_found(suno_folder: Path, meta_file: Path, tmp_path: Path) -> None:
    settings = Settings(models=tmp_path / "models", suno=suno_folder, hub=tmp_path / "hub", torch_hub=meta_file.parent)
    suno = open_model("suno/bark", settings)
    assert isinstance(suno, SunoCheckpoint)
    assert (suno.size, suno.source("codec")) == ("large", str(meta_file))
    with pytest.raises(WeightsNotFoundError, match=r"nor Suno's text\.pt"):
        open_model("suno/bark-small", settings)


def test_other_forms_are_converted_to_one_folder(
    suno_folder: Path, hf_folder: Path, meta_file: Path, tmp_path: Path
) -> None:
    settings = Settings(hub=tmp_path / "hub", torch_hub=meta_file.parent)
    for source in (suno_folder, hf_folder):
        own = Path(shutil.copytree(source, tmp_path / f"own-{source.name}"))
        (own / "tokenizer.json").unlink(missing_ok=True)
        fill_vocabulary(own / "vocab.txt")
        folder = convert_model(own, tmp_path / f"new-{source.name}", settings=settings)
        assert find_faults(folder) == []
        old, new = open_model(own, settings), open_checkpoint(folder)
        assert type(new) is NativeCheckpoint
        assert new.config.to_dict() == NativeCheckpoint(folder).config.to_dict()
        assert new.config.tokens == old.config.tokens
        for part in ("semantic", "coarse", "fine", "codec"):
            before, after = getattr(old, part)().state_dict(), getattr(new, part)().state_dict()
            assert before.keys() == after.keys()
            assert all(torch.equal(before[name], after[name]) for name in before)
