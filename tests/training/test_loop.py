"""The loop: stopped, killed, resumed, broken."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from bark.errors import TrainingError
from bark.training.loop import LoopConfig
from tests.training.toy import CONFIG, Toy, run

ROOT = Path(__file__).parents[2]


def state(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(folder / "last.pt")
    return found


def same(a: Path, b: Path) -> bool:
    """Whether two runs ended alike: weights, averages, optimizers and random numbers to come."""
    ours, theirs = state(a), state(b)
    return (
        ours["step"] == theirs["step"]
        and all(
            torch.equal(ours[part][name], theirs[part][name]) for part in ("module", "average") for name in ours[part]
        )
        and torch.equal(ours["random"], theirs["random"])
    )


def log(folder: Path) -> list[list[str]]:
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def start(folder: Path, steps: int, save_minutes: float) -> subprocess.Popen[bytes]:
    """A run in a process of its own, 20 ms a step."""
    script = [sys.executable, str(ROOT / "tests" / "training" / "toy.py"), str(folder), str(steps), "0.02"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*script, str(save_minutes)], env=environment, stderr=subprocess.DEVNULL)


def wait_for(what: Any, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < until
        time.sleep(0.01)


def logged(folder: Path, step: int) -> bool:
    return (folder / "log.csv").exists() and any(row[0] == str(step) for row in log(folder))


STEPS = 120


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, config=replace(CONFIG, steps=STEPS))
    return folder


class TestEndings:
    def test_terminated(self, whole: Path, tmp_path: Path) -> None:
        process = start(tmp_path, STEPS, save_minutes=100)
        wait_for(lambda: logged(tmp_path, 7), process)
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
        assert 7 <= state(tmp_path)["step"] < STEPS
        assert (tmp_path / "toy.safetensors").exists()
        run(tmp_path, config=replace(CONFIG, steps=STEPS))
        assert same(tmp_path, whole)

    def test_killed_between_checkpoints(self, whole: Path, tmp_path: Path) -> None:
        process = start(tmp_path, STEPS, save_minutes=0.3 / 60)
        wait_for(lambda: (tmp_path / "last.pt").exists(), process)
        wait_for(lambda: int(log(tmp_path)[-1][0]) > state(tmp_path)["step"] + 3, process)
        process.kill()
        process.wait(60)
        saved = state(tmp_path)["step"]
        assert saved < int(log(tmp_path)[-1][0])
        run(tmp_path, config=replace(CONFIG, steps=STEPS))
        assert same(tmp_path, whole)
        figures = [row for row in log(tmp_path)[1:] if row[1:3] == ["train", "loss"]]
        assert [int(row[0]) for row in figures] == list(range(1, STEPS + 1))
        assert figures == [row for row in log(whole)[1:] if row[1:3] == ["train", "loss"]]

    def test_interrupted_in_this_process(self, whole: Path, tmp_path: Path) -> None:
        before = signal.getsignal(signal.SIGINT)
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, Toy(pause=0.01), replace(CONFIG, steps=STEPS))
        assert signal.getsignal(signal.SIGINT) is before
        assert 0 < state(tmp_path)["step"] < STEPS
        run(tmp_path, config=replace(CONFIG, steps=STEPS))
        assert same(tmp_path, whole)

    def test_out_of_time(self, tmp_path: Path) -> None:
        run(tmp_path, Toy(pause=0.02), replace(CONFIG, minutes=0.2 / 60))
        first = state(tmp_path)["step"]
        assert 0 < first < CONFIG.steps
        assert load_file(tmp_path / "toy.safetensors")
        run(tmp_path, config=replace(CONFIG, minutes=1))
        assert state(tmp_path)["step"] == CONFIG.steps

    def test_no_thread_is_left(self, tmp_path: Path) -> None:
        before = threading.active_count()
        run(tmp_path, config=replace(CONFIG, minutes=1e-9))
        assert threading.active_count() == before

    def test_a_batch_that_cannot_be_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise TrainingError("no audio there")

        task = Toy()
        monkeypatch.setattr(task, "draw", fail)
        with pytest.raises(TrainingError, match="no audio there"):
            run(tmp_path, task)


class TestCheckpoints:
    def test_broken(self, tmp_path: Path) -> None:
        for content in (b"", b"no checkpoint", b"PK\x03\x04 cut short"):
            (tmp_path / "last.pt").write_bytes(content)
            with pytest.raises(TrainingError, match=r"last\.pt: not a training checkpoint; remove it"):
                run(tmp_path)

    def test_cut_short(self, tmp_path: Path) -> None:
        run(tmp_path, config=replace(CONFIG, steps=2))
        whole = (tmp_path / "last.pt").read_bytes()
        (tmp_path / "last.pt").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(TrainingError, match="not a training checkpoint"):
            run(tmp_path)

    def test_code_in_it_is_not_run(self, tmp_path: Path) -> None:
        torch.save({"step": Path("x")}, tmp_path / "last.pt")
        with pytest.raises(TrainingError, match="not a training checkpoint"):
            run(tmp_path)

    @pytest.mark.parametrize("content", [{"step": 3}, [1, 2], {"module": 3, "average": {}, "optimizers": []}])
    def test_something_else(self, content: object, tmp_path: Path) -> None:
        torch.save(content, tmp_path / "last.pt")
        with pytest.raises(TrainingError, match="another shape"):
            run(tmp_path)

    def test_another_shape(self, tmp_path: Path) -> None:
        run(tmp_path, config=replace(CONFIG, steps=2))
        with pytest.raises(TrainingError, match="is of a run with another shape; choose another folder or remove it"):
            run(tmp_path, Toy(width=5))

    def test_average_switched_on(self, tmp_path: Path) -> None:
        run(tmp_path, config=replace(CONFIG, steps=2, ema=0.0))
        with pytest.raises(TrainingError, match="averaged weights are of another model"):
            run(tmp_path)

    def test_without_the_optimizers(self, tmp_path: Path) -> None:
        """A checkpoint that had to be small goes on, with fresh optimizers."""
        run(tmp_path, config=replace(CONFIG, minutes=1e-9))
        torch.save({**state(tmp_path), "optimizers": None}, tmp_path / "last.pt")
        run(tmp_path)
        assert state(tmp_path)["step"] == CONFIG.steps

    def test_replaced_whole(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A checkpoint that can't be written leaves the one before, and is not taken for one."""
        run(tmp_path, config=replace(CONFIG, minutes=1e-9))
        before = (tmp_path / "last.pt").read_bytes()
        save = torch.save

        def half(value: object, file: Any) -> None:
            file.write(b"half")
            raise OSError("the disk is full")

        monkeypatch.setattr(torch, "save", half)
        with pytest.raises(OSError, match="disk is full"):
            run(tmp_path)
        assert (tmp_path / "last.pt").read_bytes() == before
        monkeypatch.setattr(torch, "save", save)
        run(tmp_path)
        assert state(tmp_path)["step"] == CONFIG.steps

    def test_exported_before_done(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Killed between the two files at the last step, a run must not be taken for done without its weights."""
        task = Toy()
        monkeypatch.setattr(task, "export", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, task)
        assert not (tmp_path / "last.pt").exists()


class TestNotANumber:
    def test_said_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="the loss is nan at step 4; lower the learning rate"):
            run(tmp_path, Toy(spoil=3))

    def test_never_saved(self, tmp_path: Path) -> None:
        """Steps between two rows of the log are looked at before a checkpoint is written."""
        with pytest.raises(TrainingError, match="is nan"):
            run(tmp_path, Toy(spoil=3), replace(CONFIG, log_every=1000, save_minutes=0.0))
        assert all(value.isfinite().all() for value in state(tmp_path)["module"].values())
        assert state(tmp_path)["step"] == 3

    def test_gradient(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        task = Toy()
        task.scale.register_hook(lambda grad: grad * float("inf"))
        with pytest.raises(TrainingError, match=r"grad_norm is (nan|inf) at step 1"):
            run(tmp_path, task)


class TestLog:
    def test_rows(self, tmp_path: Path) -> None:
        run(tmp_path, config=replace(CONFIG, steps=7, log_every=3))
        rows = log(tmp_path)
        assert rows[0] == ["step", "split", "figure", "value"]
        assert [row[0] for row in rows if row[1:3] == ["train", "loss"]] == ["3", "6", "7"]
        assert {row[2] for row in rows if row[1] == "train"} == {"loss", "largest", "grad_norm"}
        assert [row[:3] for row in rows if row[1] == "valid"] == [["7", "valid", "scale"]]
        float(rows[1][3])

    def test_rows_after_the_checkpoint_are_dropped(self, tmp_path: Path) -> None:
        run(tmp_path, config=replace(CONFIG, minutes=1e-9))
        with (tmp_path / "log.csv").open("a") as file:
            file.write("2,train,loss,99\n3,tra")  # what a killed run had told but not saved
        run(tmp_path, config=replace(CONFIG, steps=3))
        figures = [row for row in log(tmp_path) if row[1:3] == ["train", "loss"]]
        assert [row[0] for row in figures] == ["1", "2", "3"]
        assert "99" not in [row[3] for row in figures]

    def test_terminal(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        run(tmp_path, config=replace(CONFIG, steps=2))
        told = capsys.readouterr()
        assert told.out == ""
        assert "step 2/2  loss " in told.err
        assert "step 2/2  validation: scale " in told.err


def test_what_is_exported_is_the_average(tmp_path: Path) -> None:
    task = run(tmp_path, config=replace(CONFIG, ema=0.99))
    exported, average = load_file(tmp_path / "toy.safetensors"), state(tmp_path)["average"]
    assert all(torch.equal(exported[name], average[name]) for name in average)
    assert not torch.equal(exported["scale"], task.scale)


def test_no_average(tmp_path: Path) -> None:
    task = run(tmp_path, config=replace(CONFIG, ema=0.0))
    assert torch.equal(load_file(tmp_path / "toy.safetensors")["scale"], task.scale)


def test_it_learns(tmp_path: Path) -> None:
    run(tmp_path, config=replace(CONFIG, steps=150))
    losses = [float(row[3]) for row in log(tmp_path) if row[1:3] == ["train", "loss"]]
    assert losses[-1] < losses[0] / 10


def test_bf16(tmp_path: Path) -> None:
    run(tmp_path, config=replace(CONFIG, precision="bf16", steps=3))
    assert state(tmp_path)["module"]["scale"].dtype == torch.float32


@pytest.mark.parametrize("quick", [torch.bfloat16, torch.float32])
def test_without_a_word_it_takes_what_the_cpu_multiplies_well(
    quick: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bark.training.loop.product_dtype", lambda: quick)
    seen: list[bool] = []
    task = Toy()
    task.register_forward_pre_hook(lambda *_: seen.append(torch.is_autocast_enabled("cpu")))
    run(tmp_path, task, replace(CONFIG, precision="auto", steps=2))
    assert seen == [quick is torch.bfloat16] * 2


def test_settings_of_the_loop() -> None:
    assert LoopConfig(3).minutes == 0
    with pytest.raises(TrainingError, match="steps must be at least 1"):
        LoopConfig(0)
