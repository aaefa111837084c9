"""A whole model of a few thousand random weights: everything runs on it but what needs to understand the speech."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pytest
import torch

from bark.checkpoints.native import save_checkpoint
from bark.checkpoints.registry import BUNDLED
from bark.cli.main import main
from bark.codec import build_codec
from bark.models.config import CoarseLayout, FineGPTConfig, FineLayout, GPTConfig, ModelConfig, SemanticLayout
from bark.models.fine import FineGPT
from bark.models.gpt import GPT
from bark.options import GenerateOptions
from bark.pipeline import Bark
from bark.semantic.tokenizer import SemanticTokenizer, SemanticTokenizerConfig
from bark.text.tokenizer import train_tokenizer
from bark.tokens import TokenSpace
from bark.voices import Voice

VOICES = ("v2/de_speaker_0", "v2/en_speaker_0", "v2/en_speaker_1")
TEXTS = ["Hello, my name is Suno and I like pizza.", "The boat left the harbour at dawn."]
TEXT_IDS = 300
SPACE = TokenSpace(
    sample_rate=24_000,
    semantic_rate=25.0,
    semantic_vocab=64,
    frame_rate=50.0,
    codebook_size=16,
    n_coarse=2,
    n_codebooks=8,
    text_offset=70,
    text_pad=70 + TEXT_IDS,
    semantic_pad=64,
    semantic_infer=71 + TEXT_IDS,
    coarse_semantic_pad=97,
    coarse_infer=98,
)


def tiny_config() -> ModelConfig:
    """A model in pup's layout, as small as it can be."""
    shape = {"n_layer": 2, "n_head": 2, "n_embd": 32}  # of heads that compiled code is made for
    return ModelConfig(
        name="tiny",
        tokens=SPACE,
        semantic=GPTConfig(**shape, block_size=128, input_vocab=72 + TEXT_IDS, output_vocab=65, bias=True),
        coarse=GPTConfig(**shape, block_size=128, input_vocab=99, output_vocab=96),
        fine=FineGPTConfig(**shape, block_size=64, vocab=17),
        semantic_layout=SemanticLayout(text_length=48, history_length=24, max_steps=50, pad_prompt=False),
        coarse_layout=CoarseLayout(semantic_window=24, max_history=60, stride=20, drop_history=0),
        fine_layout=FineLayout(window=48, hop=24, max_history=12, pad_window=False),
        codec={
            "kind": "pup",
            "codebook_size": 16,
            "codebook_dim": 4,
            "n_mels": 20,
            "encoder_width": 8,
            "encoder_blocks": (1, 1),
            "width": 16,
            "decoder_blocks": (1, 1),
        },
        generation=GenerateOptions(retries=0),  # whatever it says looks wrong
    )


def tiny_voice(name: str, seed: int, seconds: float = 2.0) -> Voice:
    """Random tokens, of the right shapes."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * SPACE.frame_rate)
    fine = rng.integers(SPACE.codebook_size, size=(SPACE.n_codebooks, frames))
    semantic = rng.integers(SPACE.semantic_vocab, size=round(seconds * SPACE.semantic_rate))
    return Voice(name, semantic, fine[: SPACE.n_coarse], fine)


def talkative(model: GPT) -> GPT:
    """Makes the end of the utterance unlikely (about 1 in 200 000 a step): an empty one is a warning, thus an error."""
    torch.nn.init.ones_(model.ln_f.bias)
    torch.nn.init.constant_(model.lm_head.weight[SPACE.semantic_eos], -0.5)
    return model


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """A second thread gains nothing on tiny models, and where the cores are busy the two wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # for the processes that tests start
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope="session")
def _no_voices_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What voices somebody has made on this machine is no matter of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BARK_VOICES", str(tmp_path_factory.mktemp("voices") / "none"))
        yield


@pytest.fixture(scope="session")
def config() -> ModelConfig:
    """Of the tiny model."""
    return tiny_config()


@pytest.fixture(scope="session")
def space() -> TokenSpace:
    """Of the tiny model."""
    return SPACE


@pytest.fixture
def voice() -> Voice:
    """One that suits the tiny model."""
    return tiny_voice("tester", 3)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, config: ModelConfig) -> Path:
    """Folder of the tiny model; not to be written to, see `own_checkpoint`."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(0)
    modules = {
        "semantic": talkative(GPT(config.semantic)),
        "coarse": GPT(config.coarse),
        "fine": FineGPT(config.fine),
        "codec": build_codec(config.codec),
    }
    for index, name in enumerate(VOICES):
        path = folder / "voices" / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        tiny_voice(name, index).save(path)
    tokenizer = folder / "made.json"
    train_tokenizer(TEXTS, vocab_size=TEXT_IDS, min_frequency=1).save(tokenizer)
    save_checkpoint(folder, config, modules, tokenizer, torch.float16)
    tokenizer.unlink()
    return folder


@pytest.fixture(scope="session")
def hearing(checkpoint: Path, config: ModelConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny model with what makes semantic tokens of audio; not to be written to."""
    folder = Path(shutil.copytree(checkpoint, tmp_path_factory.mktemp("hearing") / "tiny"))
    shape = SemanticTokenizerConfig(n_mels=20, width=8, blocks=(1, 1), levels=(4, 4, 4))
    torch.manual_seed(0)
    parts = {"semantic_tokenizer": SemanticTokenizer(shape)}
    save_checkpoint(folder, replace(config, semantic_tokenizer=asdict(shape)), parts, dtype=torch.float16)
    return folder


@pytest.fixture
def own_checkpoint(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be broken."""
    return Path(shutil.copytree(checkpoint, tmp_path / "own"))


@pytest.fixture(scope="session")
def bark(checkpoint: Path) -> Bark:
    """The tiny model, loaded once."""
    return Bark(checkpoint, device="cpu")


@pytest.fixture(scope="session")
def bundled() -> Path:
    """Folder of the model that is in the package."""
    folder = BUNDLED / "pup"
    if not folder.is_dir():
        pytest.skip("there is no bundled model")
    return folder


Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def run(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command `bark` as a process of its own, in an empty folder, with the tiny model."""
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    monkeypatch.setenv("BARK_DEVICE", "cpu")

    def run(
        *arguments: str, stdin: bytes = b"", stdout: IO[bytes] | int = subprocess.PIPE, **more: Any
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "bark", *arguments],
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            timeout=120,
            **more,
        )

    return run


class Outcome(NamedTuple):
    status: int
    out: bytes
    err: str


Call = Callable[..., Outcome]


@pytest.fixture
def call(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Call:
    """The same in this process: torch takes seconds to start."""
    monkeypatch.setenv("BARK_MODEL", str(checkpoint))
    monkeypatch.setenv("BARK_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["bark", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with warnings.catch_warnings(), pytest.raises(SystemExit) as caught:
            main()
        out, err = capsysbinary.readouterr()
        assert isinstance(caught.value.code, int)
        return Outcome(caught.value.code, out, err.decode())

    return call
