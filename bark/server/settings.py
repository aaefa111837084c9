"""What the server is told, by flags of `bark serve` or by variables `BARK_SERVE_…`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bark.errors import OptionError
from bark.server.keys import Key, parse_keys, read_keys

PREFIX = "BARK_SERVE_"
KEYS = "BARK_API_KEYS", f"{PREFIX}API_KEYS"  # variables that hold secrets
Names = Annotated[tuple[str, ...], NoDecode]  # in a variable or a flag: with commas between
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ServeSettings(BaseSettings):
    """Everything that can be chosen; a flag comes before a variable.

    The descriptions are the help of the flags, and the table in docs/server.md.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_default=False
    )

    host: str = Field("127.0.0.1", description="Address to listen at; any but the machine's own needs an API key.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen at; 0 for any that is free.")
    tls_cert: Path | None = Field(None, description="File of a certificate (PEM), for https.")
    tls_key: Path | None = Field(None, description="File of the certificate's key.")

    model: str | None = Field(None, description="Name or folder of the model; else $BARK_MODEL, else pup.")
    device: str | None = Field(None, description="cpu, cuda, cuda:1, mps; else $BARK_DEVICE, else a GPU if any.")
    dtype: str | None = Field(None, description="Of the weights: float32, bfloat16, float16; else $BARK_DTYPE.")
    quantize: str | None = Field(None, description="On a CPU: int8 or none; else $BARK_QUANTIZE, else int8.")
    workers: int | None = Field(None, ge=1, le=64, description="Processes with a model each; unless given, what suits.")
    slots: int | None = Field(None, ge=1, le=1024, description="Lines that a process speaks at a time.")
    threads: int | None = Field(None, ge=1, le=1024, description="CPU threads of all processes together; else all.")
    lazy: bool = Field(False, description="Load the model at the first request instead of at the start.")
    idle_unload: Seconds | None = Field(None, description="Seconds without a request until the model is let go.")

    load_wait: float = Field(10.0, ge=0, allow_inf_nan=False, description="Seconds that a request waits for loading.")
    max_queue: int = Field(64, ge=1, le=100_000, description="Requests that may wait; one more is answered by 429.")
    max_client_queue: int | None = Field(None, ge=1, description="Of one client: so many may wait; else all.")
    deadline: Seconds = Field(900.0, description="Seconds that a request may take, with waiting.")
    ahead: Seconds = Field(30.0, description="Seconds of audio that are made before the client has taken them.")
    grace: Seconds = Field(60.0, description="Seconds at the end to finish the answers that were begun.")

    max_text: int = Field(10_000, ge=1, le=1_000_000, description="Characters of a request's text.")
    max_audio: Seconds = Field(1800.0, description="Seconds of audio in one answer.")
    max_body: int = Field(1 << 20, ge=1024, description="Bytes of a request's body, but for uploads.")
    max_upload: int = Field(25 << 20, ge=1024, description="Bytes of an uploaded recording.")
    max_upload_seconds: Seconds = Field(120.0, description="Length of an uploaded recording, s.")
    max_voices: int = Field(100, ge=0, description="Voices that one client may keep here; 0: none can be uploaded.")
    max_connections: int = Field(512, ge=1, description="Connections at a time; one more is answered by 503.")
    body_timeout: Seconds = Field(30.0, description="Seconds until a request's head must be here, and then its body.")
    send_timeout: Seconds = Field(60.0, description="Seconds that a client may take nothing of its answer.")
    keep_alive: int = Field(15, ge=1, description="Seconds that a connection stays open between two requests.")

    api_keys: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("api_keys", *KEYS),
        description="API keys, with commas between, each KEY or NAME:KEY. Not a flag: others can see a command's.",
    )
    api_keys_file: Path | None = Field(None, description="A file with API keys, one a line, each KEY or NAME:KEY.")
    allowed_hosts: Names | None = Field(
        None, description="Names that the server may be called by, with commas between; else the machine's own, or any."
    )
    cors_origins: Names = Field((), description="Web pages of others that may ask, as in https://example.org.")
    trusted_proxies: Names = Field((), description="Addresses whose X-Forwarded-For is believed.")

    voices_dir: Path | None = Field(None, description="Folder of uploaded voices; else $XDG_DATA_HOME/bark/voices.")
    page: bool = Field(True, description="Whether there is a page at /.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning, error.")
    log_text: bool = Field(False, description="Whether the texts that are spoken are logged.")

    @field_validator("allowed_hosts", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _listed(value) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                raise ValueError(f"an origin is http:// or https:// and a name, not {origin!r}")
        return value

    @model_validator(mode="after")
    def _guarded(self) -> ServeSettings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key are given together, or neither")
        if not self.keys and not self.loopback:  # the keys are looked at in either case
            raise ValueError(
                f"who can reach {self.host} could use the server: set BARK_API_KEYS or api_keys_file, "
                "or listen at 127.0.0.1"
            )
        return self

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The API keys; none where anybody may ask."""
        given = parse_keys(self.api_keys.get_secret_value()) if self.api_keys else ()
        return (*given, *(read_keys(self.api_keys_file) if self.api_keys_file else ()))

    @property
    def hosts(self) -> frozenset[str] | None:
        """Names that a request may call the server by; None for any."""
        if self.allowed_hosts is not None:
            return frozenset(name.lower() for name in self.allowed_hosts)
        return frozenset({"localhost", "127.0.0.1", "[::1]", _bracketed(self.host)}) if self.loopback else None


def serve_settings(**flags: Any) -> ServeSettings:
    """Settings by flags, and by the environment where a flag is None.

    Raises:
        OptionError: a value makes no sense.
    """
    try:
        return ServeSettings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise OptionError(_sentence(error)) from error


def is_loopback(host: str) -> bool:
    """Whether an address is the machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _sentence(error: ValidationError) -> str:
    """The first fault, by the names of its flag and its variable."""
    fault = error.errors(include_url=False, include_input=False)[0]
    said = str(fault["msg"]).removeprefix("Value error, ")
    place = _place(fault["loc"])
    return f"{place}: {said[:1].lower()}{said[1:]}" if place else said


def _place(loc: Iterable[int | str]) -> str:
    name = str(next(iter(loc), ""))
    if name not in ServeSettings.model_fields:
        return name
    return f"--{name.replace('_', '-')} or {PREFIX}{name.upper()}"
