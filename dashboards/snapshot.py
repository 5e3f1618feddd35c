"""The site at an instant, loaded from store and ledger: what pages, API and reports show.

One load serves every page of that moment, so that no two numbers on a screen disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Generic, TypeVar

import msgspec
import numpy as np

from dashboards.homes import HomeRow, Homes, Known, PointStatus
from heating.finding import Finding, Status
from heating.instants import from_ms, to_ms
from heating.ledger.port import Ledger
from heating.measurement import Measurement, RollUp
from heating.order import WorkOrder
from heating.reading import KindCode
from heating.register import Register
from heating.site import Outage, PointKind
from heating.store.port import ReadingStore

# Statuses are written on change and once an hour (contract §5); older ones are no statement about now.
STATUS_WINDOW = timedelta(hours=3)
_AREAS = (
    (Measurement.BUILDING_STATUS, "building"),
    (Measurement.BRANCH_STATUS, "branch"),
    (Measurement.STATION_STATUS, "station"),
)


class JudgingRules(msgspec.Struct, frozen=True, kw_only=True):
    """What pages must know of the analyzer's settings to word what it found."""

    stale_after_min: float = 90.0
    confirm_min: float = 30.0
    low_floors: int = 2
    profile: str = "enterprise"
    seasons: tuple[tuple[date, date], ...] = ()


class AreaRow(msgspec.Struct, frozen=True, kw_only=True):
    """Newest row of a building, branch or station; NaN comes as None."""

    id: str
    at: datetime
    mean_c: float | None
    p10_c: float | None
    cold: int
    confirmed: int
    unknown: int
    total: int
    qualified_rate: float | None
    vertical_k: float | None
    horizontal_k: float | None


@dataclass(frozen=True)
class Snapshot:
    """What is known at `at`; `homes` most urgent first, `findings` open ones, `orders` unfinished ones."""

    at: datetime
    register: Register
    homes: tuple[HomeRow, ...]
    findings: tuple[Finding, ...]
    orders: tuple[WorkOrder, ...]
    outages: tuple[Outage, ...]
    buildings: tuple[AreaRow, ...]
    branches: tuple[AreaRow, ...]
    stations: tuple[AreaRow, ...]
    outdoor_c: float | None
    devices: int
    online: int
    counters: dict[str, int]
    judged_at: datetime | None

    @cached_property
    def home_by_id(self) -> dict[str, HomeRow]:
        """Homes by id."""
        return {row.home: row for row in self.homes}

    @cached_property
    def finding_by_id(self) -> dict[str, Finding]:
        """Open findings by id."""
        return {finding.id: finding for finding in self.findings}

    @cached_property
    def order_by_id(self) -> dict[str, WorkOrder]:
        """Unfinished orders by id."""
        return {order.id: order for order in self.orders}

    def in_building(self, building: str) -> tuple[HomeRow, ...]:
        """Return the homes of one building."""
        return tuple(row for row in self.homes if row.building == building)


def load_snapshot(
    store: ReadingStore, ledger: Ledger, at: datetime, rules: JudgingRules, register: Register | None = None
) -> Snapshot:
    """Read everything that a page needs; raises what the ports raise. The register is read unless given."""
    return SnapshotKeeper(store, ledger, rules).load(at, register)


T = TypeVar("T", PointStatus, AreaRow)


class SnapshotKeeper:
    """Loads snapshots again and again and reads only what is new; one thread at a time.

    Rows of areas and points come on change and once an hour: what was read stays until a newer row replaces it or it is
    older than `STATUS_WINDOW`.
    """

    def __init__(self, store: ReadingStore, ledger: Ledger, rules: JudgingRules) -> None:
        self._store, self._ledger, self._rules = store, ledger, rules
        self._points = _Standing(Measurement.HOME_STATUS, "point", point_statuses)
        self._areas = {tag: _Standing(measurement, tag, _area_rows(tag)) for measurement, tag in _AREAS}
        self._register: tuple[str, Register] | None = None
        self._homes: tuple[Register, Homes] | None = None

    def load(self, at: datetime, register: Register | None = None) -> Snapshot:
        """Return the site at an instant; raises what the ports raise, and is then to be called again."""
        store, ledger, rules = self._store, self._ledger, self._rules
        register = register or self.register()
        status = self._points.read(store, at)
        findings, orders = tuple(ledger.findings.open()), tuple(ledger.orders.unfinished())
        last_reading = {device: from_ms(ms) for device, ms in store.newest().items()}
        outages = tuple(o for o in ledger.places.outages() if o.start <= at and (o.end is None or at < o.end))
        known = Known(
            status=status,
            findings=_by_point(findings),
            orders={home: order.id for order in reversed(orders) for home in order.homes},
            last_reading=last_reading,
            low_floors=rules.low_floors,
            out_places=frozenset(o.subject_id for o in outages),
        )
        devices = [p.device_id for p in register.points if p.device_id]
        fresh = at - timedelta(minutes=rules.stale_after_min)
        areas = {tag: tuple(standing.read(store, at).values()) for tag, standing in self._areas.items()}
        return Snapshot(
            at=at,
            register=register,
            homes=self._homes_of(register).rows(known),
            findings=findings,
            orders=orders,
            outages=outages,
            buildings=areas["building"],
            branches=areas["branch"],
            stations=areas["station"],
            outdoor_c=_outdoor(store, at, rules),
            devices=len(devices),
            online=sum(1 for d in devices if d in last_reading and last_reading[d] > fresh),
            counters=ledger.journal.counters(),
            judged_at=max((row.at for row in status.values()), default=None),
        )

    def register(self) -> Register:
        """Return the register in force, read again when another file was imported."""
        stamp = self._ledger.places.stamp()
        if self._register is None or not stamp or self._register[0] != stamp:
            self._register = (stamp, self._ledger.places.register())
        return self._register[1]

    def _homes_of(self, register: Register) -> Homes:
        if self._homes is None or self._homes[0] is not register:
            self._homes = (register, Homes(p for p in register.points if p.kind is PointKind.ROOM))
        return self._homes[1]


