"""Floors in force, from a regulation profile (S2 §7, contract §6). No I/O."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from heating.instants import local_midnight, to_ms
from heating.regulation import Profile
from heating.site import MeasurementPoint


def floor_of(profile: Profile, point: MeasurementPoint, *, day: bool) -> float | None:
    """Return the floor of a point by day or by night [°C]; None where a contract is missing."""
    rule = profile.floor_rule(point.home_class)
    by_day, by_night = (point.contract_day_c, point.contract_night_c) if rule.contract else (rule.day_c, rule.night_c)
    return by_day if day or by_night is None else by_night


def day_window(profile: Profile, on: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return the instants [ms] at which the day floor begins and ends on a local day."""
    begin, end = (datetime.combine(on, wall, tzinfo=zone) for wall in (profile.day_from, profile.day_to))
    return to_ms(begin), to_ms(end)


def floor_steps(
    profile: Profile, point: MeasurementPoint, window: tuple[datetime, datetime], zone: ZoneInfo
) -> list[tuple[int, float]]:
    """Return the floor as steps (from instant [ms], value [°C]) that cover a window; none without a floor."""
    steps: list[tuple[int, float | None]] = []
    on, last = (instant.astimezone(zone).date() for instant in window)
    while on <= last:
        begin, end = day_window(profile, on, zone)
        night, day = (floor_of(profile, point, day=is_day) for is_day in (False, True))
        steps += [(to_ms(local_midnight(on, zone)), night), (begin, day), (end, night)]
        on += timedelta(days=1)
    return [(ms, floor) for ms, floor in steps if floor is not None]
