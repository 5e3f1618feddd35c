"""Raw LoRaWAN frames of the sensors that companies buy, for servers without a payload codec.

Milesight EM300-TH / EM320-TH: a list of channel, type, value (Milesight's user guides). Dragino LHT65 and LHT65N:
eleven bytes, or a data log of several (Dragino's user manuals). What comes out has the names that the makers' own
codecs use, so that a server with a codec and one without give the same readings.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from collector.payloads.message import YEAR_2000_MS, Reason, Unreadable
from collector.payloads.tree import Node

_RECORD = 11
# Milesight: lengths of the blocks (channel, type) that carry no reading.
_MILESIGHT_OTHER = {
    (0xFF, 0x01): 1,  # protocol version
    (0xFF, 0x09): 2,  # hardware version
    (0xFF, 0x0A): 2,  # software version
    (0xFF, 0x0B): 1,  # power on
    (0xFF, 0x0F): 1,  # class of the device
    (0xFF, 0x16): 8,  # serial number
    (0xFF, 0xFE): 1,  # reset
    (0xFF, 0xFF): 2,  # version of the payload's description
    (0x05, 0x9C): 1,  # state of the storage
    (0xF9, 0xC9): 1,  # alarm of a full storage
}
# Milesight: answers to settings and enquiries, on channels FE, FF and F8.
_MILESIGHT_ANSWERS = {
    0x02: 2,  # interval of collection
    0x03: 2,  # interval of reports
    0x06: 9,  # threshold alarm
    0x10: 1,  # restart
    0x27: 1,  # history cleared
    0x28: 1,  # state asked for
    0x68: 1,  # history on or off
    0x69: 1,  # retransmission on or off
    0x6A: 3,  # interval of retransmission
    0x6D: 1,  # transmission stopped
    0xEA: 3,  # calibration
}
_VALUE_BLOCKS = frozenset({(0x01, 0x75), (0x03, 0x67), (0x83, 0x67), (0x04, 0x68), (0x20, 0xCE)})
_FIRST_BLOCKS = _VALUE_BLOCKS | _MILESIGHT_OTHER.keys()
# Dragino: what the low bits of byte 6 say stands in the place of an external sensor, by the name of its temperature.
_DRAGINO_PROBES = {0x01: "TempC_DS", 0x02: "TempC_TMP117", 0x0B: "Ext_TempC_SHT", 0x0C: "Ext_TempC_SHT"}
_DRAGINO_TIMED = {0x09: "TempC_DS", 0x0A: "TempC_TMP117"}
# In these the bytes of the inner sensor hold a serial number.
_DRAGINO_IDS = frozenset({0x0E, 0x0F, 0x10, 0x15, 0x20})
# Ports of a LHT65 on which no reading comes: log of a probe without times, serial number, state of the device.
_DRAGINO_OTHER_PORTS = frozenset({3, 4, 5})
_DRAGINO_UNUSED = frozenset({b"\x7f\xff", b"\x7f\xff" * 2, bytes(4), b"\xff" * 4})
# A logged time in seconds; a probe that is not there, 0x7FFF, would be one of 2038.
_LOGGED_S = range(1_400_000_000, 2_100_000_000)


@dataclass(frozen=True, slots=True)
class Record:
    """What a frame says of one instant, by the names of the maker's codec; `ts_ms` None means now."""

    values: Node
    ts_ms: int | None = None
    logged: bool = False


def frame_records(frame: bytes, model: str, port: object = None) -> list[Record]:
    """Return the records of a frame; `model` is what the server calls the device's type, `port` the LoRaWAN port.

    Raises
    ------
    Unreadable
        If neither the model nor the frame itself tells whose it is, or nothing in it can be read.
    """
    name = model.upper()
    if "LHT65" in name:
        return [] if port in _DRAGINO_OTHER_PORTS else dragino(frame)
    if "EM3" in name or tuple(frame[:2]) in _FIRST_BLOCKS or (frame[:1] in (b"\xfe", b"\xf8") and port == 85):
        return milesight(frame, logs="EM3" in name or _logs_of_em3(frame))
    if len(frame) == _RECORD and port not in _DRAGINO_OTHER_PORTS and _looks_like_dragino(frame):
        return dragino(frame)
    raise Unreadable(Reason.WRONG_SHAPE)


def names_itself(frame: bytes, model: str) -> bool:
    """Tell whether model or frame say whose it is, without a guess at the values."""
    name = model.upper()
    return "LHT65" in name or "EM3" in name or tuple(frame[:2]) in _VALUE_BLOCKS


def milesight(frame: bytes, *, logs: bool = True) -> list[Record]:
    """Decode a frame of an EM300-TH or EM320-TH.

    What follows a block that is unknown or cut short cannot be read; what stands before it was. Without `logs`, logged
    readings are such blocks: every model of Milesight packs them in its own way.

    Raises
    ------
    Unreadable
        If the first block is unknown or cut short.
    """
    values: Node = {}
    logged: list[Record] = []
    at = 0
    try:
        while at < len(frame):
            at += 2 + _milesight_block(frame, at, values, logged if logs else None)
    except (IndexError, struct.error, KeyError):
        if not at:
            raise Unreadable(Reason.WRONG_SHAPE) from None
    return ([Record(values)] if values else []) + logged


