"""Whatever a folder holds is opened as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bark.checkpoints.huggingface import HuggingFaceCheckpoint
from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.opening import open_checkpoint
from bark.checkpoints.registry import find_checkpoint
from bark.checkpoints.suno import SunoCheckpoint
from bark.errors import CheckpointError, WeightsNotFoundError


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