class _Standing(Generic[T]):
    """The newest row of each place in one measurement."""

    def __init__(
        self, measurement: Measurement, tag: str, wording: Callable[[RollUp], Iterable[tuple[str, T]]]
    ) -> None:
        self._measurement, self._tag = measurement, tag
        self._wording: Callable[[RollUp], Iterable[tuple[str, T]]] = wording
        self._rows: dict[str, T] = {}
        self._reached: datetime | None = None

    def read(self, store: ReadingStore, at: datetime) -> dict[str, T]:
        """Return the rows as they stand at an instant, by place.

        The instant of the newest row is read again: rows of one sweep come in several writes.
        """
        start = at - STATUS_WINDOW
        if self._reached is not None and start < self._reached <= at:
            start = self._reached
            rows = {place: row for place, row in self._rows.items() if row.at >= at - STATUS_WINDOW}
        else:
            rows = {}
        found = store.rollup(self._measurement, to_ms(start), to_ms(at) + 1)
        newest = {place: i for i, place in enumerate(found.tags[self._tag].tolist())}
        keep = np.fromiter(newest.values(), dtype=np.int64, count=len(newest))
        rows |= dict(self._wording(_pick(found, keep)))
        self._rows = rows
        if len(found):
            self._reached = from_ms(int(found.ts_ms.max()))
        return rows


def number(value: float) -> float | None:
    """Return a float for people and JSON: NaN becomes None."""
    return None if np.isnan(value) else float(value)


def point_statuses(rows: RollUp) -> list[tuple[str, PointStatus]]:
    """Return the rows of `home_status` as (point, status), in their order."""
    floats = {name: column.tolist() for name, column in rows.floats.items()}
    statuses = []
    for i, point in enumerate(rows.tags["point"].tolist()):
        values = {name: None if column[i] != column[i] else column[i] for name, column in floats.items()}
        row = PointStatus(at=from_ms(rows.ts_ms[i]), status=Status(rows.texts["status"][i]), **values)
        statuses.append((point, row))
    return statuses


def _area_rows(tag: str) -> Callable[[RollUp], list[tuple[str, AreaRow]]]:
    def wording(rows: RollUp) -> list[tuple[str, AreaRow]]:
        areas = []
        for i, place in enumerate(rows.tags[tag].tolist()):
            values = {name: number(column[i]) for name, column in rows.floats.items()}
            counts = {name: int(values[name] or 0) for name in ("cold", "confirmed", "unknown", "total")}
            row = {"id": place, "at": from_ms(rows.ts_ms[i]), **values, **counts}
            areas.append((place, msgspec.convert(row, AreaRow)))
        return areas

    return wording


def _pick(rows: RollUp, keep: np.ndarray[tuple[int], np.dtype[np.int64]]) -> RollUp:
    return RollUp(
        rows.measurement,
        rows.ts_ms[keep],
        {name: column[keep] for name, column in rows.tags.items()},
        {name: column[keep] for name, column in rows.floats.items()},
        {name: column[keep] for name, column in rows.texts.items()},
    )


def _by_point(findings: Iterable[Finding]) -> dict[str, Sequence[Finding]]:
    """Return the findings that touch each point: its own first, then the shared causes that list it."""
    table: dict[str, list[Finding]] = {}
    shared = []
    for finding in findings:
        if finding.members:
            shared.append(finding)
        else:
            table.setdefault(finding.subject.id, []).append(finding)
    for finding in shared:
        for member in finding.members:
            table.setdefault(member, []).append(finding)
    return {point: tuple(rows) for point, rows in table.items()}


def _outdoor(store: ReadingStore, at: datetime, rules: JudgingRules) -> float | None:
    """Return the mean of the outdoor points that reported lately [°C]."""
    latest = store.latest(KindCode.OUTDOOR, at_ms=to_ms(at), within_ms=int(rules.stale_after_min * 60_000))
    values = latest.temperature_c[~np.isnan(latest.temperature_c)]
    return float(values.mean()) if len(values) else None
