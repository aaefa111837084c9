"""Log-mels and the inverse STFT, beside computations of torch's own."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.codec.spectrum import InverseSTFT, LogMel, mel_filters

RATE = 24_000


def noise(samples: int, seed: int = 0, rows: int = 2) -> torch.Tensor:
    return 0.3 * torch.randn(rows, samples, generator=torch.Generator().manual_seed(seed))


class TestMelFilters:
    def test_by_the_formula(self) -> None:
        """The k-th triangle rises from edge k to edge k + 1 and falls to edge k + 2, equally far apart in mel."""
        filters = mel_filters(10, 512, 16_000)
        mels = [2595 * math.log10(1 + 8000 / 700) * k / 11 for k in range(12)]
        edges = [700 * (10 ** (m / 2595) - 1) for m in mels]
        for band in range(10):
            low, peak, high = edges[band : band + 3]
            for k in range(257):
                hertz = 16_000 * k / 512
                expected = max(0.0, min((hertz - low) / (peak - low), (high - hertz) / (high - peak)))
                assert float(filters[k, band]) == pytest.approx(expected, abs=1e-4)

    def test_from_a_lowest_frequency(self) -> None:
        filters = mel_filters(8, 256, 16_000, f_min=1000.0)
        assert not filters[: 1000 * 256 // 16_000].any()


class TestLogMel:
    @pytest.mark.parametrize(("n_fft", "hop"), [(1024, 240), (512, 128), (1024, 1024), (960, 480)])
    def test_is_the_stft(self, n_fft: int, hop: int) -> None:
        """Frame t is centred on the middle of its hop; torch centres on multiples of it, so it is shifted by half."""
        audio = noise(10 * hop)
        side = n_fft - hop
        padded = torch.nn.functional.pad(audio, (side // 2, side - side // 2))
        spectrum = torch.stft(
            padded, n_fft, hop, window=torch.hann_window(n_fft), center=False, return_complex=True
        ).transpose(1, 2)
        expected = (spectrum.abs() @ mel_filters(20, n_fft, RATE)).clamp(min=1e-5).log()
        torch.testing.assert_close(LogMel(RATE, n_fft, hop, 20)(audio), expected, rtol=1e-3, atol=1e-3)

    @pytest.mark.parametrize(("samples", "frames"), [(1, 1), (239, 1), (240, 1), (241, 2), (480, 2)])
    def test_lengths(self, samples: int, frames: int) -> None:
        assert LogMel(RATE, 1024, 240, 20)(noise(samples)).shape == (2, frames, 20)

    def test_silence(self) -> None:
        mel = LogMel(RATE, 1024, 240, 20)(torch.zeros(1, 2400))[0]
        assert torch.equal(mel, mel[:1].expand(10, -1))
        assert math.log(1e-5) <= float(mel.min()) <= float(mel.max()) < -9

    def test_tone(self) -> None:
        """The band whose triangle holds 1 kHz is the loudest."""
        audio = torch.sin(2 * math.pi * 1000 * torch.arange(RATE) / RATE)[None]
        mel = LogMel(RATE, 1024, 240, 40)(audio)[0, 50]
        assert int(mel.argmax()) == int(mel_filters(40, 1024, RATE)[round(1000 * 1024 / RATE)].argmax())

    def test_always_float32(self) -> None:
        mel = LogMel(RATE, 512, 128, 20)
        with torch.autocast("cpu", torch.bfloat16):
            assert mel(noise(1000)).dtype == torch.float32
        assert torch.equal(mel(noise(1000)), mel(noise(1000).double().float()))

    def test_gradient_of_silence_is_finite(self) -> None:
        audio = torch.zeros(1, 1000, requires_grad=True)
        LogMel(RATE, 512, 128, 20)(audio).sum().backward()
        assert audio.grad is not None
        assert bool(audio.grad.isfinite().all())


def analysis(audio: torch.Tensor, n_fft: int, hop: int) -> torch.Tensor:
    """Spectrum [B, T, bins], framed as `InverseSTFT` frames."""
    side = (n_fft - hop) // 2
    padded = torch.nn.functional.pad(audio, (side, side))
    window = torch.hann_window(n_fft)
    return torch.stft(padded, n_fft, hop, window=window, center=False, return_complex=True).transpose(1, 2)


class TestInverseSTFT:
    @pytest.mark.parametrize(("n_fft", "hop"), [(960, 240), (512, 128), (64, 32), (1024, 256)])
    def test_undoes_the_analysis(self, n_fft: int, hop: int) -> None:
        audio = noise(12 * hop)
        torch.testing.assert_close(InverseSTFT(n_fft, hop)(analysis(audio, n_fft, hop)), audio, rtol=1e-4, atol=1e-5)

    def test_is_torchs_istft(self) -> None:
        """Where torch's own agrees about the frames: inside, for any spectrum."""
        n_fft, hop, frames = 64, 16, 30
        spectrum = torch.randn(1, frames, n_fft // 2 + 1, dtype=torch.complex64)
        spectrum[..., 0], spectrum[..., -1] = spectrum[..., 0].real + 0j, spectrum[..., -1].real + 0j
        ours = InverseSTFT(n_fft, hop)(spectrum)
        theirs = torch.istft(spectrum.transpose(1, 2), n_fft, hop, window=torch.hann_window(n_fft), center=True)
        shift = n_fft // 2 - (n_fft - hop) // 2  # torch cuts half a window at the front
        middle = slice(n_fft, (frames - 5) * hop)
        torch.testing.assert_close(ours[:, shift:][:, middle], theirs[:, middle], rtol=1e-4, atol=1e-5)

    @settings(deadline=None, max_examples=30)
    @given(lengths=st.lists(st.integers(1, 5), max_size=10), frames=st.integers(1, 20))
    @torch.inference_mode()
    def test_stream_is_batch(self, lengths: list[int], frames: int) -> None:
        layer = InverseSTFT(64, 16)
        spectrum = torch.randn(1, frames, 33, dtype=torch.complex64, generator=torch.Generator().manual_seed(frames))
        stream, pieces, start = layer.stream(), [], 0
        for length in [*lengths, frames]:
            if start < frames:
                pieces.append(stream.push(spectrum[:, start : start + length]))
                start += length
        pieces.append(stream.flush())
        whole = layer(spectrum)
        assert whole.shape == (1, frames * 16)
        torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-4, atol=1e-4)

    def test_sizes_that_do_not_overlap(self) -> None:
        for n_fft, hop in ((100, 30), (64, 64), (9, 3)):
            if n_fft % hop or n_fft // hop < 2 or (n_fft - hop) % 2:
                with pytest.raises(ValueError, match="must be a multiple of hop"):
                    InverseSTFT(n_fft, hop)

    def test_nothing_pushed(self) -> None:
        assert InverseSTFT(64, 16).stream().flush().numel() == 0
