"""Scripts written for the original, as its README and its notebooks have them, run as they are."""

from __future__ import annotations

import inspect
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
import torch

from bark import api, generation
from bark.errors import OutputError, VoiceError
from bark.voices import Voice
from tests.conftest import tiny_voice

SIGNATURES = {
    "text_to_semantic": "(text, history_prompt=None, temp=0.7, silent=False)",
    "semantic_to_waveform": "(semantic_tokens, history_prompt=None, temp=0.7, silent=False, output_full=False)",
    "generate_audio": "(text, history_prompt=None, text_temp=0.7, waveform_temp=0.7, silent=False, output_full=False)",
    "save_as_prompt": "(filepath, full_generation)",
}
README = '''
from bark import SAMPLE_RATE, generate_audio, preload_models
from scipy.io.wavfile import write as write_wav
from IPython.display import Audio

preload_models()

text_prompt = """
     Good morning, this is Bark. [laughs]
     I was written anew.
"""
audio_array = generate_audio(text_prompt)
write_wav("bark_generation.wav", SAMPLE_RATE, audio_array)
Audio(audio_array, rate=SAMPLE_RATE)

text_prompt = """
    좋은 아침입니다. 오늘은 날씨가 좋네요.
"""
audio_array = generate_audio(text_prompt)

text_prompt = """
    ♪ The dog is in the garden, the garden is green ♪
"""
audio_array = generate_audio(text_prompt)

text_prompt = """
    With a voice of my own I say
    what there is to say.
"""
audio_array = generate_audio(text_prompt, history_prompt="v2/en_speaker_1")
'''
SMALL_MODELS = """
import os

os.environ["SUNO_OFFLOAD_CPU"] = "True"
os.environ["SUNO_USE_SMALL_MODELS"] = "1"

import time
from bark import generate_audio, preload_models, SAMPLE_RATE

preload_models()
t0 = time.time()
audio_array = generate_audio("A short sentence.")
print(f"took {time.time() - t0:.0f}s to generate {audio_array.shape[0] / SAMPLE_RATE:.0f}s of audio")
"""
LONG_FORM = '''
from IPython.display import Audio
import nltk
import numpy as np

from bark.generation import (
    generate_text_semantic,
    preload_models,
)
from bark.api import semantic_to_waveform
from bark import generate_audio, SAMPLE_RATE

preload_models()

script = """
The sun is up. The boat is in the harbour,
and the dog is on the boat.
""".replace("\\n", " ").strip()
sentences = nltk.sent_tokenize(script)

SPEAKER = "v2/en_speaker_6"
silence = np.zeros(int(0.25 * SAMPLE_RATE))

pieces = []
for sentence in sentences:
    audio_array = generate_audio(sentence, history_prompt=SPEAKER)
    pieces += [audio_array, silence.copy()]
Audio(np.concatenate(pieces), rate=SAMPLE_RATE)

GEN_TEMP = 0.6
pieces = []
for sentence in sentences:
    semantic_tokens = generate_text_semantic(
        sentence,
        history_prompt=SPEAKER,
        temp=GEN_TEMP,
        min_eos_p=0.05,
    )
    audio_array = semantic_to_waveform(semantic_tokens, history_prompt=SPEAKER,)
    pieces += [audio_array, silence.copy()]
Audio(np.concatenate(pieces), rate=SAMPLE_RATE)

speaker_lookup = {"Ada": "v2/en_speaker_9", "Ben": "v2/en_speaker_2"}
script = """
Ada: Is the dog on the boat?

Ben: It was."""
script = script.strip().split("\\n")
script = [s.strip() for s in script if s]

pieces = []
silence = np.zeros(int(0.5*SAMPLE_RATE))
for line in script:
    speaker, text = line.split(": ")
    audio_array = generate_audio(text, history_prompt=speaker_lookup[speaker], )
    pieces += [audio_array, silence.copy()]
Audio(np.concatenate(pieces), rate=SAMPLE_RATE)
'''
MEMORY_PROFILING = """
import os
import time
import torch

from bark import generation
from bark.generation import clean_models, preload_models, generate_text_semantic, models
from bark import generate_audio, SAMPLE_RATE

os.environ["CUDA_VISIBLE_DEVICES"] = "0"
profiles = []
for offload_models in (False, True):
    setattr(generation, "OFFLOAD_CPU", offload_models)
    for use_small_models in (False, True):
        clean_models()
        preload_models(
            text_use_small=use_small_models,
            coarse_use_small=use_small_models,
            fine_use_small=use_small_models,
            force_reload=True,
        )
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        t0 = time.time()
        audio_array = generate_audio("How much does it take?", silent=True)
        profiles.append((time.time() - t0, len(audio_array) / SAMPLE_RATE, sorted(models)))
"""
CONTINUED = """
from bark import generate_audio, save_as_prompt, semantic_to_waveform, text_to_semantic

full_generation, audio_array = generate_audio("One sentence.", output_full=True)
again = generate_audio("And one more.", history_prompt=full_generation)
save_as_prompt("mine.npz", full_generation)
third = generate_audio("And a third.", history_prompt="mine.npz", text_temp=0.6, waveform_temp=0.6, silent=True)

semantic = text_to_semantic("In two steps.", history_prompt="mine.npz", temp=0.5, silent=True)
tokens, fourth = semantic_to_waveform(semantic, history_prompt="mine.npz", temp=0.5, output_full=True)
"""


