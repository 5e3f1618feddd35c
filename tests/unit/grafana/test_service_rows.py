"""Rows for Grafana from a small site: what is written, when it is written again, what is said of what has ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from consolekit import NOW, ZONE, Site, open_site

from dashboards.grafana.rows import Changed, Row, rollup_of
from dashboards.grafana.site_rows import data_day
from dashboards.snapshot import JudgingRules
from heating.clock import ManualClock
from heating.device_clock import ClockState, DeviceClock
from heating.finding import Finding, FindingKind
from heating.instants import local_midnight, to_ms
from heating.ledger.port import ClockRecord
from heating.loss import LOSS, Loss
from heating.measurement import Measurement, RollUp
from heating.order import FINISHED, OrderEvent, apply
from heating.register import Register
from heating.site import MeasurementPoint
from heatwatch.service_rows import RowsSite, ServiceRowsStage

MINUTE = timedelta(minutes=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


def stage(site: Site) -> ServiceRowsStage:
    return ServiceRowsStage(site.store, site.ledger, ManualClock(NOW), RowsSite("试验站", ZONE, JudgingRules()))


def rows(site: Site, measurement: Measurement, since: datetime = NOW - timedelta(days=40)) -> list[dict[str, object]]:
    found: RollUp = site.store.rollup(measurement, to_ms(since), to_ms(NOW + timedelta(days=1)))
    columns = found.tags | found.floats | found.texts | {"ts_ms": found.ts_ms}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_the_site_has_the_figures_of_the_console(site: Site) -> None:
    stage(site).write(NOW)
    (row,) = rows(site, Measurement.SITE_STATUS)
    homes = rows(site, Measurement.HOME_NOW)
    assert row["site"] == "试验站"
    assert row["cold"] == sum(home["status"] == "cold" for home in homes) > 0
    assert row["total"] == len(homes)
    assert row["orders"] == len(site.ledger.orders.unfinished())


def test_homes_come_in_the_order_of_the_rule(site: Site) -> None:
    stage(site).write(NOW)
    homes = sorted(rows(site, Measurement.HOME_NOW), key=lambda home: -float(str(home["urgency"])))
    confirmed = [home["confirmed"] for home in homes if home["status"] == "cold"]
    assert confirmed == sorted(confirmed, reverse=True)
    assert all(home["urgency"] == 0 for home in homes if home["status"] != "cold")


def cold_list(site: Site) -> set[object]:
    """Return the homes whose newest row in the list of cold ones says so."""
    newest = {row["home"]: row["urgency"] for row in rows(site, Measurement.COLD_HOME)}
    return {home for home, urgency in newest.items() if float(str(urgency)) > 0}


def test_the_list_of_cold_homes_is_that_of_the_homes_and_short(site: Site) -> None:
    stage(site).write(NOW)
    homes = rows(site, Measurement.HOME_NOW)
    cold = {home["home"] for home in homes if home["status"] == "cold"}
    assert cold_list(site) == cold
    assert len(rows(site, Measurement.COLD_HOME)) == len(cold) < len(homes)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_home_that_is_warm_again_leaves_the_list(site: Site, restarted: bool) -> None:
    writer = stage(site)
    writer.write(NOW)
    home = next(row for row in rows(site, Measurement.HOME_NOW) if row["status"] == "cold")
    where = {name: home[name] for name in ("point", "station", "branch", "building", "unit", "floor")}
    warm = {**where, "status": "ok", "temperature_c": 21.0, "floor_c": 18.0, "minutes_below": 0.0}
    site.store.write_rollup(rollup_of(Measurement.HOME_STATUS, [Row(to_ms(NOW + MINUTE), warm)]))
    (stage(site) if restarted else writer).write(NOW + 2 * MINUTE)
    assert home["home"] not in cold_list(site)
    assert cold_list(site)


def test_no_two_homes_share_a_cell_of_the_grid(site: Site) -> None:
    stage(site).write(NOW)
    cells = [(home["building"], home["floor"], home["place"]) for home in rows(site, Measurement.HOME_NOW)]
    assert len(cells) == len(set(cells))


def test_the_far_third_of_a_cold_branch_is_the_coldest(site: Site) -> None:
    stage(site).write(NOW)
    profiles = {row["branch"]: row for row in rows(site, Measurement.BRANCH_PROFILE)}
    assert any(float(str(row["near_c"])) > float(str(row["far_c"])) for row in profiles.values())


def test_what_has_not_changed_is_written_once_an_hour(site: Site) -> None:
    writer = stage(site)
    first = writer.write(NOW)
    assert writer.write(NOW + MINUTE) < first / 20
    writer.write(NOW + timedelta(minutes=61))
    at = [row["ts_ms"] for row in rows(site, Measurement.ORDER_COUNT) if row["state"] == "closed"]
    assert at == [to_ms(NOW), to_ms(NOW + timedelta(minutes=61))]


def test_an_order_that_is_closed_says_so_once_more(site: Site) -> None:
    writer = stage(site)
    writer.write(NOW)
    order = site.ledger.orders.unfinished()[0]
    event = OrderEvent(order_id=order.id, kind="cancelled", at=NOW + MINUTE, by="x", text="误报")
    site.ledger.orders.save(apply(order, event), [event], [], at=NOW + MINUTE)
    writer.write(NOW + 2 * MINUTE)
    last = [row for row in rows(site, Measurement.ORDER_STATUS) if row["order_no"] == order.id][-1]
    assert (last["state"], last["unfinished"]) == ("cancelled", 0.0)
    events = [row for row in rows(site, Measurement.ORDER_EVENT) if row["order_no"] == order.id]
    assert {"cancelled"} <= {row["event"] for row in events}
    assert order.state not in FINISHED


def test_a_finding_that_ended_while_nobody_wrote_is_closed_at_the_start(site: Site) -> None:
    stage(site).write(NOW)
    finding = next(f for f in site.ledger.findings.open() if f.kind is FindingKind.SILENT)
    ended: Finding = msgspec.structs.replace(finding, end=NOW + MINUTE)
    site.ledger.findings.record([ended], at=NOW + MINUTE)
    stage(site).write(NOW + 2 * MINUTE)
    about = [r for r in rows(site, Measurement.FINDING_STATUS) if r["subject"] == finding.subject.id]
    assert [row["open"] for row in about if row["kind"] == "silent"] == [1.0, 0.0]


def test_rows_hold_no_personal_data(site: Site) -> None:
    stage(site).write(NOW)
    text = repr(
        [
            rows(site, measurement)
            for measurement in Measurement
            if measurement.value not in ("room", "entry", "outdoor")
        ]
    )
    assert "张建国" not in text
    assert "13812345678" not in text


def test_rows_are_said_in_no_language_but_for_the_marks_that_have_both(site: Site) -> None:
    stage(site).write(NOW)
    for measurement in (Measurement.ORDER_STATUS, Measurement.FINDING_STATUS, Measurement.HOME_NOW):
        own = {"order_no", "home", "station", "branch", "building", "subject", "named", "room", "place"}
        texts = [str(value) for row in rows(site, measurement) for name, value in row.items() if name not in own]
        assert texts
        assert not re.search(r"[\u4e00-\u9fff]", " ".join(texts))
    event = next(row for row in rows(site, Measurement.ORDER_EVENT) if row["event"] == "opened")
    assert (event["label_zh"], event["label_en"]) == ("生成", "opened")


def test_the_analyzer_is_behind_while_changes_wait_for_it(site: Site) -> None:
    writer = stage(site)
    writer.write(NOW)
    site.ledger.journal.announce(to_ms(NOW), to_ms(NOW), (), NOW)
    writer.write(NOW + MINUTE)
    writer.write(NOW + 12 * MINUTE)
    assert [row["judge_lag_s"] for row in rows(site, Measurement.SITE_STATUS)][-1] == 12 * 60


def drop(site: Site, at: datetime, messages: int) -> None:
    loss = Loss(what="queue", since=at - MINUTE, until=at, messages=messages)
    site.ledger.chain.append(LOSS, "collector", msgspec.to_builtins(loss), at)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_loss_that_goes_on_is_one_row_that_is_replaced(site: Site, restarted: bool) -> None:
    writer = stage(site)
    drop(site, NOW, 5)
    writer.write(NOW + MINUTE)
    drop(site, NOW + 2 * MINUTE, 6)
    (stage(site) if restarted else writer).write(NOW + 3 * MINUTE)
    (row,) = rows(site, Measurement.LOSS)
    assert (row["ts_ms"], row["until_ms"], row["messages"]) == (to_ms(NOW), to_ms(NOW + 2 * MINUTE), 11.0)
    assert (row["what"], row["limited_by"], row["last_entry"] == row["first_entry"]) == ("queue", "queue", False)


def test_the_rule_on_losses_hears_of_each_for_an_hour_and_the_figure_shows_it_for_a_day(site: Site) -> None:
    writer = stage(site)
    drop(site, NOW, 5)
    for later in (timedelta(), timedelta(minutes=61), timedelta(hours=25)):
        writer.write(NOW + later)
    told = [(row["losses_1h"], row["losses_24h"]) for row in rows(site, Measurement.SITE_STATUS)]
    assert told[0] == (1.0, 1.0)
    found = site.store.rollup(Measurement.SITE_STATUS, to_ms(NOW), to_ms(NOW + timedelta(days=2))).floats
    assert found["losses_1h"].tolist() == [1.0, 0.0, 0.0]
    assert found["losses_24h"].tolist() == [1.0, 1.0, 0.0]


def test_what_made_room_in_the_quarantine_is_a_row_of_its_own_and_not_what_the_rule_on_the_broker_hears_of(
    site: Site,
) -> None:
    writer = stage(site)
    writer.write(NOW)
    site.ledger.journal.finish({"quarantine_dropped": 7}, [], {}, NOW)
    loss = Loss(what="quarantine", since=NOW, until=NOW + MINUTE, messages=7)
    site.ledger.chain.append(LOSS, "quarantine", msgspec.to_builtins(loss), NOW + MINUTE)
    writer.write(NOW + 2 * MINUTE)
    (row,) = rows(site, Measurement.LOSS)
    assert (row["what"], row["limited_by"], row["messages"]) == ("quarantine", "quarantine", 7.0)
    assert "隔离区已满" in row["label_zh"]
    assert {row["losses_24h"] for row in rows(site, Measurement.SITE_STATUS)} == {0.0}
    counted = [row["readings"] for row in rows(site, Measurement.INTAKE) if row["fate"] == "quarantine_dropped"]
    assert counted == [0.0, 7.0]  # it began at none, so that the rule on the quarantine sees the first ones grow


def test_devices_with_wrong_clocks_come_first_and_lead_to_their_homes(site: Site) -> None:
    wrong, gaps, right = (site.point("1", "1", room) for room in ("101", "201", "301"))

    def clock(point: MeasurementPoint, state: ClockState, skew_s: float, missing: int = 0) -> ClockRecord:
        return ClockRecord(
            DeviceClock(
                device_id=point.device_id or "", state=state, skew_s=skew_s, drift_s_per_day=None, packets=9,
                missing=missing, at=NOW,
            )
        )  # fmt: skip

    site.ledger.journal.note_clocks(
        [
            clock(gaps, ClockState.GOOD, 1.0, missing=4),
            clock(wrong, ClockState.LOCAL_AS_UTC, 28_800.0),
            clock(right, ClockState.GOOD, 0.0),
        ]
    )
    stage(site).write(NOW)
    listed = sorted(rows(site, Measurement.DEVICE_CLOCK), key=lambda row: float(str(row["nr"])))
    assert [(row["device"], row["state"], row["missing"]) for row in listed] == [
        (wrong.device_id, "local_as_utc", 0.0),
        (gaps.device_id, "good", 4.0),
    ]
    assert (listed[0]["home"], listed[0]["board"]) == (wrong.home_id, "heatwatch-home")
    counted = {row["state"]: row["devices"] for row in rows(site, Measurement.CLOCK_COUNT)}
    assert counted["local_as_utc"] == 1.0
    assert (counted["good"], counted["ahead"]) == (2.0, 0.0)


def test_health_tells_of_a_writer_that_stands_still(site: Site) -> None:
    writer = stage(site)
    writer.write(NOW)
    assert writer.health(NOW + MINUTE).ok
    assert not writer.health(NOW + 6 * MINUTE).fresh


def test_completeness_counts_hours_that_are_over() -> None:
    day = NOW.astimezone(ZONE).date()
    start = local_midnight(day, ZONE)
    points = [
        MeasurementPoint(point_id=p, device_id=d, station="S1", building="1") for p, d in (("A", "1"), ("B", None))
    ]
    hours = rollup_of(
        Measurement.ROOM_HOUR,
        [Row(to_ms(start + timedelta(hours=h)), {"point": "A", "n": float(n)}) for h, n in enumerate((3, 0, 3, 3))],
    )
    (row,) = data_day(Register.of_points(points), hours, day, start + timedelta(hours=3), ZONE)
    assert (row.cells["hours"], row.cells["expected_hours"], row.cells["points"]) == (2.0, 3.0, 1.0)


def test_a_drift_below_the_step_waits_for_the_heartbeat() -> None:
    changed = Changed(Measurement.ORDER_COUNT, step=0.3)
    at = to_ms(datetime(2026, 12, 15, tzinfo=UTC))

    def row(minute: int, orders: float) -> list[Row]:
        return changed.of([Row(at + minute * 60_000, {"state": "open", "orders": orders})])

    changed.written(row(0, 1.0))
    assert not row(1, 1.2)
    assert row(2, 1.4)
    assert row(60, 1.0)


def test_a_column_that_the_schema_does_not_know_is_an_error() -> None:
    with pytest.raises(ValueError, match="no column"):
        rollup_of(Measurement.ORDER_COUNT, [Row(0, {"state": "open", "nonsense": 1.0})])
