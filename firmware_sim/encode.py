"""Our own encoder of the native format (contract §4): what a node puts on the wire, byte for byte.

It shares nothing with the collector's decoder; golden packets hold both to the written format.
"""

from __future__ import annotations

import msgspec

from heating.reading import Quality

READINGS_TOPIC = "heatwatch/v1/{device}/readings"
STATUS_TOPIC = "heatwatch/v1/{device}/status"
_FLAGS = (
    (Quality.LOW_BATTERY, "low_battery"),
    (Quality.MOVED, "moved"),
    (Quality.SENSOR_FAULT, "sensor_fault"),
)


class WireReading(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One reading as sent: `ts` in milliseconds; a room or outdoor node has a temperature, an entry node water."""

    ts: int
    temperature_c: float | None = None
    humidity_pct: float | None = None
    supply_c: float | None = None
    return_c: float | None = None
    seq: int | None = None
    replayed: bool = False


class WirePacket(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One packet as sent."""

    readings: tuple[WireReading, ...]
    battery_v: float | None = None
    rssi_dbm: int | None = None
    flags: tuple[str, ...] = ()
    fw: str = ""


class WireStatus(msgspec.Struct, frozen=True):
    """Retained status of a device, and its last will."""

    online: bool
    ts: int


def readings_topic(device: str) -> str:
    """Return the topic of a device's readings."""
    return READINGS_TOPIC.format(device=device)


def status_topic(device: str) -> str:
    """Return the topic of a device's status."""
    return STATUS_TOPIC.format(device=device)


def encode_packet(packet: WirePacket) -> bytes:
    """Return the bytes of a packet of readings; absent values are left out."""
    return msgspec.json.encode(packet)


def encode_status(online: bool, ts_ms: int) -> bytes:
    """Return the bytes of a status."""
    return msgspec.json.encode(WireStatus(online, ts_ms))


def flag_names(flags: int) -> tuple[str, ...]:
    """Return the names of the flags of contract §4 among bits of `Quality`."""
    return tuple(name for bit, name in _FLAGS if flags & bit)
