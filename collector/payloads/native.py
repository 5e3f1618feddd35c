"""Native payloads, topic `heatwatch/v1/{device_id}/readings` (contract §4).

A packet in good order takes the short way: one typed decoding, to a `WirePacket`. Any other is taken apart member by
member, so that a bad reading costs none of its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collector.payloads.message import (
    YEAR_2000_MS,
    Flaw,
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
from collector.payloads.tree import Node, items, parse_object, text
from heating.reading import Quality

_FLAGS = {
    "low_battery": int(Quality.LOW_BATTERY),
    "moved": int(Quality.MOVED),
    "sensor_fault": int(Quality.SENSOR_FAULT),
}
REPLAYED = int(Quality.REPLAYED)
_LAST_MS = 10**14  # contract §4: an epoch below it is in ms, above 1e11
# So many readings with a value do not fit into 64 KiB: what says it has more is one packet of nonsense, not thousands
# of bad readings that each want a row.
_MOST = 4096
_MEASURED = ("temperature_c", "humidity_pct", "supply_c", "return_c", "flow_m3h")


class WireReading(msgspec.Struct, gc=False):
    """A reading as it is written; its numbers are finite, as JSON's are."""

    ts: int | float | str | None = None
    temperature_c: float | None = None
    humidity_pct: float | None = None
    supply_c: float | None = None
    return_c: float | None = None
    flow_m3h: float | None = None
    seq: int | None = None
    replayed: bool = False


class WirePacket(WireReading, gc=False):
    """A packet as it is written. Without `readings` it is one itself; `device_id` is that of the topic, once read."""

    readings: list[WireReading] | None = None
    device_id: str | None = None
    battery_v: float | None = None
    rssi_dbm: float | None = None
    flags: list[str] = []

    @property
    def each(self) -> Sequence[WireReading]:
        """The readings."""
        return (self,) if self.readings is None else self.readings


_DECODER = msgspec.json.Decoder(WirePacket)


class Native:
    """Decoder of the native payload."""

    def __init__(self, zone: ZoneInfo | None = None) -> None:
        self._zone = zone

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        found = self.read(topic, payload)
        return self.message(found) if isinstance(found, WirePacket) else found

    def read(self, topic: str, payload: bytes) -> WirePacket | Message:
        """Return the packet as it is written; what is no packet in good order, as a message at once."""
        levels = topic.rsplit("/", 2)
        if len(levels) < 2 or not levels[-2]:
            return flawed("", Reason.BAD_TOPIC)
        device_id = levels[-2]
        if levels[-1] == "status":
            return silent(device_id, Silence.STATUS)
        try:
            packet = _DECODER.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._take_apart(device_id, payload)
        if len(packet.each) > _MOST:
            return flawed(device_id, Reason.WRONG_SHAPE)
        if packet.device_id is not None and packet.device_id != device_id:
            return _mismatch(device_id, len(packet.each))
        packet.device_id = device_id
        return packet

    def message(self, packet: WirePacket) -> Message:
        """Return the message of a packet that was read."""
        return Message(packet.device_id or "", self._samples(packet, packet.each))

    def _samples(self, packet: WirePacket, readings: Iterable[WireReading]) -> list[Sample | Flaw]:
        quality = marks(packet.flags)
        battery_v, rssi_dbm = packet.battery_v, packet.rssi_dbm
        found: list[Sample | Flaw] = []
        for index, r in enumerate(readings):
            ts = r.ts
            try:
                found.append(
                    Sample(
                        index=index,
                        # Most nodes send milliseconds; that way shall be short.
                        ts_ms=ts if type(ts) is int and YEAR_2000_MS <= ts < _LAST_MS else instant(ts, self._zone),
                        temperature_c=r.temperature_c,
                        humidity_pct=r.humidity_pct,
                        battery_v=battery_v,
                        rssi_dbm=rssi_dbm,
                        supply_c=r.supply_c,
                        return_c=r.return_c,
                        flow_m3h=r.flow_m3h,
                        seq=r.seq,
                        quality=quality | REPLAYED if r.replayed else quality,
                    )
                )
            except Unreadable as problem:
                found.append(Flaw(index, problem.reason))
        return found

    def _take_apart(self, device_id: str, payload: bytes) -> Message:
        try:
            tree = parse_object(payload)
        except Unreadable as problem:
            return flawed(device_id, problem.reason)
        listed = tree.get("readings")
        if listed is not None and not (isinstance(listed, list) and len(listed) <= _MOST):
            return flawed(device_id, Reason.WRONG_SHAPE)
        readings = [tree] if listed is None else items(tree, "readings")
        if tree.get("device_id", device_id) not in (device_id, None):
            return _mismatch(device_id, len(readings))
        envelope = WirePacket(
            battery_v=number_or_none(tree.get("battery_v")),
            rssi_dbm=number_or_none(tree.get("rssi_dbm")),
            flags=[flag for flag in items(tree, "flags") if isinstance(flag, str)],
        )
        samples: list[Sample | Flaw] = []
        for index, node in enumerate(readings):
            try:
                samples.append(_renumbered(self._samples(envelope, [_reading(node)])[0], index))
            except Unreadable as problem:
                samples.append(Flaw(index, problem.reason))
        return Message(device_id, samples)


def _reading(node: Any) -> WireReading:
    if not isinstance(node, dict):
        raise Unreadable(Reason.WRONG_SHAPE)
    return WireReading(
        ts=_time(node),
        seq=node["seq"] if type(node.get("seq")) is int else None,
        replayed=node.get("replayed") is True,
        **{name: number(node.get(name)) for name in _MEASURED},
    )


def _time(node: Node) -> int | float | str | None:
    value = node.get("ts")
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    if isinstance(value, str):
        return text(node, "ts")
    raise Unreadable(Reason.WRONG_TYPE)


def _renumbered(sample: Sample | Flaw, index: int) -> Sample | Flaw:
    if isinstance(sample, Flaw):
        return Flaw(index, sample.reason)
    sample.index = index
    return sample


def _mismatch(device_id: str, readings: int) -> Message:
    return Message(device_id, [Flaw(index, Reason.DEVICE_MISMATCH) for index in range(max(readings, 1))])


def marks(flags: Iterable[str]) -> int:
    """Return the marks that a device gives a packet, as bits of `Quality`."""
    quality = 0
    for flag in flags:
        quality |= _FLAGS.get(flag, 0)
    return quality
