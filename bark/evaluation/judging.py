"""Clips of speech before their judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from bark.errors import AudioError, OptionError
from bark.evaluation.files import Audio
from bark.evaluation.judges import Embedding, MosJudge, SpeakerJudge, cosine
from bark.evaluation.metrics import Edits, character_edits, word_edits
from bark.evaluation.normalize import Normalizer, normalizer
from bark.evaluation.whisper import PROMPTS, Transcriber

JUDGES = ("words", "speaker", "mos")


@dataclass(frozen=True)
class Clip:
    """Speech to be judged.

    Attributes:
        audio: float32 [T] in [−1, 1].
        text: what is to be said.
        voice: who is to say it.
        sample_rate: Hz.
        seconds: that making it took; None where nobody measured.
    """

    audio: Audio = field(repr=False)
    text: str
    voice: str = ""
    sample_rate: int = 24_000
    seconds: float | None = None

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return len(self.audio) / self.sample_rate


@dataclass(frozen=True)
class Judgement:
    """What the judges say of a clip; None where a judge was not asked.

    Attributes:
        transcript: what Whisper heard.
        words, characters: edits between the normalised text and transcript.
        voice: direction of the speaker, [256].
        mos: 1 to 5.
    """

    clip: Clip
    transcript: str | None = None
    words: Edits | None = None
    characters: Edits | None = None
    voice: Embedding | None = field(default=None, repr=False)
    mos: float | None = None


class Transcribes(Protocol):
    """Writes down what is said."""

    def transcribe(self, audio: Audio, sample_rate: int) -> str: ...

    def hearing(self, language: str) -> Transcribes: ...


class Embeds(Protocol):
    """Tells speakers apart."""

    def embed(self, audio: Audio, sample_rate: int) -> Embedding: ...


class Rates(Protocol):
    """Says how natural it sounds."""

    def estimate(self, audio: Audio, sample_rate: int) -> float: ...


@dataclass(frozen=True)
class Panel:
    """The judges of a run; None for those that aren't asked.

    Attributes:
        normalize: applied to text and transcript before they are compared.
    """

    transcriber: Transcribes | None = None
    speaker: Embeds | None = None
    mos: Rates | None = None
    normalize: Normalizer = str.lower

    @classmethod
    def load(cls, judges: Iterable[str] = JUDGES, language: str = "en", threads: int = 1) -> Panel:
        """The judges of these names.

        Args:
            judges: of `words` (Whisper base), `speaker` (Resemblyzer) and `mos` (DistillMOS).
            language: of the speech, as a two-letter code.
            threads: CPU threads of Whisper.

        Raises:
            OptionError: there is no judge of a name.
            BarkError: a judge's package isn't installed.
        """
        judges = set(judges)
        if unknown := sorted(judges - set(JUDGES)):
            raise OptionError(f"there is no judge {unknown[0]!r}; there are {', '.join(JUDGES)}")
        return cls(
            transcriber=Transcriber(language, threads, prompt=PROMPTS.get(language)) if "words" in judges else None,
            speaker=SpeakerJudge() if "speaker" in judges else None,
            mos=MosJudge() if "mos" in judges else None,
            normalize=normalizer(language) if "words" in judges else str.lower,
        )

    def hearing(self, language: str) -> Panel:
        """The same judges for speech in another language; nothing is loaded anew.

        Raises:
            BarkError: the package that normalises English isn't installed.
        """
        if self.transcriber is None:
            return self
        return replace(self, transcriber=self.transcriber.hearing(language), normalize=normalizer(language))

    def judge(self, clip: Clip) -> Judgement:
        """What these judges say of one clip.

        Raises:
            AudioError: the audio can't be judged.
        """
        audio, rate = _checked(clip), clip.sample_rate
        transcript = self.transcriber.transcribe(audio, rate) if self.transcriber else None
        said, understood = self.normalize(clip.text), self.normalize(transcript or "")
        return Judgement(
            clip=clip,
            transcript=transcript,
            words=None if transcript is None else word_edits(said, understood),
            characters=None if transcript is None else character_edits(said, understood),
            voice=self.speaker.embed(audio, rate) if self.speaker else None,
            mos=self.mos.estimate(audio, rate) if self.mos else None,
        )


def judge(
    clips: Iterable[Clip], panel: Panel | None = None, progress: Callable[[int], None] | None = None
) -> list[Judgement]:
    """Judges clips one by one, in order.

    Args:
        clips: what to judge.
        panel: the judges; all of them, for English, if none are given.
        progress: called after each clip with the number judged.

    Raises:
        BarkError: a judge's package isn't installed.
    """
    panel = panel or Panel.load()
    judgements: list[Judgement] = []
    for clip in clips:
        judgements.append(panel.judge(clip))
        if progress:
            progress(len(judgements))
    return judgements


def similarity(judgement: Judgement, references: Sequence[Judgement]) -> float | None:
    """Cosine between a clip's voice and the mean of the references in the same voice.

    References that say the same text are left out, so that a system held against itself is not flattered, and
    one held against its teacher gains nothing from the same words.

    Returns:
        None where there is nothing to compare.
    """
    clip = judgement.clip
    voices = [
        other.voice
        for other in references
        if other.voice is not None and other.clip.voice == clip.voice and other.clip.text != clip.text
    ]
    if judgement.voice is None or not voices:
        return None
    return cosine(judgement.voice, np.mean(voices, axis=0))


def _checked(clip: Clip) -> Audio:
    """The audio, padded with silence to the tenth of a second that every judge can do with."""
    audio = np.asarray(clip.audio, np.float32)
    if audio.ndim != 1 or not np.isfinite(audio).all():
        raise AudioError(
            f"the audio for {clip.text!r} can't be judged: one row of finite samples was expected, shape [T], "
            f"not {list(audio.shape)}" + ("" if np.isfinite(audio).all() else " with some that are not finite")
        )
    return np.pad(audio, (0, max(0, clip.sample_rate // 10 - len(audio))))
