"""SubRip, WebVTT and JSON: what is written is read again, and what can't be read is said."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.captions import (
    Cue,
    Word,
    by_word,
    format_json,
    format_srt,
    format_vtt,
    parse_srt,
    parse_vtt,
    read_srt,
    read_vtt,
    write_json,
    write_srt,
    write_vtt,
)
from bark.captions.blocks import LARGEST
from bark.errors import OutputError, TextError

Parse = Callable[..., list[Cue]]

HELLO = Cue("Hello, you.", 1.0, 2.5, words=(Word("Hello,", 1.0, 1.4), Word("you.", 1.5, 2.5)))
SRT = """1
00:00:01,000 --> 00:00:02,500
Hello, you.

2
00:00:03,000 --> 01:00:04,250
Two
lines
"""

lines = st.lists(
    st.text(st.characters(exclude_characters="\r\n<>{}&\0", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30),
    min_size=1,
    max_size=3,
)
texts = lines.map("\n".join).filter(lambda text: bool(text.strip()) and "-->" not in text)


@st.composite
def several(draw: st.DrawFn, text: st.SearchStrategy[str] = texts) -> list[Cue]:
    """Cues as they may be written, one after another, in whole milliseconds."""
    edges = sorted(draw(st.sets(st.integers(0, 86_400_000), min_size=2, max_size=12)))
    spans = zip(edges[::2], edges[1::2], strict=False)
    return [Cue(draw(text), start / 1000, end / 1000) for start, end in spans]


def plain(text: str) -> str:
    """Text without the space around lines, and without empty ones."""
    return "\n".join(line.strip() for line in text.strip().split("\n") if line.strip())


class TestSrt:
    def test_written(self) -> None:
        assert format_srt([HELLO, Cue("Two\n\n lines", 3.0, 3604.25)]) == SRT

    def test_read(self) -> None:
        assert parse_srt(SRT) == [Cue("Hello, you.", 1.0, 2.5), Cue("Two\nlines", 3.0, 3604.25)]

    @given(several())
    def test_there_and_back(self, cues: list[Cue]) -> None:
        expected = [Cue(plain(cue.text), cue.start, cue.end) for cue in cues]
        assert parse_srt(format_srt(cues)) == expected
        assert parse_srt(format_srt(cues).replace("\n", "\r\n").encode("utf-8-sig")) == expected

    @pytest.mark.parametrize(
        "content",
        [
            codecs.BOM_UTF8 + SRT.encode(),
            SRT.encode("utf-16"),
            SRT.replace("\n", "\r\n").encode(),
            SRT.replace("\n", "\r"),
            "\n\n" + SRT + "\n\n\n",
            SRT.replace("1\n00", "00").replace("2\n00", "00"),
            SRT.replace("you.\n\n", "you.\n"),
            SRT.replace(",", ".").replace("Hello.", "Hello,"),
            SRT.replace("Hello, you.", "<i>Hello</i>, {\\an8}<font color='red'>you</font>."),
            SRT.replace("02,500", "02,500  X1:10 X2:20 Y1:5 Y2:6"),
            SRT.replace("00:00:01,000", "0:00:01,0").replace("00:00:03,000 ", "00:03"),
            SRT.replace("2\n00", "3\n00:00:02,600 --> 00:00:02,700\n\n9\n00"),
        ],
    )
    def test_however_it_is_written(self, content: str | bytes) -> None:
        assert parse_srt(content) == parse_srt(SRT)

    def test_a_number_may_be_a_text(self) -> None:
        assert [cue.text for cue in parse_srt(format_srt([Cue("7", 0, 1), Cue("8\n9", 1, 2)]))] == ["7", "8\n9"]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("", "film.srt: there are no captions in it"),
            ("Hello\n", "film.srt, line 1: text without a time: 'Hello'"),
            ("hm\n" + SRT, "film.srt, line 1: text without a time: 'hm'"),
            (SRT.replace("02,500", "00,500"), "line 2: the caption ends at 0.5 s, but begins at 1 s"),
            (SRT.replace("02,500", "01,000"), "line 2: the caption ends at 1 s, but begins at 1 s"),
            (SRT.replace("03,000", "02,499"), "line 6: the caption begins at 2.499 s, before the one before it ends"),
            (SRT.replace("02,500", "02;500"), "line 2: expected two times, as 00:01:02,345 --> 00:01:04,000; got"),
            (SRT.replace("00:01,000", "00:61,000"), "line 2: expected two times"),
            (SRT.replace("01:00:04", "25:00:04"), "line 6: the caption ends later than 24 hours"),
            (SRT.encode().replace(b"Two", b"Tw\xf6"), "line 7: not UTF-8; save the file as UTF-8"),
            (b"a\0b", "NUL characters"),
            (b"x" * (LARGEST + 1), "film.srt is larger than 16 MiB"),
        ],
    )
    def test_errors(self, content: str | bytes, sentence: str) -> None:
        with pytest.raises(TextError, match=sentence):
            parse_srt(content, "film.srt")

    def test_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bark.captions.blocks.MOST", 1)
        with pytest.raises(TextError, match="2 captions are more than the 1 that are read"):
            parse_srt(SRT)

    @given(st.text("0123456789:,-> \n\r", max_size=80))
    def test_anything_is_read_or_refused(self, content: str) -> None:
        try:
            assert parse_srt(content)
        except TextError as error:
            assert str(error).startswith("SRT")


class TestVtt:
    def test_written(self) -> None:
        cue = Cue("A & <b>", 0.5, 3723.004, speaker="Ann")
        assert format_vtt([cue]) == "WEBVTT\n\n00:00:00.500 --> 01:02:03.004\n<v Ann>A &amp; &lt;b&gt;\n"

    def test_times_of_words(self) -> None:
        written = format_vtt([HELLO], words=True)
        assert written == "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello, <00:00:01.500>you.\n"
        (cue,) = parse_vtt(written)
        assert cue.words == (Word("Hello,", 1.0, 1.5), Word("you.", 1.5, 2.5))
        assert cue.text == HELLO.text

    @given(
        several(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs", "Cc", "Zl", "Zp"])).filter(
                lambda text: bool(text.strip())
            )
        )
    )
    def test_there_and_back(self, cues: list[Cue]) -> None:
        assert parse_vtt(format_vtt(cues)) == [Cue(plain(cue.text), cue.start, cue.end) for cue in cues]

    @given(st.lists(st.sampled_from(["la", "la,", "<la>", "&", "ラ"]), min_size=2, max_size=8), st.data())
    def test_words_there_and_back(self, words: list[str], data: st.DataObject) -> None:
        edges = sorted(data.draw(st.sets(st.integers(0, 9999), min_size=len(words) + 1, max_size=len(words) + 1)))
        times = [edge / 1000 for edge in edges]
        timed = tuple(Word(*each) for each in zip(words, times, times[1:], strict=False))
        cue = Cue(" ".join(words), times[0], times[-1], words=timed)
        assert parse_vtt(format_vtt([cue], words=True)) == [cue]

    def test_what_else_is_in_a_file(self) -> None:
        content = (
            "\ufeffWEBVTT - a title\nKind: captions\n\nNOTE\nof the maker\n\nSTYLE\n::cue { color: red }\n\n"
            "intro\n00:01.000 --> 00:02.000 align:start position:10%\n"
            "<v.loud Mr. X>Hi <c.yellow>there</c>&nbsp;you</v>\n"
            "\n\n00:03.000 --> 00:04.000\n<i>Bye</i>\n"
        )
        expected = [Cue("Hi there\xa0you", 1.0, 2.0, "Mr. X"), Cue("Bye", 3.0, 4.0)]
        assert parse_vtt(content) == expected
        assert parse_vtt(content.replace("\n", "\r\n").encode()) == expected

    def test_a_time_ends_the_header(self) -> None:
        content = "WEBVTT\nKind: captions\n00:01.000 --> 00:02.000\nHello\n\n00:03.000 --> 00:04.000\nWorld\n"
        assert parse_vtt(content) == [Cue("Hello", 1.0, 2.0), Cue("World", 3.0, 4.0)]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (SRT, "film.vtt, line 1: expected WEBVTT, got '1'"),
            ("WEBVTT\n", "film.vtt: there are no captions in it"),
            ("WEBVTT\n\nHello\nyou\n", "film.vtt, line 3: text without a time: 'Hello'"),
            ("WEBVTT\n\n00:02.000 --> 00:01.000\nHello\n", "line 3: the caption ends at 1 s, but begins at 2 s"),
            ("WEBVTT\n\nid\n00:02.000 --> never\nHello\n", "line 4: expected two times"),
        ],
    )
    def test_errors(self, content: str, sentence: str) -> None:
        with pytest.raises(TextError, match=sentence):
            parse_vtt(content, "film.vtt")


def test_json() -> None:
    read = json.loads(format_json([HELLO, Cue("Two\nlines", 3, 4, "Ann", HELLO.words, exact=True)]))
    assert read["version"] == 1
    first, second = read["cues"]
    assert (first["text"], first["exact"], first["speaker"]) == ("Hello, you.", False, None)
    assert first["words"][1] == {"text": "you.", "start": 1.5, "end": 2.5}
    assert (second["text"], second["exact"], second["speaker"], second["start"]) == ("Two\nlines", True, "Ann", 3)
    assert json.loads(format_json([]))["cues"] == []
    assert json.loads(format_json([Cue("-", 0, 1)]))["cues"][0]["exact"] is None


def test_by_word() -> None:
    bare = Cue("Later.", 5.0, 6.0)
    spoken = Cue(HELLO.text, 1.0, 2.5, "Ann", HELLO.words, exact=True)
    first, second, third = by_word([spoken, bare])
    assert (first.text, first.start, first.end, first.speaker, first.exact) == ("Hello,", 1.0, 1.4, "Ann", True)
    assert (second.text, third) == ("you.", bare)


def test_a_word_of_no_length_is_shown_for_a_moment() -> None:
    words = (Word("a", 1.0, 1.0), Word("b", 1.0, 1.01), Word("c", 1.01, 2.0))
    found = list(by_word([Cue("a b c", 1.0, 2.0, words=words)]))
    assert [(cue.start, cue.end) for cue in found] == [(1.0, 1.02), (1.02, 1.04), (1.04, 2.0)]
    assert parse_srt(format_srt(found)) == [replace(cue, words=()) for cue in found]


class TestFiles:
    @pytest.mark.parametrize(("write", "read"), [(write_srt, read_srt), (write_vtt, read_vtt)])
    def test_there_and_back(self, write: Callable[..., None], read: Parse, tmp_path: Path) -> None:
        write(tmp_path / "film", [HELLO])
        assert read(tmp_path / "film") == [Cue(HELLO.text, 1.0, 2.5)]

    def test_json(self, tmp_path: Path) -> None:
        write_json(tmp_path / "a.json", [HELLO])
        assert json.loads((tmp_path / "a.json").read_text())["cues"][0]["end"] == 2.5

    @pytest.mark.parametrize("write", [write_srt, write_vtt, write_json])
    def test_whole_or_not_at_all(self, write: Callable[..., None], tmp_path: Path) -> None:
        path = tmp_path / "film"
        path.write_text("before")
        with pytest.raises(ZeroDivisionError):
            write(path, (Cue("x", 0, 1 / n) for n in (1, 0)))
        assert path.read_text() == "before"
        assert list(tmp_path.iterdir()) == [path]
        with pytest.raises(OutputError, match="no folder"):
            write(tmp_path / "none" / "film", [HELLO])

    def test_errors(self, tmp_path: Path) -> None:
        with pytest.raises(TextError, match=r"can't read .*film: No such file"):
            read_srt(tmp_path / "film")
        (tmp_path / "film").write_text("1\n")
        with pytest.raises(TextError, match="film, line 1: text without a time: '1'"):
            read_srt(tmp_path / "film")
        with pytest.raises(TextError, match="can't read 'a\\\\x00b'"):
            read_vtt("a\0b")
