"""Shelly H&T: first generation `shellies/{device}/sensor/temperature`, later ones `{device}/events/rpc`."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from collector.payloads.fields import Probes, celsius, low_battery, measures
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
from collector.payloads.tree import Node, child, parse_object, text
from collector.payloads.value import bare_number


class Shelly:
    """Decoder of both generations, told apart by topic."""

    def __init__(self, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._zone = zone
        self._unit = unit
        self._probes = probes or {"temperature:0": "temperature_c"}

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if levels[0] == "shellies" and len(levels) > 2:
            return self._first_generation(levels[1], "/".join(levels[2:]), payload)
        if levels[-2:] == ["events", "rpc"] and len(levels) > 2:
            return self._notification(levels[:-2], payload)
        return silent("", Silence.OTHER_TOPIC if levels[-1] != "online" else Silence.STATUS)

    def _first_generation(self, device_id: str, what: str, payload: bytes) -> Message:
        """Decode a bare number; humidity and battery come in packets of their own, without a temperature to go with."""
        if what != "sensor/temperature":
            return silent(device_id, Silence.STATUS)
        try:
            return Message(device_id, [Sample(temperature_c=celsius(bare_number(payload), self._unit))])
        except Unreadable as problem:
            return flawed(device_id, problem.reason)

    def _notification(self, prefix: list[str], payload: bytes) -> Message:
        device_id = "/".join(prefix)
        try:
            tree = parse_object(payload)
            if text(tree, "src") not in ("", prefix[-1], device_id):
                return flawed(device_id, Reason.DEVICE_MISMATCH)
            if text(tree, "method") not in ("NotifyFullStatus", "NotifyStatus"):
                return silent(device_id, Silence.STATUS)
            sample = self._sample(child(tree, "params"))
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        return Message(device_id, [sample]) if measures(sample) else silent(device_id, Silence.NO_READING)

    def _sample(self, params: Node) -> Sample:
        battery = child(child(params, "devicepower:0"), "battery")
        sample = Sample(
            ts_ms=instant(params.get("ts"), self._zone),
            humidity_pct=number_or_none(child(params, "humidity:0").get("rh")),
            battery_v=number_or_none(battery.get("V")),
            quality=low_battery(battery.get("percent")),
        )
        for name, quantity in self._probes.items():
            setattr(sample, quantity, number(child(params, name).get("tC")))
        return sample
