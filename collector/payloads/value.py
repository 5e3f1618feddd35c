"""Single values: the topic gives the device, the payload is a number, as Home Assistant and many gateways publish."""

from __future__ import annotations

import re

from collector.payloads.fields import celsius, measures
from collector.payloads.message import Message, Reason, Sample, Silence, Unreadable, flawed, silent
from collector.settings import Field

_NUMBER = re.compile(
    rb"\s*([+-]?(?:\d{1,12}\.?\d{0,20}|\.\d{1,20})(?:[eE][+-]?\d{1,3})?|[+-]?(?i:nan|inf|infinity))\s*"
)
# What Home Assistant and gateways publish for a sensor that says nothing.
_ABSENT = frozenset({b"", b"unavailable", b"unknown", b"none", b"null", b"offline"})


class Value:
    """Decoder of bare numbers: the levels that the filter leaves open are the device's id."""

    def __init__(self, topic_filter: str, unit: str, field: Field) -> None:
        self._filter = topic_filter.split("/")
        self._unit = unit if field.endswith("_c") else ""
        self._field = field

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        device_id = self._device(topic.split("/"))
        if not device_id.strip("/"):
            return flawed("", Reason.BAD_TOPIC)
        if payload.strip().lower() in _ABSENT:
            return silent(device_id, Silence.STATUS)
        try:
            sample = Sample()
            setattr(sample, self._field, celsius(bare_number(payload), self._unit))
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        return Message(device_id, [sample]) if measures(sample) else silent(device_id, Silence.NO_READING)

    def _device(self, levels: list[str]) -> str:
        if "#" in self._filter:
            at = self._filter.index("#")
            return "/".join([*_open(self._filter[:at], levels), *levels[at:]])
        return "/".join(_open(self._filter, levels))


def _open(pattern: list[str], levels: list[str]) -> list[str]:
    return [level for part, level in zip(pattern, levels, strict=False) if part == "+"]


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
