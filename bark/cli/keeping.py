"""Projects on the command line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bark.errors import OptionError, OutputError
from bark.files import reason

if TYPE_CHECKING:
    from bark.lines import Line
    from bark.options import GenerateOptions
    from bark.parts import Parts
    from bark.progress import StageBars
    from bark.request import FloatArray
    from bark.result import Utterance

MIX = "mix.wav"


def project_seed(folder: Path | None, seed: int | None, restart: bool) -> int | None:
    """The seed of a project, unless another is given or it begins anew; the folder is there from now on.

    Raises:
        OptionError: there is none that could begin anew.
        OutputError: no folder can be there.
        ProjectError: the project is damaged.
    """
    if folder is None:
        if restart:
            raise OptionError("--restart is of a --project")
        return seed
    from bark.project import kept_seed

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        told = reason(error) if isinstance(error, OSError) else error
        raise OutputError(f"can't make a project in {str(folder)!r}: {told}") from error
    return seed if restart or seed is not None else kept_seed(folder)


def kept_pieces(
    parts: Parts,
    folder: Path,
    lines: Sequence[Line],
    options: GenerateOptions,
    restart: bool,
    progress: StageBars | None,
) -> Iterator[FloatArray | Utterance]:
    """All of a project, as `Bark.speak` gives it, once the lines that are missing in it have been spoken."""
    from bark.project import Project

    def begun(index: int) -> None:
        if progress and len(lines) > 1:
            progress.line(index + 1, len(lines))

    with Project(parts, folder) as project:
        project.begin(lines, options.seed or 0, max_duration=options.max_duration, restart=restart)
        for _ in project.speak(progress, begun):
            pass
        yield from project.pieces()
