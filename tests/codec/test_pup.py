"""pup's codec: shapes, streaming, errors, odd lengths."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.codec import build_codec
from bark.codec.pitch import PitchReader
from bark.codec.pup import PupCodec, PupCodecConfig
from bark.codec.source_filter import SourceFilter
from bark.codec.spectrum import spectrum
from bark.errors import AudioError, CheckpointError

SMALL = PupCodecConfig(
    n_codebooks=4,
    codebook_size=16,
    codebook_dim=4,
    n_mels=20,
    encoder_width=8,
    encoder_blocks=(1, 1),
    width=16,
    decoder_blocks=(1, 1),
)


def made(config: PupCodecConfig = SMALL) -> PupCodec:
    torch.manual_seed(0)
    return PupCodec(config).eval()


CODEC = made()
AHEAD = made(replace(SMALL, lookahead=3, oversample=4, synthesis_fft=480))
VOICE = made(replace(SMALL, synthesis="source-filter", contrast=0.2, hush=6.0))
BLIND = made(replace(SMALL, synthesis="source-filter", lookahead=0))
for voice in (VOICE, BLIND):
    voice.decoder[-1].bias.data -= 4  # as loud as speech


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


class TestEncode:
    @pytest.mark.parametrize("samples", [1, 2, 479, 480, 481, 2400, 5003])
    def test_shape(self, samples: int) -> None:
        codes = CODEC.encode(0.1 * torch.randn(2, samples))
        assert codes.shape == (2, 4, math.ceil(samples / 480))
        assert codes.dtype == torch.int64
        assert 0 <= int(codes.min()) <= int(codes.max()) < 16

    def test_nothing(self) -> None:
        assert CODEC.encode(torch.zeros(2, 0)).shape == (2, 4, 0)
        assert CODEC.encode(torch.zeros(2, 0), 3).shape == (2, 3, 0)

    def test_silence(self) -> None:
        codes = CODEC.encode(torch.zeros(1, 480 * 30))
        assert codes.shape == (1, 4, 30)
        assert (codes[:, :, 8:-8] == codes[:, :, 15:16]).all()  # far from the edges nothing changes
        assert CODEC.decode(codes).isfinite().all()

    def test_fewer_codebooks(self) -> None:
        audio = torch.randn(1, 4800)
        assert torch.equal(CODEC.encode(audio, 2), CODEC.encode(audio)[:, :2])

    def test_rows_do_not_mix(self) -> None:
        audio = torch.randn(3, 4800)
        assert torch.equal(CODEC.encode(audio)[1:2], CODEC.encode(audio[1:2]))

    @pytest.mark.parametrize("wanted", [0, 5, -1])
    def test_no_such_number_of_codebooks(self, wanted: int) -> None:
        with pytest.raises(AudioError, match=f"has 1 to 4 codebooks, not {wanted}"):
            CODEC.encode(torch.zeros(1, 480), wanted)

    @pytest.mark.parametrize("shape", [(480,), (1, 1, 480)])
    def test_not_batch_by_samples(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(AudioError, match=r"audio must be \[batch, samples\]"):
            CODEC.encode(torch.zeros(shape))


class TestDecode:
    @pytest.mark.parametrize("frames", [1, 2, 17])
    @pytest.mark.parametrize("books", [1, 2, 4])
    @pytest.mark.parametrize("codec", [CODEC, VOICE], ids=["spectrum", "source-filter"])
    def test_shape(self, codec: PupCodec, frames: int, books: int) -> None:
        audio = codec.decode(torch.randint(0, 16, (2, books, frames)))
        assert audio.shape == (2, 480 * frames)
        assert audio.dtype == torch.float32
        assert audio.isfinite().all()

    @pytest.mark.parametrize("shape", [(4, 10), (1, 5, 10), (1, 0, 10)])
    def test_shapes_that_are_no_codes(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(AudioError, match="codes must be"):
            CODEC.decode(torch.zeros(shape, dtype=torch.long))

    def test_nothing(self) -> None:
        assert CODEC.decode(torch.zeros(2, 4, 0, dtype=torch.long)).shape == (2, 0)

    def test_always_the_same(self) -> None:
        codes = torch.randint(0, 16, (1, 4, 30))
        assert torch.equal(VOICE.decode(codes), VOICE.decode(codes))

    def test_loud_spectra_stay_finite(self) -> None:
        assert spectrum(torch.full((1, 1, 4), 1e4)).abs().isfinite().all()


class TestStream:
    @pytest.mark.parametrize(
        "codec", [CODEC, AHEAD, VOICE, BLIND], ids=["ahead 1", "ahead 3", "source-filter", "source-filter, ahead 0"]
    )
    @settings(deadline=None, max_examples=40)
    @given(lengths=st.lists(st.integers(1, 9), max_size=12), frames=st.integers(1, 40), books=st.integers(1, 4))
    def test_is_decode(self, codec: PupCodec, lengths: list[int], frames: int, books: int) -> None:
        """In any chunks the pieces, joined, are what `decode` gives for all frames at once."""
        codes = torch.randint(0, 16, (2, books, frames), generator=torch.Generator().manual_seed(frames))
        stream, pieces, start = codec.stream(), [], 0
        for length in [*lengths, frames]:
            if start < frames:
                pieces.append(stream.push(codes[:, :, start : start + length]))
                start += length
        pieces.append(stream.flush())
        joined = torch.cat(pieces, 1)
        assert joined.shape == (2, 480 * frames)
        with torch.no_grad():
            torch.testing.assert_close(joined, codec.decode(codes), rtol=1e-4, atol=1e-4)

    def test_it_gives_audio_early(self) -> None:
        """A few frames of the future are enough: 5 of 30 steps at twice the frame rate, and the window's overlap."""
        stream = CODEC.stream()
        ready = [stream.push(torch.zeros(1, 4, 1, dtype=torch.long)).shape[1] for _ in range(20)]
        late = next(i for i, samples in enumerate(ready) if samples)
        assert late <= 4
        assert all(samples == 480 for samples in ready[late + 1 :])

    def test_a_voice_gives_audio_as_early(self) -> None:
        """Its pitch is read from fewer frames than its filters, so it waits for nothing else."""
        config = replace(SMALL, decoder_blocks=(2, 2))
        plain, voice = made(config).stream(), made(replace(config, synthesis="source-filter")).stream()
        for _ in range(12):
            code = torch.zeros(1, 4, 1, dtype=torch.long)
            assert voice.push(code).shape == plain.push(code).shape

    @pytest.mark.parametrize("codec", [CODEC, VOICE], ids=["spectrum", "source-filter"])
    def test_nothing_pushed(self, codec: PupCodec) -> None:
        assert codec.stream().flush().shape == (1, 0)

    @pytest.mark.parametrize("codec", [CODEC, VOICE], ids=["spectrum", "source-filter"])
    def test_an_empty_push(self, codec: PupCodec) -> None:
        stream = codec.stream()
        assert stream.push(torch.zeros(2, 4, 0, dtype=torch.long)).shape == (2, 0)

    def test_errors(self) -> None:
        with pytest.raises(AudioError, match="codes must be"):
            CODEC.stream().push(torch.zeros(1, 9, 3, dtype=torch.long))


