"""Raw frames of Dragino LHT65 and LHT65N: eleven bytes, or a log of several times eleven (Dragino's user manuals)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from collector.payloads.message import YEAR_2000_MS, Reason, Unreadable
from collector.payloads.record import Record
from collector.payloads.tree import Node

_RECORD = 11
# Says that what was asked for is not there.
_NOTHING = bytes(_RECORD)
# What the low bits of byte 6 say stands in the place of an external sensor, by the name of its temperature.
_PROBES = {0x01: "TempC_DS", 0x02: "TempC_TMP117", 0x0B: "Ext_TempC_SHT", 0x0C: "Ext_TempC_SHT"}
_TIMED = {0x09: "TempC_DS", 0x0A: "TempC_TMP117"}
# In these the bytes of the inner sensor hold a serial number; but the LHT65N-PIR counts movements beside it.
_IDS = frozenset({0x0E, 0x0F, 0x10, 0x15, 0x20})
_MOVEMENTS = 0x0E
# Ports on which no reading comes: log of a probe without times, serial number, state of the device.
_OTHER_PORTS = frozenset({3, 4, 5})
_LOGS, _AGAIN = 0x40, 0x80
_UNUSED = frozenset({b"\x7f\xff", b"\x7f\xff" * 2, bytes(4), b"\xff" * 4})
# A logged time in seconds; a probe that is not there, 0x7FFF, would be one of 2038.
_LOGGED_S = range(1_400_000_000, 2_100_000_000)


def is_lht65(model: str) -> bool:
    """Tell whether a name means a LHT65 or LHT65N; the LHT65N-VIB shares the name and not the frame."""
    name = model.upper()
    return "LHT65" in name and "VIB" not in name


def lht65(frame: bytes, model: str, port: object) -> list[Record]:
    """Decode a frame of a LHT65: the present reading, or logged ones that were asked for or are sent again.

    Raises
    ------
    Unreadable
        If the length is wrong.
    """
    if frame == _NOTHING or (port in _OTHER_PORTS and not is_log(frame)):
        return []
    if len(frame) < _RECORD:
        raise Unreadable(Reason.WRONG_SHAPE)
    again = frame[6] & _AGAIN and (len(frame) > 15 or _seconds(frame) in _LOGGED_S)
    if frame[6] & _LOGS or again:
        if len(frame) % _RECORD:
            raise Unreadable(Reason.WRONG_SHAPE)
        return [_log(record, frame[6] & 0x0F) for record in _records(frame) if record != _NOTHING]
    if len(frame) not in (_RECORD, 15):
        raise Unreadable(Reason.WRONG_SHAPE)
    return [_now(frame, model)]


def no_present_reading(frame: bytes, model: str, port: object) -> bool:
    """Tell whether a frame of a LHT65 says nothing of now.

    Dragino's codecs of some firmwares show a log or a serial number of others as a present reading.
    """
    return is_log(frame) or port in _OTHER_PORTS or (len(frame) == _RECORD and not _has_inner(frame, model))


def is_log(frame: bytes) -> bool:
    """Tell whether a frame consists of logged readings, or says that there are none."""
    return bool(frame) and len(frame) % _RECORD == 0 and all(_is_logged(record) for record in _records(frame))


def _is_logged(record: bytes) -> bool:
    return record == _NOTHING or bool(record[6] & (_LOGS | _AGAIN) and _seconds(record) in _LOGGED_S)


def can_only_be_lht65(frame: bytes, port: object) -> bool:
    """Tell whether a frame of an unnamed device is a LHT65's: other nodes of Dragino's have the same length.

    The others write the battery's voltage without the two bits for its state.
    """
    if len(frame) != _RECORD or port in _OTHER_PORTS or _inner(frame)["Hum_SHT"] > 100.0:
        return False
    kind = frame[6] & 0x3F
    if kind in _TIMED or frame[6] & (_LOGS | _AGAIN):
        return _seconds(frame) in _LOGGED_S
    battery: int = struct.unpack_from(">H", frame)[0]
    unused = frame[9:] if kind in (0x01, 0x02) else frame[7:]
    return battery >> 14 != 0 and 1800 <= battery & 0x3FFF <= 4000 and kind <= 0x02 and unused in _UNUSED


def _now(frame: bytes, model: str) -> Record:
    kind = frame[6] & 0x3F
    values: Node = {}
    ts_ms = None
    if kind in _TIMED:  # the probe's temperature stands in the place of the battery, the time behind
        values |= {_TIMED[kind]: _hundredths(frame, 0), "Bat_status": frame[4] >> 6}
        ts_ms = _clock_ms(frame)
    else:
        battery: int = struct.unpack_from(">H", frame)[0]
        values |= {"BatV": (battery & 0x3FFF) / 1000, "Bat_status": battery >> 14}
    if probe := _PROBES.get(kind):
        values[probe] = _hundredths(frame, 7)
    if _has_inner(frame, model):
        values |= _inner(frame)
    return Record(values, ts_ms)


def _log(record: bytes, kind: int) -> Record:
    values = _inner(record)
    if probe := _PROBES.get(kind) or _TIMED.get(kind):
        values[probe] = _hundredths(record, 0)
    return Record(values, _clock_ms(record), logged=True)


def _records(frame: bytes) -> Iterator[bytes]:
    return (frame[at : at + _RECORD] for at in range(0, len(frame), _RECORD))


def _has_inner(frame: bytes, model: str) -> bool:
    kind = frame[6] & 0x3F
    return kind not in _IDS or (kind == _MOVEMENTS and "PIR" in model.upper())


def _inner(frame: bytes) -> dict[str, Any]:
    raw: int = struct.unpack_from(">H", frame, 4)[0]
    return {"TempC_SHT": _hundredths(frame, 2), "Hum_SHT": (raw & 0x0FFF) / 10}


def _seconds(record: bytes) -> int:
    seconds: int = struct.unpack_from(">I", record, 7)[0]
    return seconds


def _clock_ms(record: bytes) -> int | None:
    ms = _seconds(record) * 1000
    return ms if ms >= YEAR_2000_MS else None


def _hundredths(frame: bytes, at: int) -> float:
    value: int = struct.unpack_from(">h", frame, at)[0]
    return value / 100
