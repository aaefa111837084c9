"""The voices that come with pup: clips of the teacher's speakers, as presets.

The semantic stage goes on as the preset began, and it is understood best in the manner of the speaker of whom it has
heard most. So the presets of the others may take that speaker's semantic tokens (`reader` in the recipe), and the
codes that the coarse and the fine model make of these in the speaker's own voice.

A preset is of the language in its name, `v2/de_speaker_0`: of the sets, and by the reader, of that language.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bark import Bark
from bark.engine import CoarseHistory, stage_generator
from bark.errors import OptionError
from bark.evaluation.judging import Clip as JudgedClip
from bark.evaluation.judging import Judgement, Panel, judge
from bark.lines import language_of
from bark.training.audio_corpus import Clip, read_clips
from bark.training.tokenized import TokenClip, read_tokens
from bark.voices import Voice
from recipes.pup.heard import edits

ENGLISH = "en"


@dataclass(frozen=True)
class Speaker:
    """A clip of a speaker, and how the speaker sounds: the mean embedding of several clips."""

    preset: Voice
    centre: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spoken:
    """What there is of a language: clips as tokens, and their rows and audio by id."""

    clips: Sequence[TokenClip]
    rows: Mapping[str, Clip]


class Presets:
    """Makes presets of tokenised clips.

    Args:
        wanted: the recipe's `voices`. Its `sets` and its `reader` are tables by language, or of English alone.
        work: folder of the recipe.
        bark: the model, for revoicing.
    """

    def __init__(self, wanted: Mapping[str, Any], work: Path, bark: Bark) -> None:
        self.wanted = wanted
        self.bark = bark
        self._work = work
        self._sets: Mapping[str, Sequence[str]] = _by_language(wanted["sets"])
        self._readers: Mapping[str, str] = _by_language(wanted.get("reader"))
        self._taken: set[str] = set()  # ids of clips that are presets already
        self._shared = Panel.load(("words", "speaker"))
        self._panels: dict[str, Panel] = {
            ENGLISH: self._shared
        }  # of the last language: presets of one follow each other
        self._known: dict[str, Spoken] = {}  # the same

    def make(self, name: str, speaker: str, number: int) -> Voice:
        """The preset of a speaker.

        Args:
            name: of the preset.
            speaker: the teacher's name for who speaks.
            number: of the preset among those of its language; each has clips of the reader of its own.

        Raises:
            OptionError: the name tells no language, there are no sets in it, or too few clips in these.
        """
        language = language_of(name)
        if language not in self._sets:
            raise OptionError(f"[voices]: there are no sets for the preset {name}, only in {', '.join(self._sets)}")
        natural = self._natural(name, speaker, language)
        reader = self._readers.get(language, speaker)
        if reader == speaker:
            return natural.preset
        return self._revoiced(natural, self._candidates(reader, language, number), language)

    def _spoken(self, language: str) -> Spoken:
        if language not in self._known:
            names = self._sets[language]
            rows = {clip.row["id"]: clip for clip in read_clips([self._work / "corpus" / name for name in names])}
            clips = read_tokens([self._work / "tokens" / name for name in names], codes=True)
            self._known = {language: Spoken(clips, rows)}
        return self._known[language]

    def _panel(self, language: str) -> Panel:
        if language not in self._panels:
            self._panels = {language: self._shared.hearing(language)}
        return self._panels[language]

    def _candidates(
        self, speaker: str, language: str, number: int = 0, taken: Container[str] = frozenset()
    ) -> list[TokenClip]:
        rate = self.bark.config.tokens.semantic_rate
        low, high = (round(seconds * rate) for seconds in self.wanted["seconds"])
        spoken = [clip for clip in self._spoken(language).clips if clip.voice == speaker and clip.id not in taken]
        fitting = [clip for clip in spoken if low <= len(clip.semantic) <= high]
        count: int = self.wanted["candidates"]
        chosen = fitting[number * count :][:count]
        if not chosen:
            raise OptionError(
                f"{', '.join(self._sets[language])}: too few clips of {speaker} of {self.wanted['seconds']} seconds"
            )
        return chosen

    def _natural(self, name: str, speaker: str, language: str) -> Speaker:
        """A clip that the judge understands wholly and that sounds most like the speaker's others."""
        candidates = self._candidates(speaker, language, taken=self._taken)
        rows = self._spoken(language).rows
        judgements = self._judged([rows[clip.id].audio() for clip in candidates], candidates, language)
        centre = np.mean([_embedding(each) for each in judgements], axis=0)
        chosen = candidates[self._best(judgements, candidates, centre, language)]
        self._taken.add(chosen.id)
        assert chosen.codes is not None
        n_coarse = self.bark.config.tokens.n_coarse
        return Speaker(Voice(name, chosen.semantic, chosen.codes[:n_coarse], chosen.codes), centre)

    def _revoiced(self, speaker: Speaker, candidates: Sequence[TokenClip], language: str) -> Voice:
        """Of the reader's clips in the speaker's voice, the one understood best and most like the speaker."""
        voices = [self._in_voice(clip, speaker.preset, seed) for seed, clip in enumerate(candidates)]
        judgements = self._judged([self._audio(voice) for voice in voices], candidates, language)
        return voices[self._best(judgements, candidates, speaker.centre, language)]

    def _in_voice(self, clip: TokenClip, voice: Voice, seed: int) -> Voice:
        options = self.bark.config.generation
        history = CoarseHistory(voice.semantic, voice.coarse)
        with self.bark.parts.coarse() as stage:
            coarse = stage.generate(
                clip.semantic, history, options=options.coarse, generator=stage_generator(seed, "coarse")
            )
            codes = np.concatenate(list(coarse), axis=1)
        with self.bark.parts.fine() as stage:
            fine = stage.generate(codes, voice.fine, options=options.fine, generator=stage_generator(seed, "fine"))
            return replace(voice, semantic=clip.semantic, coarse=codes, fine=np.concatenate(list(fine), axis=1))

    @torch.inference_mode()
    def _audio(self, voice: Voice) -> npt.NDArray[np.float32]:
        with self.bark.parts.codec() as codec:
            audio: npt.NDArray[np.float32] = codec.decode(torch.tensor(voice.fine)[None])[0].cpu().numpy()
        return audio

    def _judged(
        self, audio: Sequence[npt.NDArray[np.float32]], clips: Sequence[TokenClip], language: str
    ) -> list[Judgement]:
        rate, rows = self.bark.sample_rate, self._spoken(language).rows
        pairs = zip(audio, clips, strict=True)  # the row's text is the written one; a model may read another
        judged = [JudgedClip(sound, rows[clip.id].row["text"], clip.voice, rate) for sound, clip in pairs]
        return judge(judged, self._panel(language))

    def _best(
        self,
        judgements: Sequence[Judgement],
        clips: Sequence[TokenClip],
        centre: npt.NDArray[np.float32],
        language: str,
    ) -> int:
        rows = self._spoken(language).rows

        def rank(index: int) -> tuple[float, float]:
            row = rows[clips[index].id].row
            likeness = float(_embedding(judgements[index]) @ centre)
            return _misheard(judgements[index], row.get("said", row["text"]), language), -likeness

        return min(range(len(judgements)), key=rank)


def _misheard(judgement: Judgement, said: str, language: str) -> float:
    """Wrong words in English; elsewhere the share of wrong sounds, which Whisper base knows better than spelling."""
    if language == ENGLISH:
        assert judgement.words is not None
        return judgement.words.errors
    return edits(said, judgement.transcript or "", language).rate


def _by_language(value: Any) -> Mapping[str, Any]:
    """A table by language; what is none is of English."""
    return value if isinstance(value, Mapping) else {} if value is None else {ENGLISH: value}


def _embedding(judgement: Judgement) -> npt.NDArray[np.float32]:
    assert judgement.voice is not None
    return np.asarray(judgement.voice, np.float32)
