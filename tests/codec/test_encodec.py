"""EnCodec encodes and decodes as 🤗's does, weight for weight, and a stream gives what the whole gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from bark.checkpoints.base import assign
from bark.checkpoints.encodec import encodec_tensors
from bark.codec import build_codec
from bark.codec.causal import mirrored
from bark.codec.encodec import EnCodec, EnCodecConfig
from bark.errors import AudioError, CheckpointError

pytest.importorskip("transformers")
import transformers.utils

# 🤗 imports torchaudio wherever it is installed, also a build that doesn't load beside this torch; EnCodec needs none
transformers.utils.is_torchaudio_available = lambda: False
from transformers.models.encodec.configuration_encodec import EncodecConfig as TheirConfig  # noqa: E402
from transformers.models.encodec.modeling_encodec import EncodecModel as TheirModel  # noqa: E402

SECOND = 24_000
BANDWIDTH = {2: 1.5, 4: 3.0, 8: 6.0, 16: 12.0, 32: 24.0}  # kbit/s of so many codebooks


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Of the published shape, with codebooks of the size of what they quantise."""
    torch.manual_seed(0)
    model = TheirModel(TheirConfig()).eval().requires_grad_(False)
    with torch.inference_mode():
        spread = model.encoder(speechlike(1, SECOND)[:, None]).std()
    for k, layer in enumerate(model.quantizer.layers):
        layer.codebook.embed = torch.randn(1024, 128) * spread * 0.3 * 0.95**k
    return model


@pytest.fixture(scope="module")
def ours(theirs: Any) -> EnCodec:
    """The same weights, all 32 codebooks of them."""
    codec = EnCodec(EnCodecConfig(n_codebooks=32))
    assign(codec, encodec_tensors(theirs.state_dict(), 32, "🤗"), "🤗")
    return codec.eval().requires_grad_(False)


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def speechlike(batch: int, samples: int) -> Tensor:
    """Tones that come and go, and noise: [B, N]."""
    time = torch.arange(samples) / SECOND
    pitch = torch.linspace(110, 220, batch)[:, None]
    tones = sum(torch.sin(2 * torch.pi * pitch * k * time) / k for k in range(1, 12))
    noise = torch.randn(batch, samples, generator=torch.Generator().manual_seed(samples))
    return (0.2 * tones * torch.sin(2 * torch.pi * 3 * time) + 0.02 * noise).float()


def random_codes(batch: int, n_codebooks: int, frames: int) -> Tensor:
    return torch.randint(1024, (batch, n_codebooks, frames), generator=torch.Generator().manual_seed(frames))


def test_the_published_shape_is_the_default(ours: EnCodec) -> None:
    theirs, shape = TheirConfig(), EnCodecConfig()
    assert (shape.sample_rate, shape.hop, shape.codebook_size) == (24_000, theirs.hop_length, theirs.codebook_size)
    assert theirs.num_quantizers == 32
    assert (ours.frame_rate, ours.sample_rate, ours.codebook_size) == (75.0, 24_000, 1024)


