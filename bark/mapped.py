"""Weights that are mapped to a file, in another dtype or on another device, without both being held at once."""

from __future__ import annotations

import ctypes
import mmap
import sys
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

CHUNK = 16 << 20  # bytes that are held twice for a moment
MAPS = Path("/proc/self/maps")


def convert(tensor: Tensor, device: torch.device | str, dtype: torch.dtype) -> Tensor:
    """The same as `tensor.to(device, dtype)`, but what was read of a mapped file is let go piece by piece.

    The file's pages would not be lost memory, as the system takes them back when it needs them; but until then they
    count as the process's own, and in bf16 that is three times what the weights take.
    """
    if (tensor.dtype == dtype and tensor.device == torch.device(device)) or not tensor.dim():
        return tensor.to(device, dtype)
    result = torch.empty(tensor.shape, dtype=dtype, device=device)
    rows = max(1, CHUNK * len(tensor) // max(1, tensor.nbytes))
    for row in range(0, len(tensor), rows):
        result[row : row + rows] = tensor[row : row + rows]
        let_go(tensor[row : row + rows])
    return result


def let_go(tensor: Tensor) -> None:
    """Takes the pages that only this tensor lies on out of the process's memory; if read again, they come back.

    What was written to it is lost then: it is for weights as they were read.
    """
    if sys.platform != "linux" or not tensor.is_contiguous() or tensor.device.type != "cpu":
        return
    if tensor.untyped_storage().resizable():  # it is torch's own: to be told so by the system takes a millisecond
        return
    page = mmap.PAGESIZE
    start = -(-tensor.data_ptr() // page) * page
    end = (tensor.data_ptr() + tensor.nbytes) // page * page
    if start < end and _of_a_file(start, end):  # of memory that has no file behind it, it would make zeros
        _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def _of_a_file(start: int, end: int) -> bool:
    """Whether these addresses are mapped to a file. A line is: start-end, permissions, offset, device, inode, path."""
    try:
        lines = MAPS.read_bytes().splitlines()
    except OSError:  # a system that doesn't tell
        return False
    for line in lines:  # by rising addresses, hundreds of them
        last = int(line[line.index(b"-") + 1 : line.index(b" ")], 16)
        if start < last:
            first, inode = int(line[: line.index(b"-")], 16), line.split(maxsplit=5)[4]
            return first <= start and end <= last and inode != b"0"
    return False


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
