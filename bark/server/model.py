"""What is known of a model from its config alone: the server's own process never loads torch."""

from __future__ import annotations

from dataclasses import dataclass

from bark.checkpoints.registry import CONFIG, find_model, form_of
from bark.checkpoints.tables import read_json
from bark.models.config import ModelConfig
from bark.options import GenerateOptions
from bark.settings import Settings
from bark.tokens import SUNO, TokenSpace


@dataclass(frozen=True)
class ModelCard:
    """A model.

    Attributes:
        name: that it is asked for by.
        options: what suits it where a request chooses nothing.
        tokens: its token space, which voices are held to.
    """

    name: str
    options: GenerateOptions
    tokens: TokenSpace


def read_card(model: str | None = None, settings: Settings | None = None) -> ModelCard:
    """Reads a model's config.

    Args:
        model: name or folder; None for that of the environment.
        settings: None reads the environment.

    Raises:
        WeightsNotFoundError: there is no such model.
        CheckpointError: its config is broken.
    """
    settings = settings or Settings.from_env()
    place = find_model(model or settings.model, settings)
    if form_of(place.folder, place.size) != "native":  # they speak Suno's tokens
        return ModelCard(place.name.rstrip("/").rpartition("/")[2], GenerateOptions(), SUNO)
    config = ModelConfig.from_dict(read_json(place.folder / CONFIG))
    return ModelCard(config.name, config.generation, config.tokens)