class Audio:
    """Stands for the notebook's player."""

    played: list[tuple[np.ndarray, int]]

    def __init__(self, audio: np.ndarray, rate: int) -> None:
        type(self).played.append((audio, rate))


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, int]]:
    """What the scripts play; nltk and IPython are stood in for."""
    Audio.played = []
    for name, attributes in (
        ("IPython", {}),
        ("IPython.display", {"Audio": Audio}),
        ("nltk", {"sent_tokenize": lambda text: [sentence.strip() + "." for sentence in text.split(".")[:-1]]}),
    ):
        module = ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
    return Audio.played


@pytest.fixture(autouse=True)
def _many_voices(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    folder = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("api") / "tiny"))
    for n in (2, 6, 9):
        tiny_voice(f"v2/en_speaker_{n}", n).save(folder / "voices" / "v2" / f"en_speaker_{n}.npz")
    monkeypatch.setenv("BARK_MODEL", str(folder))
    monkeypatch.setenv("BARK_DEVICE", "cpu")
    for name in ("SUNO_USE_SMALL_MODELS", "SUNO_OFFLOAD_CPU"):
        monkeypatch.setenv(name, "")  # so that what a script sets is undone
    monkeypatch.chdir(tmp_path)
    yield
    generation.clean_models()


def execute(script: str) -> dict[str, object]:
    """Runs a script, and gives its names."""
    names: dict[str, object] = {"__name__": "script"}
    exec(compile(script, "script.py", "exec"), names)
    return names


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_arguments_are_the_originals(name: str) -> None:
    parameters = inspect.signature(getattr(api, name)).parameters.values()
    untyped = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    assert str(inspect.Signature(untyped)) == SIGNATURES[name]


def test_the_readme(played: list[tuple[np.ndarray, int]], tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    with pytest.warns(match="the model reads 48"):
        names = execute(README)
    audio, rate = soundfile.read(tmp_path / "bark_generation.wav", dtype="float32")
    assert rate == 24_000
    np.testing.assert_array_equal(audio, played[0][0])
    audio = names["audio_array"]
    assert isinstance(audio, np.ndarray)
    assert (audio.dtype, audio.ndim) == (np.float32, 1)
    assert len(audio) > 0


def test_small_models_and_offloading(capsys: pytest.CaptureFixture[str]) -> None:
    execute(SMALL_MODELS)
    assert "s of audio" in capsys.readouterr().out


def test_the_memory_profiling_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # so that what the script sets is undone
    monkeypatch.setattr(generation, "OFFLOAD_CPU", False, raising=False)
    profiles = execute(MEMORY_PROFILING)["profiles"]
    assert isinstance(profiles, list)
    assert [loaded for _, _, loaded in profiles] == [["coarse", "codec", "fine", "text"]] * 4
    assert all(seconds > 0 for _, seconds, _ in profiles)


@pytest.mark.filterwarnings("ignore::bark.errors.BarkWarning")
def test_the_long_form_notebook(played: list[tuple[np.ndarray, int]]) -> None:
    execute(LONG_FORM)
    assert [rate for _, rate in played] == [24_000] * 3
    assert all(np.isfinite(audio).all() and len(audio) > 24_000 for audio, _ in played)


def test_a_generation_is_the_history_of_the_next(tmp_path: Path) -> None:
    names = execute(CONTINUED)
    full, tokens = names["full_generation"], names["tokens"]
    assert isinstance(full, dict)
    assert isinstance(tokens, dict)
    assert {key: array.ndim for key, array in full.items()} == {
        "semantic_prompt": 1,
        "coarse_prompt": 2,
        "fine_prompt": 2,
    }
    np.testing.assert_array_equal(tokens["semantic_prompt"], names["semantic"])
    np.testing.assert_array_equal(Voice.from_npz(tmp_path / "mine.npz").fine, full["fine_prompt"])


def test_the_same_state_of_torch_says_the_same() -> None:
    said = []
    for _ in range(2):
        torch.manual_seed(11)
        said.append(api.generate_audio("Once more.", silent=True))
    np.testing.assert_array_equal(*said)
    assert not np.array_equal(said[0], api.generate_audio("Once more.", silent=True))


def test_what_is_no_prompt_is_not_saved(tmp_path: Path) -> None:
    full = {"semantic_prompt": np.arange(5), "coarse_prompt": np.ones((2, 8), int), "fine_prompt": np.ones((8, 8), int)}
    with pytest.raises(OutputError, match=r"ends in \.npz"):
        api.save_as_prompt(tmp_path / "mine.wav", full)
    with pytest.raises(VoiceError, match="fine_prompt missing"):
        api.save_as_prompt(tmp_path / "mine.npz", {key: full[key] for key in ("semantic_prompt", "coarse_prompt")})
    with pytest.raises(VoiceError, match="semantic_prompt, coarse_prompt, fine_prompt missing"):
        api.save_as_prompt(tmp_path / "mine.npz", [])  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_no_bar_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    api.generate_audio("Hello.")
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
