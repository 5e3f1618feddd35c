"""The account of readings: what the collector booked, what is in the store, what should be there.

Two views that meet only over time: counts are booked on the day on which the collector dealt with a reading, what is
expected and present counts on the day on which it was measured. Shapes: D devices, K local days, F fates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dashboards.losses import Lost, losses_within
from dashboards.reports.expected import Basis, Days, Seasons, days_of, expected, placed_ms, stays_of
from dashboards.reports.presence import Presence, Seats, present_readings
from dashboards.reports.rolled import relied_on
from dashboards.reports.sampling import intervals
from heating.errors import InputError
from heating.instants import from_ms, to_ms
from heating.ledger.port import UNNAMED, Head, Journal, Ledger
from heating.reading import Floats, Ints
from heating.store.port import ReadingStore

# received = stored + repeated + ignored + quarantined; late is part of stored (contract §4).
FATES = ("received", "stored", "repeated", "ignored", "quarantined", "late")
_MOST_DAYS = 366
_HEARD_LATER_MS = 2 * 3_600_000
_LOOK_BACK_MS = 30 * 86_400_000


class AccountRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which days; both are local and included.

    `declared_min` stands in for every device's own interval [min]; `retention_days` is `store.retention_days`, 0 keeps
    all.
    """

    first: date
    last: date
    zone: ZoneInfo
    now: datetime
    seasons: Seasons = ()
    declared_min: float | None = None
    retention_days: float = 0.0

    @property
    def kept_from(self) -> datetime | None:
        """From when readings are kept, in local time; None where all are."""
        return (self.now - timedelta(days=self.retention_days)).astimezone(self.zone) if self.retention_days else None


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of D devices on K days.

    Attributes
    ----------
    points
        Where each device sat last in these days; blank where nowhere.
    booked
        int64 (D, K, F), in the order of `FATES`; `unnamed` int64 (K, F) names no registered device.
    expected, present
        int64 (D, K): by the day of measurement.
    interval_ms
        float64 (D,); NaN unknown. `basis` says where it comes from.
    totals
        Counters since the ledger began.
    made_at, head
        When the account was made, and the last entry of the ledger's chain by then.
    losses
        What limits of the broker cost in these days.
    kept_from
        From when readings are kept; None where all are.
    """

    days: Days
    devices: tuple[str, ...]
    points: tuple[str, ...]
    booked: Ints
    unnamed: Ints
    expected: Ints
    present: Ints
    interval_ms: Floats
    basis: tuple[Basis, ...]
    totals: Mapping[str, int]
    made_at: datetime
    head: Head
    losses: tuple[Lost, ...]
    kept_from: datetime | None

    @property
    def missing(self) -> Ints:
        """What was expected and is not there, int64 (D, K); more than expected on one day mends no other."""
        short: Ints = np.maximum(self.expected - self.present, 0)
        return short


def load_account(request: AccountRequest, store: ReadingStore, ledger: Ledger) -> Account:
    """Return the account of the days asked for.

    Raises
    ------
    InputError
        If the days make no sense.
    """
    count = (request.last - request.first).days + 1
    if not 1 <= count <= _MOST_DAYS:
        raise InputError(f"from {request.first} to {request.last}: wants 1 to {_MOST_DAYS} days")
    days = days_of(request.first, request.last, request.zone, request.seasons, to_ms(request.now))
    register = ledger.places.register()
    stays = stays_of(register, days)
    index = {device: i for i, device in enumerate(sorted(stays))}
    booked, unnamed = _booked(ledger.journal, days, index)
    seats = Seats.of(index, stays, register)
    seen = present_readings(store, days, seats, relied_on(ledger), request.zone)
    interval, basis = intervals(store, seats, days, seen.count, request.declared_min)
    in_force = frozenset(point.point_id for point in register.points)
    births = _births(store, days, seen, seats)
    placed = [placed_ms(seats.stays[d], in_force, births.get(d), days) for d in range(len(index))]
    shape = (len(index), len(days.days))
    return Account(
        days=days,
        devices=tuple(index),
        points=tuple(stay[-1].point_id if stay else "" for stay in seats.stays),
        booked=booked,
        unnamed=unnamed,
        expected=expected(np.array(placed, dtype=np.int64).reshape(shape), interval),
        present=seen.count,
        interval_ms=interval,
        basis=basis,
        totals=ledger.journal.counters(),
        made_at=request.now.astimezone(request.zone),
        head=ledger.chain.head(),
        losses=tuple(lost.at_home(request.zone) for lost in losses_within(ledger.chain, *_span(days))),
        kept_from=request.kept_from,
    )


def _span(days: Days) -> tuple[datetime, datetime]:
    return from_ms(int(days.start_ms[0])), from_ms(int(days.end_ms[-1]))


def _booked(journal: Journal, days: Days, index: dict[str, int]) -> tuple[Ints, Ints]:
    """Return the counts of devices and of what names none; devices that sat nowhere are added to the index."""
    unnamed = np.zeros((len(days.days), len(FATES)), dtype=np.int64)
    found = []
    for k, day in enumerate(days.days):
        rows = journal.device_days(day, day)
        counts = np.array([[r.counts.get(fate, 0) for fate in FATES] for r in rows], dtype=np.int64)
        which = np.array([-1 if r.device_id == UNNAMED else index.setdefault(r.device_id, len(index)) for r in rows])
        if len(rows):
            unnamed[k] = counts[which < 0].sum(axis=0)
            found.append((k, which[which >= 0], counts[which >= 0]))
    booked = np.zeros((len(index), len(days.days), len(FATES)), dtype=np.int64)
    for k, which, counts in found:
        booked[which, k] = counts
    return booked, unnamed


def _births(store: ReadingStore, days: Days, seen: Presence, seats: Seats) -> dict[int, int]:
    """Return from when devices count whose stay has no beginning: from their first reading if that lies in the days.

    A device that reported before, or never, counts from the beginning.
    """
    begin = int(days.start_ms[0])
    later = np.flatnonzero((seen.first_ms > begin + _HEARD_LATER_MS) & (seen.count.sum(axis=1) > 0)).tolist()
    open_ended = [d for d in later if any(stay.start_ms is None for stay in seats.stays[d])]
    points = [stay.point_id for d in open_ended for stay in seats.stays[d]]
    before: set[str] = set()
    for kind in seats.kinds(points):
        held = store.latest(kind, at_ms=begin - 1, points=points, within_ms=_LOOK_BACK_MS)
        before.update(held.device.tolist())
    names = seats.names
    return {d: int(seen.first_ms[d]) for d in open_ended if names[d] not in before}
