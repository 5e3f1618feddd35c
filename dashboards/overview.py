"""The figures of the control room at a glance, from one snapshot. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec
import numpy as np

from dashboards.homes import JUDGED, HomeRow
from dashboards.snapshot import AreaRow, Snapshot
from heating.finding import Finding, FindingKind, Status
from heating.order_clocks import overdue

# Gates of the qualified rate: 98 % (Beijing, historical), 90 % (Heilongjiang, draft); see regulations table no. 30.
AMBER_RATE, RED_RATE = 0.98, 0.90
_OF_ONE_HOME = (FindingKind.COLD_HOME, FindingKind.BELOW_TARGET)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are homes; rates 0…1, None where nothing can be said."""

    total: int
    status: dict[str, int]
    confirmed: int
    qualified_rate: float | None
    online_rate: float | None
    mean_c: float | None
    p10_c: float | None
    outdoor_c: float | None
    orders: int
    overdue: int

    @property
    def gate(self) -> str:
        """How the qualified rate stands: `good`, `amber` or `red`; blank when it is not known."""
        if self.qualified_rate is None:
            return ""
        if self.qualified_rate < RED_RATE:
            return "red"
        return "amber" if self.qualified_rate < AMBER_RATE else "good"


def figures(snapshot: Snapshot) -> Figures:
    """Return the figures of a snapshot; mean and p10 are over homes that are judged now."""
    status = Counter(row.status.value for row in snapshot.homes)
    judged = [row for row in snapshot.homes if row.status in JUDGED]
    warm = np.array([row.temperature_c for row in judged if row.temperature_c is not None])
    return Figures(
        total=len(snapshot.homes),
        status={s.value: status.get(s.value, 0) for s in Status},
        confirmed=sum(row.confirmed for row in snapshot.homes),
        qualified_rate=1 - status[Status.COLD.value] / len(judged) if judged else None,
        online_rate=snapshot.online / snapshot.devices if snapshot.devices else None,
        mean_c=float(warm.mean()) if len(warm) else None,
        p10_c=float(np.percentile(warm, 10)) if len(warm) else None,
        outdoor_c=snapshot.outdoor_c,
        orders=len(snapshot.orders),
        overdue=sum(overdue(order, snapshot.at) for order in snapshot.orders),
    )


def urgent(homes: Iterable[HomeRow], limit: int) -> list[HomeRow]:
    """Return the cold homes, most urgent first."""
    return [row for row in homes if row.status is Status.COLD][:limit]


def headline(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings that say more than "one home is cold": shared causes, network, outages, sensors; widest first."""
    rows = [f for f in findings if f.members or f.kind not in _OF_ONE_HOME]
    return sorted(rows, key=lambda f: (-len(f.members), f.kind is FindingKind.SILENT, f.start, f.id))


def worst_buildings(buildings: Iterable[AreaRow], limit: int) -> list[AreaRow]:
    """Return buildings with cold homes or an imbalance, lowest qualified rate first."""
    rows = [b for b in buildings if b.cold or b.unknown]
    return sorted(rows, key=_badness)[:limit]


def since_minutes(row: HomeRow, now: datetime) -> int | None:
    """Return how long a breach has lasted [min]."""
    return None if row.since is None else max(0, int((now - row.since).total_seconds() // 60))


def _badness(area: AreaRow) -> tuple[float, int, int, str]:
    rate = 1.0 if area.qualified_rate is None else area.qualified_rate
    return rate, -area.cold, -area.unknown, area.id
