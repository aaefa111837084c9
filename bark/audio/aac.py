"""AAC, alone or in an MP4 file, by PyAV."""

from __future__ import annotations

from fractions import Fraction

from bark.audio.samples import Audio, as_audio
from bark.audio.sndfile import Sink
from bark.audio.tags import Tags
from bark.errors import AudioError

BIT_RATE = 64_000
CONTAINERS = {"aac": "adts", "m4a": "mp4"}
# for who can't go back to the head: an index for every fifth of a second instead of one for all
FRAGMENTS = {"movflags": "empty_moov+default_base_moof", "frag_duration": "200000"}


class Pipe:
    """A sink without a way back, in the eyes of PyAV."""

    def __init__(self, sink: Sink) -> None:
        self.write = sink.write


class AacEncoder:
    """AAC-LC at 64 kbit/s, in ADTS frames (`aac`, without tags) or in MP4 (`m4a`).

    MP4 has its index at the end, for about 80 bytes of memory a frame, or else in fragments.
    """

    def __init__(self, name: str, sample_rate: int, tags: Tags | None, *, room: bool) -> None:
        """Args:
        name: of the format: aac or m4a.
        sample_rate: Hz, that AAC has.
        tags: for MP4.
        room: whether `patches` will be written.
        """
        import av  # as large as all the rest, and wanted for this alone

        self.patches: tuple[tuple[int, bytes], ...] = ()
        self._av = av
        self._sink = Sink()
        options = FRAGMENTS if name == "m4a" and not room else {}
        sink = self._sink if room else Pipe(self._sink)
        self._file = av.open(sink, "w", format=CONTAINERS[name], options=options)
        if tags is not None:
            self._file.metadata.update(tags.fields())
        self._stream = self._file.add_stream("aac", rate=sample_rate, layout="mono")
        self._stream.bit_rate = BIT_RATE
        self._time = 0

    def encode(self, audio: Audio) -> bytes:
        """What is ready after audio [T]."""
        if len(audio):
            data = as_audio(audio).clip(-1, 1)[None]
            frame = self._av.AudioFrame.from_ndarray(data, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = self._stream.rate, self._time
            frame.time_base = Fraction(1, frame.sample_rate)
            self._time += len(audio)
            self._file.mux(self._stream.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        """The rest.

        Raises:
            AudioError: there was no audio; a file of nothing would not open.
        """
        if not self._time:
            raise AudioError("there is no audio to write")
        self._file.mux(self._stream.encode(None))
        self._file.close()
        self.patches = tuple(self._sink.patches)
        return self._sink.take()

    def close(self) -> None:
        """Lets go of the file; PyAV may crash when it finds one left open."""
        self._file.close()
