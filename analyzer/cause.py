"""Why homes are cold: what several of them share, else the home itself (S0 四查, regulation table no. 7 and 34).

At one instant, homes in breach are compared with the others around them. Scopes are tried from the widest to the
narrowest; a scope explains its cold homes if most of its homes are cold, the rest beside it is not, and it is colder
than the rest by a clear difference. So a whole cold building is no collection of cold risers, and one cold riser does
not make a cold building.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analyzer.estate import Estate, Grouping
from analyzer.imbalance import floor_thirds, mean_of
from analyzer.supply import SupplyView
from heating.finding import Cause, FindingKind, Scope, Side, Subject
from heating.reading import Bools, Floats, Ints
from heating.site import SubjectType


@dataclass(frozen=True, slots=True)
class CauseLimits:
    """Thresholds of the comparison; all are assumptions of ours.

    Attributes
    ----------
    homes
        Least number of homes with a temperature in a scope.
    station_homes, station_buildings
        The same for a station, which has nothing beside it to be compared with: least numbers of homes and of
        their buildings, unless its supply is measured and low.
    share
        Least share of them that is cold.
    rest_ratio
        Largest cold share of the rest, as a part of the share inside.
    contrast_k
        Least difference of mean temperatures between the rest and the scope [K].
    supply_gap_k
        How far a supply temperature lies under those around it to count as low [K].
    supply_min_c
        Supply below it is low whatever the others have [°C].
    """

    homes: int = 3
    station_homes: int = 8
    station_buildings: int = 2
    share: float = 0.6
    rest_ratio: float = 0.5
    contrast_k: float = 0.5
    supply_gap_k: float = 5.0
    supply_min_c: float = 30.0


@dataclass(frozen=True, slots=True)
class HomesNow:
    """H homes at one instant.

    Attributes
    ----------
    cold
        bool (H,): a breach is open at one of its points.
    temperature_c
        float64 (H,): lowest trusted temperature, NaN where there is none.
    """

    cold: Bools
    temperature_c: Floats

    @classmethod
    def of(cls, estate: Estate, in_breach: Bools, temperature_c: Floats) -> HomesNow:
        """Reduce points (P,) to homes."""
        homes = estate.grouping(SubjectType.HOME)
        cold = np.bincount(homes.code[in_breach], minlength=len(homes.ids)) > 0
        lowest = np.full(len(homes.ids), np.nan)
        np.fmin.at(lowest, homes.code, temperature_c)
        return cls(cold, lowest)


@dataclass(frozen=True, slots=True)
class SharedCause:
    """A cause with the homes (indices) that it explains, and the figures that say so."""

    kind: FindingKind
    subject: Subject
    cause: Cause
    homes: Ints
    evidence: dict[str, float | int]


@dataclass(frozen=True, slots=True)
class _Scope:
    """One way of grouping homes: `inside` are compared with `outside` of the same `parent` place.

    `parts` are the buildings, by which a place is large enough to be blamed without such a comparison.
    """

    scope: Scope
    kind: FindingKind
    subject: SubjectType
    places: Grouping
    parent: Grouping
    inside: Bools
    outside: Bools | None
    parts: Grouping


class CauseModel:
    """The scopes of an estate, laid out once for many instants."""

    def __init__(self, estate: Estate, limits: CauseLimits | None = None) -> None:
        self.limits = limits or CauseLimits()
        self._scopes = tuple(_scopes(estate))
        self._building = estate.of_homes(SubjectType.BUILDING)

    def shared(self, homes: HomesNow, supply: SupplyView) -> list[SharedCause]:
        """Return the causes that several cold homes share; each home belongs to at most one."""
        found: list[SharedCause] = []
        free = homes.cold.copy()
        if np.count_nonzero(free) < self.limits.homes * self.limits.share:
            return found
        for scope in self._scopes:
            for cause in _explained(scope, homes, free, supply, self.limits):
                free[cause.homes] = False
                found.append(cause)
        return found

    def own(self, home: int, supply: SupplyView) -> Cause:
        """Return the cause of a home that shares none: its own side unless the supply of its building is low."""
        building = self._building.ids[self._building.code[home]]
        low = supply.low(building, self.limits.supply_gap_k, self.limits.supply_min_c)
        if low is None:
            return Cause(Scope.HOME, Side.INDOOR, 0.5)
        return Cause(Scope.HOME, Side.NETWORK if low else Side.INDOOR, 0.7 if low else 0.8)


def _scopes(estate: Estate) -> Iterator[_Scope]:
    station, branch, building, riser = (
        estate.of_homes(kind)
        for kind in (SubjectType.STATION, SubjectType.BRANCH, SubjectType.BUILDING, SubjectType.RISER)
    )
    all_ = np.ones(len(estate.home_leads), dtype=np.bool_)
    end = estate.network_end[estate.home_leads]
    floors = floor_thirds(estate)
    horizontal, vertical = FindingKind.HORIZONTAL_IMBALANCE, FindingKind.VERTICAL_IMBALANCE
    yield _Scope(Scope.STATION, FindingKind.SUPPLY_LOW, SubjectType.STATION, station, station, all_, None, building)
    yield _Scope(Scope.STATION, horizontal, SubjectType.BRANCH, branch, station, all_, all_, building)
    yield _Scope(Scope.BRANCH_END, horizontal, SubjectType.BRANCH, branch, branch, end, ~end, building)
    yield _Scope(Scope.BUILDING, horizontal, SubjectType.BUILDING, building, station, all_, all_, building)
    yield _Scope(Scope.RISER, horizontal, SubjectType.RISER, riser, building, all_, all_, building)
    yield _Scope(
        Scope.LOW_FLOORS, vertical, SubjectType.BUILDING, building, building, floors.first, ~floors.first, building
    )


@dataclass(frozen=True, slots=True)
class _Tally:
    """Homes with a temperature, cold ones and mean temperature of each place."""

    known: Ints
    cold: Ints
    mean_c: Floats

    @property
    def share(self) -> Floats:
        """Cold homes among those with a temperature, 0 where there are none."""
        return np.divide(self.cold, self.known, out=np.zeros(len(self.known)), where=self.known > 0)


def _tally(homes: HomesNow, places: Grouping, which: Bools) -> _Tally:
    known, count = which & ~np.isnan(homes.temperature_c), len(places.ids)
    return _Tally(
        np.bincount(places.code[known], minlength=count),
        np.bincount(places.code[known & homes.cold], minlength=count),
        mean_of(homes.temperature_c, places.code, count, which),
    )


def _explained(
    scope: _Scope, homes: HomesNow, free: Bools, supply: SupplyView, limits: CauseLimits
) -> Iterator[SharedCause]:
    inside = _tally(homes, scope.places, scope.inside)
    candidates = np.flatnonzero((inside.known >= limits.homes) & (inside.share >= limits.share))
    for place in candidates.tolist():
        mine = scope.inside & (scope.places.code == place)
        members = np.flatnonzero(mine & free)
        if len(members) < limits.share * inside.known[place]:
            continue  # a wider scope has explained them already
        if scope.outside is None and not _stands_alone(scope, mine, homes, supply, limits):
            continue
        evidence: dict[str, float | int] = {
            "cold": int(inside.cold[place]),
            "known": int(inside.known[place]),
            "mean_c": round(float(inside.mean_c[place]), 2),
        }
        # Nothing beside it to compare with, so less sure.
        confidence = 0.3 + 0.4 * float(inside.share[place])
        if scope.outside is not None:
            rest = scope.outside & ~mine & (scope.parent.code == scope.parent.code[np.argmax(mine)])
            rest &= ~np.isnan(homes.temperature_c)
            count, cold = int(np.count_nonzero(rest)), int(np.count_nonzero(rest & homes.cold))
            if count == 0:
                continue
            rest_share, rest_mean = cold / count, float(homes.temperature_c[rest].mean())
            if rest_share > limits.rest_ratio * inside.share[place]:
                continue
            if rest_mean - inside.mean_c[place] < limits.contrast_k:
                continue
            confidence = float(inside.share[place]) * (1 - rest_share)
            evidence |= {"rest_cold": cold, "rest_known": count, "rest_mean_c": round(rest_mean, 2)}
        yield _named(scope, place, (members, confidence, evidence), supply, limits)


def _stands_alone(scope: _Scope, mine: Bools, homes: HomesNow, supply: SupplyView, limits: CauseLimits) -> bool:
    """Tell whether a place with nothing beside it can be blamed: few cold homes may each have a cause of their own."""
    known = np.flatnonzero(mine & ~np.isnan(homes.temperature_c))
    buildings = np.unique(scope.parts.code[known])
    if len(known) >= limits.station_homes and len(buildings) >= limits.station_buildings:
        return True
    place = scope.places.ids[scope.places.code[known[0]]]
    return bool(supply.low(place, limits.supply_gap_k, limits.supply_min_c))


def _named(
    scope: _Scope,
    place: int,
    found: tuple[Ints, float, dict[str, float | int]],
    supply: SupplyView,
    limits: CauseLimits,
) -> SharedCause:
    members, confidence, evidence = found
    place_id = scope.places.ids[place]
    low = supply.low(place_id, limits.supply_gap_k, limits.supply_min_c)
    kind = FindingKind.SUPPLY_LOW if low and scope.scope in (Scope.BUILDING, Scope.STATION) else scope.kind
    measured = supply.measured(place_id)
    if measured is not None:
        evidence = evidence | {"supply_c": round(measured, 1)}
    confidence = min(0.95, confidence + (0.2 if low else 0.0))
    cause = Cause(scope.scope, Side.NETWORK, round(confidence, 2))
    return SharedCause(kind, Subject(scope.subject, place_id), cause, members, evidence)
