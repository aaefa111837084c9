"""All voices that a client can ask for: the model's, OpenAI's names for them, and the client's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bark.errors import VoiceError
from bark.server.errors import Refusal
from bark.server.jobs import VoiceInfo
from bark.server.model import ModelCard
from bark.server.names import aliases, presets
from bark.server.schemas import VoiceOut
from bark.server.shelf import Kept, Shelf, read
from bark.voices import Voice
from bark.voices.files import find_own


class VoiceBook:
    """Voices by name.

    Args:
        card: of the model.
        library: gives the model's voices.
        shelf: where the clients' own are.
        own: folder of the voices of the user whose machine this is; None where others ask.
    """

    def __init__(
        self,
        card: ModelCard,
        library: Callable[[], Awaitable[Sequence[VoiceInfo]]],
        shelf: Shelf,
        own: Path | None = None,
    ) -> None:
        self._card, self._library, self.shelf, self._own = card, library, shelf, own
        self._adding = asyncio.Lock()

    async def all(self, owner: str) -> list[VoiceOut]:
        """What an owner can ask for: the model's first, their own last."""
        library = await self._library()
        languages = {info.name: info.language for info in library}
        kept = await asyncio.to_thread(self.shelf.kept, owner)
        own = await asyncio.to_thread(self._users)
        return [
            *(VoiceOut(id=info.name, name=info.name, type="preset", language=info.language) for info in library),
            *(
                VoiceOut(id=alias, name=f"{alias} ({name})", type="alias", language=languages[name])
                for alias, name in sorted(aliases(self._card.name, list(languages)).items())
            ),
            *(VoiceOut(id=name, name=name, type="audio_sample") for name in sorted(own) if name not in languages),
            *map(shown, kept),
        ]

    async def names(self) -> list[str]:
        """Of the model's voices."""
        return [info.name for info in await self._library()]

    async def find(self, wanted: str | None, owner: str, language: str | None = None) -> str | Voice | None:
        """The voice of a name or an id, as a job takes it; what a client says is only ever compared.

        Args:
            wanted: None for the model's first voice in the language, if it has any.
            owner: whose own voices are looked at.
            language: a two-letter code; None for English.

        Raises:
            Refusal: 404 where there is no such voice.
        """
        names = await self.names()
        if wanted is None:
            return next(iter(presets(names, language or "en")), None)
        known = {name.rpartition("/")[2]: name for name in sorted(names)} | {name: name for name in names}
        if wanted not in known and (path := (await asyncio.to_thread(self._users)).get(wanted)):
            return await asyncio.to_thread(read, path, wanted)
        known = aliases(self._card.name, names) | known
        if wanted in known:
            return known[wanted]
        kept = await asyncio.to_thread(self.shelf.find, owner, wanted)
        if kept is None:
            raise Refusal(404, "there is no such voice; /v1/audio/voices has all of them", "voice_not_found", "voice")
        return await asyncio.to_thread(self.shelf.load, owner, kept)

    def _users(self) -> dict[str, Path]:
        """Files of the user's own voices, which `bark voices create` makes."""
        return {name: path for name, path in find_own(self._own).items() if isinstance(path, Path)}

    async def add(self, owner: str, name: str, make: Callable[[], Awaitable[Voice]]) -> VoiceOut:
        """Keeps a new voice of an owner, which is made once it is known that it may be kept.

        Raises:
            VoiceError: as `Shelf.add`, or another voice has the name, or it is not of this model.
        """
        ids = [voice.id.casefold() for voice in await self.all(owner)]
        if name.casefold() in (*ids, *(known.rpartition("/")[2] for known in ids)):  # by which a preset is found, too
            raise VoiceError(f"there is a voice {name!r} already; choose another name")
        await asyncio.to_thread(self.shelf.check, owner, name)
        voice = (await make()).check(self._card.tokens)
        async with self._adding:  # which looks again
            return shown(await asyncio.to_thread(self.shelf.add, owner, name, voice))


def shown(kept: Kept) -> VoiceOut:
    """A voice of a client's own, as it is told."""
    return VoiceOut(id=kept.id, name=kept.name, type="audio_sample", created_at=kept.created)
