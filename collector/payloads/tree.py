"""JSON of strangers as a tree, and careful steps into it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from collector.payloads.message import Reason, Unreadable

Node = dict[str, Any]


def parse(payload: bytes) -> Any:
    """Return the JSON of a payload; NaN and Infinity, which strict JSON lacks, come as floats.

    Raises
    ------
    Unreadable
        If it is no JSON (in UTF-8), or nested beyond reason.
    """
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise Unreadable(Reason.NOT_JSON) from None


def parse_object(payload: bytes) -> Node:
    """Return the JSON object of a payload.

    Raises
    ------
    Unreadable
        If it is no JSON object.
    """
    tree = parse(payload)
    if not isinstance(tree, dict):
        raise Unreadable(Reason.WRONG_SHAPE)
    return tree


def child(node: Node, key: str) -> Node:
    """Return the object under a key; empty where there is none."""
    found = node.get(key)
    return found if isinstance(found, dict) else {}


def text(node: Node, key: str) -> str:
    """Return the text under a key; blank where there is none."""
    found = node.get(key)
    return found if isinstance(found, str) else ""


def items(node: Node, key: str) -> list[Any]:
    """Return the list under a key; empty where there is none."""
    found = node.get(key)
    return found if isinstance(found, list) else []
