"""What is plainly in order, a batch at a time and as columns: nearly everything that arrives goes this way.

`Intake.judge` knows all rules of contract §4, reading by reading, and the reason where one is broken. Here the same
limits are held against all readings of a batch at once, many times faster. Nothing is refused here: a packet with a
reading that is not plainly in order is left to be judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from collector.limits import AIR_C, FUTURE_MS
from collector.packet import Packet
from collector.payloads.message import YEAR_2000_MS
from collector.payloads.native import REPLAYED, WirePacket, WireReading, marks
from heating.reading import Bools, Floats, Ints, KindCode, ReadingTable, Texts, floats_of, texts_of
from heating.register import Register

_FOR_EVER_MS = 10**14
_NEVER_MS = -1


class Seats:
    """Devices that measure air and never moved (S of them): where each sits, from when to before when [ms]."""

    def __init__(self, register: Register) -> None:
        moves = Counter(placement.device_id for placement in register.placements)
        seated = [
            (placement, point)
            for placement in register.placements
            if moves[placement.device_id] == 1
            and (point := register.by_id.get(placement.point_id)) is not None
            and point.kind in AIR_C
        ]
        self.number = {placement.device_id: number for number, (placement, _) in enumerate(seated)}
        self.device: Texts = texts_of([placement.device_id for placement, _ in seated])
        self.point: Texts = texts_of([point.point_id for _, point in seated])
        self.kind: Ints = np.array([KindCode.of(point.kind) for _, point in seated], dtype=np.int64)
        self.start_ms: Ints = np.array([max(p.start_ms or 0, YEAR_2000_MS) for p, _ in seated], dtype=np.int64)
        ends = [_FOR_EVER_MS if p.end_ms is None else p.end_ms for p, _ in seated]
        self.end_ms: Ints = np.array(ends, dtype=np.int64)
        limits = np.array([AIR_C[point.kind] for _, point in seated], dtype=np.float64).reshape(-1, 2)
        self.low_c: Floats = limits[:, 0]
        self.high_c: Floats = limits[:, 1]


@dataclass(frozen=True, slots=True)
class Plain:
    """The K packets of a batch with nothing wrong in them, and their N readings.

    Attributes
    ----------
    places
        Which packets of the batch they are (K).
    wires
        The packets as they are written (K).
    newest_ms
        Newest reading of each that was not replayed, None where all were (K).
    readings
        What was accepted, in order.
    packet_of, index_of
        Of each reading, the place of its packet in the batch and its index there, int64 (N,).
    """

    places: Sequence[int]
    wires: Sequence[WirePacket]
    newest_ms: Sequence[int | None]
    readings: ReadingTable
    packet_of: Ints
    index_of: Ints

    @classmethod
    def none(cls) -> Plain:
        """Return that nothing is plain."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls((), (), (), ReadingTable.empty(), nothing, nothing)


@dataclass(frozen=True, slots=True)
class _Draft:
    """Packets of devices with a seat, not yet checked: `owner` is the packet of each reading, `first` its first."""

    places: list[int]
    wires: list[WirePacket]
    each: list[WireReading]
    seat: Ints
    received_ms: Ints
    owner: Ints
    first: Ints


def at_a_glance(seats: Seats, retention_ms: int, packets: Sequence[Packet], found: Sequence[object]) -> Plain:
    """Return those packets of which nothing is wrong with any reading.

    So much is plain: air measured by a device that never moved, at instants in milliseconds.

    Parameters
    ----------
    retention_ms
        Age beyond which a reading would be deleted at once; 0 keeps all.
    packets, found
        The packets of a batch, and what each was decoded to.
    """
    places = [
        place
        for place, one in enumerate(found)
        if type(one) is WirePacket and one.device_id in seats.number and one.readings != []
    ]
    if not places:
        return Plain.none()
    draft = _draft(seats, packets, found, places)
    # Instants of any other form than whole milliseconds become one that no seat takes.
    ts_ms = np.array(
        [ts if type(ts := r.ts) is int and 0 < ts < _FOR_EVER_MS else _NEVER_MS for r in draft.each], dtype=np.int64
    )
    value = floats_of([r.temperature_c for r in draft.each])
    good = np.logical_and.reduceat(_in_order(seats, retention_ms, draft, ts_ms, value), draft.first)
    if not good.all():
        bad = {place for place, fine in zip(places, good.tolist(), strict=True) if not fine}
        return at_a_glance(seats, retention_ms, packets, [None if i in bad else one for i, one in enumerate(found)])
    return _plain(seats, draft, ts_ms, value)


def _draft(seats: Seats, packets: Sequence[Packet], found: Sequence[object], places: list[int]) -> _Draft:
    wires = [one for place in places if type(one := found[place]) is WirePacket]
    parts = [one.readings or (one,) for one in wires]
    count = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    return _Draft(
        places=places,
        wires=wires,
        each=list(chain.from_iterable(parts)),
        seat=np.array([seats.number[one.device_id or ""] for one in wires], dtype=np.int64),
        received_ms=np.array([packets[place].received_ms for place in places], dtype=np.int64),
        owner=np.repeat(np.arange(len(parts)), count),
        first=np.cumsum(count) - count,
    )


def _in_order(seats: Seats, retention_ms: int, draft: _Draft, ts_ms: Ints, value: Floats) -> Bools:
    """Tell of each reading whether its instant and its value lie where its seat wants them; NaN lies nowhere."""
    seat, owner = draft.seat, draft.owner
    oldest_ms, low_c, high_c = seats.start_ms[seat], seats.low_c[seat], seats.high_c[seat]
    if retention_ms:
        oldest_ms = np.maximum(oldest_ms, draft.received_ms - retention_ms)
    before_ms = np.minimum(seats.end_ms[seat], draft.received_ms + FUTURE_MS + 1)
    timely = (oldest_ms[owner] <= ts_ms) & (ts_ms < before_ms[owner])
    fits: Bools = timely & (low_c[owner] <= value) & (value <= high_c[owner])
    return fits


def _plain(seats: Seats, draft: _Draft, ts_ms: Ints, value: Floats) -> Plain:
    owner, each = draft.owner, draft.each
    seat = draft.seat[owner]
    marked = np.array([marks(one.flags) if one.flags else 0 for one in draft.wires], dtype=np.int64)
    replayed = np.fromiter((r.replayed for r in each), dtype=np.bool_, count=len(each))
    absent = np.full(len(each), np.nan)
    readings = ReadingTable(
        kind=seats.kind[seat],
        point=seats.point[seat],
        device=seats.device[seat],
        ts_ms=ts_ms,
        temperature_c=value,
        humidity_pct=floats_of([r.humidity_pct for r in each]),
        battery_v=floats_of([one.battery_v for one in draft.wires])[owner],
        rssi_dbm=floats_of([one.rssi_dbm for one in draft.wires])[owner],
        lag_s=(draft.received_ms[owner] - ts_ms) / 1000.0,
        supply_c=absent,
        return_c=absent,
        flow_m3h=absent,
        quality=marked[owner] | (REPLAYED * replayed),
    )
    newest_ms = np.maximum.reduceat(np.where(replayed, _NEVER_MS, ts_ms), draft.first).tolist()
    return Plain(
        draft.places,
        draft.wires,
        [None if ms == _NEVER_MS else ms for ms in newest_ms],
        readings,
        np.array(draft.places, dtype=np.int64)[owner],
        np.arange(len(each)) - draft.first[owner],
    )
