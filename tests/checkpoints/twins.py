"""A checkpoint's models beside those of 🤗 with the same weights."""

from __future__ import annotations

from typing import Any

import torch


def check_models(checkpoint: Any, theirs: Any, their_codec: Any = None) -> None:
    """All three models' logits, and the codec's codes and audio."""
    their_codec = their_codec or theirs.codec_model
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(12_000, (2, 50), generator=generator)
    codes = torch.randint(1024, (2, 60, 8), generator=generator)
    audio = torch.randn(1, 5_000, generator=generator) / 10
    with torch.inference_mode():
        for ours, twin in (
            (checkpoint.semantic(), theirs.semantic),
            (checkpoint.coarse(), theirs.coarse_acoustics),
        ):
            logits = ours.logits(ours(ours.embed(tokens), torch.arange(50)))
            torch.testing.assert_close(logits, twin(tokens).logits, atol=1e-5, rtol=1e-5)
        fine = checkpoint.fine()
        for codebook in range(1, 8):
            expected = theirs.fine_acoustics(codebook, codes).logits
            torch.testing.assert_close(fine(codebook, codes), expected, atol=1e-5, rtol=1e-5)
        codec, frames = checkpoint.codec(), codes.transpose(1, 2)
        expected = their_codec.decode(frames[None], [None]).audio_values[:, 0]
        torch.testing.assert_close(codec.decode(frames), expected, atol=1e-5, rtol=1e-5)
        expected = their_codec.encode(audio[:, None], bandwidth=6.0).audio_codes[0]
        assert torch.equal(codec.encode(audio), expected)
