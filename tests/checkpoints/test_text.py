"""Every form of checkpoint finds its tokenizer, and the semantic model reads what the original's would."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bark import Bark
from bark.checkpoints.huggingface import HuggingFaceCheckpoint
from bark.checkpoints.native import NativeCheckpoint
from bark.checkpoints.suno import SunoCheckpoint
from bark.checkpoints.text import find_tokenizer, read_tokenizer
from bark.errors import BarkWarning, CheckpointError
from bark.options import GenerateOptions
from bark.text.normalize import normalize
from tests.checkpoints.conftest import fill_vocabulary
from tests.text.lines import sentences, write_vocabulary

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

LINES = sentences(10)
TEXTS = ["  Hello,\n my name is Suno. [laughs]  ♪ la ♪", "Привет, как дела?", "你好。", "नमस्ते दुनिया"]
LONG = " ".join(LINES[:60])
OFFSET, PAD, LENGTH = 10_048, 129_595, 256


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_vocabulary(tmp_path_factory.mktemp("bert"), LINES, 3_000)
    fill_vocabulary(path)
    return path


@pytest.fixture(scope="module")
def theirs(vocabulary: Path) -> Any:
    pytest.importorskip("transformers")
    from transformers.models.bert.tokenization_bert import BertTokenizer

    return BertTokenizer(vocab=str(vocabulary), do_lower_case=False)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of 🤗's."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def own_folder(hf_folder: Path, tmp_path: Path, hub: Path) -> Path:
    """A 🤗 folder of its own, which has no tokenizer."""
    return Path(shutil.copytree(hf_folder, tmp_path / "own"))


def cached(hub: Path, repository: str) -> Path:
    """Makes the folder of a cached repository."""
    root = hub / f"models--{repository.replace('/', '--')}"
    (root / "snapshots" / "0a1b").mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("0a1b")
    return root / "snapshots" / "0a1b"


def prompt_of(bark: Bark, text: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row of text [256] that the semantic model embeds."""
    model: Any = bark.parts.module("semantic")
    rows: list[np.ndarray[Any, Any]] = []
    embed = model.embed
    monkeypatch.setattr(model, "embed", lambda ids: (rows.append(ids.numpy()), embed(ids))[1])
    options = GenerateOptions(seed=1, max_duration=0.1, min_eos_p=1.0, retries=0)
    list(bark.iterate([bark.request(text, options=options)]))  # in one line, however long
    prompt = next(row for row in rows if row.shape == (2, LENGTH + 1))
    return [int(token) for token in prompt[0, :LENGTH]]


