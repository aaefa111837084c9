"""How good the codec is: its speech beside what went in, and beside Opus, on four kinds of voices.

`python -m recipes.pup.codec_table --work work --out docs/results` writes `codec.md`, `codec.json` and pictures. What
the teachers say and what the judges heard is kept in the work folder, so a second run takes only what has changed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bark import Bark
from bark.checkpoints.native import load_weights
from bark.checkpoints.registry import find_checkpoint
from bark.codec.base import Codec
from bark.engine import CoarseHistory, stage_generator
from bark.errors import BarkError
from bark.evaluation.files import Audio, make_folder, write_json, write_text
from bark.evaluation.judges import cosine
from bark.evaluation.judging import Panel
from bark.evaluation.machine import load_average, this_machine
from bark.evaluation.metrics import Edits, word_edits
from bark.evaluation.normalize import normalizer
from bark.evaluation.remember import ROWS, Verdicts, remembering
from bark.models.config import from_mapping
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.training.audio_corpus import read_clips
from recipes.pup import fidelity
from recipes.pup.codec_clips import Sample, groups
from recipes.pup.codec_report import Outcome, markdown, row_figures
from recipes.pup.codec_speed import book_use, decoded, encoded, stream_difference, timings
from recipes.pup.pictures import sheet
from recipes.pup.whisper_features import ShortWhisper

COUNT = 24  # clips of a group
PICTURES = 10
TIMED = 10.0  # seconds of audio
OPUS = (12, 6)  # kbit/s
INPUT, SEMANTIC = "input", "semantic → coarse → fine"
SPOKEN = ("voices trained on",)  # groups that go through the semantic tokens too

Way = Callable[[Sample, Sample], Audio]  # a sample, and another of the same voice


@dataclass(frozen=True)
class System:
    """A way for speech to go.

    Attributes:
        way: from a sample, and another one in the same voice, to audio at the samples' rate.
        kbps: what its codes take; None for the input.
        aligned: whether what comes out is sample by sample what went in.
    """

    name: str
    way: Way
    kbps: float | None
    aligned: bool = True


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.pup.codec_table", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("work"), help="for audio and verdicts, in its `codec`")
    parser.add_argument("--model", help="name or folder of a checkpoint; without it pup")
    parser.add_argument("--kokoro-voices", type=Path, help="the file that `npm pack kokoro-js` writes")
    parser.add_argument("--real", type=Path, help="recordings: LANGUAGE_NAME.wav, .txt where the words are known")
    parser.add_argument("--corpus", type=Path, nargs="*", default=[], help="sets whose codes are counted too")
    parser.add_argument("--dnsmos", action="store_true", help="ask DNSMOS too")
    parser.add_argument("--clips", type=int, default=COUNT, help="of a group, at most")
    parser.add_argument("--out", type=Path, default=Path("work/codec"), help="where the table goes")
    arguments = parser.parse_args()
    try:
        run(arguments)
    except BarkError as error:
        sys.exit(f"codec_table: {error}")


def run(arguments: argparse.Namespace) -> None:
    """Makes the clips, judges them, and writes the table."""
    torch.set_num_threads(1)
    work, out = make_folder(arguments.work / "codec"), make_folder(arguments.out)
    voices = arguments.kokoro_voices or arguments.work / "kokoro-js-1.2.1.tgz"
    found = groups(work, voices, arguments.real, arguments.clips)
    bark = Bark(arguments.model, device="cpu", quantize="none")
    with bark.parts.codec() as codec:
        about = {"model": bark.config.name, "codebooks": codec.n_codebooks, **_properties(codec, found, arguments)}
        systems = [*_coded(codec), through_semantic(bark, arguments.model)]
        draw(codec, found, out)
    judges, outcomes = Judges(work, arguments.dnsmos), list[Outcome]()
    for group, samples in found.items():
        outcomes += judged(group, samples, systems, judges)
        write_json(out / "codec.json", {"about": about, "rows": row_figures(outcomes), "clips": _plain(outcomes)})
        write_text(out / "codec.md", markdown(outcomes, about))


def _coded(codec: Codec) -> list[System]:
    def through(books: int) -> Way:
        return lambda sample, other: _through(codec, sample.clip.audio, books)

    def opus(kbps: int) -> Way:
        return lambda sample, other: fidelity.opus(sample.clip.audio, kbps, sample.clip.sample_rate)[0]

    bits = codec.frame_rate * float(np.log2(codec.codebook_size)) / 1000
    return [
        System(INPUT, lambda sample, other: sample.clip.audio, None),
        *(System(f"{books} books", through(books), books * bits) for books in (codec.n_codebooks, 2)),
        *(System(f"Opus {kbps}", opus(kbps), kbps) for kbps in OPUS),
    ]


def _through(codec: Codec, audio: Audio, books: int) -> Audio:
    found: Audio = decoded(codec, encoded(codec, audio)[:, :books])[0].numpy()
    return found


def through_semantic(bark: Bark, model: str | None) -> System:
    """Speech as semantic tokens, and back by coarse, fine and codec, in the voice of another clip of the speaker."""
    tokenizer = load_tokenizer(bark, model)
    space, options = bark.config.tokens, bark.config.generation

    @torch.inference_mode()
    def way(sample: Sample, other: Sample) -> Audio:
        semantic, known = (tokenizer.encode(_tensor(part.clip.audio))[0].numpy() for part in (sample, other))
        with bark.parts.codec() as codec, bark.parts.coarse() as coarse, bark.parts.fine() as fine:
            voice = encoded(codec, other.clip.audio)[0].numpy()[
                :, : round(len(known) * space.frame_rate / space.semantic_rate)
            ]
            history = CoarseHistory(known, voice[: space.n_coarse])
            generator = stage_generator(0, "coarse")
            codes = list(coarse.generate(semantic, history, options=options.coarse, generator=generator))
            pieces = fine.generate(
                np.concatenate(codes, 1), voice, options=options.fine, generator=stage_generator(0, "fine")
            )
            found: Audio = decoded(codec, torch.from_numpy(np.concatenate(list(pieces), 1))[None])[0].numpy()
        return found

    bits = space.semantic_rate * float(np.log2(space.semantic_vocab)) / 1000
    return System(SEMANTIC, way, bits, aligned=False)


def load_tokenizer(bark: Bark, model: str | None) -> SemanticTokenizer:
    """The semantic tokenizer of a checkpoint.

    Raises:
        BarkError: it has none.
    """
    shape = bark.config.semantic_tokenizer
    if shape is None:
        raise BarkError(f"{bark.config.name} has no semantic tokenizer")
    tokenizer = SemanticTokenizer(from_mapping(SemanticTokenizerConfig, shape, "config.json: semantic_tokenizer"))
    load_weights(tokenizer, find_checkpoint(model or "pup") / "semantic_tokenizer.safetensors")
    return tokenizer.eval()


class Judges:
    """All who say something of a clip; what they said is kept in a folder."""

    def __init__(self, folder: Path, dnsmos: bool) -> None:
        loaded = replace(Panel.load(("speaker", "mos")), transcriber=ShortWhisper(), normalize=normalizer("en"))
        self._panel = remembering(loaded, folder, "en in 12 s")
        self._verdicts, self._noise = Verdicts(folder / ROWS), fidelity.NoiseJudge() if dnsmos else None

    def judge(self, group: str, system: System, sample: Sample, audio: Audio, heard: str | None) -> Outcome:
        """What they say of what came out.

        Args:
            group: of the sample.
            system: it went through.
            sample: what went in.
            audio: what came out.
            heard: what was understood of the sample; None for the sample itself.
        """
        rate, clip = sample.clip.sample_rate, replace(sample.clip, audio=audio)
        spoken = sample.language == "en"
        panel = self._panel if spoken else replace(self._panel, transcriber=None)
        verdict, before = panel.judge(clip), replace(self._panel, transcriber=None, mos=None).judge(sample.clip)
        assert verdict.mos is not None and verdict.voice is not None and before.voice is not None
        changed = None
        if verdict.transcript is not None and heard is not None:
            changed = word_edits(panel.normalize(heard), panel.normalize(verdict.transcript))
        return Outcome(
            group=group,
            system=system.name,
            kbps=system.kbps,
            voice=clip.voice,
            transcript=verdict.transcript,
            words=verdict.words if clip.text else None,
            changed=changed,
            mos=verdict.mos,
            dnsmos=self._noise_of(audio, rate),
            likeness=cosine(verdict.voice, before.voice),
            **(_distances(sample.clip.audio, audio, rate) if system.aligned else {}),
        )

    def _noise_of(self, audio: Audio, rate: int) -> float | None:
        noise = self._noise
        if noise is None:
            return None
        return float(self._verdicts.get("dnsmos", audio, rate, lambda: noise.estimate(audio, rate)))


def _distances(original: Audio, audio: Audio, rate: int) -> dict[str, float | None]:
    measures = {"pesq": fidelity.pesq, "stoi": fidelity.stoi, "mel": fidelity.mel_distance}
    return {name: measure(original, audio, rate) for name, measure in measures.items()}


def judged(group: str, samples: Sequence[Sample], systems: Sequence[System], judges: Judges) -> Iterator[Outcome]:
    """Outcomes of a group's samples in all systems, of which the first is the input."""
    heard: list[str | None] = [None] * len(samples)
    for system in systems:
        if system.name == SEMANTIC and group not in SPOKEN:
            continue
        started = time.time()
        for i, sample in enumerate(samples):
            outcome = judges.judge(group, system, sample, system.way(sample, _other(samples, i)), heard[i])
            heard[i] = heard[i] if system.name != INPUT else outcome.transcript
            yield outcome
        print(f"{group}: {system.name} in {time.time() - started:.0f} s", flush=True)


