"""The array kernel against the slow state machine of `reference_rule`, on cases where the boundaries are common."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property.reference_rule import Case, breaches

from analyzer.compliance import Carry, Judgement, Rule, judge
from analyzer.episodes import EndedBy, Episodes
from analyzer.exemption import FOREVER, exemptions_of
from analyzer.floors import DayWindows, floors_of
from heating.instants import to_ms
from heating.reading import ReadingSeries
from heating.regulation import load_profile
from heating.site import HomeClass, MeasurementPoint, Outage, SubjectType

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
T0 = to_ms(MIDNIGHT)
MINUTE = 60_000

values = st.sampled_from([14.0, 15.9, 16.0, 16.1, 16.3, 17.0, 17.9, 18.0, 18.1, 18.2, 18.3, 18.4, 20.0])
steps = st.sampled_from([1, 10, 15, 20, 29, 30, 31, 60, 89, 90, 91, 120, 200])
starts = st.sampled_from([0, 300, 330, 350, 360, 1150, 1200, 1230, 1240, 1250, 1260])
floors = st.sampled_from([(18.0, 16.0), (18.0, 18.0), (16.0, 18.0), (17.1, 16.2)])


@st.composite
def cases(draw: Any) -> Case:
    at = draw(starts)
    readings = []
    for step, value in draw(st.lists(st.tuples(steps, values), max_size=25)):
        readings.append((at, value))
        at += step
    last = readings[-1][0] if readings else at
    now = draw(st.sampled_from([last, last + 1, last + 30, last + 90, last + 200, max(last - 20, 0), at]))
    now = draw(st.sampled_from([now, 360, 1260, 1800, now]))
    edges = st.tuples(st.integers(-100, 2000), st.sampled_from([1, 5, 30, 60, 400]))
    exempt = [(start, start + length) for start, length in draw(st.lists(edges, max_size=2))]
    day, night = draw(floors)
    confirm, stale = draw(st.sampled_from([30, 0, 20])), draw(st.sampled_from([90, 25, 1500]))
    used = [(t, v) for t, v in readings if t <= now]
    case = Case(used, now, day_c=day, night_c=night, exempt=exempt, confirm=confirm, stale=stale)
    case.later = [(t, v) for t, v in readings if t > now]  # type: ignore[attr-defined]
    return case


def series_of(cases_: list[Case]) -> ReadingSeries:
    rows = [(p, t, v) for p, c in enumerate(cases_) for t, v in c.readings + getattr(c, "later", [])]
    owner = np.array([p for p, _, _ in rows], dtype=np.int64)
    ts = np.array([T0 + t * MINUTE for _, t, _ in rows], dtype=np.int64)
    value = np.array([v for _, _, v in rows], dtype=np.float64)
    points = tuple(f"P{p}" for p in range(len(cases_)))
    return ReadingSeries.of_rows(points, owner, ts, value, np.zeros(len(rows), dtype=np.int64))


def rule_of(cases_: list[Case]) -> Rule:
    points = [
        MeasurementPoint(
            point_id=f"P{p}", station="S", building="1", home_class=HomeClass.BUNGALOW,
            contract_day_c=c.day_c, contract_night_c=c.night_c,
        )
        for p, c in enumerate(cases_)
    ]  # fmt: skip
    outages = [
        Outage(
            outage_id="", subject_type=SubjectType.POINT, subject_id=f"P{p}", reason="",
            start=MIDNIGHT + timedelta(minutes=a), end=MIDNIGHT + timedelta(minutes=b),
        )
        for p, c in enumerate(cases_)
        for a, b in c.exempt
    ]  # fmt: skip
    profile = load_profile("enterprise")
    zone: Any = UTC
    return Rule(
        floors_of(profile, points, cases_[0].margin_k),
        DayWindows.between(profile, zone, T0 - 10 * 1440 * MINUTE, T0 + 10 * 1440 * MINUTE),
        exemptions_of(points, outages, [], zone),
        cases_[0].stale * MINUTE,
        cases_[0].confirm * MINUTE,
    )


def minutes(ms: int) -> int | None:
    return None if ms == FOREVER else (ms - T0) // MINUTE


def found(episodes: Episodes, point: int) -> list[tuple[int | None, int | None, int | None]]:
    mine = episodes.rows(np.flatnonzero(episodes.point == point))
    rows = zip(mine.start_ms.tolist(), mine.end_ms.tolist(), mine.confirmed_ms.tolist(), strict=True)
    return [(minutes(a), minutes(b), minutes(c)) for a, b, c in rows]


def wanted(case: Case) -> list[tuple[int | None, int | None, int | None]]:
    return [(b.start, b.end, b.confirmed) for b in breaches(case)]


def run(cases_: list[Case], now: int, carry: Carry | None = None) -> Judgement:
    return judge(series_of(cases_), rule_of(cases_), T0 + now * MINUTE, carry)


@settings(max_examples=600, deadline=None)
@given(cases())
def test_every_breach_begins_ends_and_is_confirmed_as_the_state_machine_says(case: Case) -> None:
    assert found(run([case], case.now).cold, 0) == wanted(case)


@settings(max_examples=100, deadline=None)
@given(st.lists(cases(), min_size=2, max_size=6))
def test_points_do_not_touch_each_other(several: list[Case]) -> None:
    now = max(case.now for case in several)
    for case in several:
        case.readings += [r for r in case.later if r[0] <= now]  # type: ignore[attr-defined]
        case.later = []  # type: ignore[attr-defined]
        case.now, case.stale, case.confirm = now, several[0].stale, several[0].confirm
    judgement = run(several, now)
    for index, case in enumerate(several):
        assert found(judgement.cold, index) == wanted(case)
    assert np.all(np.diff(judgement.cold.point) >= 0)


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(1, 40))
def test_a_window_that_begins_in_the_middle_says_the_same(case: Case, pick: int) -> None:
    """Judge up to a base, carry what is open there, judge on: unless a count was running at the base."""
    if not case.readings:
        return
    base = case.readings[0][0] + pick * (case.now - case.readings[0][0]) // 40
    whole = run([case], case.now).cold
    past = run([case], base).cold
    open_ = past.rows(np.flatnonzero(past.end_ms == FOREVER))
    held = case.held(base)
    if held is not None and len(open_):
        below = held[1] < case.floor(base)
        if not below or open_.confirmed_ms[0] == FOREVER:
            return
    carry = Carry(np.array([T0 + base * MINUTE]), open_, Episodes.joined([]))
    onward = run([case], case.now, carry).cold
    done = [row for row in found(past, 0) if row[1] is not None and row[1] <= base]
    assert done + found(onward, 0) == found(whole, 0)
    if len(onward):
        np.testing.assert_allclose(onward.below_ms[-1], whole.below_ms[-1])


def test_reasons_of_an_end() -> None:
    cold_then_warm = Case([(600, 17.0), (620, 17.0), (640, 19.0), (660, 19.0), (680, 19.0)], 700)
    cold_till_night = Case([(1200, 17.0), (1230, 17.0), (1260, 17.0)], 1300)
    exempted = Case([(600, 17.0), (620, 17.0)], 700, exempt=[(630, 900)])
    reasons = [int(run([c], c.now).cold.ended_by[0]) for c in (cold_then_warm, cold_till_night, exempted)]
    assert reasons == [EndedBy.WARM, EndedBy.FLOOR, EndedBy.OUTAGE]


@pytest.mark.parametrize(("value", "states"), [(17.9, 1), (18.0, 0)])
def test_below_target_is_the_night_between_floor_and_target(value: float, states: int) -> None:
    case = Case([(1240, 19.0), (1270, value), (1300, value)], 1310)
    profile = load_profile("enterprise")
    rule = rule_of([case])
    points = [MeasurementPoint(point_id="P0", station="S", building="1")]
    rule = Rule(floors_of(profile, points, 0.3), rule.windows, rule.exempt, rule.stale_ms, rule.confirm_ms)
    judgement = judge(series_of([case]), rule, T0 + case.now * MINUTE)
    assert len(judgement.cold) == 0
    assert len(judgement.below_target) == states
