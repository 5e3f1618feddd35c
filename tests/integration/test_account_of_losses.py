"""What a full queue of a real broker cost stands in the account: dated, counted, and what is left adds up."""

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
from heating.ledger.port import Ledger
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
