"""What a decoder makes of a packet: claims of a device, not yet judged.

A decoder is a function of topic and bytes. It never raises for what is in them: a reading that cannot be read is a
`Flaw` with its index and reason, and what carries no reading is a message without samples that says why.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from heating.instants import epoch_ms, parse_instant, to_ms

# An instant before 2000 is a clock that was never set (contract §4).
YEAR_2000_MS = 946_684_800_000


class Reason(StrEnum):
    """Why a reading is quarantined."""

    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    WRONG_SHAPE = "wrong_shape"  # JSON, but no message of this family
    WRONG_TYPE = "wrong_type"  # a text where a number belongs
    BAD_TOPIC = "bad_topic"
    NO_OFFSET = "no_offset"
    BAD_TIME = "bad_time"
    NO_CLOCK = "no_clock"  # not the last of a batch without a usable clock
    FUTURE = "future"
    TOO_OLD = "too_old"
    NO_VALUE = "no_value"  # nothing that a point of this kind measures
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_DEVICE = "unknown_device"
    NOT_PLACED = "not_placed"  # known, but at no point at that instant
    DEVICE_MISMATCH = "device_mismatch"  # topic and payload name different devices
    DECODER_FAILED = "decoder_failed"
    AMBIGUOUS_PROBES = "ambiguous_probes"  # several probes, and no configuration that says which is which
    STORE_REFUSED = "store_refused"
    HAND_OVER_FAILED = "hand_over_failed"  # a bug stopped it on its way in
    DAMAGED = "damaged"  # by the disk, while it waited in the spool


class Silence(StrEnum):
    """Why a packet or a reading is ignored, which is no fault of anybody."""

    STATUS = "status"
    NO_READING = "no_reading"
    OTHER_TOPIC = "other_topic"
    RETAINED = "retained"


class Sample(msgspec.Struct, kw_only=True, gc=False):
    """One reading as the device claims it; None means absent.

    `ts_ms` None means that the device has no usable clock.
    """

    index: int | None = 0
    ts_ms: int | None = None
    temperature_c: float | None = None
    humidity_pct: float | None = None
    battery_v: float | None = None
    rssi_dbm: float | None = None
    supply_c: float | None = None
    return_c: float | None = None
    flow_m3h: float | None = None
    seq: int | None = None
    quality: int = 0  # bits of `heating.reading.Quality`


class Flaw(msgspec.Struct, frozen=True, gc=False):
    """A reading that cannot be used; `index` None means the packet as a whole."""

    index: int | None
    reason: Reason


class Message(msgspec.Struct, gc=False):
    """A decoded packet. Without samples, `silence` says why, and `seq` is the number that it used up, if it has one."""

    device_id: str
    samples: list[Sample | Flaw]
    silence: Silence = Silence.NO_READING
    seq: int | None = None

    @property
    def needs_clock(self) -> bool:
        """Tell whether a sample waits for the receive time."""
        for sample in self.samples:  # noqa: SIM110 - this runs for every packet, and a generator costs three times as much
            if type(sample) is Sample and sample.ts_ms is None:
                return True
        return False


class Decoder(Protocol):
    """Turns topic and bytes of one device family into a message."""

    def __call__(self, topic: str, payload: bytes) -> Message:
        """Decode; never raise for what is in the packet."""
        ...


class Unreadable(Exception):
    """A value that cannot be read, on its way to become a `Flaw`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def flawed(device_id: str, reason: Reason) -> Message:
    """Return a packet that is one bad reading as a whole."""
    return Message(device_id, [Flaw(None, reason)])


def silent(device_id: str, silence: Silence) -> Message:
    """Return a packet without readings."""
    return Message(device_id, [], silence)


def instant(value: object, zone: ZoneInfo | None) -> int | None:
    """Return the instant [ms] of a time as devices write it, None where their clock is not set.

    Raises
    ------
    Unreadable
        If it is no time, or has no offset where `zone` is None.
    """
    if value is None:
        return None
    try:
        if isinstance(value, str):
            ms = to_ms(_moment(value, zone))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            ms = epoch_ms(value)
        else:
            raise Unreadable(Reason.WRONG_TYPE)
    except (ValueError, OverflowError):
        raise Unreadable(Reason.BAD_TIME) from None
    return ms if ms >= YEAR_2000_MS else None


def number(value: object) -> float | None:
    """Return a measured value, None where it is absent; a number too large for a float is infinite.

    Raises
    ------
    Unreadable
        If it is no number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unreadable(Reason.WRONG_TYPE)
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def number_or_none(value: object) -> float | None:
    """Return a finite number, None for anything else: for what only accompanies a reading."""
    try:
        found = number(value)
    except Unreadable:
        return None
    return found if found is not None and isfinite(found) else None


def _moment(text: str, zone: ZoneInfo | None) -> datetime:
    try:
        return parse_instant(text, zone)
    except ValueError:
        if zone is None and _is_local(text):
            raise Unreadable(Reason.NO_OFFSET) from None
        raise


def _is_local(text: str) -> bool:
    """Tell whether the text is a time that lacks only its offset."""
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is None
    except ValueError:
        return False
