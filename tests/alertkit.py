"""A small site for tests of alerts: two buildings, a ledger in a file, a clock moved by hand."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from alerts.acts import record_event
from alerts.settings import AlertsSettings, AnyReceiver, FileReceiver
from alerts.stage import AlertsStage
from alerts.words import Voice
from heating.clock import ManualClock
from heating.finding import Cause, Finding, FindingKind, Scope, Severity, Side, Subject
from heating.ledger import open_ledger
from heating.ledger.port import Ledger
from heating.order import WorkOrder
from heating.register import Register
from heating.site import Contact, MeasurementPoint, SubjectType
from heating.words import Language

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)  # 06:00 local
VOICE = Voice(Language.ZH, ZONE)
MINUTE = timedelta(minutes=1)


def point(building: str, room: str, *, space: str = "", **more: Any) -> MeasurementPoint:
    """One room point of branch S1/B; its id tells building, room and space."""
    name = "-".join(filter(None, [building, room, space]))
    return MeasurementPoint(
        point_id=f"P{name}", device_id=f"D{name}", station="S1", branch="B", building=building, unit="1",
        floor=int(room[0]), floors_total=6, room=room, space=space, **more,
    )  # fmt: skip


POINTS = (
    *(point("3", room) for room in ("101", "201", "301", "401")),
    point("3", "501", space="a"),
    point("3", "501", space="b"),
    *(point("7", room) for room in ("101", "201")),
)
REGISTER = Register.of_points(POINTS)


def cold(point_id: str, *, at: datetime = START, deficit: float = 1.5, **more: Any) -> Finding:
    """A confirmed open breach that a sweep at `at` first knew of."""
    values: dict[str, Any] = {
        "id": f"F-{point_id}",
        "kind": FindingKind.COLD_HOME,
        "subject": Subject(SubjectType.POINT, point_id),
        "start": at - timedelta(minutes=30),
        "confirmed": True,
        "confirmed_at": at,
        "detected_at": at,
        "severity": Severity.MAJOR,
        "evidence": {"temperature_c": 18 - deficit, "floor_c": 18.0, "deficit_k": deficit, "score": deficit},
    }
    return Finding(**(values | more))


def shared(finding_id: str, kind: SubjectType, place: str, members: tuple[str, ...]) -> Finding:
    """The finding of a cause that several points share."""
    scope = Scope.BRANCH_END if kind is SubjectType.BRANCH else Scope.RISER
    return Finding(
        id=finding_id, kind=FindingKind.HORIZONTAL_IMBALANCE, subject=Subject(kind, place), start=START,
        members=members, cause=Cause(scope, Side.NETWORK, 0.9),
    )  # fmt: skip


def changed(finding: Finding, **values: Any) -> Finding:
    return msgspec.structs.replace(finding, **values)


class World:
    """A stage over a ledger in a file; `restart` makes a new one as after a crash."""

    def __init__(
        self, folder: Path, *receivers: AnyReceiver, wrap: Callable[[Ledger], Ledger] = lambda x: x, **settings: Any
    ) -> None:
        self.folder, self.wrap = folder, wrap
        self.lines = folder / "notices.jsonl"
        self.settings = AlertsSettings(
            receivers=receivers or (FileReceiver(name="file", path=str(self.lines)),), **settings
        )
        self.clock = ManualClock(START)
        self.ledger: Ledger = open_ledger(f"sqlite:///{folder / 'ledger.db'}")
        weakref.finalize(self, self.ledger.close)  # Python 3.13 warns of a connection that nobody closes
        self.ledger.places.import_register(POINTS, {"P3-101": Contact("王某", "13812345678", "3号楼101")}, START)
        self.restart()

    def restart(self) -> None:
        self.stage = AlertsStage(
            self.settings, self.wrap(self.ledger), lambda: REGISTER, self.clock, np.random.default_rng(1), VOICE
        )

    def at(self, minutes: float) -> None:
        """Set the clock to so many minutes after the start, then look and deliver."""
        self.clock.advance((START + minutes * MINUTE - self.clock.now()).total_seconds())
        self.go()

    def go(self) -> None:
        self.stage.look()
        self.stage.deliver(threading.Event())

    def record(self, *findings: Finding) -> None:
        self.ledger.findings.record(findings, at=self.clock.now())

    @property
    def orders(self) -> list[WorkOrder]:
        return self.ledger.orders.between(START - timedelta(days=1), START + timedelta(days=30))

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the file receiver got."""
        return [json.loads(line) for line in self.lines.read_text().splitlines()] if self.lines.exists() else []

    def whys(self) -> list[str]:
        return [message["why"] for message in self.told]


def act(world: World, kind: str, text: str = "", order: int = 0) -> None:
    """Let a person do something with an order now."""
    record_event(world.ledger, world.orders[order].id, kind, "李", text, world.clock.now())
