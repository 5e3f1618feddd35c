"""Outdoor temperature of a simulated winter, or a measured series in its place.

The synthetic winter is stationary: the mean of the heating season, a daily swing, passing weather of some days and
cold waves. It does not follow the calendar, so that a demonstration in July shows January.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from heating.errors import InputError
from heating.instants import from_ms, parse_instant, to_ms
from heating.reading import Floats, Ints

HOUR_MS = 3_600_000


class Climate(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a city's heating season.

    Attributes
    ----------
    mean_c
        Mean outdoor temperature of the season [°C].
    half_swing_k
        Half of the mean daily swing [K].
    synoptic_k
        Standard deviation of the weather that passes over some days [K] (assumption).
    design_c
        Outdoor design temperature [°C].
    supply_c, return_c
        Secondary water at the design temperature [°C].
    source
        Where the figures come from.
    """

    mean_c: float
    half_swing_k: float
    synoptic_k: float
    design_c: float
    supply_c: float
    return_c: float
    source: str


CLIMATES: dict[str, Climate] = {
    "tianjin": Climate(
        mean_c=-0.6,
        half_swing_k=4.2,
        synoptic_k=3.0,
        design_c=-7.0,
        supply_c=60.0,
        return_c=45.0,
        source="GB 50736 App. A for mean and design (regulations.md §1.6); 60/45 and swing: assumptions",
    ),
    "beijing": Climate(
        mean_c=-0.7,
        half_swing_k=4.8,
        synoptic_k=3.0,
        design_c=-7.6,
        supply_c=60.0,
        return_c=45.0,
        source="GB 50736 App. A for mean and design (regulations.md §1.6); 60/45 and swing: assumptions",
    ),
    "harbin": Climate(
        mean_c=-7.7,
        half_swing_k=3.6,
        synoptic_k=4.5,
        design_c=-24.2,
        supply_c=75.0,
        return_c=50.0,
        source="season mean and swing: doi 10.11849/zrzyxb.20161270; design: textbook (regulations.md §1.6, §3.2)",
    ),
}


