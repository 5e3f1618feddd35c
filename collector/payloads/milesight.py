"""Raw frames of Milesight EM300-TH and EM320-TH: a list of channel, type, value (Milesight's user guides).

The logged readings of the models differ in length and none says which it has, so a length is taken only where the
frame comes out even with it.
"""

from __future__ import annotations

import re
import struct

from collector.payloads.message import YEAR_2000_MS, Reason, Unreadable
from collector.payloads.record import Record
from collector.payloads.tree import Node

_LOGGED = (0x20, 0xCE)
# Where the values of the present stand in a block, and how long the block is; the rest of an alarm is its kind.
_TEMPERATURE = {(0x03, 0x67): 2, (0x83, 0x67): 3, (0x93, 0x67): 5}
_HALVES_PCT = {(0x04, 0x68): 1, (0x84, 0x68): 2, (0x94, 0x68): 3}
_TENTHS_PCT = {(0x04, 0x9A): 2, (0x84, 0x9A): 3, (0x94, 0x9A): 5}  # EM320-TH of the second version
_BATTERY = (0x01, 0x75)
# Lengths of the blocks that carry no reading.
_OTHER = {
    (0xFF, 0x01): 1,  # protocol version
    (0xFF, 0x09): 2,  # hardware version
    (0xFF, 0x0A): 2,  # software version
    (0xFF, 0x0B): 1,  # power on
    (0xFF, 0x0F): 1,  # class of the device
    (0xFF, 0x16): 8,  # serial number
    (0xFF, 0xFE): 1,  # reset
    (0xFF, 0xFF): 2,  # version of the payload's description
    (0x05, 0x00): 1,  # water
    (0x06, 0x00): 1,  # magnet
    (0x05, 0x6B): 1,  # what made it send
    (0x05, 0x9C): 1,  # state of the storage
    (0xB3, 0x67): 2,  # why there is no temperature
    (0xB4, 0x68): 2,  # why there is no humidity
    (0xB4, 0x9A): 2,
    (0xFC, 0x6B): 1,  # answers to an enquiry for logged readings
    (0xFC, 0x6C): 1,
    (0xF9, 0x0B): 7,  # settings: alarm by threshold
    (0xF9, 0x0C): 4,  # alarm by change
    (0xF9, 0x39): 2,  # interval of collection
    (0xF9, 0x63): 4,  # messages from device to device
    (0xF9, 0x66): 1,
    (0xF9, 0x69): 1,  # lock of the button
    (0xF9, 0xC9): 1,  # alarm of a full storage
    (0xF9, 0xD9): 1,  # resolution of humidity
    (0xF8, 0xC9): 2,  # the same as an answer, with its result
}
# Answers to settings and enquiries, on channels FE, FF and F8.
_ANSWER_CHANNELS = frozenset({0xFE, 0xFF, 0xF8})
_ANSWERS = {
    0x02: 2,  # interval of collection
    0x03: 2,  # interval of reports
    0x06: 9,  # threshold alarm
    0x10: 1,  # restart
    0x27: 1,  # history cleared
    0x28: 1,  # state asked for
    0x35: 8,  # key of messages from device to device
    0x68: 1,  # history on or off
    0x69: 1,  # retransmission on or off
    0x6A: 3,  # interval of retransmission
    0x6D: 1,  # transmission stopped
    0x79: 6,  # messages from device to device
    0x8E: 3,  # interval of reports
    0xC9: 1,  # alarm of a full storage
    0xEA: 3,  # calibration
    0xF2: 2,  # number of alarms
    0xF5: 1,  # alarm when a threshold is left
}
_KNOWN = frozenset({_BATTERY, _LOGGED, *_TEMPERATURE, *_HALVES_PCT, *_TENTHS_PCT, *_OTHER})
# Blocks that no device writes which speaks Cayenne LPP: there types 67 and 68 are temperature and humidity too, on any
# channel, the temperature with its bytes the other way round.
_NO_CAYENNE = frozenset({_BATTERY, _LOGGED} | {block for block in _OTHER if block[0] == 0xFF})
_PORT = 85
# Lengths of a logged reading: EM300-TH with a reserved byte, EM320-TH, EM320-TH of the second version.
_LOG, _SHORT_LOG, _FINE_LOG = 8, 7, 9
_LOG_KINDS = range(1, 25)
# Models of the series that log something else than temperature and humidity.
_OTHER_LOGS = re.compile(r"MLD|DI|TILT|UDL|-CL")


def is_em3(model: str) -> bool:
    """Tell whether a server's name of a device's type means the EM300 or EM320 series."""
    return "EM3" in model.upper()


