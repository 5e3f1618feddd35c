"""Imbalance of a network as room temperatures show it (S0 四查: 垂直失调、水平失调).

No published standard defines imbalance from room temperatures alone; both coefficients are our own and labelled so:

- vertical: mean of the upper third of the floors minus mean of the lower third, of a building [K];
- horizontal: mean of the near third minus mean of the far third of a branch by pipe length [K].

Positive means that the usual suspects (low floors, far end) are colder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.estate import Estate
from heating.reading import Bools, Floats, Ints
from heating.site import SubjectType

_THIRD = 1 / 3


@dataclass(frozen=True, slots=True)
class Thirds:
    """Which homes (H) lie in the near (or lower) and in the far (or upper) third of their place, bool (H,)."""

    first: Bools
    last: Bools


def floor_thirds(estate: Estate) -> Thirds:
    """Return homes on the lower and on the upper third of the floors of their building."""
    homes = [estate.rooms[index] for index in estate.home_leads.tolist()]
    floor = np.array([np.nan if p.floor is None else p.floor for p in homes], dtype=np.float64)
    total = np.array([np.nan if p.floors_total is None else p.floors_total for p in homes], dtype=np.float64)
    code = estate.of_homes(SubjectType.BUILDING).code
    highest = np.full(len(estate.of_homes(SubjectType.BUILDING).ids), -np.inf)
    np.fmax.at(highest, code, floor)
    share = (floor - 0.5) / np.fmax(total, np.where(np.isfinite(highest[code]), highest[code], np.nan))
    return Thirds(share <= _THIRD, share > 1 - _THIRD)


def distance_thirds(estate: Estate) -> Thirds:
    """Return homes in the near and in the far third of their branch by distance from the station."""
    homes = [estate.rooms[index] for index in estate.home_leads.tolist()]
    at = np.array([np.nan if p.branch_distance_m is None else p.branch_distance_m for p in homes], dtype=np.float64)
    grouping = estate.of_homes(SubjectType.BRANCH)
    nearest, farthest = (np.full(len(grouping.ids), edge) for edge in (np.inf, -np.inf))
    np.fmin.at(nearest, grouping.code, at)
    np.fmax.at(farthest, grouping.code, at)
    span = (farthest - nearest)[grouping.code]
    share = np.divide(
        at - nearest[grouping.code], span, out=np.full(len(at), np.nan), where=np.isfinite(span) & (span > 0)
    )
    return Thirds(share < _THIRD, share >= 1 - _THIRD)


def difference(temperature_c: Floats, code: Ints, places: int, minuend: Bools, subtrahend: Bools) -> Floats:
    """Return mean(minuend) - mean(subtrahend) in each place [K], float64 (places,), NaN where either is empty."""
    return mean_of(temperature_c, code, places, minuend) - mean_of(temperature_c, code, places, subtrahend)


def mean_of(temperature_c: Floats, code: Ints, places: int, which: Bools) -> Floats:
    """Return the mean over the chosen homes with a temperature in each place, float64 (places,), else NaN."""
    use = which & ~np.isnan(temperature_c)
    count = np.bincount(code[use], minlength=places)
    total = np.bincount(code[use], weights=temperature_c[use], minlength=places)
    mean = np.full(places, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean
