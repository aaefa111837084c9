"""Who speaks, before a line."""

from __future__ import annotations

import pytest

from bark.models.config import TextConfig
from bark.text.labels import labels
from bark.text.prepare import prepared


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("WOMAN: Hello.", "[WOMAN] Hello."),
        ("  MAN :Hello.", "  [MAN] Hello."),
        ("NARRATOR: Once upon a time.", "Once upon a time."),
        ("MAN: Hello.\nWOMAN: Good day.\nNARRATOR: They met.", "[MAN] Hello.\n[WOMAN] Good day.\nThey met."),
        ("[MAN] Hello.", "[MAN] Hello."),
        ("Man: a history.", "Man: a history."),
        ("The WOMAN: a play.", "The WOMAN: a play."),
        ("HUMAN: Hello.", "HUMAN: Hello."),
        ("MAN:", "MAN:"),
        ("MAN:\nHello.", "MAN:\nHello."),
        ("", ""),
    ],
)
def test_labels_become_tags(text: str, said: str) -> None:
    assert labels(text) == said
    assert labels(said) == said
    assert prepared(text, TextConfig(labels=True)) == said
    assert prepared(text, TextConfig()) == text
