"""Files of voices that are damaged, or made to do harm: each is one sentence, and nothing in it is run."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bark.errors import VoiceError
from bark.tokens import TokenSpace
from bark.voices import Voice

KEYS = ("semantic_prompt", "coarse_prompt", "fine_prompt")
Members = dict[str, bytes]


def npy(array: Any, **options: Any) -> bytes:
    """An npy file's content."""
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def header(description: str) -> bytes:
    """An npy file's head, saying anything."""
    text = description.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


@pytest.fixture
def members(voice: Voice) -> Members:
    """What a voice's archive holds, by name."""
    return {"semantic_prompt": npy(voice.semantic), "coarse_prompt": npy(voice.coarse), "fine_prompt": npy(voice.fine)}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(members: Members, compression: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "voice.npz"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in members.items():
                archive.writestr(f"{name}.npy", content)
        return path

    return write


def fault(path: Path) -> str:
    """The sentence about a file."""
    with pytest.raises(VoiceError) as caught:
        Voice.from_npz(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("key", KEYS)
class TestOneArray:
    """Each fault in each of the three, and the sentence names it."""

    def check(self, key: str, content: bytes, sentence: str, members: Members, write: Callable[..., Path]) -> None:
        said = fault(write({**members, key: content}))
        assert sentence in said
        assert [other for other in KEYS if f"{other} " in said] == [key]

    def test_pickled_objects(self, key: str, members: Members, write: Callable[..., Path], tmp_path: Path) -> None:
        evil = npy(np.array([Evil(tmp_path / "made")], dtype=object), allow_pickle=True)
        self.check(key, evil, "holds pickled objects, which are never read", members, write)
        assert not (tmp_path / "made").exists()
        np.load(io.BytesIO(evil), allow_pickle=True)  # the file does what it is feared for
        assert (tmp_path / "made").exists()

    def test_a_header_that_promises_too_much(self, key: str, members: Members, write: Callable[..., Path]) -> None:
        huge = header("{'descr': '<i8', 'fortran_order': False, 'shape': (8, 1000000000000), }") + bytes(64)
        sentence = "is damaged: its header says int64 of shape [8, 1000000000000], but 64 bytes follow"
        self.check(key, huge, sentence, members, write)

    def test_a_negative_shape(self, key: str, members: Members, write: Callable[..., Path]) -> None:
        negative = header("{'descr': '<i8', 'fortran_order': False, 'shape': (-2, -4), }") + bytes(64)
        self.check(key, negative, "its header says int64 of shape [-2, -4]", members, write)

    def test_too_little(self, key: str, members: Members, write: Callable[..., Path]) -> None:
        self.check(key, members[key][:-3], "bytes follow", members, write)

    def test_another_version(self, key: str, members: Members, write: Callable[..., Path]) -> None:
        self.check(key, b"\x93NUMPY\x03\x00" + members[key][8:], "version (3, 0) of NumPy's format", members, write)

    def test_it_is_missing(self, key: str, members: Members, write: Callable[..., Path]) -> None:
        others = {name: content for name, content in members.items() if name != key}
        assert f"is not a voice: {key} missing; it has {', '.join(others)}" in fault(write(others))

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_another_compression(self, key: str, method: int, members: Members, write: Callable[..., Path]) -> None:
        path = write({name: content for name, content in members.items() if name != key})
        with zipfile.ZipFile(path, "a", method) as archive:
            archive.writestr(f"{key}.npy", members[key])
        assert f"{key} is compressed in a way that NumPy never writes: refused" in fault(path)


def test_a_bomb(members: Members, write: Callable[..., Path]) -> None:
    path = write({"semantic_prompt": members["semantic_prompt"], "coarse_prompt": members["coarse_prompt"]})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("fine_prompt.npy", "w") as file:
        file.write(header("{'descr': '|u1', 'fortran_order': False, 'shape': (8, 8388608), }"))
        for _ in range(64):
            file.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 18
    tracemalloc.start()
    said = fault(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "fine_prompt is larger than 4 MB, which no voice is: refused" in said
    assert peak < 16 << 20


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "an npz file was expected"),
        (b"\x80\x04N.", "an npz file was expected"),
        (npy(np.arange(5)), "an npz file was expected"),
        (b"PK", "is not a voice, or is damaged: File is not a zip file"),
        (b"PK\x05\x06" + bytes(18), "missing; it has no arrays"),
    ],
)
def test_other_files(content: bytes, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "voice.npz"
    path.write_bytes(content)
    assert sentence in fault(path)


def test_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "voice.npz"
    with path.open("wb") as file:
        file.write(b"PK")
        file.truncate(1 << 30)
    assert "it has 1024 MB, and a voice at most 16" in fault(path)


def test_no_file(tmp_path: Path) -> None:
    assert "can't read the voice" in fault(tmp_path / "none.npz")
    assert "it is not a file" in fault(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.npz")
        assert "it is not a file" in fault(tmp_path / "pipe.npz")  # at once, though nobody ever writes to it


def test_a_locked_archive(members: Members, write: Callable[..., Path]) -> None:
    path = write(members, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the bit that says so, in both places
        for start in [i for i in range(len(data)) if data[i : i + 4] == signature]:
            data[start + offset] |= 1
    path.write_bytes(data)
    assert "encrypted" in fault(path)


def test_columns_and_byte_orders_as_numpy_allows(voice: Voice, write: Callable[..., Path]) -> None:
    content = {
        "semantic_prompt": npy(voice.semantic.astype(">i4")),
        "coarse_prompt": npy(np.asfortranarray(voice.coarse.astype(np.uint16))),
        "fine_prompt": npy(voice.fine.astype(np.int8)),
        "note": npy(np.zeros(3)),
    }
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        read = Voice.from_npz(write(content, compression))
        for part in ("semantic", "coarse", "fine"):
            np.testing.assert_array_equal(getattr(read, part), getattr(voice, part))


def test_every_way_to_cut_it_short(members: Members, write: Callable[..., Path]) -> None:
    path = write(members)
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        fault(path)


def test_arrays_that_were_swapped(
    voice: Voice, space: TokenSpace, members: Members, write: Callable[..., Path]
) -> None:
    swapped = {**members, "coarse_prompt": members["fine_prompt"], "fine_prompt": members["coarse_prompt"]}
    with pytest.raises(VoiceError, match=r"coarse_prompt has 8 rows of codes; this model has 2$"):
        Voice.from_npz(write(swapped)).check(space)
    swapped = {**members, "coarse_prompt": members["semantic_prompt"], "semantic_prompt": members["coarse_prompt"]}
    with pytest.raises(VoiceError, match=r"semantic_prompt must have the shape \[tokens\], not \[2, 100\]"):
        Voice.from_npz(write(swapped))
    turned = {**members, "fine_prompt": npy(voice.fine.T)}
    with pytest.raises(VoiceError, match=r"fine_prompt has 100 rows .* seems to be turned: \[codebooks, frames\]"):
        Voice.from_npz(write(turned)).check(space)


class TestThreeFiles:
    @pytest.fixture
    def paths(self, members: Members, tmp_path: Path) -> dict[str, Path]:
        paths = {key: tmp_path / f"me_{key}.npy" for key in members}
        for key, path in paths.items():
            path.write_bytes(members[key])
        return paths

    def test_they_are_a_voice(self, paths: dict[str, Path], voice: Voice) -> None:
        read = Voice.from_npy(paths)
        assert read.name == "me"
        np.testing.assert_array_equal(read.fine, voice.fine)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (None, r"can't read the voice .*me_fine_prompt\.npy: No such file"),
            (b"", "me_fine_prompt.npy is not a voice, or is damaged: "),
            (b"\x93NUMPY\x01\x00\xff\xff", "me_fine_prompt.npy is not a voice, or is damaged: "),
            (npy(np.array([None]), allow_pickle=True), "me_fine_prompt.npy holds pickled objects"),
            (npy(np.zeros(600_000)), "me_fine_prompt.npy is larger than 4 MB"),
            (npy(np.zeros((8, 100))), "fine_prompt must hold integers, not float64"),
        ],
    )
    def test_damage(self, content: bytes | None, sentence: str, paths: dict[str, Path]) -> None:
        paths["fine_prompt"].unlink()
        if content is not None:
            paths["fine_prompt"].write_bytes(content)
        with pytest.raises(VoiceError, match=sentence):
            Voice.from_npy(paths)

    def test_one_is_not_named(self, paths: dict[str, Path]) -> None:
        del paths["coarse_prompt"]
        with pytest.raises(VoiceError, match="coarse_prompt missing; it has semantic_prompt, fine_prompt"):
            Voice.from_npy(paths)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), packed=st.booleans())
def test_damage_is_an_error_or_harmless(
    voice: Voice, space: TokenSpace, members: Members, write: Callable[..., Path], data: st.DataObject, packed: bool
) -> None:
    path = write(members, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    try:
        read = Voice.from_npz(path).check(space)
    except VoiceError as error:
        assert "\n" not in str(error)
        return
    assert len(read.fine) == len(voice.fine)
