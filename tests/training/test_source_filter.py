"""Training of the source–filter decoder: crops with their pitch, where it begins, and that it learns."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bark.codec.pup import PupCodec, PupCodecConfig
from bark.codec.source_filter import MIDDLE, SourceFilter
from bark.errors import TrainingError
from bark.training.audio_corpus import AudioSampler
from bark.training.distance import SpectralDistance
from bark.training.pitched import PitchedSampler, pitch_at
from bark.training.source_filter import SourceFilterTask, SourceFilterTaskConfig, begin_with
from tests.training.tones import write_shard

SHAPE = PupCodecConfig(
    n_codebooks=2,
    codebook_size=16,
    codebook_dim=4,
    n_mels=20,
    encoder_width=8,
    encoder_blocks=(1, 1),
    width=16,
    decoder_blocks=(1, 1),
)


class TestPitchAt:
    PITCH = np.log(np.float32([1, 1, 200, 100, 1, 400, 1]))  # 0 is unvoiced

    def test_straight_through_what_is_unvoiced(self) -> None:
        found, _ = pitch_at(self.PITCH, np.array([0.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
        expected = [math.log(hertz / MIDDLE) for hertz in (200, 200, 100, 200, 400, 400)]
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_voiced_where_both_neighbours_are(self) -> None:
        _, voiced = pitch_at(self.PITCH, np.arange(8) + 0.5)
        assert voiced.tolist() == [0, 0, 1, 0, 0, 0, 0, 0]


class TestPitchedSampler:
    @staticmethod
    def corpus(folder: Path, pitch: np.ndarray) -> PitchedSampler:
        """One clip, a ramp of 30 frames, with this pitch."""
        write_shard(folder / "0000", [{"id": "a", "text": "a", "voice": "v"}], [np.arange(7200) / 7200])
        np.savez(folder / "0000.f0.npz", a=pitch)
        return PitchedSampler({folder: 1.0}, 240)

    def test_pitch_and_audio_are_of_the_same_place(self, tmp_path: Path) -> None:
        sampler = self.corpus(tmp_path, np.linspace(4, 5, 31, dtype=np.float32))
        crops = sampler.crops(np.random.default_rng(0), 16, 10)
        assert crops.audio.shape == (16, 2400)
        start = crops.audio[:, 0] * 7200 / 240  # in frames
        assert len(set(start.round().tolist())) > 4
        np.testing.assert_allclose(crops.log_pitch[:, 0] + math.log(MIDDLE), 4 + (start + 0.5) / 30, atol=1e-3)
        assert crops.voiced.all()

    def test_a_short_clip_is_followed_by_silence(self, tmp_path: Path) -> None:
        crops = self.corpus(tmp_path, np.full(31, 5, np.float32)).crops(np.random.default_rng(0), 1, 40)
        assert not crops.audio[0, 7200:].any()
        assert crops.voiced[0].tolist() == [1.0] * 30 + [0.0] * 10

    def test_nobody_speaks(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="nobody speaks in"):
            self.corpus(tmp_path, np.zeros(31, np.float32))


class TestSpectralDistance:
    def test_none_to_itself_and_more_to_others(self) -> None:
        distance, audio = SpectralDistance((256, 512)), 0.1 * torch.randn(2, 4800)
        assert [float(x) for x in distance(audio, audio)] == [0, 0]
        near, far = (distance(audio + step * torch.randn_like(audio), audio) for step in (0.01, 0.1))
        assert all(0 < float(a) < float(b) for a, b in zip(near, far, strict=True))


def test_it_begins_where_the_first_decoder_ended() -> None:
    """Within 3 dB: both sources have half of the power that the first decoder wrote, the noise's smoothed."""
    torch.manual_seed(0)
    begun, codec = PupCodec(SHAPE), PupCodec(replace(SHAPE, synthesis="source-filter"))
    begin_with(codec, begun)
    latent = torch.randn(1, 60, 16)
    with torch.no_grad():
        magnitudes, frames = begun.decoder(latent)[..., :481].exp(), codec.decoder(latent)
        assert isinstance(codec.synthesis, SourceFilter)
        padded = torch.nn.functional.pad(codec.synthesis(frames, torch.zeros(1, 120)), (360, 360))
        heard = torch.fft.rfft(padded.unfold(-1, 960, 240) * torch.hann_window(960)).abs()
    power, expected = (x[:, 10:-10, 20:460].square().mean() for x in (heard, magnitudes))
    assert float(power) == pytest.approx(float(expected), rel=0.5)


@pytest.mark.parametrize("whole", [False, True])
def test_a_few_steps_bring_it_nearer(data: Path, whole: bool) -> None:
    """The decoder alone, or all; where it is the decoder alone, codes keep their meaning."""
    torch.manual_seed(0)
    sampler = PitchedSampler({data / "corpus" / "tones": 1.0}, 240)
    held_out = AudioSampler({data / "corpus" / "tones": 1.0}, held_out=True)
    config = SourceFilterTaskConfig(crop_seconds=0.2, batch=4, scales=(256, 512), n_mels=20, critics=(), rough=0.3)
    codec = PupCodec(replace(SHAPE, synthesis="source-filter"))
    task = SourceFilterTask(codec, sampler, held_out, config, whole)
    before = copy.deepcopy(codec)
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], 1e-2)
    losses = []
    for step in range(25):
        loss = task(task.draw(np.random.default_rng(step)))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    changed = {name for name, value in codec.state_dict().items() if not torch.equal(value, before.state_dict()[name])}
    assert any(name.startswith("encoder.") for name in changed) == whole
    assert any(name.startswith("quantizer.") for name in changed) == whole
    with torch.no_grad():
        assert ("perplexity_0" in task.validate()) == whole
