"""SenseCAP codecs (Seeed): a list of measurements by number, flat or in lists of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collector.payloads.message import Reason, Unreadable
from collector.payloads.tree import Node, items

# Numbers of Seeed's list of measurements.
_NAMES = {"4097": "temperature", "4098": "humidity"}


def telemetry(decoded: Node) -> Node:
    """Return measurements by name, and by number for `probes`; an object of another maker as it is.

    Raises
    ------
    Unreadable
        If a measurement comes twice with different values, as of several channels.
    """
    found: Node = {}
    for message in _flat(items(decoded, "messages")):
        number, value = str(message.get("measurementId")), message.get("measurementValue")
        if value is None:
            continue
        if found.setdefault(number, value) != value:
            raise Unreadable(Reason.AMBIGUOUS_PROBES)
    if not found:
        return decoded
    named = {name: found[number] for number, name in _NAMES.items() if number in found}
    charge = {
        name: message[name] for message in _flat(items(decoded, "messages")) for name in message if name == "battery"
    }
    return found | named | charge


def _flat(messages: list[Any]) -> Iterator[Node]:
    for message in messages:
        if isinstance(message, dict):
            yield message
        elif isinstance(message, list):
            yield from (inner for inner in message if isinstance(inner, dict))
