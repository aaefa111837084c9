"""The recipe's steps, with a teacher that hums."""

from __future__ import annotations

import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark.codec import build_codec
from bark.errors import BarkError
from bark.evaluation.teachers import Spoken
from bark.models.config import GPTConfig, ModelConfig, from_mapping
from bark.semantic.tokenizer import SemanticTokenizerConfig
from bark.text.tokenizer import TextTokenizer
from bark.training.audio_corpus import read_clips
from bark.training.run import read_settings
from bark.training.tokenized import read_tokens
from recipes.pup import __main__ as recipe
from recipes.pup import corpus, g2p, texts, tokenize
from recipes.pup.corpus import CorpusSet, trim
from recipes.pup.pack import taught_heads

CONFIGS = Path(recipe.__file__).parent / "configs"
HUM = CorpusSet("hum", "hum", ("low", "high"), clips=6, seed=3, shard_clips=4)


class Hum:
    """A teacher: a tenth of a second for each letter, silence on either side."""

    voices = ("low", "high")

    def say(self, text: str, voice: str, speed: float, seed: int) -> Spoken | None:
        if text.startswith("Mute"):
            return None
        durations = [10, *([4] * len(text)), 10]
        tone = 0.5 * np.sin(np.arange(sum(durations) * 600) * (0.02 if voice == "low" else 0.04))
        tone[:6000] = tone[-6000:] = 0
        return Spoken(tone.astype(np.float32), text.lower(), durations)


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    """A WordNet of three sentences."""
    folder = tmp_path / "wordnet"
    folder.mkdir()
    for part in ("verb", "adj", "adv"):
        (folder / f"data.{part}").write_text("")
    glosses = [
        'a | "the boat left at dawn"; "too few"',
        'b | "Mute swans are not loud"',
        'c | "x; y"; "they `ran\' home"',
    ]
    (folder / "data.noun").write_text("\n".join(glosses), encoding="latin-1")
    return folder


class TestTexts:
    def test_wordnet(self, wordnet: Path) -> None:
        found = texts.wordnet_sentences(wordnet)
        assert found == ["The boat left at dawn.", "Mute swans are not loud.", "They 'ran' home."]

    def test_no_wordnet(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="apt-get install wordnet-base"):
            texts.wordnet_sentences(tmp_path)

    def test_evaluation_sentences_are_never_spoken(self, wordnet: Path) -> None:
        kept_back = texts.evaluation_sentences("en")
        assert len(kept_back) >= 200
        (wordnet / "data.noun").write_text(f'a | "{kept_back[0].upper().rstrip(".")}"', encoding="latin-1")
        pool = {texts._key(sentence) for sentence in texts.english_sentences(wordnet)}
        assert not pool & {texts._key(sentence) for sentence in kept_back}
        assert len(pool) > 900

    def test_utterances(self) -> None:
        sentences = [f"Sentence {n}." for n in range(30)]
        spoken = texts.utterances(sentences, seed=1, max_chars=40)
        first: list[str] = []
        while sum(utterance.count(".") for utterance in first) < 30:
            first.append(next(spoken))
        assert sorted(" ".join(first).replace(". ", ".|").split("|")) == sorted(sentences)
        assert all(len(utterance) <= 40 for utterance in first)
        again = texts.utterances(sentences, seed=1, max_chars=40)
        assert [next(again) for _ in first] == first


