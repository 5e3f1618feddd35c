"""Uplinks of LoRaWAN servers: ChirpStack v4 and The Things Stack v3, decoded by the server or raw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from collector.payloads.codecs import says_battery
from collector.payloads.fields import REPLAYED, Probes, low_battery
from collector.payloads.message import (
    Flaw,
    Message,
    Reason,
    Sample,
    Silence,
    Unreadable,
    flawed,
    instant,
    number_or_none,
    silent,
)
from collector.payloads.tree import Node, child, items, parse_object, text
from collector.payloads.uplink import Reader, Uplink


class Chirpstack:
    """Decoder of `application/{application}/device/{devEui}/event/up`; other events are no readings."""

    def __init__(self, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._zone = zone
        self._reader = Reader(zone, unit, probes)

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if len(levels) < 4 or levels[-4] != "device" or levels[-2] != "event":
            return silent("", Silence.OTHER_TOPIC)
        if levels[-1] != "up":
            return silent(levels[-3], Silence.STATUS)
        return _guarded(levels[-3], lambda: self._uplink(levels[-3], parse_object(payload)))

    def _uplink(self, topic_eui: str, tree: Node) -> Message:
        info = child(tree, "deviceInfo")
        device_id = text(info, "devEui") or topic_eui
        if device_id.lower() != topic_eui.lower():
            return flawed(topic_eui, Reason.DEVICE_MISMATCH)
        up = Uplink(child(tree, "object"), text(tree, "data"), text(info, "deviceProfileName"), tree.get("fPort"))
        receptions = items(tree, "rxInfo")
        at = tree.get("time") or _gateway_time(receptions)
        shared = _Shared(instant(at, self._zone), _rssi(receptions), _count(tree.get("fCnt")))
        return _message(device_id, self._reader.read(up), shared)


class Ttn:
    """Decoder of `v3/{application}@{tenant}/devices/{device_id}/up`; other messages are no readings.

    `.../up/normalized` says the same once more in one vocabulary of all makers; as a packet of the same instant it is
    a repeat where both are subscribed.
    """

    def __init__(self, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._zone = zone
        self._reader = Reader(zone, unit, probes)

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if "v3" in levels:  # a bridge of the broker may set a prefix before it
            levels = levels[levels.index("v3") :]
        if len(levels) < 5 or levels[2] != "devices":
            return silent("", Silence.OTHER_TOPIC)
        if levels[4:] not in (["up"], ["up", "normalized"]):
            return silent(levels[3], Silence.STATUS)
        return _guarded(levels[3], lambda: self._uplink(levels[3], parse_object(payload)))

    def _uplink(self, topic_id: str, tree: Node) -> Message:
        ids = child(tree, "end_device_ids")
        if text(ids, "device_id") not in ("", topic_id):
            return flawed(topic_id, Reason.DEVICE_MISMATCH)
        device_id = text(ids, "dev_eui") or topic_id
        if tree.get("simulated") is True:
            return silent(device_id, Silence.NO_READING)
        uplink = child(tree, "uplink_message") or child(tree, "uplink_normalized")
        model = text(child(uplink, "version_ids"), "model_id")
        up = Uplink(child(uplink, "decoded_payload"), text(uplink, "frm_payload"), model, uplink.get("f_port"))
        samples = self._reader.read(up, _normalized(uplink))
        if not says_battery(up.decoded):
            _mark(samples, low_battery(child(uplink, "last_battery_percentage").get("value")))
        receptions = items(uplink, "rx_metadata")
        at = instant(
            uplink.get("received_at")
            or tree.get("received_at")
            or _gateway_time([child(uplink, "settings"), *receptions]),
            self._zone,
        )
        return _message(device_id, samples, _Shared(at, _rssi(receptions), _count(uplink.get("f_cnt"))))


def _mark(samples: list[Sample | Flaw], quality: int) -> None:
    """Mark the present samples of a device whose payload does not speak of its battery."""
    for sample in samples:
        if isinstance(sample, Sample) and sample.battery_v is None and not sample.quality & REPLAYED:
            sample.quality |= quality


def _guarded(device_id: str, decode: Callable[[], Message]) -> Message:
    try:
        return decode()
    except Unreadable as problem:
        return flawed(device_id, problem.reason)


def _normalized(uplink: Node) -> list[Node]:
    """Return the measurements of The Things Stack's normalized payload, a list or, on its own topic, one object."""
    found = uplink.get("normalized_payload")
    return [node for node in (found if isinstance(found, list) else [found]) if isinstance(node, dict)]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the samples of an uplink share: the server's time, the strongest reception, the frame counter."""

    at_ms: int | None
    rssi: float | None
    seq: int | None


def _message(device_id: str, samples: list[Sample | Flaw], shared: _Shared) -> Message:
    """Return the message of an uplink; one without readings has used up a number too."""
    completed = [_completed(sample, index, shared) for index, sample in enumerate(samples)]
    counted = any(isinstance(sample, Sample) and sample.seq is not None for sample in completed)
    return Message(device_id, completed, seq=None if counted else shared.seq)


def _completed(sample: Sample | Flaw, index: int, shared: _Shared) -> Sample | Flaw:
    """Give a sample its index, the server's time if it has none, and what it shares with the others.

    A logged reading without a time is of no known instant.
    """
    if isinstance(sample, Flaw):
        return sample if sample.index is None else Flaw(index, sample.reason)
    if sample.ts_ms is None and sample.quality & REPLAYED:
        return Flaw(index, Reason.NO_CLOCK)
    sample.index, sample.rssi_dbm = index, shared.rssi
    if not sample.quality & REPLAYED:
        sample.seq = shared.seq
        sample.ts_ms = shared.at_ms if sample.ts_ms is None else sample.ts_ms
    return sample


def _count(value: object) -> int | None:
    """Return a frame counter; servers leave zeros out."""
    if value is None:
        return 0
    return value if type(value) is int else None


def _gateway_time(receptions: list[Any]) -> object:
    """Return the instant of reception that a gateway gives, where the server gives none."""
    names = ("gwTime", "nsTime", "time", "received_at")
    return next((r[name] for r in receptions if isinstance(r, dict) for name in names if r.get(name)), None)


def _rssi(receptions: list[Any]) -> float | None:
    """Return the strongest reception of all gateways [dBm]."""
    heard = (number_or_none(r.get("rssi")) for r in receptions if isinstance(r, dict))
    return max((rssi for rssi in heard if rssi is not None), default=None)
