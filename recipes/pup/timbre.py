"""What presets sound like: of clips that the teacher says in a preset's voice, the one in which a model sounds best.

The coarse and the fine stage go on as the clip sounds, its noise and its roughness too, and some clips of a voice sound
worse than others once the codec has had them. So for each preset the teacher says some sentences. Of those that sound
best through the codec, and of the clip that the preset has, the one is kept in which the model's own sentences
sound best and most like the speaker:

    python -m recipes.pup.timbre --config recipes/pup/configs/world.toml --checkpoint FOLDER --languages en tr

writes the presets of the checkpoint anew, and what was found to `timbre/` of the work folder; presets that are there
are not tried again. The semantic stage goes on as before, so what is said stays the same, token for token.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bark import Bark
from bark.audio.loudness import normalize
from bark.engine import CoarseHistory, stage_generator
from bark.errors import BarkError, OptionError
from bark.evaluation.files import Audio, make_folder, write_json
from bark.evaluation.judges import Embedding, cosine
from bark.evaluation.judging import Panel
from bark.evaluation.teachers import Teacher
from bark.parts import Parts
from bark.text.duration import expected_duration
from bark.text.prepare import prepared
from bark.tokens import IntArray
from bark.training.run import read_settings
from bark.voices import Voice
from bark.voices.create import LOUDNESS
from recipes.pup.corpus import SAMPLE_RATE, teacher_of, trim
from recipes.pup.evaluate import KOKORO_VOICES, presets_of
from recipes.pup.texts import own_sentences

MARGIN = 0.1  # seconds of silence at either end
SECONDS = 2.8, 5.0  # of a clip: the coarse stage reads 3.2 s of it
NATIVE = {"a": "en", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt", "z": "zh"}
LIKENESS = 5.0  # MOS that a cosine of 1 is worth: a hundredth of it as much as 0.05
KEPT = 0.1  # and how much better than the preset's own another clip must be


@dataclass(frozen=True)
class Tried:
    """A clip, and how the model sounds that goes on from it; means of all sentences.

    Attributes:
        clip: what is said in it; "" for the preset's own.
        through_codec: MOS of the clip itself.
        mos: of the model's sentences.
        likeness: cosine of these to the teacher's own clips of the voice.
    """

    clip: str
    through_codec: float
    mos: float
    likeness: float


@dataclass(frozen=True)
class Clip:
    """A voice that sounds as a clip does.

    Attributes:
        text: what is said in it; "" for the preset's own.
        voice: the preset with it.
        mos: of the clip itself, through the codec.
    """

    text: str
    voice: Voice
    mos: float


class Timbre:
    """Tries clips of one language's presets.

    Args:
        parts: of the model.
        teacher: of a language.
        panel: with judges of speakers and of MOS.
        language: of the presets.
        clips: that the teacher says of each voice.
        tried: of these, beside the preset's own.
        sentences: that the model says with each.
    """

    def __init__(
        self,
        parts: Parts,
        teacher: Callable[[str], Teacher],
        panel: Panel,
        language: str,
        clips: int = 8,
        tried: int = 3,
        sentences: int = 5,
    ) -> None:
        self.parts = parts
        self.panel = panel
        self.language = language
        self.clips = clips
        self.tried = tried
        self._teacher = teacher
        self._texts = own_sentences(language)[-sentences:]

    def best(self, preset: Voice, speaker: str, number: int) -> tuple[Voice, list[Tried]]:
        """The preset, with another clip where one is better, and what came of each, the preset's own first.

        Args:
            preset: as it is.
            speaker: the teacher's name of its voice.
            number: of the preset; each says sentences of its own.
        """
        spoken = list(self._spoken(speaker, number))
        centre = np.mean([self._embedding(audio) for _, audio in spoken], axis=0)
        found = [self._clip(text, self._voice(preset, audio)) for text, audio in spoken]
        found.sort(key=lambda clip: -clip.mos)
        lines = [self._semantic(text, preset, seed) for seed, text in enumerate(self._texts)]
        clips = [self._clip("", preset), *found[: self.tried]]
        heard = [Tried(clip.text, clip.mos, *self._heard(clip.voice, lines, centre)) for clip in clips]
        return clips[choice(heard)].voice, heard

    def _spoken(self, speaker: str, number: int) -> Iterator[tuple[str, Audio]]:
        """What the teacher says in the voice, in the preset's language and, every other clip, in the voice's own."""
        languages = dict.fromkeys([NATIVE.get(speaker[0], self.language), self.language])
        sources = [self._clips(language, speaker, number) for language in languages]
        for index in range(self.clips):
            clip = next(sources[index % len(sources)], None)
            if clip is not None:
                yield clip

    def _clips(self, language: str, speaker: str, number: int) -> Iterator[tuple[str, Audio]]:
        texts, teacher = own_sentences(language), self._teacher(language)
        low, high = SECONDS
        for text in texts[number * len(texts) // 12 :]:
            if not low <= expected_duration(text) <= high:
                continue
            spoken = teacher.say(text, speaker, 1.0, 0)
            audio = None if spoken is None else trim(spoken, MARGIN)[0]
            if audio is not None and low <= len(audio) / SAMPLE_RATE <= high:
                yield text, normalize(audio, SAMPLE_RATE, LOUDNESS)

    @torch.inference_mode()
    def _voice(self, preset: Voice, audio: Audio) -> Voice:
        """The preset with the sound of this clip."""
        batch = torch.from_numpy(np.ascontiguousarray(audio))[None]
        with self.parts.semantic_tokenizer() as tokenizer:
            semantic: IntArray = tokenizer.encode(batch)[0].numpy()
        with self.parts.codec() as codec:
            codes: IntArray = codec.encode(batch)[0].numpy()
        coarse = codes[: self.parts.config.tokens.n_coarse]
        return replace(preset, semantic=semantic, coarse=coarse, fine=codes, manner=preset.reading)

    def _semantic(self, text: str, preset: Voice, seed: int) -> IntArray:
        options = self.parts.config.generation
        ids = self.parts.tokenizer.encode(prepared(text, self.parts.config.text, self.language))
        with self.parts.semantic() as stage:
            generator = stage_generator(seed, "semantic")
            return np.array(list(stage.generate(ids, preset.reading, options=options.semantic, generator=generator)))

    def _clip(self, text: str, voice: Voice) -> Clip:
        return Clip(text, voice, self._mos(self._decoded(voice.fine)))

    def _heard(self, voice: Voice, lines: Sequence[IntArray], centre: Embedding) -> tuple[float, float]:
        audio = [self._said(line, voice, seed) for seed, line in enumerate(lines)]
        likeness = [cosine(self._embedding(each), centre) for each in audio]
        return float(np.mean([self._mos(each) for each in audio])), float(np.mean(likeness))

    def _said(self, semantic: IntArray, voice: Voice, seed: int) -> Audio:
        options, history = self.parts.config.generation, CoarseHistory(voice.semantic, voice.coarse)
        draws = {stage: stage_generator(seed, stage) for stage in ("coarse", "fine")}
        with self.parts.coarse() as coarse:
            codes = list(coarse.generate(semantic, history, options=options.coarse, generator=draws["coarse"]))
        with self.parts.fine() as fine:
            every = list(fine.generate(codes, voice.fine, options=options.fine, generator=draws["fine"]))
        return self._decoded(np.concatenate(every, axis=1))

    @torch.inference_mode()
    def _decoded(self, codes: IntArray) -> Audio:
        with self.parts.codec() as codec:
            audio: Audio = codec.decode(torch.tensor(codes)[None])[0].cpu().numpy()
        return audio

    def _mos(self, audio: Audio) -> float:
        assert self.panel.mos is not None
        return self.panel.mos.estimate(audio, SAMPLE_RATE)

    def _embedding(self, audio: Audio) -> Embedding:
        assert self.panel.speaker is not None
        return self.panel.speaker.embed(audio, SAMPLE_RATE)


def choice(heard: Sequence[Tried]) -> int:
    """Which clip to keep; 0 is the preset's own, and stays unless another is better by enough."""
    worth = [each.mos + LIKENESS * each.likeness for each in heard]
    best = int(np.argmax(worth))
    return best if worth[best] > worth[0] + KEPT else 0