@pytest.mark.parametrize("samples", [1, 5, 319, 320, 321, 2_000, SECOND - 1, SECOND])
def test_codes_of_any_length(samples: int, ours: EnCodec, theirs: Any) -> None:
    audio = speechlike(1, samples)
    codes = ours.encode(audio)
    assert codes.shape == (1, 32, -(-samples // 320))
    assert torch.equal(codes, theirs.encode(audio[:, None], bandwidth=24.0).audio_codes[0])
    if samples == SECOND:
        assert len(codes.unique()) > 300  # or much could be wrong and not be seen


@pytest.mark.parametrize("n_codebooks", [2, 4, 8, 16])
def test_codes_of_fewer_codebooks(n_codebooks: int, ours: EnCodec, theirs: Any) -> None:
    audio = speechlike(1, 5_000)
    codes = ours.encode(audio, n_codebooks)
    assert torch.equal(codes, theirs.encode(audio[:, None], bandwidth=BANDWIDTH[n_codebooks]).audio_codes[0])
    assert torch.equal(codes, ours.encode(audio)[:, :n_codebooks])


def test_codes_of_a_batch(ours: EnCodec, theirs: Any) -> None:
    audio = speechlike(3, 7_777)
    codes = ours.encode(audio)
    assert torch.equal(codes, theirs.encode(audio[:, None], bandwidth=24.0).audio_codes[0])
    assert torch.equal(codes[1:2], ours.encode(audio[1:2]))


def test_silence(ours: EnCodec, theirs: Any) -> None:
    audio = torch.zeros(1, 9_600)
    codes = ours.encode(audio)
    assert torch.equal(codes, theirs.encode(audio[:, None], bandwidth=24.0).audio_codes[0])
    torch.testing.assert_close(ours.decode(codes)[:, None], theirs.decode(codes[None], [None]).audio_values)


@pytest.mark.parametrize("frames", [1, 2, 3, 6, 7, 8, 50])
@pytest.mark.parametrize("n_codebooks", [1, 8, 32])
def test_audio_of_any_length(frames: int, n_codebooks: int, ours: EnCodec, theirs: Any) -> None:
    codes = random_codes(2, n_codebooks, frames)
    audio = ours.decode(codes)
    assert audio.shape == (2, 320 * frames)
    torch.testing.assert_close(audio[:, None], theirs.decode(codes[None], [None]).audio_values, atol=1e-5, rtol=1e-5)
    assert audio.std() > 1e-3


def test_in_double_precision_nothing_but_the_same_computation_passes(ours: EnCodec, theirs: Any) -> None:
    codec = EnCodec(ours.config).double()
    theirs = TheirModel(theirs.config).double().eval()
    torch.manual_seed(1)
    for name, value in theirs.state_dict().items():
        value.normal_(std=0.1 if "embed" not in name else 1.0)
    named = {name: value.clone() for name, value in theirs.state_dict().items()}
    double = {name: value.double() for name, value in encodec_tensors(named, 32, "🤗").items()}
    # the fold is made in float32, so theirs is given the same weights, already folded
    for name, value in double.items():
        if name.endswith(".weight") and "quantizer" not in name:
            stem = name.replace("coder.", "coder.layers.", 1).removesuffix("weight")
            module = theirs.get_submodule(f"{stem}conv")
            torch.nn.utils.parametrize.remove_parametrizations(module, "weight")
            module.weight.copy_(value)
    assign(codec, double, "🤗", dtype=torch.float64)
    audio, codes = speechlike(1, 3_333).double(), random_codes(1, 32, 11)
    assert torch.equal(codec.encode(audio), theirs.encode(audio[:, None], bandwidth=24.0).audio_codes[0])
    expected = theirs.decode(codes[None], [None]).audio_values[:, 0]
    torch.testing.assert_close(codec.decode(codes), expected, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("pieces", [[40], [1] * 20, [7, 1, 13], [6, 6], [3, 2], [1], [0, 4, 0, 9]])
def test_a_stream_gives_what_the_whole_gives(pieces: list[int], ours: EnCodec) -> None:
    codes = random_codes(2, 8, sum(pieces))
    stream = ours.stream()
    audio = [stream.push(piece) for piece in codes.split(pieces, dim=2)]
    audio.append(stream.flush())
    torch.testing.assert_close(torch.cat(audio, 1), ours.decode(codes), atol=1e-5, rtol=1e-5)


def test_a_stream_sounds_from_the_seventh_frame_on(ours: EnCodec) -> None:
    stream = ours.stream()
    lengths = [stream.push(frame).shape[1] for frame in random_codes(1, 8, 9).split(1, dim=2)]
    assert lengths == [0] * 6 + [7 * 320, 320, 320]
    assert stream.flush().shape == (1, 0)


def test_no_frames_and_no_samples(ours: EnCodec) -> None:
    assert ours.encode(torch.zeros(2, 0), 8).shape == (2, 8, 0)
    assert ours.decode(torch.zeros(2, 8, 0, dtype=torch.long)).shape == (2, 0)
    assert ours.stream().flush().shape == (1, 0)


@pytest.mark.parametrize("shape", [(100,), (1, 1, 100)])
def test_audio_of_another_shape(shape: tuple[int, ...], ours: EnCodec) -> None:
    with pytest.raises(AudioError, match=r"audio must be \[batch, samples\]"):
        ours.encode(torch.zeros(shape))


@pytest.mark.parametrize("n_codebooks", [0, 33])
def test_codebooks_that_there_are_not(n_codebooks: int, ours: EnCodec) -> None:
    with pytest.raises(AudioError, match=f"1 to 32 codebooks, not {n_codebooks}"):
        ours.encode(torch.zeros(1, 320), n_codebooks)
    with pytest.raises(AudioError, match="codes must be"):
        ours.decode(torch.zeros(1, n_codebooks, 3, dtype=torch.long))


def test_the_mirror_of_a_short_input_is_filled_up_with_zeros() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0]]])
    assert mirrored(x, 2, 0).tolist() == [[[3, 2, 1, 2, 3]]]
    assert mirrored(x, 4, 0).tolist() == [[[0, 0, 3, 2, 1, 2, 3]]]
    assert mirrored(x, 1, 1).tolist() == [[[2, 1, 2, 3, 2]]]


def test_a_codec_is_built_from_a_models_config() -> None:
    codec = build_codec({"kind": "encodec", "n_filters": 2, "dim": 4, "ratios": [2, 3], "codebook_size": 8})
    assert isinstance(codec, EnCodec)
    assert codec.decode(codec.encode(torch.zeros(1, 20))).shape == (1, 24)
    with pytest.raises(CheckpointError, match="unknown setting flavour"):
        build_codec({"kind": "encodec", "flavour": 1})
