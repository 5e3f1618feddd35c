"""How often the devices of a site measure, told from a few of its days. Shapes: D devices, K local days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dashboards.reports.expected import Basis, Days
from dashboards.reports.interval import ENOUGH, spacing
from dashboards.reports.presence import Seats
from heating.reading import Bools, Floats, Ints
from heating.store.port import ReadingStore

# Days that are looked at (our choice): a season has hundreds, and each costs reading its readings.
_SAMPLES = 6


def intervals(
    store: ReadingStore, seats: Seats, days: Days, present: Ints, declared_min: float | None
) -> tuple[Floats, tuple[Basis, ...]]:
    """Return each device's interval: as declared, else of a day with enough readings of it, else the site's.

    `present` int64 (D, K) is how many readings there are of each device and day.
    """
    size = len(seats.stays)
    if declared_min is not None:
        return np.full(size, declared_min * 60_000.0), (Basis.DECLARED,) * size
    found, enough = np.full(size, np.nan), present >= ENOUGH
    for k in _samples(days, enough):
        lacking = np.flatnonzero(np.isnan(found) & enough[:, k])
        everyone = len(lacking) > size // 2
        points = None if everyone else [stay.point_id for d in lacking.tolist() for stay in seats.stays[d]]
        if everyone or points:
            found[lacking] = _spacing_on(store, days, k, seats, points)[lacking]
    own = ~np.isnan(found)
    common = float(np.median(found[own])) if own.any() else np.nan
    other_basis = Basis.SITE if own.any() else Basis.UNKNOWN
    basis = tuple(Basis.OWN if known else other_basis for known in own.tolist())
    return np.where(own, found, common), basis


def _samples(days: Days, enough: Bools) -> Iterator[int]:
    """Yield the days to look at: the last whole one, then those that tell of most devices that no earlier one told of.

    `enough` bool (D, K) says whose readings of a day are enough.
    """
    whole = np.flatnonzero((days.until_ms == days.end_ms) & enough.any(axis=0))
    lacking = np.ones(len(enough), dtype=np.bool_)
    for number in range(_SAMPLES):
        helps = enough[lacking].sum(axis=0)
        if not helps.any():
            return
        k = int(whole[-1]) if len(whole) and not number else int(helps.argmax())
        yield k
        lacking &= ~enough[:, k]


def _spacing_on(store: ReadingStore, days: Days, k: int, seats: Seats, points: Sequence[str] | None) -> Floats:
    device, ts = [], []
    for table in store.readings(int(days.start_ms[k]), int(days.end_ms[k]), points=points):
        device.append(seats.devices_of(table.device))
        ts.append(table.ts_ms)
    owner = np.concatenate(device) if device else np.empty(0, dtype=np.int64)
    instants = np.concatenate(ts) if ts else np.empty(0, dtype=np.int64)
    return spacing(owner[owner >= 0], instants[owner >= 0], len(seats.stays))
