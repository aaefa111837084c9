"""YAML that strangers write: strings, lists and mappings, of bounded size, and nothing that it could run."""

from __future__ import annotations

from typing import Any

import yaml

from bark.errors import TextError

LARGEST = 64 << 10  # characters
DEEPEST = 5  # values within values


class PlainLoader(yaml.BaseLoader):  # type: ignore[misc]
    """Every scalar is a string: no `no` that is false, no dates. Aliases, by which a line becomes gigabytes, and keys
    that come twice are refused.
    """

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(None, None, "aliases are not read here", event.start_mark)
        self.depth += 1
        if self.depth > DEEPEST:
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, f"values lie more than {DEEPEST} deep", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                what = "comes twice" if isinstance(key, yaml.ScalarNode) else "is no name"
                raise yaml.constructor.ConstructorError(None, None, f"{str(key.value)[:40]!r} {what}", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_header(text: str, line: int, name: str) -> Any:
    """The value of YAML text; "" or None if it is empty.

    Args:
        text: of the header.
        line: of the file that comes before it, from 1 on.
        name: of the file, said in errors.

    Raises:
        TextError: it is no YAML, or too much; with the number of the line.
    """
    if len(text) > LARGEST:
        raise TextError(f"{name}: the header has {len(text)} characters; {LARGEST} are read")
    try:
        return yaml.load(text, PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {line + mark.line + 1}" if mark else ""
        raise TextError(f"{name}{where}: the header is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a control character; an escape of no character
        reason = (str(error).splitlines() or [""])[0][:120]
        raise TextError(f"{name}: the header is not YAML: {reason}") from error
