"""What a file says of itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bark.audio.tags import LONGEST_TEXT, Tags, id3, riff_info, shortened


def test_the_four_fields() -> None:
    fields = Tags(text="One two", voice="amy", model="pup", seed=3).fields()
    assert fields == {
        "title": "One two",
        "artist": "amy",
        "comment": "Synthetic speech; model pup, voice amy, seed 3: One two",
        "software": "Bark",
    }


def test_nothing_told_is_still_synthetic() -> None:
    assert Tags().fields() == {"comment": "Synthetic speech", "software": "Bark"}


def test_long_text_is_cut_at_a_word() -> None:
    text = "wonderful " * 1000
    cut = shortened(text, 100)
    assert len(cut) <= 100 and cut.endswith("wonderful…")
    assert len(Tags(text=text).fields()["comment"]) < LONGEST_TEXT + 30


@given(st.text(alphabet=st.characters(), max_size=60), st.integers(1, 70))
def test_any_text_becomes_one_printable_line(text: str, longest: int) -> None:
    line = shortened(text, longest)
    assert len(line) <= longest and line.encode() is not None and (line.isprintable())
    tags = Tags(text=text, voice=text)
    assert len(riff_info(tags)) % 2 == 0
    head = id3(tags)
    size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    assert head.startswith(b"ID3\3") and size == len(head) - 10
