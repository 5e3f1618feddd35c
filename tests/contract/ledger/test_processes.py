"""Several threads and processes on one ledger, death at any moment, full and locked files, backup and restore."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from contract.ledgerkit import T0, finding, intent, rejected
from parts import ROOT
from sqlalchemy import event

from heating.errors import ConfigError, InputError, LedgerUnavailable
from heating.ledger import Ledger, numbers, open_ledger, restore_ledger
from heating.ledger import database as database_module
from heating.ledger.engine import SqlLedger

CHILD = ROOT / "tests" / "peers" / "ledger_child.py"


def child(url: str, task: str, number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, CHILD, url, task, str(number)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def test_threads_and_processes_append_to_one_chain(ledger_url: str) -> None:
    # The ledger is new: all of them create it at once, too.
    others = [child(ledger_url, "append", 40) for _ in range(2)]
    ledger = open_ledger(ledger_url)

    def append(thread: int) -> list[int]:
        for number in range(20):
            ledger.chain.append("inspection", f"T{thread}", number, T0)
        return [ledger.orders.next_number(2026) for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        given = [number for mine in pool.map(append, range(4)) for number in mine]
    for other in others:
        assert other.communicate(timeout=120)[0] == "ready\n"
        assert other.returncode == 0
    assert ledger.chain.verify().entries == 160
    assert ledger.chain.verify().broken_at is None
    assert len(set(given)) == 80
    assert ledger.orders.next_number(2026) == 161
    ledger.close()


def test_counters_add_up_over_kills_at_any_moment(ledger_url: str) -> None:
    """A key begun and not counted is in the intent, and nowhere else: nothing is lost, nothing counted twice."""
    ledger, chance = open_ledger(ledger_url), random.Random(7)
    counted: Counter[str] = Counter()
    following = 0
    for _ in range(6):
        lines = _killed_after(child(ledger_url, "count", following), chance.randint(1, 40))
        _wait_for_the_dead(ledger)
        begun = max((n for word, n in lines if word == "begun"), default=following - 1)
        open_intent = ledger.journal.unfinished()
        # What the child could not say any more, it may have done.
        following = max(begun, *(ts for _, ts in open_intent.keys)) + 1 if open_intent else begun + 1
        stored = ledger.journal.counters().get("stored", 0)
        if open_intent is None:
            following = max(following, stored)
        assert stored + (1 if open_intent else 0) == following
        if open_intent:
            (key,) = open_intent.keys
            assert key[1] == following - 1
            ledger.journal.finish({"stored": 1}, (), {"stored": {key[0]: 1}}, T0)
    assert [change.newest_ms for change in ledger.journal.changes_after(0)] == list(range(following))
    for day in ledger.journal.device_days(date(2026, 11, 22), date(2026, 11, 22)):
        counted[day.device_id] += day.counts["stored"]
    assert counted == Counter(f"D{number % 7}" for number in range(following))
    ledger.close()


def _wait_for_the_dead(ledger: Ledger) -> None:
    """A commit that reached PostgreSQL goes on without its client; the row that all commits touch is free after it."""
    assert isinstance(ledger, SqlLedger)
    with ledger._db.write() as connection:
        numbers.next_of(connection, "collector.last_commit_ms", 0)


def _killed_after(process: subprocess.Popen[str], lines: int) -> list[tuple[str, int]]:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    said = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += process.stdout.read().splitlines()
    process.wait(30)
    process.stdout.close()
    return [(word, int(number)) for word, number in (line.split() for line in said)]


def test_readers_see_one_instant(ledger: Ledger) -> None:
    """An order is never seen without its events, nor a finding without its entry, while others write."""
    stop = threading.Event()

    def write() -> None:
        for number in range(60):
            ledger.findings.record([finding(number)], at=T0, reached=number)
        stop.set()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(write)
        while not stop.is_set() and not done.done():
            assert ledger.chain.verify().broken_at is None
        done.result()


def test_a_full_disk_leaves_the_ledger_whole(file: Path) -> None:
    ledger = open_ledger(f"sqlite:///{file}")
    assert isinstance(ledger, SqlLedger)
    ledger.findings.record([finding(1)], at=T0)
    engine = ledger._db.engine
    engine.dispose()

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 100")

    with pytest.raises(LedgerUnavailable, match="full"):
        ledger.journal.finish({"received": 1}, [rejected(n, payload=bytes(60_000)) for n in range(20)], {}, T0)
    assert ledger.journal.counters() == {}
    assert ledger.journal.quarantined() == []
    ledger.journal.begin(intent(("D1", 1)), T0)
    assert ledger.chain.verify().broken_at is None
    ledger.close()


def test_a_locked_ledger_says_so_and_goes_on_later(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "BUSY_S", 0.05)
    ledger = open_ledger(f"sqlite:///{file}")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="locked"):
        ledger.chain.append("inspection", "P1", None, T0)
    assert ledger.chain.head().seq == 0  # reading goes on
    holder.execute("ROLLBACK")
    holder.close()
    assert ledger.chain.append("inspection", "P1", None, T0) == 1
    ledger.close()


def test_a_ledger_of_a_newer_heatwatch_is_refused(ledger: Ledger, ledger_url: str) -> None:
    assert isinstance(ledger, SqlLedger)
    with ledger._db.write() as connection:
        connection.exec_driver_sql("UPDATE ledger_schema SET version = 99")
    with pytest.raises(ConfigError, match="schema 99"):
        open_ledger(ledger_url)


def test_a_ledger_of_an_older_heatwatch_gets_what_it_lacks(ledger: Ledger, ledger_url: str) -> None:
    assert isinstance(ledger, SqlLedger)
    with ledger._db.write() as connection:
        connection.exec_driver_sql("DROP TABLE device_clocks")
        connection.exec_driver_sql("DROP TABLE tallies")
        connection.exec_driver_sql("UPDATE ledger_schema SET version = 1")
    opened = open_ledger(ledger_url)
    assert opened.journal.clocks() == []
    opened.journal.finish({}, (), {"stored": {"D1": 1}}, T0)
    assert [one.counts["stored"] for one in opened.journal.device_days(T0.date(), T0.date())] == [1]
    opened.close()


@pytest.mark.parametrize("url", ["", "ledger.db", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_names_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"ledger\.url .* right would be sqlite:///"):
        open_ledger(url)


def test_what_is_no_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ledger"):
        open_ledger(f"sqlite:///{tmp_path}/none.db", create=False)
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("a text that is long enough to be no database of SQLite " * 20)
    with pytest.raises(ConfigError, match="is no database of SQLite"):
        open_ledger(f"sqlite:///{tmp_path}/text.db")
    with pytest.raises(ConfigError, match="cannot be written"):
        open_ledger(f"sqlite:///{tmp_path}/text.db/ledger.db")


def test_the_file_is_its_owners_only(file: Path) -> None:
    ledger = open_ledger(f"sqlite:///{file}")
    ledger.chain.append("inspection", "P1", None, T0)
    for path in file.parent.glob("ledger.db*"):
        assert path.stat().st_mode & 0o077 == 0, path
    ledger.backup(str(file.with_name("copy.db")))
    assert file.with_name("copy.db").stat().st_mode & 0o077 == 0
    ledger.close()


def test_backup_while_in_use_and_restore(file: Path) -> None:
    url, copy = f"sqlite:///{file}", file.with_name("copies") / "copy.db"
    ledger = open_ledger(url)
    writer = child(url, "append", 60)
    assert writer.stdout is not None
    writer.stdout.readline()
    ledger.backup(str(copy))
    ledger.backup(str(copy))
    writer.communicate(timeout=120)
    assert [path.name for path in copy.parent.iterdir()] == ["copy.db"]
    with pytest.raises(InputError, match="in use"):
        restore_ledger(str(copy), url)
    assert ledger.chain.head().seq == 60
    ledger.close()
    restore_ledger(str(copy), url)
    restored, copied = open_ledger(url, create=False), open_ledger(f"sqlite:///{copy}")
    assert restored.chain.verify().broken_at is None
    assert restored.chain.head() == copied.chain.head()
    assert restored.chain.append("inspection", "P1", None, T0) == copied.chain.head().seq + 1
    restored.close()
    copied.close()


def test_only_a_sound_copy_is_restored(file: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        restore_ledger(str(file), f"sqlite:///{file}.new")
    file.write_text("not a ledger")
    with pytest.raises(InputError, match="no ledger"):
        restore_ledger(str(file), f"sqlite:///{file}.new")
    assert not file.with_name("ledger.db.new").exists()
