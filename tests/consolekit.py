"""A small site in a real store and a real ledger, for tests of pages, API and papers.

Two stations, eight buildings of six floors. It is 10:30 on 15 December. Known in it: the last building of a branch is
cold (branch end), one riser is cold in another, one sensor is silent, one sticks, one home is suspended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from heating.finding import Cause, Finding, FindingKind, Scope, Severity, Side, Status, Subject
from heating.instants import to_ms
from heating.ledger import open_ledger
from heating.ledger.port import Ledger
from heating.measurement import SCHEMAS, Measurement, RollUp
from heating.order import OrderEvent, OrderState, TriggerClass, WorkOrder, apply, due_times
from heating.reading import Reading, ReadingTable
from heating.site import Contact, HeatingState, MeasurementPoint, Outage, PointKind, SubjectType
from heating.store import open_store
from heating.store.port import ReadingStore

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 12, 15, 10, 30, tzinfo=ZONE).astimezone(UTC)
STEP = timedelta(minutes=20)
HISTORY = timedelta(hours=50)
CONTACT = Contact("张建国", "13812345678", "和平路18号院3号楼")


@dataclass(frozen=True)
class Site:
    """What a test gets."""

    store: ReadingStore
    ledger: Ledger
    points: tuple[MeasurementPoint, ...]

    def point(self, building: str, unit: str, room: str) -> MeasurementPoint:
        return next(p for p in self.points if (p.building, p.unit, p.room) == (building, unit, room))


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    store = open_store(f"duckdb:///{folder / 'store.duckdb'}", role="owner")
    ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    try:
        points = tuple(_points())
        contacts = {p.point_id: CONTACT for p in points if p.kind is PointKind.ROOM}
        ledger.places.import_register(points, contacts, NOW - HISTORY)
        site = Site(store, ledger, points)
        _fill(site)
        yield site
    finally:
        store.close()
        ledger.close()


def _points() -> Iterator[MeasurementPoint]:
    for s, station in enumerate(("和平站", "长青站")):
        for b in range(1, 5):
            for unit in ("1", "2", "3"):
                for floor in range(1, 7):
                    for side in ("01", "02"):
                        number = f"{s * 4 + b}-{unit}-{floor}{side}"
                        off = number == "2-3-602"
                        yield MeasurementPoint(
                            point_id=f"P{number}",
                            device_id=f"D{number}",
                            station=station,
                            branch="东支线" if b < 4 else "西支线",
                            branch_distance_m=120.0 * b,
                            network_end=b == 3,
                            building=str(s * 4 + b),
                            unit=unit,
                            floor=floor,
                            floors_total=6,
                            room=f"{floor}{side}",
                            space="客厅",
                            heating_state=HeatingState.SUSPENDED if off else HeatingState.ON,
                        )
        yield MeasurementPoint(point_id=f"OUT{s}", device_id=f"DOUT{s}", kind=PointKind.OUTDOOR, station=station)


def temperature(point: MeasurementPoint, local: datetime) -> float:
    """Return what a point measures [°C]: a day's wave and an offset of its place."""
    hour = local.hour + local.minute / 60
    wave = 0.5 * math.cos((hour - 15) / 24 * 2 * math.pi)
    seed = sum(ord(sign) for sign in point.point_id) % 13 / 13
    base = 20.6 + seed + wave - (0.8 if (point.floor or 9) <= 2 else 0.0)
    if point.building == "3":
        base -= 3.4
    if point.building == "6" and point.unit == "2":
        base -= 3.0
    return round(base, 1)


