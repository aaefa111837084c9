"""Memory that is free goes back, now and then."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from bark import heap


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux" or heap._trim() is None, reason="this C library can't be asked")
def test_what_lies_between_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
    blocks = [libc.malloc(64_000) for _ in range(1600)]  # too small for a mapping of their own
    for block in blocks:
        ctypes.memset(block, 1, 64_000)
    for block in blocks[:-1]:  # the last stands in the way of all before it
        libc.free(block)
    before = resident()
    monkeypatch.setattr(heap, "_last", float("-inf"))
    heap.give_back()
    after = resident()
    libc.free(blocks[-1])
    assert after < before - 50_000_000


def test_not_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(heap, "_trim", lambda: calls.append)
    monkeypatch.setattr(heap, "_last", float("-inf"))
    for _ in range(3):
        heap.give_back()
    assert calls == [0]


def test_where_there_is_no_such_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_trim", lambda: None)
    monkeypatch.setattr(heap, "_last", float("-inf"))
    heap.give_back()
