"""Zigbee2MQTT: `{base}/{friendly name}`; the name may have slashes, the base is what the filter begins with."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

from collector.payloads.codecs import take_probes
from collector.payloads.fields import LOW_BATTERY, Probes, low_battery, measures
from collector.payloads.message import (
    Message,
    Reason,
    Sample,
    Silence,
    Unreadable,
    flawed,
    instant,
    silent,
)
from collector.payloads.quantities import humidity, measured, measured_as, volts
from collector.payloads.tree import Node, parse

# What stands behind a friendly name in the topics of commands: `{name}/set`, `{name}/get/temperature`.
_COMMAND = re.compile(r".+/(?:set|get)(?:/[^/]+)?")
# With `output: attribute` every attribute is a topic of its own. The last level of such a topic; others are names.
_ATTRIBUTES = frozenset(
    {"temperature", "humidity", "pressure", "battery", "battery_low", "voltage", "linkquality", "last_seen"}
    | {"device_temperature", "power_outage_count", "update", "update_available", "comfort_temperature_min"}
)


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
        if name.startswith("bridge/") or _COMMAND.fullmatch(name):
            return silent("", Silence.OTHER_TOPIC)
        if name.endswith("/availability"):
            return silent(name.removesuffix("/availability"), Silence.STATUS)
        device, _, attribute = name.rpartition("/")
        if device and attribute in _ATTRIBUTES and not payload.lstrip().startswith(b"{"):
            return silent(device, Silence.NO_READING)
        if not payload.strip():  # a retained state that was cleared, as when a device leaves
            return silent(name, Silence.STATUS)
        try:
            sample = self._sample(_state(parse(payload)))
        except Unreadable as problem:
            return flawed(name, problem.reason)
        return Message(name, [sample]) if measures(sample) else silent(name, Silence.NO_READING)

    def _sample(self, tree: Node) -> Sample:
        sample = Sample(
            ts_ms=_last_seen(tree, self._zone),
            humidity_pct=humidity(tree.get("humidity")),
            battery_v=volts(tree.get("voltage")),
            quality=LOW_BATTERY if tree.get("battery_low") is True else low_battery(tree.get("battery")),
        )
        if self._probes:
            found = {name: measured_as(field, tree.get(name), self._unit) for name, field in self._probes.items()}
            take_probes(sample, found, self._probes)
        else:
            sample.temperature_c = measured(tree.get("temperature"), self._unit)
        return sample


def _state(tree: Any) -> Node:
    if not isinstance(tree, dict):
        raise Unreadable(Reason.WRONG_SHAPE)
    return tree


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
