"""A voice from a recording."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from bark.audio.bandwidth import filled
from bark.audio.equalizer import matching
from bark.audio.loudness import normalize
from bark.audio.resample import resample
from bark.audio.samples import Audio, as_audio
from bark.errors import AudioError, OptionError, VoiceError, warn
from bark.models.config import ModelConfig
from bark.tokens import IntArray
from bark.voices.consent import Consent
from bark.voices.library import VoiceLibrary
from bark.voices.recording import Recording
from bark.voices.voice import Voice

if TYPE_CHECKING:
    from bark.codec.base import Codec
    from bark.semantic.tokenizer import SemanticTokenizer

NAME = re.compile(r"[^\W_](?:[\w.-]{0,62}\w)?")  # letters and digits of any script; no slash, no space
RATES = 8000, 384_000  # Hz
LOUDNESS = -21.0  # LUFS, the median of pup's presets
MINUTES = 10
PIECE = 1.6  # seconds; what an embedding tells whose voice it is by
ALIKE, SELDOM = 0.6, 0.05  # cosine, and the share of pairs of pieces of one speaker that may be less alike
READER = re.compile(r"(?:^|/)[a-z]{2}_speaker_0$")
Embed = Callable[[Audio, int], npt.NDArray[np.float32]]
Rehearse = Callable[[Voice], Audio]


class Maker(Protocol):
    """What makes tokens of audio, as `bark.parts.Parts` does."""

    @property
    def config(self) -> ModelConfig: ...
    @property
    def codec_device(self) -> Any: ...
    @property
    def voices(self) -> VoiceLibrary: ...
    def codec(self) -> AbstractContextManager[Codec]: ...
    def semantic_tokenizer(self) -> AbstractContextManager[SemanticTokenizer]: ...


def create_voice(
    audio: Audio,
    sample_rate: int,
    parts: Maker,
    *,
    name: str,
    consent: Consent,
    manner: Voice | None = None,
    sha256: str | None = None,
    embed: Embed | None = None,
    rehearse: Rehearse | None = None,
) -> Voice:
    """A voice from a recording of one speaker: the best seconds of it, as tokens of the model.

    Args:
        audio: [T] float32, mono; about ten seconds of speech are enough. See `bark.audio.read.read_audio`.
        sample_rate: Hz.
        parts: of the model that is to speak, `Bark.parts`; only its codec and its semantic tokenizer are loaded here.
        name: of the voice: letters, digits and `. _ -`, at most 64.
        consent: of whoever is heard; it becomes part of the voice (`Voice.about`), with the recording's SHA-256.
        manner: a voice in whose manner this one reads; None for the speaker's own. See `reader`.
        sha256: of the recording's file, in hex digits; None for that of the samples.
        embed: tells speakers apart: audio [T] and its rate to a row of length 1, as Resemblyzer does. Without it
            nobody checks that one person alone is heard, and a `BarkWarning` says so.
        rehearse: says something in the voice, audio [T] at the model's rate, as `bark.rehearsal.Rehearsal` does. What
            it lacks of the recording's long-term spectrum becomes the voice's equalizer; without it there is none.

    Returns:
        A voice that suits the model. It is not written anywhere; `Voice.save` does that.

    Raises:
        AudioError: the recording won't do: too short, quiet, noisy, clipped, no speech, or of several people. The text
            says which, in one sentence.
        CheckpointError: the model has nothing that makes semantic tokens of audio, as Suno's have not.
        VoiceError: the name is none, or the manner is not of this model.
        OptionError: the rate makes no sense.
    """
    check_name(name)
    found = Recording.of(_at_rate(as_audio(audio), sample_rate, parts), parts.config.tokens.sample_rate)
    found.check()
    _check_speakers(found, embed)
    tight = found.tight()
    best = filled(tight.stretch(longest(parts.config)), found.sample_rate)
    semantic, codes = _tokens(normalize(best, found.sample_rate, LOUDNESS), parts)
    about = {**consent.about(), "recording_sha256": sha256 or hashlib.sha256(audio.tobytes()).hexdigest()}
    about |= {"model": parts.config.name}
    if manner is not None:
        about["manner"] = manner.name
    read = None if manner is None else manner.reading
    voice = Voice(name, semantic, codes[: parts.config.tokens.n_coarse], codes, read, about=about)
    voice = voice.check(parts.config.tokens)
    return voice if rehearse is None else _toned(voice, rehearse(voice), tight)


def reader(parts: Maker, language: str = "en") -> Voice | None:
    """The voice whose manner of reading a model knows best: its first preset of a language, else of any.

    pup is understood best in that manner, whosever voice it is. None where the model has no presets.
    """
    names = [name for name in parts.voices.names() if READER.search(name)]
    own = [name for name in names if name.rpartition("/")[2].startswith(f"{language}_")]
    return parts.voices.load((own or names)[0]) if names else None


def check_name(name: str) -> str:
    """The name, if a voice can be called so.

    Raises:
        VoiceError: it can't.
    """
    if not NAME.fullmatch(name):
        raise VoiceError(f"a voice can't be called {name[:80]!r}: 1 to 64 letters, digits and . _ - are a name")
    return name


def longest(config: ModelConfig) -> float:
    """Seconds of a voice that the model reads at most: the longest history of any stage."""
    tokens = config.tokens
    return max(
        config.semantic_layout.history_length / tokens.semantic_rate,
        config.coarse_layout.max_history / tokens.n_coarse / tokens.frame_rate,
        config.fine_layout.max_history / tokens.frame_rate,
    )


def _at_rate(audio: Audio, sample_rate: int, parts: Maker) -> Audio:
    if not RATES[0] <= sample_rate <= RATES[1]:
        raise OptionError(f"a recording has {RATES[0]} to {RATES[1]} samples a second, not {sample_rate}")
    if len(audio) > MINUTES * 60 * sample_rate:
        raise AudioError(f"the recording is too long: {MINUTES} minutes are enough, and ten seconds")
    return resample(audio, sample_rate, parts.config.tokens.sample_rate)


def _check_speakers(found: Recording, embed: Embed | None) -> None:
    if embed is None:
        warn("nobody checked that one person alone is heard; pip install 'openbark[eval]' brings what can")
        return
    rows = np.stack([embed(piece, found.sample_rate) for piece in found.pieces(PIECE)])
    pairs = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    if len(pairs) and float(np.quantile(pairs, SELDOM)) < ALIKE:
        raise AudioError("the recording seems to be of more than one speaker; cut out what one of them says")


def _toned(voice: Voice, said: Audio, recording: Recording) -> Voice:
    """The voice with an equalizer that brings what it has said nearer to the recording."""
    try:
        return replace(voice, equalizer=matching(said, recording.audio, recording.sample_rate))
    except AudioError as error:  # of a model that doesn't speak
        warn(f"the voice has no equalizer: {error}")
        return voice


def _tokens(audio: Audio, parts: Maker) -> tuple[IntArray, IntArray]:
    """Semantic tokens [T] and codes [n_codebooks, T'] of the same seconds: whole tokens from the end."""
    import torch

    space = parts.config.tokens
    count = int(len(audio) / space.sample_rate * space.semantic_rate)
    kept = audio[len(audio) - round(count * space.sample_rate / space.semantic_rate) :]
    row = torch.from_numpy(np.ascontiguousarray(kept))[None].to(parts.codec_device)
    with torch.inference_mode():
        with parts.semantic_tokenizer() as tokenizer:
            semantic = tokenizer.encode(row)[0].cpu().numpy()
        with parts.codec() as codec:
            codes = codec.encode(row)[0].cpu().numpy()
    return semantic, codes
