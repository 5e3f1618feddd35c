"""Of which time the derived hours and days of points are complete. No I/O.

The analyzer keeps it beside the findings, in one transaction with the change that it has reached; who reads derived
rows asks it before relying on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec

from heating.regulation import Profile

HOUR_MS = 3_600_000
# A gap at more points than this is one at all of them: their names would fill the row.
_MOST_POINTS = 1000


class DayBasis(msgspec.Struct, frozen=True):
    """What rows of a day depend on but do not tell: zone, how long a reading holds, when day and night begin.

    Floors and exempt time stand in the rows.
    """

    zone: str
    hold_ms: int
    day_from: str
    day_to: str

    @classmethod
    def of(cls, profile: Profile, zone: ZoneInfo, hold_ms: int) -> DayBasis:
        """Return that of a rule."""
        return cls(zone.key, hold_ms, profile.day_from.isoformat(), profile.day_to.isoformat())


class Gap(msgspec.Struct, frozen=True):
    """Rows of [start, end) that are still to be written (again), of some points; without points: of all."""

    start_ms: int
    end_ms: int
    points: tuple[str, ...] = ()

    def meets(self, start_ms: int, end_ms: int) -> bool:
        """Tell whether it lies in [start, end) with a part of it."""
        return self.start_ms < end_ms and self.end_ms > start_ms


class RolledUp(msgspec.Struct, frozen=True):
    """The rows of `room_hour` and `room_day` inside [from, through) are complete but for the gaps.

    A day belongs to it that ends at `through` or before. `through_ms` and both ends of gaps are full hours.
    """

    basis: DayBasis
    from_ms: int
    through_ms: int
    gaps: tuple[Gap, ...] = ()

    def doubtful(self, start_ms: int, end_ms: int) -> frozenset[str] | None:
        """Return the points whose rows of [start, end) may be incomplete; None means all."""
        if start_ms < self.from_ms or end_ms > self.through_ms:
            return None
        met = [gap for gap in self.gaps if gap.meets(start_ms, end_ms)]
        if any(not gap.points for gap in met):
            return None
        return frozenset(point for gap in met for point in gap.points)

    def through(self, end_ms: int) -> RolledUp:
        """Return it with all up to a full hour."""
        return msgspec.structs.replace(self, through_ms=end_ms)

    def since(self, from_ms: int) -> RolledUp:
        """Return it from an earlier instant on, which is a gap first."""
        if from_ms >= self.from_ms:
            return self
        longer = msgspec.structs.replace(self, from_ms=from_ms)
        return longer.with_gaps([Gap(from_ms, self.from_ms)])

    def with_gaps(self, gaps: Iterable[Gap]) -> RolledUp:
        """Return it with more gaps, cut to what it covers."""
        first = self.from_ms // HOUR_MS * HOUR_MS
        found = list(self.gaps)
        for gap in gaps:
            start = max(gap.start_ms // HOUR_MS * HOUR_MS, first)
            end = min(-(-gap.end_ms // HOUR_MS) * HOUR_MS, self.through_ms)
            if start < end:
                points = () if len(gap.points) > _MOST_POINTS else tuple(sorted(set(gap.points)))
                found = _added(found, Gap(start, end, points))
        return msgspec.structs.replace(self, gaps=tuple(found))

    def filled(self, gap: Gap, until_ms: int) -> RolledUp:
        """Return it with a gap of its own filled up to an instant."""
        rest = [g for g in self.gaps if g != gap]
        if until_ms < gap.end_ms:
            rest.append(msgspec.structs.replace(gap, start_ms=until_ms))
        return msgspec.structs.replace(self, gaps=tuple(rest))


def _added(gaps: list[Gap], new: Gap) -> list[Gap]:
    """Join a gap with those of the same points that it touches, and with those of other points over the same time."""
    kept = []
    for old in gaps:
        if not old.points and old.start_ms <= new.start_ms and new.end_ms <= old.end_ms:
            return gaps
        if old.points == new.points and old.start_ms <= new.end_ms and new.start_ms <= old.end_ms:
            new = Gap(min(old.start_ms, new.start_ms), max(old.end_ms, new.end_ms), new.points)
        elif old.points and new.points and (old.start_ms, old.end_ms) == (new.start_ms, new.end_ms):
            both = tuple(sorted({*old.points, *new.points}))
            new = Gap(new.start_ms, new.end_ms, () if len(both) > _MOST_POINTS else both)
        elif new.points or not (new.start_ms <= old.start_ms and old.end_ms <= new.end_ms):
            kept.append(old)
    return [*kept, new]
