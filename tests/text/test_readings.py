"""Chinese and Japanese as they are read."""

from __future__ import annotations

import builtins
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bark.errors import BarkWarning
from bark.models.config import TextConfig
from bark.text import readings as module
from bark.text.duration import expected_duration
from bark.text.prepare import prepared
from bark.text.readings import readings
from bark.text.verbalize import verbalize

BOTH = TextConfig(verbalize=True, readings=True)
SOME = "は私東京我们不知道一个 のカター々、。！？「」（）・〜…aBAI'’.12\n\u3000Жéｶﾞ한🚢\ue000"
MIXED = st.text(st.sampled_from(SOME), max_size=30)


pytestmark = pytest.mark.filterwarnings("ignore:Dictionary.create:DeprecationWarning")  # within pyopenjtalk


@pytest.fixture
def packages() -> None:
    for name in ("jieba", "pypinyin", "pyopenjtalk"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pytest.importorskip(name)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if no package that reads were installed."""
    real = builtins.__import__

    def broken(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name in ("jieba", "pypinyin", "pyopenjtalk"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *arguments, **keywords)

    for name in ("jieba", "pypinyin", "pyopenjtalk"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(builtins, "__import__", broken)
    module._reader.cache_clear()
    yield
    module._reader.cache_clear()


@pytest.mark.usefixtures("packages")
class TestJapanese:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("私は東京へ行きます。", "ワタシワ トーキョーエ イキマス."),
            ("学校を、出る。", "ガッコーオ, デル."),
            ("「お父さん」、いい？", "“オトーサン”, イイ?"),
            ("読む・書く〜", "ヨム カク —"),
            ("ｶﾞｷﾞを", "ガギオ"),
            ("ラーメン。コーヒー！", "ラーメン. コーヒー!"),
            ("AIとTシャツ", "エーアイト ティーシャツ"),
            ("あした meeting があります。", "アシタ meeting ガ アリマス."),
            ("[笑い]はい♪", "[笑い] ハイ♪"),
            ("行く。\n\n来る。", "イク.\n\nクル."),
            ("々", "々"),
        ],
    )
    def test_as_pronounced(self, written: str, read: str) -> None:
        assert readings(written) == read

    def test_han_alone_is_what_is_expected(self) -> None:
        assert readings("山田太郎", "ja") == "ヤマダ タロー"
        assert readings("山田太郎") == "shan1tian2 tai4lang2"

    def test_han_alone_beside_kana_is_japanese(self) -> None:
        assert readings("これ。東京。") == "コレ. トーキョー."

    def test_long_without_a_break(self) -> None:
        assert set(readings("あ" * 2000)) <= {"ア", "ー", " "}


@pytest.mark.usefixtures("packages")
class TestChinese:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("我们不知道，好吗？", "wo3men5 bu4 zhi1dao4, hao3 ma5?"),
            ("女儿去西安。", "nü3er2 qu4 xi1an1."),
            ("银行长大了", "yin2hang2 zhang3da4 le5"),
            ("《红楼梦》（好）：看", "“hong2lou2meng4” (hao3): kan4"),
            ("我有个meeting，OK吗", "wo3 you3 ge4 meeting, OK ma5"),
            ("I love 东京 a lot.", "I love dong1jing1 a lot."),
            ("我们去ラーメン店吃饭吧，今天晚上的天气真的很好。", None),
        ],
    )
    def test_in_pinyin(self, written: str, read: str | None) -> None:
        found = readings(written)
        assert found == read if read else found.startswith("wo3men5 qu4 ラーメン dian4 chi1fan4 ba5,")

    def test_figures_first(self) -> None:
        assert prepared("打折25%。", BOTH, "zh") == "da3zhe2 bai3fen1zhi1er4shi2wu3."

    def test_tones_are_no_figures(self) -> None:
        for language in ("zh", "en", "de", "tr"):
            assert verbalize("wo3men5 bu4 zhi1dao4.", language) == "wo3men5 bu4 zhi1dao4."

    def test_it_takes_as_long(self) -> None:
        assert expected_duration("wo3men5 bu4 zhi1dao4") == pytest.approx(expected_duration("我们 不 知道"))


@pytest.mark.parametrize("text", ["", "Hello, you!", "Привет · да", "안녕.", "नमस्ते।", "l·l (a) “b”", "[laughs] a\n b"])
def test_other_languages_stay(text: str) -> None:
    assert readings(text) == text


@pytest.mark.usefixtures("packages")
@settings(deadline=None, max_examples=100)
@given(MIXED, st.sampled_from([None, "ja", "zh"]))
def test_any_text_read_again_is_the_same(text: str, language: str | None) -> None:
    read = readings(text, language)
    assert readings(read, language) == read
    assert read.count("\n") == text.count("\n")


@pytest.mark.usefixtures("packages")
@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_characters(text: str) -> None:
    readings(f"は{text}我", None)


@pytest.mark.usefixtures("without")
@pytest.mark.parametrize("text", ["私は、行く", "我们去。"])
def test_without_packages(text: str) -> None:
    with pytest.warns(BarkWarning, match=r"pip install 'openbark\[text\]'"):
        found = readings(text)
    assert found[0] == text[0]


def test_only_where_it_is_wanted() -> None:
    assert prepared("我有2个。", TextConfig()) == "我有2个。"
    assert "我" in prepared("我有2个。", TextConfig(verbalize=True))


@pytest.mark.parametrize("before", range(290, 302))
def test_a_tag_in_a_long_sentence_stays_whole(before: int) -> None:
    assert "[laughs]" in readings(f"{'あ' * before}[laughs]今日は", "ja")
