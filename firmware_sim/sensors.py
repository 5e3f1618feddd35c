"""What the sensors make of the truth: sampling times, errors of device and place, quantisation, lost samples.

D devices in the order of `Estate.points`: Z rooms, B entries, S outdoor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from firmware_sim.faults import FOREVER_MS, HOUR_MS, Effects, FaultKind
from firmware_sim.scenario import NodeSpec
from firmware_sim.world import STEP_MS, Hour, World
from heating.instants import from_ms
from heating.reading import Bools, Floats, Ints, Quality

MINUTE_MS = 60_000
WATER_NOISE_K = 0.2  # clamp-on probes; assumption


@dataclass(frozen=True, slots=True)
class Samples:
    """N samples of one hour, ordered by time, then device.

    Attributes
    ----------
    device
        int64 (N,), index into `Estate.points`.
    taken_ms
        int64 (N,), true instant.
    ts_ms
        int64 (N,), instant by the device's clock.
    temperature_c, humidity_pct, supply_c, return_c, battery_v
        float64 (N,), NaN where the device has no such value.
    arrives_ms
        int64 (N,): end of the offline spell in which it was taken, else `taken_ms`.
    duplicate, garbage
        bool (N,): the packet that carries it is sent twice, or followed by bytes that are no reading.
    flags
        int64 (N,), bits of `heating.reading.Quality`: low battery, moved, sensor fault.
    """

    device: Ints
    taken_ms: Ints
    ts_ms: Ints
    temperature_c: Floats
    humidity_pct: Floats
    supply_c: Floats
    return_c: Floats
    battery_v: Floats
    arrives_ms: Ints
    duplicate: Bools
    garbage: Bools
    flags: Ints

    def __len__(self) -> int:
        """Return N."""
        return len(self.device)

    def rows(self, which: Bools | Ints) -> Samples:
        """Return the samples that a mask or an index array selects."""
        return Samples(*(getattr(self, name)[which] for name in self.__slots__))


class Sensors:
    """The fleet's sensors on a world; `hour` turns an hour of truth into samples."""

    def __init__(self, world: World, spec: NodeSpec, seed: int) -> None:
        self._world = world
        self._spec = spec
        self._seed = seed
        estate = world.estate
        rng = np.random.default_rng([seed, 6])
        devices = len(estate.points)
        self._period_ms = round(spec.sample_min * MINUTE_MS)
        # Whole seconds, as small clocks have them; each node wakes at its own phase.
        self.phase_ms: Ints = rng.integers(0, self._period_ms // 1000, devices) * 1000
        self._offset = rng.normal(0.0, spec.offset_k, devices)
        self._battery = rng.uniform(2.85, 3.05, devices)
        self._humidity = rng.uniform(0.8, 1.3, devices)
        self._stuck = np.full(len(estate.rooms), np.nan)

    def hour(self, hour: Hour) -> Samples:
        """Sample one hour."""
        start = int(hour.times_ms[0])
        rng = np.random.default_rng([self._seed, 7, start // HOUR_MS, start % HOUR_MS])
        effects = self._world.effects.during(start, start + HOUR_MS)
        device, taken = self._instants(start, rng)
        samples = self._measured(hour, device, taken, rng)
        samples = self._disturbed(samples, effects, hour, rng)
        samples = samples.rows(~_hit(samples, effects.of_kind(FaultKind.DEAD)))
        return samples.rows(np.lexsort((samples.device, samples.taken_ms)))

    def _instants(self, start_ms: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Devices and instants of the samples that fall into the hour."""
        begin = self._world.start_ms
        first = -((begin + self.phase_ms - start_ms) // self._period_ms)
        most = HOUR_MS // self._period_ms + 2
        tick = first[:, None] + np.arange(most)
        jitter = rng.integers(0, 5, tick.shape) * 1000 * (self._period_ms >= 60_000)
        nominal = begin + self.phase_ms[:, None] + tick * self._period_ms
        device, column = np.nonzero((nominal >= start_ms) & (nominal < start_ms + HOUR_MS) & (tick >= 0))
        return device, np.minimum((nominal + jitter)[device, column], start_ms + HOUR_MS - 1000)

    def _measured(self, hour: Hour, device: Ints, taken: Ints, rng: np.random.Generator) -> Samples:
        estate, count = self._world.estate, len(device)
        rooms, buildings = len(estate.rooms), len(estate.buildings)
        position = (taken - hour.times_ms[0]) / STEP_MS
        is_room, is_outdoor = device < rooms, device >= rooms + buildings
        is_entry = ~is_room & ~is_outdoor
        temperature = np.full(count, np.nan)
        supply, back, humidity = temperature.copy(), temperature.copy(), temperature.copy()
        outdoor = np.interp(position, np.arange(len(hour.outdoor)), hour.outdoor)
        temperature[is_room] = _between(hour.air, position[is_room], device[is_room])
        temperature[is_outdoor] = outdoor[is_outdoor]
        supply[is_entry] = _between(hour.supply, position[is_entry], device[is_entry] - rooms)
        back[is_entry] = _between(hour.back, position[is_entry], device[is_entry] - rooms)
        humidity[is_room] = self._humid(temperature[is_room], outdoor[is_room], device[is_room], rng)
        temperature += self._offset[device] + rng.normal(0.0, self._spec.noise_k, count)
        supply += rng.normal(0.0, WATER_NOISE_K, count)
        back += rng.normal(0.0, WATER_NOISE_K, count)
        return Samples(
            device=device, taken_ms=taken, ts_ms=taken.copy(), temperature_c=temperature, humidity_pct=humidity,
            supply_c=supply, return_c=back, battery_v=self._battery[device] + rng.normal(0, 0.005, count),
            arrives_ms=taken.copy(), duplicate=np.zeros(count, dtype=np.bool_),
            garbage=np.zeros(count, dtype=np.bool_), flags=np.zeros(count, dtype=np.int64),
        )  # fmt: skip

    def _humid(self, indoor: Floats, outdoor: Floats, device: Ints, rng: np.random.Generator) -> Floats:
        """Relative humidity [%]: outdoor vapour and what the household adds (4 hPa, assumption)."""
        vapour = 0.6 * _saturation(outdoor) + 4.0 * self._humidity[device] + rng.normal(0, 0.15, len(indoor))
        return np.clip(100 * vapour / _saturation(indoor), 5.0, 95.0)

    def _disturbed(self, s: Samples, effects: Effects, hour: Hour, rng: np.random.Generator) -> Samples:
        """Apply the errors of place and device, then round as the device does."""
        value = s.temperature_c + self._misplaced(s, effects, hour)
        drifting = effects.of_kind(FaultKind.DRIFT)
        for row, inside in _each(s, drifting):
            value[inside] += drifting.level[row] * (s.taken_ms[inside] - drifting.start_ms[row]) / (24 * HOUR_MS)
        chance = rng.random(len(s))
        size = rng.uniform(8, 20, len(s)) * rng.choice((-1.0, 1.0), len(s))
        spikes = _level(s, effects.of_kind(FaultKind.SPIKE))
        value = np.where(chance < spikes, value + size, value)
        value = self._held(s, value, effects.of_kind(FaultKind.STUCK))
        probe, moved = effects.of_kind(FaultKind.PROBE), effects.of_kind(FaultKind.MOVED)
        value = np.where(_hit(s, probe), _level(s, probe), value)
        battery = s.battery_v.copy()
        low = _hit(s, effects.of_kind(FaultKind.LOW_BATTERY))
        battery[low] = _level(s, effects.of_kind(FaultKind.LOW_BATTERY))[low]
        skew_ms = np.rint(_level(s, effects.of_kind(FaultKind.SKEW)) * MINUTE_MS).astype(np.int64)
        quantum = self._spec.quantum_k
        return Samples(
            device=s.device, taken_ms=s.taken_ms, ts_ms=s.taken_ms + skew_ms,
            temperature_c=np.rint(value / quantum) * quantum, humidity_pct=np.rint(s.humidity_pct),
            supply_c=np.rint(s.supply_c * 10) / 10, return_c=np.rint(s.return_c * 10) / 10,
            battery_v=np.rint(battery * 100) / 100,
            arrives_ms=_arrival(s, effects.of_kind(FaultKind.OFFLINE)),
            duplicate=rng.random(len(s)) < _level(s, effects.of_kind(FaultKind.DUPLICATE)),
            garbage=rng.random(len(s)) < _level(s, effects.of_kind(FaultKind.GARBAGE)),
            flags=low * Quality.LOW_BATTERY + _hit(s, moved) * Quality.MOVED + _hit(s, probe) * Quality.SENSOR_FAULT,
        )  # fmt: skip

    def _misplaced(self, s: Samples, effects: Effects, hour: Hour) -> Floats:
        """Errors of the place [K]: radiator, kitchen, sun, window pane, fixed offsets."""
        local = from_ms(int(hour.times_ms[0])).astimezone(self._world.scenario.zone)
        at = (local + timedelta(minutes=30)).hour + 0.5
        noon = max(0.0, float(np.sin(np.pi * (at - 9.5) / 6))) if 9.5 < at < 15.5 else 0.0
        sky = self._world.weather.sky(int(hour.times_ms[0]))
        meal = 1.0 if 11 <= at < 13 or 17 <= at < 20 else 0.1
        outdoor = np.interp(s.taken_ms, hour.times_ms, hour.outdoor)
        error = _level(s, effects.of_kind(FaultKind.OFFSET, FaultKind.MOVED, FaultKind.RADIATOR))
        error += _level(s, effects.of_kind(FaultKind.KITCHEN)) * meal
        error += _level(s, effects.of_kind(FaultKind.SUN)) * noon * sky
        pane = _level(s, effects.of_kind(FaultKind.NEAR_WINDOW))
        return error + np.where(pane > 0, -pane * (s.temperature_c - outdoor), 0.0)

    def _held(self, s: Samples, value: Floats, stuck: Effects) -> Floats:
        """Repeat the first value of a stuck sensor until it comes free."""
        value = value.copy()
        holding = np.zeros(len(self._stuck), dtype=np.bool_)
        for row, inside in _each(s, stuck):
            room = int(stuck.room[row])
            holding[room] = True
            if np.isnan(self._stuck[room]) and len(inside):
                self._stuck[room] = value[inside[np.argmin(s.taken_ms[inside])]]
            value[inside] = self._stuck[room]
        self._stuck[~holding] = np.nan
        return value


def _between(grid: Floats, position: Floats, column: Ints) -> Floats:
    """Interpolate rows of a (T, C) array at fractional row positions."""
    row = np.minimum(position.astype(np.int64), len(grid) - 2)
    part = position - row
    value: Floats = grid[row, column] * (1 - part) + grid[row + 1, column] * part
    return value


def _saturation(celsius: Floats) -> Floats:
    """Saturation vapour pressure over water [hPa] (Magnus, Sonntag 1990)."""
    return 6.112 * np.exp(17.62 * celsius / (243.12 + celsius))


def _pairs(s: Samples, effects: Effects) -> tuple[Ints, Ints]:
    """Return (effect, sample) index pairs where the sample's device is the effect's room and its instant is inside."""
    order = np.argsort(s.device, kind="stable")
    low = np.searchsorted(s.device[order], effects.room, side="left")
    high = np.searchsorted(s.device[order], effects.room, side="right")
    counts = high - low
    row = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    sample = order[np.repeat(low, counts) + within]
    inside = (effects.start_ms[row] <= s.taken_ms[sample]) & (s.taken_ms[sample] < effects.end_ms[row])
    return row[inside], sample[inside]


def _each(s: Samples, effects: Effects) -> list[tuple[int, Ints]]:
    row, sample = _pairs(s, effects)
    return [(k, sample[row == k]) for k in range(len(effects.room))]


def _hit(s: Samples, effects: Effects) -> Bools:
    hit = np.zeros(len(s), dtype=np.bool_)
    hit[_pairs(s, effects)[1]] = True
    return hit


def _level(s: Samples, effects: Effects) -> Floats:
    """Sum of the levels that act on each sample."""
    row, sample = _pairs(s, effects)
    return np.bincount(sample, effects.level[row], len(s)).astype(np.float64)


def _arrival(s: Samples, offline: Effects) -> Ints:
    arrives = s.taken_ms.copy()
    row, sample = _pairs(s, offline)
    np.maximum.at(arrives, sample, np.minimum(offline.end_ms[row], FOREVER_MS))
    return arrives
