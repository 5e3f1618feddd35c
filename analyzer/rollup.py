"""Derived rows for people and dashboards (contract §5): states of homes, buildings, branches, stations.

Areas count homes, not points: a home is as cold as its worst trusted point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.estate import Estate, Grouping
from analyzer.imbalance import Thirds, difference, distance_thirds, floor_thirds, mean_of
from analyzer.priority import Priority
from analyzer.state import CODE, STATUSES, States
from heating.finding import Status
from heating.measurement import Measurement, RollUp
from heating.reading import Bools, Floats, Ints, Texts
from heating.site import MeasurementPoint, SubjectType

# A home's worst trusted point decides: cold before below target before ok; without a trusted one, what hinders comes.
_WORST_FIRST = (
    Status.COLD, Status.BELOW_TARGET, Status.OK, Status.SUSPECT, Status.UNKNOWN, Status.EXEMPT,
)  # fmt: skip


def part_of(rows: RollUp, which: Ints) -> RollUp:
    """Return the rows at some indices."""
    return RollUp(
        rows.measurement,
        rows.ts_ms[which],
        {name: column[which] for name, column in rows.tags.items()},
        {name: column[which] for name, column in rows.floats.items()},
        {name: column[which] for name, column in rows.texts.items()},
    )


def home_rows(estate: Estate, states: States, priority: Priority, which: Ints) -> RollUp:
    """Return `home_status` of the points at indices `which`."""
    points = [estate.rooms[index] for index in which.tolist()]
    since = np.minimum(states.since_ms[which], states.now_ms)
    below = np.where(states.are(Status.COLD)[which], (states.now_ms - since) / 60_000, 0.0)
    return RollUp(
        Measurement.HOME_STATUS,
        np.full(len(which), states.now_ms),
        {
            "point": _texts([p.point_id for p in points]),
            "station": _texts([p.station_id for p in points]),
            "branch": _texts([p.branch_id for p in points]),
            "building": _texts([p.building_id for p in points]),
            "unit": _texts([p.unit for p in points]),
            "floor": _texts(["" if p.floor is None else str(p.floor) for p in points]),
        },
        {
            "temperature_c": states.value[which],
            "floor_c": states.floor_c[which],
            "deficit_k": states.deficit_k[which],
            "score": priority.score[which],
            "minutes_below": below,
        },
        {"status": _texts([str(STATUSES[code]) for code in states.status[which].tolist()])},
    )


@dataclass(frozen=True, slots=True)
class HomesSeen:
    """H homes at one instant, each bool (H,) but the temperature: float64 (H,), NaN unless trusted."""

    temperature_c: Floats
    cold: Bools
    confirmed: Bools
    unknown: Bools
    qualified: Bools

    @classmethod
    def of(cls, estate: Estate, states: States) -> HomesSeen:
        """Reduce points to homes."""
        code = estate.grouping(SubjectType.HOME).code
        homes = len(estate.home_leads)
        severity = np.empty(len(STATUSES), dtype=np.int64)
        severity[[CODE[status] for status in _WORST_FIRST]] = np.arange(len(_WORST_FIRST))
        worst = np.full(homes, len(_WORST_FIRST))
        np.minimum.at(worst, code, severity[states.status])
        confirmed = np.bincount(code[states.confirmed & states.are(Status.COLD)], minlength=homes) > 0
        trusted = severity[states.status] < _WORST_FIRST.index(Status.SUSPECT)
        lowest = np.full(homes, np.nan)
        np.fmin.at(lowest, code[trusted], states.value[trusted])

        def is_(*statuses: Status) -> Bools:
            return np.isin(worst, [_WORST_FIRST.index(status) for status in statuses])

        return cls(
            lowest,
            is_(Status.COLD),
            confirmed,
            is_(Status.UNKNOWN, Status.SUSPECT),
            is_(Status.OK, Status.BELOW_TARGET),
        )


class AreaRollUp:
    """Statistics of buildings, branches and stations; their layout is made once."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._floors = floor_thirds(estate)
        self._distances = distance_thirds(estate)
        leads = [estate.rooms[index] for index in estate.home_leads.tolist()]
        self._places = {
            measurement: (grouping := estate.of_homes(kind), _first_points(leads, grouping))
            for measurement, kind in (
                (Measurement.BUILDING_STATUS, SubjectType.BUILDING),
                (Measurement.BRANCH_STATUS, SubjectType.BRANCH),
                (Measurement.STATION_STATUS, SubjectType.STATION),
            )
        }

    def rows(self, states: States) -> list[RollUp]:
        """Return the three area measurements at one instant.

        `total` counts the judged homes (exempt ones left out); `qualified_rate` is qualified among those with a
        trusted temperature.
        """
        homes = HomesSeen.of(self._estate, states)
        return [self._area(measurement, homes, states.now_ms) for measurement in self._places]

    def _area(self, measurement: Measurement, homes: HomesSeen, now_ms: int) -> RollUp:
        grouping, leads = self._places[measurement]
        code, places = grouping.code, len(grouping.ids)

        def count(which: Bools) -> Floats:
            return np.bincount(code[which], minlength=places).astype(np.float64)

        everyone = np.ones(len(code), dtype=np.bool_)
        cold, qualified, unknown = count(homes.cold), count(homes.qualified), count(homes.unknown)
        rate = np.full(places, np.nan)
        np.divide(qualified, cold + qualified, out=rate, where=cold + qualified > 0)
        ids = {
            "station": _texts([p.station_id for p in leads]),
            "branch": _texts([p.branch_id for p in leads]),
            "building": _texts([p.building_id for p in leads]),
        }
        tags = ("building", "branch", "station")
        wanted = tags[list(self._places).index(measurement) :]
        return RollUp(
            measurement,
            np.full(places, now_ms),
            {name: ids[name] for name in wanted},
            {
                "mean_c": mean_of(homes.temperature_c, code, places, everyone),
                "p10_c": _tenth(homes.temperature_c, code, places),
                "cold": cold,
                "confirmed": count(homes.confirmed),
                "unknown": unknown,
                "total": cold + qualified + unknown,
                "qualified_rate": rate,
                "vertical_k": _difference(homes.temperature_c, grouping, self._floors, upper=True),
                "horizontal_k": _difference(homes.temperature_c, grouping, self._distances, upper=False),
            },
            {},
        )


def _difference(temperature_c: Floats, grouping: Grouping, thirds: Thirds, *, upper: bool) -> Floats:
    minuend, subtrahend = (thirds.last, thirds.first) if upper else (thirds.first, thirds.last)
    return difference(temperature_c, grouping.code, len(grouping.ids), minuend, subtrahend)


def _tenth(temperature_c: Floats, code: Ints, places: int) -> Floats:
    """Return the 10th percentile of each place (nearest rank), NaN where nothing is known."""
    known = np.flatnonzero(~np.isnan(temperature_c))
    order = known[np.lexsort((temperature_c[known], code[known]))]
    count = np.bincount(code[known], minlength=places)
    first = np.cumsum(count) - count
    tenth = np.full(places, np.nan)
    some = np.flatnonzero(count)
    rank = np.ceil(0.1 * count[some]).astype(np.int64) - 1
    tenth[some] = temperature_c[order[first[some] + rank]]
    return tenth


def _first_points(leads: Sequence[MeasurementPoint], grouping: Grouping) -> list[MeasurementPoint]:
    return [leads[index] for index in np.unique(grouping.code, return_index=True)[1].tolist()]


def _texts(values: list[str]) -> Texts:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
