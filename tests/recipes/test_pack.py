"""`pack` keeps the stages' weights as the config says; `unpack` is the way back."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bark import Bark
from bark.checkpoints.native import NativeCheckpoint, load_weights
from bark.checkpoints.registry import find_checkpoint
from bark.checkpoints.tensors import read_weights, save_tensors
from bark.errors import CheckpointError, OptionError
from bark.evaluation.teachers import SAMPLE_RATE, Spoken
from bark.models.config import ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.voices import Voice
from recipes.pup.pack import WEIGHTS, numbered, pack, unpack
from recipes.pup.readers import Reader, lend_manners, lenders_of, readers_of, set_manners
from tests.training.tones import MODEL

NOBODY = Path("no-teacher.tgz")


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"model": {**MODEL, "alignment_heads": []}, "voices": {"presets": {}}}


@pytest.fixture
def trained(tmp_path: Path, checkpoint: Path) -> Path:
    """A work folder with the weights of every run, and a tokenizer."""
    config = NativeCheckpoint(checkpoint).config
    states = {"semantic": GPT(config.semantic), "coarse": GPT(config.coarse), "fine": FineGPT(config.fine)}
    for run, name in WEIGHTS.items():
        weights = states[name].state_dict() if name in states else {"w": torch.ones(3, 4)}
        save_tensors(weights, tmp_path / "runs" / run / f"{name}.safetensors")
    (tmp_path / "tokens").mkdir()
    shutil.copyfile(checkpoint / "tokenizer.json", tmp_path / "tokens" / "tokenizer.json")
    return tmp_path


def stored(work: Path, name: str) -> set[torch.dtype]:
    return {tensor.dtype for tensor in load_file(work / "checkpoint" / f"{name}.safetensors").values()}


def test_in_16_bits(trained: Path, settings: dict[str, Any]) -> None:
    pack(settings, trained, NOBODY)
    assert all(stored(trained, name) == {torch.float16} for name in WEIGHTS.values())


def test_in_a_byte_each(trained: Path, settings: dict[str, Any]) -> None:
    pack({**settings, "pack": {"weights": "int8"}}, trained, NOBODY)
    for name in ("semantic", "coarse", "fine"):
        assert stored(trained, name) == {torch.int8, torch.bfloat16, torch.float16}
    assert stored(trained, "codec") == stored(trained, "semantic_tokenizer") == {torch.float16}
    pack(settings, trained, NOBODY)
    assert stored(trained, "semantic") == {torch.float16}


def test_in_what_it_can_not(trained: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"\[pack\] weights is 'int4'; say float16 or int8"):
        pack({**settings, "pack": {"weights": "int4"}}, trained, NOBODY)


def test_presets_are_counted_in_each_language() -> None:
    presets = {"v2/en_speaker_0": "a", "v2/de_speaker_0": "b", "v2/en_speaker_1": "c"}
    assert [number for *_, number in numbered(presets)] == [0, 0, 1]


class Humming:
    """A teacher who hums at a pitch of each voice."""

    voices = ("low", "high")

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        times = np.arange(round(0.1 * len(text) / speed * SAMPLE_RATE)) / SAMPLE_RATE
        hum, tremor = (np.sin(2 * np.pi * pitch * times) for pitch in (120 if voice == "low" else 400, 3))
        audio = (0.15 * hum * (1 + tremor)).astype(np.float32)
        return Spoken(audio, "m", [0, 1, 0]) if text else None


class TestManners:
    @pytest.fixture
    def presets(self, tmp_path: Path) -> Path:
        shutil.copytree(find_checkpoint("pup") / "voices" / "v2", tmp_path / "presets" / "v2")
        return tmp_path / "presets"

    def test_presets_of_a_language_read_as_a_clip_does(self, presets: Path) -> None:
        bark, asked = Bark("pup", "cpu"), list[str]()
        before = {path: path.read_bytes() for path in presets.glob("v2/*.npz")}

        def teacher(language: str) -> Humming:
            asked.append(language)
            return Humming()

        readers = readers_of({"manners": {"de": {"voice": "low", "speed": 0.5, "text": "m" * 20}}})
        set_manners(presets, readers, teacher, bark.parts)
        assert asked == ["de"]
        read = {path.stem: Voice.from_npz(path).reading.tolist() for path in presets.glob("v2/de_*.npz")}
        assert len(read) == 10 and len(set(map(tuple, read.values()))) == 1
        assert len(read["de_speaker_0"]) == bark.config.semantic_layout.history_length
        for path, old in before.items():
            assert (path.read_bytes() == old) == (not path.stem.startswith("de_")), path
        again = {path: path.read_bytes() for path in presets.glob("v2/*.npz")}
        set_manners(presets, readers, teacher, bark.parts)
        assert again == {path: path.read_bytes() for path in presets.glob("v2/*.npz")}

    def test_another_clip_is_another_manner(self, presets: Path) -> None:
        parts, found = Bark("pup", "cpu").parts, []
        for voice in Humming.voices:
            set_manners(presets, {"en": Reader(voice, 1.0, "m" * 20)}, lambda _: Humming(), parts)
            found.append(Voice.from_npz(presets / "v2" / "en_speaker_3.npz"))
        assert found[0].reading.tolist() != found[1].reading.tolist()
        assert found[0].semantic.tolist() == found[1].semantic.tolist()

    def test_a_reader_without_words(self, presets: Path) -> None:
        with pytest.raises(OptionError, match="low has nothing to say for ''"):
            set_manners(presets, {"en": Reader("low", 1.0, "")}, lambda _: Humming(), Bark("pup", "cpu").parts)

    @pytest.mark.parametrize(
        ("wanted", "said"),
        [
            ({"voice": "low", "speed": 1}, "has speed, voice; say voice, speed, text"),
            ({}, "has nothing; say voice"),
            ("v2/en_speaker_0", "has 'v2/en_speaker_0'; say"),
        ],
    )
    def test_a_reader_half_told(self, wanted: Any, said: str) -> None:
        with pytest.raises(OptionError, match=re.escape(f"[voices.manners.en] {said}")):
            readers_of({"manners": {"en": wanted}})

    def test_a_preset_reads_as_another_does(self, presets: Path) -> None:
        before = {path: path.read_bytes() for path in presets.glob("v2/*.npz")}
        changed, lender = presets / "v2" / "de_speaker_1.npz", presets / "v2" / "de_speaker_0.npz"
        own = Voice.from_npz(changed)
        for _ in range(2):
            lend_manners(presets, {"v2/de_speaker_1": "v2/de_speaker_0"})
            voice = Voice.from_npz(changed)
            assert voice.reading.tolist() == Voice.from_npz(lender).reading.tolist() != own.reading.tolist()
            assert (voice.semantic.tolist(), voice.fine.tolist()) == (own.semantic.tolist(), own.fine.tolist())
        assert [path for path, old in before.items() if path.read_bytes() != old] == [changed]

    @pytest.mark.parametrize(
        ("borrowed", "said"),
        [
            ({"a": "z"}, "names z, which is none of [voices.presets]"),
            ({"z": "a"}, "names z, which is none of [voices.presets]"),
            ({"a": "b", "b": "c"}, ": a reads as b, which reads as c"),
            ({"a": "a"}, ": a reads as a, which reads as a"),
        ],
    )
    def test_lenders_that_have_none_to_lend(self, borrowed: dict[str, str], said: str) -> None:
        with pytest.raises(OptionError, match=re.escape(f"[voices.borrowed]{'' if said[0] == ':' else ' '}{said}")):
            lenders_of({"presets": dict.fromkeys("abc", "low"), "borrowed": borrowed})

    @pytest.mark.parametrize(("read", "name"), [(readers_of, "manners"), (lenders_of, "borrowed")])
    def test_no_table(self, read: Callable[[dict[str, Any]], Any], name: str) -> None:
        with pytest.raises(OptionError, match=re.escape(f"[voices] {name} is 'a'; make it a table, [voices.{name}]")):
            read({"presets": {"a": "low"}, name: "a"})

    def test_packing_sets_them_in_what_it_has_made(
        self, trained: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def make(name: str, speaker: str, number: int) -> Voice:
            return Voice(name, np.full(5, number), np.zeros((2, 5), np.int64), np.zeros((8, 5), np.int64))

        def note(folder: Path, readers: dict[str, Reader], *_: object) -> None:
            voices = map(Voice.from_npz, sorted(folder.glob("v2/*.npz")))
            calls.append((folder, readers, [voice.semantic.tolist() for voice in voices]))

        calls: list[tuple[Path, dict[str, Reader], list[list[int]]]] = []
        monkeypatch.setattr("recipes.pup.pack.set_manners", note)
        monkeypatch.setattr("recipes.pup.pack.Presets", lambda *_: SimpleNamespace(make=make))
        voices: dict[str, Any] = {"presets": {"v2/en_speaker_0": "a", "v2/en_speaker_1": "b"}}
        pack({**settings, "voices": voices}, trained, NOBODY)
        assert not calls
        voices["manners"] = {"en": {"voice": "low", "speed": 0.9, "text": "Hm."}}
        voices["presets"]["v2/en_speaker_2"] = "c"
        pack({**settings, "voices": voices}, trained, NOBODY)
        folder, readers = trained / "checkpoint" / "voices", {"en": Reader("low", 0.9, "Hm.")}
        assert calls == [(folder, readers, [[0] * 5, [1] * 5, [2] * 5])]
        voices["borrowed"] = {"v2/en_speaker_0": "v2/en_speaker_2"}
        pack({**settings, "voices": voices}, trained, NOBODY)
        assert [Voice.from_npz(path).reading[0] for path in sorted(folder.glob("v2/*.npz"))] == [2, 1, 2]


def test_what_is_unpacked_packs_into_the_same(tmp_path: Path) -> None:
    pup = find_checkpoint("pup")
    unpack(pup, tmp_path)
    config = json.loads((tmp_path / "before" / "config.json").read_text(encoding="utf-8"))
    presets = {str(path.relative_to(pup / "voices").with_suffix("")): "nobody" for path in pup.glob("voices/*/*.npz")}
    pack({"model": config, "voices": {"presets": presets}, "pack": {"weights": "int8"}}, tmp_path, NOBODY)
    for path in [*pup.glob("*.safetensors"), *pup.glob("voices/*/*.npz"), pup / "tokenizer.json"]:
        assert (tmp_path / "checkpoint" / path.relative_to(pup)).read_bytes() == path.read_bytes(), path
    ours, theirs = (
        ModelConfig.from_dict(json.loads((f / "config.json").read_text())) for f in (pup, tmp_path / "checkpoint")
    )
    assert ours == theirs


def test_training_goes_on_from_what_is_unpacked(tmp_path: Path) -> None:
    unpack(find_checkpoint("pup"), tmp_path)
    model = GPT(NativeCheckpoint(find_checkpoint("pup")).config.semantic)
    load_weights(model, tmp_path / "before" / "semantic.safetensors")
    stored = read_weights(find_checkpoint("pup") / "semantic.safetensors")
    assert all(torch.equal(value, stored[name].float()) for name, value in model.state_dict().items() if name in stored)


def test_unpacking_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "runs" / "semantic").mkdir(parents=True)
    (tmp_path / "runs" / "semantic" / "semantic.safetensors").write_bytes(b"mine")
    unpack(find_checkpoint("pup"), tmp_path)
    assert (tmp_path / "runs" / "semantic" / "semantic.safetensors").read_bytes() == b"mine"
    assert (tmp_path / "runs" / "coarse" / "coarse.safetensors").exists()


def test_a_checkpoint_that_lacks_a_part_is_not_unpacked(tmp_path: Path) -> None:
    broken = shutil.copytree(find_checkpoint("pup"), tmp_path / "broken")
    (broken / "fine.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"broken has no fine\.safetensors"):
        unpack(broken, tmp_path / "work")
    assert not (tmp_path / "work").exists()
