"""Settings, by flags and by the environment; and API keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bark.errors import OptionError
from bark.server.keys import Key, find_key, parse_keys, read_keys
from bark.server.settings import ServeSettings, is_loopback, serve_settings

KEY, OTHER = "sk-0123456789abcdef", "sk-fedcba9876543210"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("BARK_SERVE_", "BARK_API_KEYS")):
            monkeypatch.delenv(name)


def test_defaults() -> None:
    settings = serve_settings()
    assert (settings.host, settings.port, settings.loopback, settings.keys) == ("127.0.0.1", 8000, True, ())
    assert settings.hosts == {"localhost", "127.0.0.1", "[::1]"}


def test_a_flag_comes_before_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_SERVE_PORT", "9000")
    monkeypatch.setenv("BARK_SERVE_LAZY", "yes")
    monkeypatch.setenv("BARK_SERVE_MODEL", "")
    monkeypatch.setenv("BARK_SERVE_CORS_ORIGINS", "https://a.example, https://b.example")
    settings = serve_settings(max_queue=7)
    assert (settings.port, settings.lazy, settings.model, settings.max_queue) == (9000, True, None, 7)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert serve_settings(port=1234, lazy=False).port == 1234


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"port": 70_000}, "--port or BARK_SERVE_PORT"),
        ({"deadline": 0}, "--deadline"),
        ({"deadline": float("nan")}, "--deadline"),
        ({"workers": 0}, "--workers"),
        ({"log_level": "loud"}, "--log-level"),
        ({"cors_origins": "*"}, "an origin is"),
        ({"cors_origins": "https://a.example/"}, "an origin is"),
        ({"tls_cert": "cert.pem"}, "together"),
        ({"host": "0.0.0.0"}, "BARK_API_KEYS"),
        ({"host": "::"}, "BARK_API_KEYS"),
        ({"host": "192.168.1.4"}, "BARK_API_KEYS"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_values_that_make_no_sense(flags: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        serve_settings(**flags)


@pytest.mark.parametrize("name", ["BARK_API_KEYS", "BARK_SERVE_API_KEYS"])
def test_keys_let_others_in(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f"ann:{KEY},{OTHER}")
    settings = serve_settings(host="0.0.0.0")
    assert (len(settings.keys), settings.keys[0].name, settings.hosts) == (2, "ann", None)
    for secret in (KEY, OTHER):
        assert secret not in repr(settings)
        assert secret not in repr(settings.keys)


def test_keys_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# ours\nann:{KEY}\n\n  {OTHER}  \n")
    assert serve_settings(host="0.0.0.0", api_keys_file=str(path)).keys[0].name == "ann"
    path.write_text("# nobody\n")
    with pytest.raises(OptionError, match="no API key"):
        serve_settings(api_keys_file=str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(OptionError, match="not text"):
        read_keys(path)
    with pytest.raises(OptionError, match="can't read"):
        serve_settings(api_keys_file=str(tmp_path / "none"))


@pytest.mark.parametrize("entry", ["short", "a b:" + KEY, "../x:" + KEY, ":" + KEY, "ann:", KEY + " x", "ann:ü" + KEY])
def test_keys_that_are_none(entry: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_keys(entry)
    assert KEY not in str(caught.value)


def test_a_short_key_is_refused_on_ones_own_machine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARK_API_KEYS", "short")
    with pytest.raises(OptionError, match="16 characters"):
        serve_settings()


def test_find_key() -> None:
    keys = parse_keys(f"ann:{KEY},{OTHER}")
    assert find_key(keys, KEY) is keys[0]
    assert find_key(keys, OTHER) is keys[1]
    for wrong in ("", KEY[:-1], KEY + "x", "\ud800"):
        assert find_key(keys, wrong) is None
    assert Key.parse(OTHER).name == keys[1].name


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("127.3.2.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.org", False),
    ],
)
def test_is_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_every_setting_is_described() -> None:
    for name, field in ServeSettings.model_fields.items():
        assert field.description and field.description.endswith("."), name
