"""Shelly H&T: first generation `shellies/{device}/sensor/temperature`, later ones `{device}/events/rpc`.

Later ones can also say each component's status on a topic of its own, `{device}/status/temperature:0`, without a time.
"""

from __future__ import annotations

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
from collector.payloads.tree import Node, child, parse_object, text
from collector.payloads.value import bare_number


class Shelly:
    """Decoder of both generations, told apart by topic."""

    def __init__(self, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._zone = zone
        self._unit = unit
        self._probes = probes

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if levels[-2:] == ["events", "rpc"] and len(levels) > 2:
            return self._notification(levels[:-2], payload)
        if levels[-2:-1] == ["status"] and len(levels) > 2:
            return self._status(_topic_id(levels[:-2]), levels[-1], payload)
        if levels[0] == "shellies" and len(levels) > 2:
            return self._first_generation(levels[1], "/".join(levels[2:]), payload)
        return silent("", Silence.OTHER_TOPIC if levels[-1] != "online" else Silence.STATUS)

    def _first_generation(self, device_id: str, what: str, payload: bytes) -> Message:
        """Decode a bare number; humidity and battery come in packets of their own, without a temperature to go with."""
        quantity = (self._probes or {"sensor/temperature": "temperature_c"}).get(what)
        if quantity is None:
            return silent(device_id, Silence.STATUS)
        try:
            sample = Sample()
            setattr(sample, quantity, measured_as(quantity, bare_number(payload), self._unit))
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        return Message(device_id, [sample])

    def _notification(self, prefix: list[str], payload: bytes) -> Message:
        """Decode what a device says of itself."""
        device_id = "/".join(prefix)
        try:
            tree = parse_object(payload)
            device_id = _claimed(prefix, tree)
            if text(tree, "method") not in ("NotifyFullStatus", "NotifyStatus"):
                return silent(device_id, Silence.STATUS)
            return self._message(device_id, child(tree, "params"))
        except Unreadable as problem:
            return flawed(device_id, problem.reason)

    def _status(self, device_id: str, component: str, payload: bytes) -> Message:
        if not component.startswith("temperature:"):
            return silent(device_id, Silence.STATUS)
        try:
            return self._message(device_id, {component: parse_object(payload)})
        except Unreadable as problem:
            return flawed(device_id, problem.reason)

    def _message(self, device_id: str, params: Node) -> Message:
        battery = _battery(child(params, "devicepower:0"))
        sample = Sample(
            ts_ms=instant(params.get("ts") or child(params, "sys").get("unixtime"), self._zone),
            humidity_pct=humidity(child(params, "humidity:0").get("rh")),
            battery_v=volts(battery.get("V")),
            quality=low_battery(battery.get("percent")),
        )
        probes = self._probes or {"temperature:0": "temperature_c"}
        found = {name: _celsius(child(params, name)) for name in probes}
        if self._probes:
            take_probes(sample, found, probes)
        else:
            (sample.temperature_c,) = found.values()
        return Message(device_id, [sample]) if measures(sample) else silent(device_id, Silence.NO_READING)


def _battery(power: Node) -> Node:
    """Return what a device says of its battery; on mains it says of an empty compartment that it is empty."""
    return {} if child(power, "external").get("present") is True else child(power, "battery")


def _claimed(prefix: list[str], tree: Node) -> str:
    """Return the id of a device by its topic: its own id, also behind a prefix such as `shellies/`.

    A device whose prefix an installer has changed names that prefix as the sender's address; it is its id then.

    Raises
    ------
    Unreadable
        If the device claims another id and nothing binds it to the topic.
    """
    source, whole = text(tree, "src").lower(), "/".join(prefix)
    if source == prefix[-1].lower():
        return prefix[-1]
    if source in ("", whole.lower()) or text(tree, "dst") == f"{whole}/events":
        return _topic_id(prefix)
    raise Unreadable(Reason.DEVICE_MISMATCH)


def _topic_id(prefix: list[str]) -> str:
    """Return the id in a topic: its prefix, but what stands behind `shellies/` alone is a name as in generation one."""
    return prefix[1] if prefix[0] == "shellies" and len(prefix) == 2 else "/".join(prefix)


def _celsius(component: Node) -> float | None:
    """Return the temperature of a component, which says it in both units."""
    if component.get("tC") is None:
        return measured(component.get("tF"), "F")
    return measured(component["tC"])
