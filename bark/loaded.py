"""What the functions of `bark.generation` have loaded: one model, or several, where its parts were asked for apart."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bark.settings import Settings

if TYPE_CHECKING:
    from bark.checkpoints.base import Part
    from bark.pipeline import Bark

PARTS: dict[str, Part] = {"text": "semantic", "coarse": "coarse", "fine": "fine", "codec": "codec"}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """How a part is loaded; parts that are loaded in the same way are of one `Bark`."""

    settings: Settings
    device: str | None


class Loaded:
    """Parts by the original's names: `text`, `coarse`, `fine`, `codec`.

    Attributes:
        networks: of each part that is loaded; of `text`, a dict of the `model` and its `tokenizer`. What is taken out
            of it is loaded again when it is next needed.
    """

    def __init__(self) -> None:
        self.networks: dict[str, Any] = {}
        self._owners: dict[str, tuple[Choice, Bark]] = {}

    def load(self, name: str, choice: Choice, force: bool = False) -> Any:
        """The network of a part; what was loaded in another way makes room for it.

        Args:
            name: of the part.
            choice: how to load it.
            force: True to load it again.
        """
        if force or name not in self.networks or self._owners[name][0] != choice:
            self.clean(name)
            bark = self._shared(choice)
            network = bark.parts.module(PARTS[name])
            self.networks[name] = {"model": network, "tokenizer": bark.parts.tokenizer} if name == "text" else network
            self._owners[name] = choice, bark
        return self.networks[name]

    def owner(self, name: str) -> Bark:
        """Whose part is loaded."""
        return self._owners[name][1]

    def clean(self, name: str) -> None:
        """Forgets a part."""
        self.networks.pop(name, None)
        if name in self._owners:
            self._owners.pop(name)[1].parts.unload(PARTS[name])

    def _shared(self, choice: Choice) -> Bark:
        for other, bark in self._owners.values():
            if other == choice:
                return bark
        from bark.pipeline import Bark

        bark = Bark(device=choice.device, settings=replace(choice.settings, exact=True))
        named = choice.settings.model != Settings.model
        logger.log(logging.INFO if named else logging.WARNING, "running %s; BARK_MODEL names another model", bark)
        return bark
