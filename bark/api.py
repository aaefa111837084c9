"""The functions of Suno's package that make audio of text, over the stages in `bark.generation`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from bark.errors import OutputError
from bark.generation import (
    FINE_TEMPERATURE,
    TEMPERATURE,
    decoded,
    generate_coarse,
    generate_fine,
    generate_text_semantic,
    voice_of,
)
from bark.voices import Voice, VoiceLike

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from bark.tokens import IntArray

    Audio: TypeAlias = npt.NDArray[np.float32]
    FullGeneration: TypeAlias = dict[str, npt.NDArray[Any]]

__all__ = ["generate_audio", "save_as_prompt", "semantic_to_waveform", "text_to_semantic"]


def text_to_semantic(
    text: str, history_prompt: VoiceLike | None = None, temp: float = TEMPERATURE, silent: bool = False
) -> IntArray:
    """Text to semantic tokens [T], for `semantic_to_waveform`; see `bark.generation.generate_text_semantic`."""
    return generate_text_semantic(text, history_prompt=history_prompt, temp=temp, silent=silent, use_kv_caching=True)


def semantic_to_waveform(
    semantic_tokens: npt.NDArray[np.integer[Any]],
    history_prompt: VoiceLike | None = None,
    temp: float = TEMPERATURE,
    silent: bool = False,
    output_full: bool = False,
) -> Audio | tuple[FullGeneration, Audio]:
    """Semantic tokens to audio.

    Args:
        semantic_tokens: [T].
        history_prompt: as in `bark.generation.generate_text_semantic`.
        temp: of the coarse stage; the fine stage has what suits the model, which for Suno's is 0.5.
        silent: True for no progress bar.
        output_full: True for the tokens of all stages as well.

    Returns:
        Audio [N] in [−1, 1], float32 at `SAMPLE_RATE`; with `output_full` a dict of `semantic_prompt` [T],
        `coarse_prompt` [2, T'] and `fine_prompt` [8, T'], and the voice's `equalizer` where it has one, which is a
        history_prompt, and the audio.

    Raises:
        BarkError: the tokens are not of this model; a `VoiceError` or `OptionError` for the other arguments.
    """
    coarse = generate_coarse(
        semantic_tokens, history_prompt=history_prompt, temp=temp, silent=silent, use_kv_caching=True
    )
    fine = generate_fine(coarse, history_prompt=history_prompt, temp=FINE_TEMPERATURE)
    voice = voice_of(history_prompt)
    audio = decoded(fine, voice)
    if not output_full:
        return audio
    full: FullGeneration = {"semantic_prompt": semantic_tokens, "coarse_prompt": coarse, "fine_prompt": fine}
    if voice is not None and voice.equalizer is not None:
        full["equalizer"] = voice.equalizer
    return full, audio


def save_as_prompt(filepath: str | os.PathLike[str], full_generation: Mapping[str, Any]) -> None:
    """Writes what `output_full` gives to an npz file, which is a history_prompt; whole or not at all.

    Args:
        filepath: ends in `.npz`.
        full_generation: `semantic_prompt` [T], `coarse_prompt` [2, T'], `fine_prompt` [8, T'].

    Raises:
        VoiceError: an array is missing, empty, or doesn't hold tokens.
        OutputError: the file can't be written, or is called otherwise.
    """
    if not os.fspath(filepath).endswith(".npz"):
        raise OutputError(f"can't write {os.fspath(filepath)}: the name of a history_prompt ends in .npz")
    Voice.from_arrays(full_generation).save(filepath)


def generate_audio(
    text: str,
    history_prompt: VoiceLike | None = None,
    text_temp: float = TEMPERATURE,
    waveform_temp: float = TEMPERATURE,
    silent: bool = False,
    output_full: bool = False,
) -> Audio | tuple[FullGeneration, Audio]:
    """Text to audio.

    Args:
        text: what to say.
        history_prompt: as in `bark.generation.generate_text_semantic`.
        text_temp: of the semantic stage.
        waveform_temp: of the coarse stage.
        silent: True for no progress bar.
        output_full: True for the tokens of all stages as well.

    Returns:
        As `semantic_to_waveform`.

    Raises:
        TextError: there is no text, or it is not text.
        VoiceError: there is no such voice, or it is not of this model.
        OptionError: an argument makes no sense.
        CheckpointError, WeightsNotFoundError: as `preload_models`.
    """
    semantic_tokens = text_to_semantic(text, history_prompt=history_prompt, temp=text_temp, silent=silent)
    return semantic_to_waveform(
        semantic_tokens, history_prompt=history_prompt, temp=waveform_temp, silent=silent, output_full=output_full
    )
