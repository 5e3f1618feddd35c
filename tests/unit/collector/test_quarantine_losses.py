"""What made room in the quarantine is in the chain once, dated, whoever was killed when: with a real ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from collector.quarantine_losses import QuarantineLosses
from heating.errors import LedgerUnavailable
from heating.ledger.engine import open_sql_ledger
from heating.ledger.port import Ledger, RejectedReading
from heating.ledger.quarantine import QuarantineCap
from heating.loss import LOSS, Loss

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CAP = 3


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_sql_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", cap=QuarantineCap(rows=CAP))
    reject(opened, CAP)
    yield opened
    opened.close()


def reject(ledger: Ledger, count: int) -> None:
    """Quarantine as many packets; from now on each of them takes the place of an older one."""
    row = RejectedReading(
        received_at=NOW, topic="t/D1", reason="not_json", index=None, payload=b"{", length=1, sha256="0"
    )
    ledger.journal.finish({"received": count, "quarantined": count}, [row] * count, {}, NOW)


def started(ledger: Ledger) -> QuarantineLosses:
    return QuarantineLosses(ledger.journal, ledger.chain)


def written(ledger: Ledger) -> list[tuple[object, ...]]:
    found = [msgspec.convert(entry.body, Loss) for entry in ledger.chain.entries(kind=LOSS)]
    return [(loss.what, loss.since, loss.until, loss.messages) for loss in found]


def test_a_quarantine_that_holds_all_is_no_loss(ledger: Ledger) -> None:
    losses = started(ledger)
    losses.look(NOW)
    assert written(ledger) == []
    assert losses.text(NOW) == ""
    assert losses.metrics()[0].value == 0


def test_what_makes_room_is_told_at_once_and_then_once_an_hour(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    losses = started(ledger)
    losses.look(NOW)
    for minute in range(1, 131):
        reject(ledger, 2)
        losses.look(at(minute))
    told = [("quarantine", NOW, at(1), 2), ("quarantine", at(1), at(61), 120), ("quarantine", at(61), at(121), 120)]
    assert written(ledger) == told
    assert losses.metrics()[0].value == ledger.journal.counters()["quarantine_dropped"] == 260
    losses.look(at(181))  # the last minutes are not forgotten
    assert written(ledger)[3:] == [("quarantine", at(121), at(181), 18)]
    assert [(r.levelno, r.args and r.args[0]) for r in caplog.records][-1] == (logging.WARNING, 18)
    assert "18 packets made room since=2026-11-22T10:01" in losses.text(at(182))
    assert losses.text(at(181 + 24 * 60 + 1)) == ""


def test_a_calm_while_dates_the_next_loss(ledger: Ledger) -> None:
    losses = started(ledger)
    reject(ledger, 1)
    losses.look(at(1))
    losses.look(at(300))
    reject(ledger, 1)
    losses.look(at(301))
    assert written(ledger)[1:] == [("quarantine", at(300), at(301), 1)]


def test_who_is_killed_between_the_drop_and_its_note_writes_it_once(ledger: Ledger) -> None:
    losses = started(ledger)
    losses.look(NOW)
    reject(ledger, 5)
    losses.look(at(1))
    reject(ledger, 7)
    for minute in (2, 61, 62, 200):  # a new process each time: the hour goes on, and what was written is known
        started(ledger).look(at(minute))
    assert written(ledger) == [("quarantine", NOW, at(1), 5), ("quarantine", at(1), at(61), 7)]


def test_what_made_room_before_anybody_looked_has_no_beginning(ledger: Ledger) -> None:
    reject(ledger, 4)
    started(ledger).look(NOW)
    assert written(ledger) == [("quarantine", None, NOW, 4)]


@pytest.mark.parametrize("committed", [False, True])
def test_an_entry_whose_answer_was_lost_is_neither_lost_nor_doubled(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    losses, append = started(ledger), ledger.chain.append
    losses.look(NOW)
    reject(ledger, 3)

    def cut(*entry: object) -> int:
        if committed:
            append(*entry)  # type: ignore[arg-type]
        raise LedgerUnavailable("cut off")

    with monkeypatch.context() as cut_off:
        cut_off.setattr(ledger.chain, "append", cut)
        with pytest.raises(LedgerUnavailable):
            losses.look(at(1))
    losses.look(at(2))
    reject(ledger, 2)
    losses.look(at(120))
    assert [loss[3] for loss in written(ledger)] == [3, 2]
    assert ledger.journal.counters()["quarantine_dropped"] == 5


def test_a_clock_that_was_set_back_does_not_end_a_loss_before_it_begins(ledger: Ledger) -> None:
    losses = started(ledger)
    losses.look(NOW)
    reject(ledger, 1)
    losses.look(at(-1440))
    reject(ledger, 1)
    losses.look(at(-2880))
    assert written(ledger) == [("quarantine", at(-1440), at(-1440), 1), ("quarantine", at(-2880), at(-2880), 1)]


def test_losses_at_the_broker_are_not_counted_as_its_own(ledger: Ledger) -> None:
    broker = Loss(what="queue", since=NOW, until=at(1), messages=900)
    ledger.chain.append(LOSS, "collector", msgspec.to_builtins(broker), at(1))
    reject(ledger, 2)
    started(ledger).look(at(2))
    assert written(ledger)[1:] == [("quarantine", None, at(2), 2)]
