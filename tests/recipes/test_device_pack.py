"""There and back: what is packed trains as the original does, and what comes back is a run again."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bark.errors import TrainingError
from bark.training.run import train
from bark.training.tokenized import read_tokens
from recipes.pup import device_pack
from recipes.pup.device_pack import MB, MODELS, collect, grow, join, pack, shrink

ROOT = Path(__file__).parents[2]


@pytest.fixture
def packed(work: Path, tmp_path: Path) -> Path:
    pack(work, tmp_path / "packed", limit=45, codes=[], runs=work / "runs", models=MODELS)
    return tmp_path / "packed"


def trained(packed: Path, runs: Path, work: Path, models: list[str], **changes: Any) -> None:
    arguments: dict[str, Any] = {"device": "cpu", "seconds": 0, "steps": None, "eager": False}
    device_pack.train(models, work / "tiny.toml", packed, runs, **{**arguments, **changes})


class TestPack:
    def test_tokens_are_the_same(self, packed: Path, work: Path) -> None:
        ours, theirs = (read_tokens([folder / "tokens" / "tones"], codes=True) for folder in (packed, work))
        assert len(ours) == len(theirs) == 20
        for a, b in zip(ours, theirs, strict=True):
            assert (a.id, a.text, a.voice, a.held_out) == (b.id, b.text, b.voice, b.held_out)
            assert a.codes is not None
            assert b.codes is not None
            for one, other in ((a.semantic, b.semantic), (a.characters, b.characters), (a.codes, b.codes)):
                assert np.array_equal(one, other)

    def test_smaller(self, packed: Path, work: Path) -> None:
        for path in sorted((work / "tokens" / "tones").iterdir()):
            assert (packed / "tokens" / "tones" / path.name).stat().st_size < path.stat().st_size / 2

    def test_a_limit(self, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Semantic tokens come first, then checkpoints, then codes."""
        pack(work, tmp_path / "all", limit=45, codes=[], runs=work / "runs", models=["fine"])
        used = sum(path.stat().st_size for path in (tmp_path / "all").rglob("*") if path.is_file())
        pack(work, tmp_path / "most", limit=(used - 1) / MB, codes=["tones"], runs=work / "runs", models=["fine"])
        names = {path.name for path in (tmp_path / "most").rglob("*") if path.is_file()}
        missing = {path.name for path in (tmp_path / "all").rglob("*") if path.is_file()} - names
        assert missing == {"0001.codes.npz"}
        assert "left out: tones/0001.codes.npz" in capsys.readouterr().out

    def test_made_anew(self, work: Path, tmp_path: Path) -> None:
        (tmp_path / "old").mkdir()
        (tmp_path / "old" / "something").write_text("old")
        pack(work, tmp_path / "old", limit=45, codes=[], runs=None, models=MODELS)
        assert not (tmp_path / "old" / "something").exists()
        assert not (tmp_path / "old" / "runs").exists()


