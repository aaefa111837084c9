"""`bark train`: any of the five models of a Bark, from a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bark.cli.arguments import Debug

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def train(
    what: Annotated[str, typer.Argument(help="codec, codec-decoder, semantic-tokenizer, semantic, coarse or fine.")],
    config: Annotated[Path, typer.Option("--config", help="A TOML file with a table for the model.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of corpus/ and tokens/.")] = Path("work"),
    out: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the runs; a run found there goes on. [DATA/runs]")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda; under torchrun each process takes a GPU.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Train a model, or go on with a run that was stopped.

    Checkpoints, losses (log.csv, TensorBoard) and the exported weights go to a folder named like the model.
    Stop it at any moment; the same command goes on.
    """
    import torch

    from bark.training.run import read_settings
    from bark.training.run import train as run

    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    run(what, read_settings(config), data, out or data / "runs", chosen)
