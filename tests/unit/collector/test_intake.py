from __future__ import annotations

import pytest

from collector.intake import Ignored, Intake
from collector.packet import Packet
from collector.payloads.message import Flaw, Message, Reason, Sample, Silence
from heating.reading import Quality, Reading
from heating.register import Register
from heating.site import MeasurementPoint, Placement, PointKind

NOW = 1_795_312_800_000
DAY = 86_400_000
POINTS = (
    MeasurementPoint(point_id="P1", station="S1"),
    MeasurementPoint(point_id="P2", station="S1"),
    MeasurementPoint(point_id="E1", station="S1", kind=PointKind.ENTRY),
    MeasurementPoint(point_id="O1", station="S1", kind=PointKind.OUTDOOR),
)
REGISTER = Register(
    POINTS,
    (
        Placement("room", "P1", None, NOW - DAY),
        Placement("room", "P2", NOW - DAY, None),
        Placement("entry", "E1"),
        Placement("out", "O1"),
        Placement("gone", "P1", NOW - 3 * DAY, NOW - 2 * DAY),
    ),
)


def judge(*samples: Sample | Flaw, device: str = "room", retained: bool = False, retention_ms: int = 0):
    packet = Packet(topic="t", payload=b"", received_ms=NOW, length=0, retained=retained)
    return Intake(REGISTER, retention_ms).judge(packet, Message(device, list(samples)), NOW)


def reason(sample: Sample, **kw: object) -> Reason | None:
    (outcome,) = judge(sample, **kw)  # type: ignore[arg-type]
    return outcome.reason if isinstance(outcome, Flaw) else None


def at(ts_ms: int | None, value: float | None = 19.0, **kw: object) -> Sample:
    return Sample(ts_ms=ts_ms, temperature_c=value, **kw)  # type: ignore[arg-type]


def test_reading_goes_where_its_device_sat_then():
    before, after = judge(at(NOW - DAY - 1), at(NOW - DAY))
    assert isinstance(before, Reading)
    assert isinstance(after, Reading)
    assert (before.point_id, after.point_id) == ("P1", "P2")
    assert after.lag_s == 86_400.0


@pytest.mark.parametrize(("late_ms", "expected"), [(300_000, None), (300_001, Reason.FUTURE), (10**12, Reason.FUTURE)])
def test_five_minutes_into_the_future(late_ms, expected):
    assert reason(at(NOW + late_ms)) is expected


def test_retention_is_exact_and_off_by_default():
    assert reason(at(NOW - DAY), retention_ms=DAY) is None
    assert reason(at(NOW - DAY - 1), retention_ms=DAY) is Reason.TOO_OLD
    assert reason(at(1_000_000_000_000)) is None


@pytest.mark.parametrize(
    ("device", "value", "expected"),
    [
        ("room", -30.0, None),
        ("room", 60.0, None),
        ("room", 60.01, Reason.OUT_OF_RANGE),
        ("room", -30.01, Reason.OUT_OF_RANGE),
        ("room", float("nan"), Reason.NOT_FINITE),
        ("room", float("-inf"), Reason.NOT_FINITE),
        ("room", None, Reason.NO_VALUE),
        ("out", -60.0, None),
        ("out", -60.1, Reason.OUT_OF_RANGE),
        ("entry", 40.0, Reason.NO_VALUE),
        ("stranger", 19.0, Reason.UNKNOWN_DEVICE),
        ("gone", 19.0, Reason.NOT_PLACED),
    ],
)
def test_values_by_kind_of_point(device, value, expected):
    assert reason(at(NOW, value), device=device) is expected


@pytest.mark.parametrize(
    ("supply", "back", "flow", "expected"),
    [
        (0.0, 150.0, None, None),
        (45.0, None, None, None),
        (45.0, 151.0, None, Reason.OUT_OF_RANGE),
        (-0.1, 40.0, None, Reason.OUT_OF_RANGE),
        (45.0, 40.0, float("nan"), Reason.NOT_FINITE),
        (float("inf"), 40.0, None, Reason.NOT_FINITE),
        (None, None, 3.0, Reason.NO_VALUE),
    ],
)
def test_entry_measures_water(supply, back, flow, expected):
    assert reason(Sample(ts_ms=NOW, supply_c=supply, return_c=back, flow_m3h=flow), device="entry") is expected


def test_entry_keeps_water_only_and_rooms_keep_air_only():
    both = Sample(ts_ms=NOW, temperature_c=19.0, supply_c=45.0, return_c=40.0)
    (water,) = judge(both, device="entry")
    (air,) = judge(both)
    assert isinstance(water, Reading)
    assert isinstance(air, Reading)
    assert (water.temperature_c, water.supply_c) == (None, 45.0)
    assert (air.temperature_c, air.supply_c) == (19.0, None)


def test_without_a_clock_only_the_last_is_kept():
    first, second, third, fourth = judge(at(None), at(NOW - 5), at(None), Flaw(3, Reason.WRONG_TYPE))
    assert first == Flaw(0, Reason.NO_CLOCK)
    assert isinstance(second, Reading)
    assert isinstance(third, Reading)
    assert (third.ts_ms, third.quality, third.lag_s) == (NOW, Quality.SERVER_TIME, 0.0)
    assert fourth == Flaw(3, Reason.WRONG_TYPE)


def test_retained_needs_a_time_of_its_own():
    assert judge(at(None), retained=True) == [Ignored(Silence.RETAINED)]
    assert isinstance(judge(at(NOW - 5), retained=True)[0], Reading)


def test_broken_company_does_not_spoil_a_reading():
    (reading,) = judge(at(NOW, battery_v=float("inf"), rssi_dbm=float("nan")))
    assert isinstance(reading, Reading)
    assert (reading.battery_v, reading.rssi_dbm) == (None, None)


def test_packet_without_readings_is_counted():
    assert judge() == [Ignored(Silence.NO_READING)]