def writes_like_milesight(frame: bytes, port: object) -> bool:
    """Tell whether the frame of an unnamed device begins as only Milesight's do."""
    first = tuple(frame[:2])
    if port in (_PORT, None):
        return first in _KNOWN or frame[:1] in (b"\xfe", b"\xf8", b"\xf9", b"\xfc")
    return first in _NO_CAYENNE


def milesight(frame: bytes, model: str) -> list[Record]:
    """Decode a frame of an EM300-TH or EM320-TH, or of a model that writes the same blocks.

    What follows a block that is unknown or cut short cannot be read; what stands before it was. Logged readings of a
    device that has no name are such blocks unless they can only be those of these models: others of Milesight's pack
    them in their own ways.

    Raises
    ------
    Unreadable
        If the first block is unknown or cut short, or there is a temperature of another channel too.
    """
    log_size = _log_size(frame, model)
    values: Node = {}
    logged: list[Record] = []
    at = 0
    try:
        while at < len(frame):
            block, value = (frame[at], frame[at + 1]), at + 2
            if block == _LOGGED:
                logged.append(_log(frame, value, log_size))
            else:
                _read(block, frame, value, values)
            at = value + _length(block, log_size)
    except (IndexError, struct.error, KeyError):
        if not at:
            raise Unreadable(Reason.WRONG_SHAPE) from None
        if "temperature" in values and frame[at + 1 : at + 2] == b"\x67":
            raise Unreadable(Reason.AMBIGUOUS_PROBES) from None
    return ([Record(values)] if values else []) + logged


def _read(block: tuple[int, int], frame: bytes, at: int, values: Node) -> None:
    if block in _TEMPERATURE:
        values["temperature"] = _tenths(frame, at)
    elif block in _HALVES_PCT:
        values["humidity"] = frame[at] / 2
    elif block in _TENTHS_PCT:
        values["humidity"] = struct.unpack_from("<H", frame, at)[0] / 10
    elif block == _BATTERY:
        values["battery"] = frame[at]


def _length(block: tuple[int, int], log_size: int) -> int:
    """Return the length of a block's value; KeyError if it is unknown."""
    if block == _LOGGED and log_size:
        return log_size
    if block == _BATTERY:
        return 1
    for table in (_TEMPERATURE, _HALVES_PCT, _TENTHS_PCT, _OTHER):
        if block in table:
            return table[block]
    if block[0] in _ANSWER_CHANNELS:
        return _ANSWERS[block[1]]
    raise KeyError(block)


def _log_size(frame: bytes, model: str) -> int:
    """Return the length of the logged readings in a frame; 0 if there are none or they could be anybody's."""
    first = frame.find(bytes(_LOGGED))
    if first < 0:
        return 0
    if not is_em3(model):
        return next((size for size in (_LOG, _SHORT_LOG) if _only_logs(frame[first:], size)), 0)
    if _OTHER_LOGS.search(model.upper()):
        return 0
    sizes = (_LOG, _SHORT_LOG, _FINE_LOG)
    return next((size for size in sizes if _comes_out_even(frame, size)), 0)


def _comes_out_even(frame: bytes, log_size: int) -> bool:
    """Tell whether the blocks fill a frame to its end if logged readings have this length."""
    at = 0
    try:
        while at < len(frame):
            block = (frame[at], frame[at + 1])
            if block == _LOGGED and log_size == _FINE_LOG and frame[at + 10] not in _LOG_KINDS:
                return False
            at += 2 + _length(block, log_size)
    except (IndexError, KeyError):
        return False
    return at == len(frame)


def _only_logs(logs: bytes, size: int) -> bool:
    """Tell whether bytes are logged readings of this length, with values that can be."""
    step = 2 + size
    return len(logs) % step == 0 and all(
        (logs[at], logs[at + 1]) == _LOGGED and _possible(logs, at + 2, size) for at in range(0, len(logs), step)
    )


def _possible(logs: bytes, at: int, size: int) -> bool:
    """Tell whether a log can be air in a room: other models log light, counters or one probe in as many bytes."""
    values = _log(logs, at, size).values
    flag = logs[at + 7] if size == _LOG else 0
    return bool(-30.0 <= values["temperature"] <= 60.0 and 5.0 <= values["humidity"] <= 100.0 and flag <= 1)


def _log(frame: bytes, at: int, size: int) -> Record:
    if not size:
        raise KeyError(_LOGGED)
    humidity = struct.unpack_from("<H", frame, at + 6)[0] / 10 if size == _FINE_LOG else frame[at + 6] / 2
    ms = 1000 * int(struct.unpack_from("<I", frame, at)[0])
    values = {"temperature": _tenths(frame, at + 4), "humidity": humidity}
    return Record(values, ms if ms >= YEAR_2000_MS else None, logged=True)


def _tenths(frame: bytes, at: int) -> float:
    value: int = struct.unpack_from("<h", frame, at)[0]
    return value / 10
