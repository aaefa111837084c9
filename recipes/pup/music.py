"""A few bars of music for `[music]`: chords and a tune of our own, played from a free soundfont by FluidSynth."""

from __future__ import annotations

import io
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bark.errors import BarkError
from bark.evaluation.packages import require
from bark.evaluation.teachers import SAMPLE_RATE

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")  # Debian: fluidsynth, fluid-soundfont-gm (MIT)
PROGRESSIONS = ((0, 7, 9, 5), (0, 9, 5, 7), (0, 5, 7, 0), (9, 5, 0, 7), (0, 4, 5, 7))  # semitones above the key
MINOR = {9, 4}  # of those, which are minor chords
BACKS = (0, 4, 24, 25, 26, 46, 48, 11)  # General MIDI: pianos, guitars, harp, strings, vibraphone
LEADS = (0, 11, 12, 24, 40, 56, 65, 73, 79)  # piano, mallets, guitar, violin, trumpet, sax, flute, ocarina
TICKS = 480  # a beat
MELODY = (0, 2, 4, 7, 9, 12)


def music(rng: np.random.Generator, seconds: float | None = None) -> npt.NDArray[np.float32]:
    """Music [T] at 24 kHz, faded out; 2 to 3.5 s unless told.

    Raises:
        BarkError: FluidSynth or its soundfont isn't installed.
    """
    seconds = seconds or float(rng.uniform(2.0, 3.5))
    audio = _played(_score(rng, seconds), seconds)
    fade = min(len(audio), round(0.5 * SAMPLE_RATE))
    audio[-fade:] *= np.linspace(1, 0, fade) ** 2
    level = np.sqrt((audio**2).mean()) + 1e-9
    return np.clip(audio * rng.uniform(0.05, 0.08) / level, -1, 1).astype(np.float32)


def _score(rng: np.random.Generator, seconds: float) -> bytes:
    """A MIDI file: a chord of two beats after another, arpeggiated or not, and a tune above."""
    mido = require("mido")
    file, track = mido.MidiFile(ticks_per_beat=TICKS), mido.MidiTrack()
    file.tracks.append(track)
    tempo = int(rng.uniform(400_000, 700_000))  # µs a beat
    track.append(mido.MetaMessage("set_tempo", tempo=tempo))
    for channel, programs in enumerate((BACKS, LEADS)):
        track.append(mido.Message("program_change", channel=channel, program=int(rng.choice(programs))))
    key, chords = int(rng.integers(48, 60)), PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    events: list[tuple[int, bool, int, int, int]] = []
    spread = int(rng.choice([0, TICKS // 2]))
    beats = int(seconds * 1e6 / tempo) + 2
    for bar in range(beats // 2 + 1):
        root = chords[bar % len(chords)]
        third = 3 if root in MINOR else 4
        for n, note in enumerate((root, root + third, root + 7)):
            _note(events, 0, key + note, 2 * bar * TICKS + n * spread, 2 * TICKS - n * spread, 70)
    tick = 0
    while tick < beats * TICKS:
        length = int(rng.choice([TICKS // 2, TICKS, 2 * TICKS], p=[0.5, 0.4, 0.1]))
        if rng.random() < 0.85:
            _note(events, 1, key + 12 + int(rng.choice(MELODY)), tick, length, 90)
        tick += length
    before = 0
    for at, on, channel, note, velocity in sorted(events, key=lambda event: (event[0], event[1])):
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, channel=channel, note=note, velocity=velocity, time=at - before))
        before = at
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def _note(
    events: list[tuple[int, bool, int, int, int]], channel: int, note: int, at: int, length: int, velocity: int
) -> None:
    events += [(at, True, channel, note, velocity), (at + length, False, channel, note, 0)]


def _played(score: bytes, seconds: float) -> npt.NDArray[np.float64]:
    soundfile = require("soundfile")
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "score.mid", Path(folder) / "played.wav"
        midi.write_bytes(score)
        command = [_fluidsynth(), "-ni", "-q", "-r", str(SAMPLE_RATE), "-F", str(wav), str(SOUNDFONT), str(midi)]
        subprocess.run(command, check=True, capture_output=True)
        audio, _ = soundfile.read(wav)
    mono = audio.mean(1)[: round(seconds * SAMPLE_RATE)]
    return np.pad(mono, (0, max(0, round(seconds * SAMPLE_RATE) - len(mono))))


@cache
def _fluidsynth() -> str:
    import shutil

    found = shutil.which("fluidsynth")
    if found is None or not SOUNDFONT.exists():
        raise BarkError("no music without FluidSynth: apt-get install fluidsynth fluid-soundfont-gm")
    return found
