"""What findings say beside their interval: severity, evidence, silence, doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analyzer.analysis import Observations, Rules, Span, analyze
from analyzer.estate import Estate
from analyzer.result import Analysis
from analyzer.settings import AnalyzerSettings
from heating.finding import FindingKind, Scope, Severity, Side, Status
from heating.instants import to_ms
from heating.reading import Quality, ReadingSeries
from heating.register import Register
from heating.regulation import load_profile
from heating.site import HomeClass, MeasurementPoint

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
RULES = Rules(AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZoneInfo("Asia/Shanghai"))


def said(rows: list[tuple[int, float, Quality]], **point) -> Analysis:
    """One home with readings at minutes before noon."""
    home = MeasurementPoint(point_id="P", station="S", building="1", floor=5, room="501", **point)
    estate = Estate(Register.of_points([home]))
    ts = np.array([to_ms(NOON) - minute * 60_000 for minute, _, _ in rows])
    series = ReadingSeries.of_rows(
        ("P",),
        np.zeros(len(rows), np.int64),
        ts,
        np.array([v for _, v, _ in rows]),
        np.array([int(q) for *_, q in rows]),
    )
    return analyze(estate, RULES, Observations(series), Span(None, NOON))


GOOD = Quality(0)


@pytest.mark.parametrize(
    ("floor", "value", "severity"),
    [
        (18.1, 17.2, Severity.MINOR),
        (18.1, 17.1, Severity.MAJOR),  # 18.1 - 17.1 and 16.4 - 15.4 are one kelvin, whatever floats say
        (16.4, 15.4, Severity.MAJOR),
        (18.2, 14.3, Severity.MAJOR),
        (18.2, 14.2, Severity.CRITICAL),
        (14.0, 11.9, Severity.CRITICAL),
    ],
)
def test_severity_goes_by_the_worst_of_a_breach(floor: float, value: float, severity: Severity) -> None:
    contract = {"home_class": HomeClass.BUNGALOW, "contract_day_c": floor, "contract_night_c": floor}
    analysis = said([(60, value, GOOD), (30, floor - 0.1, GOOD), (0, floor - 0.1, GOOD)], **contract)
    (breach,) = analysis.findings
    assert breach.severity is severity


def test_evidence_of_a_breach() -> None:
    (breach,) = said([(70, 17.0, GOOD), (40, 16.5, GOOD), (20, 18.1, GOOD), (10, 17.5, GOOD)]).findings
    assert breach.evidence == {
        "min_c": 16.5,
        "deficit_k": 1.5,
        "minutes_below": 60.0,
        "degree_hours": round((30 * 1.0 + 20 * 1.5 + 10 * 0.5) / 60, 3),
        "readings": 3,
        "clause": "S2 §7(1)",
        "temperature_c": 16.5,
        "floor_c": 18.0,
        "score": 1.5,
        "reasons": [],
    }


def test_silence_is_a_finding_of_the_sensor_from_the_instant_the_home_is_unknown() -> None:
    analysis = said([(300, 20.0, GOOD), (209, 20.0, GOOD), (90, 20.0, GOOD)])
    silent = [f for f in analysis.findings if f.kind is FindingKind.SILENT]
    assert [(f.start, f.end) for f in silent] == [
        (NOON - timedelta(minutes=210), NOON - timedelta(minutes=209)),
        (NOON - timedelta(minutes=119), NOON - timedelta(minutes=90)),
        (NOON, None),
    ]
    assert {(f.cause.scope, f.cause.side) for f in silent} == {(Scope.SENSOR, Side.DATA)}
    assert analysis.homes[0].status is Status.UNKNOWN


def test_a_reading_of_a_faulty_sensor_is_neither_warm_nor_cold() -> None:
    analysis = said([(40, 20.0, GOOD), (20, -5.0, Quality.SENSOR_FAULT)])
    (home,) = analysis.homes
    assert (home.status, home.why, home.temperature_c, home.deficit_k) == (Status.SUSPECT, "sensor_fault", -5.0, None)
    assert home.legal_status is Status.SUSPECT
    assert analysis.findings == []
