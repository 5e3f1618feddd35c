"""Tasmota: `tele/{device}/SENSOR`, or any other order of prefix and topic. Times are local, without an offset."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from collector.payloads.codecs import humidity, measured, take_probes
from collector.payloads.fields import Probes, measures
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
from collector.payloads.tree import Node, parse_object, text
from collector.payloads.value import open_levels

# The temperature of the board itself, not of the room.
_BOARD = frozenset({"ESP32"})


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
        if levels[-1] != "SENSOR":
            return silent(device_id, Silence.STATUS)
        try:
            sample = self._sample(parse_object(payload))
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        return silent(device_id, Silence.NO_READING) if sample is None else Message(device_id, [sample])

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

    def _sample(self, tree: Node) -> Sample | None:
        unit = text(tree, "TempUnit") or self._unit
        sensors = {
            name: node
            for name, node in tree.items()
            if isinstance(node, dict) and "Temperature" in node and (name in self._probes or name not in _BOARD)
        }
        chosen = self._chosen(sensors)
        if not chosen:
            return None
        sample = Sample(ts_ms=instant(tree.get("Time"), self._zone))
        found = {name: measured(sensors[name].get("Temperature"), unit) for name in chosen}
        if self._probes:
            take_probes(sample, found, chosen)
        else:
            (sample.temperature_c,) = found.values()
        wet = (humidity(sensors[name].get("Humidity")) for name in chosen)
        sample.humidity_pct = next((value for value in wet if value is not None), None)
        return sample if measures(sample) else None

    def _chosen(self, sensors: dict[str, Node]) -> dict[str, str]:
        """Return which sensor measures what: as configured by name or by the probe's own id, else the room's.

        That is the only one, or the only one that measures humidity too, which is one for air.
        """
        if self._probes:
            named = {name: self._probes.get(name) or self._probes.get(text(sensors[name], "Id")) for name in sensors}
            return {name: quantity for name, quantity in named.items() if quantity}
        air = [name for name, node in sensors.items() if "Humidity" in node]
        rooms = air if len(sensors) > 1 and len(air) == 1 else list(sensors)
        if len(rooms) > 1:
            raise Unreadable(Reason.AMBIGUOUS_PROBES)
        return dict.fromkeys(rooms, "temperature_c")
