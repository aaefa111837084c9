"""A voice from what a client has sent, which may be anything."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio

import bark.errors
from bark.errors import AudioError, BarkError, CheckpointError, VoiceError
from bark.server.errors import Refusal
from bark.server.making import TOLD, Making
from bark.server.settings import KEYS, ServeSettings
from bark.settings import environment_without
from bark.tokens import TokenSpace
from bark.voices import Voice

logger = logging.getLogger(__name__)

NPZ = b"PK\x03\x04"  # a zip, as which NumPy writes several arrays
PATIENCE = 180.0  # seconds for one voice
WAITING = 4  # uploads that may wait for the one that is being made
SAID = 4000  # characters of the process's complaints that are logged


class Uploads:
    """Makes voices, one at a time.

    Args:
        settings: of the server.
        space: of the model.
    """

    def __init__(self, settings: ServeSettings, space: TokenSpace) -> None:
        self._settings, self._space = settings, space
        self._one = asyncio.Lock()
        self._count = 0

    async def voice(self, data: bytes, name: str, consent_by: str, language: str) -> Voice:
        """A voice of an npz file's content, or of a recording.

        Args:
            data: what was sent.
            name: of the voice.
            consent_by: who says that whoever is heard agrees.
            language: in whose preset's manner it reads.

        Raises:
            VoiceError: the npz is none of a voice, or not of this model.
            AudioError: the recording can't be read, or won't do.
            Refusal: too many wait, or the model can't make voices of recordings.
        """
        with tempfile.TemporaryDirectory(prefix="bark-") as folder:
            path = Path(folder) / "upload"
            await asyncio.to_thread(path.write_bytes, data)
            if not data.startswith(NPZ):
                path = await self._made(path, consent_by, language)
            return await asyncio.to_thread(self._read, path, name)

    async def _made(self, recording: Path, consent_by: str, language: str) -> Path:
        voice = recording.with_name("voice.npz")
        longest = self._settings.max_upload_seconds
        asked = Making(self._settings.model, str(recording), str(voice), longest, consent_by, language)
        async with self._turn():
            await _run(asked)
        return voice

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._count > WAITING:
            raise Refusal(429, "voices of others are being made; try again later", retry_after=30)
        self._count += 1
        try:
            async with self._one:
                yield
        finally:
            self._count -= 1

    def _read(self, path: Path, name: str) -> Voice:
        try:
            return replace(Voice.from_npz(path, name), name=name).check(self._space)
        except VoiceError as error:
            raise VoiceError(str(error).replace(str(path), "the file")) from error


async def _run(asked: Making) -> None:
    """Has a process make it, which ends with whoever waits for it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bark.server.making"),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=environment_without(*KEYS),  # it reads strangers' files
    )
    try:
        with anyio.fail_after(PATIENCE):
            told, complaints = await process.communicate(asked.line())
    except TimeoutError:
        raise AudioError(f"no voice could be made of the recording within {PATIENCE:g} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == TOLD:
        raise _fault(told)
    if process.returncode:
        said = complaints.decode("utf-8", "replace")[-SAID:]
        logger.error("the making of a voice ended with %d: %s", process.returncode, said)
        raise AudioError("the recording can't be read")


def _fault(told: bytes) -> BarkError | Refusal:
    """What the process found."""
    said = json.loads(told)
    kind = getattr(bark.errors, said["kind"], BarkError)
    if issubclass(kind, CheckpointError):
        logger.error("no voice can be made of a recording: %s", said["text"])
        return Refusal(422, "this model can't make voices of recordings", "unsupported", "audio")
    found: BarkError = kind(said["text"])
    return found
