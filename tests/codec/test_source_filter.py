"""Pulses, noise and their filters: what they sound like, and that pieces are the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bark.codec.source_filter import MIDDLE, SourceFilter, SourceStream, noise, pulses

RATE, HOP, FFT = 24_000, 240, 960
BINS = FFT // 2 + 1
LAYER = SourceFilter(FFT, HOP, RATE)
MENDED = SourceFilter(FFT, HOP, RATE, contrast=0.5, hush=12.0).eval()
OFF = -14.0


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def frames(length: int, pulses: float = 0.0, noise: float = OFF, hertz: float = 200.0) -> tuple[Tensor, Tensor]:
    """Flat filters of these log-gains [1, T, size], and one pitch [1, T]."""
    x = torch.full((1, length, LAYER.size), noise)
    x[..., :BINS] = pulses
    return x, torch.full((1, length), math.log(hertz / MIDDLE))


def wandering(length: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Filters and a pitch that change from frame to frame, of two rows."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, length, LAYER.size, generator=generator)
    return 0.5 * x - 3.0, 0.3 * torch.randn(2, length, generator=generator)


def spectrum(audio: Tensor) -> Tensor:
    """Power at each Hz of the last second of audio [1, N]."""
    return torch.fft.rfft(audio[0, -RATE:] * torch.hann_window(RATE)).abs().square()


class TestPulses:
    @pytest.mark.parametrize("hertz", [61.3, 123.4, 250.0, 499.0])
    def test_all_multiples_of_the_pitch_at_one_power(self, hertz: float) -> None:
        turns = torch.arange(RATE, dtype=torch.float64)[None] * hertz / RATE
        found = pulses(turns, torch.full_like(turns, hertz), RATE)[0].double()
        count, rest = divmod(RATE * 23 / 48 / hertz, 1)
        angles = 2 * math.pi * turns[0]
        expected = sum(torch.cos(h * angles) for h in range(1, int(count) + 1))
        expected = (expected + rest * torch.cos((count + 1) * angles)) * math.sqrt(2 * hertz / (RATE * 23 / 48))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        assert found.square().mean() == pytest.approx(1, abs=0.02)

    def test_the_peak_is_no_division_by_nothing(self) -> None:
        turns = torch.tensor([[0.0, 1e-12, 1.0, 7.0 - 1e-12]], dtype=torch.float64)
        found = pulses(turns, torch.full_like(turns, 100.0), RATE)
        torch.testing.assert_close(found, found[:, :1].expand(-1, 4))


class TestNoise:
    def test_white_and_of_variance_one(self) -> None:
        x = noise(torch.arange(10 * RATE)).double()
        assert x.mean().abs() < 0.02
        assert x.var() == pytest.approx(1, abs=0.02)
        power = torch.fft.rfft(x.view(-1, 240)).abs().square().mean(0)[1:-1] / 240
        assert 0.8 < power.min() < power.max() < 1.2

    def test_a_function_of_the_place(self) -> None:
        assert torch.equal(noise(torch.arange(1000))[400:], noise(torch.arange(400, 1000)))

    def test_no_period_in_a_minute(self) -> None:
        x = noise(torch.arange(60 * RATE))
        assert len(x.unique()) > 0.95 * len(x)


class TestSource:
    @pytest.mark.parametrize("length", [1, 2, 5])
    def test_as_many_samples_as_frames_have(self, length: int) -> None:
        stream = SourceStream(HOP, RATE, 0)
        begun = stream.push(torch.zeros(2, length))
        assert begun.shape == (2, 2, length * HOP - HOP // 2)
        assert stream.flush().shape == (2, 2, HOP // 2)

    def test_out_of_reach_is_kept_within(self) -> None:
        low, high = (SourceStream(HOP, RATE, 0).push(torch.full((1, 9), x)) for x in (-1e9, 1e9))
        assert low.isfinite().all() and high.isfinite().all()


class TestSourceFilter:
    def test_harmonics_stand_at_multiples_of_the_pitch(self) -> None:
        power = spectrum(LAYER(*frames(200, hertz=200.0)))
        assert (power[200:11_400:200] > 1e6 * power[300:11_400:200]).all()

    def test_noise_alone_has_none(self) -> None:
        audio = LAYER(*frames(200, pulses=OFF, noise=0.0))
        assert audio.var() == pytest.approx(1, abs=0.05)
        bands = spectrum(audio)[1:].view(-1, 500).mean(1)
        assert bands.max() < 2 * bands.min()

    def test_a_filter_shapes_what_goes_through_it(self) -> None:
        x, pitch = frames(200, pulses=OFF, noise=0.0)
        x[..., BINS + 24 :] = -7.0  # from 6 kHz on
        power = spectrum(LAYER(x, pitch))
        assert power[:5800].mean() > 1e5 * power[6200:].mean()

    def test_a_glide_follows_the_pitch(self) -> None:
        audio = LAYER(frames(200)[0], torch.linspace(0, math.log(2), 200)[None])[0]
        turns = (MIDDLE * 2 ** ((torch.arange(len(audio)) / HOP - 0.5).clamp(0, 199) / 199) / RATE).cumsum(0)
        assert audio[HOP:-HOP][(turns[HOP:-HOP] % 1 - 0.5).abs() > 0.49].mean() > 2  # where a turn is full is a pulse

    def test_extreme_frames_stay_finite(self) -> None:
        for value in (-1e9, 1e9):
            assert LAYER(torch.full((1, 5, LAYER.size), value), torch.full((1, 5), value)).isfinite().all()

    def test_always_the_same(self) -> None:
        assert torch.equal(LAYER(*wandering(30)), LAYER(*wandering(30)))

    def test_rows_do_not_mix(self) -> None:
        x, pitch = wandering(20)
        torch.testing.assert_close(LAYER(x, pitch)[1:], LAYER(x[1:], pitch[1:]))

    def test_gradients_reach_the_filters(self) -> None:
        with torch.enable_grad():
            x, pitch = wandering(8)
            LAYER(x.requires_grad_(), pitch.requires_grad_()).square().sum().backward()
        assert x.grad is not None
        assert x.grad.isfinite().all()
        assert (x.grad.abs().sum((0, 1)) > 0).all()
        assert pitch.grad is None  # a pitch is learned from pitches

    @settings(deadline=None, max_examples=30)
    @given(
        lengths=st.lists(st.integers(1, 9), max_size=12),
        length=st.integers(1, 40),
        ahead=st.integers(0, 5),
        layer=st.sampled_from([LAYER, MENDED]),
    )
    def test_pieces_are_the_whole(self, lengths: list[int], length: int, ahead: int, layer: SourceFilter) -> None:
        """Also where the pitch is known ahead of the filters."""
        (x, pitch), stream, pieces, start = wandering(length, length), layer.stream(), [], 0
        known = 0
        for piece in [*lengths, length]:
            if start < length:
                end = start + piece + ahead
                pieces.append(stream.push(x[:, start : start + piece], pitch[:, known:end]))
                start, known = start + piece, end
        joined = torch.cat([*pieces, stream.flush()], 1)
        assert joined.shape == (2, length * HOP)
        torch.testing.assert_close(joined, layer(x, pitch), rtol=1e-5, atol=1e-5)

    def test_two_pitches_ahead_and_the_overlap(self) -> None:
        stream, (x, pitch) = LAYER.stream(), wandering(12)
        ready = [stream.push(x[:, i : i + 1], pitch[:, i : i + 1]).shape[1] for i in range(12)]
        assert ready[:2] == [0, 0]
        assert sum(ready) == 12 * HOP - 2 * HOP - (FFT - HOP) // 2

    def test_only_the_overlap_where_the_pitch_is_known(self) -> None:
        stream, (x, pitch) = LAYER.stream(), wandering(12)
        first = stream.push(x[:, :6], pitch)
        assert first.shape[1] == 6 * HOP - (FFT - HOP) // 2

    def test_nothing_pushed(self) -> None:
        assert LAYER.stream().flush().numel() == 0


class TestPostfilter:
    @staticmethod
    def gain(layer: SourceFilter, log_gain: Tensor) -> Tensor:
        return layer.minimum_phase(log_gain).abs().log()

    @pytest.mark.parametrize(
        ("milliseconds", "grows"), [(0.0, 0.0), (0.5, 0.0477), (1.25, 0.25), (2.5, 0.5), (7.0, 0.5)]
    )
    def test_detail_grows(self, milliseconds: float, grows: float) -> None:
        """A ripple whose period is 1 / `milliseconds`; at 0 it is a level."""
        ripple = torch.cos(2 * math.pi * milliseconds * 1e-3 * torch.linspace(0, RATE / 2, BINS))
        found = self.gain(MENDED, ripple)
        torch.testing.assert_close(found, (1 + grows) * ripple, rtol=0, atol=2e-3)
        torch.testing.assert_close(self.gain(LAYER, ripple), ripple, rtol=0, atol=1e-5)

    @pytest.mark.parametrize(("pulses", "softer"), [(OFF, 0.0), (-5.0, 6.0), (4.0, 12.0)])
    def test_noise_is_softer_under_a_voice(self, pulses: float, softer: float) -> None:
        x, _ = frames(3, pulses=pulses, noise=-5.0)
        sources = torch.zeros(1, 2, 3, BINS, dtype=torch.complex64)
        sources[:, 1] = 1
        decibels = 20 * MENDED.filtered(sources, x).abs().log10() - 20 * LAYER.filtered(sources, x).abs().log10()
        torch.testing.assert_close(decibels, torch.full_like(decibels, -softer), rtol=0, atol=0.02)

    def test_training_is_without(self) -> None:
        learning = SourceFilter(FFT, HOP, RATE, contrast=0.5, hush=12.0).train()
        x = wandering(9)
        assert torch.equal(learning(*x), LAYER(*x))
        assert not torch.allclose(learning.eval()(*x), LAYER(*x), atol=1e-3)
