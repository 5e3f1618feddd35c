from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dashboards.homes import Homes, Known, PointStatus, homes_of
from heating.finding import Cause, Finding, FindingKind, Scope, Side, Status, Subject
from heating.site import HeatingState, MeasurementPoint, SubjectType

NOW = datetime(2026, 12, 15, 2, tzinfo=UTC)


def point(point_id: str, room: str, **more: object) -> MeasurementPoint:
    base = {"device_id": f"D{point_id}", "station": "S1", "building": "3", "unit": "1", "floor": 5, "floors_total": 6}
    return MeasurementPoint(point_id=point_id, room=room, **{**base, **more})  # type: ignore[arg-type]


def cold(deficit_k: float, score: float | None = None) -> PointStatus:
    return PointStatus(
        at=NOW, status=Status.COLD, temperature_c=18 - deficit_k, floor_c=18.0, deficit_k=deficit_k,
        score=deficit_k if score is None else score,
    )  # fmt: skip


def state(status: Status, value: float | None = 20.0) -> PointStatus:
    return PointStatus(at=NOW, status=status, temperature_c=value, floor_c=18.0)


def known(status: dict[str, PointStatus], *findings: Finding, out: frozenset[str] = frozenset()) -> Known:
    by_point: dict[str, list[Finding]] = {}
    for finding in findings:
        by_point.setdefault(finding.subject.id, []).append(finding)
    return Known(status, by_point, {}, {}, low_floors=2, out_places=out)


def breach(point_id: str, *, confirmed: bool, hours: float = 1) -> Finding:
    return Finding(
        id=f"F{point_id}", kind=FindingKind.COLD_HOME, subject=Subject(SubjectType.POINT, point_id),
        start=NOW - timedelta(hours=hours), confirmed=confirmed,
    )  # fmt: skip


def test_a_home_is_as_cold_as_its_worst_trusted_point() -> None:
    points = [point("A", "501"), point("B", "501"), point("C", "501")]
    status = {"A": state(Status.OK), "B": cold(0.4), "C": state(Status.SUSPECT, 5.0)}
    (home,) = homes_of(points, known(status))
    assert (home.status, home.point_id, home.points) == (Status.COLD, "B", ("A", "B", "C"))


def test_without_a_trusted_point_the_doubtful_one_shows() -> None:
    points = [point("A", "501"), point("B", "501")]
    (home,) = homes_of(points, known({"A": state(Status.UNKNOWN), "B": state(Status.SUSPECT)}))
    assert (home.status, home.point_id) == (Status.SUSPECT, "B")


def test_ranks_follow_the_contract() -> None:
    points = [point("A", "101"), point("B", "102"), point("C", "103"), point("D", "104"), point("E", "105")]
    status = {"A": cold(3.0), "B": cold(1.0), "C": cold(1.0), "D": cold(2.0), "E": state(Status.OK)}
    findings = [
        breach("A", confirmed=False),
        breach("B", confirmed=True, hours=1),
        breach("C", confirmed=True, hours=2),
        breach("D", confirmed=True),
    ]
    rows = homes_of(points, known(status, *findings))
    assert [(r.point_id, r.rank) for r in rows] == [("D", 1), ("C", 2), ("B", 3), ("A", 4), ("E", None)]


def test_a_home_warm_again_is_not_confirmed_while_its_finding_is_open() -> None:
    (home,) = homes_of([point("A", "501")], known({"A": state(Status.OK, 18.1)}, breach("A", confirmed=True)))
    assert not home.confirmed
    assert home.since is None
    assert home.findings == ("FA",)


def test_a_point_without_a_row_is_unknown_and_says_why() -> None:
    rows = homes_of([point("A", "501"), point("B", "502", device_id=None)], known({}))
    assert [(r.status, r.why) for r in rows] == [(Status.UNKNOWN, "no_reading"), (Status.UNKNOWN, "no_device")]


def test_why_of_homes_that_are_not_judged() -> None:
    points = [
        point("A", "501", heating_state=HeatingState.SUSPENDED),
        point("B", "502"),
        point("C", "503", building="4"),
        point("D", "504"),
        point("E", "505"),
    ]
    status = {p: state(Status.EXEMPT) for p in "ABC"} | {"D": state(Status.UNKNOWN), "E": state(Status.SUSPECT)}
    silent = Finding(
        id="F", kind=FindingKind.SILENT, subject=Subject(SubjectType.POINT, "D"), start=NOW,
        cause=Cause(Scope.SENSOR, Side.DATA, 0.9),
    )  # fmt: skip
    rows = homes_of(points, known(status, silent, out=frozenset({"S1/3"})))
    assert {r.point_id: r.why for r in rows} == {
        "A": "suspended", "B": "outage", "C": "season", "D": "silent", "E": "sensor_fault",
    }  # fmt: skip


def test_low_floors_need_a_building_that_has_them() -> None:
    points = [
        point("A", "101", floor=2, floors_total=2),
        point("B", "102", floor=2, floors_total=3, network_end=True),
        point("C", "103", floor=2, floors_total=None),
        point("D", "104", floor=3),
    ]
    rows = homes_of(points, known({p: cold(1.0) for p in "ABCD"}))
    assert {r.point_id: r.reasons for r in rows} == {
        "A": (), "B": ("low_floor", "network_end"), "C": ("low_floor",), "D": (),
    }  # fmt: skip


def test_homes_asked_again_say_what_is_known_by_then_and_keep_what_is_not_new() -> None:
    points = [point("A", "501"), point("B", "502"), point("C", "503"), point("D", "503")]
    homes = Homes(points)
    status = {p.point_id: state(Status.OK) for p in points}
    before = {row.home: row for row in homes.rows(known(status))}
    steps = [
        known(status | {"A": cold(1.0)}),
        known(status | {"A": cold(1.0), "D": cold(2.0)}, breach("D", confirmed=True)),
        known(status, breach("D", confirmed=True)),
        Known(status, {}, {"S1/3/1/502": "WO-1"}, {"DC": NOW}, low_floors=2),
        Known({"A": state(Status.EXEMPT)}, {}, {}, {}, low_floors=2, out_places=frozenset({"S1/3"})),
    ]
    for now_known in steps:
        assert homes.rows(now_known) == homes_of(points, now_known)
    again = {row.home: row for row in homes.rows(known(status))}
    assert again == before
    assert all(row is again[row.home] for row in homes.rows(known(dict(status))))