def refine(
    config: Mapping[str, Any], work: Path, checkpoint: Path, voices: Path, languages: Sequence[str], **sizes: int
) -> Iterator[tuple[str, list[Tried]]]:
    """Each preset's name and what was tried; those with a better clip are written into the checkpoint.

    Args:
        config: the recipe's.
        work: folder of the recipe, in whose `timbre` what is found stays.
        checkpoint: a folder.
        voices: the file that `npm pack kokoro-js` writes.
        languages: of the presets; none for all.
        sizes: `clips`, `tried` and `sentences` of `Timbre`.

    Raises:
        OptionError: a language has no presets, or the model speaks at another rate than the teacher.
        BarkError: the model, the teacher or a judge can't be loaded.
    """
    bark, folder = Bark(checkpoint, device="cpu"), make_folder(work / "timbre")
    if bark.sample_rate != SAMPLE_RATE:
        raise OptionError(f"{bark} speaks at {bark.sample_rate} Hz, the teacher at {SAMPLE_RATE}")
    panel = Panel.load(("speaker", "mos"))
    for language, presets in presets_of(config, languages).items():
        timbre = Timbre(bark.parts, lambda code: teacher_of("kokoro", voices, code), panel, language, **sizes)
        for number, (name, speaker) in enumerate(presets.items()):
            report = folder / f"{name.replace('/', '_')}.json"
            if report.exists():
                continue
            preset, heard = timbre.best(bark.voices.load(name), speaker, number)
            if choice(heard):
                preset.save(checkpoint / "voices" / f"{name}.npz")
            write_json(report, [vars(each) for each in heard])
            yield name, heard


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m recipes.pup.timbre", description=__doc__.split("\n")[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--checkpoint", type=Path, help="whose presets; else WORK/checkpoint")
    parser.add_argument("--kokoro-voices", type=Path, help="the file that `npm pack kokoro-js` writes")
    parser.add_argument("--languages", nargs="+", default=[], help="else all that have presets")
    parser.add_argument("--clips", type=int, default=8, help="that the teacher says of each voice")
    parser.add_argument("--tried", type=int, default=3, help="of these, beside the preset's own")
    parser.add_argument("--sentences", type=int, default=5, help="that the model says with each")
    arguments = parser.parse_args(argv)
    sizes = {name: getattr(arguments, name) for name in ("clips", "tried", "sentences")}
    checkpoint = arguments.checkpoint or arguments.work / "checkpoint"
    voices = arguments.kokoro_voices or arguments.work / KOKORO_VOICES
    try:
        config = read_settings(arguments.config)
        for name, heard in refine(config, arguments.work, checkpoint, voices, arguments.languages, **sizes):
            kept = choice(heard)
            shown = "  ".join(f"{each.through_codec:.2f} {each.mos:.2f} {each.likeness:.3f}" for each in heard)
            print(f"{name}: {kept} of  {shown}", flush=True)
    except BarkError as error:
        print(f"timbre: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
