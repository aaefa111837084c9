"""Kokoro's int8 weights with the costly part of its vocoder in bfloat16, for CPUs that multiply such matrices (AMX).

ONNX Runtime makes everything up to the first upsampling, durations and harmonics with it, exactly as it does in the
whole model, and turns the last spectrum into sound. The residual blocks between, seven eighths of the work, are
PyTorch's.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from bark.evaluation.packages import require

Array = npt.NDArray[Any]

_GENERATOR = "/decoder/decoder/generator/"
_WEIGHTS = "decoder.decoder.generator."
_CONTENT = "/decoder/decoder/decode.3/Div_4_output_0"
_NOISES = tuple(f"{_GENERATOR}noise_convs.{stage}/Conv_output_0" for stage in range(2))
_SPECTRUM = f"{_GENERATOR}conv_post/Conv_output_0"
_STRIDES = (10, 6)
_DILATIONS = (1, 3, 5)
_PIECE = 1 << 16  # numbers handled at once between two convolutions: they stay in the core's cache


class Bfloat16Session:
    """Runs the model on one thread; to be called as an `onnxruntime.InferenceSession` is.

    Args:
        model: Kokoro's int8 ONNX file.
        extra: a tensor of the graph to return after the audio.

    Raises:
        BarkError: a package isn't installed.
    """

    def __init__(self, model: str, extra: str) -> None:
        loaded = require("onnx").load(model)
        weights = _Weights(loaded)
        self._noise = [_Block(weights, f"noise_res.{stage}") for stage in range(2)]
        self._blocks = [[_Block(weights, f"resblocks.{3 * stage + i}") for i in range(3)] for stage in range(2)]
        self._ups = [weights.plain(f"ups.{stage}/ConvTranspose") for stage in range(2)]
        self._last = weights.plain("conv_post/Conv")
        every = [*self._noise, *self._blocks[0], *self._blocks[1]]
        self._styles = [step.style for block in every for step in block.steps]
        self._head = _part(loaded, {}, [_CONTENT, *_NOISES, extra, *self._styles])
        self._tail = _part(loaded, {_SPECTRUM: [1, 22, "frames"]}, ["audio"])

    def run(self, _: None, feed: Mapping[str, Array]) -> list[Array]:
        """The audio and the extra tensor."""
        content, *noises, extra = (made := self._head.run(None, feed))[:4]
        styles = {name: torch.from_numpy(style.ravel()) for name, style in zip(self._styles, made[4:], strict=True)}
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                spectrum = self._generate(_rows(content), [_rows(noise) for noise in noises], styles)
        finally:
            torch.set_num_threads(threads)
        return [self._tail.run(None, {_SPECTRUM: spectrum.numpy()})[0], extra]

    def _generate(
        self, x: torch.Tensor, noises: Sequence[torch.Tensor], styles: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """x and noises are [T, C]; returns [1, 22, T]."""
        for stage, noise in enumerate(noises):
            weight, bias = self._ups[stage]
            stride = _STRIDES[stage]
            padding = (0, (weight.shape[-1] - stride) // 2)
            x = functional.leaky_relu(x, 0.1)
            x = _from_image(functional.conv_transpose2d(_image(x), weight, bias, (1, stride), padding))
            if stage == 1:
                x = torch.cat([x[1:2], x])  # as long as the noise
            x = x + self._noise[stage](noise, styles)
            first, second, third = (block(x, styles) for block in self._blocks[stage])
            x = first.add_(second).add_(third).div_(3)
        weight, bias = self._last
        x = functional.conv2d(_image(functional.leaky_relu(x, 0.01)), weight, bias, padding=(0, 3))
        return x[:, :, 0].float().contiguous()


class _Step:
    """Normalises to a style, bends by x + sin²(αx)/α, convolves."""

    def __init__(self, weights: _Weights, block: str, convolution: int, index: int) -> None:
        place = f"{block}/convs{convolution}.{index}"
        self.style = f"{_GENERATOR}{block}/adain{convolution}.{index}/fc/Gemm_output_0"
        alpha = weights.of(f"{_WEIGHTS}{block}.alpha{convolution}.{index}").ravel()
        # the bend makes αx + sin²(αx), and the weights divide by α: it saves two passes
        weight = weights.dequantized(f"{place}/Conv_quant") / alpha[:, None]
        self._alpha = torch.tensor(alpha, dtype=torch.float64)
        self._weight = _kernel(weight)
        self._bias = torch.from_numpy(weights.of(f"{_WEIGHTS}{block}.convs{convolution}.{index}.bias")).bfloat16()
        self._dilation = _DILATIONS[index] if convolution == 1 else 1
        self._padding = self._dilation * (weight.shape[-1] - 1) // 2

    def __call__(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """x is [T, C]."""
        image = _image(self._bent(x, style.double()))
        made = functional.conv2d(
            image, self._weight, self._bias, padding=(0, self._padding), dilation=(1, self._dilation)
        )
        return _from_image(made)

    def _bent(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """In float32, a piece at a time."""
        pieces = torch.split(x, max(1, _PIECE // x.shape[1]))
        room, squares = torch.empty(pieces[0].shape), torch.empty(pieces[0].shape)
        total, power = torch.zeros(2, x.shape[1], dtype=torch.float64)
        for piece in pieces:
            wide = room[: len(piece)].copy_(piece)
            total += wide.sum(0)
            power += torch.mul(wide, wide, out=squares[: len(piece)]).sum(0)
        mean = total / len(x)
        gain, offset = style.chunk(2)
        scale = (gain + 1) / torch.sqrt(power / len(x) - mean * mean + 1e-5)
        shift = ((offset - mean * scale) * self._alpha).float()
        scale = (scale * self._alpha).float()
        bent = torch.empty_like(x)
        for piece, target in zip(pieces, torch.split(bent, len(pieces[0])), strict=True):
            wide = torch.addcmul(shift, room[: len(piece)].copy_(piece), scale, out=room[: len(piece)])
            sine = torch.sin(wide, out=squares[: len(piece)])
            target.copy_(wide.addcmul_(sine, sine))
        return bent


class _Block:
    """Three residual pairs of convolutions."""

    def __init__(self, weights: _Weights, name: str) -> None:
        self.steps = [_Step(weights, name, convolution, index) for index in range(3) for convolution in (1, 2)]

    def __call__(self, x: torch.Tensor, styles: Mapping[str, torch.Tensor]) -> torch.Tensor:
        for first, second in zip(self.steps[::2], self.steps[1::2], strict=True):
            x = second(first(x, styles[first.style]), styles[second.style]).add_(x)
        return x


class _Weights:
    """The constants of a graph."""

    def __init__(self, model: Any) -> None:
        to_array = require("onnx.numpy_helper").to_array
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._nodes = {node.name: node for node in model.graph.node}
        self._to_array = to_array

    def of(self, name: str) -> npt.NDArray[np.float32]:
        """A copy."""
        return np.array(self._to_array(self._constants[name]), np.float32)

    def dequantized(self, node: str) -> npt.NDArray[np.float32]:
        """Of an integer convolution of the generator."""
        _, quantized, _, zero = self._nodes[_GENERATOR + node].input
        return (self.of(quantized) - self.of(zero)) * self.of(quantized.removesuffix("_quantized") + "_scale")

    def plain(self, node: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight and bias of a convolution of the generator in float32."""
        _, weight, bias = self._nodes[_GENERATOR + node].input
        return _kernel(self.of(weight)), torch.from_numpy(self.of(bias)).bfloat16()


