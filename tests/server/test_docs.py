"""The page on the server tells of every setting, and the files beside it name only what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from bark.cli.serve import UNFLAGGED, _help
from bark.server.settings import PREFIX, ServeSettings

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
OTHERS = {"BARK_API_KEYS", "BARK_SERVE_…", "BARK_VOICES", "BARK_MODEL", "BARK_DEVICE", "BARK_DTYPE", "BARK_QUANTIZE"}


def settings_table() -> str:
    """The settings as the page has them."""
    rows = ["| flag | variable | what |", "| --- | --- | --- |"]
    for name, field in ServeSettings.model_fields.items():
        flag = "" if name in UNFLAGGED else f"`--{name.replace('_', '-')}`"
        variable = "BARK_API_KEYS" if name == "api_keys" else f"{PREFIX}{name.upper()}"
        rows.append(f"| {flag} | `{variable}` | {_help(str(field.description), field.default)} |")
    return "\n".join(rows)


def test_the_table_of_settings() -> None:
    assert settings_table() in PAGE


def test_variables_that_are_named_exist() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in ServeSettings.model_fields} | OTHERS
    for path in ("docs/server.md", "Dockerfile", "compose.yaml"):
        named = set(re.findall(r"BARK_[A-Z_]+…?", (ROOT / path).read_text(encoding="utf-8")))
        assert named <= known, path


def test_the_compose_file_asks_for_a_key_and_lets_nobody_else_in() -> None:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"bark", "bark-cuda"}
    for service in services.values():
        assert service["environment"]["BARK_API_KEYS"].startswith("${BARK_API_KEYS:?")
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["read_only"] and service["cap_drop"] == ["ALL"]


def test_the_image_runs_as_nobody_in_particular() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER bark" in lines
    assert 'CMD ["serve"]' in lines
    copied = {
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    assert copied and all((ROOT / name).exists() for name in copied)
