"""Single values: the topic gives the device, the payload is a number, as Home Assistant and many gateways publish."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from collector.payloads.codecs import codec_sample
from collector.payloads.fields import measures
from collector.payloads.message import Message, Reason, Sample, Silence, Unreadable, flawed, instant, silent
from collector.payloads.quantities import measured_as
from collector.payloads.tree import Node, child, parse
from collector.settings import Field

_NUMBER = re.compile(
    rb"\s*([+-]?(?:\d{1,12}\.?\d{0,20}|\.\d{1,20})(?:[eE][+-]?\d{1,3})?|[+-]?(?i:nan|inf|infinity))\s*"
)
# What Home Assistant and gateways publish for a sensor that says nothing.
_ABSENT = frozenset({"", "unavailable", "unknown", "none", "null", "offline"})
# Under which names gateways wrap a value, and its time; the first one counts.
_VALUES = ("value", "state", "val", "v")
_TIMES = ("ts", "timestamp", "time")


class Value:
    """Decoder of bare numbers: the levels that the filter leaves open are the device's id."""

    def __init__(self, topic_filter: str, zone: ZoneInfo | None, unit: str, field: Field) -> None:
        self._filter = topic_filter.split("/")
        self._zone = zone
        self._unit = unit
        self._field = field

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        device_id = "/".join(open_levels(self._filter, topic.split("/")))
        if not device_id.strip("/"):
            return flawed("", Reason.BAD_TOPIC)
        try:
            sample = self._sample(payload.strip())
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        if sample is None:
            return silent(device_id, Silence.STATUS)
        return Message(device_id, [sample]) if measures(sample) else silent(device_id, Silence.NO_READING)

    def _sample(self, payload: bytes) -> Sample | None:
        """Return the sample; None where the sensor says that it has none."""
        sample = Sample()
        if payload[:1] in (b"{", b'"'):
            tree = parse(payload)
            wrapped = tree if isinstance(tree, dict) else {"value": tree}
            unit = _unit(wrapped) or self._unit
            if self._field == "temperature_c" and not any(name in wrapped for name in _VALUES):
                return _named(wrapped, unit, self._zone)
            value, sample.ts_ms = _wrapped(wrapped), _time(wrapped, self._zone)
            if value is None:
                return None
        elif payload.lower().decode("ascii", "replace") in _ABSENT:
            return None
        else:
            value, unit = bare_number(payload), self._unit
        setattr(sample, self._field, measured_as(self._field, value, unit))
        return sample


def open_levels(pattern: Sequence[str], levels: Sequence[str]) -> list[str]:
    """Return the levels of a topic that a filter leaves open; those of a shared subscription begin behind its name."""
    if pattern[0] == "$share":
        pattern = pattern[2:]
    rest = list(levels[pattern.index("#") :]) if "#" in pattern else []
    return [level for part, level in zip(pattern, levels, strict=False) if part == "+"] + rest


def bare_number(payload: bytes) -> float:
    """Return the number that a payload is.

    Raises
    ------
    Unreadable
        If it is none.
    """
    found = _NUMBER.fullmatch(payload)
    if found is None:
        raise Unreadable(Reason.WRONG_TYPE)
    return float(found.group(1))


def _wrapped(tree: Node) -> object:
    """Return the value in a JSON object; None where it says that there is none."""
    name = next((name for name in _VALUES if name in tree), None)
    if name is None:
        raise Unreadable(Reason.WRONG_TYPE)
    value = tree[name]
    return None if isinstance(value, str) and value.strip().lower() in _ABSENT else value


def _unit(tree: Node) -> str:
    """Return the unit that an object names, itself or among the attributes of Home Assistant's states."""
    named = (tree.get("unit"), tree.get("unit_of_measurement"), child(tree, "attributes").get("unit_of_measurement"))
    return next((unit for unit in named if isinstance(unit, str)), "")


def _time(tree: Node, zone: ZoneInfo | None) -> int | None:
    return instant(next((tree[name] for name in _TIMES if tree.get(name) is not None), None), zone)


def _named(tree: Node, unit: str, zone: ZoneInfo | None) -> Sample:
    """Return the sample of an object that names its values."""
    sample = codec_sample(tree, {}, unit)
    if sample is None:
        raise Unreadable(Reason.WRONG_TYPE)
    sample.ts_ms = _time(tree, zone)
    return sample