class TestBuild:
    def test_from_plain_values(self) -> None:
        codec = build_codec({"kind": "pup", "encoder_blocks": [1, 1], "decoder_blocks": [1, 1], "width": 16})
        assert isinstance(codec, PupCodec)
        assert codec.config.encoder_blocks == (1, 1)
        assert codec.frame_rate == 50.0
        assert (codec.n_codebooks, codec.codebook_size, codec.sample_rate) == (8, 1024, 24_000)

    def test_unknown_kind(self) -> None:
        with pytest.raises(CheckpointError, match="no codec of kind 'mp3'"):
            build_codec({"kind": "mp3"})

    def test_a_source_and_a_filter(self) -> None:
        codec = build_codec({"kind": "pup", "width": 16, "synthesis": "source-filter"})
        assert isinstance(codec, PupCodec)
        assert isinstance(codec.synthesis, SourceFilter)

    @pytest.mark.parametrize(
        ("setting", "sentence"),
        [
            ({"contrast": -0.1}, "contrast must be a number from 0 to 1, not -0.1"),
            ({"contrast": float("nan")}, "contrast must be a number from 0 to 1, not nan"),
            ({"contrast": True}, "contrast: expected a number, got True"),
            ({"hush": 61}, "hush must be a number from 0 to 60, not 61"),
            ({"hush": "much"}, "hush: expected a number, got 'much'"),
        ],
    )
    def test_a_postfilter_out_of_bounds(self, setting: dict[str, Any], sentence: str) -> None:
        with pytest.raises(CheckpointError, match=sentence):
            build_codec({"kind": "pup", "synthesis": "source-filter", **setting})

    def test_unknown_synthesis(self) -> None:
        with pytest.raises(CheckpointError, match="synthesis must be one of spectrum, source-filter, not 'waves'"):
            build_codec({"kind": "pup", "synthesis": "waves"})

    def test_unknown_setting(self) -> None:
        with pytest.raises(CheckpointError, match="unknown setting widht"):
            build_codec({"kind": "pup", "widht": 3})


def test_the_exact_reader_follows_its_weights() -> None:
    """A copy in float64 is made once of weights that stay, and each time of those that are trained or replaced."""
    reader, points = PitchReader(8, 2).eval(), torch.randn(1, 6, 8)

    def heard() -> torch.Tensor:
        with torch.no_grad():
            return reader.exact()(points)

    trained = heard()
    assert trained.dtype == torch.float64
    with torch.no_grad():
        reader.net[-1].bias.add_(1.0)
    torch.testing.assert_close(heard(), trained + 1.0)
    reader.requires_grad_(False)
    assert reader.exact() is reader.exact()
    torch.testing.assert_close(heard(), trained + 1.0)
    reader.load_state_dict({**reader.state_dict(), "net.5.bias": torch.zeros(2)}, assign=True)
    assert not torch.allclose(heard(), trained + 1.0)
