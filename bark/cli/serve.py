"""`bark serve`: the HTTP server."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, get_args

import typer

from bark.cli.arguments import Debug
from bark.errors import OptionError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
UNFLAGGED = {"api_keys"}  # others on the machine can see the flags of a process


@contextmanager
def _explained() -> Iterator[None]:
    """Says how to get what isn't installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "bark":
            raise
        said = f"bark serve needs {error.name}, which is not installed: pip install 'openbark[serve]'"
        raise OptionError(said) from error


with _explained():
    from bark.server.settings import ServeSettings, serve_settings


def serve(debug: bool = False, **flags: Any) -> None:
    """Serve speech over HTTP, in the shape of OpenAI's audio API, with a page to try it at /.

    Each flag is a variable, too: --max-queue is BARK_SERVE_MAX_QUEUE. API keys come from BARK_API_KEYS or a file.
    """
    settings = serve_settings(**flags)
    with _explained():
        from bark.server.running import serve as run
    run(settings)


def flags() -> dict[str, Any]:
    """A flag for each setting, with its description as help; what isn't given is left to the environment."""
    found: dict[str, Any] = {}
    for name, field in ServeSettings.model_fields.items():
        if name in UNFLAGGED:
            continue
        kind, flag = _plain(field.annotation), f"--{name.replace('_', '-')}"
        if kind is bool:
            flag = f"{flag}/--no-{name.replace('_', '-')}"
        option = typer.Option(flag, help=_help(str(field.description), field.default), show_default=False)
        found[name] = Annotated[kind | None, option]
    return {**found, "debug": Debug}


def _help(description: str, default: Any) -> str:
    if default is None or default == () or isinstance(default, bool):
        return description
    return f"{description} [{default:g}]" if isinstance(default, float) else f"{description} [{default}]"


def _plain(annotation: Any) -> type:
    """What the command line reads; the settings check it, and take lists apart."""
    parts = [annotation]
    for part in parts:
        parts.extend(get_args(part))
    return next((kind for kind in (bool, int, float) if kind in parts), str)


def _signed() -> None:
    """Gives the command its flags, as if they had been written down."""
    kinds = flags()
    serve.__annotations__ = kinds
    serve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=False if name == "debug" else None, annotation=kind
            )
            for name, kind in kinds.items()
        ]
    )


_signed()
app.command()(serve)
