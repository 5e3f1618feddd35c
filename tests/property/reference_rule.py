"""Contract §6 for one point, second thoughts included: a slow state machine that walks from event to event.

Written from the contract alone and shares no code with the analyzer. Times are minutes since a local midnight in a zone
without offset or daylight saving; day is minute 360 to 1260 of each 1440.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Breach:
    start: int
    end: int | None = None
    confirmed: int | None = None
    ended_by: str | None = None


@dataclass
class Case:
    readings: list[tuple[int, float]]
    now: int
    day_c: float = 18.0
    night_c: float = 16.0
    margin_k: float = 0.3
    stale: int = 90
    confirm: int = 30
    exempt: list[tuple[int, int]] = field(default_factory=list)

    def is_day(self, t: int) -> bool:
        return 360 <= t % 1440 < 1260

    def floor(self, t: int) -> float:
        return self.day_c if self.is_day(t) else self.night_c

    def is_exempt(self, t: int) -> bool:
        return any(start <= t < end for start, end in self.exempt)

    def held(self, t: int) -> tuple[int, float] | None:
        """The reading that holds at t."""
        past = [r for r in self.readings if r[0] <= t]
        if not past or t - past[-1][0] >= self.stale:
            return None
        return past[-1]


def breaches(case: Case) -> list[Breach]:
    """Walk minute by minute; every instant of a case is a whole minute, so nothing happens between two minutes."""
    if not case.readings:
        return []
    found: list[Breach] = []
    open_: Breach | None = None
    below_since: int | None = None
    below_readings: set[int] = set()
    warm_since: int | None = None
    for t in range(case.readings[0][0], case.now + 1):
        # What became true by the end of the minute before: the counts reach t.
        if open_ and below_since is not None and t - below_since >= case.confirm and len(below_readings) >= 2:
            open_.confirmed = open_.confirmed if open_.confirmed is not None else t
        if open_ and warm_since is not None and t - warm_since >= case.confirm:
            open_.end, open_ = warm_since, None
        if case.is_exempt(t):
            if open_:
                open_.end, open_.ended_by, open_ = t, "exempt", None
            below_since, warm_since, below_readings = None, None, set()
            continue
        reading = case.held(t)
        if reading is None:
            below_since, warm_since, below_readings = None, None, set()
            continue
        at, value = reading
        floor = case.floor(t)
        if value < floor:
            warm_since = None
            if below_since is None:
                below_since, below_readings = t, set()
            below_readings.add(at)
            if open_ is None:
                open_ = Breach(t)
                found.append(open_)
            if t - below_since >= case.confirm and len(below_readings) >= 2 and open_.confirmed is None:
                open_.confirmed = t
            continue
        below_since, below_readings = None, set()
        warm = value >= round(floor + case.margin_k, 6)
        warm_since = (t if warm_since is None else warm_since) if warm else None
        fell = case.floor(t - 1) > floor
        if open_ and warm_since is not None and t - warm_since >= case.confirm:
            open_.end, open_ = warm_since, None
        if open_ and fell:
            open_.end, open_.ended_by, open_ = (t if warm_since is None else warm_since), "floor", None
    return found
