"""The pitch that codes tell of."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from bark.codec.layers import Conv, ConvNeXtBlock, Norm, Pointwise, SequentialStream

WIDTH = 96


@dataclass(frozen=True)
class Mark:
    """By which it is told whether a weight is the same as before: where it lies, and how often it was written to."""

    weight: nn.Parameter = field(compare=False)  # as long as it is kept, nothing else lies there
    place: int
    version: int


class PitchReader(nn.Module):
    """Entries of a frame's codes [B, T, C] → natural log of the pitch over `MIDDLE`, [B, T * oversample].

    Audio is read in float64 (`exact`): the phase of the voice is the sum of all pitches before, and adds up what
    float32 rounds differently for pieces of different lengths.

    Args:
        channels: of the entries.
        oversample: pitches to a frame.
    """

    def __init__(self, channels: int, oversample: int) -> None:
        super().__init__()
        self.net = nn.Sequential(
            Conv(channels, WIDTH, kernel=7, lookahead=1),
            Norm(WIDTH),
            *(ConvNeXtBlock(WIDTH, lookahead=1, expansion=2) for _ in range(2)),
            Norm(WIDTH),
            Pointwise(WIDTH, oversample),
        )
        self._kept: tuple[list[Mark], PitchReader] | None = None

    def forward(self, points: Tensor) -> Tensor:
        """[B, T, C] → [B, T * oversample]."""
        with torch.autocast(points.device.type, enabled=False):
            y: Tensor = self.net(points.to(next(self.parameters()).dtype))
        return y.flatten(1)

    def exact(self) -> PitchReader:
        """A copy of it that reads in float64; that of weights which aren't trained is kept, as making it takes long."""
        marks = [Mark(weight, weight.data_ptr(), _version(weight)) for weight in self.parameters()]
        if self._kept is None or self._kept[0] != marks or any(mark.weight.requires_grad for mark in marks):
            self._kept = None
            self._kept = marks, copy.deepcopy(self).double()
        return self._kept[1]

    def stream(self) -> PitchStream:
        """The exact layer on one stream."""
        return PitchStream(self.exact())


def _version(weight: Tensor) -> int:
    return 0 if weight.is_inference() else weight._version


class PitchStream:
    """See `PitchReader`; a frame waits for three more."""

    def __init__(self, layer: PitchReader) -> None:
        self._net = SequentialStream(layer.net)

    def push(self, points: Tensor) -> Tensor:
        """Entries [B, T, C] → the pitches that are settled, [B, N]."""
        return self._net.push(points.double()).flatten(1)

    def flush(self) -> Tensor:
        """The rest of the pitches, [B, N]."""
        return self._net.flush().flatten(1)
