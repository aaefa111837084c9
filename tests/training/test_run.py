"""Every model goes through training: from the settings, and from the command line."""

from __future__ import annotations

import copy
import csv
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from bark.checkpoints.native import load_weights
from bark.cli.main import main
from bark.cli.train import app
from bark.codec import build_codec
from bark.errors import CheckpointError, TrainingError
from bark.models.config import ModelConfig, from_mapping
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.training.run import read_settings, train
from tests.training.tones import toml

MODELS = ["codec", "semantic-tokenizer", "semantic", "coarse", "fine"]


def rows(folder: Path) -> list[list[str]]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("what", MODELS)
def test_every_model_trains(
    what: str, settings: dict[str, Any], data: Path, tmp_path: Path, exported: dict[str, str], model_config: ModelConfig
) -> None:
    train(what, settings, data, tmp_path)
    folder = tmp_path / what
    assert {path.name for path in folder.iterdir() if "tfevents" not in path.name} == {
        "last.pt",
        "log.csv",
        exported[what],
    }
    logged = rows(folder)
    assert logged[0] == ["step", "split", "figure", "value"]
    assert {row[0] for row in logged[1:] if row[1:3] == ["train", "loss"]} == {"1", "2", "3"}
    assert any(row[1] == "valid" for row in logged)
    shape = from_mapping(SemanticTokenizerConfig, model_config.semantic_tokenizer, "test")
    model = {
        "codec": lambda: build_codec(model_config.codec),
        "semantic-tokenizer": lambda: SemanticTokenizer(shape),
        "semantic": lambda: GPT(model_config.semantic),
        "coarse": lambda: GPT(model_config.coarse),
        "fine": lambda: FineGPT(model_config.fine),
    }[what]()
    load_weights(model, folder / exported[what])  # what a checkpoint's reader takes


