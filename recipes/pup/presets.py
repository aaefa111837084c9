"""The voices that come with pup: clips of the teacher's speakers, as presets.

The semantic stage goes on as the preset began, and it is understood best in the manner of the speaker of whom it has
heard most. So the presets of the others may take that speaker's semantic tokens (`reader` in the recipe), and the
codes that the coarse and the fine model make of these in the speaker's own voice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bark import Bark
from bark.engine import CoarseHistory, stage_generator
from bark.evaluation.judging import Clip as JudgedClip
from bark.evaluation.judging import Judgement, Panel, judge
from bark.training.audio_corpus import read_clips
from bark.training.tokenized import TokenClip, read_tokens
from bark.voices import Voice


@dataclass(frozen=True)
class Speaker:
    """A clip of a speaker, and how the speaker sounds: the mean embedding of several clips."""

    preset: Voice
    centre: npt.NDArray[np.float32]


class Presets:
    """Makes presets of tokenised clips.

    Args:
        wanted: the recipe's `voices`.
        work: folder of the recipe.
        bark: the model, for revoicing.
    """

    def __init__(self, wanted: Mapping[str, Any], work: Path, bark: Bark) -> None:
        self.wanted = wanted
        self.bark = bark
        self._corpora = [work / "corpus" / name for name in wanted["sets"]]
        self._clips = read_tokens([work / "tokens" / name for name in wanted["sets"]], codes=True)
        self._panel = Panel.load(("words", "speaker"))

    def make(self, name: str, speaker: str, number: int) -> Voice:
        """The preset of a speaker.

        Args:
            name: of the preset.
            speaker: the teacher's name for who speaks.
            number: of the preset; each number has clips of the reader of its own.
        """
        natural = self._natural(name, speaker)
        reader = self.wanted.get("reader", speaker)
        return natural.preset if reader == speaker else self._revoiced(natural, self._candidates(reader, number))

    def _candidates(self, speaker: str, number: int = 0) -> list[TokenClip]:
        rate = self.bark.config.tokens.semantic_rate
        low, high = (round(seconds * rate) for seconds in self.wanted["seconds"])
        fitting = [clip for clip in self._clips if clip.voice == speaker and low <= len(clip.semantic) <= high]
        count: int = self.wanted["candidates"]
        chosen = fitting[number * count :][:count]
        if not chosen:
            raise SystemExit(
                f"{', '.join(self.wanted['sets'])}: too few clips of {speaker} of {self.wanted['seconds']} seconds"
            )
        return chosen

    def _natural(self, name: str, speaker: str) -> Speaker:
        """A clip that the judge understands wholly and that sounds most like the speaker's others."""
        candidates = self._candidates(speaker)
        ids = {clip.id for clip in candidates}
        audio = {clip.row["id"]: clip.audio() for clip in read_clips(self._corpora) if clip.row["id"] in ids}
        judgements = self._judged([audio[clip.id] for clip in candidates], candidates)
        centre = np.mean([_embedding(each) for each in judgements], axis=0)
        chosen = candidates[_best(judgements, centre)]
        assert chosen.codes is not None
        n_coarse = self.bark.config.tokens.n_coarse
        return Speaker(Voice(name, chosen.semantic, chosen.codes[:n_coarse], chosen.codes), centre)

    def _revoiced(self, speaker: Speaker, candidates: Sequence[TokenClip]) -> Voice:
        """Of the reader's clips in the speaker's voice, the one understood best and most like the speaker."""
        voices = [self._in_voice(clip, speaker.preset, seed) for seed, clip in enumerate(candidates)]
        judgements = self._judged([self._audio(voice) for voice in voices], candidates)
        return voices[_best(judgements, speaker.centre)]

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

    def _judged(self, audio: Sequence[npt.NDArray[np.float32]], clips: Sequence[TokenClip]) -> list[Judgement]:
        rate = self.bark.sample_rate
        pairs = zip(audio, clips, strict=True)
        return judge([JudgedClip(sound, clip.text, clip.voice, rate) for sound, clip in pairs], self._panel)


def _best(judgements: Sequence[Judgement], centre: npt.NDArray[np.float32]) -> int:
    def rank(index: int) -> tuple[int, float]:
        words = judgements[index].words
        assert words is not None
        return words.errors, -float(_embedding(judgements[index]) @ centre)

    return min(range(len(judgements)), key=rank)


def _embedding(judgement: Judgement) -> npt.NDArray[np.float32]:
    assert judgement.voice is not None
    return np.asarray(judgement.voice, np.float32)
