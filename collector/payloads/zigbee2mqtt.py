"""Zigbee2MQTT: `{base}/{friendly name}`; the name may have slashes, the base is what the filter begins with."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from collector.payloads.fields import LOW_BATTERY, Probes, celsius, low_battery, measures
from collector.payloads.message import (
    Message,
    Reason,
    Sample,
    Silence,
    Unreadable,
    flawed,
    instant,
    number,
    number_or_none,
    silent,
)
from collector.payloads.tree import Node, parse_object

# What a friendly name's topic may end in without being a state of the device.
_COMMANDS = ("/set", "/get")


class Zigbee2mqtt:
    """Decoder of the states of Zigbee devices."""

    def __init__(self, topic_filter: str, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._base = literal_prefix(topic_filter)
        self._zone = zone
        self._unit = unit
        self._probes = probes

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        name = topic.removeprefix(self._base)
        if name.startswith("bridge/") or name.endswith(_COMMANDS):
            return silent("", Silence.OTHER_TOPIC)
        if name.endswith("/availability"):
            return silent(name.removesuffix("/availability"), Silence.STATUS)
        try:
            sample = self._sample(parse_object(payload))
        except Unreadable as problem:
            return flawed(name, problem.reason)
        return Message(name, [sample]) if measures(sample) else silent(name, Silence.NO_READING)

    def _sample(self, tree: Node) -> Sample:
        voltage = number_or_none(tree.get("voltage"))
        sample = Sample(
            ts_ms=_last_seen(tree, self._zone),
            humidity_pct=number_or_none(tree.get("humidity")),
            battery_v=None if voltage is None else voltage / 1000,
            quality=LOW_BATTERY if tree.get("battery_low") is True else low_battery(tree.get("battery")),
        )
        for name, quantity in (self._probes or {"temperature": "temperature_c"}).items():
            setattr(sample, quantity, celsius(number(tree.get(name)), self._unit))
        return sample


def _last_seen(tree: Node, zone: ZoneInfo | None) -> int | None:
    """Return the bridge's time of reception where it is switched on; one that cannot be read is like none."""
    try:
        return instant(tree.get("last_seen"), zone)
    except Unreadable as problem:
        if problem.reason is Reason.NO_OFFSET:
            raise
        return None


def literal_prefix(topic_filter: str) -> str:
    """Return what a filter begins with before its first wildcard, with the slash: `zigbee2mqtt/` of `zigbee2mqtt/#`."""
    levels = topic_filter.split("/")
    fixed = levels[: next((i for i, level in enumerate(levels) if level in ("+", "#")), 0)]
    return "/".join([*fixed, ""]) if fixed else ""
