"""Every layer gives, in pieces, what it gives for the whole."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bark.codec.layers import Conv, ConvNeXtBlock, Downsample, LayerStream, Norm, Pointwise, SequentialStream, Upsample

CHANNELS = 4
LAYERS: dict[str, nn.Module] = {
    "causal conv": Conv(CHANNELS, 6, kernel=5, lookahead=0),
    "conv": Conv(CHANNELS, 6, kernel=5, lookahead=2),
    "conv of the future": Conv(CHANNELS, 6, kernel=5, lookahead=4),
    "depthwise conv": Conv(CHANNELS, CHANNELS, kernel=7, lookahead=1, groups=CHANNELS),
    "block": ConvNeXtBlock(CHANNELS),
    "causal block": ConvNeXtBlock(CHANNELS, lookahead=0),
    "upsample": Upsample(CHANNELS, 3),
    "linear": Pointwise(CHANNELS, 5),
    "norm": Norm(CHANNELS),
}
CHAIN = nn.Sequential(
    Conv(CHANNELS, CHANNELS, kernel=7, lookahead=1),
    Norm(CHANNELS),
    ConvNeXtBlock(CHANNELS, lookahead=1),
    Upsample(CHANNELS, 2),
    ConvNeXtBlock(CHANNELS, lookahead=3),
    Pointwise(CHANNELS, 5),
)
CUTS = st.lists(st.integers(0, 5), min_size=1, max_size=12)


def in_pieces(stream: LayerStream, x: Tensor, lengths: list[int]) -> Tensor:
    """Pushes pieces of these lengths, the rest as the last one."""
    pieces, start = [], 0
    for length in [*lengths, x.shape[1]]:
        if start < x.shape[1]:
            pieces.append(stream.push(x[:, start : start + length]))
            start += length
    pieces.append(stream.flush())
    return torch.cat([piece for piece in pieces if piece.numel()], 1)


@pytest.mark.parametrize("name", LAYERS)
@settings(deadline=None, max_examples=25)
@given(lengths=CUTS, steps=st.integers(1, 20))
@torch.inference_mode()
def test_stream_is_batch(name: str, lengths: list[int], steps: int) -> None:
    layer: Any = LAYERS[name]
    x = torch.randn(2, steps, CHANNELS, generator=torch.Generator().manual_seed(steps))
    torch.testing.assert_close(in_pieces(layer.stream(), x, lengths), layer(x), rtol=1e-5, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(lengths=CUTS, steps=st.integers(1, 20))
@torch.inference_mode()
def test_a_chain_streams(lengths: list[int], steps: int) -> None:
    x = torch.randn(1, steps, CHANNELS, generator=torch.Generator().manual_seed(steps))
    torch.testing.assert_close(in_pieces(SequentialStream(CHAIN), x, lengths), CHAIN(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("c_in", "c_out", "groups"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 4, 2), (6, 6, 6)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_conv_is_torchs(c_in: int, c_out: int, groups: int, dtype: torch.dtype) -> None:
    """In training it is computed by torch, and otherwise in another way where that is quicker."""
    conv = Conv(c_in, c_out, kernel=5, lookahead=1, groups=groups).to(dtype)
    x = torch.randn(2, 9, c_in, dtype=dtype)
    trained = conv(x).detach()
    with torch.no_grad():
        torch.testing.assert_close(conv(x), trained, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("lookahead", range(5))
@torch.inference_mode()
def test_conv_sees_so_far(lookahead: int) -> None:
    """A change at one step reaches `lookahead` steps back and the rest of the kernel forward."""
    conv = Conv(1, 1, kernel=5, lookahead=lookahead)
    x = torch.zeros(1, 15, 1)
    changed = x.clone()
    changed[0, 7] = 1.0
    touched = (conv(x) != conv(changed)).flatten().nonzero().flatten().tolist()
    assert touched == list(range(7 - lookahead, 7 - lookahead + 5))


@torch.inference_mode()
def test_a_stream_waits_no_longer_than_its_lookahead() -> None:
    conv = Conv(1, 1, kernel=5, lookahead=2)
    stream = conv.stream()
    x = torch.randn(1, 6, 1)
    assert [stream.push(x[:, i : i + 1]).shape[1] for i in range(6)] == [0, 0, 1, 1, 1, 1]
    assert stream.flush().shape[1] == 2


@torch.inference_mode()
def test_upsample_and_downsample_lengths() -> None:
    x = torch.randn(2, 7, CHANNELS)
    assert Upsample(CHANNELS, 3)(x).shape == (2, 21, CHANNELS)
    assert Downsample(CHANNELS, 6, 3)(x).shape == (2, 3, 6)
    assert Downsample(CHANNELS, 6, 7)(x).shape == (2, 1, 6)


@torch.inference_mode()
def test_downsample_takes_steps_side_by_side() -> None:
    layer = Downsample(1, 1, 2)
    layer.linear.weight.copy_(torch.tensor([[10.0, 1.0]]))
    layer.linear.bias.zero_()
    assert layer(torch.tensor([[[1.0], [2.0], [3.0]]])).flatten().tolist() == [12.0, 30.0]


def test_nothing_pushed_nothing_flushed() -> None:
    for layer in LAYERS.values():
        assert layer.stream().flush().shape[1] == 0  # type: ignore[operator]
    assert SequentialStream(CHAIN).flush().shape[1] == 0
