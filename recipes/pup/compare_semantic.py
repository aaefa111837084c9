"""Which semantic tokens are worth most: candidates on the same clips, with the same small models, for the same steps.

`python -m recipes.pup.compare_semantic --work work --out docs/results` writes `semantic.md` and `semantic.json`. It
reads `work/corpus/hibari-en`, whose phonemes are known, and `work/corpus/ready-en`, whose voices are several. All that
is made is kept in `work/semantic`; a run that was stopped goes on after the last model that was done.

Of each candidate: a small ConvNeXt learns to make the codec's latent of the tokens and the speaker's name
(resynthesis), a small GPT learns to say them from phonemes, a probe learns to tell the speaker. Phonemes stand in for
text, so that spelling, which two hours can't teach, costs nobody.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bark import Bark
from bark.checkpoints.native import load_weights
from bark.codec.pup import PupCodec
from bark.errors import BarkError
from bark.evaluation.files import Audio, make_folder, write_json, write_text
from bark.evaluation.metrics import Edits, interval, total, word_edits
from bark.evaluation.normalize import normalizer
from bark.evaluation.teachers import HibariTeacher
from bark.models.config import ModelConfig
from bark.models.gpt import GPT
from bark.text.tokenizer import TextTokenizer
from bark.tokens import IntArray
from bark.training.alignment import IGNORED, pitch
from bark.training.audio_corpus import Clip, read_clips
from bark.training.loop import Task
from bark.training.semantic import SemanticTask, SemanticTaskConfig
from bark.training.semantic_tokenizer import ENGLISH
from bark.training.tokenized import TokenClip, spoken_characters
from recipes.pup import texts
from recipes.pup.codec_clips import Sample, trained
from recipes.pup.codec_speed import encoded
from recipes.pup.codec_table import load_tokenizer
from recipes.pup.semantic_candidates import (
    SAMPLE_RATE,
    Candidate,
    FeatureTokenizer,
    FeatureTokenizerTask,
    Means,
    Shipped,
    Utterance,
    spoken_classes,
)
from recipes.pup.semantic_models import (
    ResynthesisTask,
    learn,
    phoneme_text,
    phoneme_tokenizer,
    say,
    speaker_accuracy,
    text_model,
)
from recipes.pup.semantic_report import Row, markdown
from recipes.pup.whisper_features import FRAME_RATE, ShortWhisper, keep_features

ALIGNED, MANY = "hibari-en", "ready-en"
READER = "af_heart"
NAMES = ("pup", "whisper-50", "whisper-25", "whisper-fsq")
HELD_OUT = 12  # one aligned clip in so many is not trained on
FIRST_SENTENCE = 100  # of the evaluation's, of those that the text models say


@dataclass(frozen=True)
class Lab:
    """All that the candidates share."""

    work: Path
    bark: Bark
    codec: PupCodec
    whisper: ShortWhisper
    utterances: Sequence[Utterance]
    tests: Sequence[Sample]
    steps: int
    text_steps: int

    def train(self, task: Task, name: str, steps: int, lr: float) -> Path:
        """Trains a task for some steps if that wasn't done before; returns the folder of its weights."""
        folder, started = self.work / name, time.process_time()
        if not any(folder.glob("*.safetensors")):
            learn(task, steps, lr)
            task.export(make_folder(folder))
            print(f"{name}: {time.process_time() - started:.0f} s of computing", flush=True)
        return folder


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.pup.compare_semantic", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--model", help="name or folder of a checkpoint; without it pup")
    parser.add_argument("--kokoro-voices", type=Path, help="the file that `npm pack kokoro-js` writes")
    parser.add_argument("--only", nargs="*", default=NAMES, help=f"{', '.join(NAMES)}, or folders of checkpoints")
    parser.add_argument("--shards", type=int, nargs=2, default=[5, 4], help=f"of {ALIGNED} and of {MANY}")
    parser.add_argument(
        "--steps", type=int, default=600, help="of the resynthesis, and of whisper-fsq; 0 trains nothing"
    )
    parser.add_argument("--text-steps", type=int, default=500, help="of the text model")
    parser.add_argument("--clips", type=int, default=24, help="that are judged")
    parser.add_argument("--out", type=Path, default=Path("work/semantic"), help="where the table goes")
    arguments = parser.parse_args()
    try:
        run(arguments)
    except BarkError as error:
        sys.exit(f"compare_semantic: {error}")


