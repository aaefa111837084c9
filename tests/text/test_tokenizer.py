"""The text tokenizer: any text, byte fallback, spans."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.errors import CheckpointError
from bark.text.tokenizer import CAPITALS, TextTokenizer, mark_capitals, train_tokenizer

CORPUS = ["the boat left the harbour at dawn.", "she said that the boat was hers, and left.", "what a boat!"] * 20
SIZE = 340


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return train_tokenizer(CORPUS, SIZE, min_frequency=2)


class TestEncode:
    @pytest.mark.parametrize("text", ["the boat left.", "what, hers?", "42 boats — “left”!", "(♪ a boat ♪)"])
    def test_round_trip(self, text: str, tokenizer: TextTokenizer) -> None:
        assert tokenizer.decode(tokenizer.encode(text)) == text

    @pytest.mark.parametrize("text", ["日本の船", "łódź", "नाव", "🚢 ahoy", "\x00\x01", "a\u0301"])
    def test_characters_never_seen(self, text: str, tokenizer: TextTokenizer) -> None:
        """They fall back to bytes, up to what normalisation changes."""
        assert tokenizer.decode(tokenizer.encode(text)) == text.replace("a\u0301", "á")

    def test_case_and_width_are_dropped(self, tokenizer: TextTokenizer) -> None:
        assert tokenizer.encode("The BOAT") == tokenizer.encode("the boat")
        assert tokenizer.encode("ｔｈｅ ｂｏａｔ") == tokenizer.encode("the boat")

    def test_nothing(self, tokenizer: TextTokenizer) -> None:
        assert tokenizer.encode("") == []
        assert tokenizer.decode([]) == ""

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
    def test_any_text(self, text: str) -> None:
        tokenizer = TRAINED
        ids = tokenizer.encode(text)
        assert all(0 <= i < tokenizer.vocab_size for i in ids)
        assert bool(ids) or not text

    def test_spelled_out_bytes_are_no_bytes(self, tokenizer: TextTokenizer) -> None:
        assert tokenizer.decode(tokenizer.encode("<0x41>")) == "<0x41>"
        assert tokenizer.encode("<0x41>") != tokenizer.encode("A")
        assert len(tokenizer.encode("<0x41>")) > 1

    def test_digits_and_marks_stand_alone(self, tokenizer: TextTokenizer) -> None:
        pieces = [tokenizer.decode([i]) for i in tokenizer.encode("7,42")]
        assert [piece for piece in pieces if piece.strip()] == ["7", ",", "4", "2"]


TRAINED = train_tokenizer(CORPUS, SIZE, min_frequency=2)


class TestSpans:
    def test_they_cover_the_text(self, tokenizer: TextTokenizer) -> None:
        text = "The boat left at dawn, 日本!"
        covered = set()
        for start, end in tokenizer.spans(text):
            assert 0 <= start <= end <= len(text)
            covered |= set(range(start, end))
        assert covered == set(range(len(text)))

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
    def test_of_any_text(self, text: str) -> None:
        spans = TRAINED.spans(text)
        assert len(spans) == len(TRAINED.encode(text))
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        assert [start for start, _ in spans] == sorted(start for start, _ in spans)

    def test_pieces_are_both(self, tokenizer: TextTokenizer) -> None:
        text = "what a boat"
        ids, spans = tokenizer.encode(text), tokenizer.spans(text)
        assert tokenizer.pieces(text) == [(i, *span) for i, span in zip(ids, spans, strict=True)]


def test_merges_lead_back_to_the_whole(tokenizer: TextTokenizer) -> None:
    merges = tokenizer.merges()
    assert merges
    for whole, (left, right, length, shares) in merges.items():
        said = [tokenizer.decode([i]).replace(" ", "") for i in (left, right)]
        assert "".join(said) == tokenizer.decode([whole]).replace(" ", "")
        assert length == len(said[1])
        assert not shares


KOREAN = ["한국말을 해요.", "한국 사람이 말해요.", "말을 한다."] * 10
TURKISH = ["İstanbul'da ışık var, şu ağaç.", "ışık, ağaç, şimdi."] * 10
MANY = train_tokenizer([*CORPUS, *KOREAN, *TURKISH], 460, min_frequency=4, capitals=True)
LETTERS = st.text(st.sampled_from("한국말 해요aéÉABCDI'ıİ-[]ñガが 1❤"), max_size=30)


class TestManyLanguages:
    def test_hangul_is_jamo(self) -> None:
        """Syllables that never came have ids too, if their parts did."""
        assert min(MANY.encode("함밀")) >= 256
        assert MANY.decode(MANY.encode("함밀 랑")) == "함밀 랑"

    def test_letters_have_their_marks(self) -> None:
        assert min(MANY.encode("şğı ça")) >= 256
        assert MANY.decode(MANY.encode("şğı ça")) == "şğı ça"

    def test_turkish_capitals(self) -> None:
        assert MANY.encode("İstanbul") == MANY.encode("istanbul")
        assert MANY.encode("ışık") != MANY.encode("işik")

    def test_rare_letters_have_no_id(self) -> None:
        rare = train_tokenizer([*CORPUS, "ж", "щщ"], 460, min_frequency=2)
        assert max(rare.encode("ж")[1:]) < 256
        assert min(rare.encode("щ")) >= 256

    @pytest.mark.parametrize("text", ["한국말을 해요.", "함 밀 ş한", "İx 한Ş"])
    def test_spans_are_of_the_text_that_was_given(self, text: str) -> None:
        for token, start, end in MANY.pieces(text):
            said, whole = MANY.decode([token]).strip(), unicodedata.normalize("NFD", text[start:end].lower())
            assert unicodedata.normalize("NFD", said) in whole.replace("i\u0307", "i")

    @given(LETTERS)
    def test_merged_pieces_lie_where_their_halves_do(self, text: str) -> None:
        from bark.training.subwords import Subwords

        pieces = Subwords(MANY, 1.0).whole(text)
        halves = Subwords(MANY, 1.0).dropped(pieces, np.random.default_rng(0))
        assert bool((halves[:, 1] <= halves[:, 2]).all())
        assert bool((np.diff(halves[:, 1]) >= 0).all())
        assert MANY.decode(halves[:, 0].tolist()) == MANY.decode(pieces[:, 0].tolist())

    def test_the_parts_of_a_syllable_share_it(self) -> None:
        from bark.training.subwords import Subwords

        pieces = Subwords(MANY, 1.0).whole("한국말을")
        assert len(pieces) < 5
        halves = Subwords(MANY, 1.0).dropped(pieces, np.random.default_rng(0))
        own = [(start, end) for _, start, end in halves.tolist() if end > start]
        assert own[-3:] == [(3, 4)] * 3
        assert own[:3] == [(0, 1)] * 3


class TestCapitals:
    def test_a_mark_and_the_same_pieces(self) -> None:
        mark, word = MANY.encode("a BOAT, a boat")[1:3], MANY.encode("a boat, a boat")
        assert MANY.decode(mark[:1]).strip() == CAPITALS
        assert [i for i in MANY.encode("a BOAT, a boat") if i != mark[0]] == word

    @pytest.mark.parametrize(
        "text", ["A boat I saw.", "The BOAT IS HERS", "[WOMAN] the boat", "iPhone", "a [MUSIC] b", "日本", "x A1"]
    )
    def test_no_mark(self, text: str) -> None:
        assert mark_capitals(text)[0] == text

    def test_where(self) -> None:
        marked = f"please go {CAPITALS} NOW, it is {CAPITALS} O'NEIL"
        assert mark_capitals("please go NOW, it is O'NEIL")[0] == marked

    @given(LETTERS)
    def test_spans(self, text: str) -> None:
        pieces = MANY.pieces(text)
        assert all(0 <= start <= end <= len(text) for _, start, end in pieces)
        assert [start for _, start, _ in pieces] == sorted(start for _, start, _ in pieces)
        marked, places = mark_capitals(text)
        assert len(places) == len(marked) + 1
        assert marked.replace(f"{CAPITALS} ", "") == text

    def test_only_where_it_was_learned(self, tokenizer: TextTokenizer) -> None:
        assert tokenizer.encode("the BOAT left") == tokenizer.encode("the boat left")


class TestTraining:
    def test_size(self, tokenizer: TextTokenizer) -> None:
        assert 256 < tokenizer.vocab_size <= SIZE

    def test_it_learned(self, tokenizer: TextTokenizer) -> None:
        assert len(tokenizer.encode("the boat")) == 2

    def test_same_texts_same_tokenizer(self, tokenizer: TextTokenizer, tmp_path: Path) -> None:
        tokenizer.save(tmp_path / "a.json")
        train_tokenizer(iter(CORPUS), SIZE, min_frequency=2).save(tmp_path / "b.json")
        assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()

    def test_rare_pairs_are_not_merged(self) -> None:
        assert train_tokenizer(CORPUS, SIZE, min_frequency=10**6).merges() == {}


class TestFiles:
    def test_saved_and_read(self, tokenizer: TextTokenizer, tmp_path: Path) -> None:
        tokenizer.save(tmp_path / "tokenizer.json")
        again = TextTokenizer.from_file(tmp_path / "tokenizer.json")
        assert again.encode("the boat 日本") == tokenizer.encode("the boat 日本")
        assert again.vocab_size == tokenizer.vocab_size

    @pytest.mark.parametrize("content", [None, b"", b"{}", b"not json", b"\xff\xfe"])
    def test_broken(self, content: bytes | None, tmp_path: Path) -> None:
        path = tmp_path / "tokenizer.json"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"tokenizer\.json: not a tokenizer file"):
            TextTokenizer.from_file(path)
