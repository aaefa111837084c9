"""How far speech that went through a codec is from what went in."""

from __future__ import annotations

import io
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bark.codec.spectrum import DECIBEL, LogMel
from bark.evaluation.files import Audio, resample

JUDGED = 16_000  # Hz, what PESQ, STOI and DNSMOS hear
RANGE = 60.0  # dB below the loudest band of the original; what is quieter counts as silence


def pesq(original: Audio, audio: Audio, sample_rate: int) -> float | None:
    """Wideband PESQ (ITU-T P.862.2), 1 to 4.64; None where it finds no speech.

    Args:
        original: what went in, [T].
        audio: what came out, [T].
        sample_rate: of both, Hz.
    """
    from pesq import NoUtterancesError
    from pesq import pesq as measure

    if not (original.any() and audio.any()):
        return None
    try:
        return float(measure(JUDGED, *_both(original, audio, sample_rate), "wb"))
    except NoUtterancesError:
        return None


def stoi(original: Audio, audio: Audio, sample_rate: int) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), up to 1; arguments as `pesq`'s."""
    from pystoi import stoi as measure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of clips with too little speech, which then have next to none
        return float(measure(*_both(original, audio, sample_rate), JUDGED))


def mel_distance(original: Audio, audio: Audio, sample_rate: int) -> float:
    """Mean difference of 80 mel bands, every 10 ms, dB; arguments as `pesq`'s."""
    mel = _mel(sample_rate)
    a, b = (mel(torch.from_numpy(part)[None])[0] * DECIBEL for part in _same_length(original, audio))
    floor = a.max() - RANGE
    return float((a.clamp(min=floor) - b.clamp(min=floor)).abs().mean())


class NoiseJudge:
    """DNSMOS P.835 (Reddy et al. 2022) in the package speechmos, on one thread."""

    def __init__(self) -> None:
        import onnxruntime
        from speechmos import dnsmos

        models = Path(dnsmos.__file__).parent / "dnsmos_models"
        self._judge = dnsmos.DNSMOS(str(models / "sig_bak_ovr.onnx"), str(models / "model_v8.onnx"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        for name, file in (("onnx_sess", "sig_bak_ovr.onnx"), ("p808_onnx_sess", "model_v8.onnx")):
            setattr(self._judge, name, onnxruntime.InferenceSession(str(models / file), options))

    def estimate(self, audio: Audio, sample_rate: int) -> float:
        """Overall quality of audio [T], from 1 to 5."""
        audio = resample(audio, sample_rate, JUDGED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(self._judge(np.clip(audio, -1.0, 1.0), JUDGED, False)["ovrl_mos"])


def opus(audio: Audio, kbps: int, sample_rate: int = 24_000) -> tuple[Audio, float]:
    """Audio [T] after libopus at a bit rate, tuned for speech; and the bits a second that its packets really have."""
    import av

    packed = io.BytesIO()
    with av.open(packed, "w", format="ogg") as file:
        stream: Any = file.add_stream("libopus", rate=sample_rate, options={"application": "voip"})
        stream.bit_rate, stream.layout = kbps * 1000, "mono"
        frame = av.AudioFrame.from_ndarray(_pcm(audio)[None], format="s16", layout="mono")
        frame.sample_rate = sample_rate
        packets = [*stream.encode(frame), *stream.encode(None)]
        bits = 8 * sum(packet.size for packet in packets)
        file.mux(packets)
    packed.seek(0)
    with av.open(packed) as file:
        rate = file.streams.audio[0].rate
        pieces = [frame.to_ndarray().ravel() for frame in file.decode(audio=0)]
    decoded = resample(np.concatenate(pieces).astype(np.float32), rate, sample_rate)
    return _same_length(audio, decoded)[1], bits * sample_rate / len(audio)


def _pcm(audio: Audio) -> Any:
    return (np.clip(audio, -1.0, 1.0) * 32767).round().astype(np.int16)


def _both(original: Audio, audio: Audio, sample_rate: int) -> tuple[Audio, Audio]:
    a, b = _same_length(original, audio)
    return resample(a, sample_rate, JUDGED), resample(b, sample_rate, JUDGED)


def _same_length(original: Audio, audio: Audio) -> tuple[Audio, Audio]:
    """What came out is cut, or followed by silence, to the length of what went in."""
    return original, np.pad(audio[: len(original)], (0, max(0, len(original) - len(audio))))


@cache
def _mel(sample_rate: int) -> LogMel:
    return LogMel(sample_rate, 1024, sample_rate // 100, 80)
