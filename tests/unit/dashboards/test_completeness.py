"""The account of readings: numbers that add up, from the journal and the store."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from accountkit import MIDNIGHT, ZONE, Intake, point, steps

from analyzer.analysis import Rules
from analyzer.settings import AnalyzerSettings
from analyzer.sweep import Sweeper
from collector.batch import Batch
from dashboards.reports import account
from dashboards.reports.completeness import CompletenessReport, completeness_statement, write_completeness_report
from dashboards.reports.expected import Basis, days_of, placed_ms
from dashboards.reports.statement import Line, Statement
from heating.errors import InputError
from heating.instants import from_ms, to_ms
from heating.ledger.port import Ledger
from heating.regulation import load_profile
from heating.site import Placement, PointKind
from heating.store.port import ReadingStore, Written

RULES = Rules(AnalyzerSettings(), load_profile("enterprise"), load_profile("tianjin"), ZONE)
FATES = ("received", "stored", "repeated", "ignored", "quarantined", "late")


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path)
    yield made
    made.store.close()
    made.ledger.close()


def request(days: int = 2, **more: object) -> CompletenessReport:
    base = {"first": MIDNIGHT.date(), "last": MIDNIGHT.date() + timedelta(days=days - 1), "zone": ZONE}
    return CompletenessReport(**{**base, "now": MIDNIGHT + timedelta(days=days), **more})  # type: ignore[arg-type]


def told(store: ReadingStore, ledger: Ledger, **more: object) -> Statement:
    numbers = completeness_statement(request(**more), store, ledger)  # type: ignore[arg-type]
    assert numbers.adds_up
    for rows, extra in ((numbers.days, []), (numbers.devices, [numbers.unnamed]),
                        (numbers.device_days, numbers.unnamed_days)):  # fmt: skip
        for fate in FATES:
            assert sum(getattr(row, fate) for row in (*rows, *extra)) == getattr(numbers.total, fate), fate
        for name in ("expected", "present", "missing"):
            assert sum(getattr(row, name) or 0 for row in rows) == getattr(numbers.total, name), name
    assert all(row.difference == 0 for row in (numbers.total, *numbers.days, *numbers.devices, *numbers.device_days))
    return numbers


def of(numbers: Statement, device: str, day: int | None = None) -> Line:
    rows = numbers.devices if day is None else numbers.device_days
    on = None if day is None else MIDNIGHT.date() + timedelta(days=day)
    return next(row for row in rows if row.device == device and row.day == on)


def test_every_fate_of_two_days_is_told_and_adds_up(line: Intake) -> None:
    line.register(point(1), point(2), point(3))
    line.wait_until(MIDNIGHT + timedelta(hours=23))
    line.send("D1", *steps(MIDNIGHT, 69))
    line.send("D2", *steps(MIDNIGHT, 60))
    line.wait_until(MIDNIGHT + timedelta(hours=47))
    line.send("D1", *steps(MIDNIGHT + timedelta(days=1), 60), MIDNIGHT)  # one of them again
    line.send("D2", *steps(MIDNIGHT + timedelta(hours=21), 3))  # late: after the next one
    line.send("D2", MIDNIGHT + timedelta(hours=46), value="warm")
    line.send("X9", MIDNIGHT)
    line.writer.push(Batch([line.packet("D1", b"\xff"), line.packet("nobody", b"\xff")]))
    numbers = told(line.store, line.ledger)
    assert {fate: getattr(numbers.total, fate) for fate in FATES} == {
        fate: line.ledger.journal.counters().get(fate, 0) for fate in FATES
    }
    assert (numbers.total.received, numbers.total.stored, numbers.total.repeated) == (197, 192, 1)
    assert (numbers.total.quarantined, numbers.unnamed.quarantined, numbers.unnamed.received) == (4, 2, 2)
    first, second = of(numbers, "D1", 0), of(numbers, "D1", 1)
    assert (first.received, first.expected, first.present, first.missing) == (69, 72, 69, 3)
    assert (second.received, second.repeated, second.quarantined, second.present) == (62, 1, 1, 60)
    assert first.interval_s == 1200
    assert first.interval_basis is Basis.OWN
    assert of(numbers, "D2").present == 63
    silent = of(numbers, "D3")
    assert (silent.received, silent.expected, silent.missing, silent.completeness) == (0, 144, 144, 0.0)
    assert silent.interval_basis is Basis.SITE


@pytest.mark.parametrize("at", ["write", "stored", "finished"])
def test_after_a_kill_the_books_still_add_up(line: Intake, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    line.register(point(1))
    line.wait_until(MIDNIGHT + timedelta(hours=12))
    line.send("D1", *steps(MIDNIGHT, 12))

    def dies(*given: Any, **named: Any) -> Written:
        if at == "stored":
            written(*given)
        if at == "finished":
            finished(*given, **named)
        raise Killed

    written, finished = line.store.write, line.ledger.journal.finish
    room, name = (line.ledger.journal, "finish") if at == "finished" else (line.store, "write")
    with monkeypatch.context() as patch:
        patch.setattr(room, name, dies)
        with pytest.raises(Killed):
            line.send("D1", *steps(MIDNIGHT + timedelta(hours=4), 12))
    line.start()
    line.send("D1", *steps(MIDNIGHT + timedelta(hours=4), 12))  # the broker brings the packet again
    numbers = told(line.store, line.ledger, days=1)
    assert (numbers.total.stored, numbers.total.present) == (24, 24)
    assert numbers.total.received == line.ledger.journal.counters()["received"]


def test_expected_counts_the_time_in_season_at_a_point_in_force_until_now(line: Intake) -> None:
    line.register(point(1), point(2, since=MIDNIGHT + timedelta(hours=12)), point(3))
    line.wait_until(MIDNIGHT + timedelta(hours=47))
    for device in ("D1", "D2"):
        line.send(device, *steps(MIDNIGHT + timedelta(hours=12), 105))
    line.send("D3", *steps(MIDNIGHT, 141))
    now = MIDNIGHT + timedelta(hours=47)
    numbers = told(line.store, line.ledger, now=now)
    assert [of(numbers, d).expected for d in ("D1", "D2", "D3")] == [105, 105, 141]  # D1 began with its first reading
    assert numbers.total.missing == 0
    heated = ((date(2026, 12, 15), date(2027, 3, 15)),)
    numbers = told(line.store, line.ledger, now=now, seasons=heated)
    assert (of(numbers, "D3").expected, of(numbers, "D3").present) == (69, 141)
    assert told(line.store, line.ledger, now=now, declared_min=10.0).total.expected == 2 * (105 + 105 + 141)


def test_the_interval_is_of_whichever_day_has_enough_readings(line: Intake) -> None:
    line.register(point(1), point(2), point(3))
    line.wait_until(MIDNIGHT + timedelta(hours=84))
    line.send("D1", *steps(MIDNIGHT + timedelta(days=1), 72))
    line.send("D2", *steps(MIDNIGHT + timedelta(days=3), 36)[::2])
    numbers = told(line.store, line.ledger, days=4, now=MIDNIGHT + timedelta(hours=84))
    assert [(of(numbers, d).interval_s, of(numbers, d).interval_basis) for d in ("D1", "D2")] == [
        (1200, Basis.OWN),
        (2400, Basis.OWN),
    ]
    # Who is silent is expected as often as the others.
    assert of(numbers, "D3").interval_basis is Basis.SITE
    assert of(numbers, "D3").missing == of(numbers, "D3").expected == 84 * 3600 // 1800


def test_what_nobody_knows_is_not_said_to_be_nothing(line: Intake, tmp_path: Path) -> None:
    line.register(point(1), point(2))
    line.wait_until(MIDNIGHT + timedelta(hours=12))
    line.send("D1", MIDNIGHT)
    numbers = told(line.store, line.ledger, days=1)
    assert [(row.expected, row.present, row.missing) for row in numbers.devices] == [(None, 1, None), (None, 0, None)]
    write_completeness_report(request(days=1), line.store, line.ledger, tmp_path / "a.html")
    assert "2 台设备的采样间隔无从得知" in (tmp_path / "a.html").read_text("utf-8")
    assert told(line.store, line.ledger, days=1, declared_min=20.0).total.missing == 143


def test_a_device_that_moved_is_one_line_and_an_entry_point_counts_too(line: Intake) -> None:
    noon = MIDNIGHT + timedelta(hours=12)
    line.register(point(1), point(2, kind=PointKind.ENTRY), point(4))
    line.register(point(3, device="D1", since=noon), point(2, kind=PointKind.ENTRY), point(4), at=noon)
    line.wait_until(MIDNIGHT + timedelta(hours=24))
    line.send("D1", *steps(MIDNIGHT, 72))
    readings = [{"ts": to_ms(at), "supply_c": 45.0, "return_c": 38.0} for at in steps(MIDNIGHT, 72)]
    line.writer.push(Batch([line.packet("D2", {"readings": readings})]))
    numbers = told(line.store, line.ledger, days=1)
    moved = of(numbers, "D1")
    assert (moved.point, moved.present) == ("P3", 72)
    assert moved.expected == 36  # P1 is no more in force; its half of the day is not owed
    assert (of(numbers, "D2").present, of(numbers, "D2").missing) == (72, 0)


def test_days_that_are_complete_are_counted_by_their_rows_and_come_to_the_same(
    line: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.register(point(1), point(2), point(3), point(4))
    sweeper = Sweeper(RULES, line.store, line.ledger)
    late = steps(MIDNIGHT + timedelta(hours=5), 4)
    for hour in range(0, 54, 3):
        line.wait_until(MIDNIGHT + timedelta(hours=hour))
        line.send("D1", *steps(line.clock.now() - timedelta(hours=3), 9))
        if hour > 30:
            line.send("D2", *steps(line.clock.now() - timedelta(hours=1), 3))
        if hour == 45:
            line.send("D1", *(at + timedelta(minutes=1) for at in late))
            line.send("D4", *late)
        sweeper.sweep(line.clock.now())
    asked: list[tuple[int, int]] = []
    series = line.store.series

    def spy(points: list[str], start: int, end: int) -> object:
        asked.append((len(points), (start - to_ms(MIDNIGHT)) // 3_600_000))
        return series(points, start, end)

    monkeypatch.setattr(line.store, "series", spy)
    now = MIDNIGHT + timedelta(hours=52)
    by_rows = told(line.store, line.ledger, days=3, now=now)
    assert asked == [(4, 48)]  # the running day
    with monkeypatch.context() as patch:
        patch.setattr(account, "relied_on", lambda _: None)
        assert told(line.store, line.ledger, days=3, now=now) == by_rows
    assert asked[1:] == [(4, 0), (4, 24), (4, 48)]
    # What was stored since is counted at once, and rows stay where readings are no longer kept.
    line.wait_until(now)
    line.send("D3", *steps(MIDNIGHT + timedelta(hours=2), 2))
    assert of(told(line.store, line.ledger, days=3, now=now), "D3", 0).present == 2
    sweeper.sweep(now)
    kept = told(line.store, line.ledger, days=2, now=now)
    line.store.forget_before(to_ms(MIDNIGHT + timedelta(days=2)))
    still = told(line.store, line.ledger, days=2, now=now)
    assert still.total.present > 100
    counts = [{(d.device, d.day): d.present for d in n.device_days if d.present} for n in (still, kept)]
    assert counts[0] == counts[1]


def test_the_files_that_people_get_hold_the_same_numbers(line: Intake, tmp_path: Path) -> None:
    line.register(point(1, building="7"), point(2))
    line.wait_until(MIDNIGHT + timedelta(hours=23, minutes=55))
    line.send("D1", *steps(MIDNIGHT, 72))
    line.send("D2", *steps(MIDNIGHT, 50))
    line.send("X", MIDNIGHT)
    for form in ("xlsx", "html", "csv"):
        numbers = write_completeness_report(request(days=1), line.store, line.ledger, tmp_path / f"a.{form}")
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text("utf-8-sig"))))
    assert rows[0][5:11] == ["收到", "入库", "重复", "忽略", "隔离", "迟到"]
    total = next(row for row in rows if row[2] == "合计")
    days = [row for row in rows if row[0] == "按日" and row is not total]
    assert [sum(int(row[column]) for row in days) for column in range(5, 11)] == [int(cell) for cell in total[5:11]]
    assert total[5:11] == ["123", "122", "0", "0", "1", "0"]
    assert total[12:] == ["144", "122", "22", "84.7"]
    html = (tmp_path / "a.html").read_text("utf-8")
    assert "收到 123 = 入库 122 + 重复 0 + 忽略 0 + 隔离 1：相符" in html
    assert "应有 144，库中实有 122，缺失 22，完整率 84.7 %" in html
    assert "S1 7号楼" in html
    assert msgspec.json.decode(msgspec.json.encode(numbers))["total"]["missing"] == 22


def test_a_page_shows_the_worst_lines_and_says_how_many_are_left(line: Intake, tmp_path: Path) -> None:
    line.register(point(1), point(2))
    line.wait_until(MIDNIGHT + timedelta(hours=24))
    line.send("D1", *steps(MIDNIGHT, 72))
    write_completeness_report(request(days=1, most_lines=1), line.store, line.ledger, tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text("utf-8")
    assert html.count("另有 1 行见 XLSX") == 2
    assert ">D2<" in html
    assert ">D1<" not in html


def test_days_that_make_no_sense_are_refused(line: Intake) -> None:
    with pytest.raises(InputError, match="1 to 366 days"):
        completeness_statement(request(days=0), line.store, line.ledger)


def test_a_day_of_23_hours_and_a_stay_that_ends_in_it() -> None:
    zone = ZoneInfo("Europe/Berlin")
    days = days_of(date(2026, 3, 29), date(2026, 3, 30), zone, (), to_ms(datetime(2026, 4, 2, tzinfo=UTC)))
    assert ((days.end_ms - days.start_ms) // 3_600_000).tolist() == [23, 24]
    stay = Placement("D", "P", None, int(days.start_ms[1]) + 3_600_000)
    assert placed_ms([stay], frozenset({"P"}), None, days).tolist() == [23 * 3_600_000, 3_600_000]
    assert placed_ms([stay], frozenset(), None, days).sum() == 0
    assert from_ms(int(days.start_ms[0])).astimezone(zone).hour == 0
