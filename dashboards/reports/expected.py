"""What devices should have sent: where they sat, from when to when, and how often they measure. No I/O.

Shapes: D devices, K local days, N readings. Instants are milliseconds of UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from heating.instants import local_midnight, to_ms
from heating.reading import Bools, Floats, Ints
from heating.register import Register
from heating.site import Placement

Seasons = Sequence[tuple[date, date]]


class Basis(StrEnum):
    """Where a device's sampling interval comes from: said, its own readings, the site's other devices, nowhere."""

    DECLARED = "declared"
    OWN = "own"
    SITE = "site"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Days:
    """K local days.

    Attributes
    ----------
    start_ms, end_ms
        int64 (K,): the whole days.
    until_ms
        int64 (K,): until when readings can be expected; `start_ms` out of season, now on the running day.
    """

    days: tuple[date, ...]
    start_ms: Ints
    end_ms: Ints
    until_ms: Ints

    @property
    def in_season(self) -> Bools:
        """Whether anything is expected, bool (K,)."""
        return self.until_ms > self.start_ms


def days_of(first: date, last: date, zone: ZoneInfo, seasons: Seasons, now_ms: int) -> Days:
    """Return the local days from first to last, both included."""
    days = tuple(first + timedelta(days=i) for i in range((last - first).days + 1))
    edges = np.array([to_ms(local_midnight(day, zone)) for day in (*days, last + timedelta(days=1))], dtype=np.int64)
    heated = np.array([in_season(day, seasons) for day in days], dtype=np.bool_)
    until = np.where(heated, np.clip(now_ms, edges[:-1], edges[1:]), edges[:-1])
    return Days(days, edges[:-1], edges[1:], until)


def in_season(day: date, seasons: Seasons) -> bool:
    """Tell whether a local day is heated; without seasons every day is (contract §2)."""
    return not seasons or any(first <= day <= last for first, last in seasons)


def stays_of(register: Register, days: Days) -> dict[str, list[Placement]]:
    """Return for each device where it sat in the days, at points known to the register."""
    begin, finish = int(days.start_ms[0]), int(days.end_ms[-1])
    stays: dict[str, list[Placement]] = {}
    for placement in register.placements:
        meets = (placement.start_ms is None or placement.start_ms < finish) and (
            placement.end_ms is None or placement.end_ms > begin
        )
        if meets and placement.point_id in register.by_id:
            stays.setdefault(placement.device_id, []).append(placement)
    return stays


def placed_ms(stays: Iterable[Placement], in_force: frozenset[str], birth_ms: int | None, days: Days) -> Ints:
    """Return for how long a device sat at points in force while readings were expected, int64 (K,) [ms].

    `birth_ms` stands for the beginning of a stay without one; None means that it began before the days.
    """
    total = np.zeros(len(days.days), dtype=np.int64)
    for stay in stays:
        if stay.point_id not in in_force:
            continue
        start = stay.start_ms if stay.start_ms is not None else birth_ms
        begin = days.start_ms if start is None else np.maximum(days.start_ms, start)
        finish = days.until_ms if stay.end_ms is None else np.minimum(days.until_ms, stay.end_ms)
        total += np.maximum(finish - begin, 0)
    return total


def expected(placed: Ints, interval_ms: Floats) -> Ints:
    """Return how many readings belong to the time placed, int64 (D, K); none where no interval is known."""
    known = np.where(np.isnan(interval_ms), np.inf, interval_ms)
    return np.rint(placed / known[:, None]).astype(np.int64)
