"""The OpenAPI schema as a page without scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body>
<h1>{title} {version}</h1>
{body}
<p>The same for machines: <a href="/openapi.json">openapi.json</a></p>
</body>
</html>
"""


def reference(schema: Schema) -> str:
    """A page of all routes: what they take, what they answer."""
    parts = [_paragraphs(schema["info"].get("description", ""))]
    for path, routes in schema["paths"].items():
        for method, route in routes.items():
            parts.extend(_route(schema, path, method, route))
    info = schema["info"]
    return PAGE.format(title=escape(info["title"]), version=escape(info["version"]), body="\n".join(parts))


def _route(schema: Schema, path: str, method: str, route: Schema) -> Iterator[str]:
    yield f"<h2><code>{method.upper()} {escape(path)}</code> {escape(route.get('summary', ''))}</h2>"
    yield _paragraphs(route.get("description", ""))
    for kind, content in route.get("requestBody", {}).get("content", {}).items():
        body = _resolved(schema, content["schema"])
        yield f"<p>Takes <code>{escape(kind)}</code>:</p>"
        yield _fields(schema, body)
        yield from (f"<pre>{escape(json.dumps(example, indent=2))}</pre>" for example in body.get("examples", ()))
    yield "<p>Answers:</p>"
    yield _table(("status", "what", "as"), (_answer(status, answer) for status, answer in route["responses"].items()))


def _fields(schema: Schema, body: Schema) -> str:
    needed = body.get("required", ())
    rows = (
        (f"<code>{escape(name)}</code>", _kind(schema, field), "yes" if name in needed else "", _said(field))
        for name, field in body.get("properties", {}).items()
    )
    return _table(("field", "is", "required", "what"), rows)


def _answer(status: str, answer: Schema) -> tuple[str, ...]:
    kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in answer.get("content", {}))
    return escape(status), escape(answer.get("description", "")), kinds


def _kind(schema: Schema, field: Schema) -> str:
    """What a field may be, in a word or two."""
    kinds = [_resolved(schema, kind) for kind in field.get("anyOf", (field,))]
    return " or ".join(escape(_one(kind)) for kind in kinds if kind.get("type") != "null")


def _one(kind: Schema) -> str:
    if "enum" in kind:
        return ", ".join(map(str, kind["enum"]))
    said = str(kind.get("format") or kind.get("type", "anything"))
    low, high = kind.get("minimum", kind.get("exclusiveMinimum")), kind.get("maximum")
    if low is not None and high is not None:
        return f"{said}, {low} to {high}"
    if "properties" in kind:
        return "{" + ", ".join(kind["properties"]) + "}"
    return said


def _said(field: Schema) -> str:
    return escape(field.get("description", ""))


def _resolved(schema: Schema, part: Schema) -> Schema:
    """What a reference means."""
    name = part.get("$ref", "").rpartition("/")[2]
    found: Schema = schema["components"]["schemas"][name] if name else part
    return found


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    top = "".join(f"<th>{cell}</th>" for cell in head)
    return f"<table><tr>{top}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())
