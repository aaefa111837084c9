"""Suno's text tokens: BERT's WordPiece, held to 🤗's BertTokenizer with the same vocabulary."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bark.errors import CheckpointError, TextError
from bark.text.normalize import normalize
from bark.text.tokenizer import TextTokenizer
from bark.text.wordpiece import read_wordpiece
from tests.text.lines import SPECIAL, sentences, write_vocabulary

LINES = sentences(154)
SMALL = [*SPECIAL, "the", "boat", "##s", "left", ",", ".", "b", "##o", "##at", "中", "É", "[", "]"]
MARKS = [*SPECIAL, "[mask]", "[MASK", "♪", "[laughs]", "MAN:", "…", "don't", " ", "\t", "x" * 101]
INVISIBLE = ["\u200d", "\ufeff", "\u202e", "\u00ad", "\ufffd", "\x00", "\x85", "\u2028", "\u3000", "\U000e0041"]
LETTERS = ["a\u0301", "\u00e1", "İ", "ß", "ǅ", "ﬁ", "中", "\U00020000", "한", "\u1112\u1161\u11ab", "नमस्ते"]
PICTURES = ["👩‍👩‍👧", "🇩🇪", "\U0001f9ff"]
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.lists(st.sampled_from([*MARKS, *INVISIBLE, *LETTERS, *PICTURES]), max_size=12).map("".join),
)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vocabulary(tmp_path_factory.mktemp("bert"), LINES)


@pytest.fixture(scope="module")
def ours(vocabulary: Path) -> TextTokenizer:
    return read_wordpiece(vocabulary)


@pytest.fixture(scope="module")
def theirs(vocabulary: Path) -> Callable[[str], list[int]]:
    """What Suno's package calls on a text, with the white space as it makes it."""
    pytest.importorskip("transformers")
    from transformers.models.bert.tokenization_bert import BertTokenizer

    # as the settings beside bert-base-multilingual-cased's vocabulary say
    tokenizer: Any = BertTokenizer(vocab=str(vocabulary), do_lower_case=False)
    return lambda text: tokenizer.encode(re.sub(r"\s+", " ", text).strip(), add_special_tokens=False)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(SMALL), encoding="utf-8")
    return path


class TestAgainstTransformers:
    def test_two_thousand_lines_in_all_languages(self, ours: TextTokenizer, theirs: Callable[[str], list[int]]) -> None:
        assert len(LINES) == 2002
        tokens = 0
        for line in LINES:
            expected = theirs(line)
            assert ours.encode(normalize(line)) == expected, line
            tokens += len(expected)
        assert 5 < tokens / len(LINES) < 30  # the vocabulary knows some words, and only some

    def test_the_python_tokenizer_that_suno_had_says_the_same(self, vocabulary: Path, ours: TextTokenizer) -> None:
        legacy = pytest.importorskip("transformers.models.bert.tokenization_bert_legacy")
        tokenizer = legacy.BertTokenizerLegacy(str(vocabulary), do_lower_case=False)
        for line in LINES[::10]:
            assert ours.encode(normalize(line)) == tokenizer.encode(line, add_special_tokens=False), line

    @settings(max_examples=300, deadline=None)
    @given(HOSTILE)
    @example("[MASK]")
    @example("x" * 100 + " " + "x" * 101)
    @example("\U0010ffff\ue000\u0378")
    def test_any_text(self, ours: TextTokenizer, theirs: Callable[[str], list[int]], text: str) -> None:
        expected = theirs(text)
        assert ours.encode(re.sub(r"\s+", " ", text).strip()) == expected
        try:
            said = normalize(text)
        except TextError:
            return
        if not any(piece in said for piece in SPECIAL):  # a control character may be all that kept one apart
            assert ours.encode(said) == expected


class TestPieces:
    def test_longest_pieces_first(self, small: Path) -> None:
        tokenizer = read_wordpiece(small)
        assert tokenizer.encode("the boats left.") == [SMALL.index(p) for p in ("the", "boat", "##s", "left", ".")]
        assert tokenizer.encode("boat boats,") == [SMALL.index(p) for p in ("boat", "boat", "##s", ",")]
        assert tokenizer.decode(tokenizer.encode("the boats left")) == "the boats left"

    def test_a_word_with_an_unknown_piece_is_unknown(self, small: Path) -> None:
        unknown = SMALL.index("[UNK]")
        assert read_wordpiece(small).encode("ship boatq The") == [unknown] * 3

    def test_capitals_and_accents_stay(self, small: Path) -> None:
        assert read_wordpiece(small).encode("É") == [SMALL.index("É")]
        assert read_wordpiece(small, lowercase=True).encode("THE") == [SMALL.index("the")]

    def test_chinese_characters_are_words(self, small: Path) -> None:
        assert read_wordpiece(small).encode("中中") == [SMALL.index("中")] * 2
        assert read_wordpiece(small, split_cjk=False).encode("中中") == [SMALL.index("[UNK]")]

    def test_bert_s_marks_are_one_id(self, small: Path) -> None:
        assert read_wordpiece(small).encode("the [SEP]") == [SMALL.index("the"), SMALL.index("[SEP]")]

    def test_marks_that_the_vocabulary_lacks_get_no_id(self, tmp_path: Path) -> None:
        path = tmp_path / "vocab.txt"
        path.write_text("[UNK]\n[\n]\nSEP\n")
        tokenizer = read_wordpiece(path)
        assert tokenizer.vocab_size == 4
        assert tokenizer.encode("[SEP]") == [1, 3, 2]

    def test_spans_are_of_the_text(self, small: Path) -> None:
        text = "the  boats, 中"
        assert [text[a:b] for a, b in read_wordpiece(small).spans(text)] == ["the", "boat", "s", ",", "中"]


class TestFiles:
    def test_line_ends_of_either_kind(self, small: Path, tmp_path: Path) -> None:
        other = tmp_path / "dos.txt"
        other.write_bytes("\r\n".join([*SMALL, ""]).encode())
        assert read_wordpiece(other).vocab_size == read_wordpiece(small).vocab_size == len(SMALL)

    def test_pieces_that_python_takes_for_line_ends(self, tmp_path: Path) -> None:
        path = tmp_path / "vocab.txt"
        path.write_text("[UNK]\n\u2028\n\x85\n\x1c\na", encoding="utf-8")
        assert read_wordpiece(path).encode("a") == [4]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (None, r"can't read .*vocab\.txt: No such file"),
            (b"", "is not a vocabulary of BERT's: none of its 0 lines is \\[UNK\\]"),
            (b"version https://git-lfs.github.com/spec/v1\nsize 1\n", "none of its 2 lines"),
            (b"[UNK]\n\xff\xfe", "is not UTF-8: byte 6"),
        ],
    )
    def test_no_vocabulary(self, content: bytes | None, sentence: str, tmp_path: Path) -> None:
        if content is not None:
            (tmp_path / "vocab.txt").write_bytes(content)
        with pytest.raises(CheckpointError, match=sentence):
            read_wordpiece(tmp_path / "vocab.txt")

    def test_saved_as_json_it_is_the_same(self, ours: TextTokenizer, tmp_path: Path) -> None:
        ours.save(tmp_path / "tokenizer.json")
        again = TextTokenizer.from_file(tmp_path / "tokenizer.json")
        assert again.vocab_size == ours.vocab_size
        for line in LINES[::50]:
            assert again.encode(line) == ours.encode(line)
