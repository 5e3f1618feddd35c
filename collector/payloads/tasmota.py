"""Tasmota: `tele/{device}/SENSOR`, or `{device}/tele/SENSOR`. Times are local to the device, without an offset."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from collector.payloads.fields import Probes, celsius, measures
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
from collector.payloads.tree import Node, parse_object, text

# The temperature of the board itself, not of the room.
_BOARD = frozenset({"ESP32"})


class Tasmota:
    """Decoder of the sensor telemetry."""

    def __init__(self, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._zone = zone
        self._unit = unit
        self._probes = probes

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if "tele" not in levels[:-1]:
            return silent("", Silence.OTHER_TOPIC)
        levels.remove("tele")
        device_id = "/".join(levels[:-1])
        if not device_id:
            return flawed("", Reason.BAD_TOPIC)
        if levels[-1] != "SENSOR":
            return silent(device_id, Silence.STATUS)
        try:
            sample = self._sample(parse_object(payload))
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        return silent(device_id, Silence.NO_READING) if sample is None else Message(device_id, [sample])

    def _sample(self, tree: Node) -> Sample | None:
        unit = text(tree, "TempUnit") or self._unit
        sensors = {
            name: node
            for name, node in tree.items()
            if isinstance(node, dict) and "Temperature" in node and (name in self._probes or name not in _BOARD)
        }
        if not sensors:
            return None
        sample = Sample(ts_ms=instant(tree.get("Time"), self._zone))
        for name, quantity in self._chosen(sensors).items():
            setattr(sample, quantity, celsius(number(sensors[name].get("Temperature")), unit))
            humidity = number_or_none(sensors[name].get("Humidity"))
            sample.humidity_pct = sample.humidity_pct if humidity is None else humidity
        return sample if measures(sample) else None

    def _chosen(self, sensors: dict[str, Node]) -> dict[str, str]:
        """Return which sensor measures what: as configured by name or by the probe's own id, else the only one."""
        if self._probes:
            named = {name: self._probes.get(name) or self._probes.get(text(sensors[name], "Id")) for name in sensors}
            return {name: quantity for name, quantity in named.items() if quantity}
        if len(sensors) > 1:
            raise Unreadable(Reason.AMBIGUOUS_PROBES)
        return dict.fromkeys(sensors, "temperature_c")
