"""What the semantic tokenizer's tokens are held to beside labels: the spectrum, by somebody who knows the voice."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from bark.semantic.tokenizer import FiniteScalarQuantizer
from bark.training.semantic_tokenizer import SILENT_LOG_MEL, Painter, timbre

LEVELS = (4, 4)


def test_timbre_is_of_what_sounds() -> None:
    generator = torch.Generator().manual_seed(0)
    mel = torch.randn(2, 30, 6, generator=generator) - 2
    silent = torch.full((2, 50, 6), SILENT_LOG_MEL - 1)
    known = timbre(mel)
    torch.testing.assert_close(timbre(torch.cat([silent, mel, silent], 1)), known)
    torch.testing.assert_close(known[:, :6] * 4, mel.mean(1))
    torch.testing.assert_close(known[:, 6:] * 4, mel.std(1, correction=0))
    assert not timbre(silent).any()


def test_timbre_tells_nothing_of_the_order() -> None:
    mel = torch.randn(1, 40, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(timbre(mel.flip(1)), timbre(mel))


def test_painter_learns_a_spectrum_of_tokens_and_voice() -> None:
    """Two voices, one higher by 1 in all bands, and tokens that say one of two spectra each."""
    torch.manual_seed(0)
    quantizer, painter = FiniteScalarQuantizer(LEVELS), Painter(LEVELS, 16, 6)
    shapes = torch.randn(2, 6)
    said = torch.randint(0, 2, (8, 12))
    voice = torch.tensor([0.0, 1.0] * 4)
    mel = shapes[said].repeat_interleave(4, 1) + voice[:, None, None]
    tokens = quantizer.decode(said * 5)
    optimizer = torch.optim.Adam(painter.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        loss = F.l1_loss(painter(tokens, timbre(mel)), mel)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert painter(tokens, timbre(mel)).shape == mel.shape
    assert losses[-1] < 0.3 * losses[0]