class TestAgainstTransformers:
    @pytest.mark.parametrize("text", TEXTS)
    def test_the_model_reads_what_the_processor_makes(
        self, text: str, own_folder: Path, vocabulary: Path, theirs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copy(vocabulary, own_folder)
        from transformers.models.bark.processing_bark import BarkProcessor

        made = BarkProcessor(theirs)(text, return_tensors="np")
        expected = np.where(made["attention_mask"] == 1, made["input_ids"] + OFFSET, PAD)[0]
        assert prompt_of(Bark(own_folder, device="cpu"), text, monkeypatch) == expected.tolist()

    def test_a_long_text_is_cut(
        self, own_folder: Path, vocabulary: Path, theirs: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copy(vocabulary, own_folder)
        ids = theirs.encode(LONG, add_special_tokens=False)
        with pytest.warns(BarkWarning, match=rf"is {len(ids)} tokens long and the model reads 256"):
            prompt = prompt_of(Bark(own_folder, device="cpu"), LONG, monkeypatch)
        assert prompt == [token + OFFSET for token in ids[:LENGTH]]


class TestWhere:
    def test_beside_suno_s_files(self, suno_folder: Path, vocabulary: Path, theirs: Any, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(suno_folder, tmp_path / "suno", copy_function=lambda a, b: Path(b).symlink_to(a)))
        shutil.copy(vocabulary, folder)
        tokenizer = SunoCheckpoint(folder).text_tokenizer()
        for line in LINES:
            assert tokenizer.encode(normalize(line)) == theirs.encode(line, add_special_tokens=False)

    @pytest.mark.parametrize(
        "repository",
        ["google-bert/bert-base-multilingual-cased", "bert-base-multilingual-cased", "suno/bark", "suno/bark-small"],
    )
    @pytest.mark.parametrize("form", ["vocab.txt", "tokenizer.json"])
    def test_in_the_hubs_cache(self, repository: str, form: str, hf_folder: Path, suno_folder: Path, hub: Path) -> None:
        path = cached(hub, repository) / form
        path.touch()
        assert {find_tokenizer(folder, hub) for folder in (hf_folder, suno_folder)} == {path}

    @pytest.mark.parametrize("form", ["vocab.txt", "tokenizer.json"])
    def test_it_is_read_from_there(
        self, form: str, hf_folder: Path, suno_folder: Path, hub: Path, vocabulary: Path
    ) -> None:
        folder = cached(hub, "suno/bark")
        if form == "vocab.txt":
            shutil.copy(vocabulary, folder)
        else:
            read_tokenizer(vocabulary).save(folder / form)
        expected = read_tokenizer(vocabulary).encode(LINES[0])
        for checkpoint in (HuggingFaceCheckpoint(hf_folder), SunoCheckpoint(suno_folder)):
            assert checkpoint.text_tokenizer().encode(LINES[0]) == expected

    def test_the_folder_comes_first_and_json_before_a_vocabulary(self, tmp_path: Path, hub: Path) -> None:
        everywhere = [cached(hub, "google-bert/bert-base-multilingual-cased"), tmp_path / "own"]
        everywhere[1].mkdir()
        found = []
        for folder in everywhere:
            for name in ("vocab.txt", "tokenizer.json"):
                (folder / name).touch()
                found.append(find_tokenizer(tmp_path / "own", hub))
        assert found == [folder / name for folder in everywhere for name in ("vocab.txt", "tokenizer.json")]

    def test_nowhere(self, hf_folder: Path, suno_folder: Path, hub: Path) -> None:
        for checkpoint in (HuggingFaceCheckpoint(hf_folder), SunoCheckpoint(suno_folder)):
            with pytest.raises(CheckpointError) as caught:
                checkpoint.text_tokenizer()
            assert str(caught.value) == (
                f"there is no tokenizer.json or vocab.txt in {checkpoint.folder}, nor is bert-base-multilingual-cased, "
                f"in which Suno's models read, in 🤗's cache {hub}; "
                "`hf download google-bert/bert-base-multilingual-cased tokenizer.json` gets it"
            )

    def test_our_own_models_have_their_own(self, own_checkpoint: Path, hub: Path, vocabulary: Path) -> None:
        shutil.copy(vocabulary, cached(hub, "suno/bark"))
        (own_checkpoint / "tokenizer.json").unlink()
        with pytest.raises(CheckpointError, match=r"there is no tokenizer\.json or vocab\.txt in .*own$"):
            NativeCheckpoint(own_checkpoint).text_tokenizer()


class TestSettings:
    def write(self, folder: Path, **settings: Any) -> Path:
        (folder / "vocab.txt").write_text("[UNK]\na\ne\né\n中\n", encoding="utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        return folder / "vocab.txt"

    def test_capitals_stay_unless_they_say_otherwise(self, tmp_path: Path) -> None:
        assert read_tokenizer(self.write(tmp_path, model_max_length=512)).encode("A É") == [0, 0]
        assert read_tokenizer(self.write(tmp_path, do_lower_case=True)).encode("A É") == [1, 2]
        assert read_tokenizer(self.write(tmp_path, do_lower_case=True, strip_accents=False)).encode("A É") == [1, 3]
        assert read_tokenizer(self.write(tmp_path, strip_accents=None)).encode("é") == [3]
        assert read_tokenizer(self.write(tmp_path, tokenize_chinese_chars=False)).encode("中中") == [0]

    def test_a_setting_that_makes_no_sense(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, do_lower_case="no")
        with pytest.raises(CheckpointError, match=r"do_lower_case is 'no'; it should be true or false"):
            read_tokenizer(path)
        (tmp_path / "tokenizer_config.json").write_text("{")
        with pytest.raises(CheckpointError, match=r"tokenizer_config\.json is not valid JSON"):
            read_tokenizer(path)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (119_547, ""),
        (119_548, r"vocab\.txt: 119548 ids, but the semantic model has room for 119547"),
        (105_879, r"vocab\.txt: 105879 ids, but Suno's models read in bert-base-multilingual-cased, which has 119547"),
        (28_996, r"vocab\.txt: 28996 ids, but Suno's models read in bert-base-multilingual-cased"),
    ],
    ids=["as it should be", "larger", "uncased", "English"],
)
def test_only_one_of_berts_vocabularies_will_do(size: int, sentence: str, own_folder: Path) -> None:
    (own_folder / "vocab.txt").write_text("\n".join(["[UNK]", *(f"w{i}" for i in range(size - 1))]))
    checkpoint = HuggingFaceCheckpoint(own_folder)
    if not sentence:
        assert checkpoint.text_tokenizer().vocab_size == size
        return
    with pytest.raises(CheckpointError, match=sentence):
        checkpoint.text_tokenizer()


def test_a_model_of_other_numbers_has_a_vocabulary_of_its_own(own_folder: Path) -> None:
    """Somebody's model in 🤗's form, which learned to read fewer ids."""
    settings = json.loads((own_folder / "generation_config.json").read_text())
    settings["semantic_config"].update(text_pad_token=14_048)
    (own_folder / "generation_config.json").write_text(json.dumps(settings))
    (own_folder / "vocab.txt").write_text("\n".join(["[UNK]", *(f"w{i}" for i in range(2999))]))
    assert HuggingFaceCheckpoint(own_folder).text_tokenizer().vocab_size == 3000
