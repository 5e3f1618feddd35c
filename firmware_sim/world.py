"""The simulated world hour by hour: weather, network and rooms with the faults that act on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from firmware_sim.estate import Estate
from firmware_sim.faults import FLOW_KINDS, HOUR_MS, Effects, Fault, FaultKind
from firmware_sim.laying import lay_faults
from firmware_sim.network import Curve, entry_supply, flow_shares
from firmware_sim.scenario import Scenario
from firmware_sim.thermal import MEAN_GAIN, SUN_GAIN, Drive, Physics, State, step
from firmware_sim.weather import CLIMATES, Span, Weather, make_weather
from heating.instants import from_ms
from heating.reading import Floats, Ints

STEP_MS = 300_000
STEPS = HOUR_MS // STEP_MS
RUN_IN_H = 72  # hours of physics before the first reading
WEATHER_DAYS = 400
RISER_SHARE = 0.7  # of the exchange with the neighbours, along the riser; assumption
REPEAT_DAYS = 60  # daily habits are laid this far ahead


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of truth in steps of five minutes; both ends included, so that instants inside interpolate.

    Attributes
    ----------
    times_ms
        int64 (13,).
    air
        float64 (13, Z), true air temperature of the rooms [°C].
    water
        float64 (13, Z), radiator temperature [°C].
    supply, back
        float64 (13, B), water at the buildings' entries [°C].
    outdoor
        float64 (13,), [°C].
    """

    times_ms: Ints
    air: Floats
    water: Floats
    supply: Floats
    back: Floats
    outdoor: Floats


@dataclass(frozen=True, slots=True)
class Habits:
    """When a household gives heat: float64 (3, 24) shares of the mean gain by local hour; `kind` (Z,)."""

    profile: Floats
    kind: Ints

    @classmethod
    def draw(cls, rooms: int, rng: np.random.Generator) -> Habits:
        """Draw working, retired and late households (assumption)."""
        working = np.interp(np.arange(24), [0, 5, 7, 9, 16, 18, 21, 23], [0.7, 0.6, 1.5, 0.5, 0.6, 1.8, 1.8, 1.0])
        retired = np.interp(np.arange(24), [0, 5, 7, 11, 14, 17, 20, 23], [0.6, 0.6, 1.2, 1.5, 1.0, 1.5, 1.4, 0.7])
        late = np.interp(np.arange(24), [0, 3, 9, 11, 18, 20, 23], [1.4, 0.7, 0.6, 0.9, 0.8, 1.6, 1.8])
        profile = np.stack([p / p.mean() for p in (working, retired, late)])
        return cls(profile, rng.choice(3, size=rooms, p=(0.5, 0.3, 0.2)))