@pytest.mark.parametrize("what", MODELS)
def test_a_run_stopped_after_every_step_walks_the_same_path(
    what: str, settings: dict[str, Any], data: Path, tmp_path: Path, exported: dict[str, str]
) -> None:
    train(what, settings, data, tmp_path / "whole")
    settings[what]["loop"]["minutes"] = 1e-9
    for _ in range(3):
        train(what, settings, data, tmp_path / "stopped")
    whole = torch.load(tmp_path / "whole" / what / "last.pt")
    stopped = torch.load(tmp_path / "stopped" / what / "last.pt")
    assert whole["step"] == stopped["step"] == 3
    for part in ("module", "average"):
        for name, value in whole[part].items():
            assert torch.equal(value, stopped[part][name]), name
    ours, theirs = (load_file(tmp_path / run / what / exported[what]) for run in ("whole", "stopped"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours | theirs)
    told = [[row for row in rows(tmp_path / run / what) if row[1] != "valid"] for run in ("whole", "stopped")]
    assert told[0] == told[1]


class TestInitial:
    """A run begins with other weights."""

    def test_they_are_where_it_begins(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["fine"]["loop"] |= {"seed": 1, "steps": 1, "ema": 0.0}
        train("fine", settings, data, tmp_path / "first")
        weights = tmp_path / "first" / "fine" / "fine.safetensors"
        settings["fine"] |= {"initial": str(weights), "optimizer": {"lr": 0.0, "matrix_lr": 0.0}}
        settings["fine"]["loop"]["seed"] = 2
        train("fine", settings, data, tmp_path / "second")
        before, after = load_file(weights), load_file(tmp_path / "second" / "fine" / "fine.safetensors")
        assert all(torch.equal(before[name], after[name]) for name in before | after)
        weights.unlink()  # the second run has its own by now
        train("fine", settings, data, tmp_path / "second")

    def test_codebooks_go_on_from_where_they_were(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["codec"]["loop"] |= {"steps": 1, "ema": 0.0}
        train("codec", settings, data, tmp_path / "first")
        weights = tmp_path / "first" / "codec" / "codec.safetensors"
        settings["codec"] |= {"initial": str(weights), "optimizer": {"lr": 0.0, "matrix_lr": 0.0}}
        train("codec", settings, data, tmp_path / "second")
        before, after = load_file(weights), load_file(tmp_path / "second" / "codec" / "codec.safetensors")
        name = "quantizer.books.0.entries"
        nearest = (before[name].float() @ after[name].float().T).argmax(1)
        assert (nearest == torch.arange(len(nearest))).float().mean() > 0.5

    def test_of_another_model(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["fine"]["loop"]["steps"] = 1
        train("fine", settings, data, tmp_path)
        settings["coarse"]["initial"] = str(tmp_path / "fine" / "fine.safetensors")
        with pytest.raises(CheckpointError, match=r"fine\.safetensors misses"):
            train("coarse", settings, data, tmp_path)

    def test_not_for_a_decoder(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["codec"]["loop"]["steps"] = 1
        train("codec", settings, data, tmp_path)
        settings["codec-decoder"]["initial"] = "codec.safetensors"
        with pytest.raises(TrainingError, match="takes no `initial`"):
            train("codec-decoder", settings, data, tmp_path)


def decoders(settings: dict[str, Any], data: Path, out: Path) -> list[dict[str, torch.Tensor]]:
    """The weights of a codec whose decoder was trained in one go, and of one that was stopped after every step."""
    settings["codec"]["loop"]["steps"] = 1
    for run in ("whole", "stopped"):
        train("codec", settings, data, out / run)
    train("codec-decoder", settings, data, out / "whole")
    settings["codec-decoder"]["loop"]["minutes"] = 1e-9
    for _ in range(3):
        train("codec-decoder", settings, data, out / "stopped")
    return [load_file(out / run / "codec-decoder" / "codec.safetensors") for run in ("whole", "stopped")]


class TestDecoder:
    """The codec's decoder goes on from the codec."""

    def test_it_trains_and_goes_on(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        whole, stopped = decoders(settings, data, tmp_path)
        assert all(torch.equal(whole[name], stopped[name]) for name in whole | stopped)
        before = load_file(tmp_path / "whole" / "codec" / "codec.safetensors")
        same = {name for name in whole if torch.equal(whole[name], before[name])}
        assert same >= {name for name in whole if name.startswith(("encoder.", "quantizer."))}
        assert not any(name.startswith("decoder.") and name.endswith("linear.weight") for name in same)

    def test_of_a_source_and_a_filter(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["codec-decoder"] = settings["source-filter"]
        whole, stopped = decoders(settings, data, tmp_path)
        assert all(torch.equal(whole[name], stopped[name]) for name in whole | stopped)
        before = load_file(tmp_path / "whole" / "codec" / "codec.safetensors")
        same = {name for name in whole if name in before and torch.equal(whole[name], before[name])}
        assert same >= {name for name in whole if name.startswith(("encoder.", "quantizer."))}
        codec = build_codec({**settings["model"]["codec"], "synthesis": "source-filter"})
        load_weights(codec, tmp_path / "whole" / "codec-decoder" / "codec.safetensors")
        figures = {row[2] for row in rows(tmp_path / "whole" / "codec-decoder")}
        assert figures >= {"pitch", "log", "mel", "critics", "adversarial", "features", "mel_2", "mel_4"}

    def test_of_a_codec_that_has_one(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["model"]["codec"]["synthesis"] = "source-filter"
        table = {name: value for name, value in settings["source-filter"].items() if name != "synthesis"}
        settings |= {"codec": copy.deepcopy(table), "codec-decoder": copy.deepcopy(table)}
        for what in ("codec", "codec-decoder"):
            train(what, settings, data, tmp_path)
        before, after = (load_file(tmp_path / run / "codec.safetensors") for run in ("codec", "codec-decoder"))
        assert before.keys() == after.keys()
        same = {name for name in after if torch.equal(after[name], before[name])}
        assert same >= {name for name in after if name.startswith(("encoder.", "quantizer."))}
        assert not any(name.startswith("decoder.") and name.endswith("linear.weight") for name in same)
        settings["codec-decoder"]["synthesis"] = "spectrum"
        with pytest.raises(TrainingError, match="can't unlearn that"):
            train("codec-decoder", settings, data, tmp_path)

    def test_no_such_synthesis(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["codec-decoder"]["synthesis"] = "waves"
        with pytest.raises(CheckpointError, match="synthesis must be one of"):
            train("codec-decoder", settings, data, tmp_path)

    def test_without_a_codec(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="train the codec before its decoder"):
            train("codec-decoder", settings, data, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on CPUs")
@pytest.mark.filterwarnings("default")  # of the compiler's own making
@pytest.mark.parametrize("what", ["semantic", "fine"])
def test_compiled(what: str, settings: dict[str, Any], data: Path, tmp_path: Path, exported: dict[str, str]) -> None:
    settings[what]["loop"]["precision"] = "fp32"
    train(what, settings, data, tmp_path / "eager")
    settings[what]["loop"]["compile"] = True
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    train(what, settings, data, tmp_path / "compiled")
    eager, compiled = (load_file(tmp_path / run / what / exported[what]) for run in ("eager", "compiled"))
    for name, value in eager.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-2, atol=1e-3)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert 0 < graphs <= 3  # for the first batch's shape, then for other lengths and sizes; all layers share them


def test_a_finished_run_does_nothing(settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
    train("fine", settings, data, tmp_path)
    before = (tmp_path / "fine" / "last.pt").stat().st_mtime_ns
    train("fine", settings, data, tmp_path)
    assert (tmp_path / "fine" / "last.pt").stat().st_mtime_ns == before


def test_the_seed_decides_the_weights(settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.manual_seed(0 if name == "a" else 99)
        settings["fine"]["loop"] |= {"seed": seed, "steps": 1}
        train("fine", settings, data, tmp_path / name)
        found.append(load_file(tmp_path / name / "fine" / "fine.safetensors")["wpe.weight"])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("what", MODELS)
def test_training_goes_without_anything_held_out(
    what: str, settings: dict[str, Any], data: Path, tmp_path: Path, shard_writer: Callable[..., None]
) -> None:
    settings[what]["loop"]["steps"] = 1
    settings[what]["sets"] = {"few": 1.0}
    _copy_set(data, tmp_path / "data", keep=3)
    train(what, settings, tmp_path / "data", tmp_path)
    assert not any(row[1] == "valid" for row in rows(tmp_path / what))


def _copy_set(data: Path, out: Path, keep: int) -> None:
    """The first clips of the corpus, none of which is held out, as the set `few`."""
    audio, tokens = out / "corpus" / "few", out / "tokens" / "few"
    audio.mkdir(parents=True)
    tokens.mkdir(parents=True)
    source = data / "corpus" / "tones"
    lines = (source / "0000.jsonl").read_text().splitlines()[:keep]
    (audio / "0000.jsonl").write_text("\n".join(lines))
    for name in ("0000.pcm", "0000.f0.npz"):
        (audio / name).write_bytes((source / name).read_bytes())
    for kind in ("semantic", "codes"):
        arrays = dict(np.load(data / "tokens" / "tones" / f"0000.{kind}.npz"))
        arrays["splits"] = arrays["splits"][: keep + 1]
        np.savez(tokens / f"0000.{kind}.npz", **arrays)
    (out / "tokens" / "tokenizer.json").write_bytes((data / "tokens" / "tokenizer.json").read_bytes())


class TestFaults:
    def test_unknown_model(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="can't train 'fina'; there are codec, "):
            train("fina", settings, data, tmp_path)

    def test_no_table(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        del settings["fine"]
        with pytest.raises(TrainingError, match=r"no table \[fine\]"):
            train("fine", settings, data, tmp_path)

    @pytest.mark.parametrize("what", MODELS)
    def test_no_sets(self, what: str, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        del settings[what]["sets"]
        with pytest.raises(TrainingError, match="names no sets of data"):
            train(what, settings, data, tmp_path)

    @pytest.mark.parametrize("what", MODELS)
    def test_no_model(self, what: str, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        del settings["model"]
        with pytest.raises(TrainingError, match=r"no table \[model\]"):
            train(what, settings, data, tmp_path)

    def test_no_part_of_the_model(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        del settings["model"]["codec"]
        with pytest.raises(TrainingError, match=r"no table \[model.codec\]"):
            train("codec", settings, data, tmp_path)

    def test_unknown_setting(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["fine"]["loop"]["stepps"] = 3
        with pytest.raises(CheckpointError, match=r"\[fine.loop\]: unknown setting stepps"):
            train("fine", settings, data, tmp_path)

    @pytest.mark.parametrize(
        ("setting", "value", "message"),
        [
            ("steps", 0, "steps must be at least 1"),
            ("precision", "fp8", "precision must be auto, bf16 or fp32"),
            ("ema", 1.0, "ema must be"),
            ("log_every", 0, "log_every must be"),
            ("threads", -1, "threads must be at least 0"),
        ],
    )
    def test_settings_that_make_no_sense(
        self, setting: str, value: Any, message: str, settings: dict[str, Any], data: Path, tmp_path: Path
    ) -> None:
        settings["fine"]["loop"][setting] = value
        with pytest.raises(TrainingError, match=message):
            train("fine", settings, data, tmp_path)

    @pytest.mark.parametrize(
        ("table", "setting", "value", "message"),
        [
            ("loop", "steps", 60.0, r"\[fine.loop\]: steps: expected a whole number, got 60.0"),
            ("optimizer", "lr", "1e-3", r"\[fine.optimizer\]: lr: expected a number, got '1e-3'"),
            ("optimizer", "clip", 0.0, r"\[optimizer\]: clip must be above 0"),
            ("optimizer", "weight_decay", -1.0, r"\[optimizer\]: weight_decay must be at least 0"),
            (None, "batch", 0, r"\[fine\]: batch must be at least 1"),
            (None, "validation_windows", 0, r"\[fine\]: validation_windows must be at least 1"),
            (None, "sets", {"tones": "x"}, "the weight of the set tones must be a number"),
            (None, "sets", {"tones": -1.0}, "the weight of the set tones must be a number"),
        ],
    )
    def test_values_that_make_no_sense(
        self, table: str | None, setting: str, value: Any, message: str, settings: dict[str, Any], data: Path,
        tmp_path: Path
    ) -> None:  # fmt: skip
        of = settings["fine"].setdefault(table, {}) if table else settings["fine"]
        of[setting] = value
        with pytest.raises((TrainingError, CheckpointError), match=message):
            train("fine", settings, data, tmp_path)

    @pytest.mark.parametrize("what", MODELS)
    def test_no_such_set(self, what: str, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings[what]["sets"] = {"nowhere": 1.0}
        with pytest.raises(TrainingError, match="nowhere: no "):
            train(what, settings, data, tmp_path)

    def test_clips_too_long_for_the_model(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["model"]["semantic_layout"]["max_steps"] = 5
        with pytest.raises(TrainingError, match="no clip to train on: all are too long"):
            train("semantic", settings, data, tmp_path)

    def test_settings_file(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="can't read"):
            read_settings(tmp_path / "none.toml")
        (tmp_path / "bad.toml").write_text("steps = = 3")
        with pytest.raises(TrainingError, match="is not TOML"):
            read_settings(tmp_path / "bad.toml")
        (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
        with pytest.raises(TrainingError, match="is not TOML"):
            read_settings(tmp_path / "bad.toml")

    def test_settings_that_extend_others(self, tmp_path: Path) -> None:
        (tmp_path / "base").mkdir()
        (tmp_path / "base" / "first.toml").write_text(
            '[model]\nname = "a"\nlevels = [1, 2]\n'
            "[fine]\nsets = { a = 1.0, b = 2.0 }\n[fine.loop]\nsteps = 3\nseed = 1"
        )
        (tmp_path / "base" / "second.toml").write_text('extends = "first.toml"\n[model]\nlevels = [3]')
        (tmp_path / "third.toml").write_text(
            'extends = "base/second.toml"\n[fine]\nsets = { a = 0 }\n[fine.loop]\nsteps = 9\n[coarse]\nbatch = 2'
        )
        assert read_settings(tmp_path / "third.toml") == {
            "model": {"name": "a", "levels": [3]},
            "fine": {"sets": {"a": 0, "b": 2.0}, "loop": {"steps": 9, "seed": 1}},
            "coarse": {"batch": 2},
        }
        (tmp_path / "base" / "first.toml").write_text('extends = "second.toml"')
        with pytest.raises(TrainingError, match="extends itself"):
            read_settings(tmp_path / "third.toml")
        (tmp_path / "third.toml").write_text("extends = 3")
        with pytest.raises(TrainingError, match="extends must name a file, not 3"):
            read_settings(tmp_path / "third.toml")

    def test_a_set_of_no_weight_is_no_set(self, settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
        settings["fine"]["sets"] = {"tones": 1.0, "nowhere": 0}
        train("fine", settings, data, tmp_path)
        assert (tmp_path / "fine" / "fine.safetensors").exists()
        settings["fine"]["sets"] = {"tones": 0}
        with pytest.raises(TrainingError, match="names no sets of data"):
            train("fine", settings, data, tmp_path)


class TestCommand:
    @pytest.fixture
    def config(self, tmp_path: Path, settings: dict[str, Any]) -> Path:
        path = tmp_path / "tiny.toml"
        path.write_text("\n".join(toml(settings)), encoding="utf-8")
        return path

    @pytest.mark.parametrize("what", MODELS)
    def test_every_model(self, what: str, data: Path, config: Path, tmp_path: Path, exported: dict[str, str]) -> None:
        arguments = [what, "--config", str(config), "--data", str(data), "-o", str(tmp_path), "--device", "cpu"]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        assert (tmp_path / what / exported[what]).exists()

    def test_as_a_process(self, data: Path, config: Path, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "bark", "train", "fine", "--config", str(config), "--device", "cpu"]
        command += ["--data", str(data), "-o", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "step 3/3" in done.stderr
        assert done.stdout == ""

    def test_a_mistake_is_a_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        monkeypatch.setattr(sys, "argv", ["bark", "train", "fine", "--config", str(tmp_path / "none.toml")])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        assert capsys.readouterr().err.startswith(f"bark: can't read {tmp_path / 'none.toml'}")