def _other(samples: Sequence[Sample], i: int) -> Sample:
    """The next clip of the same speaker, or the clip itself where there is no other."""
    turned = [*samples[i + 1 :], *samples[: i + 1]]
    return next(sample for sample in turned if sample.clip.voice == samples[i].clip.voice)


def _properties(
    codec: Codec, found: Mapping[str, Sequence[Sample]], arguments: argparse.Namespace
) -> dict[str, object]:
    """What the codec does whoever listens."""
    codes = [encoded(codec, sample.clip.audio) for samples in found.values() for sample in samples]
    frames = round(TIMED * codec.frame_rate)
    long = torch.cat(codes, 2)[:, :, :frames]
    about: dict[str, object] = {
        "machine": asdict(this_machine()),
        "load": load_average(),
        "speed": [asdict(timing) for timing in timings(codec, long)],
        "stream_difference": stream_difference(codec, codes[:: max(1, len(codes) // 12)]),
        "frames": sum(part.shape[2] for part in codes),
        "books": [asdict(use) for use in book_use(codec, codes)],
    }
    if arguments.corpus:
        counted = [encoded(codec, clip.audio()) for clip in read_clips(arguments.corpus)]
        about["corpus_frames"] = sum(part.shape[2] for part in counted)
        about["corpus_books"] = [asdict(use) for use in book_use(codec, counted)]
    return about


def draw(codec: Codec, found: Mapping[str, Sequence[Sample]], out: Path) -> None:
    """Two sheets of spectrograms, of clips from all groups."""
    each = -(-PICTURES // len(found))
    clips = [sample.clip for samples in found.values() for sample in samples[:: max(1, len(samples) // each)][:each]]
    for part, start in enumerate(range(0, PICTURES, PICTURES // 2), 1):
        chosen = clips[start : start + PICTURES // 2]
        columns = {
            INPUT: chosen,
            **{
                f"{books} books": [replace(clip, audio=_through(codec, clip.audio, books)) for clip in chosen]
                for books in (codec.n_codebooks, 2)
            },
        }
        sheet(columns, out / f"codec-{part}.png")


def _plain(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    return [{name: _rounded(value) for name, value in asdict(outcome).items()} for outcome in outcomes]


def _rounded(value: object) -> object:
    if isinstance(value, Edits):
        return asdict(value)
    return round(value, 4) if isinstance(value, float) else value


def _tensor(audio: Audio) -> torch.Tensor:
    return torch.from_numpy(np.array(audio, np.float32))[None]


if __name__ == "__main__":
    main()
