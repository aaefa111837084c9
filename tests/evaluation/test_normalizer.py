import pytest

from bark.evaluation.normalize import normalizer


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("What a strange noise!", "what a strange noise."),
        ("on the harbour wall", "on the harbor wall"),
        ("forty branches, seven sheep", "40 branches 7 sheep"),
        ("in nineteen hundred and thirty", "in 1930"),
        ("I'm sure they won't", "I am sure they will not"),
        ("sixty dollars", "$60"),
        ("Well, um, yes", "well yes"),
        ("don’t", "don't"),
        ("Mr. Smith", "mister Smith"),
    ],
)
def test_english_that_sounds_the_same_is_the_same(said: str, heard: str) -> None:
    pytest.importorskip("whisper_normalizer")
    english = normalizer("en")
    assert english(said) == english(heard)


def test_english_that_sounds_different_stays_different() -> None:
    pytest.importorskip("whisper_normalizer")
    english = normalizer("en")
    assert english("a fair price") != english("a fair prize")


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Grüß Gott, Frau Müller!", "grüss gott frau müller"),
        ("fr", "L’été, c'est fini…", "lété cest fini"),
        ("hi", "नमस्ते, आप कैसे हैं?", "नमस्ते आप कैसे हैं"),
        ("zh", "早上好, 昨晚 睡得踏实吗？", "早上好昨晚睡得踏实吗"),
        ("ja", "３時です。", "3時です"),
        ("ko", "안녕하세요, 만나서!", "안녕하세요 만나서"),
    ],
)
def test_other_languages(language: str, text: str, expected: str) -> None:
    assert normalizer(language)(text) == expected
