"""Accept or reject: the rules of contract §4 on one packet, without I/O.

`judge` knows all of them, and the reason where one is broken. `glance.py` accepts what is plainly in order, by the
same limits and much faster; what it does not accept is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import msgspec

from collector.glance import Plain, Seats, at_a_glance
from collector.limits import AIR_C, FUTURE_MS, WATER_C
from collector.packet import Packet
from collector.payloads.message import Flaw, Message, Reason, Sample, Silence
from heating.reading import Quality, Reading
from heating.register import Register
from heating.site import MeasurementPoint, PointKind

_QUALITY = tuple(Quality(bits) for bits in range(32))
_SERVER_TIME = int(Quality.SERVER_TIME)


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A reading that nobody needs, and why."""

    silence: Silence


Outcome = Reading | Flaw | Ignored


class Intake:
    """Judges packets by the register of measurement points and the retention.

    Parameters
    ----------
    register
        Where devices sat at what time.
    retention_ms
        Age beyond which a reading would be deleted at once; 0 keeps all.
    """

    def __init__(self, register: Register, retention_ms: int = 0) -> None:
        self.register = register
        self._retention_ms = retention_ms
        self._seats = Seats(register)

    def at_a_glance(self, packets: Sequence[Packet], found: Sequence[object]) -> Plain:
        """Return those packets of a batch of which nothing is wrong with any reading (see `collector.glance`)."""
        return at_a_glance(self._seats, self._retention_ms, packets, found)

    def judge(self, packet: Packet, message: Message, server_ms: int) -> list[Outcome]:
        """Return what becomes of each reading of a packet, in order.

        `server_ms` is the instant that a reading without a clock gets. A packet without readings is one that is
        ignored (or, a status message, counted as such), so that every packet is seen in the counters.
        """
        if not message.samples:
            return [Ignored(message.silence)]
        last = _last_without_clock(message)
        return [self._one(packet, message.device_id, sample, last, server_ms) for sample in message.samples]

    def _one(
        self, packet: Packet, device_id: str, sample: Sample | Flaw, last: Sample | None, server_ms: int
    ) -> Outcome:
        if isinstance(sample, Flaw):
            return sample
        quality = sample.quality
        ts_ms = sample.ts_ms
        if ts_ms is None:
            if packet.retained:
                return Ignored(Silence.RETAINED)
            if sample is not last:
                return Flaw(sample.index, Reason.NO_CLOCK)
            ts_ms = server_ms
            quality |= _SERVER_TIME
        elif ts_ms > packet.received_ms + FUTURE_MS:
            return Flaw(sample.index, Reason.FUTURE)
        elif self._retention_ms and ts_ms < packet.received_ms - self._retention_ms:
            return Flaw(sample.index, Reason.TOO_OLD)
        point = self.register.point_at(device_id, ts_ms)
        if point is None:
            known = self.register.knows(device_id)
            return Flaw(sample.index, Reason.NOT_PLACED if known else Reason.UNKNOWN_DEVICE)
        problem = _problem(point.kind, sample)
        if problem is not None:
            return Flaw(sample.index, problem)
        return _reading(point, device_id, sample, ts_ms, (packet.received_ms - ts_ms) / 1000.0, _QUALITY[quality])


def _last_without_clock(message: Message) -> Sample | None:
    for sample in reversed(message.samples):
        if type(sample) is Sample and sample.ts_ms is None:
            return sample
    return None


def _problem(kind: PointKind, sample: Sample) -> Reason | None:
    if sample.humidity_pct is not None and not isfinite(sample.humidity_pct):
        return Reason.NOT_FINITE
    if kind is PointKind.ENTRY:
        return _water_problem(sample)
    value = sample.temperature_c
    if value is None:
        return Reason.NO_VALUE
    low, high = AIR_C[kind]
    if low <= value <= high:
        return None
    return Reason.OUT_OF_RANGE if isfinite(value) else Reason.NOT_FINITE


def _water_problem(sample: Sample) -> Reason | None:
    supply_c, return_c, flow_m3h = sample.supply_c, sample.return_c, sample.flow_m3h
    if supply_c is None and return_c is None:
        return Reason.NO_VALUE
    if not all(isfinite(v) for v in (supply_c, return_c, flow_m3h) if v is not None):
        return Reason.NOT_FINITE
    low, high = WATER_C
    inside = all(low <= v <= high for v in (supply_c, return_c) if v is not None)
    return None if inside else Reason.OUT_OF_RANGE


def _reading(
    point: MeasurementPoint, device_id: str, sample: Sample, ts_ms: int, lag_s: float, quality: Quality
) -> Reading:
    battery_v, rssi_dbm = sample.battery_v, sample.rssi_dbm
    if point.kind is PointKind.ENTRY:
        return Reading(
            kind=point.kind,
            point_id=point.point_id,
            device_id=device_id,
            ts_ms=ts_ms,
            battery_v=battery_v if battery_v is not None and isfinite(battery_v) else None,
            rssi_dbm=rssi_dbm if rssi_dbm is not None and isfinite(rssi_dbm) else None,
            lag_s=lag_s,
            supply_c=sample.supply_c,
            return_c=sample.return_c,
            flow_m3h=sample.flow_m3h,
            quality=quality,
        )
    return Reading(
        kind=point.kind,
        point_id=point.point_id,
        device_id=device_id,
        ts_ms=ts_ms,
        temperature_c=sample.temperature_c,
        humidity_pct=sample.humidity_pct,
        battery_v=battery_v if battery_v is not None and isfinite(battery_v) else None,
        rssi_dbm=rssi_dbm if rssi_dbm is not None and isfinite(rssi_dbm) else None,
        lag_s=lag_s,
        quality=quality,
    )
