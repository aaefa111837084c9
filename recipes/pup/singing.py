"""Speech turned into song: a note a syllable, on the teacher's own sounds."""

from __future__ import annotations

import numpy as np

from bark.evaluation.teachers import DURATION_UNIT, SAMPLE_RATE, Spoken
from recipes.pup.retune import FRAMES, Analysed, Floats, Ints, analysed, rendered, stretched

VOWELS = set("ɑɐaæɒɔəɚɛɜɤeɪiɨɯoøœʊuʌʉyAIOWYᵻᵊ")
SCALES = {"major": (0, 2, 4, 7, 9, 12), "minor": (0, 3, 5, 7, 10, 12)}  # pentatonic: any two of their notes go together
BEATS = ((1.0, 0.5), (2.0, 0.2), (0.5, 0.3))  # lengths of a note, and how often each
UNIT = DURATION_UNIT / SAMPLE_RATE  # seconds
VIBRATO = 5.5  # Hz
DEPTH = 0.35  # semitones


def sing(spoken: Spoken, rng: np.random.Generator) -> Spoken | None:
    """The same words sung.

    Args:
        spoken: by a teacher.
        rng: chooses key, scale, tempo and melody.

    Returns:
        None where there is no vowel to hold, or no voice.
    """
    speech = analysed(spoken)
    nuclei = [place + 1 for place, phoneme in enumerate(spoken.phonemes) if phoneme in VOWELS]
    if not nuclei or not speech.mean_pitch:
        return None
    notes = melody(len(nuclei), speech.mean_pitch, rng)
    durations = _held(spoken, nuclei, rng)
    shown = stretched(speech, durations)
    owner = speech.owner[shown]
    pitch = _pitch(speech, shown, owner, nuclei, notes)
    return rendered(speech, durations, shown, pitch, np.ones(len(shown)))


def melody(count: int, mean: float, rng: np.random.Generator) -> Floats:
    """So many notes, Hz [count]: a walk by steps on a pentatonic scale that ends on its first note.

    Args:
        count: of notes.
        mean: pitch of the speaker, Hz; the scale begins a little above it, on a note of the piano.
        rng: chooses.
    """
    scale = SCALES[str(rng.choice(list(SCALES)))]
    tonic = round(12 * np.log2(mean / 440) + rng.uniform(0, 4))
    place, degrees = int(rng.integers(0, len(scale))), []
    for left in range(count, 0, -1):
        degrees.append(0 if left == 1 else place)
        place = int(np.clip(place + rng.choice([-2, -1, -1, 0, 1, 1, 2]), 0, len(scale) - 1))
    return np.asarray([440 * 2 ** ((tonic + scale[d]) / 12) for d in degrees])


def _held(spoken: Spoken, nuclei: list[int], rng: np.random.Generator) -> list[int]:
    """Durations by which each syllable lasts one note."""
    beat = rng.uniform(0.3, 0.45) / UNIT
    lengths, odds = zip(*BEATS, strict=True)
    durations = list(spoken.durations)
    ends = [*nuclei[1:], len(durations)]
    for n, (nucleus, end) in enumerate(zip(nuclei, ends, strict=True)):
        wanted = beat * (2 if n == len(nuclei) - 1 else rng.choice(lengths, p=odds))
        after = sum(durations[nucleus + 1 : end]) if n < len(nuclei) - 1 else 0
        durations[nucleus] = max(durations[nucleus], round(wanted) - after, 4)
    return durations


def _pitch(speech: Analysed, shown: Ints, owner: Ints, nuclei: list[int], notes: Floats) -> Floats:
    """A steady pitch a note, that glides from one to the next, with vibrato on what is held."""
    own = np.searchsorted(nuclei, owner, side="right") - 1
    steps = 12 * np.log2(notes[np.clip(own, 0, None)] / 440)
    window = np.hanning(2 * FRAMES + 3)
    padded = np.pad(steps, len(window) // 2, mode="edge")
    steps = np.convolve(padded, window / window.sum(), "valid")
    seconds = np.arange(len(shown)) * UNIT / FRAMES
    begun = np.flatnonzero(np.diff(own, prepend=-2))
    since = seconds - seconds[begun][np.searchsorted(begun, np.arange(len(shown)), side="right") - 1]
    depth = DEPTH * np.clip((since - 0.2) / 0.2, 0, 1)
    steps = steps + depth * np.sin(2 * np.pi * VIBRATO * seconds)
    voiced = (speech.pitch[shown] > 0) | np.isin(owner, nuclei)
    return np.where(voiced, 440 * 2 ** (steps / 12), 0.0)
