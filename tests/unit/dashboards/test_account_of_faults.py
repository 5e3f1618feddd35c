"""A day on which everything goes wrong, beside a book of its own: the account must come to the same, cell by cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from accountkit import MIDNIGHT, STEP, ZONE, Intake, point, steps

from collector.batch import Batch
from dashboards.reports.completeness import CompletenessReport, completeness_statement
from heating.ledger.port import UNNAMED
from heating.loss import LOSS, Loss

FATES = ("received", "stored", "repeated", "ignored", "quarantined", "late")
DEVICES = tuple(f"D{n}" for n in range(1, 9))
DAYS = 2


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path)
    yield made
    made.store.close()
    made.ledger.close()


class Book:
    """What the rules say of each reading (contract §4), written down without heatwatch."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        self.seen: dict[str, set[datetime]] = defaultdict(set)

    def note(self, device: str, day: int, instant: datetime | None) -> None:
        """Note a reading that came on a day; None is one that is not fit to be used."""
        row = self.rows[device if device in DEVICES else UNNAMED, day]
        seen = self.seen[device]
        row["received"] += 1
        if instant is None or device not in DEVICES:
            row["quarantined"] += 1
        elif instant in seen:
            row["repeated"] += 1
        else:
            row["stored"] += 1
            row["late"] += bool(seen) and instant < max(seen)
            seen.add(instant)


class FaultyDay:
    """Sends what devices measured with faults at random, and keeps the book."""

    def __init__(self, line: Intake, seed: int) -> None:
        self.line, self.book, self.rng = line, Book(), np.random.default_rng(seed)
        self.held: list[tuple[str, datetime]] = []

    def run(self) -> None:
        self.line.register(*(point(n) for n in range(1, 9)))
        for at in steps(MIDNIGHT, DAYS * 72):
            self.line.wait_until(at + timedelta(minutes=1))
            for device in DEVICES[:-1]:  # the last one is silent
                self.send(device, at)
            if self.rng.random() < 0.2:
                self.line.start()  # the collector is killed, and begins anew
        for device, at in self.held:
            self.reading(device, at)

    def send(self, device: str, at: datetime) -> None:
        match self.rng.choice(("plain", "twice", "held", "lost", "bad", "garbage", "stranger"), p=ODDS):
            case "plain":
                self.reading(device, at)
            case "twice":
                self.reading(device, at)
                self.reading(device, at, value=25.0)
            case "held":
                self.held.append((device, at))
            case "bad":
                self.reading(device, at, value=99.0, fit=False)
                self.reading(device, at + timedelta(days=1), fit=False)  # its clock is ahead
            case "garbage":
                self.line.writer.push(Batch([self.line.packet(device, b"\xff" + at.isoformat().encode())]))
                self.book.note(device, self.day, None)
            case "stranger":
                self.reading("X" + device, at)

    def reading(self, device: str, at: datetime, value: float = 19.0, *, fit: bool = True) -> None:
        self.line.send(device, at, value=value)
        self.book.note(device, self.day, at if fit else None)

    @property
    def day(self) -> int:
        return (self.line.clock.now().astimezone(ZONE).date() - MIDNIGHT.date()).days


ODDS = (0.78, 0.05, 0.05, 0.05, 0.03, 0.02, 0.02)


@pytest.mark.parametrize("seed", range(2))
def test_the_account_of_two_faulty_days_is_that_of_an_independent_book(line: Intake, seed: int) -> None:
    faulty = FaultyDay(line, seed)
    faulty.run()
    now = MIDNIGHT + timedelta(days=DAYS)
    lost = Loss(what="queue", since=now - STEP, until=now - STEP / 2, messages=9)
    line.ledger.chain.append(LOSS, "collector", msgspec.to_builtins(lost), lost.until)
    request = CompletenessReport(first=MIDNIGHT.date(), last=(now - STEP).date(), zone=ZONE, now=now)
    told = completeness_statement(request, line.store, line.ledger)
    assert told.adds_up
    rows = {(line_.device, (line_.day - MIDNIGHT.date()).days): line_ for line_ in told.device_days if line_.day}
    unnamed = {(UNNAMED, day): line_ for day, line_ in enumerate(told.unnamed_days)}
    for key, wanted in faulty.book.rows.items():
        row = (rows | unnamed)[key]
        assert {fate: getattr(row, fate) for fate in FATES} == {fate: wanted[fate] for fate in FATES}, key
    for device in DEVICES:
        for day in range(DAYS):
            start = MIDNIGHT + timedelta(days=day)
            there = sum(start <= at < start + timedelta(days=1) for at in faulty.book.seen[device])
            row = rows[device, day]
            assert (row.expected, row.present, row.missing) == (72, there, 72 - there), (device, day)
    booked = sum(faulty.book.rows.values(), Counter[str]())
    assert {fate: getattr(told.total, fate) for fate in FATES} == {fate: booked[fate] for fate in FATES}
    assert {fate: told.since_beginning[fate] for fate in FATES} == {fate: booked[fate] for fate in FATES}
    assert told.lost_messages == 9  # and none of them among what came