def run(arguments: argparse.Namespace) -> None:
    """Takes the candidates one after another, and writes the table anew after each."""
    torch.set_num_threads(1)
    work, out = make_folder(arguments.work / "semantic"), make_folder(arguments.out)
    voices = arguments.kokoro_voices or arguments.work / "kokoro-js-1.2.1.tgz"
    bark, whisper = Bark(arguments.model, device="cpu", quantize="none"), ShortWhisper()
    tests = trained(make_folder(arguments.work / "codec"), voices, arguments.clips) if arguments.steps else []
    with bark.parts.codec() as codec:
        assert isinstance(codec, PupCodec)
        utterances = list(_utterances(arguments.work / "corpus", work, arguments.shards, codec, whisper))
    heard = {u.voice for u in utterances}  # resynthesis knows no others
    tests = [test for test in tests if test.clip.voice in heard]
    lab = Lab(work, bark, codec, whisper, utterances, tests, arguments.steps, arguments.text_steps)
    hours = {
        name: sum(u.clip.row["samples"] for u in utterances if _set(u) == name) / SAMPLE_RATE / 3600
        for name in (ALIGNED, MANY)
    }
    about = {
        "model": bark.config.name,
        "steps": lab.steps,
        "text_steps": lab.text_steps,
        "clips": len(tests),
        "hours": hours,
    }
    books = [u.codes[0].astype(np.int64) for u in utterances if _set(u) == MANY]
    about["codec_speaker"] = speaker_accuracy(books, _speakers(lab))
    about["speakers"] = len(set(_speakers(lab)))
    rows: list[Row] = []
    for name in arguments.only:
        if name == FeatureTokenizer.name and not arguments.steps:
            continue
        rows.append(compare(lab, name, arguments.model))
        write_json(out / "semantic.json", {"about": about, "rows": [asdict(row) for row in rows]})
        write_text(out / "semantic.md", markdown(rows, about))


def compare(lab: Lab, name: str, model: str | None) -> Row:
    """Trains and measures all of one candidate."""
    candidate = _candidate(lab, name, model)
    tokens = _kept_tokens(lab, candidate)
    many = [t for t, u in zip(tokens, lab.utterances, strict=True) if _set(u) == MANY]
    share = np.bincount(np.concatenate(tokens), minlength=candidate.vocab) / sum(map(len, tokens))
    seen = share[share > 0]
    row = Row(
        name=name,
        rate=candidate.rate,
        bits=candidate.rate * math.log2(candidate.vocab),
        entropy=candidate.rate * float(-(seen * np.log2(seen)).sum()),
        used=len(seen) / candidate.vocab,
        phonemes=phoneme_accuracy(tokens, lab.utterances, candidate.rate),
        speaker=speaker_accuracy(many, _speakers(lab)),
    )
    return replace(row, **_trained(lab, candidate, tokens)) if lab.steps else row


def _trained(lab: Lab, candidate: Candidate, tokens: Sequence[IntArray]) -> dict[str, Any]:
    """What takes a training to know."""
    resynthesis = _resynthesis(lab, candidate, tokens)
    words, pitches = _resynthesised(lab, candidate, resynthesis)
    text_bits, said = _text(lab, candidate, tokens, resynthesis)
    return {
        "input_wer": total(_heard(lab, sample.clip.audio, sample.clip.text) for sample in lab.tests).rate,
        "wer": total(words).rate,
        "wer_interval": interval(words),
        "pitch": float(np.mean(pitches)),
        "text_bits": text_bits,
        "text_wer": total(said).rate,
        "text_interval": interval(said),
    }