class TestCorpus:
    @pytest.fixture(autouse=True)
    def _hum(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class InProcess:
            """A pool whose jobs are done at once, where the teacher is known."""

            def __init__(self, _: int) -> None: ...
            def __enter__(self) -> InProcess:
                return self

            def __exit__(self, *_: object) -> None: ...
            def submit(self, job: Any, *arguments: Any) -> Any:
                from concurrent.futures import Future

                future: Future[Any] = Future()
                future.set_result(job(*arguments))
                return future

        monkeypatch.setattr(corpus, "ProcessPoolExecutor", InProcess)
        monkeypatch.setattr(corpus, "teacher_of", lambda *_: Hum())

    def test_made(self, tmp_path: Path, wordnet: Path) -> None:
        corpus.make([HUM], tmp_path / "out", Path("none"), wordnet, 1)
        clips = read_clips([tmp_path / "out" / "hum"])
        assert len(clips) == 6
        assert [clip.row["voice"] for clip in clips] == ["low", "high", "low", "high", "low", "high"]
        for clip in clips:
            row = clip.row
            assert len(row["durations"]) == len(row["phonemes"]) + 2
            assert row["trim_start"] > 0
            assert row["samples"] == len(clip.audio()) < sum(row["durations"]) * 600
            assert 0.1 < np.abs(clip.audio()).max() <= 0.51

    def test_only_what_is_missing(self, tmp_path: Path, wordnet: Path) -> None:
        corpus.make([HUM], tmp_path, Path("none"), wordnet, 1)
        before = {path: path.read_bytes() for path in (tmp_path / "hum").iterdir()}
        times = (tmp_path / "hum" / "0000.pcm").stat().st_mtime_ns
        (tmp_path / "hum" / "0001.jsonl").unlink()  # as after a kill
        corpus.make([HUM], tmp_path, Path("none"), wordnet, 1)
        assert {path: path.read_bytes() for path in (tmp_path / "hum").iterdir()} == before
        assert (tmp_path / "hum" / "0000.pcm").stat().st_mtime_ns == times

    def test_in_other_languages(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        said = ["Der [2.|zweite] Mai.", "Ein [en:team meeting].", "Nein."]
        monkeypatch.setattr(texts, "sentences", lambda *_: said)
        part = CorpusSet("hum-de", "hum", ("low", "high"), 3, 3, 2, "de", max_error=0.2)
        corpus.make([part], tmp_path, Path("none"), tmp_path, 1)
        assert not list((tmp_path / "hum-de").glob("*.jsonl"))  # nobody has heard them yet
        rows = [row for name in ("0000", "0001") for row in corpus.read_rows(tmp_path / "hum-de" / f"{name}.spoken")]
        assert {row["language"] for row in rows} == {"de"}
        assert all(row.get("said", row["text"]) in (tmp_path / "hum-de" / "plan.txt").read_text() for row in rows)
        assert "Der 2. Mai." in " ".join(row["text"] for row in rows)
        assert not any("[" in row["text"] for row in rows)

    def test_a_plan_is_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pools = [[f"Satz {n}." for n in range(20)], [f"Anderer {n}." for n in range(20)]]
        monkeypatch.setattr(texts, "sentences", lambda *_: pools[0])
        part = CorpusSet("hum-de", "hum", ("low",), 8, 3, 4, "de")
        first = corpus.plan(part, tmp_path, tmp_path)
        pools.reverse()
        assert corpus.plan(part, tmp_path, tmp_path) == first
        longer = corpus.plan(replace(part, clips=12), tmp_path, tmp_path)
        assert longer[:8] == first
        assert all(line.startswith("Anderer") for line in longer[8:])

    def test_every_set_grows_evenly(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[str] = []
        monkeypatch.setattr(corpus, "_make_shard", lambda part, shard, *_: made.append(f"{part.name} {shard}") or 1.0)
        monkeypatch.setattr(texts, "sentences", lambda *_: ["Eins.", "Zwei."])
        sets = [replace(HUM, name=name, clips=clips) for name, clips in (("a", 12), ("b", 8))]
        corpus.make(sets, tmp_path, Path("none"), tmp_path, 1)
        assert made == ["a 0", "b 0", "a 1", "b 1", "a 2"]

    def test_polyglot(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Kokoro:
            voices = ("low",)

            def speak(self, phonemes: str, voice: str, speed: float) -> Spoken:
                return Spoken(np.zeros(1200, np.float32), f"{voice} {speed} {phonemes}", [1, 1])

        monkeypatch.setattr(g2p, "phonemes", lambda text, language: f"{language}: {text}")
        spoken = corpus.Polyglot(Kokoro(), "pl").say("Tak.", "low", 1.1, seed=5)  # type: ignore[arg-type]
        assert spoken is not None
        assert spoken.phonemes == "low 1.1 pl: Tak."

    def test_trim(self) -> None:
        audio = np.zeros(24_000, np.float32)
        audio[10_000:12_000] = 0.5
        cut, start = trim(Spoken(audio, "a", [1, 1, 1]))
        assert start == 10_000 - 3600
        assert len(cut) == 2000 + 2 * 3600 - 1
        assert len(trim(Spoken(np.zeros(500, np.float32), "a", [1, 1, 1]))[0]) == 500

    def test_ready_clips(self, tmp_path: Path) -> None:
        soundfile = pytest.importorskip("soundfile")
        rows = []
        with tarfile.open(tmp_path / "en.tar", "w") as archive:
            for name, length in (("a.wav", 2400), ("b.wav", 1200)):
                soundfile.write(tmp_path / name, np.full(length, 0.25, np.float32), 24_000)
                archive.add(tmp_path / name, f"en/{name}")
                rows.append({"file": name, "text": f"Clip {name}", "voice": "v", "dur": length / 24_000})
        (tmp_path / "en.jsonl").write_text("\n".join(map(json.dumps, rows)))
        corpus.import_ready(tmp_path / "en.tar", tmp_path / "en.jsonl", tmp_path / "ready", shard_clips=1)
        clips = read_clips([tmp_path / "ready"])
        assert [clip.row["samples"] for clip in clips] == [2400, 1200]
        assert [clip.pcm.stem for clip in clips] == ["0000", "0001"]
        assert clips[0].audio()[100] == pytest.approx(0.25, abs=1e-3)
        assert clips[0].row["language"] == "en"
        corpus.import_ready(tmp_path / "en.tar", tmp_path / "en.jsonl", tmp_path / "unheard", judged=True)
        assert [path.name for path in sorted((tmp_path / "unheard").iterdir())] == ["0000.pcm", "0000.spoken"]


class TestTokenize:
    def test_each_part_when_its_model_is_there(
        self, work: Path, tmp_path: Path, settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        from bark.checkpoints.tensors import save_tensors
        from bark.semantic.tokenizer import SemanticTokenizer

        own = tmp_path / "own"
        (own / "corpus").mkdir(parents=True)
        (own / "corpus" / "tones").symlink_to(work / "corpus" / "tones")
        config = {**settings, "tokenize": {"semantic": ["tones"], "codes": {"tones": 1}}}
        tokenize.semantic(config, own)
        tokenize.codes(config, own)
        assert "train the semantic tokenizer first" in capsys.readouterr().out
        shape = from_mapping(SemanticTokenizerConfig, config["model"]["semantic_tokenizer"], "test")
        tensors = SemanticTokenizer(shape).state_dict()
        save_tensors(tensors, own / "runs" / "semantic-tokenizer" / "semantic_tokenizer.safetensors")
        save_tensors(build_codec(config["model"]["codec"]).state_dict(), own / "runs" / "codec" / "codec.safetensors")
        tokenize.semantic(config, own)
        tokenize.codes(config, own)
        assert len(read_tokens([own / "tokens" / "tones"], codes=False)) == 20
        assert len(read_tokens([own / "tokens" / "tones"], codes=True)) == 10

    def test_text(self, tmp_path: Path, wordnet: Path) -> None:
        config = {"tokenize": {"text_vocab": 400}, "corpus": {"sets": [{"teacher": "hum"}]}, "model": {}}
        tokenize.text_tokenizer(config, tmp_path, wordnet)
        path = tmp_path / "tokens" / "tokenizer.json"
        before = path.stat().st_mtime_ns
        tokenize.text_tokenizer(config, tmp_path, wordnet)
        assert path.stat().st_mtime_ns == before

    def test_each_language_has_as_much_of_a_say(
        self, tmp_path: Path, wordnet: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pools = {"en": [f"Boat number {n}." for n in range(999)], "de": ["Am [5.|fünften] Mai. [en:Meeting]!"] * 20}
        monkeypatch.setattr(texts, "sentences", lambda code, *_: pools[code])
        sets = [{"teacher": "hum", "language": "de"}, {"teacher": "hum"}]
        config = {"corpus": {"sets": sets}, "model": {"text": {"verbalize": True}}}
        said = tokenize.sentences(config, tmp_path, wordnet)
        own = [text for text in said if "Boat" not in text]
        assert set(own) == {"Am fünften Mai. Meeting!"}
        assert sum(map(len, said)) - sum(map(len, own)) == pytest.approx(sum(map(len, own)), abs=50)
        assert not any(any(map(str.isdigit, text)) for text in said)

    def test_the_capitals_of_an_expressive_set(
        self, tmp_path: Path, wordnet: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = {
            "tokenize": {"text_vocab": 400, "capitals": True},
            "corpus": {"sets": [{"teacher": "expressive"}], "ready": [{"archive": "ready/en.tar"}]},
            "model": {},
        }
        tokenize.text_tokenizer(config, tmp_path, wordnet)
        reader = TextTokenizer.from_file(tmp_path / "tokens" / "tokenizer.json")
        assert reader.encode("a LOUD boat") != reader.encode("a loud boat")


class TestCommand:
    def run(self, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["recipes.pup", *arguments])
        recipe.main()

    def test_a_failure_is_a_sentence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        small = str(CONFIGS / "small.toml")
        with pytest.raises(SystemExit, match=r"corpus: no WordNet in .*apt-get install wordnet-base"):
            self.run(monkeypatch, "corpus", "--config", small, "--work", str(tmp_path), "--wordnet", str(tmp_path))

    def test_a_missing_teacher(self, tmp_path: Path, wordnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def absent(*_: object) -> None:
            raise BarkError("needs the package hibari; install it with pip")

        monkeypatch.setattr(corpus, "make", absent)
        with pytest.raises(SystemExit, match="corpus: needs the package hibari; install it with pip"):
            self.run(monkeypatch, "corpus", "--work", str(tmp_path))

    def test_the_judge_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        asked: list[str] = []
        monkeypatch.setattr("recipes.pup.heard.check", lambda sets, _: asked.extend(part.name for part in sets))
        world = str(CONFIGS / "world.toml")
        only = ["kokoro-de", "kokoro-ja", "ready-ko"]
        (tmp_path / "corpus" / "ready-ko").mkdir(parents=True)
        self.run(monkeypatch, "check", "--config", world, "--work", str(tmp_path), "--only", *only)
        assert sorted(asked) == only
        assert "| kokoro-ja | ja | 0.00 h | 0.00 h | 0.00 h |" in capsys.readouterr().out

    def test_only(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        trained: list[str] = []
        monkeypatch.setattr("bark.training.run.train", lambda model, *_: trained.append(model))
        self.run(monkeypatch, "train", "--work", str(tmp_path), "--only", "coarse", "fine")
        assert trained == ["coarse", "fine"]
        self.run(monkeypatch, "train", "--work", str(tmp_path))
        assert trained[2:] == list(recipe.MODELS)

    def test_all_in_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        done: list[str] = []
        for step in ("corpus", "tokenize", "begin", "pack", "evaluate"):
            monkeypatch.setattr(recipe, step, lambda *_, step=step: done.append(step))
        monkeypatch.setattr("bark.training.run.train", lambda model, *_: done.append(model))
        self.run(monkeypatch, "all", "--work", str(tmp_path))
        steps = [
            "corpus",
            *("codec", "codec-decoder", "semantic-tokenizer", "tokenize"),
            *("semantic", "coarse", "fine", "tokenize"),
            *("pack", "evaluate"),
        ]
        assert done == steps
        done.clear()
        (tmp_path / "before").mkdir()  # what the GPTs are to begin with
        self.run(monkeypatch, "all", "--work", str(tmp_path))
        assert done == [*steps[:5], "begin", *steps[5:]]

    def test_ready_sets_are_welcome_not_needed(self, tmp_path: Path) -> None:
        config = read_settings(CONFIGS / "cpu.toml")
        without = recipe.without_absent(config, tmp_path)
        assert not any("ready-en" in str(without[table]) for table in (*recipe.MODELS, "tokenize"))
        (tmp_path / "corpus" / "ready-en").mkdir(parents=True)
        config = read_settings(CONFIGS / "cpu.toml")
        assert "ready-en" in recipe.without_absent(config, tmp_path)["semantic"]["sets"]

    def test_a_codec_of_ready_sets_alone_hears_the_teacher_instead(self, tmp_path: Path) -> None:
        config = recipe.without_absent(read_settings(CONFIGS / "world.toml"), tmp_path)
        made = {each["name"] for each in config["corpus"]["sets"] if each["teacher"] == "kokoro"}
        assert set(config["codec"]["sets"]) == made
        assert all(set(names) <= made for names in config["voices"]["sets"].values())


class TestConfigs:
    @pytest.mark.parametrize("name", ["cpu", "gpu", "small", "world"])
    def test_every_stage_fits_its_model(self, name: str) -> None:
        from bark.engine import CoarseStage, FineStage, SemanticStage
        from bark.models.fine import FineGPT
        from bark.models.gpt import GPT

        config = read_settings(CONFIGS / f"{name}.toml")
        model = ModelConfig.from_dict(config["model"])
        import torch

        with torch.device("meta"):
            SemanticStage(GPT(model.semantic), model)
            CoarseStage(GPT(model.coarse), model)
            FineStage(FineGPT(model.fine), model)
        codec = build_codec(model.codec)
        assert (codec.n_codebooks, codec.codebook_size) == (model.tokens.n_codebooks, model.tokens.codebook_size)
        assert codec.frame_rate == model.tokens.frame_rate
        shape = from_mapping(SemanticTokenizerConfig, model.semantic_tokenizer, name)
        assert (shape.vocab, shape.rate) == (model.tokens.semantic_vocab, model.tokens.semantic_rate)
        assert model.tokens.text_offset + config["tokenize"]["text_vocab"] <= model.tokens.text_pad
        spoken = {voice for each in config["corpus"]["sets"][1:] for voice in each["voices"]}
        assert set(config["voices"]["presets"].values()) <= spoken

    def test_ten_voices_in_each_of_thirteen_languages(self) -> None:
        config = read_settings(CONFIGS / "world.toml")
        sets = [CorpusSet(**{**part, "voices": tuple(part["voices"])}) for part in config["corpus"]["sets"]]
        assert {part.language for part in sets} == set(g2p.LANGUAGES)
        others = [part for part in sets if part.language != "en"]
        assert all(len(set(part.voices)) >= 10 and part.max_error is not None for part in others)
        assert len({part.name for part in sets}) == len({(part.language, part.seed) for part in sets}) == len(sets)
        cpu = read_settings(CONFIGS / "cpu.toml")
        assert sorted(map(str, config["corpus"]["sets"][:4])) == sorted(map(str, cpu["corpus"]["sets"]))

    def test_a_gpu_trains_on_the_same_tokens(self) -> None:
        world, gpu = (read_settings(CONFIGS / f"{name}.toml") for name in ("world", "gpu"))
        assert all(world[part] == gpu[part] for part in ("corpus", "tokenize", "voices", "codec", "semantic-tokenizer"))
        assert {part for part in world["model"] if world["model"][part] != gpu["model"][part]} == {"semantic", "coarse"}
        assert not any(gpu[model]["initial"] for model in ("semantic", "coarse", "fine"))


class TestHeadsOfAPackedModel:
    SHAPE = GPTConfig(n_layer=4, n_head=2, n_embd=16, block_size=32, input_vocab=9, output_vocab=9)

    def test_those_that_training_told_where_to_look(self) -> None:
        assert taught_heads({"semantic": {"alignment_heads": [[0, 0], [2, 1]]}}, self.SHAPE) == ((0, 0), (2, 1))
        assert taught_heads({"semantic": {"alignment_heads": []}}, self.SHAPE) == ()

    def test_the_usual_ones_where_nothing_is_said(self) -> None:
        assert taught_heads({"semantic": {}}, self.SHAPE) == ((1, 0), (3, 0))

    def test_not_those_that_the_model_has_not(self) -> None:
        assert taught_heads({}, replace(self.SHAPE, n_layer=2)) == ((1, 0),)
