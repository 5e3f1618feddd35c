"""Floors of many points as arrays, and the local windows of the day as instants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from heating.instants import from_ms, to_ms
from heating.reading import Bools, Floats, Ints
from heating.regulation import FloorRule, Profile
from heating.site import MeasurementPoint

# Decimals to which a sum of written decimals is rounded: 17.1 + 0.3 must be the 17.4 that a sensor sends.
DECIMALS = 9

# Windows are laid out between these instants only (the years 1900 and 2200): no sensor lives elsewhere.
_EARLIEST_MS, _LATEST_MS = -2_208_988_800_000, 7_258_118_400_000


@dataclass(frozen=True, slots=True)
class Floors:
    """Limits of P points by day and by night, each float64 (P,) [°C]; NaN where a contract is missing.

    Attributes
    ----------
    day_c, night_c
        Floors: below is a breach, equal is not.
    day_clear_c, night_clear_c
        Floor plus the clearing margin.
    target_c
        What is aimed at all day; where it is not above the floor in force it says nothing.
    target_clear_c
        Target plus the clearing margin.
    """

    day_c: Floats
    night_c: Floats
    day_clear_c: Floats
    night_clear_c: Floats
    target_c: Floats
    target_clear_c: Floats

    @property
    def highest_c(self) -> Floats:
        """The highest limit that a reading can fall below, float64 (P,)."""
        return np.fmax(np.fmax(self.day_c, self.night_c), self.target_c)

    def at(self, day: bool) -> Floats:
        """Floor of each point in a window, float64 (P,)."""
        return self.day_c if day else self.night_c


def floors_of(profile: Profile, points: Sequence[MeasurementPoint], clear_margin_k: float) -> Floors:
    """Return the limits of `points` under a profile (S2 §7; contract §6)."""
    rules = {home_class: profile.floor_rule(home_class) for home_class in {p.home_class for p in points}}
    limits = np.array([_limits(rules[p.home_class], p) for p in points], dtype=np.float64).reshape(len(points), 3)
    day_c, night_c, target_c = (np.ascontiguousarray(column) for column in limits.T)
    clear = (_plus(column, clear_margin_k) for column in (day_c, night_c, target_c))
    day_clear, night_clear, target_clear = clear
    return Floors(day_c, night_c, day_clear, night_clear, target_c, target_clear)


def _limits(rule: FloorRule, point: MeasurementPoint) -> tuple[float, float, float]:
    """Floor by day, floor by night, target [°C]; a blank contract at night is the day's."""
    day, night = (point.contract_day_c, point.contract_night_c) if rule.contract else (rule.day_c, rule.night_c)
    if day is None:
        return np.nan, np.nan, np.nan
    night = day if night is None else night
    return day, night, min(day, night) if rule.target_c is None else rule.target_c


def _plus(limit_c: Floats, margin_k: float) -> Floats:
    """Add a margin so that decimals compare as people write them."""
    values, where = np.unique(limit_c, return_inverse=True)
    return np.array([round(float(v) + margin_k, DECIMALS) for v in values], dtype=np.float64)[where]


@dataclass(frozen=True, slots=True)
class DayWindows:
    """Instants at which a window of the day begins.

    Attributes
    ----------
    switch_ms
        int64 (K,), ascending.
    day
        bool (K,): the window that begins there is day.
    """

    switch_ms: Ints
    day: Bools

    @classmethod
    def between(cls, profile: Profile, zone: ZoneInfo, start_ms: int, end_ms: int) -> DayWindows:
        """Return the windows that cover [start, end], on local days of `zone` (23 or 25 hours where clocks change)."""
        start_ms, end_ms = (min(max(ms, _EARLIEST_MS), _LATEST_MS) for ms in (start_ms, end_ms))
        first = from_ms(start_ms).astimezone(zone).date() - timedelta(days=1)
        last = from_ms(end_ms).astimezone(zone).date() + timedelta(days=1)
        switches: list[tuple[int, bool]] = []
        for number in range((last - first).days + 1):
            date = first + timedelta(days=number)
            for wall, is_day in ((profile.day_from, True), (profile.day_to, False)):
                switches.append((_instant(datetime.combine(date, wall), zone), is_day))
        switches.sort()
        return cls(np.array([s for s, _ in switches], dtype=np.int64), np.array([d for _, d in switches]))

    def index(self, at_ms: Ints) -> Ints:
        """Return for each instant the window in force."""
        return np.searchsorted(self.switch_ms, at_ms, side="right") - 1

    def is_day(self, at_ms: int) -> bool:
        """Tell whether an instant is by day."""
        return bool(self.day[np.searchsorted(self.switch_ms, at_ms, side="right") - 1])


def _instant(local: datetime, zone: ZoneInfo) -> int:
    return to_ms(local.replace(tzinfo=zone))
