"""What the guards are worth, and where a model's limits lie: sentences said with and without retries, and judged.

A sentence fails where Whisper hears more than half of its words wrong, or where it takes more than twice as long as
expected. At temperatures above those that suit a model enough of them fail to count:

    python -m recipes.pup.guards --out work/guards.jsonl --temperatures 0.7 1.0 1.2 --retries 0 2 4

says each sentence so often, goes on where it was when it is started again, and prints how many fail. For utterances as
they came (`--retries 0`) it also prints what each limit of `guards.surprise` in config.json would find.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bark import Bark
from bark.engine.surprise import surprise
from bark.errors import BarkError, BarkWarning
from bark.evaluation.judging import Clip, Panel
from bark.lines import Line
from bark.result import Utterance
from bark.text.duration import expected_duration
from recipes.pup.texts import evaluation_sentences

GARBLED, RUNAWAY = 0.5, 2.0  # word error rate, and times the expected duration, above which an utterance fails
LIMITS = np.arange(1.0, 4.01, 0.2)  # nats a token


@dataclass(frozen=True)
class Setting:
    """How a sentence is said.

    Attributes:
        temperature: of the first two stages; None for the model's own.
        voiced: whether a voice of the model says it, a different one each time.
        retries: how often it may be said anew.
    """

    temperature: float | None
    voiced: bool
    retries: int

    def __str__(self) -> str:
        heat = "the model's own" if self.temperature is None else f"{self.temperature:g}"
        return f"{heat} | {'voices' if self.voiced else 'none'} | {self.retries}"


@dataclass(frozen=True)
class Verdict:
    """A sentence as it was said, and as it was heard.

    Attributes:
        seed: of the try that was taken.
        tries: how many there were.
        problems: what the guards still saw.
        surprise: nats a semantic token, on average.
        seconds: of audio.
        expected: seconds that were expected.
        computed: seconds of processor time that all tries took.
        errors: words that Whisper heard wrong.
        words: of the sentence.
    """

    number: int
    setting: Setting
    text: str
    seed: int
    tries: int
    problems: tuple[str, ...]
    surprise: float
    seconds: float
    expected: float
    computed: float
    errors: int
    words: int
    transcript: str

    @property
    def fails(self) -> bool:
        """Whether nobody would want it."""
        return self.errors > GARBLED * self.words or self.seconds > RUNAWAY * self.expected

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Verdict:
        """From a line of the file."""
        return cls(**{**row, "setting": Setting(**row["setting"]), "problems": tuple(row["problems"])})


class Trial:
    """Says sentences and has them judged.

    Args:
        bark: that says them.
        panel: that listens, with a transcriber.
    """

    def __init__(self, bark: Bark, panel: Panel) -> None:
        self.bark = bark
        self.panel = panel
        self._heard: dict[tuple[Any, ...], tuple[str, int, int]] = {}

    def hear(self, number: int, text: str, setting: Setting) -> Verdict:
        """One sentence. What was said with the same seed before is not listened to again."""
        started = time.process_time()
        said = self._said(number, text, setting)
        computed = time.process_time() - started
        key = (number, setting.temperature, setting.voiced, said.seed)
        if key not in self._heard:
            self._heard[key] = self._judged(said)
        transcript, errors, words = self._heard[key]
        expected = expected_duration(said.text)
        found = (said.seed, said.tries, said.problems, self._surprise(said), said.duration, expected, computed)
        return Verdict(number, setting, text, *found, errors, words, transcript)

    def remember(self, verdict: Verdict) -> None:
        """Takes a verdict from before, so that the same audio isn't listened to again."""
        setting = verdict.setting
        key = (verdict.number, setting.temperature, setting.voiced, verdict.seed)
        self._heard[key] = (verdict.transcript, verdict.errors, verdict.words)

    def _said(self, number: int, text: str, setting: Setting) -> Utterance:
        options = replace(self.bark.config.generation, retries=setting.retries)
        options = options.with_changes(temperature=setting.temperature)
        voices = self.bark.voices.names()
        voice = voices[number % len(voices)] if setting.voiced else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BarkWarning)
            (said,) = self.bark.narrate([Line(text, voice=voice, options=options, seed=1000 * number)])
        return said

    def _judged(self, said: Utterance) -> tuple[str, int, int]:
        judgement = self.panel.judge(Clip(said.audio, said.text, sample_rate=said.sample_rate))
        assert judgement.words is not None
        return judgement.transcript or "", judgement.words.errors, judgement.words.total

    def _surprise(self, said: Utterance) -> float:
        if not len(said.tokens.semantic):
            return 0.0
        history = said.voice.reading if said.voice else None
        with self.bark.parts.semantic() as stage:
            return float(surprise(stage, self.bark.encode(said.text), history, said.tokens.semantic).mean())


