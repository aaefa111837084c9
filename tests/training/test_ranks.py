"""Two processes train one model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["codec", "fine"])
def test_two_processes_end_with_the_same_weights(
    what: str, settings: dict[str, Any], data: Path, tmp_path: Path, exported: dict[str, str]
) -> None:
    settings[what]["loop"] |= {"steps": 2, "precision": "fp32"}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [str(tmp_path / "settings.json"), str(data), str(tmp_path), what]
    processes = []
    for rank in range(2):
        group = {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        environment = {**os.environ, **group, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(ROOT / "tests" / "training" / "ranks.py"), *arguments]
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for process in processes:
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-6, atol=1e-6, msg=name)
    assert {path.name for path in (tmp_path / what).iterdir()} >= {"last.pt", "log.csv", exported[what]}
    saved = torch.load(tmp_path / what / "last.pt")["module"]
    assert all(torch.equal(saved[name], value) for name, value in first.items())
