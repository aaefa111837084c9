"""Models from 🤗's hub."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bark.checkpoints.registry import CONFIG
from bark.errors import CheckpointError, OptionError, OutputError, WeightsNotFoundError
from bark.files import reason
from bark.settings import Settings

SMALL = (
    "config.json",
    "generation_config.json",
    "tokenizer*.json",
    "vocab.txt",
    "README.md",
    "MODEL_CARD.md",
    "LICENSE*",
    "voices/*",
    "speaker_embeddings*",
)
WEIGHTS = (  # the first of these that a repository has; Suno's pickles are the same weights once more
    ("*.safetensors", "*.safetensors.index.json"),
    ("pytorch_model*.bin", "pytorch_model.bin.index.json"),
)


def download_model(
    repository: str, revision: str | None = None, settings: Settings | None = None, quiet: bool = False
) -> Path:
    """Fetches a model into 🤗's cache, where it is found by its name; what is there is not fetched again.

    A download that broke off goes on where it was.

    Args:
        repository: `owner/name` on the hub (`HF_ENDPOINT` names another), for example `suno/bark-small`.
        revision: branch, tag or commit; None for the main branch.
        settings: say where the cache is; None reads the environment.
        quiet: True for no progress bars.

    Returns:
        The folder of its files.

    Raises:
        OptionError: that is not the name of a repository.
        WeightsNotFoundError: there is no such repository or revision, or it can't be reached.
        CheckpointError: it is no Bark.
        OutputError: the cache can't be written.
    """
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # what it warns of is in the errors, too
    settings = settings or Settings.from_env()
    if quiet:
        disable_progress_bars()
    try:
        names = huggingface_hub.HfApi().list_repo_files(repository, revision=revision)
        folder = huggingface_hub.snapshot_download(
            repository, revision=revision, cache_dir=settings.hub, allow_patterns=wanted_files(names, repository)
        )
    except HFValidationError as error:
        raise OptionError(f"{repository!r} is not the name of a repository; say owner/name") from error
    except Exception as error:
        raise _explained(error, repository, revision) from error
    return Path(folder)


def wanted_files(names: Sequence[str], repository: str) -> list[str]:
    """Of a repository's files, those that a model is loaded from.

    Raises:
        CheckpointError: it has no config or no weights.
    """
    for patterns in WEIGHTS:
        weights = [name for name in names if _matches(name, patterns)]
        if weights and CONFIG in names:
            return [*weights, *(name for name in names if _matches(name, SMALL))]
    raise CheckpointError(f"{repository} is no Bark: it has no {CONFIG if CONFIG not in names else 'weights'}")


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _explained(error: Exception, repository: str, revision: str | None) -> Exception:
    """The error as a sentence; what isn't about the download stays as it is."""
    from huggingface_hub import errors

    hub = _endpoint()
    kinds: list[tuple[Any, str]] = [
        (errors.GatedRepoError, f"{repository} asks for an account that may read it: `hf auth login`"),
        (errors.RepositoryNotFoundError, f"there is no model {repository} on {hub}, or it is not public"),
        (errors.RevisionNotFoundError, f"{repository} has no revision {revision!r}"),
        (errors.OfflineModeIsEnabled, f"can't fetch {repository}: HF_HUB_OFFLINE says to stay off the network"),
        (errors.HfHubHTTPError, f"{hub} refused {repository}: {_first_line(error)}"),
    ]
    for kind, sentence in kinds:
        if isinstance(error, kind):
            return WeightsNotFoundError(sentence)
    if isinstance(error, OSError) and error.errno is not None and error.filename:
        return OutputError(f"can't write {error.filename}: {reason(error)}")
    if isinstance(error, OSError) or type(error).__module__.startswith(("httpx", "requests")):
        return WeightsNotFoundError(
            f"can't reach {hub} for {repository} ({_first_line(error)}); what was fetched so far is kept, try again"
        )
    return error


def _endpoint() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