def _fill(site: Site) -> None:
    rooms = [p for p in site.points if p.kind is PointKind.ROOM]
    silent = site.point("1", "2", "401").point_id
    readings, statuses = [], []
    steps = int(HISTORY / STEP)
    for k in range(steps + 1):
        at = NOW - timedelta(minutes=7) - (steps - k) * STEP
        local = at.astimezone(ZONE)
        for p in rooms:
            if p.point_id == silent and at > NOW - timedelta(hours=9):
                continue
            readings.append(_reading(p, at, temperature(p, local)))
        outside = round(-4.0 + 3 * math.sin((local.hour - 9) / 24 * 6.28), 1)
        readings += [_reading(p, at, outside) for p in site.points if p.kind is PointKind.OUTDOOR]
    site.store.write(ReadingTable.of(readings))
    for hour in range(int(HISTORY.total_seconds() // 3600) + 1):
        at = NOW - timedelta(seconds=20) - timedelta(hours=hour)
        statuses += [_status(p, at, silent) for p in rooms]
    site.store.write_rollup(rollup(Measurement.HOME_STATUS, statuses))
    site.store.write_rollup(rollup(Measurement.BUILDING_STATUS, list(_buildings(statuses[: len(rooms)]))))
    _tell(site, [row for row in statuses[: len(rooms)] if row["status"] == "cold"], silent)


def _reading(point: MeasurementPoint, at: datetime, value: float) -> Reading:
    return Reading(
        kind=point.kind, point_id=point.point_id, device_id=point.device_id or "", ts_ms=to_ms(at), temperature_c=value
    )


def floor_at(local: datetime) -> float:
    return 18.0 if 6 <= local.hour < 21 else 16.0


def _status(p: MeasurementPoint, at: datetime, silent: str) -> dict[str, object]:
    local = at.astimezone(ZONE)
    value, floor = temperature(p, local), floor_at(local)
    status = "cold" if value < floor else "below_target" if value < 18 else "ok"
    if p.point_id == silent and at > NOW - timedelta(hours=8):
        status = "unknown"
    if p.heating_state is HeatingState.SUSPENDED:
        status = "exempt"
    if p.point_id == "P4-1-302":
        status = "suspect"
    cold = status == "cold"
    raised = 1 + 0.5 * ((p.floor or 9) <= 2) + 0.5 * p.network_end
    return {
        "ts_ms": to_ms(at), "point": p.point_id, "station": p.station_id, "branch": p.branch_id,
        "building": p.building_id, "unit": p.unit, "floor": str(p.floor), "status": status, "temperature_c": value,
        "floor_c": floor, "deficit_k": round(floor - value, 1) if cold else np.nan,
        "score": round((floor - value) * raised, 2) if cold else np.nan,
        "minutes_below": 240.0 if cold else np.nan,
    }  # fmt: skip


def _buildings(rows: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    for building in dict.fromkeys(row["building"] for row in rows):
        mine = [row for row in rows if row["building"] == building]
        values = np.array([row["temperature_c"] for row in mine], dtype=float)
        cold = sum(row["status"] == "cold" for row in mine)
        yield {
            "ts_ms": mine[0]["ts_ms"], "station": mine[0]["station"], "branch": mine[0]["branch"],
            "building": building, "mean_c": values.mean(), "p10_c": np.percentile(values, 10), "cold": cold,
            "confirmed": cold, "unknown": sum(row["status"] == "unknown" for row in mine), "total": len(mine),
            "qualified_rate": 1 - cold / len(mine), "vertical_k": 0.8, "horizontal_k": np.nan,
        }  # fmt: skip


def rollup(measurement: Measurement, rows: list[dict[str, object]]) -> RollUp:
    schema = SCHEMAS[measurement]

    def texts(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows], dtype=object)

    return RollUp(
        measurement,
        np.array([row["ts_ms"] for row in rows], dtype=np.int64),
        {name: texts(name) for name in schema.tags},
        {name: np.array([row[name] for row in rows], dtype=float) for name in schema.floats},
        {name: texts(name) for name in schema.texts},
    )


def _tell(site: Site, cold: list[dict[str, object]], silent: str) -> None:
    """Enter findings and orders as analyzer and alerts would."""
    start = NOW.astimezone(ZONE).replace(hour=6, minute=0).astimezone(UTC)
    causes = {
        "3": Finding(
            id="F-branch", kind=FindingKind.HORIZONTAL_IMBALANCE, start=start, severity=Severity.MAJOR,
            subject=Subject(SubjectType.BRANCH, "和平站/东支线"), cause=Cause(Scope.BRANCH_END, Side.NETWORK, 0.9),
            members=tuple(str(r["point"]) for r in cold if r["building"] == "和平站/3"),
        ),
        "6": Finding(
            id="F-riser", kind=FindingKind.VERTICAL_IMBALANCE, start=start, severity=Severity.MAJOR,
            subject=Subject(SubjectType.RISER, "长青站/6/2"), cause=Cause(Scope.RISER, Side.NETWORK, 0.8),
            members=tuple(str(r["point"]) for r in cold if r["building"] == "长青站/6"),
        ),
    }  # fmt: skip
    findings = list(causes.values())
    for row in cold:
        parent = causes.get(str(row["building"]).rpartition("/")[2])
        findings.append(
            Finding(
                id=f"F{row['point']}", kind=FindingKind.COLD_HOME, start=start, confirmed=True,
                subject=Subject(SubjectType.POINT, str(row["point"])), confirmed_at=start + timedelta(minutes=30),
                cause=parent.cause if parent else None, parent=parent.id if parent else None,
            )
        )  # fmt: skip
    data = Cause(Scope.SENSOR, Side.DATA, 0.95)
    for ident, kind, point in (
        ("F-silent", FindingKind.SILENT, silent),
        ("F-stuck", FindingKind.SENSOR_STUCK, "P4-1-302"),
    ):
        subject = Subject(SubjectType.POINT, point)
        findings.append(Finding(id=ident, kind=kind, subject=subject, start=NOW - timedelta(hours=8), cause=data))
    site.ledger.findings.record(findings, at=start + timedelta(minutes=31))
    outage = Outage(
        outage_id="O1", subject_type=SubjectType.BUILDING, subject_id="长青站/8", start=NOW - timedelta(hours=2),
        end=None, reason="抢修",
    )  # fmt: skip
    site.ledger.places.add_outage(outage, NOW)
    for number, (cause, building) in enumerate(((causes["3"], "和平站/3"), (causes["6"], "长青站/6")), 1):
        save_order(site.ledger, f"2026-{number:04d}", cause, building, detected=start + timedelta(minutes=31))


def save_order(ledger: Ledger, ident: str, finding: Finding, building: str, detected: datetime) -> None:
    homes = tuple(f"{building}/{m[1:].split('-')[1]}/{m.split('-')[2]}" for m in finding.members)
    opened = OrderEvent(order_id=ident, kind="opened", at=detected, by="alerts")
    order = WorkOrder(
        id=ident, state=OrderState.OPEN, opened_at=detected, detected_at=detected, subject_type=SubjectType.BUILDING,
        subject_id=building, homes=homes,
        points=finding.members, findings=(finding.id,), cause=finding.cause, trigger=TriggerClass.EQUIPMENT,
        severity=finding.severity, priority=4.6,
        content=f"{building} {len(finding.members)} 户室温低于 18 °C，最低 16.1 °C，疑为管网侧原因",
        due=due_times(detected, TriggerClass.EQUIPMENT), history=(opened,),
    )  # fmt: skip
    ledger.orders.save(order, [opened], [], at=detected)
    issued = OrderEvent(order_id=ident, kind="issued", at=detected + timedelta(minutes=4), by="值班员李")
    ledger.orders.save(apply(order, issued), [issued], [], at=issued.at)


def record_event(ledger: Ledger, order_id: str, kind: str, by: str, text: str, at: datetime) -> WorkOrder:
    """Stand in for the alerts stage: the ground's state machine, saved."""
    order = ledger.orders.get(order_id)
    assert order is not None
    event = OrderEvent(order_id=order_id, kind=kind, at=at, by=by, text=text)
    changed = apply(order, event)
    ledger.orders.save(changed, [event], [], at=at)
    return changed


__all__ = ["CONTACT", "NOW", "ZONE", "Site", "Status", "floor_at", "open_site", "record_event", "rollup", "temperature"]
