"""Scripts: who says what, whatever is thrown at them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bark.errors import TextError
from bark.text.script import NARRATOR, Member, Script, parse_script

PLAY = """\
---
cast:
  Ann: v2/en_speaker_0
  BOB: {voice: bob.npz, seed: 4, temperature: 0.3}
  NO:
language: en
pause: 0.3
---
# The first scene.
It was late: past ten.

ANN: Who is there? [laughs]
     Note: I can't see.
BOB:
  Me.

  And Tim.
MRS. SMITH 2: Shut the door.
no：Never: not now.
http://example.org is a place.
\\# one
\\BOB: two
\\three
"""


def said(script: Script) -> list[tuple[str, str]]:
    return [(turn.speaker, " ".join(turn.text.split())) for turn in script.turns]


def test_a_play() -> None:
    script = parse_script(PLAY)
    assert said(script) == [
        (NARRATOR, "It was late: past ten."),
        ("Ann", "Who is there? [laughs] Note: I can't see."),
        ("BOB", "Me. And Tim."),
        ("MRS. SMITH 2", "Shut the door."),
        ("NO", "Never: not now. http://example.org is a place. # one BOB: two \\three"),
    ]
    assert [turn.line for turn in script.turns] == [10, 12, 15, 18, 19]
    assert script.turns[2].text == "Me.\n\n  And Tim."
    assert script.cast == {"Ann": Member("v2/en_speaker_0"), "BOB": Member("bob.npz", 4, 0.3), "NO": Member()}
    assert (script.language, script.pause) == ("en", 0.3)
    assert script.speakers == [NARRATOR, "Ann", "BOB", "MRS. SMITH 2", "NO"]


@pytest.mark.parametrize(
    "text",
    [
        "Dear all: hello.",
        "It is 10:30 now.",
        "He said: go.",
        "Samantha: not cast.",
        "FIVE WORDS ARE TOO MANY: yes.",
        "A LONG, LONG LIST: yes.",
        "(ASIDE): yes.",
        ": nobody",
        "HTTPS://EXAMPLE.ORG",
    ],
)
def test_prose_is_not_torn(text: str) -> None:
    assert said(parse_script(text)) == [(NARRATOR, text)]


def test_names_of_the_command_line() -> None:
    script = parse_script("samantha: Hi.\nJohn  Doe : Hello.\nJOHN DOE: Again.", ["Samantha", "John Doe"])
    assert said(script) == [("Samantha", "Hi."), ("John Doe", "Hello."), ("John Doe", "Again.")]


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("cast: [", "line 2: the header is not YAML"),
        ("cast: {ANN: *a}", "line 2: the header is not YAML: aliases are not read here"),
        ("a: &a [x]\nb: [*a, *a]", "line 3: the header is not YAML: aliases are not read here"),
        ("cast: " + "[" * 2000, "values lie more than 5 deep"),
        ("cast: {ANN: x, ANN: y}", "'ANN' comes twice"),
        ("cast: {ANN: x, ann: y}", "ann is cast twice"),
        ("cast: {[x]: y}", "is no name"),
        ("cast: ANN", "the cast must be names, each with a voice, not 'ANN'"),
        ("cast: {ANN: {voice: [x]}}", "ANN of the cast: the voice must be a name or a file"),
        ("cast: {ANN: {vioce: x}}", "ANN of the cast has 'vioce'; it may have voice, seed, temperature"),
        ("cast: {ANN: {seed: 1.5}}", "the seed must be a whole number, not '1.5'"),
        ("cast: {ANN: {temperature: warm}}", "the temperature must be a number, not 'warm'"),
        ("cast: {'A:B': x}", "is no name for a speaker"),
        ("cast: {'': x}", "is no name for a speaker"),
        ("lanugage: en", "the header has 'lanugage'; it may have cast, language, pause"),
        ("language: English", "a language is a two-letter code such as en, not 'English'"),
        ("pause: -1", "the pause must be from 0 to 60 seconds, not -1"),
        ("pause: nan", "the pause must be from 0 to 60 seconds"),
        ("Just prose.", "the header must have a value each for cast, language, pause, not 'Just prose.'"),
        ('language: "\\UFFFFFFFF"', "the header is not YAML"),
        ("language: \x07", "the header is not YAML"),
        ("#" * 70_000, "the header has 70000 characters; 65536 are read"),
    ],
)
def test_bad_headers_are_a_sentence(header: str, sentence: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_script(f"---\n{header}\n---\nANN: Hi.", name="play.txt")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("play.txt")
    assert len(str(caught.value)) < 200


def test_nothing_in_a_header_is_run(capfd: pytest.CaptureFixture[str]) -> None:
    script = parse_script("---\ncast:\n  ANN: !!python/object/apply:os.system 'echo harm'\n---\nHi.")
    assert script.cast == {"ANN": Member("echo harm")}
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("text", ["", "\n \n", "# only this", "ANN:\nBOB:", "---\npause: 1\n---"])
def test_nothing_said(text: str) -> None:
    with pytest.raises(TextError, match="nobody says anything"):
        parse_script(text)


def test_a_header_without_an_end() -> None:
    with pytest.raises(TextError, match="line 1: the header that begins with --- must end"):
        parse_script("---\ncast:\nANN: Hi.")


@given(st.text(alphabet=st.sampled_from("AB a:：\n#\\-[]{}&*!?'\"é\u0301,0/\r\t\0%@|>"), max_size=200))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        script = parse_script(text, ["a b"])
    except TextError:
        return
    assert all(turn.text.strip() and turn.speaker for turn in script.turns)


@given(st.text(max_size=300))
def test_any_header_is_read_or_refused(text: str) -> None:
    try:
        parse_script(f"---\n{text}\n---\nHi.")
    except TextError as error:
        assert str(error)


WORDS = st.text(alphabet="abc[]!.é", min_size=1, max_size=8)
SAID = st.lists(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=4)


@given(st.lists(st.tuples(st.sampled_from(["ANN", "MAN 2", "O'BRIEN", "Ünal", "王"]), SAID), min_size=1, max_size=8))
def test_what_is_said_is_kept(turns: list[tuple[str, list[str]]]) -> None:
    text = "\n# aside\n\n".join(f"{name}: " + "\n".join(lines) for name, lines in turns)
    script = parse_script(text, ["Ünal", "王"])
    assert [(turn.speaker, turn.text.split()) for turn in script.turns] == [
        (name, " ".join(lines).split()) for name, lines in turns
    ]


@given(st.lists(st.text(alphabet="AB a:.[]", max_size=12).map(lambda line: line + "b."), min_size=1, max_size=8))
def test_no_word_is_lost_or_made(lines: list[str]) -> None:
    turns = parse_script("\n".join(lines)).turns
    told = [turn.text if turn.speaker == NARRATOR else f"{turn.speaker}:{turn.text}" for turn in turns]
    assert "".join("".join(told).split()) == "".join("".join(lines).split())
