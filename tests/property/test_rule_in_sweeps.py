"""Sweeps over data that comes late, in pieces and in disorder say at the end what one pass over all of it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.analyzer.fakes import World

from analyzer.analysis import Observations, Rules, Span, analyze
from analyzer.estate import Estate
from analyzer.memory import SHARED
from analyzer.settings import AnalyzerSettings
from analyzer.sweep import Sweeper
from heating.errors import StoreUnavailable
from heating.finding import Finding
from heating.reading import ReadingSeries
from heating.register import Register
from heating.regulation import load_profile
from heating.site import MeasurementPoint

START = datetime(2026, 11, 20, 16, tzinfo=UTC)  # midnight in Shanghai
RULES = Rules(AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZoneInfo("Asia/Shanghai"))
POINTS = [
    MeasurementPoint(point_id=f"P{n}", station="S", building="1", unit="1", room=str(n), floor=n + 1) for n in range(3)
]

values = st.sampled_from([15.5, 16.1, 17.0, 17.9, 18.1, 18.5, 20.0])
gaps = st.sampled_from([20, 20, 20, 20, 40, 100, 400])


@st.composite
def deliveries(draw: Any) -> list[tuple[int, list[tuple[str, int, float]]]]:
    """Batches (minute of arrival, readings with their minute), over about four days."""
    batches = []
    for point in POINTS:
        minute, delay = draw(st.integers(0, 600)), 0
        run = draw(st.lists(st.tuples(gaps, values, st.integers(1, 12)), max_size=12))
        for gap, value, repeat in run:
            delay = draw(st.sampled_from([0, 0, 0, 30, 300, 3000, 5000]))
            for _ in range(repeat):
                batches.append((minute + delay, [(point.point_id, minute, value)]))
                minute += gap
    return sorted(batches, key=lambda batch: batch[0])


def one_pass(world: World, now: datetime) -> list[Finding]:
    estate = Estate(Register.of_points(POINTS))
    rooms: ReadingSeries = world.store.series(estate.ids, -(1 << 60), 1 << 60)
    return analyze(estate, RULES, Observations(rooms), Span(None, now)).findings


def facts(findings: list[Finding]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            f.kind,
            f.subject,
            f.start,
            f.end or datetime.max.replace(tzinfo=UTC),
            f.confirmed_at or START,
            f.ended_by or "",
        )
        for f in findings
        if f.kind not in SHARED
    )


@settings(max_examples=40, deadline=None)
@given(deliveries(), st.sampled_from([1, 10, 60, 700]), st.lists(st.integers(1, 300), max_size=6), st.booleans())
def test_sweeps_come_to_what_one_pass_says(
    batches: list[tuple[int, list[tuple[str, int, float]]]], every: int, crashes: list[int], restart: bool
) -> None:
    world = World(Register.of_points(POINTS))
    sweeper = Sweeper(RULES, world.store, world.ledger)  # type: ignore[arg-type]
    crashes = sorted(crashes)
    waiting, last = list(batches), (batches[-1][0] if batches else 0) + 61
    for number, minute in enumerate([*range(0, last, max(every, last // 60)), last, last + 1]):
        now = START + timedelta(minutes=minute)
        while waiting and waiting[0][0] <= minute:
            world.deliver([(p, START + timedelta(minutes=m), v) for p, m, v in waiting.pop(0)[1]])
        if restart and number % 7 == 3:
            sweeper = Sweeper(RULES, world.store, world.ledger)  # type: ignore[arg-type]
        world.faults.fail_at = next((at for at in crashes if at > world.faults.calls), None)
        try:
            sweeper.sweep(now)
        except StoreUnavailable:
            world.faults.fail_at = None
            sweeper.sweep(now)
    world.faults.fail_at = None
    wanted = one_pass(world, now)
    said, right = facts(world.ledger.findings.standing()), facts(wanted)
    assert said == right, (sorted(set(said) - set(right)), sorted(set(right) - set(said)))
    ids = [f.id for f in world.ledger.findings.standing()]
    assert len(ids) == len(set(ids))
    assert not np.isnan([f.evidence.get("min_c", 0.0) for f in wanted]).any()