def _milesight_block(frame: bytes, at: int, values: Node, logged: list[Record] | None) -> int:
    """Read one block; return the length of its value."""
    block, at = (frame[at], frame[at + 1]), at + 2
    if block == (0x01, 0x75):
        values["battery"] = frame[at]
    elif block in ((0x03, 0x67), (0x83, 0x67)):  # 83: with a threshold alarm behind it
        values["temperature"] = _tenths(frame, at)
        return 2 if block[0] == 0x03 else 3
    elif block == (0x04, 0x68):
        values["humidity"] = frame[at] / 2
    elif block == (0x20, 0xCE) and logged is not None:
        logged.append(_milesight_log(frame, at))
        return _milesight_log_size(frame, at)
    elif block in _MILESIGHT_OTHER:
        return _MILESIGHT_OTHER[block]
    elif block[0] in (0xFE, 0xFF, 0xF8):
        return _MILESIGHT_ANSWERS[block[1]]
    else:
        raise KeyError(block)
    return 1


def _logs_of_em3(frame: bytes) -> bool:
    """Tell whether the logged readings of an unnamed device can only be those of an EM300-TH or EM320-TH."""
    first = frame.find(b"\x20\xce")
    rest = len(frame) - first
    size = next((size for size in (10, 9) if rest % size == 0), 0)
    if first < 0 or not size:
        return False
    starts = range(first, len(frame), size)
    return all(frame[at : at + 2] == b"\x20\xce" and _possible(_milesight_log(frame, at + 2)) for at in starts)


def _possible(record: Record) -> bool:
    return bool(-60.0 <= record.values["temperature"] <= 85.0 and record.values["humidity"] <= 100.0)


def _milesight_log(frame: bytes, at: int) -> Record:
    values = {"temperature": _tenths(frame, at + 4), "humidity": frame[at + 6] / 2}
    return Record(values, _clock_ms(struct.unpack_from("<I", frame, at)[0]), logged=True)


def _milesight_log_size(frame: bytes, at: int) -> int:
    """Return 8 (EM300-TH), or 7 for the models that leave the last, reserved byte out (EM320-TH)."""
    if len(frame) - at == 8 or tuple(frame[at + 8 : at + 10]) in _FIRST_BLOCKS:
        return 8
    return 7 if len(frame) - at == 7 or tuple(frame[at + 7 : at + 9]) in _FIRST_BLOCKS else 8


def dragino(frame: bytes) -> list[Record]:
    """Decode a frame of a LHT65: the present reading, or logged ones that were asked for or are sent again.

    Raises
    ------
    Unreadable
        If the length is wrong.
    """
    if len(frame) < _RECORD:
        raise Unreadable(Reason.WRONG_SHAPE)
    again = frame[6] & 0x80 and (len(frame) > 15 or _seconds(frame) in _LOGGED_S)
    if frame[6] & 0x40 or again:
        if len(frame) % _RECORD:
            raise Unreadable(Reason.WRONG_SHAPE)
        return [_dragino_log(record, frame[6] & 0x0F) for record in _records(frame)]
    if len(frame) not in (_RECORD, 15):
        raise Unreadable(Reason.WRONG_SHAPE)
    return _dragino_now(frame)


def _dragino_now(frame: bytes) -> list[Record]:
    kind = frame[6] & 0x3F
    values: Node = {}
    ts_ms = None
    if kind in _DRAGINO_TIMED:  # the probe's temperature stands in the place of the battery, the time behind
        values |= {_DRAGINO_TIMED[kind]: _hundredths(frame, 0), "Bat_status": frame[4] >> 6}
        ts_ms = _clock_ms(_seconds(frame))
    else:
        battery: int = struct.unpack_from(">H", frame)[0]
        values |= {"BatV": (battery & 0x3FFF) / 1000, "Bat_status": battery >> 14}
    if probe := _DRAGINO_PROBES.get(kind):
        values[probe] = _hundredths(frame, 7)
    if kind not in _DRAGINO_IDS:
        values |= _sht(frame)
    return [Record(values, ts_ms)]


def _dragino_log(record: bytes, kind: int) -> Record:
    values = _sht(record)
    if probe := _DRAGINO_PROBES.get(kind) or _DRAGINO_TIMED.get(kind):
        values[probe] = _hundredths(record, 0)
    return Record(values, _clock_ms(_seconds(record)), logged=True)


def _records(frame: bytes) -> Iterator[bytes]:
    return (frame[at : at + _RECORD] for at in range(0, len(frame), _RECORD))


def _sht(frame: bytes) -> dict[str, Any]:
    raw: int = struct.unpack_from(">H", frame, 4)[0]
    return {"TempC_SHT": _hundredths(frame, 2), "Hum_SHT": (raw & 0x0FFF) / 10}


def _looks_like_dragino(frame: bytes) -> bool:
    """Tell whether eleven bytes of an unnamed device can only be a LHT65: other Dragino nodes have the same length."""
    if _sht(frame)["Hum_SHT"] > 100.0:
        return False
    kind = frame[6] & 0x3F
    if kind in _DRAGINO_TIMED or frame[6] & 0xC0:
        return _seconds(frame) in _LOGGED_S
    battery: int = struct.unpack_from(">H", frame)[0] & 0x3FFF
    unused = frame[9:] if kind in (0x01, 0x02) else frame[7:]
    return 1800 <= battery <= 4000 and kind <= 0x02 and unused in _DRAGINO_UNUSED


def _seconds(record: bytes) -> int:
    seconds: int = struct.unpack_from(">I", record, 7)[0]
    return seconds


def _clock_ms(seconds: int) -> int | None:
    ms = seconds * 1000
    return ms if ms >= YEAR_2000_MS else None


def _tenths(frame: bytes, at: int) -> float:
    value: int = struct.unpack_from("<h", frame, at)[0]
    return value / 10


def _hundredths(frame: bytes, at: int) -> float:
    value: int = struct.unpack_from(">h", frame, at)[0]
    return value / 100
