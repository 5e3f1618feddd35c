"""Plain values as YAML text: mappings, lists, scalars; every text in double quotes, as JSON writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def to_yaml(value: Mapping[str, Any], heading: str = "") -> str:
    """Return a document; `heading` becomes comment lines."""
    comment = [f"# {line}".rstrip() for line in heading.splitlines()]
    return "\n".join([*comment, *_lines(value, "")]) + "\n"


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(f"{indent}{key}:", inner, indent)
    else:
        for inner in value:
            yield from _item(inner, indent)


def _entry(head: str, inner: Any, indent: str) -> Iterator[str]:
    if _is_block(inner):
        yield head
        yield from _lines(inner, indent + "  ")
    else:
        yield f"{head} {_scalar(inner)}"


def _item(inner: Any, indent: str) -> Iterator[str]:
    if not _is_block(inner):
        yield f"{indent}- {_scalar(inner)}"
        return
    first, *rest = _lines(inner, indent + "  ")
    yield f"{indent}- {first.lstrip()}"
    yield from rest


def _is_block(value: Any) -> bool:
    return isinstance(value, (Mapping, Sequence)) and not isinstance(value, str) and len(value) > 0


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
