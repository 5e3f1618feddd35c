"""Accept or reject: the rules of contract §4 on one packet, without I/O.

`judge` knows all of them, and the reason where one is broken. `at_a_glance` accepts what is plainly in order, by the
same limits and much faster; it refuses nothing, and what it does not accept is judged.
"""

from __future__ import annotations

from collections import Counter
from math import isfinite

import msgspec

from collector.packet import Packet
from collector.payloads.message import YEAR_2000_MS, Flaw, Message, Reason, Sample, Silence
from collector.payloads.native import REPLAYED, WirePacket, marks
from heating.reading import Quality, Reading
from heating.register import Register
from heating.site import MeasurementPoint, PointKind

_FUTURE_MS = 5 * 60 * 1000
_AIR_C = {PointKind.ROOM: (-30.0, 60.0), PointKind.OUTDOOR: (-60.0, 60.0)}
_WATER_C = (0.0, 150.0)
_QUALITY = tuple(Quality(bits) for bits in range(32))
_SERVER_TIME = int(Quality.SERVER_TIME)
_FOR_EVER_MS = 10**14


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A reading that nobody needs, and why."""

    silence: Silence


class Seat(msgspec.Struct, frozen=True, gc=False):
    """The one point where a device ever sat, from `start_ms` to before `end_ms`, and what its readings lie between."""

    kind: PointKind
    point_id: str
    device_id: str
    start_ms: int
    end_ms: int
    low_c: float
    high_c: float


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
        self._seats = _seats(register)

    def at_a_glance(self, packet: Packet, found: WirePacket) -> list[Reading] | None:
        """Return the readings of a packet if nothing is wrong with any of them, None if that takes a closer look.

        So much is plain: air measured by a device that never moved, at instants in milliseconds.
        """
        readings, received_ms = found.each, packet.received_ms
        seat = self._seats.get(found.device_id or "")
        if seat is None or not readings:
            return None
        oldest_ms = max(seat.start_ms, received_ms - self._retention_ms if self._retention_ms else 0)
        before_ms = min(seat.end_ms, received_ms + _FUTURE_MS + 1)
        low_c, high_c = seat.low_c, seat.high_c
        accepted = []
        flags = marks(found.flags) if found.flags else 0
        for r in readings:
            ts_ms, value = r.ts, r.temperature_c
            if type(ts_ms) is not int or value is None:
                return None
            if not (oldest_ms <= ts_ms < before_ms and low_c <= value <= high_c):
                return None
            accepted.append(
                Reading(
                    kind=seat.kind,
                    point_id=seat.point_id,
                    device_id=seat.device_id,
                    ts_ms=ts_ms,
                    temperature_c=value,
                    humidity_pct=r.humidity_pct,
                    battery_v=found.battery_v,
                    rssi_dbm=found.rssi_dbm,
                    lag_s=(received_ms - ts_ms) / 1000.0,
                    quality=_QUALITY[flags | REPLAYED if r.replayed else flags],
                )
            )
        return accepted

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
        elif ts_ms > packet.received_ms + _FUTURE_MS:
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


def _seats(register: Register) -> dict[str, Seat]:
    moves = Counter(placement.device_id for placement in register.placements)
    seats = {}
    for placement in register.placements:
        point, device_id = register.by_id.get(placement.point_id), placement.device_id
        if point is None or point.kind not in _AIR_C or moves[device_id] > 1:
            continue
        start_ms = max(placement.start_ms or 0, YEAR_2000_MS)
        end_ms = _FOR_EVER_MS if placement.end_ms is None else placement.end_ms
        seats[device_id] = Seat(point.kind, point.point_id, device_id, start_ms, end_ms, *_AIR_C[point.kind])
    return seats


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
    low, high = _AIR_C[kind]
    if low <= value <= high:
        return None
    return Reason.OUT_OF_RANGE if isfinite(value) else Reason.NOT_FINITE


def _water_problem(sample: Sample) -> Reason | None:
    supply_c, return_c, flow_m3h = sample.supply_c, sample.return_c, sample.flow_m3h
    if supply_c is None and return_c is None:
        return Reason.NO_VALUE
    if not all(isfinite(v) for v in (supply_c, return_c, flow_m3h) if v is not None):
        return Reason.NOT_FINITE
    low, high = _WATER_C
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
