"""How exact the times of words are: those that a model tells, beside those that its teacher knew.

A teacher says with each clip how long every phoneme lasts. The true text and the true semantic tokens of clips that
were kept from training go through `bark.captions.words`, and each word's start and end are held against its phonemes';
`python -m recipes.pup.timing --work work` prints the table in docs/captions.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bark import Bark, Voice
from bark.captions.cue import Cue
from bark.captions.sound import Sound
from bark.captions.words import estimated, words_of
from bark.engine.alignment import Alignment, align
from bark.errors import BarkError
from bark.parts import Parts
from bark.result import Tokens
from bark.text.words import word_spans
from bark.training.alignment import STRESS, UNIT
from bark.training.audio_corpus import Clip, read_clips
from bark.training.tokenized import TokenClip, read_tokens

SETS = ("kokoro-en", "kokoro-us", "hibari-en")
RATE = 24_000
LENGTH = "ː"
MOST = 200  # clips of a set
COSTED = 20  # clips that the semantic stage says itself, to see what that takes

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """A clip that was kept from training, as an utterance of which the times are known.

    Attributes:
        clip: with its audio.
        spoken: the same as tokens.
        voice: an earlier utterance of the same speaker, or None.
    """

    clip: Clip
    spoken: TokenClip
    voice: Voice | None = None
    sample_rate: int = RATE
    start: float = 0.0
    speaker: str | None = None

    @property
    def text(self) -> str:
        """What is said."""
        return self.spoken.text

    @property
    def audio(self) -> npt.NDArray[np.float32]:
        """[T] in [−1, 1]."""
        return self.clip.audio()

    @property
    def tokens(self) -> Tokens:
        """Those of the first stage."""
        none = np.zeros((0, 0), np.int64)
        return Tokens(self.spoken.semantic, none, none)


@dataclass
class Errors:
    """Seconds by which times of words are late."""

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    def add(self, found: Times, true: Times) -> None:
        """Takes in the words of an utterance, [W, 2] each."""
        self.starts += (found - true)[:, 0].tolist()
        self.ends += (found - true)[:, 1].tolist()

    def row(self) -> str:
        """Number of words; median and 90th percentile of |error|, and the median error, of starts and ends, in ms."""
        cells = [str(len(self.starts))]
        for late in (self.starts, self.ends):
            ms = np.asarray(late) * 1000
            size = np.abs(ms)
            cells += [f"{np.median(size):.0f}", f"{np.quantile(size, 0.9):.0f}", f"{np.median(ms):+.0f}"]
        return " | ".join(cells)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.pup.timing", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder with corpus and tokens")
    parser.add_argument("--model", help="name or folder of a checkpoint; without it pup")
    parser.add_argument("--sets", nargs="*", default=SETS, help="of the corpus")
    parser.add_argument("--clips", type=int, default=MOST, help="of each set, at most")
    try:
        measure(**vars(parser.parse_args()))
    except BarkError as error:
        sys.exit(f"timing: {error}")


def measure(work: Path, model: str | None, sets: Sequence[str], clips: int) -> None:
    """Prints a row for each precision, without a voice and with one, and one for estimated times."""
    held, costs = list(held_out(work, sets, clips)), []
    print("| times | weights | voice | words | start: median | 90 % | bias | end: median | 90 % | bias | ms a second |")
    print("|" + " --- |" * 11)
    for quantize in ("int8", "none"):
        weights = "float32" if quantize == "none" else quantize
        parts = Bark(model, device="cpu", quantize=quantize).parts
        parts.load("semantic")
        for voiced in (False, True):
            _print_told(parts, weights, voiced, held)
        costs.append(f"{1000 * stage_cost(parts, held):.0f} in {weights}")
    errors = Errors()
    for each in held:
        sound = Sound(each.audio, RATE)
        errors.add(estimated(each.text, word_spans(each.text), sound), phoneme_times(each.clip, sound))
    print(f"| estimated | – | – | {errors.row()} | – |")
    print_doubts(parts, held)
    print(f"ms of computing for a second of speech; the semantic stage itself takes {' and '.join(costs)}")


def stage_cost(parts: Parts, held: Sequence[Held]) -> float:
    """Seconds of computing that the semantic stage itself takes for one of speech."""
    spent, steps = 0.0, 0
    for each in held[:: max(1, len(held) // COSTED)]:
        with parts.semantic() as stage:
            began = time.process_time()
            history = each.voice.semantic if each.voice else None
            text = parts.tokenizer.encode(each.text)[: stage.text_length]
            steps += len(list(stage.generate(text, history, options=parts.config.generation.semantic)))
            spent += time.process_time() - began
    return spent * parts.config.tokens.semantic_rate / max(1, steps)


def held_out(work: Path, sets: Sequence[str], clips: int) -> Iterator[Held]:
    """Clips kept from training whose words match their phonemes', each with a voice.

    Raises:
        TrainingError: a set has no audio or no tokens.
    """
    for name in sets:
        spoken = {each.id: each for each in read_tokens([work / "tokens" / name], codes=False)}
        voices: dict[str, Voice] = {}
        found = [clip for clip in read_clips([work / "corpus" / name], held_out=True) if _known(clip, spoken)]
        for clip in found[-clips:]:
            tokens = spoken[clip.row["id"]]
            yield Held(clip, tokens, voices.get(tokens.voice))
            voices[tokens.voice] = _voice(tokens)


def print_doubts(parts: Parts, held: Sequence[Held]) -> None:
    """Prints how many utterances look doubtful: as they are, with two words said twice, and with the last two cut."""
    found: dict[str, list[Alignment]] = {"as they are": [], "two words twice": [], "cut before two words": []}
    for each in held:
        words, said = word_spans(each.text), each.spoken.semantic
        if len(words) < 4 or len(said) > parts.config.semantic_layout.max_steps * 0.8:
            continue
        edges = [round(word.start * parts.config.tokens.semantic_rate) for word in words_of(parts, each).words]
        twice = np.concatenate([said[: edges[3]], said[edges[1] :]])
        with parts.semantic() as stage:
            text = parts.tokenizer.encode(each.text)[: stage.text_length]
            for tokens, alignments in zip((said, twice, said[: edges[-2]]), found.values(), strict=True):
                if alignment := align(stage, text, each.voice.semantic if each.voice else None, tokens):
                    alignments.append(alignment)
    for name, alignments in found.items():
        back = sum(alignment.setback > 0 for alignment in alignments)
        unreached = sum(alignment.unreached > 0 for alignment in alignments)
        print(f"{name}: {len(alignments)} utterances, {back} with a setback, {unreached} unreached at the end")


def phoneme_times(clip: Clip, sound: Sound) -> Times:
    """Seconds of each word [W, 2], from its first phoneme's start to its last one's end, without silence.

    The teacher counts a pause to the phoneme before it, so what is silent is left out, here as in what is measured.
    """
    edges = (np.cumsum([0, *clip.row["durations"]]) * UNIT - clip.row["trim_start"]) / RATE
    phonemes = clip.row["phonemes"]
    times, place = [], 0
    for word in phonemes.split():
        place = phonemes.index(word, place)
        own = [i for i, sign in enumerate(word, place) if sign.isalpha() or sign in STRESS + LENGTH]
        times.append(sound.within(edges[own[0] + 1], edges[own[-1] + 2]))
        place += len(word)
    return np.array(times)


def _known(clip: Clip, spoken: dict[str, TokenClip]) -> bool:
    """Whether a clip has tokens, and its words are those of its phonemes, one to one."""
    text, phonemes = clip.row["text"], clip.row.get("phonemes", "").split()
    words = [text[start:end] for start, end in word_spans(text)]
    if clip.row["id"] not in spoken or words != text.split() or len(words) != len(phonemes):
        return False
    return all(any(sign.isalpha() for sign in word) for word in phonemes)


def _voice(tokens: TokenClip) -> Voice:
    none = np.zeros((2, len(tokens.semantic) * 2), np.int64)
    return Voice(tokens.voice, tokens.semantic, none, np.zeros((8, none.shape[1]), np.int64))


def _print_told(parts: Parts, weights: str, voiced: bool, held: Sequence[Held]) -> None:
    errors, spent, seconds = Errors(), 0.0, 0.0
    for each in held:
        if (voiced and each.voice is None) or len(each.spoken.semantic) > parts.config.semantic_layout.max_steps:
            continue
        utterance = each if voiced else Held(each.clip, each.spoken)
        began = time.process_time()
        cue = words_of(parts, utterance)
        spent += time.process_time() - began
        seconds += len(each.audio) / RATE
        errors.add(_times(cue), phoneme_times(each.clip, Sound(each.audio, RATE)))
    named = "told" if parts.config.alignment_heads else "estimated"
    cost = f"{1000 * spent / seconds:.1f}" if seconds else "–"
    print(f"| {named} | {weights} | {'yes' if voiced else 'no'} | {errors.row()} | {cost} |", flush=True)


def _times(cue: Cue) -> Times:
    return np.array([[word.start, word.end] for word in cue.words])


if __name__ == "__main__":
    main()
