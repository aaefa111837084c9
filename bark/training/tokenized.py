"""A corpus as tokens: made once from its audio, read by the trainers of the three GPTs.

Beside each shard of a set `tokens/SET/NAME.semantic.npz` holds the texts, as the text tokenizer gets them, languages,
voices, semantic tokens and which character sounds during each, and `NAME.codes.npz` the codec's codes. A clip of n
semantic tokens has n * frame rate / semantic rate frames: what is left over at its end, half a frame too, is cut. Both
say which clips they are of, so that a shard is made again when a judge has let in or thrown out some.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bark.codec.base import Codec
from bark.errors import TrainingError
from bark.models.config import TextConfig
from bark.models.cpu import product_dtype
from bark.semantic.tokenizer import SemanticTokenizer
from bark.text.prepare import prepared
from bark.training.alignment import sounding
from bark.training.audio_corpus import Clip, read_clips

IntArray = npt.NDArray[np.int64]
UNKNOWN = -1
KANA = re.compile("[アイウエオ-モヤユヨ-ロワ-ヴー]")  # not the small ones, which make no mora of their own
MORA = re.compile("[aeioɯɨuːʔɴ]|[nmŋɲ](?![aeioɯɨuʲj])")  # in what Kokoro says of Japanese
Spans = list[tuple[int, int]]
PAUSE = re.compile(r"[.,!?;:…।—]+")


@dataclass(frozen=True)
class TokenClip:
    """One clip as tokens.

    Attributes:
        text: as the text tokenizer gets it.
        semantic: [T].
        characters: for each semantic token the place in `text` of the character that sounds, or −1, [T].
        codes: [n_codebooks, T'], None where they weren't made.
        language: two letters.
    """

    id: str
    text: str
    voice: str
    held_out: bool
    semantic: IntArray
    characters: IntArray
    codes: IntArray | None
    language: str = "en"


def tokenize_semantic(corpus: Path, out: Path, tokenizer: SemanticTokenizer, text: TextConfig | None = None) -> None:
    """Makes each `NAME.semantic.npz` of one set that is missing or of other clips than the shard has now.

    Its texts are as a model with this config reads them.
    """
    wanted = text or TextConfig()

    def shard(clips: list[Clip]) -> dict[str, np.ndarray]:
        hop = tokenizer.config.hop
        tokens = [
            t[: clip.row["samples"] // hop] for t, clip in zip(_encode(clips, tokenizer.encode), clips, strict=True)
        ]
        times = [np.arange(len(t)) * hop + hop // 2 for t in tokens]
        languages = [clip.row.get("language", "en") for clip in clips]
        read = [prepared(clip.row["text"], wanted, code) for clip, code in zip(clips, languages, strict=True)]
        characters = [spoken_characters(clip, t, said) for clip, t, said in zip(clips, times, read, strict=True)]
        return {
            "text": np.asarray(read),
            "language": np.asarray(languages),
            "voice": np.asarray([clip.row["voice"] for clip in clips]),
            "held_out": np.asarray([clip.held_out for clip in clips]),
            "splits": np.cumsum([0, *map(len, tokens)]),
            "semantic": np.concatenate(tokens).astype(np.int16),
            "characters": np.concatenate(characters).astype(np.int16),
        }

    _each_shard(corpus, out, "semantic", shard)


def tokenize_codes(corpus: Path, out: Path, codec: Codec, semantic_hop: int, max_shards: int | None = None) -> None:
    """Makes each `NAME.codes.npz` of one set that is missing or of other clips, of its first `max_shards` shards."""

    def shard(clips: list[Clip]) -> dict[str, np.ndarray]:
        per_semantic = Fraction(codec.frame_rate).limit_denominator(1000) * semantic_hop / codec.sample_rate
        found = _encode(clips, codec.encode)
        frames = [int(clip.row["samples"] // semantic_hop * per_semantic) for clip in clips]
        codes = [c[:, :count] for c, count in zip(found, frames, strict=True)]
        return {
            "splits": np.cumsum([0, *(c.shape[1] for c in codes)]),
            "codes": np.concatenate(codes, 1).astype(np.int16),
        }

    _each_shard(corpus, out, "codes", shard, max_shards)


def read_tokens(folders: Sequence[Path], codes: bool) -> list[TokenClip]:
    """All clips of some sets; with `codes` only those that have them.

    Raises:
        TrainingError: a folder has nothing of the kind, or codes of other clips than semantic tokens.
    """
    clips: list[TokenClip] = []
    for folder in folders:
        before = len(clips)
        for path in sorted(folder.glob("*.semantic.npz")):
            clips += _read_shard(path, codes)
        if len(clips) == before:
            wanted = "codes" if codes else "semantic tokens"
            raise TrainingError(f"{folder}: no {wanted}; run the recipe's step `tokenize` first")
    return clips


def spoken_characters(clip: Clip, times: IntArray, text: str | None = None) -> IntArray:
    """For each time, in samples, the place in the text of the character that sounds, −1 where unknown.

    Words of the text and of the phonemes are taken to match one to one, and the place within a word is interpolated.
    Where their numbers differ, as where words aren't written apart, the same holds of what is between two marks; of
    what has other words there, the place is interpolated in all of it. Nothing is known where the marks differ, too.

    Args:
        text: as it is read; None for the clip's own.
    """
    text = clip.row["text"] if text is None else text
    unknown = np.full(len(times), UNKNOWN)
    if "durations" not in clip.row:
        return unknown
    phonemes = clip.row["phonemes"]
    pairs = _matching(text, phonemes)
    if not pairs:
        return unknown
    places = np.full(len(phonemes) + 1, UNKNOWN)  # the last is for times outside all phonemes
    for (start, end), (first, last) in pairs:
        places[first:last] = start + _interpolated(text[start:end], phonemes[first:last])
        if last < len(phonemes):
            places[last] = min(end, len(text) - 1)  # the space after the word
    return places[sounding(clip, times)]


def _interpolated(text: str, phonemes: str) -> IntArray:
    """For each phoneme a place in the text, [P]: of as many morae where it is kana, else as far on."""
    kana = KANA.search(text) is not None
    own = np.asarray([not kana or bool(KANA.match(sign)) for sign in text], np.float64)
    beats = np.zeros(len(phonemes)) if kana else np.ones(len(phonemes))
    beats[[found.start() for found in MORA.finditer(phonemes)]] = 1
    own, beats = (each if each.any() else np.ones(len(each)) for each in (own, beats))
    said = (np.cumsum(beats) - beats / 2) / beats.sum()
    places: IntArray = np.searchsorted(np.cumsum(own) / own.sum(), said, "right")
    return np.minimum(places, len(text) - 1)


def _matching(text: str, phonemes: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Parts of a text, and the parts of the phonemes that they sound like; none where nothing is known."""
    words, sounds = _spans(text), _spans(phonemes)
    if len(words) == len(sounds):
        return list(zip(words, sounds, strict=True))
    clauses, heard = _clauses(text, words), _clauses(phonemes, sounds)
    if len(clauses) != len(heard) or "[" in text:  # a tag has a sound of its own
        return []
    pairs: list[tuple[tuple[int, int], tuple[int, int]]] = []
    for own, other in zip(clauses, heard, strict=True):
        whole = [(own[0][0], own[-1][1])], [(other[0][0], other[-1][1])]
        pairs += zip(*((own, other) if len(own) == len(other) else whole), strict=True)
    return pairs


def _clauses(text: str, words: Spans) -> list[Spans]:
    """Words up to each mark, the last without one too."""
    clauses: list[Spans] = [[]]
    for start, end in words:
        if not re.search(r"\w", text[start:end]):
            continue
        clauses[-1].append((start, end))
        if PAUSE.search(text[end - 2 : end]):
            clauses.append([])
    return [clause for clause in clauses if clause]


def _spans(text: str) -> Spans:
    spans, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        spans.append((start, start + len(word)))
        start += len(word)
    return spans


def _encode(clips: list[Clip], encode: Callable[[torch.Tensor], torch.Tensor], batch: int = 16) -> list[np.ndarray]:
    """Encodes clips in batches of similar length, the shorter followed by silence; in the clips' order.

    The silence after a clip can change its last tokens, as far as the encoder sees ahead; so does the end itself.
    """
    order = sorted(range(len(clips)), key=lambda i: int(clips[i].row["samples"]))
    found: dict[int, np.ndarray] = {}
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            audio = np.zeros((len(chosen), clips[chosen[-1]].row["samples"]), np.float32)
            for row, i in zip(audio, chosen, strict=True):
                row[: clips[i].row["samples"]] = clips[i].audio()
            with torch.autocast("cpu", torch.bfloat16, enabled=product_dtype() is torch.bfloat16):
                tokens = encode(torch.from_numpy(audio))
            found.update(zip(chosen, tokens.numpy(), strict=True))
    return [found[i] for i in range(len(clips))]


def _each_shard(
    corpus: Path,
    out: Path,
    kind: str,
    make: Callable[[list[Clip]], dict[str, np.ndarray]],
    max_shards: int | None = None,
) -> None:
    clips: dict[str, list[Clip]] = {shard.stem: [] for shard in sorted(corpus.glob("*.jsonl"))[:max_shards]}
    for clip in read_clips([corpus]):
        if clip.pcm.stem in clips:
            clips[clip.pcm.stem].append(clip)
    for name in [name for name, some in clips.items() if not some]:
        (out / f"{name}.{kind}.npz").unlink(missing_ok=True)
    clips = {name: some for name, some in clips.items() if some and not _is_of(out / f"{name}.{kind}.npz", some)}
    started = time.time()
    out.mkdir(parents=True, exist_ok=True)
    for done, (name, members) in enumerate(clips.items(), 1):
        temporary = out / f"{name}.{kind}.part.npz"
        ids = np.asarray([clip.row["id"] for clip in members])
        np.savez(temporary, id=ids, **make(members))  # type: ignore[arg-type]
        os.replace(temporary, out / f"{name}.{kind}.npz")
        left = (time.time() - started) / done * (len(clips) - done)
        print(f"{corpus.name}: {kind} of shard {done}/{len(clips)}  {left / 60:.1f} min left", flush=True)


def _is_of(path: Path, clips: Sequence[Clip]) -> bool:
    """Whether a shard of tokens is there, whole, and of these clips."""
    if not path.exists():
        return False
    with np.load(path) as found:
        return "id" in found and found["id"].tolist() == [clip.row["id"] for clip in clips]


def _read_shard(path: Path, codes: bool) -> Iterator[TokenClip]:
    codes_path = path.with_name(path.name.replace(".semantic.", ".codes."))
    if codes and not codes_path.exists():
        return
    data = dict(np.load(path))
    coded = dict(np.load(codes_path)) if codes else None
    if coded is not None and "id" in coded and not np.array_equal(coded["id"], data["id"]):
        raise TrainingError(f"{codes_path}: codes of other clips than {path.name} has; run the step `tokenize` again")
    for i, (start, end) in enumerate(zip(data["splits"], data["splits"][1:], strict=False)):
        frames = None
        if coded is not None:
            frames = coded["codes"][:, coded["splits"][i] : coded["splits"][i + 1]].astype(np.int64)
        yield TokenClip(
            id=str(data["id"][i]),
            text=str(data["text"][i]),
            voice=str(data["voice"][i]),
            held_out=bool(data["held_out"][i]),
            semantic=data["semantic"][start:end].astype(np.int64),
            characters=data["characters"][start:end].astype(np.int64),
            codes=frames,
            language=str(data["language"][i]) if "language" in data else "en",
        )
