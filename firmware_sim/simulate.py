"""Simulate an estate into files: `points.csv`, `readings.csv`, `truth.csv`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from firmware_sim.estate import Estate
from firmware_sim.faults import HOUR_MS
from firmware_sim.files import ReadingsFile, write_points
from firmware_sim.scenario import Scenario
from firmware_sim.sensors import Samples, Sensors
from firmware_sim.truth import Truth, TruthKeeper, write_truth
from firmware_sim.world import STEP_MS, World
from heating.instants import from_ms, to_ms

Progress = Callable[[int, int], None]


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """What was simulated: counts, the period and the truth."""

    homes: int
    points: int
    readings: int
    start: datetime
    end: datetime
    truth: Truth


def simulate_to_files(
    scenario: Scenario,
    homes: int,
    seed: int,
    out: Path,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Write `points.csv`, `readings.csv` and `truth.csv` of [start, end) into the folder `out`.

    The readings are those that reach the company before `end`, with their own times; they stand by hour of arrival,
    so that a backlog follows what was sent live. Same arguments, same bytes.

    Parameters
    ----------
    start, end
        The period; by default the scenario's `start` and `days`. The start is taken down to five minutes.
    progress
        Called with (hours done, hours in all).
    """
    begin_ms, end_ms = _period(scenario, start, end)
    out.mkdir(parents=True, exist_ok=True)
    estate = Estate.build(homes, seed, scenario.estate)
    world = World(scenario, estate, seed, begin_ms, begin_ms + round(scenario.history_h * HOUR_MS))
    sensors = Sensors(world, scenario.nodes, seed)
    keeper = TruthKeeper(estate, scenario.zone, world.faults)
    write_points(out / "points.csv", estate)
    readings, hours = 0, -(-(end_ms - begin_ms) // HOUR_MS)
    waiting: list[Samples] = []
    with ReadingsFile(out / "readings.csv", estate.devices) as file:
        for done in range(hours):
            hour = world.hour()
            keeper.take(hour)
            ready, waiting = _arrived([*waiting, sensors.hour(hour)], min(world.next_ms, end_ms))
            readings += sum(len(part) + int(part.duplicate.sum()) for part in ready)
            for part in ready:
                file.write(part)
            if progress is not None:
                progress(done + 1, hours)
    truth = keeper.truth(begin_ms, end_ms)
    write_truth(out / "truth.csv", truth)
    return Simulated(
        homes=homes, points=len(estate.points), readings=readings, start=from_ms(begin_ms), end=from_ms(end_ms),
        truth=truth,
    )  # fmt: skip


def _period(scenario: Scenario, start: datetime | None, end: datetime | None) -> tuple[int, int]:
    begin = start or scenario.default_start()
    finish = end or begin + timedelta(days=scenario.days)
    begin_ms = to_ms(begin) // STEP_MS * STEP_MS
    if to_ms(finish) <= begin_ms:
        raise ValueError(f"the period ends ({finish.isoformat()}) before it begins ({begin.isoformat()})")
    return begin_ms, to_ms(finish)


def _arrived(parts: list[Samples], until_ms: int) -> tuple[list[Samples], list[Samples]]:
    """Split samples into those that have arrived before an instant and those that wait in their devices."""
    ready: list[Samples] = []
    waiting: list[Samples] = []
    for part in parts:
        here = part.arrives_ms < until_ms
        ready.append(part.rows(here))
        if not here.all():
            waiting.append(part.rows(~here))
    return [part for part in ready if len(part)], [part for part in waiting if len(part)]
