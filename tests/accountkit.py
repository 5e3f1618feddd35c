"""A collector on real books, fed packet by packet, for tests of the account of readings."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from collector.batch import Batch
from collector.judge import Judge
from collector.packet import Packet, clip
from collector.routes import Routes
from collector.settings import NATIVE_TOPICS
from collector.timekeeping import Timekeeper
from collector.writer import Writer
from heating.clock import ManualClock
from heating.instants import to_ms
from heating.ledger import open_ledger
from heating.site import MeasurementPoint
from heating.store import open_store

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 12, 14, tzinfo=ZONE)
STEP = timedelta(minutes=20)


class Intake:
    """A collector on real books, fed packet by packet."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(f"duckdb:///{folder / 'store.duckdb'}", role="owner")
        self.ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
        self.clock = ManualClock(MIDNIGHT)
        self.writer = self.start()

    def start(self) -> Writer:
        judge = Judge(Routes(NATIVE_TOPICS, ZONE), Timekeeper(ZONE))
        self.writer = Writer(judge, self.store, self.ledger, self.clock, 0)
        self.writer.recover()
        return self.writer

    def register(self, *points: MeasurementPoint, at: datetime = MIDNIGHT - timedelta(days=30)) -> None:
        self.ledger.places.import_register(points, {}, at, stamp=str(len(points)) + points[0].point_id)
        self.writer.reload_register()

    def wait_until(self, instant: datetime) -> None:
        self.clock.advance((instant - self.clock.now()).total_seconds())

    def packet(self, device: str, payload: object) -> Packet:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        kept, sha256 = clip(raw)
        return Packet(
            topic=f"heatwatch/v1/{device}/readings", payload=kept, received_ms=to_ms(self.clock.now()),
            length=len(raw), sha256=sha256,
        )  # fmt: skip

    def send(self, device: str, *instants: datetime, value: object = 19.0) -> None:
        readings = [{"ts": to_ms(at), "temperature_c": value} for at in instants]
        self.writer.push(Batch([self.packet(device, {"readings": readings})]))


def point(number: int, device: str | None = None, **more: object) -> MeasurementPoint:
    base = {"point_id": f"P{number}", "device_id": device or f"D{number}", "station": "S1", "building": "1"}
    return MeasurementPoint(**{**base, "room": str(number), "floor": 1, **more})  # type: ignore[arg-type]


def steps(start: datetime, count: int) -> list[datetime]:
    return [start + i * STEP for i in range(count)]
