"""Convolutional pieces of pup's codec, each of which can also run piece by piece.

Activations are [B, T, C]. A streamed layer gives, in pieces, exactly what `forward` gives for the whole.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerStream(Protocol):
    """A layer at work on one stream."""

    def push(self, x: Tensor) -> Tensor:
        """Takes [B, T, C], gives the outputs that are settled by now."""

    def flush(self) -> Tensor:
        """Gives the outputs that waited for the future; the stream ends."""


class Conv(nn.Module):
    """Convolution over time that sees `lookahead` steps of the future and the rest of its kernel in the past.

    Args:
        groups: as in `nn.Conv1d`; equal to the channels for a depthwise one.
        lookahead: 0 … kernel − 1; each adds a step of delay when streaming.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, lookahead: int, groups: int = 1) -> None:
        super().__init__()
        self.past, self.lookahead = kernel - 1 - lookahead, lookahead
        self.conv = nn.Conv1d(c_in, c_out, kernel, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T, C']."""
        return self.unpadded(F.pad(x, (0, 0, self.past, self.lookahead)))

    def unpadded(self, x: Tensor) -> Tensor:
        """[B, T + kernel − 1, C] → [B, T, C']."""
        conv = self.conv
        depthwise = conv.groups == conv.in_channels == conv.out_channels
        if depthwise and conv.bias is not None and x.device.type == "cpu" and not torch.is_grad_enabled():
            return _depthwise(x, conv.weight, conv.bias)
        y: Tensor = conv(x.transpose(1, 2)).transpose(1, 2)
        return y

    def stream(self) -> ConvStream:
        """The layer on one stream."""
        return ConvStream(self)


def _depthwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x [B, T + K − 1, C] by a kernel of each channel [C, 1, K] → [B, T, C].

    As sums of rows: torch's own takes twice as long on a CPU, and ten times in float64.
    """
    steps = x.shape[1] - weight.shape[2] + 1
    taps = weight[:, 0].t().contiguous()
    y = torch.addcmul(bias, x[:, :steps], taps[0])
    for i in range(1, len(taps)):
        y.addcmul_(x[:, i : i + steps], taps[i])
    return y


class ConvStream:
    """Keeps the inputs that later outputs still need."""

    def __init__(self, layer: Conv) -> None:
        self._layer = layer
        self._kept: Tensor | None = None

    def push(self, x: Tensor) -> Tensor:
        """See `LayerStream`."""
        past = self._layer.past
        x = F.pad(x, (0, 0, past, 0)) if self._kept is None else torch.cat([self._kept, x], 1)
        context = past + self._layer.lookahead
        self._kept = x[:, max(0, x.shape[1] - context) :].clone()  # a view would keep all of x
        if x.shape[1] <= context:
            return x.new_zeros(x.shape[0], 0, self._layer.conv.out_channels)
        return self._layer.unpadded(x)

    def flush(self) -> Tensor:
        """See `LayerStream`."""
        if self._kept is None or not self._layer.lookahead:
            return torch.zeros(0, 0, self._layer.conv.out_channels)
        batch, _, channels = self._kept.shape
        return self.push(self._kept.new_zeros(batch, self._layer.lookahead, channels))


class ConvNeXtBlock(nn.Module):
    """ConvNeXt block (Liu et al. 2022) in one dimension, as Vocos uses it (Siuzdak 2023)."""

    def __init__(self, channels: int, kernel: int = 7, lookahead: int = 3, expansion: int = 3) -> None:
        super().__init__()
        self.conv = Conv(channels, channels, kernel, lookahead, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.up = nn.Linear(channels, expansion * channels)
        self.down = nn.Linear(expansion * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T, C]."""
        return x + self.mix(self.conv(x))

    def mix(self, y: Tensor) -> Tensor:
        """What is added to the input, from what the convolution gave."""
        z: Tensor = self.scale * self.down(F.gelu(self.up(self.norm(y))))
        return z

    def stream(self) -> ConvNeXtStream:
        """The layer on one stream."""
        return ConvNeXtStream(self)


class ConvNeXtStream:
    """The residual waits for the convolution, which lags by its lookahead."""

    def __init__(self, block: ConvNeXtBlock) -> None:
        self._block = block
        self._conv = block.conv.stream()
        self._waiting: Tensor | None = None

    def push(self, x: Tensor) -> Tensor:
        """See `LayerStream`."""
        self._waiting = x if self._waiting is None else torch.cat([self._waiting, x], 1)
        return self._add(self._conv.push(x))

    def flush(self) -> Tensor:
        """See `LayerStream`."""
        return self._add(self._conv.flush())

    def _add(self, y: Tensor) -> Tensor:
        if self._waiting is None or not y.shape[1]:
            return y
        x, self._waiting = self._waiting[:, : y.shape[1]], self._waiting[:, y.shape[1] :]
        return x + self._block.mix(y)


class Pointwise(nn.Linear):
    """A linear layer over channels; streaming it needs no memory."""

    def stream(self) -> PointwiseStream:
        """The layer on one stream."""
        return PointwiseStream(self)


class Norm(nn.LayerNorm):
    """A LayerNorm over channels; streaming it needs no memory."""

    def stream(self) -> PointwiseStream:
        """The layer on one stream."""
        return PointwiseStream(self)


class Upsample(nn.Module):
    """Makes `factor` steps of each, by a linear layer whose output is unfolded in time."""

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.linear = nn.Linear(channels, factor * channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, T * factor, C]."""
        batch, length, channels = x.shape
        y: Tensor = self.linear(x).view(batch, length * self.factor, channels)
        return y

    def stream(self) -> PointwiseStream:
        """The layer on one stream."""
        return PointwiseStream(self)


class PointwiseStream:
    """A layer that looks at one step at a time."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer

    def push(self, x: Tensor) -> Tensor:
        """See `LayerStream`."""
        y: Tensor = self._layer(x)
        return y

    def flush(self) -> Tensor:
        """See `LayerStream`."""
        return torch.zeros(0, 0, 0)


class Downsample(nn.Module):
    """Makes one step of `factor`, by a linear layer over their channels, side by side."""

    def __init__(self, c_in: int, c_out: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.linear = nn.Linear(factor * c_in, c_out)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, C] → [B, ceil(T / factor), C']."""
        batch, length, channels = x.shape
        x = F.pad(x, (0, 0, 0, -length % self.factor))
        y: Tensor = self.linear(x.reshape(batch, -1, self.factor * channels))
        return y


class SequentialStream:
    """A chain of streamed layers; at the end each is flushed into the next."""

    def __init__(self, layers: nn.Sequential) -> None:
        self._streams: list[LayerStream] = [layer.stream() for layer in layers]  # type: ignore[operator]

    def push(self, x: Tensor) -> Tensor:
        """See `LayerStream`."""
        for stream in self._streams:
            if not x.shape[1]:
                return x
            x = stream.push(x)
        return x

    def flush(self) -> Tensor:
        """See `LayerStream`."""
        rest = torch.zeros(0, 0, 0)
        for stream in self._streams:
            pieces = [stream.push(rest)] if rest.shape[1] else []
            pieces = [piece for piece in (*pieces, stream.flush()) if piece.shape[1]]
            rest = torch.cat(pieces, 1) if pieces else torch.zeros(0, 0, 0)
        return rest
