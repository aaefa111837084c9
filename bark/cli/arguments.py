"""Arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[
    str | None,
    typer.Option("--model", help="Name or folder of the model; else $BARK_MODEL, else pup.", show_default=False),
]
Device = Annotated[
    str | None,
    typer.Option("--device", help="cpu, cuda, cuda:1, mps; else $BARK_DEVICE, else a GPU if there is one."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