def verdicts(trial: Trial, texts: Mapping[int, str], settings: Sequence[Setting], path: Path) -> Iterator[Verdict]:
    """All sentences in all settings, sentence by sentence; those in the file are taken from there, others added."""
    done = [Verdict.of(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []
    known = {(each.number, each.setting): each for each in done}
    for each in done:
        trial.remember(each)
    with path.open("a") as file:
        for (number, text), setting in product(texts.items(), settings):
            verdict = known.get((number, setting))
            if verdict is None:
                verdict = trial.hear(number, text, setting)
                file.write(json.dumps(asdict(verdict), ensure_ascii=False) + "\n")
                file.flush()
            yield verdict


def failures(found: Sequence[Verdict]) -> Iterator[str]:
    """Rows of a table: of each setting, how many sentences fail, and what it cost."""
    yield "temperature | voice | retries | sentences | fail | word errors | tries | processor seconds a second of audio"
    yield "--- | --- | --- | --- | --- | --- | --- | ---"
    for setting in dict.fromkeys(each.setting for each in found):
        own = [each for each in found if each.setting == setting]
        fail = sum(each.fails for each in own)
        wrong = sum(each.errors for each in own) / max(1, sum(each.words for each in own))
        tries = sum(each.tries for each in own) / len(own)
        cost = sum(each.computed for each in own) / max(1e-9, sum(each.seconds for each in own))
        yield f"{setting} | {len(own)} | {fail} ({fail / len(own):.1%}) | {wrong:.1%} | {tries:.2f} | {cost:.2f}"


def limits(found: Sequence[Verdict]) -> Iterator[str]:
    """Rows of a table: what each limit of surprise finds among utterances as they came."""
    yield "nats | " + " | ".join(f"{setting}" for setting in _settings(found)) + " | of those that fail"
    for limit in LIMITS:
        shares = [_share(found, limit, setting) for setting in _settings(found)]
        failing = [each.surprise > limit for each in found if each.fails]
        yield f"{limit:.1f} | " + " | ".join(f"{share:.1%}" for share in [*shares, float(np.mean(failing or [0]))])


def _settings(found: Iterable[Verdict]) -> list[Setting]:
    return list(dict.fromkeys(each.setting for each in found))


def _share(found: Sequence[Verdict], limit: float, setting: Setting) -> float:
    return float(np.mean([each.surprise > limit for each in found if each.setting == setting]))


def main() -> None:
    """Says, judges and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m recipes.pup.guards", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="of the verdicts, a line of JSON each")
    parser.add_argument("--model", help="else the bundled one")
    parser.add_argument("--texts", type=Path, help="a sentence a line; else those of the evaluation")
    parser.add_argument("--skip", type=int, default=0, help="of the sentences, so many")
    parser.add_argument("--count", type=int, default=200, help="sentences, at most")
    parser.add_argument("--temperatures", type=float, nargs="+", default=[None], help="else the model's own")
    parser.add_argument("--retries", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--voices", action="store_true", help="in the model's voices by turns; else in none")
    arguments = parser.parse_args()
    try:
        _run(arguments)
    except BarkError as error:
        sys.exit(f"guards: {error}")


def _run(arguments: argparse.Namespace) -> None:
    lines = arguments.texts.read_text().splitlines() if arguments.texts else evaluation_sentences("en")
    texts = dict(list(enumerate(lines))[arguments.skip : arguments.skip + arguments.count])
    settings = [
        Setting(heat, arguments.voices, retries) for heat, retries in product(arguments.temperatures, arguments.retries)
    ]
    trial = Trial(Bark(arguments.model, device="cpu"), Panel.load(["words"]))
    found = list(verdicts(trial, texts, settings, arguments.out))
    print("\n".join(failures(found)))
    plain = [each for each in found if each.setting.retries == 0]
    if plain:
        print()
        print("\n".join(limits(plain)))


if __name__ == "__main__":
    main()
