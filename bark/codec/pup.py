"""pup's codec: log-mel → ConvNeXt → residual VQ → ConvNeXt → a spectrum, or the filters of pulses and noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bark.codec.layers import Conv, ConvNeXtBlock, Downsample, Norm, Pointwise, SequentialStream, Upsample
from bark.codec.pitch import PitchReader
from bark.codec.quantizer import ResidualVQ
from bark.codec.source_filter import SourceFilter
from bark.codec.spectrum import LogMel, SpectrumStream, SpectrumSynthesis
from bark.errors import AudioError, CheckpointError

SYNTHESES = ("spectrum", "source-filter")


@dataclass(frozen=True)
class PupCodecConfig:
    """Shape of the codec.

    Attributes:
        hop: samples of a frame; analysis and synthesis run at `oversample` times the frame rate.
        lookahead: steps of the future that each decoder convolution sees.
        analysis_fft, n_mels: of the encoder's log-mel spectrum.
        synthesis: what the decoder writes: "spectrum", magnitudes and phases, or "source-filter", a pitch and the
            filters of pulses and noise (`bark.codec.source_filter`).
        contrast, hush: of a source-filter, from 0; dB the latter (`SourceFilter`).
    """

    sample_rate: int = 24_000
    hop: int = 480
    oversample: int = 2
    n_codebooks: int = 8
    codebook_size: int = 1024
    codebook_dim: int = 8
    n_mels: int = 100
    analysis_fft: int = 1024
    synthesis_fft: int = 960
    encoder_width: int = 256
    encoder_blocks: tuple[int, int] = (3, 3)
    width: int = 384
    decoder_blocks: tuple[int, int] = (4, 4)
    lookahead: int = 1
    synthesis: str = "spectrum"
    contrast: float = 0.0
    hush: float = 0.0

    def __post_init__(self) -> None:
        if self.synthesis not in SYNTHESES:
            raise CheckpointError(
                f"config.json: codec: synthesis must be one of {', '.join(SYNTHESES)}, not {self.synthesis!r}"
            )
        for name, most in (("contrast", 1.0), ("hush", 60.0)):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= value <= most):
                raise CheckpointError(f"config.json: codec: {name} must be a number from 0 to {most:g}, not {value!r}")
        object.__setattr__(self, "encoder_blocks", tuple(self.encoder_blocks))
        object.__setattr__(self, "decoder_blocks", tuple(self.decoder_blocks))


class PupCodec(nn.Module):
    """A small neural codec for speech; see `bark.codec.base.Codec` for the shapes."""

    def __init__(self, config: PupCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.sample_rate = config.sample_rate
        self.frame_rate = config.sample_rate / config.hop
        self.n_codebooks = config.n_codebooks
        self.codebook_size = config.codebook_size
        step = config.hop // config.oversample
        self.mel = LogMel(config.sample_rate, config.analysis_fft, step, config.n_mels)
        self.encoder = _encoder(config)
        self.quantizer = ResidualVQ(config.width, config.n_codebooks, config.codebook_size, config.codebook_dim)
        self.synthesis = _synthesis(config)
        self.decoder = _decoder(config, self.synthesis.size)
        if isinstance(self.synthesis, SourceFilter):
            self.pitch = PitchReader(config.n_codebooks * config.codebook_dim, config.oversample)

    def encode(self, audio: Tensor, n_codebooks: int | None = None) -> Tensor:
        """Audio [B, N] in [−1, 1] → codes [B, K, ceil(N / hop)].

        Raises:
            AudioError: the audio is not [B, N], or the number of codebooks is not one the codec has.
        """
        if audio.dim() != 2:
            raise AudioError(f"audio must be [batch, samples], not {list(audio.shape)}")
        wanted = self.n_codebooks if n_codebooks is None else n_codebooks
        if not 1 <= wanted <= self.n_codebooks:
            raise AudioError(f"the codec has 1 to {self.n_codebooks} codebooks, not {wanted}")
        if not audio.shape[1]:
            return torch.zeros(len(audio), wanted, 0, dtype=torch.long, device=audio.device)
        return self.quantizer.encode(self.latent(audio), wanted)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, K, T] → audio [B, T * hop].

        Raises:
            AudioError: the codes are not [B, K, T], or more codebooks than the codec has.
        """
        if not self._checked(codes).shape[2]:
            return torch.zeros(len(codes), 0, device=codes.device)
        latent = self.quantizer.decode(codes)
        if isinstance(self.synthesis, SpectrumSynthesis):
            return self.synthesize(latent)
        pitch = self.pitch.exact()(self.quantizer.points(codes))
        audio: Tensor = self.synthesis(self.decoder(latent), pitch)
        return audio

    def latent(self, audio: Tensor) -> Tensor:
        """Audio [B, N] → what is quantised, [B, T, C]."""
        y: Tensor = self.encoder(self.mel(audio))
        return y

    def synthesize(self, latent: Tensor) -> Tensor:
        """Quantised latent [B, T, C] → audio [B, T * hop], where the decoder writes spectra."""
        audio: Tensor = self.synthesis(self.decoder(latent))
        return audio

    def stream(self) -> PupCodecStream:
        """A decoder for one run of frames."""
        return PupCodecStream(self)

    def _checked(self, codes: Tensor) -> Tensor:
        if codes.dim() != 3 or not 1 <= codes.shape[1] <= self.n_codebooks:
            raise AudioError(
                f"codes must be [batch, 1 to {self.n_codebooks} codebooks, frames], not {list(codes.shape)}"
            )
        return codes