def phoneme_accuracy(tokens: Sequence[IntArray], utterances: Sequence[Utterance], rate: int) -> float:
    """Share of moments in clips held out whose phoneme is the one that their token has most often in the others."""
    asked, hop = [], SAMPLE_RATE // rate
    counts = np.zeros((1 + max(int(said.max()) for said in tokens), len(ENGLISH) + 2))
    for index, (said, utterance) in enumerate(zip(tokens, utterances, strict=True)):
        if _set(utterance) != ALIGNED:
            continue
        classes = spoken_classes(utterance.clip, np.arange(len(said)) * hop + hop // 2)
        known = classes != IGNORED
        if index % 4:
            np.add.at(counts, (said[known], classes[known]), 1)
        else:
            asked.append((said[known], classes[known]))
    said, classes = (np.concatenate(part) for part in zip(*asked, strict=True))
    return float((counts.argmax(1)[said] == classes).mean())


def _candidate(lab: Lab, name: str, model: str | None) -> Candidate:
    if name == "pup":
        return Shipped(name, load_tokenizer(lab.bark, model))
    if Path(name).is_dir():
        return Shipped(Path(name).absolute().name, load_tokenizer(Bark(name, device="cpu"), name))
    if name.startswith("whisper-") and name != "whisper-fsq":
        return Means(int(name.removeprefix("whisper-")), lab.utterances)
    if name != "whisper-fsq":
        raise BarkError(f"there is no candidate {name!r}; there are {', '.join(NAMES)}, and folders")
    folder = lab.train(FeatureTokenizerTask(lab.utterances), name, lab.steps, 2e-3)
    tokenizer = FeatureTokenizer()
    load_weights(tokenizer, folder / "tokenizer.safetensors")
    return tokenizer.eval()


def _kept_tokens(lab: Lab, candidate: Candidate) -> list[IntArray]:
    """Tokens of all utterances."""
    path = lab.work / f"{candidate.name}.npz"
    if not path.exists():
        found = [candidate.encode(u.clip.audio(), u.features) for u in lab.utterances]
        np.savez(path, splits=np.cumsum([0, *map(len, found)]), tokens=np.concatenate(found).astype(np.int16))
    kept = np.load(path)
    return np.split(kept["tokens"].astype(np.int64), kept["splits"][1:-1])


def _resynthesis(lab: Lab, candidate: Candidate, tokens: Sequence[IntArray]) -> ResynthesisTask:
    chosen = [(t, u) for i, (t, u) in enumerate(zip(tokens, lab.utterances, strict=True)) if not _held_out(i)]
    task = ResynthesisTask(
        [t for t, _ in chosen],
        [u.codes for _, u in chosen],
        [u.voice for _, u in chosen],
        candidate.rate,
        lab.codec,
        vocab=candidate.vocab,
    )
    folder = lab.train(task, f"{candidate.name}-resynthesis", lab.steps, 2e-3)
    load_weights(task, folder / "resynthesis.safetensors")
    return task.eval()


def _resynthesised(lab: Lab, candidate: Candidate, model: ResynthesisTask) -> tuple[list[Edits], list[float]]:
    """Wrong words of the test clips made of their own tokens, and how their pitch follows."""
    words, pitches = [], []
    for sample in lab.tests:
        clip = sample.clip
        tokens = candidate.encode(clip.audio, lab.whisper.features(clip.audio, clip.sample_rate))
        audio = model.speak(tokens, clip.voice)
        words.append(_heard(lab, audio, clip.text))
        pitches.append(pitch_likeness(clip.audio, audio))
    return words, pitches


def _text(
    lab: Lab, candidate: Candidate, tokens: Sequence[IntArray], resynthesis: ResynthesisTask
) -> tuple[float, list[Edits]]:
    """What a small model of the tokens doesn't know, bits a second, and the wrong words of what it says."""
    clips = [
        _token_clip(i, t, u, candidate.rate)
        for i, (t, u) in enumerate(zip(tokens, lab.utterances, strict=True))
        if _set(u) == ALIGNED
    ]
    reader, config = phoneme_tokenizer(clips), text_model(lab.bark.config, candidate.rate, candidate.vocab)
    told = SemanticTaskConfig(
        batch_tokens=2500, prompted=0.0, alignment_heads=config.alignment_heads, alignment_steps=lab.text_steps // 2
    )
    task = SemanticTask(config.semantic, config.tokens, config.semantic_layout, reader, clips, [1.0] * len(clips), told)
    folder = lab.train(task, f"{candidate.name}-text", lab.text_steps, 3e-3)
    load_weights(task.model, folder / "semantic.safetensors")
    with torch.inference_mode():
        bits = task.eval().validate()["nll"] / math.log(2) * candidate.rate
    return bits, list(_said(lab, task.model, config, reader, resynthesis))


def _said(
    lab: Lab, model: GPT, config: ModelConfig, reader: TextTokenizer, resynthesis: ResynthesisTask
) -> Iterator[Edits]:
    teacher = HibariTeacher()
    sentences = texts.evaluation_sentences("en")[FIRST_SENTENCE:][: len(lab.tests)]
    for seed, text in enumerate(sentences):
        spoken = teacher.say(text, READER, 1.0, seed)
        assert spoken is not None
        tokens = say(model, config, reader.encode(phoneme_text(spoken.phonemes)), seed)
        audio = resynthesis.speak(tokens, READER) if len(tokens) else np.zeros(SAMPLE_RATE, np.float32)
        yield _heard(lab, audio, text)


def _heard(lab: Lab, audio: Audio, text: str) -> Edits:
    normalize = normalizer("en")
    return word_edits(normalize(text), normalize(lab.whisper.transcribe(audio, SAMPLE_RATE)))


def pitch_likeness(original: Audio, audio: Audio) -> float:
    """Correlation of log F0 where both are voiced; 0 where that is nowhere long enough to tell."""
    a, b = (pitch(part) for part in (original, audio))
    count = min(len(a), len(b))
    both = (a[:count] > 0) & (b[:count] > 0)
    if both.sum() < 20 or a[:count][both].std() == 0 or b[:count][both].std() == 0:
        return 0.0
    return float(np.corrcoef(a[:count][both], b[:count][both])[0, 1])


def _token_clip(index: int, tokens: IntArray, utterance: Utterance, rate: int) -> TokenClip:
    """An aligned utterance whose text is its phonemes."""
    text = phoneme_text(utterance.clip.row["phonemes"])
    clip = Clip(utterance.clip.pcm, {**utterance.clip.row, "text": text})
    hop = SAMPLE_RATE // rate
    return TokenClip(
        id=utterance.clip.row["id"],
        text=text,
        voice=utterance.voice,
        held_out=_held_out(index),
        semantic=tokens,
        characters=spoken_characters(clip, np.arange(len(tokens)) * hop + hop // 2),
        codes=None,
    )


def _utterances(
    corpus: Path, work: Path, shards: Sequence[int], codec: PupCodec, whisper: ShortWhisper
) -> Iterator[Utterance]:
    """Clips of the first shards of both sets, with features and codes, which are made if they aren't there."""
    for name, count in zip((ALIGNED, MANY), shards, strict=True):
        keep_features(corpus / name, work / "features" / name, SAMPLE_RATE, whisper, count)
        clips = read_clips([corpus / name])
        for shard in sorted((corpus / name).glob("*.jsonl"))[:count]:
            members = [clip for clip in clips if clip.pcm.stem == shard.stem]
            features = np.load(work / "features" / name / f"{shard.stem}.features.npy", mmap_mode="r")
            codes = _kept_codes(members, work / "features" / name / f"{shard.stem}.codes.npy", codec)
            lengths = [clip.row["samples"] * FRAME_RATE // SAMPLE_RATE for clip in members]
            for clip, end, length in zip(members, np.cumsum(lengths), lengths, strict=True):
                yield Utterance(clip, features[end - length : end], codes[:, end - length : end])


def _kept_codes(clips: Sequence[Clip], path: Path, codec: PupCodec) -> IntArray:
    """The codec's codes of clips, one after another, whole frames only."""
    if not path.exists():
        found = [
            encoded(codec, clip.audio())[0, :, : clip.row["samples"] * FRAME_RATE // SAMPLE_RATE] for clip in clips
        ]
        np.save(path, torch.cat(found, 1).numpy().astype(np.int16))
    codes: IntArray = np.load(path)
    return codes


def _set(utterance: Utterance) -> str:
    return utterance.clip.pcm.parent.name


def _speakers(lab: Lab) -> list[str]:
    return [u.voice for u in lab.utterances if _set(u) == MANY]


def _held_out(index: int) -> bool:
    return index % HELD_OUT == 0


if __name__ == "__main__":
    main()
