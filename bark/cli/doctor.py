"""`bark doctor`: what would be used, why, and what is missing."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

import bark
from bark.cli.arguments import Debug, Device, Dtype, Model, Offload, Quantize, Small
from bark.errors import BarkError, CheckpointError
from bark.settings import Settings

if TYPE_CHECKING:
    import torch

    from bark.checkpoints.registry import Place

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def doctor(
    model: Model = None,
    device: Device = None,
    dtype: Dtype = None,
    quantize: Quantize = None,
    small: Small = None,
    offload: Offload = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read all of the model, too.")] = False,
    debug: Debug = False,
) -> None:
    """Say what would be used, why, where weights are looked for, and what is missing.

    Takes the same choices as `bark generate`. The exit status is 0 if it could speak.
    """
    import torch

    typer.echo(f"bark {bark.__version__}, Python {platform.python_version()}, torch {torch.__version__}")
    settings = Settings.from_env()
    settings = replace(settings, small=settings.small if small is None else small)
    placement = _placement(settings, device, _Precision(dtype, quantize), offload)
    faults = [*placement, *_weights(model, settings, verify)]
    for fault in faults:
        typer.echo(f"missing    {fault}")
    if faults:
        raise CheckpointError("it can't speak as it was asked to; what is missing is said above")
    typer.echo("It could speak.")


@dataclass(frozen=True)
class _Precision:
    """What the command line asks for."""

    dtype: str | None
    quantize: str | None

    def chosen(self, settings: Settings, device: torch.device) -> tuple[str, str]:
        """In what the weights are kept, and why."""
        from bark.engine.device import choose_dtype
        from bark.engine.quantize import choose_quantize

        asked, said = (self.dtype, self.quantize), "--dtype" if self.dtype else "--quantize"
        if asked == (None, None):
            asked, said = (settings.dtype, settings.quantize), "BARK_DTYPE" if settings.dtype else "BARK_QUANTIZE"
        dtype = choose_dtype(asked[0], device)
        name = choose_quantize(asked[1], asked[0], device) or str(dtype).removeprefix("torch.")
        return name, f"as {said} says" if any(asked) else "as is usual there"


def _placement(settings: Settings, device: str | None, precision: _Precision, offload: bool | None) -> Iterator[str]:
    """Shows where and in what precision; gives what is in the way."""
    from bark.engine.device import choose_device, codec_device
    from bark.engine.token_step import why_not_compiled

    asked = device or settings.device
    try:
        chosen = choose_device(asked, settings.mps)
        weights, why = precision.chosen(settings, chosen)
    except BarkError as error:
        yield str(error)
        return
    said = "--device" if device else "BARK_DEVICE"
    _show("device", f"{_named(chosen)}, {f'as {said} says' if asked else _why(chosen, settings)}")
    _show("precision", f"{weights}, {why}")
    if chosen.type == "cpu":
        why = why_not_compiled()
        _show("tokens", f"by torch, which takes two to three times as long: {why}" if why else "by compiled code")
    if codec_device(chosen) != chosen:
        _show("codec", f"on {codec_device(chosen)}: it doesn't run on {chosen}")
    wanted = settings.offload if offload is None else offload
    said = "SUNO_OFFLOAD_CPU" if offload is None else "--offload"
    idle = ", which changes nothing on a CPU" if wanted and chosen.type == "cpu" else ""
    _show("offloading", f"{'yes' if wanted else 'no'}, as {said} says{idle}" if wanted else "no")


def _weights(model: str | None, settings: Settings, verify: bool) -> Iterator[str]:
    """Shows the model and where it was looked for; gives what is in the way."""
    from bark.checkpoints.registry import places

    named = model or settings.model
    said = "as --model says" if model else "as BARK_MODEL says"
    _show("model", f"{named}, {said if model or settings.model != Settings.model else 'as no other is named'}")
    if settings.small:
        _show("size", "the small one, of models that come in two")
    searched = places(named, settings)
    for place in searched:
        _show("looked in", f"{place.folder}: {_found(place)}")
    found = next((place for place in searched if place.exists), None)
    if found is None:
        yield f"the model {named}: {_remedy(named)}"
        return
    yield from _parts(found, settings)
    if verify:
        from bark.store.verify import find_faults

        yield from find_faults(named, settings)


def _parts(place: Place, settings: Settings) -> Iterator[str]:
    """Shows what the model's parts are read from; gives those that aren't there."""
    import torch

    from bark.checkpoints.opening import open_model
    from bark.checkpoints.registry import codec_places, form_of
    from bark.parts import PARTS, Parts

    try:
        checkpoint = open_model(place.name, settings)
        if form_of(place.folder, place.size) == "suno":
            for path in codec_places(place.folder, settings):
                _show("codec in", f"{path}: {'there' if path.exists() else 'nothing'}")
        parts = Parts(checkpoint, torch.device("cpu"), torch.float32)
        _show("voices", str(len(parts.voices.names())))
    except BarkError as error:
        yield str(error)
        return
    for part in PARTS:
        try:
            checkpoint.tensors(part)
        except BarkError as error:
            yield str(error)
    try:
        _show("text", f"{parts.tokenizer.vocab_size} ids")
    except BarkError as error:
        yield str(error)


def _why(device: torch.device, settings: Settings) -> str:
    from bark.engine.device import why_no_cuda, why_no_mps

    if device.type == "cuda":
        return "the first GPU"
    if device.type == "mps":
        return "as SUNO_ENABLE_MPS says"
    return f"because {why_no_cuda()}" + (f", and {why_no_mps()}" if settings.mps else "")


def _named(device: torch.device) -> str:
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _found(place: Place) -> str:
    return next((f"{name} is there" for name in place.marks if (place.folder / name).is_file()), "nothing")


def _remedy(named: str) -> str:
    if "/" in named and not named.startswith((".", "/", "~")):
        return f"`bark models download {named}` fetches it"
    if named == Settings.model:
        return "it is not in this package; name another with --model or BARK_MODEL, as in suno/bark-small"
    return "`bark models list` shows those that are here"


def _show(what: str, value: str) -> None:
    typer.echo(f"{what:<10} {value}")
