"""What is known of a model without loading it: its voices and its token space, by which jobs are checked."""

from __future__ import annotations

import difflib
from dataclasses import replace

from bark.checkpoints.registry import CONFIG, find_model, form_of
from bark.checkpoints.tables import read_json
from bark.checkpoints.voices import voice_places
from bark.errors import OptionError, TextError, VoiceError
from bark.lines import UNSEEN, language_of
from bark.models.config import ModelConfig
from bark.server.jobs import Job, VoiceInfo
from bark.settings import Settings
from bark.text.normalize import SAYABLE, clean
from bark.text.script import parse_script
from bark.tokens import SUNO
from bark.voices import Voice
from bark.voices.library import voice_names

NEAR = 3  # names that are suggested


class Library:
    """A model's files, as far as the server itself reads them.

    Args:
        model: name or folder; None for `BARK_MODEL`, else pup.

    Raises:
        WeightsNotFoundError: there is no such model.
        CheckpointError: its config is broken.
    """

    def __init__(self, model: str | None = None) -> None:
        settings = Settings.from_env()
        place = find_model(model or settings.model, settings)
        native = form_of(place.folder, place.size) == "native"
        self._places = voice_places(place.folder, None if native else settings.hub)
        self.space = ModelConfig.from_dict(read_json(place.folder / CONFIG)).tokens if native else SUNO
        self._names: frozenset[str] = frozenset()

    def voices(self) -> list[VoiceInfo]:
        """All voices that are there now."""
        names = voice_names(*self._places)
        self._names = frozenset(names)
        return [VoiceInfo(name, language_of(name)) for name in names]

    def check(self, job: Job) -> Job:
        """A job that a worker can make ready, as far as can be told without its model.

        Raises:
            TextError: there is nothing to say, or the script is broken.
            VoiceError: there is no such voice, or it is not of this model.
            OptionError: the deadline makes no sense.
        """
        if job.deadline is not None and not job.deadline > 0:
            raise OptionError(f"deadline must be seconds above 0, not {job.deadline!r}")
        text = UNSEEN.sub("", clean(job.text)).strip()
        if not SAYABLE.search(text):
            raise TextError(f"there is nothing to say in {text[:40]!r}: no letter, no digit, and no tag")
        if job.dialogue:
            for member in parse_script(job.text).cast.values():
                self._check_voice(member.voice)
        self._check_voice(job.voice)
        return replace(job, text=text) if not job.dialogue else job

    def _check_voice(self, voice: str | Voice | None) -> None:
        if isinstance(voice, Voice):
            voice.check(self.space)
        elif voice is not None and not self._has(voice):
            raise VoiceError(self._unknown(voice))

    def _has(self, name: str) -> bool:
        """Whether there is a voice of this name; one may have come since."""
        return name in self._names or any(info.name == name for info in self.voices())

    def _unknown(self, name: str) -> str:
        tails = {known.rpartition("/")[2]: known for known in sorted(self._names)}
        near = difflib.get_close_matches(name[:80], [*self._names, *tails], n=5, cutoff=0.6)
        found = list(dict.fromkeys(tails.get(hit, hit) for hit in near))[:NEAR]
        hint = f"; did you mean {' or '.join(found)}?" if found else ""
        return f"there is no voice {name[:80]!r}{hint}"
