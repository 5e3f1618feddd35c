"""What limits of the broker cost: read from a real chain, brought together, dated on every paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
import python_calamine

from dashboards.losses import LossBook, losses, losses_within
from dashboards.reports.completeness import CompletenessReport, write_completeness_report
from dashboards.reports.statement import Statement
from heating.ledger import open_ledger
from heating.ledger.port import Ledger
from heating.loss import LOSS, Loss
from heating.store import open_store
from heating.store.port import ReadingStore
from heating.words import Language

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 12, 14, tzinfo=ZONE)
WEEK = 604_800


def at(hours: float) -> datetime:
    return (MIDNIGHT + timedelta(hours=hours)).astimezone(UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReadingStore]:
    opened = open_store(f"duckdb:///{tmp_path / 'store.duckdb'}", role="owner")
    yield opened
    opened.close()


def note(ledger: Ledger, *noted: Loss) -> None:
    for loss in noted:
        ledger.chain.append(LOSS, "collector", msgspec.to_builtins(loss), loss.until)


def dropped(since: float | None, until: float, messages: int) -> Loss:
    return Loss(what="queue", since=None if since is None else at(since), until=at(until), messages=messages)


def session(since: float, until: float) -> Loss:
    return Loss(what="session", since=at(since), until=at(until), expiry_s=WEEK)


def made_room(since: float, until: float, packets: int) -> Loss:
    return Loss(what="quarantine", since=at(since), until=at(until), messages=packets)


def a_night(ledger: Ledger) -> None:
    """The queue is full from one to two o'clock, told every ten minutes; at noon the broker comes back empty."""
    note(ledger, *(dropped(1 + i / 6, 1 + (i + 1) / 6, 10) for i in range(6)))
    ledger.chain.append("audit", "x", {}, at(3))
    note(ledger, session(11.5, 12), dropped(12, 20, 7))


def test_drops_that_follow_each_other_are_one_loss(ledger: Ledger) -> None:
    a_night(ledger)
    told = [(lost.what, lost.since, lost.until, lost.messages) for lost in losses(ledger.chain)]
    assert told == [
        ("queue", at(1), at(2), 60),
        ("session", at(11.5), at(12), None),
        ("queue", at(12), at(20), 7),
    ]
    first = losses(ledger.chain)[0]
    assert (first.first_entry, first.last_entry) == (1, 6)
    assert first.hash == ledger.chain.entries(after=5, limit=1)[0].hash


def test_what_made_room_hour_after_hour_is_one_loss_beside_those_at_the_broker(ledger: Ledger) -> None:
    book = LossBook(ledger.chain)
    for hour in range(5):
        note(ledger, made_room(hour, hour + 1, 10), *(dropped(hour, hour + 1 + i / 6, 1) for i in range(5)))
        book.look()
    note(ledger, session(7, 8), made_room(9, 10, 3))
    told = [(lost.what, lost.since, lost.until, lost.messages, lost.limit) for lost in book.look()]
    assert told == [
        ("quarantine", at(0), at(5), 50, "quarantine"),
        *(("queue", at(hour), at(hour + 1 + 4 / 6), 5, "queue") for hour in range(5)),
        ("session", at(7), at(8), None, "session"),
        ("quarantine", at(9), at(10), 3, "quarantine"),  # nothing made room for four hours
    ]
    assert book.look() == losses(ledger.chain)
    assert book.at_broker_since(at(5)) == 2


def test_a_night_of_drops_stays_one_loss_though_packets_made_room_meanwhile(ledger: Ledger) -> None:
    note(ledger, *(dropped(1 + i / 6, 1 + (i + 1) / 6, 10) for i in range(6)), made_room(1, 2, 4))
    note(ledger, *(dropped(2 + i / 6, 2 + (i + 1) / 6, 10) for i in range(6)), made_room(2, 3, 4))
    assert [(lost.what, lost.messages) for lost in losses(ledger.chain)] == [("queue", 120), ("quarantine", 8)]


def test_a_loss_belongs_to_every_day_that_it_may_lie_in(ledger: Ledger) -> None:
    note(ledger, session(-3, 2), dropped(None, 30, 1), session(49, 50))
    days = [losses_within(ledger.chain, at(24 * d), at(24 * d + 24)) for d in range(-1, 3)]
    assert [[lost.until for lost in day] for day in days] == [[at(2)], [at(2)], [at(30)], [at(50)]]


def test_a_session_ended_by_its_term_or_by_the_broker(ledger: Ledger) -> None:
    note(ledger, session(0, 1), session(0, WEEK / 3600), Loss(what="session", since=at(0), until=at(900)))
    assert [lost.expired for lost in losses(ledger.chain)] == [False, True, False]