def _kernel(weight: npt.NDArray[np.float32]) -> torch.Tensor:
    """As an image a pixel high, channels last: oneDNN is five times as fast with those as with rows."""
    return torch.from_numpy(weight)[:, :, None].bfloat16().to(memory_format=torch.channels_last)


def _rows(tensor: Array) -> torch.Tensor:
    """[T, C] of [1, C, T]."""
    return torch.from_numpy(tensor)[0].T.bfloat16().contiguous()


def _image(x: torch.Tensor) -> torch.Tensor:
    return x.T[None, :, None]


def _from_image(x: torch.Tensor) -> torch.Tensor:
    return x[0, :, 0].T


def _part(model: Any, inputs: Mapping[str, Sequence[int | str]], outputs: Sequence[str]) -> Any:
    """An ONNX session on one thread of what lies between the given tensors, or the model's own inputs, and outputs."""
    onnx, runtime = require("onnx"), require("onnxruntime")
    makers = {name: index for index, node in enumerate(model.graph.node) for name in node.output}
    wanted: set[int] = set()
    open_names = list(outputs)
    while open_names:
        index = makers.get(name := open_names.pop())
        if name not in inputs and index is not None and index not in wanted:
            wanted.add(index)
            open_names += model.graph.node[index].input
    nodes = [model.graph.node[index] for index in sorted(wanted)]
    used = {name for node in nodes for name in node.input}
    given = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    graph = onnx.helper.make_graph(
        nodes,
        "part",
        [value for value in model.graph.input if value.name in used] + given,
        [onnx.helper.make_empty_tensor_value_info(name) for name in outputs],
        [tensor for tensor in model.graph.initializer if tensor.name in used],
    )
    part = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    buffer = io.BytesIO()
    onnx.save(part, buffer)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(buffer.getvalue(), options, providers=["CPUExecutionProvider"])
