"""Work is done as it is, then recorded, then replayed, and goes on as it is where it can't be recorded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from bark.engine.cuda_graph import Graphs

CUDA = torch.device("cuda")


class FakeGpu:
    """Stands for CUDA's recording: what is recorded isn't done, and is done when it is replayed."""

    def __init__(self) -> None:
        self.recording: list[str] | None = None
        self.done: list[str] = []
        self.fails = False

    def launch(self, kernel: str) -> None:
        (self.done if self.recording is None else self.recording).append(kernel)

    @contextmanager
    def graph(self, graph: Any, pool: Any, capture_error_mode: str) -> Iterator[None]:
        self.recording = graph.kernels
        try:
            yield
            if self.fails:
                raise RuntimeError("operation not permitted when stream is capturing\nand more")
        finally:
            self.recording = None

    def install(self, patch: pytest.MonkeyPatch) -> None:
        gpu = self

        class Graph:
            def __init__(self) -> None:
                self.kernels: list[str] = []

            def replay(self) -> None:
                gpu.done += self.kernels

            def pool(self) -> str:
                return "pool"

        class Stream:
            def __init__(self, device: torch.device) -> None:
                pass

            def wait_stream(self, other: Stream) -> None:
                gpu.done.append("wait")

        @contextmanager
        def stream(own: Stream) -> Iterator[None]:
            yield

        for name, value in {"CUDAGraph": Graph, "Stream": Stream, "stream": stream, "graph": self.graph}.items():
            patch.setattr(torch.cuda, name, value)
        patch.setattr(torch.cuda, "current_stream", Stream)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    fake = FakeGpu()
    fake.install(monkeypatch)
    return fake


def test_once_as_it_is_then_recorded_then_replayed(gpu: FakeGpu) -> None:
    graphs = Graphs(CUDA)
    launched = []

    def work(name: str) -> None:
        launched.append(name)
        gpu.launch(name)

    for name in ("a", "a", "b", "a", "b", "a"):
        graphs.run(name, lambda name=name: work(name))
    assert [kernel for kernel in gpu.done if kernel != "wait"] == ["a", "a", "b", "a", "b", "a"]
    assert launched == ["a", "a", "b", "b"]
    assert gpu.done.count("wait") == 4
    assert len(graphs) == 2


def test_what_can_not_be_recorded_is_done_as_it_is(gpu: FakeGpu, caplog: pytest.LogCaptureFixture) -> None:
    gpu.fails = True
    with caplog.at_level(logging.WARNING):
        for graphs in (Graphs(CUDA), Graphs(CUDA)):
            for _ in range(4):
                graphs.run("a", lambda: gpu.launch("a"))
            assert len(graphs) == 0
    assert gpu.done.count("a") == 8
    assert [record.message for record in caplog.records] == [
        "CUDA graphs can't be recorded, so that decoding is slower: operation not permitted when stream is capturing"
    ]


@pytest.mark.parametrize(("device", "wanted"), [("cuda", False), ("cpu", True)])
def test_where_none_are_wanted_nothing_is_recorded(device: str, wanted: bool, gpu: FakeGpu) -> None:
    graphs = Graphs(torch.device(device), wanted)
    for _ in range(3):
        graphs.run("a", lambda: gpu.launch("a"))
    assert gpu.done == ["a", "a", "a"]
    assert len(graphs) == 0