class PupCodecStream:
    """See `bark.codec.base.CodecStream`."""

    def __init__(self, codec: PupCodec) -> None:
        self._codec = codec
        self._decoder = SequentialStream(codec.decoder)
        if isinstance(codec.synthesis, SpectrumSynthesis):
            self._spectra: SpectrumStream | None = codec.synthesis.stream()
        else:
            self._spectra = None
            self._voice, self._pitch = codec.synthesis.stream(), codec.pitch.stream()
        self._batch = 1

    @torch.inference_mode()
    def push(self, codes: Tensor) -> Tensor:
        """Frames [B, K, T] → audio [B, N]."""
        self._batch = codes.shape[0]
        if not self._codec._checked(codes).shape[2]:
            return torch.zeros(self._batch, 0, device=codes.device)
        frames = self._decoder.push(self._codec.quantizer.decode(codes))
        if self._spectra is not None:
            return self._audio(frames)
        return self._voice.push(frames, self._pitch.push(self._codec.quantizer.points(codes)))

    @torch.inference_mode()
    def flush(self) -> Tensor:
        """The rest of the audio, [B, N]."""
        frames = self._decoder.flush()
        if self._spectra is None:
            return self._rest(frames, self._pitch.flush())
        body = self._audio(frames)
        tail = self._spectra.flush()
        return torch.cat([body, tail], 1) if tail.shape[1] else body

    def _audio(self, frames: Tensor) -> Tensor:
        assert self._spectra is not None
        if not frames.shape[1]:
            return torch.zeros(self._batch, 0, device=frames.device)
        return self._spectra.push(frames)

    def _rest(self, frames: Tensor, pitch: Tensor) -> Tensor:
        body, tail = self._voice.push(frames, pitch), self._voice.flush()
        if not tail.shape[1]:  # nothing was pushed
            return torch.zeros(self._batch, 0, device=frames.device)
        return torch.cat([body, tail], 1) if body.shape[1] else tail


def _encoder(config: PupCodecConfig) -> nn.Sequential:
    narrow, wide = config.encoder_width, config.width
    return nn.Sequential(
        Conv(config.n_mels, narrow, kernel=7, lookahead=3),
        nn.LayerNorm(narrow),
        *(ConvNeXtBlock(narrow) for _ in range(config.encoder_blocks[0])),
        Downsample(narrow, wide, config.oversample),
        *(ConvNeXtBlock(wide) for _ in range(config.encoder_blocks[1])),
        nn.LayerNorm(wide),
    )


def _decoder(config: PupCodecConfig, size: int) -> nn.Sequential:
    wide, ahead = config.width, config.lookahead
    return nn.Sequential(
        Conv(wide, wide, kernel=7, lookahead=ahead),
        Norm(wide),
        *(ConvNeXtBlock(wide, lookahead=ahead) for _ in range(config.decoder_blocks[0])),
        Upsample(wide, config.oversample),
        *(ConvNeXtBlock(wide, lookahead=ahead) for _ in range(config.decoder_blocks[1])),
        Norm(wide),
        Pointwise(wide, size),
    )


def _synthesis(config: PupCodecConfig) -> SpectrumSynthesis | SourceFilter:
    step = config.hop // config.oversample
    if config.synthesis == "source-filter":
        return SourceFilter(config.synthesis_fft, step, config.sample_rate, config.contrast, config.hush)
    return SpectrumSynthesis(config.synthesis_fft, step)