class World:
    """An estate in its weather, from `start_ms` (a whole five minutes) on; the same arguments give the same world."""

    def __init__(self, scenario: Scenario, estate: Estate, seed: int, start_ms: int, now_ms: int) -> None:
        self.estate = estate
        self.scenario = scenario
        self.start_ms = start_ms
        rng = np.random.default_rng([seed, 2])
        first = start_ms - RUN_IN_H * HOUR_MS
        span = Span(first, RUN_IN_H + WEATHER_DAYS * 24, now_ms, scenario.zone)
        self.weather: Weather = make_weather(scenario.weather, span, np.random.default_rng([seed, 3]))
        self.curve = Curve.of(CLIMATES[scenario.weather.climate])
        self.physics = Physics.draw(estate, self.curve, rng)
        self._flow = flow_shares(estate.buildings, len(estate.branch_ids), rng)[estate.rooms.building]
        self._flow = np.where(estate.rooms.suspended, 0.0, self._flow)
        self._habits = Habits.draw(len(estate.rooms), rng)
        self._operator = np.random.default_rng([seed, 4])
        self._mood = np.zeros(len(estate.station_ids))
        self._filtered = float(self.weather.at(np.array([first]))[0])
        end_ms = now_ms + REPEAT_DAYS * 24 * HOUR_MS
        laid = np.random.default_rng([seed, 5])
        self.faults: list[Fault] = lay_faults(scenario.faults, estate, now_ms, end_ms, laid)
        self.effects = Effects.of(self.faults)
        self._state = State.steady(self.physics, self.curve)
        self._back = np.full(len(estate.buildings), self.curve.water(0.0)[1])
        self._next_ms = first
        while self._next_ms < start_ms:
            self.hour()

    @property
    def next_ms(self) -> int:
        """Begin of the hour that `hour()` gives next."""
        return self._next_ms

    def hour(self) -> Hour:
        """Advance by one hour and return it."""
        start = self._next_ms
        times = start + STEP_MS * np.arange(STEPS + 1, dtype=np.int64)
        outdoor = self.weather.at(times)
        self._shift(float(outdoor[0]))
        effects = self.effects.during(start, start + HOUR_MS)
        faults = [f for f in self.faults if f.station >= 0 and f.start_ms < start + HOUR_MS and f.end_ms > start]
        gain = self._gain(start)
        rows = [self._row(int(times[0]), faults)]
        for k in range(STEPS):
            self._step(int(times[k]), float(outdoor[k]), effects, faults, gain)
            rows.append(self._row(int(times[k + 1]), faults))
        self._next_ms = start + HOUR_MS
        air, water, supply, back = (np.stack(column) for column in zip(*rows, strict=True))
        return Hour(times, air, water, supply, back, outdoor)

    def _row(self, ts_ms: int, faults: list[Fault]) -> tuple[Floats, Floats, Floats, Floats]:
        return (
            self._state.air,
            self._state.water,
            entry_supply(self.estate.buildings, self._supply(ts_ms, faults)),
            self._back,
        )

    def _shift(self, outdoor_c: float) -> None:
        """Let the operators follow the weather of the last hours, each station in its own way."""
        self._filtered += (outdoor_c - self._filtered) / 6.0
        keep = np.exp(-1 / 12)
        shock = self._operator.standard_normal(len(self._mood))
        self._mood = keep * self._mood + np.sqrt(1 - keep**2) * 1.2 * shock  # K of supply; assumption

    def _supply(self, ts_ms: int, faults: list[Fault]) -> Floats:
        """Supply temperature of each station [°C], float64 (S,)."""
        supply = self.curve.water(self._filtered)[0] + self._mood
        for fault in faults:
            if not fault.start_ms <= ts_ms < fault.end_ms:
                continue
            if fault.kind is FaultKind.OUTAGE:
                ours = self.estate.buildings.station == fault.station
                supply[fault.station] = float(self._back[ours].mean())
            else:
                supply[fault.station] -= fault.level
        return supply

    def _gain(self, start_ms: int) -> Floats:
        local = from_ms(start_ms).astimezone(self.scenario.zone) + timedelta(minutes=30)
        hour = local.hour + local.minute / 60
        sun = max(0.0, float(np.sin(np.pi * (hour - 8) / 9))) if 8 < hour < 17 else 0.0
        people = self._habits.profile[self._habits.kind, local.hour] * MEAN_GAIN
        gain: Floats = people + self.physics.sun * SUN_GAIN * sun * self.weather.sky(start_ms)
        return gain

    def _step(self, ts_ms: int, outdoor_c: float, effects: Effects, faults: list[Fault], gain: Floats) -> None:
        rooms, buildings = self.estate.rooms, self.estate.buildings
        now = effects.at(ts_ms)
        flow = self._flow.copy()
        flows = now.of_kind(*FLOW_KINDS)
        np.multiply.at(flow, flows.room, flows.level)
        windows = now.of_kind(FaultKind.WINDOW)
        vent = np.bincount(windows.room, windows.level, len(rooms)).astype(np.float64)
        supply = entry_supply(buildings, self._supply(ts_ms, faults))[rooms.building]
        drive = Drive(outdoor_c, supply, flow, vent, gain, self._around())
        back = step(self._state, self.physics, drive)
        carried = flow * self.physics.flow
        leaving = _mean_by(rooms.building, back, carried, len(buildings))
        self._back = np.where(np.isnan(leaving), self._back, leaving)

    def _around(self) -> Floats:
        """Temperature next door: mostly the homes above and below on the riser, the rest of the building besides."""
        rooms, air = self.estate.rooms, self._state.air
        riser = _mean_by(rooms.riser, air, None, len(self.estate.riser_ids))[rooms.riser]
        building = _mean_by(rooms.building, air, None, len(self.estate.buildings))[rooms.building]
        around: Floats = RISER_SHARE * riser + (1 - RISER_SHARE) * building
        return around


def _mean_by(group: Ints, value: Floats, weight: Floats | None, groups: int) -> Floats:
    """Return the weighted mean of each group, NaN where nothing weighs."""
    weights = np.ones(len(value)) if weight is None else weight
    total = np.bincount(group, weights, groups)
    weighted = np.bincount(group, weights * value, groups)
    mean = np.full(groups, np.nan)
    np.divide(weighted, total, out=mean, where=total > 0)
    return mean
