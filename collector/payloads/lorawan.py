"""Uplinks of LoRaWAN servers: ChirpStack v4 and The Things Stack v3, decoded by the server or raw."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from collector.payloads.fields import REPLAYED, Probes, named_sample
from collector.payloads.frames import frame_samples
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


class Chirpstack:
    """Decoder of `application/{application}/device/{devEui}/event/up`; other events are no readings."""

    def __init__(self, zone: ZoneInfo | None, probes: Probes) -> None:
        self._zone = zone
        self._probes = probes

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if len(levels) < 4 or levels[-4] != "device" or levels[-2] != "event":
            return silent("", Silence.OTHER_TOPIC)
        if levels[-1] != "up":
            return silent(levels[-3], Silence.STATUS)
        return _guarded(levels[-3], lambda: self._uplink(levels[-3], parse_object(payload)))

    def _uplink(self, topic_eui: str, tree: Node) -> Message:
        device_id = text(child(tree, "deviceInfo"), "devEui") or topic_eui
        if device_id.lower() != topic_eui.lower():
            return flawed(topic_eui, Reason.DEVICE_MISMATCH)
        model = text(child(tree, "deviceInfo"), "deviceProfileName")
        samples = _samples(child(tree, "object"), text(tree, "data"), model, self._probes, self._zone)
        return Message(
            device_id,
            _completed(samples, instant(tree.get("time"), self._zone), _rssi(items(tree, "rxInfo")), tree.get("fCnt")),
        )


class Ttn:
    """Decoder of `v3/{application}@{tenant}/devices/{device_id}/up`; other messages are no readings."""

    def __init__(self, zone: ZoneInfo | None, probes: Probes) -> None:
        self._zone = zone
        self._probes = probes

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode one packet."""
        levels = topic.split("/")
        if len(levels) < 5 or levels[2] != "devices":
            return silent("", Silence.OTHER_TOPIC)
        if levels[4:] != ["up"]:
            return silent(levels[3], Silence.STATUS)
        return _guarded(levels[3], lambda: self._uplink(levels[3], parse_object(payload)))

    def _uplink(self, topic_id: str, tree: Node) -> Message:
        ids, uplink = child(tree, "end_device_ids"), child(tree, "uplink_message")
        if text(ids, "device_id") not in ("", topic_id):
            return flawed(topic_id, Reason.DEVICE_MISMATCH)
        device_id = text(ids, "dev_eui") or topic_id
        if tree.get("simulated") is True:
            return silent(device_id, Silence.NO_READING)
        model = text(child(uplink, "version_ids"), "model_id")
        decoded = child(uplink, "decoded_payload") or _normalized(uplink)
        samples = _samples(decoded, text(uplink, "frm_payload"), model, self._probes, self._zone)
        at = uplink.get("received_at") or tree.get("received_at")
        rssi = _rssi(items(uplink, "rx_metadata"))
        return Message(device_id, _completed(samples, instant(at, self._zone), rssi, uplink.get("f_cnt")))


def _guarded(device_id: str, decode: Callable[[], Message]) -> Message:
    try:
        return decode()
    except Unreadable as problem:
        return flawed(device_id, problem.reason)


def _samples(decoded: Node, data: str, model: str, probes: Probes, zone: ZoneInfo | None) -> list[Sample | Flaw]:
    if decoded:
        return _decoded_samples(decoded, probes, zone)
    try:
        frame = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(Reason.WRONG_SHAPE) from None
    return list(frame_samples(frame, model)) if frame else []


def _decoded_samples(decoded: Node, probes: Probes, zone: ZoneInfo | None) -> list[Sample | Flaw]:
    """Return the present sample and those of a log that the device sends behind it (Milesight `history`)."""
    found: list[Sample | Flaw] = []
    now = named_sample(decoded, probes)
    if now is not None:
        found.append(now)
    for node in items(decoded, "history"):
        index = len(found)
        try:
            logged = named_sample(node, probes) if isinstance(node, dict) else None
            if logged is not None:
                logged.ts_ms = instant(node.get("timestamp"), zone)
                logged.quality |= REPLAYED
                found.append(logged)
        except Unreadable as problem:
            found.append(Flaw(index, problem.reason))
    return found


def _normalized(uplink: Node) -> Node:
    """Return The Things Stack's normalized payload as flat names."""
    first = next(iter(items(uplink, "normalized_payload")), None)
    if not isinstance(first, dict):
        return {}
    air = child(first, "air")
    flat = {
        "temperature": air.get("temperature"),
        "humidity": air.get("relativeHumidity"),
        "batv": first.get("battery"),
    }
    return {key: value for key, value in flat.items() if value is not None}


def _completed(
    samples: list[Sample | Flaw], at_ms: int | None, rssi: float | None, count: object
) -> list[Sample | Flaw]:
    """Give the samples their index, the server's time where they have none of their own, and what they share.

    Servers leave zeros out: no counter means 0.
    """
    seq = count if type(count) is int else (0 if count is None else None)
    for index, sample in enumerate(samples):
        if isinstance(sample, Sample):
            sample.index, sample.rssi_dbm = index, rssi
            if not sample.quality & REPLAYED:
                sample.seq = seq
                sample.ts_ms = at_ms if sample.ts_ms is None else sample.ts_ms
    return samples


def _rssi(receptions: list[Any]) -> float | None:
    """Return the strongest reception of all gateways [dBm]."""
    heard = (number_or_none(r.get("rssi")) for r in receptions if isinstance(r, dict))
    return max((rssi for rssi in heard if rssi is not None), default=None)
