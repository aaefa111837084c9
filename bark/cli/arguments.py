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
Dtype = Annotated[
    str | None, typer.Option("--dtype", help="Of the weights: float32, bfloat16, float16; else $BARK_DTYPE.")
]
Quantize = Annotated[
    str | None,
    typer.Option(
        "--quantize",
        help="On a CPU: int8 or none; else $BARK_QUANTIZE, else int8 unless --dtype is given.",
        show_default=False,
    ),
]
Small = Annotated[
    bool | None,
    typer.Option(
        "--small/--large", help="Of Suno's models, which size; else $SUNO_USE_SMALL_MODELS.", show_default=False
    ),
]
Offload = Annotated[
    bool | None,
    typer.Option(
        "--offload/--no-offload",
        help="A model is on the GPU only while it works; else $SUNO_OFFLOAD_CPU.",
        show_default=False,
    ),
]
CoarseWindows = Annotated[
    str,
    typer.Option(
        "--coarse-windows",
        help="exact; or wide, widest: sooner done, and farther from how the model was trained. Not for pup.",
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
