"""What limits cost stands in the account: dated, counted, and what is left adds up. With a real broker."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from peers.collecting import Publisher, instants, wait_until
from peers.mosquitto import mosquitto
from peers.stage import REGISTER, collecting

from dashboards.losses import losses
from dashboards.reports.completeness import CompletenessReport, completeness_statement, write_completeness_report
from heating.ledger import open_ledger
from heating.ledger.engine import open_sql_ledger
from heating.ledger.port import Ledger
from heating.ledger.quarantine import QuarantineCap
from heating.store import open_store
from heating.words import Language

pytestmark = pytest.mark.integration

PUBLISHED = 1000
ZONE = ZoneInfo("Asia/Shanghai")


def told_of(ledger: Ledger) -> int:
    return sum(lost.messages or 0 for lost in losses(ledger.chain))


def test_published_is_what_came_and_what_the_account_says_was_dropped(tmp_path: Path) -> None:
    store = open_store(f"duckdb:///{tmp_path / 'store.duckdb'}", role="owner")
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    state = tmp_path / "state"
    ledger.places.import_register(REGISTER.points, {}, datetime.now(UTC) - timedelta(days=30), stamp="a")
    with mosquitto(tmp_path, extra=("max_queued_messages 100", "sys_interval 1")) as broker:
        books = {"store": store, "ledger": ledger, "folder": str(state)}
        with collecting(broker.port, **books):  # type: ignore[arg-type]
            assert wait_until(lambda: json.loads((state / "broker.json").read_bytes())["dropped"] == 0)
        devices, left = Publisher(broker.port), datetime.now(UTC)
        for i, ts in enumerate(instants(PUBLISHED)):
            devices.reading(f"D{i % 10}", ts, 19.0)
        assert devices.delivered()
        devices.close()
        with collecting(broker.port, **books):  # type: ignore[arg-type]
            # The broker says it late, and in parts.
            assert wait_until(lambda: ledger.journal.counters().get("stored", 0) + told_of(ledger) >= PUBLISHED)
    now = datetime.now(UTC)
    first = (now - timedelta(days=1)).astimezone(ZONE).date()
    request = CompletenessReport(
        first=first, last=now.astimezone(ZONE).date(), zone=ZONE, now=now, language=Language.EN, declared_min=20.0
    )
    told = completeness_statement(request, store, ledger)
    assert told.adds_up
    assert told.total.received == told.total.stored == ledger.journal.counters()["stored"]
    (lost,) = told.losses
    # The broker counts its own message on what it dropped in, where that had to wait in the same queue.
    assert PUBLISHED <= told.total.received + told.lost_messages <= PUBLISHED + 5
    assert lost.since is not None
    assert lost.since <= left < lost.until <= now
    assert (lost.limit, told.lost_uncounted) == ("queue", 0)
    write_completeness_report(request, store, ledger, tmp_path / "a.csv")
    assert f"the broker dropped {told.lost_messages} messages" in (tmp_path / "a.csv").read_text("utf-8-sig")
    assert ledger.chain.verify().broken_at is None
    store.close()
    ledger.close()


def test_rejected_packets_that_made_room_are_in_the_account_and_change_no_sum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.stage._LOSSES_AGAIN_S", 0.1)
    store = open_store(f"duckdb:///{tmp_path / 'store.duckdb'}", role="owner")
    ledger = open_sql_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", cap=QuarantineCap(rows=50))
    ledger.places.import_register(REGISTER.points, {}, datetime.now(UTC) - timedelta(days=30), stamp="a")
    with mosquitto(tmp_path) as broker, collecting(broker.port, store=store, ledger=ledger) as running:  # type: ignore[arg-type]
        devices = Publisher(broker.port)
        for n in range(60):
            devices.garbage("D1", f"rubbish {n}")
        assert devices.delivered()
        devices.close()
        assert wait_until(lambda: told_of(ledger) > 0)
        assert wait_until(lambda: running.metric("quarantine_dropped_total") == 10)
        health = running.stage.health(datetime.now(UTC))
        assert health.ok
        assert "quarantine full" in health.text
    now = datetime.now(UTC)
    today = now.astimezone(ZONE).date()
    request = CompletenessReport(first=today - timedelta(days=1), last=today, zone=ZONE, now=now)
    told = completeness_statement(request, store, ledger)
    assert (told.adds_up, told.total.received, told.total.quarantined) == (True, 60, 60)
    assert (told.verbatim_dropped, told.lost_messages, told.lost_uncounted) == (10, 0, 0)
    (lost,) = told.losses
    assert (lost.what, lost.since is not None) == ("quarantine", True)
    store.close()
    ledger.close()
