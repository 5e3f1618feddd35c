"""A cause that homes share is told from the homes' own, on estates where the truth is laid in."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analyzer.analysis import Observations, Rules, Span, analyze
from analyzer.estate import Estate
from analyzer.result import Analysis
from analyzer.settings import AnalyzerSettings
from heating.finding import FindingKind, Scope, Side
from heating.instants import EPOCH, to_ms
from heating.reading import ReadingSeries
from heating.register import Register
from heating.regulation import load_profile
from heating.site import MeasurementPoint, PointKind

NOON = EPOCH + timedelta(days=20000, hours=4)  # noon in Shanghai
RULES = Rules(AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZoneInfo("Asia/Shanghai"))


def room(branch: str, building: int, unit: int, floor: int) -> MeasurementPoint:
    return MeasurementPoint(
        point_id=f"{branch}-{building}-{unit}-{floor}",
        station="S1",
        branch=branch,
        branch_distance_m=100.0 * building,
        network_end=building >= 4,
        building=f"{branch}{building}",
        unit=str(unit),
        floor=floor,
        floors_total=6,
        room=f"{unit}0{floor}",
    )


ROOMS = [room(*place) for place in itertools.product("AB", range(1, 6), range(1, 4), range(1, 7))]
ENTRIES = [
    MeasurementPoint(point_id=f"E{name}{n}", kind=PointKind.ENTRY, station="S1", branch=name, building=f"{name}{n}")
    for name in "AB"
    for n in range(1, 6)
]


def series(ids: list[str], value: Callable[[str], float]) -> ReadingSeries:
    instants = [to_ms(NOON) - 60_000 * minute for minute in (60, 40, 20, 0)]
    owner = np.repeat(np.arange(len(ids)), 4)
    values = np.repeat(np.array([value(point) for point in ids]), 4)
    return ReadingSeries.of_rows(
        tuple(ids), owner, np.tile(instants, len(ids)), values, np.zeros(4 * len(ids), dtype=np.int64)
    )


def said(cold: Callable[[MeasurementPoint], bool], supply: Callable[[str], float] = lambda _: 50.0) -> Analysis:
    estate = Estate(Register.of_points([*ROOMS, *ENTRIES]))
    by_id = {p.point_id: p for p in ROOMS}
    rooms = series([p.point_id for p in ROOMS], lambda point: 16.0 if cold(by_id[point]) else 20.5)
    entries = series([p.point_id for p in ENTRIES], supply)
    return analyze(estate, RULES, Observations(rooms, entries), Span(None, NOON))


@pytest.mark.parametrize(
    ("cold", "kind", "subject", "scope"),
    [
        (lambda p: p.branch == "A" and p.network_end, "horizontal_imbalance", "S1/A", Scope.BRANCH_END),
        (lambda p: p.building == "A2", "horizontal_imbalance", "S1/A2", Scope.BUILDING),
        (lambda p: p.riser_id == "S1/B3/2", "horizontal_imbalance", "S1/B3/2", Scope.RISER),
        (lambda p: p.building == "B1" and p.floor <= 2, "vertical_imbalance", "S1/B1", Scope.LOW_FLOORS),
        (lambda p: True, "supply_low", "S1", Scope.STATION),
        (lambda p: p.branch == "B", "horizontal_imbalance", "S1/B", Scope.STATION),
    ],
)
def test_the_scope_that_is_cold_is_named_with_its_members(cold, kind, subject, scope) -> None:
    analysis = said(cold)
    (shared,) = [f for f in analysis.findings if f.subject.type != "point"]
    assert (shared.kind, shared.subject.id, shared.cause.scope) == (kind, subject, scope)
    members = {p.point_id for p in ROOMS if cold(p)}
    assert set(shared.members) == members
    breaches = [f for f in analysis.findings if f.kind is FindingKind.COLD_HOME]
    assert {f.subject.id for f in breaches} == members
    assert {f.parent for f in breaches} == {shared.id}
    assert {f.cause for f in breaches} == {shared.cause}
    assert shared.cause.side is Side.NETWORK


def test_scattered_homes_are_cold_for_reasons_of_their_own() -> None:
    chosen = {"A-1-1-3", "A-3-2-5", "B-2-3-1", "B-5-1-6"}
    analysis = said(lambda p: p.point_id in chosen)
    causes = [(f.cause.scope, f.cause.side, f.parent) for f in analysis.findings if f.kind is FindingKind.COLD_HOME]
    assert causes == [(Scope.HOME, Side.INDOOR, None)] * 4
    assert not [f for f in analysis.findings if f.subject.type != "point"]


def test_low_supply_at_the_entry_puts_a_home_and_a_building_on_the_network_side() -> None:
    lone = said(lambda p: p.point_id == "A-1-1-3", lambda entry: 38.0 if entry == "EA1" else 50.0)
    assert [f.cause.side for f in lone.findings] == [Side.NETWORK]
    whole = said(lambda p: p.building == "A2", lambda entry: 38.0 if entry == "EA2" else 50.0)
    (shared,) = [f for f in whole.findings if f.subject.type != "point"]
    assert (shared.kind, shared.subject.id) == (FindingKind.SUPPLY_LOW, "S1/A2")


def test_two_causes_at_once_are_both_named() -> None:
    analysis = said(lambda p: p.building == "A2" or p.riser_id == "S1/B3/2" or p.point_id == "B-1-1-1")
    scopes = sorted(f.cause.scope for f in analysis.findings if f.subject.type != "point")
    assert scopes == [Scope.BUILDING, Scope.RISER]
    assert [f.subject.id for f in analysis.findings if f.cause.scope is Scope.HOME] == ["B-1-1-1"]


@pytest.mark.parametrize(("supply", "scope"), [(None, Scope.HOME), (25.0, Scope.STATION)])
def test_few_cold_homes_with_nothing_beside_them_do_not_blame_the_station(supply: float | None, scope: Scope) -> None:
    few = [point for point in ROOMS if point.branch == "A" and point.building in ("A1", "A2") and point.unit == "1"][
        3:9
    ]
    entries = [entry for entry in ENTRIES if entry.building == "A1"] if supply else []
    observations = Observations(
        series([p.point_id for p in few], lambda _: 16.0),
        series([p.point_id for p in entries], lambda _: supply or 0.0),
    )
    found = analyze(Estate(Register.of_points([*few, *entries])), RULES, observations, Span(None, NOON)).findings
    assert {f.cause.scope for f in found if f.kind is FindingKind.COLD_HOME and f.cause} == {scope}
