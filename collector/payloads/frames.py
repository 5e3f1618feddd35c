"""Raw LoRaWAN frames of the sensors that companies buy, for servers without a payload codec.

Milesight EM300-TH / EM320-TH: a list of channel, type, value (Milesight's user guides). Dragino LHT65: eleven bytes,
or a data log of several (Dragino's user manual).
"""

from __future__ import annotations

import struct

from collector.payloads.fields import LOW_BATTERY, REPLAYED, low_battery, measures
from collector.payloads.message import YEAR_2000_MS, Reason, Sample, Unreadable

_DRAGINO_SIZE = 11
_NO_PROBE = 0x7FFF
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
}


def frame_samples(frame: bytes, model: str) -> list[Sample]:
    """Return the samples of a frame; `model` is what the server calls the device's type.

    Raises
    ------
    Unreadable
        If neither the model nor the frame itself tells whose it is, or the frame is cut short.
    """
    name = model.upper()
    if "LHT65" in name:
        return dragino(frame)
    if "EM3" in name:
        return milesight(frame)
    if len(frame) >= 4 and (frame[0], frame[1]) in ((0x01, 0x75), (0x03, 0x67), (0x20, 0xCE), (0xFF, 0x0B)):
        return milesight(frame)
    if len(frame) == _DRAGINO_SIZE:
        return dragino(frame)
    raise Unreadable(Reason.WRONG_SHAPE)


def milesight(frame: bytes) -> list[Sample]:
    """Decode a frame of an EM300-TH or EM320-TH.

    Raises
    ------
    Unreadable
        If a block is unknown or cut short.
    """
    now, logged, at = Sample(), [], 0
    try:
        while at < len(frame):
            block, at = (frame[at], frame[at + 1]), at + 2
            if block == (0x01, 0x75):
                now.quality |= low_battery(frame[at])
                at += 1
            elif block == (0x03, 0x67):
                now.temperature_c = _tenths(frame, at)
                at += 2
            elif block == (0x83, 0x67):  # temperature with a threshold alarm behind it
                now.temperature_c = _tenths(frame, at)
                at += 3
            elif block == (0x04, 0x68):
                now.humidity_pct = frame[at] / 2
                at += 1
            elif block == (0x20, 0xCE):
                logged.append(_milesight_log(frame, at))
                at += _milesight_log_size(frame, at)
            elif block in _MILESIGHT_OTHER:
                at += _MILESIGHT_OTHER[block]
            else:
                raise Unreadable(Reason.WRONG_SHAPE)
    except (IndexError, struct.error):
        raise Unreadable(Reason.WRONG_SHAPE) from None
    return ([now] if measures(now) else []) + logged


def dragino(frame: bytes) -> list[Sample]:
    """Decode a frame of a LHT65: the present reading, or a data log that was asked for.

    Raises
    ------
    Unreadable
        If the length is wrong.
    """
    if len(frame) < _DRAGINO_SIZE or len(frame) % _DRAGINO_SIZE:
        raise Unreadable(Reason.WRONG_SHAPE)
    if frame[6] & 0x40:
        records = (frame[at : at + _DRAGINO_SIZE] for at in range(0, len(frame), _DRAGINO_SIZE))
        return [_dragino_log(record) for record in records]
    first, sht, humidity, kind = struct.unpack(">HhHB", frame[:7])
    sample = Sample(humidity_pct=(humidity & 0x0FFF) / 10)
    sample.temperature_c = None if sht == _NO_PROBE else sht / 100
    if kind & 0x0F == 0x09:  # the probe's temperature stands in the place of the battery, the time behind
        sample.ts_ms = _seconds(frame)
        charge = frame[4] >> 6
    else:
        sample.battery_v = (first & 0x3FFF) / 1000
        charge = frame[0] >> 6
    sample.quality = LOW_BATTERY if charge <= 1 else 0
    return [sample] if measures(sample) else []


def _dragino_log(record: bytes) -> Sample:
    sht, humidity = struct.unpack(">hH", record[2:6])
    return Sample(
        ts_ms=_seconds(record),
        temperature_c=sht / 100,
        humidity_pct=(humidity & 0x0FFF) / 10,
        quality=REPLAYED,
    )


def _seconds(record: bytes) -> int | None:
    ms: int = struct.unpack(">I", record[7:11])[0] * 1000
    return ms if ms >= YEAR_2000_MS else None


def _tenths(frame: bytes, at: int) -> float:
    value: int = struct.unpack_from("<h", frame, at)[0]
    return value / 10


def _milesight_log(frame: bytes, at: int) -> Sample:
    ms = struct.unpack_from("<I", frame, at)[0] * 1000
    return Sample(
        ts_ms=ms if ms >= YEAR_2000_MS else None,
        temperature_c=_tenths(frame, at + 4),
        humidity_pct=frame[at + 6] / 2,
        quality=REPLAYED,
    )


def _milesight_log_size(frame: bytes, at: int) -> int:
    """Return 8, or 7 for the models that leave the last, reserved byte out."""
    rest = len(frame) - at
    return 7 if rest == 7 or frame[at + 7 : at + 9] == b"\x20\xce" else 8
