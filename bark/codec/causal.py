"""Causal pieces of EnCodec's networks, each of which can also run piece by piece.

Activations are [B, C, T], as convolutions take them. A streamed layer gives, in pieces, what `forward` gives for the
whole. The pieces are those of "High Fidelity Neural Audio Compression" (Défossez et al. 2022), with the padding of the
model that was published with it.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = tuple[Tensor, Tensor]


class CausalStream(Protocol):
    """A layer at work on one stream."""

    def push(self, x: Tensor) -> Tensor:
        """Takes [B, C, T] with T ≥ 1, gives the outputs that are settled by now (there may be none)."""

    def flush(self) -> Tensor:
        """Gives the outputs that still waited; the stream ends."""


class CausalConv(nn.Conv1d):
    """Convolution that sees no future; before the start it sees the input's first steps, mirrored.

    T steps give ceil(T / stride). To fill the last window, the input's last steps are mirrored, too.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__(c_in, c_out, kernel, stride, dilation=dilation)
        self.past = (kernel - 1) * dilation + 1 - stride

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] → [B, C', ceil(T / stride)]."""
        return self.unpadded(mirrored(x, self.past, -x.shape[-1] % self.stride[0]))

    def unpadded(self, x: Tensor) -> Tensor:
        """[B, C, past + T] → [B, C', T / stride]."""
        return F.conv1d(x, self.weight, self.bias, self.stride, dilation=self.dilation)

    def stream(self) -> CausalConvStream:
        """The layer on one stream; it must not have a stride."""
        return CausalConvStream(self)


class CausalConvStream:
    """Keeps the inputs that later outputs still need; the first wait until there are enough of them to mirror."""

    def __init__(self, layer: CausalConv) -> None:
        self._layer = layer
        self._kept: Tensor | None = None
        self._begun = False

    def push(self, x: Tensor) -> Tensor:
        """See `CausalStream`."""
        past = self._layer.past
        x = x if self._kept is None else torch.cat([self._kept, x], -1)
        if not self._begun and x.shape[-1] <= past:
            self._kept = x
            return x.new_zeros(x.shape[0], self._layer.out_channels, 0)
        x = x if self._begun else mirrored(x, past, 0)
        self._begun, self._kept = True, x[..., x.shape[-1] - past :].clone()  # a view would keep all of x
        return self._layer.unpadded(x)

    def flush(self) -> Tensor:
        """See `CausalStream`."""
        if self._begun or self._kept is None:
            return torch.zeros(0, 0, 0)
        self._begun = True
        y: Tensor = self._layer(self._kept)
        return y


class CausalUpsample(nn.ConvTranspose1d):
    """Makes `factor` steps of each: a transposed convolution over two steps, whose last `factor` steps are cut off."""

    def __init__(self, c_in: int, c_out: int, factor: int) -> None:
        super().__init__(c_in, c_out, 2 * factor, factor)
        self.factor = factor

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """[B, C, T] → [B, C', T * factor]."""
        return super().forward(x)[..., : x.shape[-1] * self.factor]

    def stream(self) -> CausalUpsampleStream:
        """The layer on one stream."""
        return CausalUpsampleStream(self)


class CausalUpsampleStream:
    """Keeps the last input, which the next outputs are made of, too."""

    def __init__(self, layer: CausalUpsample) -> None:
        self._layer = layer
        self._last: Tensor | None = None

    def push(self, x: Tensor) -> Tensor:
        """See `CausalStream`."""
        last, self._last = self._last, x[..., -1:].clone()
        if last is None:
            y: Tensor = self._layer(x)
            return y
        y = self._layer(torch.cat([last, x], -1))
        return y[..., self._layer.factor :]

    def flush(self) -> Tensor:
        """See `CausalStream`."""
        return torch.zeros(0, 0, 0)


class ELU(nn.ELU):
    """The activation; streaming it needs no memory."""

    def stream(self) -> ActivationStream:
        """The layer on one stream."""
        return ActivationStream(self)


class ActivationStream:
    """A layer that looks at one step at a time."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer

    def push(self, x: Tensor) -> Tensor:
        """See `CausalStream`."""
        y: Tensor = self._layer(x)
        return y

    def flush(self) -> Tensor:
        """See `CausalStream`."""
        return torch.zeros(0, 0, 0)


class ResidualLSTM(nn.Module):
    """LSTM layers whose output is added to their input."""

    def __init__(self, channels: int, n_layer: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, channels, n_layer)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] → [B, C, T]."""
        return self.step(x, None)[0]

    def step(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """[B, C, T] → [B, C, T], from the state after the steps before these to the state after them."""
        y, state = self.lstm(x.permute(2, 0, 1), state)
        return y.permute(1, 2, 0) + x, state

    def stream(self) -> ResidualLSTMStream:
        """The layer on one stream."""
        return ResidualLSTMStream(self)


class ResidualLSTMStream:
    """Keeps the state."""

    def __init__(self, layer: ResidualLSTM) -> None:
        self._layer = layer
        self._state: State | None = None

    def push(self, x: Tensor) -> Tensor:
        """See `CausalStream`."""
        y, self._state = self._layer.step(x, self._state)
        return y

    def flush(self) -> Tensor:
        """See `CausalStream`."""
        return torch.zeros(0, 0, 0)


class ResidualBlock(nn.Module):
    """Two convolutions behind ELUs, through fewer channels, added to a linear map of their input."""

    def __init__(self, channels: int, hidden: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            ELU(),
            CausalConv(channels, hidden, kernel, dilation=dilation),
            ELU(),
            CausalConv(hidden, channels, 1),
        )
        self.shortcut = CausalConv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] → [B, C, T]."""
        y: Tensor = self.shortcut(x) + self.block(x)
        return y

    def stream(self) -> ResidualBlockStream:
        """The layer on one stream."""
        return ResidualBlockStream(self)


class ResidualBlockStream:
    """The input waits for what is to be added to it."""

    def __init__(self, layer: ResidualBlock) -> None:
        self._layer = layer
        self._block = Chain(layer.block)
        self._waiting: Tensor | None = None

    def push(self, x: Tensor) -> Tensor:
        """See `CausalStream`."""
        self._waiting = x if self._waiting is None else torch.cat([self._waiting, x], -1)
        return self._add(self._block.push(x))

    def flush(self) -> Tensor:
        """See `CausalStream`."""
        return self._add(self._block.flush())

    def _add(self, y: Tensor) -> Tensor:
        length = y.shape[-1]
        if self._waiting is None or not length:
            return y
        x, self._waiting = self._waiting[..., :length], self._waiting[..., length:]
        z: Tensor = self._layer.shortcut(x) + y
        return z


class Chain:
    """A row of streamed layers; at the end each is flushed into the next."""

    def __init__(self, layers: nn.Sequential) -> None:
        self._streams: list[CausalStream] = [layer.stream() for layer in layers]  # type: ignore[operator]

    def push(self, x: Tensor) -> Tensor:
        """See `CausalStream`."""
        return self._through(0, x)

    def flush(self) -> Tensor:
        """See `CausalStream`."""
        pieces = [self._through(i + 1, stream.flush()) for i, stream in enumerate(self._streams)]
        pieces = [piece for piece in pieces if piece.shape[-1]]
        return torch.cat(pieces, -1) if pieces else torch.zeros(0, 0, 0)

    def _through(self, first: int, x: Tensor) -> Tensor:
        """Through the layers from `first` on, until one of them has nothing to give."""
        for stream in self._streams[first:]:
            if not x.shape[-1]:
                break
            x = stream.push(x)
        return x


def mirrored(x: Tensor, left: int, right: int) -> Tensor:
    """Puts `left` and `right` steps at the ends of x [B, C, T], mirrored at its first and its last step.

    Where there are not enough steps, those missing count as zeros after the end, as in the published codec.
    """
    if not (left or right):
        return x
    missing = max(0, max(left, right) + 1 - x.shape[-1])
    padded = F.pad(F.pad(x, (0, missing)), (left, right), "reflect")
    return padded[..., : padded.shape[-1] - missing]
