"""Text to speech, on a tiny model with random weights."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bark.errors import BarkWarning, CheckpointError, OptionError, OutputError, TextError, VoiceError
from bark.options import GenerateOptions, SamplingOptions
from bark.pipeline import Bark
from bark.result import Generation
from bark.settings import Settings
from bark.tokens import TokenSpace
from bark.voices import Voice

TEXT = "Hello there, Suno."


@pytest.fixture(scope="module")
def result(bark: Bark) -> Generation:
    return bark.generate(TEXT, seed=1)


def test_audio_and_tokens_belong_together(result: Generation, space: TokenSpace) -> None:
    tokens = result.tokens
    frames = int(len(tokens.semantic) * space.frame_rate / space.semantic_rate)
    assert tokens.coarse.shape == (2, frames)
    assert tokens.fine.shape == (8, frames)
    np.testing.assert_array_equal(tokens.fine[:2], tokens.coarse)
    assert result.audio.shape == (frames * space.hop,)
    assert result.audio.dtype == np.float32
    assert np.isfinite(result.audio).all()
    assert result.duration == pytest.approx(len(tokens.semantic) / space.semantic_rate)
    assert (result.sample_rate, result.seed, result.text) == (24_000, 1, TEXT)


def test_timings_are_of_every_stage(result: Generation) -> None:
    assert set(result.timings) == {"load", "semantic", "coarse", "fine", "codec"}
    assert all(seconds > 0 for seconds in result.timings.values())
    assert result.elapsed == pytest.approx(sum(result.timings.values()) - result.timings["load"])


def test_the_codec_decodes_the_fine_tokens(bark: Bark, result: Generation) -> None:
    with bark.parts.codec() as codec:
        whole = codec.decode(torch.from_numpy(result.tokens.fine)[None])
    np.testing.assert_allclose(result.audio, whole[0].numpy(), atol=1e-5)


def test_the_same_seed_says_the_same(bark: Bark, result: Generation) -> None:
    again = bark.generate(TEXT, seed=1)
    other = bark.generate(TEXT, seed=2)
    np.testing.assert_array_equal(again.audio, result.audio)
    assert not np.array_equal(other.audio, result.audio)


def test_the_same_seed_says_the_same_in_another_process(checkpoint: Path, result: Generation) -> None:
    code = (
        "import hashlib; from bark import Bark\n"
        f"audio = Bark({str(checkpoint)!r}, device='cpu').generate({TEXT!r}, seed=1).audio\n"
        "print(hashlib.sha256(audio.tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == hashlib.sha256(result.audio.tobytes()).hexdigest()


def test_a_seed_is_drawn_and_reported(bark: Bark) -> None:
    drawn = bark.generate(TEXT)
    again = bark.generate(TEXT, seed=drawn.seed)
    np.testing.assert_array_equal(again.audio, drawn.audio)
    assert bark.generate(TEXT).seed != drawn.seed


def test_voices_by_name_by_path_and_as_they_are(bark: Bark, checkpoint: Path, result: Generation) -> None:
    named = bark.generate(TEXT, "v2/en_speaker_0", seed=1)
    path = checkpoint / "voices" / "v2" / "en_speaker_0.npz"
    assert not np.array_equal(named.audio, result.audio)
    for voice in (path, str(path), Voice.from_npz(path)):
        np.testing.assert_array_equal(bark.generate(TEXT, voice, seed=1).audio, named.audio)


def test_a_result_is_a_voice(bark: Bark, result: Generation, tmp_path: Path) -> None:
    voice = result.to_voice("mine")
    voice.save(tmp_path / "mine.npz")
    said = bark.generate(TEXT, voice, seed=1)
    np.testing.assert_array_equal(bark.generate(TEXT, tmp_path / "mine.npz", seed=1).audio, said.audio)


def test_options(bark: Bark) -> None:
    calm = bark.generate(TEXT, seed=1, temperature=0.0)
    options = GenerateOptions(
        retries=0, semantic=SamplingOptions(temperature=0), coarse=SamplingOptions(temperature=None), seed=1
    )
    np.testing.assert_array_equal(bark.generate(TEXT, options=options).audio, calm.audio)
    fine = GenerateOptions(retries=0, fine=SamplingOptions(temperature=0))
    frozen = [bark.generate(TEXT, seed=seed, temperature=0.0, options=fine).audio for seed in (1, 2)]
    np.testing.assert_array_equal(*frozen)


def test_a_model_has_options_of_its_own(own_checkpoint: Path, bark: Bark) -> None:
    path = own_checkpoint / "config.json"
    config = json.loads(path.read_text())
    config["generation"] = {stage: {"temperature": 0} for stage in ("semantic", "coarse", "fine")} | {"retries": 0}
    path.write_text(json.dumps(config))
    calm = Bark(own_checkpoint)
    frozen = [calm.generate(TEXT, seed=seed).audio for seed in (1, 2)]
    np.testing.assert_array_equal(*frozen)
    some = GenerateOptions(seed=3)  # what it doesn't say is the model's own
    np.testing.assert_array_equal(calm.generate(TEXT, options=some).audio, frozen[0])
    stages = [SamplingOptions(temperature) for temperature in (0.7, 0.7, 0.5)]
    whole = GenerateOptions(1, *stages, retries=0)
    np.testing.assert_array_equal(calm.generate(TEXT, options=whole).audio, bark.generate(TEXT, options=whole).audio)


@pytest.mark.parametrize("options", [{"seed": 1}, SamplingOptions()])
def test_options_of_another_kind(bark: Bark, options: Any) -> None:
    with pytest.raises(OptionError, match="options must be GenerateOptions"):
        bark.generate(TEXT, options=options)


def test_max_duration(bark: Bark, space: TokenSpace) -> None:
    options = GenerateOptions(retries=0, min_eos_p=None)
    assert bark.generate(TEXT, seed=1, max_duration=0.4, options=options).duration <= 0.4 + 1 / space.semantic_rate


def test_an_utterance_may_be_empty(bark: Bark) -> None:
    with pytest.warns(BarkWarning, match="the audio is empty"):
        result = bark.generate(TEXT, seed=1, min_eos_p=1e-30)
    assert result.audio.shape == (0,)
    assert result.tokens.fine.shape == (8, 0)
    assert result.duration == 0
    with pytest.raises(VoiceError, match="is empty"):
        result.to_voice()


def test_progress(bark: Bark) -> None:
    told: dict[str, list[float]] = {}
    ended = []

    def progress(stage: str, seconds: float, end: bool) -> None:
        told.setdefault(stage, []).append(seconds)
        if end:
            ended.append(stage)

    result = bark.generate(TEXT, seed=1, progress=progress)
    assert ended == ["semantic", "coarse", "fine", "codec"]
    for seconds in told.values():
        assert seconds == sorted(seconds)
        assert seconds[-1] == pytest.approx(result.duration)


def test_the_audio_comes_in_pieces(bark: Bark) -> None:
    heard: list[tuple[str, float]] = []
    pieces = bark.stream(TEXT, seed=1, progress=lambda stage, seconds, ended: heard.append((stage, seconds)))
    next(pieces)
    begun = sum(stage == "semantic" for stage, _ in heard)
    assert sum(1 for _ in pieces) > 1
    assert 0 < begun < sum(stage == "semantic" for stage, _ in heard)


@pytest.mark.parametrize("voice", [None, "v2/en_speaker_0"])
def test_the_pieces_are_the_whole(voice: str | None, bark: Bark) -> None:
    for seed in range(5):
        whole = bark.generate(TEXT, voice, seed=seed, max_duration=1.0 + seed)
        pieces = list(bark.stream(TEXT, voice, seed=seed, max_duration=1.0 + seed))
        assert np.array_equal(np.concatenate(pieces), whole.audio)


def test_a_stream_tells_its_errors_at_once(bark: Bark) -> None:
    with pytest.raises(TextError):
        bark.stream(" ")
    with pytest.raises(VoiceError):
        bark.stream(TEXT, "v2/en_speaker_77")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_any_text_is_spoken_or_refused(bark: Bark, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BarkWarning)
        try:
            result = bark.generate(text, seed=1, max_duration=0.2)
        except TextError:
            return
    assert np.isfinite(result.audio).all()


@pytest.mark.parametrize("text", ["", " \n", "\x00", "\ud800", None, 3])
def test_what_is_no_text(bark: Bark, text: str) -> None:
    with pytest.raises(TextError):
        bark.generate(text)


def test_a_request_is_of_one_window(bark: Bark) -> None:
    text = "The boat left the harbour at dawn. " * 3000
    with pytest.warns(
        BarkWarning, match=r"is \d+ tokens long and the model reads 48: the last \d+ of 104999"
    ) as caught:
        cut = bark.request(text, options=GenerateOptions(retries=0, seed=1))
    kept = len(text.strip()) - int(re.findall(r"the last (\d+) of", str(caught[0].message))[0])
    assert cut.ids == bark.parts.tokenizer.encode(text[:kept].strip())
    assert caught[0].filename == __file__


def test_nonsense_is_refused(bark: Bark, checkpoint: Path) -> None:
    with pytest.raises(OptionError, match="temperature"):
        bark.generate(TEXT, temperature=-1)
    with pytest.raises(OptionError, match="seed"):
        bark.generate(TEXT, seed=-1)
    with pytest.raises(OptionError, match="fine stage"):
        bark.generate(TEXT, options=GenerateOptions(retries=0, fine=SamplingOptions(repetition_window=3)))
    with pytest.raises(VoiceError, match="did you mean v2/en_speaker_0"):
        bark.generate(TEXT, "en_speaker_0")
    with pytest.raises(OptionError, match="not a device"):
        Bark(checkpoint, device="abacus")
    with pytest.raises(OptionError, match="not a precision"):
        Bark(checkpoint, dtype="int8")


def test_a_broken_part_is_named(own_checkpoint: Path) -> None:
    (own_checkpoint / "fine.safetensors").write_bytes(b"broken")
    with pytest.raises(CheckpointError, match=r"fine\.safetensors is not a whole"):
        Bark(own_checkpoint).generate(TEXT)


def test_parts_are_loaded_when_they_are_needed(own_checkpoint: Path) -> None:
    for weights in own_checkpoint.glob("*.safetensors"):
        weights.unlink()
    assert Bark(own_checkpoint).voices.names()


def test_from_pretrained_is_the_same(checkpoint: Path, result: Generation) -> None:
    made = Bark.from_pretrained(checkpoint, device="cpu", dtype="float32")
    np.testing.assert_array_equal(made.generate(TEXT, seed=1).audio, result.audio)


def test_the_environment_chooses_the_model(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    assert Bark().config.name == "tiny"
    monkeypatch.setenv("BARK_DEVICE", "abacus")
    with pytest.raises(OptionError, match="abacus"):
        Bark()


def test_bfloat16_speaks_too(checkpoint: Path) -> None:
    result = Bark(checkpoint, device="cpu", dtype=torch.bfloat16).generate(TEXT, seed=1, max_duration=0.4)
    assert result.audio.dtype == np.float32


def test_a_notebook_gets_a_player(result: Generation) -> None:
    found = re.fullmatch(r'<audio controls src="data:audio/wav;base64,([^"]+)"></audio>', result._repr_html_())
    assert found
    assert base64.b64decode(found[1])[:4] == b"RIFF"
    assert repr(result) == f"Generation({TEXT!r}, {result.duration:.2f} s, seed=1)"


def test_saving(result: Generation, tmp_path: Path) -> None:
    result.save(tmp_path / "said.wav")
    assert (tmp_path / "said.wav").read_bytes() == result.encode()
    for name in ("wav", "flac", "mp3", "ogg", "opus"):
        result.save(tmp_path / f"said.{name}")
        assert soundfile.info(tmp_path / f"said.{name}").duration == pytest.approx(result.duration, abs=1e-3)
    with pytest.raises(OutputError, match="no folder"):
        result.save(tmp_path / "missing" / "said.wav")


class TestPrecision:
    @pytest.mark.parametrize(
        ("choice", "settings", "says"),
        [
            ({}, {}, "int8"),
            ({"dtype": "float32"}, {"quantize": "int8"}, "float32"),
            ({"quantize": "none"}, {"dtype": "bfloat16"}, "float32"),
            ({}, {"dtype": "bfloat16"}, "bfloat16"),
            ({}, {"quantize": "none"}, "float32"),
            ({}, {"exact": True}, "int8"),  # the tokens aren't Suno's
        ],
    )
    def test_what_is_nearest_to_the_caller_holds(
        self, choice: dict[str, str], settings: dict[str, Any], says: str, checkpoint: Path
    ) -> None:
        made = Bark(checkpoint, "cpu", **choice, settings=Settings(**settings))
        assert f" in {says}" in repr(made)

    @pytest.mark.parametrize("choice", [{"quantize": "int8"}, {"dtype": "float32"}, {"dtype": "bfloat16"}])
    def test_it_speaks(self, choice: dict[str, str], checkpoint: Path) -> None:
        first, again = (Bark(checkpoint, "cpu", **choice).generate("w1 w2", seed=3) for _ in range(2))
        assert len(first.audio) and np.array_equal(first.audio, again.audio)


class TestBatch:
    TEXTS = (TEXT, "Hello there. The boat left. It is dawn.", "Hello", "w1 w2 w3 w4 w5 w6 w7", "name name")

    VOICES = ("v2/en_speaker_0", None, "v2/en_speaker_1", None, "v2/en_speaker_0")
    SEEDS = (7, 2, 9, 4, 1)

    def test_each_is_as_alone(self, checkpoint: Path) -> None:
        exact = Bark(checkpoint, "cpu", "float32")
        rows = zip(self.TEXTS, self.VOICES, self.SEEDS, strict=True)
        each_alone = [exact.generate(text, voice, seed=seed) for text, voice, seed in rows]
        for slots in (1, 2, 8):
            made = exact.generate_batch(self.TEXTS, self.VOICES, seed=self.SEEDS, slots=slots)
            for one, alone in zip(made, each_alone, strict=True):
                assert (one.text, one.seed) == (alone.text, alone.seed)
                assert [each.start for each in one.utterances] == [each.start for each in alone.utterances]
                assert np.array_equal(one.tokens.fine, alone.tokens.fine)
                assert np.array_equal(one.audio, alone.audio)
                assert set(one.timings) - {"load"} == {"semantic", "coarse", "fine", "codec"}

    def test_a_limit_is_of_each_text(self, checkpoint: Path) -> None:
        exact = Bark(checkpoint, "cpu", "float32")
        long = "Hello there. The boat left. It is dawn. I like pizza."
        with pytest.warns(BarkWarning, match=r"text 2, line \d .* and what follows were not spoken"):
            made = exact.generate_batch(["Hello", long], seed=3, max_duration=3.0)
        with pytest.warns(BarkWarning, match=r"^3 s are used up: line"):
            alone = exact.generate(long, seed=4, max_duration=3.0)
        assert 2.5 <= made[1].duration <= 3.04
        assert np.array_equal(made[1].audio, alone.audio)

    def test_seeds_follow_each_other(self, bark: Bark) -> None:
        made = bark.generate_batch(["Hello", "Hello"], seed=5, max_duration=0.5)
        assert [one.seed for one in made] == [5, 6]
        for seeds in (range(5, 7), np.arange(5, 7), np.int64(5)):
            again = bark.generate_batch(["Hello", "Hello"], seed=seeds, max_duration=0.5)  # type: ignore[arg-type]
            assert [one.seed for one in again] == [5, 6]
        assert len({one.seed for one in bark.generate_batch(["Hello"] * 3, max_duration=0.5)}) == 3

    def test_one_voice_for_all(self, bark: Bark) -> None:
        made = bark.generate_batch(["Hello", "w1"], "v2/en_speaker_1", seed=[1, 1], max_duration=0.5)
        alone = bark.generate("w1", "v2/en_speaker_1", seed=1, max_duration=0.5)
        assert np.array_equal(made[1].tokens.semantic, alone.tokens.semantic)

    def test_nothing(self, bark: Bark) -> None:
        assert bark.generate_batch([]) == []

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"voices": ["v2/en_speaker_0"]}, "voices: 1 for 2 texts"),
            ({"seed": [1, 2, 3]}, "seeds: 3 for 2 texts"),
            ({"slots": 0}, "slots must be a whole number, at least 1, not 0"),
            ({"slots": 1.5}, "slots must be a whole number, at least 1, not 1.5"),
            ({"slots": "2"}, "slots must be a whole number, at least 1, not '2'"),
            ({"seed": -4}, "seed must be a whole number"),
        ],
    )
    def test_mistakes(self, wrong: dict[str, Any], says: str, bark: Bark) -> None:
        with pytest.raises(OptionError, match=says):
            bark.generate_batch(["Hello", "w1"], **wrong)

    def test_a_bad_text_is_told_before_anything_is_spoken(self, bark: Bark, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bark, "iterate", None)
        with pytest.raises(TextError):
            bark.generate_batch(["Hello", " "])

    def test_requests_are_asked_for_when_there_is_room(self, bark: Bark) -> None:
        asked = []

        def requests() -> Any:
            for i in range(20):
                asked.append(i)
                yield bark.request("Hello", options=GenerateOptions(retries=0, seed=i, max_duration=0.2))

        done = bark.iterate(requests(), slots=2)
        request, first = next(done)
        assert first.seed == request.seed
        assert len(asked) <= 6
