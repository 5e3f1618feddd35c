"""State of every point at one instant (contract §6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.compliance import Rule
from analyzer.episodes import Episodes
from analyzer.exemption import FOREVER
from analyzer.floors import DECIMALS
from heating.finding import Status
from heating.reading import Bools, Floats, Ints, Quality, ReadingSeries

STATUSES = tuple(Status)
CODE = {status: number for number, status in enumerate(STATUSES)}


@dataclass(frozen=True, slots=True)
class States:
    """P points at `now_ms`.

    Attributes
    ----------
    status
        int64 (P,), index into `STATUSES`.
    value, measured_ms
        float64, int64 (P,): last reading, also when it is too old; NaN and -`FOREVER` where there never was one.
    day
        Whether it is day.
    floor_c, target_c
        float64 (P,): in force now.
    deficit_k
        float64 (P,): floor - value, NaN unless cold.
    since_ms, confirmed
        int64, bool (P,): of the open breach, `FOREVER` and False where there is none.
    why
        Reason by index of the point, for exempt, suspect and unknown ones.
    """

    now_ms: int
    status: Ints
    value: Floats
    measured_ms: Ints
    day: bool
    floor_c: Floats
    target_c: Floats
    deficit_k: Floats
    since_ms: Ints
    confirmed: Bools
    why: dict[int, str]

    def are(self, status: Status) -> Bools:
        """Tell which points have a status."""
        return np.equal(self.status, CODE[status])


def last_rows(series: ReadingSeries, now_ms: int) -> Ints:
    """Return the row of the last reading at or before `now` of each point, -1 where there is none."""
    used = np.concatenate(([0], np.cumsum(series.ts_ms <= now_ms)))
    count = used[series.offsets[1:]] - used[series.offsets[:-1]]
    return np.where(count > 0, series.offsets[:-1] + count - 1, -1)


def states_at(series: ReadingSeries, rule: Rule, now_ms: int, cold: Episodes | None = None) -> States:
    """Return the state of each point; `cold` gives `since` and `confirmed`."""
    row = last_rows(series, now_ms)
    has = row >= 0
    value, measured, quality = np.full(len(row), np.nan), np.full(len(row), -FOREVER), np.zeros(len(row), np.int64)
    value[has], measured[has], quality[has] = series.value[row[has]], series.ts_ms[row[has]], series.quality[row[has]]
    day = rule.windows.is_day(now_ms)
    floor = rule.floors.at(day)
    target = np.fmax(rule.floors.target_c, floor)
    status = np.full(len(row), CODE[Status.OK])
    status[value < target] = CODE[Status.BELOW_TARGET]
    status[value < floor] = CODE[Status.COLD]
    faulty = (quality & Quality.SENSOR_FAULT) != 0
    status[faulty] = CODE[Status.SUSPECT]
    silent = measured + rule.stale_ms <= now_ms
    status[silent] = CODE[Status.UNKNOWN]
    why = dict.fromkeys(np.flatnonzero(faulty).tolist(), "sensor_fault")
    why.update(dict.fromkeys(np.flatnonzero(silent).tolist(), "silent"))
    why.update(dict.fromkeys(np.flatnonzero(~has).tolist(), "no_reading"))
    exempt = rule.exempt.why(now_ms)
    status[list(exempt)] = CODE[Status.EXEMPT]
    why.update(exempt)
    deficit = np.where(status == CODE[Status.COLD], np.round(floor - value, DECIMALS), np.nan)
    since, confirmed = _memory(len(row), cold, now_ms)
    return States(now_ms, status, value, measured, day, floor, target, deficit, since, confirmed, why)


def _memory(points: int, cold: Episodes | None, now_ms: int) -> tuple[Ints, Bools]:
    """Return start and confirmation of the breach that is open at `now`."""
    since, confirmed = np.full(points, FOREVER), np.zeros(points, dtype=np.bool_)
    if cold is not None:
        mine = cold.rows(np.flatnonzero((cold.start_ms <= now_ms) & (cold.end_ms > now_ms)))
        since[mine.point] = mine.start_ms
        confirmed[mine.point] = mine.confirmed_ms <= now_ms
    return since, confirmed