def test_a_look_reads_only_what_is_new_and_joins_it_to_what_was(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = LossBook(ledger.chain)
    assert book.look() == []
    note(ledger, dropped(1, 1.1, 5))
    assert [lost.messages for lost in book.look()] == [5]
    note(ledger, dropped(1.1, 1.2, 6), dropped(5, 5.1, 7))
    assert book.look() == losses(ledger.chain)
    assert [lost.messages for lost in book.noticed_since(at(1.15))] == [11, 7]
    assert [lost.messages for lost in book.noticed_since(at(2))] == [7]
    monkeypatch.setattr(ledger.chain, "entries", lambda **_: pytest.fail("read again"))
    assert len(book.look()) == 2


def written(store: ReadingStore, ledger: Ledger, out: Path, **more: object) -> Statement:
    base = {"first": MIDNIGHT.date(), "last": MIDNIGHT.date(), "zone": ZONE, "now": at(30), "site_name": "试验站"}
    return write_completeness_report(CompletenessReport(**{**base, **more}), store, ledger, out)  # type: ignore[arg-type]


def test_the_account_says_from_when_to_when_how_many_and_why(
    store: ReadingStore, ledger: Ledger, tmp_path: Path
) -> None:
    a_night(ledger)
    for form in ("xlsx", "html", "csv"):
        numbers = written(store, ledger, tmp_path / f"a.{form}", language=Language.EN)
    assert (len(numbers.losses), numbers.lost_messages, numbers.lost_uncounted) == (3, 67, 1)
    assert numbers.total.received == 0  # what was lost is no part of what came
    html = (tmp_path / "a.html").read_text("utf-8")
    for said in (
        "noticed in these days: 3. Queue full: 2, with 67 messages dropped. Session lost: 1,",
        '2026-12-14 01:00:00+08:00</td><td class="text">2026-12-14 02:00:00+08:00',
        "max_queued_messages",
        "the broker was restarted without persistence",
        numbers.losses[0].hash,
    ):
        assert said in html
    assert "损失" not in html
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text("utf-8-sig"))))
    assert {len(row) for row in rows} == {16}  # still one table
    told = [row for row in rows if row[0] == "Losses by limits"]
    assert [row[1] for row in told] == ["2026-12-14"] * 3
    assert (
        "between 2026-12-14 01:00:00+08:00 and 2026-12-14 02:00:00+08:00 the broker dropped 60 messages" in told[0][4]
    )
    assert told[0][5:] == [""] * 11  # no sum over a column counts it in
    book = python_calamine.load_workbook(str(tmp_path / "a.xlsx"))
    assert book.sheet_names[1] == "Losses by limits"
    assert [row[3] for row in book.get_sheet_by_name("Losses by limits").to_python()[4:7]] == [60.0, "", 7.0]


def test_what_made_room_in_the_quarantine_is_told_and_changes_no_sum(
    store: ReadingStore, ledger: Ledger, tmp_path: Path
) -> None:
    ledger.journal.finish({"received": 90, "quarantined": 90, "quarantine_dropped": 40}, [], {}, at(1))
    note(ledger, made_room(1, 2, 30), made_room(2, 3, 10))
    for form in ("xlsx", "html", "csv"):
        numbers = written(store, ledger, tmp_path / f"a.{form}", language=Language.EN)
    ((lost,), sums) = numbers.losses, (numbers.lost_messages, numbers.lost_uncounted)
    assert (lost.what, lost.messages, lost.since, lost.until) == ("quarantine", 40, at(1), at(3))
    assert (sums, numbers.verbatim_dropped, numbers.adds_up) == ((0, 0), 40, True)
    assert numbers.since_beginning["quarantined"] == 90
    html = (tmp_path / "a.html").read_text("utf-8")
    assert "No loss by a limit of the broker was noticed in these days. The quarantine was full: 40 of its" in html
    assert "the cap of the quarantine (rows and bytes)" in html
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_text("utf-8-sig"))))
    (told,) = [row for row in rows if row[0] == "Losses by limits"]
    assert told[2] == "quarantine"
    assert "the oldest 40 rejected packets of the quarantine made room" in told[4]
    a_night(ledger)
    numbers = written(store, ledger, tmp_path / "b.html")
    assert (len(numbers.losses), numbers.lost_messages, numbers.lost_uncounted) == (4, 67, 1)
    html = (tmp_path / "b.html").read_text("utf-8")
    assert "因限额丢失报文 3 次：队列超限 2 次，丢弃 67 条；会话丢失 1 次，条数无法得知。隔离区已满，其间 40 条" in html
    assert "详见“限额损失”。" in html


def test_the_account_of_a_calm_day_says_so(store: ReadingStore, ledger: Ledger, tmp_path: Path) -> None:
    a_night(ledger)
    day = date(2026, 12, 16)
    for form in ("html", "csv"):
        numbers = written(store, ledger, tmp_path / f"a.{form}", first=day, last=day)
        assert "未发现消息服务器（MQTT）因限额丢失报文" in (tmp_path / f"a.{form}").read_text("utf-8-sig")
    assert numbers.losses == []


def test_the_account_says_what_its_own_limits_took(store: ReadingStore, ledger: Ledger, tmp_path: Path) -> None:
    ledger.journal.finish(
        {"received": 2, "quarantined": 2, "quarantined.future": 2, "quarantine_dropped": 1}, [], {}, at(1)
    )
    written(store, ledger, tmp_path / "a.html", retention_days=0.5, language=Language.EN)
    html = (tmp_path / "a.html").read_text("utf-8")
    assert "Readings from before 2026-12-14 are no longer kept" in html
    assert "its oldest 1 packets made room" in html
    assert "quarantined · in the future 2" in html
    written(store, ledger, tmp_path / "b.html", retention_days=30.0, language=Language.EN)
    assert "no longer kept" not in (tmp_path / "b.html").read_text("utf-8")
