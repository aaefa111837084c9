"""A scheduler that says noise: the same for the same text, voice and seed, as fast as it is asked."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence

import numpy as np

from bark.server.jobs import FloatArray, Job, Snapshot, Speech, State, VoiceInfo

RATE = 24_000
PIECE = 6_000  # samples
DRAWN = 11  # the seed of jobs without one


def audio_of(job: Job, seconds: float) -> FloatArray:
    """What the fake says of a job."""
    voice = job.voice if isinstance(job.voice, str) else getattr(job.voice, "name", "")
    seed = DRAWN if job.options is None or job.options.seed is None else job.options.seed
    rng = np.random.default_rng(zlib.crc32(f"{job.text}|{voice}|{seed}".encode()))
    return rng.uniform(-0.3, 0.3, round(seconds * RATE)).astype(np.float32)


class FakeScheduler:
    """Takes every job at once.

    Attributes:
        seconds: that each job lasts.
        jobs: that were submitted.
        open: speeches that are neither ended nor given up.
        refusal: raised by `submit`, unless None.
        broken: ends each speech after its first piece, unless None.
        held: as long as it is set, no piece after the first comes; with `mute`, not even that.
    """

    def __init__(self, voices: Sequence[str] = ()) -> None:
        self.state: State = "ready"
        self.seconds = 0.75
        self.jobs: list[Job] = []
        self.open: set[Speech] = set()
        self.closed = 0
        self.refusal: Exception | None = None
        self.broken: Exception | None = None
        self.free, self.mute = asyncio.Event(), False
        self.free.set()
        self.drained: list[float] = []
        self._voices = voices
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self.free = asyncio.Event()  # of this loop
        self.free.set()

    async def submit(self, job: Job) -> Speech:
        if self.refusal is not None:
            raise self.refusal
        self.jobs.append(job)
        seed = DRAWN if job.options is None or job.options.seed is None else job.options.seed
        speech = Speech(RATE, seed, on_close=lambda: self._closed(speech))
        self.open.add(speech)
        task = asyncio.ensure_future(self._speak(job, speech))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return speech

    async def voices(self) -> list[VoiceInfo]:
        return [VoiceInfo(name, name.rpartition("/")[2][:2]) for name in self._voices]

    async def drain(self, grace: float) -> None:
        self.state = "draining"
        self.drained.append(grace)
        while self._tasks:
            await asyncio.gather(*self._tasks)
        self.state = "stopped"

    def snapshot(self) -> Snapshot:
        return Snapshot(self.state, jobs=len(self.open), rows=len(self.open), slots=8)

    async def _speak(self, job: Job, speech: Speech) -> None:
        audio = audio_of(job, self.seconds)
        if self.mute:
            await self.free.wait()
        for begin in range(0, len(audio), PIECE):
            speech.put(audio[begin : begin + PIECE])
            speech.audio_tokens += 6
            await asyncio.sleep(0)
            if self.broken is not None:
                break
            await self.free.wait()
        speech.text_tokens = len(job.text.split())
        speech.end(self.broken)
        self.open.discard(speech)

    def _closed(self, speech: Speech) -> None:
        self.open.discard(speech)
        self.closed += 1