class ColdWave(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fall by `drop_k` within `fall_h`, recovering over `recover_h`; `start_h` counts from the scenario's now."""

    start_h: float
    drop_k: Annotated[float, msgspec.Meta(ge=0, le=30)] = 10.0
    fall_h: Annotated[float, msgspec.Meta(gt=0)] = 24.0
    recover_h: Annotated[float, msgspec.Meta(gt=0)] = 60.0

    def shape(self, hours: Floats) -> Floats:
        """Return the change [K] at `hours` after the scenario's now."""
        since = hours - self.start_h
        falling = np.clip(since / self.fall_h, 0.0, 1.0)
        recovering = np.exp(-np.maximum(since - 1.5 * self.fall_h, 0.0) / self.recover_h)
        return -self.drop_k * falling * recovering


class WeatherSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Weather of a scenario: a climate with its waves, or a measured file.

    Attributes
    ----------
    shift_k
        Added to either [K].
    file
        CSV with `ts_local,temperature_c`, taken in place of the climate.
    file_start
        Instant of the file that falls on the scenario's now; by default its first.
    """

    climate: str = "tianjin"
    shift_k: float = 0.0
    cold_waves: tuple[ColdWave, ...] = ()
    file: str | None = None
    file_start: str | None = None


@dataclass(frozen=True, slots=True)
class Weather:
    """Hourly outdoor temperature [°C] and clearness of the sky (0…1) from `start_ms` on, both float64 (H,)."""

    start_ms: int
    temperature_c: Floats
    clearness: Floats

    def at(self, ts_ms: Ints) -> Floats:
        """Return the outdoor temperature [°C] at instants, linear between the hours."""
        hours = (ts_ms - self.start_ms) / HOUR_MS
        return np.asarray(np.interp(hours, np.arange(len(self.temperature_c)), self.temperature_c), dtype=np.float64)

    def sky(self, ts_ms: int) -> float:
        """Return the clearness of the sky at an instant."""
        hour = min(max((ts_ms - self.start_ms) // HOUR_MS, 0), len(self.clearness) - 1)
        return float(self.clearness[hour])


@dataclass(frozen=True, slots=True)
class Span:
    """Hours that a weather series must cover; `now_ms` is the scenario's now."""

    start_ms: int
    hours: int
    now_ms: int
    zone: ZoneInfo

    def local_hours(self) -> Floats:
        """Hour of the local day of each hour of the span, float64 (hours,)."""
        starts = (from_ms(self.start_ms + k * HOUR_MS).astimezone(self.zone) for k in range(self.hours))
        return np.array([s.hour + s.minute / 60 for s in starts], dtype=np.float64)

    def relative_hours(self) -> Floats:
        """Hours after the scenario's now, float64 (hours,)."""
        return (self.start_ms - self.now_ms) / HOUR_MS + np.arange(self.hours, dtype=np.float64)


def make_weather(spec: WeatherSpec, span: Span, rng: np.random.Generator) -> Weather:
    """Return the weather over a span."""
    local = span.local_hours()
    clear = _clearness(local, rng)
    if spec.file is not None:
        return Weather(span.start_ms, _measured(spec, span) + spec.shift_k, clear)
    climate = CLIMATES[spec.climate]
    # Coldest about 06 h (demand peaks there, doi 10.11849/zrzyxb.20161270), warmest in the early afternoon.
    daily = -climate.half_swing_k * (0.4 + 0.6 * clear) * np.cos(2 * np.pi * (local - 5.5) / 24)
    change = np.zeros(span.hours)
    for wave in spec.cold_waves:
        change += wave.shape(span.relative_hours())
    passing = climate.synoptic_k * _wandering(span.hours, 60.0, rng)
    return Weather(span.start_ms, climate.mean_c + spec.shift_k + daily + passing + change, clear)


def _wandering(hours: int, scale_h: float, rng: np.random.Generator) -> Floats:
    """Return a stationary first-order process of variance 1 that forgets over `scale_h` hours."""
    keep = np.exp(-1.0 / scale_h)
    shocks = rng.standard_normal(hours)
    values = np.empty(hours)
    value = shocks[0] if hours else 0.0
    for k in range(hours):
        values[k] = value
        value = keep * value + np.sqrt(1 - keep**2) * shocks[k]
    return values


def _clearness(local: Floats, rng: np.random.Generator) -> Floats:
    """Return one clearness a day, uniform on 0.2…1 (assumption)."""
    new_day = np.concatenate(([True], np.diff(local) < 0))[: len(local)]
    day = np.cumsum(new_day)
    days: Floats = rng.uniform(0.2, 1.0, size=int(day[-1]) + 1 if len(day) else 1)
    clear: Floats = days[day]
    return clear


def _measured(spec: WeatherSpec, span: Span) -> Floats:
    """Return a measured series laid so that `file_start` falls on the scenario's now."""
    ts_ms, values = read_series(Path(spec.file or ""), span.zone)
    first = int(ts_ms[0]) if spec.file_start is None else to_ms(_instant(spec.file_start, span.zone))
    wanted = first + (span.relative_hours() * HOUR_MS).astype(np.int64)
    inside = np.clip(wanted, ts_ms[0], ts_ms[-1])
    return np.asarray(np.interp(inside, ts_ms, values), dtype=np.float64)


def read_series(path: Path, zone: ZoneInfo) -> tuple[Ints, Floats]:
    """Read `ts_local,temperature_c` rows: int64 milliseconds ascending and float64 [°C].

    Raises
    ------
    InputError
        If the file cannot be read or a row is malformed.
    """
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            rows = [
                (to_ms(_instant(row["ts_local"], zone)), float(row["temperature_c"])) for row in csv.DictReader(handle)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"weather file {path}: {error!r}; expected columns ts_local,temperature_c") from error
    if not rows:
        raise InputError(f"weather file {path}: no rows")
    rows.sort()
    return np.array([r[0] for r in rows], dtype=np.int64), np.array([r[1] for r in rows], dtype=np.float64)


def _instant(text: str, zone: ZoneInfo) -> datetime:
    return parse_instant(text, zone)
