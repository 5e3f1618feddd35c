"""What the tests of the ledger share: the adapters, an instant, and small findings, orders and notices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from peers import postgres

from heating.finding import Finding, FindingKind, Severity, Subject
from heating.ledger import Ledger, open_ledger
from heating.ledger.port import BatchIntent, RejectedReading
from heating.order import Notice, OrderEvent, OrderState, TriggerClass, WorkOrder
from heating.site import SubjectType

ADAPTERS = ["sqlite", *(["postgresql"] if postgres.available() else [])]

# Microseconds on purpose: what is kept to the millisecond must not lose or gain what touches its edge.
T0 = datetime(2026, 11, 22, 2, 20, 0, 123_456, tzinfo=UTC)


def after(**span: float) -> datetime:
    return T0 + timedelta(**span)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(params=ADAPTERS)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state/ledger.db"
        return
    with postgres.fresh(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    opened = open_ledger(ledger_url)
    yield opened
    opened.close()


def finding(number: int = 1, **other: Any) -> Finding:
    given: dict[str, Any] = {
        "id": f"F{number}",
        "kind": FindingKind.COLD_HOME,
        "subject": Subject(SubjectType.POINT, f"P{number}"),
        "start": T0,
        "evidence": {"deficit_k": 1.25, "窗": "末端"},
    }
    return Finding(**given | other)


def event(order_id: str = "W1", kind: str = "opened", **other: Any) -> OrderEvent:
    return OrderEvent(**{"order_id": order_id, "kind": kind, "at": T0, "by": "system"} | other)


def order(order_id: str = "W1", **other: Any) -> WorkOrder:
    given: dict[str, Any] = {
        "id": order_id,
        "state": OrderState.OPEN,
        "opened_at": T0,
        "detected_at": T0,
        "subject_type": SubjectType.BUILDING,
        "subject_id": "S1/3",
        "homes": ("S1/3/1/501",),
        "points": ("P1",),
        "findings": ("F1",),
        "cause": None,
        "trigger": TriggerClass.USER,
        "severity": Severity.MAJOR,
        "priority": 2.4,
        "content": "低温",
        "due": {"issued": after(minutes=10)},
        "history": (event(order_id),),
    }
    return WorkOrder(**given | other)


def notice(number: int = 1, **other: Any) -> Notice:
    given: dict[str, Any] = {
        "id": f"W1.{number}.desk",
        "receiver": "desk",
        "why": "order_opened",
        "subject": "W1",
        "created_at": T0,
        "next_try": T0,
        "body": {"schema": 1, "points": ["P1"]},
    }
    return Notice(**given | other)


def intent(*keys: tuple[str, int], **other: Any) -> BatchIntent:
    stamps = [ts for _, ts in keys] or [0]
    return BatchIntent(**{"keys": keys, "oldest_ms": min(stamps), "newest_ms": max(stamps)} | other)


def rejected(number: int = 1, **other: Any) -> RejectedReading:
    given: dict[str, Any] = {
        "received_at": T0.replace(microsecond=123_000),
        "topic": f"heatwatch/v1/D{number}/readings",
        "reason": "implausible",
        "index": 0,
        "payload": b"\x00\xff" * 10,
        "length": 20,
        "sha256": f"{number:064x}",
    }
    return RejectedReading(**given | other)