class TestTrain:
    def test_as_the_original(self, packed: Path, work: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
        trained(packed, tmp_path / "there", work, ["semantic"])
        train("semantic", settings, work, tmp_path / "here")
        ours, theirs = (load_file(tmp_path / p / "semantic" / "semantic.safetensors") for p in ("there", "here"))
        assert all(torch.equal(ours[name], theirs[name]) for name in ours | theirs)

    def test_from_the_packed_checkpoint(self, packed: Path, work: Path, tmp_path: Path) -> None:
        trained(packed, tmp_path / "runs", work, ["fine"], steps=5)
        state = torch.load(tmp_path / "runs" / "fine" / "last.pt")
        assert state["step"] == 5
        assert state["optimizers"] is not None
        assert {row.split(",")[0] for row in (tmp_path / "runs/fine/log.csv").read_text().split()[1:]} == {"4", "5"}

    def test_time_is_shared(self, packed: Path, work: Path, tmp_path: Path) -> None:
        before = time.monotonic()
        trained(packed, tmp_path / "runs", work, ["semantic", "coarse"], steps=100_000, seconds=2)
        assert time.monotonic() - before < 60
        for model in ("semantic", "coarse"):
            assert 0 < torch.load(tmp_path / "runs" / model / "last.pt")["step"] < 100_000

    def test_a_set_that_had_no_room(self, packed: Path, work: Path, tmp_path: Path) -> None:
        """It goes without, but not without any."""
        shutil.copytree(packed / "tokens" / "tones", packed / "tokens" / "others")
        config = (work / "tiny.toml").read_text().replace("tones = 1.0", "tones = 1.0\nothers = 1.0")
        (tmp_path / "tiny.toml").write_text(config)
        for path in (packed / "tokens" / "tones").glob("*.codes.npz"):
            path.unlink()
        trained(packed, tmp_path / "runs", tmp_path, ["coarse"])
        assert (tmp_path / "runs" / "coarse" / "coarse.safetensors").exists()
        shutil.rmtree(packed / "tokens" / "others")
        with pytest.raises(TrainingError, match="names no sets"):
            trained(packed, tmp_path / "none", tmp_path, ["coarse"])

    def test_no_such_model(self, packed: Path, work: Path, tmp_path: Path) -> None:
        with pytest.raises((KeyError, TrainingError)):
            trained(packed, tmp_path / "runs", work, ["fina"])


class TestBack:
    @pytest.fixture
    def pieces(self, work: Path, tmp_path: Path) -> Path:
        collect(["fine", "coarse"], work / "runs", tmp_path / "out")  # of a model that has no run there is nothing
        return tmp_path / "out"

    def test_joined(self, pieces: Path, work: Path, tmp_path: Path) -> None:
        join(pieces, tmp_path / "runs", replace=False)
        there, here = work / "runs" / "fine", tmp_path / "runs" / "fine"
        assert {path.name for path in here.iterdir()} == {"last.pt", "resume.pt", "log.csv", "fine.safetensors"}
        assert (here / "fine.safetensors").read_bytes() == (there / "fine.safetensors").read_bytes()
        assert (here / "log.csv").read_bytes() == (there / "log.csv").read_bytes()
        ours, theirs = (torch.load(folder / "last.pt") for folder in (here, there))
        assert ours["step"] == theirs["step"]
        for name, value in theirs["average"].items():
            torch.testing.assert_close(ours["module"][name], value, rtol=1e-3, atol=1e-4)

    def test_it_goes_on(self, pieces: Path, work: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
        join(pieces, tmp_path / "runs", replace=False)
        settings["fine"]["loop"]["steps"] = 4
        train("fine", settings, work, tmp_path / "runs")
        assert torch.load(tmp_path / "runs" / "fine" / "last.pt")["step"] == 4

    def test_a_run_in_the_way(self, pieces: Path, tmp_path: Path) -> None:
        join(pieces, tmp_path / "runs", replace=False)
        with pytest.raises(SystemExit, match="there is a run already"):
            join(pieces, tmp_path / "runs", replace=False)
        join(pieces, tmp_path / "runs", replace=True)

    @pytest.mark.parametrize(
        ("name", "kind"), [("../fine/last.pt", tarfile.REGTYPE), ("fine/last.pt", tarfile.SYMTYPE)]
    )
    def test_nothing_is_written_elsewhere(self, name: str, kind: bytes, tmp_path: Path) -> None:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        (tmp_path / "out").mkdir()
        with tarfile.open(tmp_path / "out" / "runs.tar.0", "w") as tar:
            tar.addfile(member, io.BytesIO(b""))
        with pytest.raises(SystemExit, match="is not a file of a run"):
            join(tmp_path / "out", tmp_path / "runs", replace=False)
        assert not (tmp_path / "fine").exists()

    def test_no_pieces(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match="no pieces"):
            join(tmp_path, tmp_path / "runs", replace=False)

    def test_pieces_are_small(
        self, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        runs = tmp_path / "runs"
        for model in ("fine", "coarse"):
            shutil.copytree(work / "runs" / "fine", runs / model)
        weights = (runs / "fine" / "fine.safetensors").stat().st_size
        monkeypatch.setattr(device_pack, "PIECE", weights + 8000)
        collect(["fine", "coarse"], runs, tmp_path / "out")
        parts = sorted((tmp_path / "out").iterdir())
        assert 1 < len(parts) <= device_pack.PIECES
        assert all(part.stat().st_size <= device_pack.PIECE for part in parts)
        assert "nothing" in capsys.readouterr().out.partition("left out: ")[2]
        monkeypatch.setattr(device_pack, "PIECE", weights // 2)
        collect(["fine", "coarse"], runs, tmp_path / "less")
        assert "coarse/fine.safetensors" in capsys.readouterr().out.partition("left out: ")[2]

    def test_limits(self) -> None:
        """What a call may bring back: 8 files of 16 MB, 64 MB together."""
        assert device_pack.PIECE <= 16 * MB
        assert device_pack.PIECES <= 8
        assert device_pack.PIECE * device_pack.PIECES <= 64 * MB


def test_grown_again(work: Path) -> None:
    """Module and averages both become the exported average; what is tied is tied again."""
    state = torch.load(work / "runs" / "fine" / "last.pt")
    exported = load_file(work / "runs" / "fine" / "fine.safetensors")
    small = shrink(state, exported)
    assert len(pickle.dumps(small)) < 20_000
    again = grow(small, exported)
    assert again["step"] == state["step"]
    assert again["optimizers"] is None
    assert set(again["module"]) == set(state["module"])
    assert set(again["average"]) == set(state["average"])
    for name, value in state["average"].items():
        assert torch.equal(again["average"][name], value.half().float())
        assert torch.equal(again["module"][name], again["average"][name])
    assert again["module"]["model.lm_heads.0.weight"] is again["module"]["model.wtes.1.weight"]


def test_what_the_machine_there_needs() -> None:
    """Training imports PyTorch, numpy, safetensors and tokenizers; everything else may be missing there."""
    missing = ["soundfile", "typer", "rich", "pyworld", "onnxruntime", "hibari", "faster_whisper", "tensorboard"]
    code = (
        f"import sys; sys.modules |= dict.fromkeys({missing})\n"
        "import recipes.pup.device_pack, bark.training.run\n"
        "import bark.training.semantic, bark.training.coarse, bark.training.fine, bark.text.tokenizer\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


@pytest.mark.slow
class TestScript:
    def start(self, packed: Path, work: Path, tmp_path: Path, *options: str) -> subprocess.Popen[str]:
        (tmp_path / "out").mkdir(exist_ok=True)
        environment = {**os.environ, "OUT": str(tmp_path / "out"), "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
        command = ["bash", str(ROOT / "recipes/pup/device.sh"), "--device", "cpu", "--data", str(packed)]
        command += ["--config", str(work / "tiny.toml"), "--runs", str(tmp_path / "there"), *options]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_whole(self, packed: Path, work: Path, tmp_path: Path) -> None:
        process = self.start(packed, work, tmp_path, "--steps", "4", "--eager", "fine", "coarse")
        told, _ = process.communicate(timeout=300)
        assert process.returncode == 0, told
        join(tmp_path / "out", tmp_path / "runs", replace=False)
        for model in ("fine", "coarse"):
            assert torch.load(tmp_path / "runs" / model / "last.pt")["step"] == 4
            assert (tmp_path / "runs" / model / f"{model}.safetensors").exists()

    def test_told_to_stop(self, packed: Path, work: Path, tmp_path: Path) -> None:
        process = self.start(packed, work, tmp_path, "--steps", "100000", "coarse")
        log = tmp_path / "there" / "coarse" / "log.csv"
        until = time.monotonic() + 120
        while not (log.exists() and log.read_text().count("\n") > 8):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=300)
        assert process.returncode == 128 + signal.SIGTERM, told
        join(tmp_path / "out", tmp_path / "runs", replace=False)
        assert torch.load(tmp_path / "runs" / "coarse" / "last.pt")["step"] > 0

    def test_no_model(self, tmp_path: Path) -> None:
        done = subprocess.run(
            ["bash", str(ROOT / "recipes/pup/device.sh")], env={**os.environ, "OUT": str(tmp_path)}, capture_output=True
        )
        assert done.returncode == 2
