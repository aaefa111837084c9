"""Files in every format, as others read them."""

from __future__ import annotations

import importlib.util
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bark.audio.formats import FORMATS
from bark.audio.tags import Tags
from bark.audio.writer import open_audio, write_audio
from bark.errors import AudioError, OptionError, OutputError, WeightsNotFoundError

RATE = 24_000
NO_PYAV = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="there is no PyAV")
ALL = [pytest.param(name, marks=NO_PYAV) if format.library else name for name, format in FORMATS.items()]
FILES = [name for name in ALL if name != "pcm"]
PADDING = {"ogg": 0.05, "m4a": 0.05, "aac": 0.11}  # seconds that an encoder may add at both ends together
SHORT = {"ogg": 0.02}  # seconds of the last packet of Vorbis that FFmpeg leaves out; libvorbis does not
TAGS = Tags(text="Grüß Gott, 世界 🐕\nsaid the dog.", voice="v2/de_speaker_3", model="pup", seed=7, software="Bark 1")


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two signals at the best of the shifts that encoders make."""
    part = b[3000:17_000]
    shift = int(np.correlate(a[:20_000], part, "valid").argmax())
    return float(np.corrcoef(a[shift : shift + len(part)], part)[0, 1])


@pytest.mark.parametrize("name", FILES)
def test_a_player_hears_what_was_written(name: str, tmp_path: Path, tone: np.ndarray, decoded: Callable) -> None:
    path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    with open_audio(path, RATE, tags=TAGS) as file:
        for piece in np.array_split(tone, 11):
            file.write(piece)
        assert file.samples == len(tone) and file.duration == len(tone) / RATE
    heard, rate = decoded(path)
    extra = len(heard) / rate - len(tone) / RATE
    assert -SHORT.get(name, 1e-9) <= extra <= PADDING.get(name, 1e-9)
    heard = heard[:: rate // RATE]
    assert alike(heard, tone) > 0.995
    assert np.std(heard[:40_000]) == pytest.approx(np.std(tone[:40_000]), rel=0.06)


@pytest.mark.parametrize("name", FILES)
def test_ffprobe_reads_length_and_tags(name: str, tmp_path: Path, tone: np.ndarray, probed: Callable) -> None:
    path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    write_audio(path, tone, RATE, tags=TAGS)
    found = probed(path)
    assert found["duration"] == pytest.approx(len(tone) / RATE, abs=0.12 if name == "aac" else 0.065)
    if name != "aac":
        assert found["title"] == "Grüß Gott, 世界 🐕 said the dog."
        assert found["artist"] == "v2/de_speaker_3"
        assert found["comment"].startswith("Synthetic speech; model pup, voice v2/de_speaker_3, seed 7: Grüß Gott")


@pytest.mark.parametrize("name", FILES)
def test_a_pipe_gets_a_file_that_plays(name: str, tmp_path: Path, tone: np.ndarray, decoded: Callable) -> None:
    read, write = os.pipe()
    parts: list[bytes] = []
    with os.fdopen(read, "rb") as out:
        thread = threading.Thread(target=lambda: parts.append(out.read()))
        thread.start()
        with os.fdopen(write, "wb") as into, open_audio(into, RATE, format=name, tags=TAGS) as file:
            for piece in np.array_split(tone, 7):
                file.write(piece)
        thread.join()
    (tmp_path / "a").write_bytes(parts[0])
    heard, rate = decoded(tmp_path / "a")
    assert -SHORT.get(name, 1e-9) <= len(heard) / rate - len(tone) / RATE <= 0.12
    assert alike(heard[:: rate // RATE], tone) > 0.995


def test_raw_samples(tmp_path: Path, tone: np.ndarray) -> None:
    write_audio(tmp_path / "a.pcm", tone, RATE)
    np.testing.assert_allclose(np.fromfile(tmp_path / "a.pcm", "<i2") / 32767, tone, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "bits", "subtype", "error"),
    [
        ("wav", 16, "PCM_16", 2e-5),
        ("wav", 24, "PCM_24", 2e-7),
        ("wav", 32, "FLOAT", 0),
        ("flac", 16, "PCM_16", 2e-5),
        ("flac", 24, "PCM_24", 2e-7),
    ],
)
def test_bits_of_a_sample(name: str, bits: int, subtype: str, error: float, tmp_path: Path, tone: np.ndarray) -> None:
    path = tmp_path / f"a.{name}"
    write_audio(path, tone, RATE, bits=bits)
    assert soundfile.info(path).subtype == subtype
    scale = 1 if bits == 32 else 2 ** (bits - 1) / (2 ** (bits - 1) - 1)
    np.testing.assert_allclose(soundfile.read(path)[0] * scale, tone, atol=error)


def test_a_rate_that_the_format_lacks_is_converted(tmp_path: Path, tone: np.ndarray) -> None:
    write_audio(tmp_path / "a.opus", tone, 22_050)
    assert soundfile.info(tmp_path / "a.opus").duration == pytest.approx(len(tone) / 22_050, abs=1e-3)
    write_audio(tmp_path / "a.wav", tone, RATE, output_rate=48_000)
    assert soundfile.info(tmp_path / "a.wav").samplerate == 48_000
    assert soundfile.info(tmp_path / "a.wav").frames == 2 * len(tone)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_rate": 44_100, "format": "opus"}, "opus can't hold 44100 Hz; it holds 8000, 12000"),
        ({"output_rate": 0}, "a sample rate is 1 to 192000 Hz, not 0"),
        ({"output_rate": 4000, "format": "ogg"}, "ogg can't hold 4000 Hz; it holds 8000 to 192000"),
        ({"bits": 24, "format": "mp3"}, "mp3 can't have 24 bits a sample: it is compressed"),
        ({"bits": 32, "format": "flac"}, "flac can't have 32 bits a sample: it is 16 or 24"),
    ],
)
def test_what_a_format_can_not_hold_is_told(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message), open_audio(tmp_path / "a.wav", RATE, **options):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("fault", [KeyboardInterrupt, AudioError, WeightsNotFoundError, OSError])
def test_work_broken_off_leaves_what_was_there(name: str, fault: type, tmp_path: Path, tone: np.ndarray) -> None:
    path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    path.write_bytes(b"old")
    with pytest.raises(fault, match="enough") as caught, open_audio(path, RATE) as file:
        file.write(tone)
        raise fault("enough")
    assert type(caught.value) is fault
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("audio", [np.zeros((2, 3)), np.zeros(3, dtype=np.int16), np.array([0.0, np.nan])])
def test_what_is_not_audio_is_refused(audio: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="audio"):
        write_audio(tmp_path / "a.flac", audio, RATE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ALL)
def test_no_audio(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{FORMATS[name].suffixes[0]}"
    if name in ("wav", "pcm"):
        write_audio(path, np.zeros(0, np.float32), RATE)
        assert name == "pcm" or soundfile.info(path).frames == 0
        return
    with pytest.raises(AudioError, match="there is no audio to write"):
        write_audio(path, np.zeros(0, np.float32), RATE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("name", ALL)
def test_a_full_disk_is_told(name: str, tone: np.ndarray) -> None:
    with pytest.raises(OutputError, match="the disk is full"):
        write_audio("/dev/full", tone, RATE, format=name)


def test_a_full_disk_is_told_of_a_stream(tone: np.ndarray) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="can't write the audio: the disk is full"), open_audio(Full(), RATE) as file:
        file.write(tone)


def test_a_listener_that_leaves_is_told(tone: np.ndarray) -> None:
    read, write = os.pipe()
    os.close(read)
    into = os.fdopen(write, "wb", buffering=0)
    with into, pytest.raises(OutputError, match="Broken pipe"), open_audio(into, RATE) as file:
        file.write(tone)


@pytest.mark.parametrize(("redirect", "told"), [(">", True), (">>", False)])
def test_a_head_is_only_written_over_where_that_can_be(redirect: str, told: bool, tmp_path: Path) -> None:
    code = "import sys, numpy; from bark.audio.writer import write_audio, open_audio\n"
    code += "with open_audio(sys.stdout.buffer, 24000) as file: file.write(numpy.zeros(5))"
    subprocess.run(f"{sys.executable} -c '{code}' {redirect} {tmp_path}/a.wav", shell=True, check=True)
    data = (tmp_path / "a.wav").read_bytes()
    assert (int.from_bytes(data[4:8], "little") == len(data) - 8) == told
    assert soundfile.info(io.BytesIO(data)).frames == 5


def test_a_stream_is_written_from_where_it_is(tone: np.ndarray) -> None:
    stream = io.BytesIO(b"before")
    stream.seek(6)
    with open_audio(stream, RATE, format="flac") as file:
        file.write(tone)
    assert stream.getvalue()[:6] == b"before" and not stream.closed
    assert soundfile.info(io.BytesIO(stream.getvalue()[6:])).frames == len(tone)
