"""Rows of the site for Grafana: its figures, thirds of branches, counters of the collector, completeness of days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dashboards.grafana.rows import Row
from dashboards.homes import JUDGED
from dashboards.overview import figures
from dashboards.snapshot import Snapshot
from heating.finding import Status
from heating.instants import from_ms, local_midnight, to_ms
from heating.measurement import RollUp
from heating.reading import Floats, ReadingTable
from heating.register import Register
from heating.site import MeasurementPoint, PointKind

_HOUR = timedelta(hours=1)
_THIRDS = ("near", "middle", "far")
# What becomes of a reading (contract §4), and of the quarantine's packets; each has a row from the beginning.
FATES = ("received", "stored", "repeated", "ignored", "quarantined", "late", "quarantine_dropped")


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """How readings go through the pipeline; ages in seconds, None where nothing is known.

    Attributes
    ----------
    judge_lag_s
        For how long the analyzer has not moved while changes wait for it.
    unjudged
        Changes that wait for the analyzer.
    waiting
        Packets that the collector holds and cannot write; None where it runs in another process.
    strangers
        Devices that send and are in no register.
    losses_1h, losses_24h
        Losses at the broker that were noticed, or still went on, within that time.
    """

    newest_age_s: float | None
    judge_lag_s: float
    unjudged: int
    waiting: float | None
    strangers: int
    losses_1h: int
    losses_24h: int


def site_status(site: str, snapshot: Snapshot, latest: ReadingTable, flow: Flow) -> Row:
    """Return the row of `site_status`."""
    seen = figures(snapshot)
    warm = np.array(list(_judged_temperatures(snapshot, latest).values()))
    lag = latest.lag_s[~np.isnan(latest.lag_s)]
    return Row(
        to_ms(snapshot.at),
        {
            "site": site,
            "mean_c": float(warm.mean()) if len(warm) else None,
            "p10_c": float(np.percentile(warm, 10)) if len(warm) else None,
            "outdoor_c": seen.outdoor_c,
            "total": float(seen.total),
            **{status.value: float(seen.status[status.value]) for status in Status},
            "confirmed": float(seen.confirmed),
            "qualified_rate": seen.qualified_rate,
            "devices": float(snapshot.devices),
            "online": float(snapshot.online),
            "online_rate": seen.online_rate,
            "lag_p50_s": float(np.percentile(lag, 50)) if len(lag) else None,
            "lag_p95_s": float(np.percentile(lag, 95)) if len(lag) else None,
            "orders": float(seen.orders),
            "overdue": float(seen.overdue),
            **msgspec.structs.asdict(flow),
        },
    )


def branch_profiles(snapshot: Snapshot, latest: ReadingTable, entries: ReadingTable) -> Iterator[Row]:
    """Yield the rows of `branch_profile`: means near the station, in the middle, far away, by pipe length.

    The bounds are those of the horizontal imbalance: thirds of the span between the nearest and the farthest home.
    """
    register = snapshot.register
    third = _thirds(register)
    rooms = _by_third(register, third, _judged_temperatures(snapshot, latest))
    supply = _by_third(register, third, _newest(entries, entries.supply_c))
    back = _by_third(register, third, _newest(entries, entries.return_c))
    branches = {p.branch_id: p.station_id for p in register.points if p.kind is not PointKind.OUTDOOR}
    for branch, station in sorted(branches.items()):
        means: dict[str, float | None] = {}
        for suffix, table in (("c", rooms), ("supply_c", supply), ("return_c", back)):
            means |= {f"{name}_{suffix}": _mean(table.get((branch, name), ())) for name in _THIRDS}
        near, far = means["near_c"], means["far_c"]
        yield Row(
            to_ms(snapshot.at),
            {
                "station": station,
                "branch": branch,
                "homes": float(len(_whole(rooms, branch))),
                "spread_k": None if near is None or far is None else near - far,
                "supply_c": _mean(_whole(supply, branch)),
                "return_c": _mean(_whole(back, branch)),
                **means,
            },
        )


def intake(counters: Mapping[str, int], at: datetime) -> Iterator[Row]:
    """Yield the rows of `intake`: readings since the beginning, by what became of them and why."""
    for name, total in sorted((dict.fromkeys(FATES, 0) | dict(counters)).items()):
        fate, _, reason = name.partition(".")
        yield Row(to_ms(at), {"fate": fate, "reason": reason, "readings": float(total)})


def data_day(register: Register, hours: RollUp, day: date, until: datetime, zone: ZoneInfo) -> Iterator[Row]:
    """Yield the rows of `data_day` of one local day: hours with a reading among the hours of the rooms with a sensor.

    `hours` are the rows of `room_hour` from the day's beginning; hours count once they are over at `until`.
    """
    start, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
    over = max(0, (min(end, until) - start) // _HOUR)
    expected: dict[str, int] = defaultdict(int)
    station = {p.point_id: p.station_id for p in register.points if p.kind is PointKind.ROOM and p.device_id}
    for of_point in station.values():
        expected[of_point] += 1
    seen: dict[str, int] = defaultdict(int)
    inside = (hours.floats["n"] > 0) & (hours.ts_ms >= to_ms(start)) & (hours.ts_ms < to_ms(start + over * _HOUR))
    for point in hours.tags["point"][inside].tolist():
        if point in station:
            seen[station[point]] += 1
    for name, points in sorted(expected.items()):
        if over:
            counts = {"points": float(points), "hours": float(seen[name]), "expected_hours": float(points * over)}
            share = seen[name] / (points * over)
            yield Row(to_ms(start), {"station": name, **counts, "completeness": share})


def newest_temperatures(latest: ReadingTable) -> dict[str, float]:
    """Return the newest temperature of each point [°C]."""
    return _newest(latest, latest.temperature_c)


def newest_age_s(newest: Mapping[str, int], at: datetime) -> float | None:
    """Return how old the newest stored reading of all devices is [s]."""
    return max((at - from_ms(max(newest.values()))).total_seconds(), 0.0) if newest else None


def _judged_temperatures(snapshot: Snapshot, latest: ReadingTable) -> dict[str, float]:
    """Return the temperature of each home that is judged, by its deciding point [°C]."""
    fresh = newest_temperatures(latest)
    judged = (home for home in snapshot.homes if home.status in JUDGED)
    values = ((home.point_id, fresh.get(home.point_id, home.temperature_c)) for home in judged)
    return {point: value for point, value in values if value is not None}


def _newest(table: ReadingTable, column: Floats) -> dict[str, float]:
    pairs = zip(table.point.tolist(), column.tolist(), strict=True)
    return {point: value for point, value in pairs if value == value}


def _thirds(register: Register) -> dict[str, str]:
    """Return near, middle or far of each point on a branch whose homes lie at different distances.

    Other points of a branch (no distance known, or all homes at one) have a blank.
    """
    branches: dict[str, list[MeasurementPoint]] = defaultdict(list)
    for point in register.points:
        branches[point.branch_id].append(point)
    table = {}
    for points in branches.values():
        distances = [
            p.branch_distance_m for p in points if p.kind is PointKind.ROOM and p.branch_distance_m is not None
        ]
        span = max(distances, default=0.0) - min(distances, default=0.0)
        for point in points:
            at = point.branch_distance_m
            known = span > 0 and at is not None
            table[point.point_id] = _THIRDS[_clip(int(3 * ((at or 0.0) - min(distances)) / span))] if known else ""
    return table


def _by_third(
    register: Register, third: Mapping[str, str], values: Mapping[str, float]
) -> dict[tuple[str, str], list[float]]:
    table: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name, value in values.items():
        if name in third:
            table[register.by_id[name].branch_id, third[name]].append(value)
    return table


def _whole(table: Mapping[tuple[str, str], list[float]], branch: str) -> list[float]:
    return [value for name in (*_THIRDS, "") for value in table.get((branch, name), ())]


def _clip(third: int) -> int:
    return min(2, max(0, third))


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
