"""Stacks as a flame graph."""

from __future__ import annotations

from pathlib import Path

from benchmarks import __main__ as command
from benchmarks.flame import read_stacks

STACKS = """\
<module> (a.py:9);speak (b.py:3);read (c.py:7) 6
<module> (a.py:9);speak (b.py:4);write (c.py:1) 3
<module> (a.py:2);load (d.py:1) 1
"""


def test_calls_from_several_lines_are_one_frame() -> None:
    bottom = read_stacks(STACKS.splitlines())
    assert bottom.samples == 10
    speak = bottom.above["<module> (a.py)"].above["speak (b.py)"]
    assert speak.samples == 9
    assert {name: frame.samples for name, frame in speak.above.items()} == {"read (c.py)": 6, "write (c.py)": 3}
    assert bottom.depth == 4


def test_only_what_the_root_called() -> None:
    assert list(read_stacks(STACKS.splitlines(), "speak").above) == ["speak (b.py)"]
    assert read_stacks(STACKS.splitlines(), "speak").samples == 9


def test_the_picture(tmp_path: Path) -> None:
    (tmp_path / "stacks.txt").write_text(STACKS)
    command.main(["flame", str(tmp_path / "stacks.txt"), "--root", "speak", "--out", str(tmp_path)])
    assert (tmp_path / "flame.png").read_bytes().startswith(b"\x89PNG")
