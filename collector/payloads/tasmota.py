"""Tasmota: `tele/{device}/SENSOR`, or any other order of prefix and topic. Times are local, without an offset.

A Zigbee bridge says `ZbReceived` of one of its sensors at a time, under its own topic or one for each sensor.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from collector.payloads.codecs import take_probes
from collector.payloads.fields import Probes, low_battery, measures
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
from collector.payloads.tasmota_sensors import chosen
from collector.payloads.tree import Node, child, parse_object, text
from collector.payloads.value import open_levels

_BRIDGED = "ZbReceived"
# Firmware of 2018 wrote the value of a sensor that fails so, which is no JSON; today's writes null.
_NAN = re.compile(rb":\s*nan(?=\s*[,}])")


class Tasmota:
    """Decoder of the sensor telemetry."""

    def __init__(self, topic_filter: str, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._filter = topic_filter.split("/")
        self._zone = zone
        self._unit = unit
        self._probes = probes

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if "tele" not in levels[:-1]:
            return silent("", Silence.OTHER_TOPIC)
        device_id = self._device(levels)
        if not device_id:
            return flawed("", Reason.BAD_TOPIC)
        if levels[-1] not in ("SENSOR", _BRIDGED):
            return silent(device_id, Silence.STATUS)
        try:
            tree = parse_object(_NAN.sub(b":null", payload) if b"nan" in payload else payload)
            if node := _bridged(tree):
                device_id = _bridged_id(device_id, node)
                sample = self._of_bridged(tree, node)
            else:
                sample = self._of_sensors(tree)
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        return Message(device_id, [sample]) if measures(sample) else silent(device_id, Silence.NO_READING)

    def _device(self, levels: list[str]) -> str:
        """Return the device's topic: what the filter leaves open, else all that is neither prefix nor message."""
        for named in (open_levels(self._filter, levels), levels):
            left = list(named)
            for fixed in ("tele", levels[-1]):
                if fixed in left:
                    left.remove(fixed)
            if any(left):
                return "/".join(left)
        return ""

    def _of_sensors(self, tree: Node) -> Sample:
        unit = text(tree, "TempUnit") or self._unit
        sensors = chosen(tree, self._probes)
        if not sensors:
            return Sample()
        sample = Sample(ts_ms=_time(tree, self._zone))
        found = {name: measured(sensor.temperature, unit) for name, (sensor, _) in sensors.items()}
        if self._probes:
            take_probes(sample, found, {name: quantity for name, (_, quantity) in sensors.items()})
        else:
            (sample.temperature_c,) = found.values()
        wet = (humidity(sensor.node.get("Humidity")) for sensor, _ in sensors.values())
        sample.humidity_pct = next((value for value in wet if value is not None), None)
        return sample

    def _of_bridged(self, tree: Node, node: Node) -> Sample:
        sample = Sample(
            ts_ms=_time(tree, self._zone),
            humidity_pct=humidity(node.get("Humidity")),
            battery_v=volts(node.get("BatteryVoltage")),
            quality=low_battery(node.get("BatteryPercentage")),
        )
        probes = self._probes or {"Temperature": "temperature_c"}
        found = {name: measured_as(field, node.get(name), self._unit) for name, field in probes.items()}
        if self._probes:
            take_probes(sample, found, probes)
        else:
            (sample.temperature_c,) = found.values()
        return sample


def _time(tree: Node, zone: ZoneInfo | None) -> int | None:
    """Return the instant of a message; `Epoch`, which the command `Time 2` adds, needs no zone."""
    return instant(tree.get("Epoch") or tree.get("Time"), zone)


def _bridged(tree: Node) -> Node:
    """Return what a bridge says of one of its sensors, with or without the name of the message and of the sensor.

    Raises
    ------
    Unreadable
        If it says something of several.
    """
    inner = child(tree, _BRIDGED) or tree
    found = [node for node in (inner, *inner.values()) if isinstance(node, dict) and _is_bridged(node)]
    if len(found) > 1:
        raise Unreadable(Reason.WRONG_SHAPE)
    return found[0] if found else {}


def _is_bridged(node: Node) -> bool:
    return bool("Device" in node and ("LinkQuality" in node or "Endpoint" in node))


def _bridged_id(topic_id: str, node: Node) -> str:
    """Return the id of a bridge's sensor: its name, else its address, behind the bridge unless the topic has it."""
    names: Sequence[str] = [name for name in (text(node, "Name"), text(node, "Device")) if name]
    said = topic_id.rsplit("/", 1)[-1].lower()
    if not names or said in {name.lower().removeprefix("0x") for name in names} | {name.lower() for name in names}:
        return topic_id
    return f"{topic_id}/{names[0]}"
