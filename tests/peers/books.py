"""A store and a ledger in memory, as far as the collector needs them, that fail where a test says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from heating.instants import to_ms
from heating.ledger.port import BatchIntent, ClockRecord, RejectedReading
from heating.reading import Bools, ReadingTable
from heating.register import Register
from heating.store.port import Rejected, Written

Fault = Callable[[str], None]


def _no_fault(call: str) -> None:
    """Nothing fails."""


class MemoryStore:
    """First one wins by (device, ts). `fault(call)` is asked before (`write`) and after (`written`) each change."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], float] = {}
        self.points: dict[tuple[str, int], str] = {}
        self.fault: Fault = _no_fault
        self.refuse: dict[tuple[str, int], str] = {}

    def unseen(self, batch: ReadingTable) -> Bools:
        self.fault("unseen")
        seen = set(self.rows)
        found = []
        for key in zip(batch.device.tolist(), batch.ts_ms.tolist(), strict=True):
            found.append(key not in seen)
            seen.add(key)
        return np.array(found, dtype=np.bool_)

    def write(self, batch: ReadingTable) -> Written:
        self.fault("write")
        stored, rejected = [], []
        for i, key in enumerate(zip(batch.device.tolist(), batch.ts_ms.tolist(), strict=True)):
            new = key not in self.rows and key not in self.refuse
            if key in self.refuse:
                rejected.append(Rejected(i, self.refuse[key]))
            elif new:
                self.rows[key] = float(batch.temperature_c[i])
                self.points[key] = str(batch.point[i])
            stored.append(new)
        self.fault("written")
        return Written(np.array(stored, dtype=np.bool_), np.zeros(len(batch), dtype=np.bool_), tuple(rejected))

    def newest(self) -> dict[str, int]:
        newest: dict[str, int] = {}
        for device, ts in self.rows:
            newest[device] = max(ts, newest.get(device, ts))
        return newest


class MemoryJournal:
    """The collector's book; survives what kills the collector."""

    def __init__(self) -> None:
        self.intent: BatchIntent | None = None
        self.intents: list[BatchIntent] = []
        self.totals: Counter[str] = Counter()
        self.devices: dict[str, Counter[str]] = {}
        self.rows: list[RejectedReading] = []
        self.remembered: dict[str, tuple[int, int]] = {}
        self.seen_strangers: list[object] = []
        self.known_clocks: dict[str, ClockRecord] = {}
        self.fault: Fault = _no_fault

    def begin(self, intent: BatchIntent, at: datetime) -> int:
        self.fault("begin")
        self.intent = intent
        self.intents.append(intent)
        for digest, ms in intent.clockless.items():
            self.remembered[digest] = (ms, to_ms(at))
        self.fault("begun")
        return len(self.intents)

    def finish(
        self,
        counts: Mapping[str, int],
        rejected: Sequence[RejectedReading],
        devices: Mapping[str, Mapping[str, int]],
        at: datetime,
        *,
        day: object = None,
    ) -> None:
        self.fault("finish")
        self.totals.update(counts)
        self.rows.extend(rejected)
        for name, numbers in devices.items():
            for device, count in numbers.items():
                self.devices.setdefault(device, Counter())[name] += count
        self.intent = None
        self.fault("finished")

    def unfinished(self) -> BatchIntent | None:
        return self.intent

    def counters(self) -> dict[str, int]:
        return dict(self.totals)

    def clockless(self, digests: Sequence[str], now: datetime) -> dict[str, int]:
        limit = to_ms(now - timedelta(minutes=10))
        return {d: self.remembered[d][0] for d in digests if d in self.remembered and self.remembered[d][1] >= limit}

    def was_quarantined(self, topic: str, sha256: str, index: int | None, since: datetime) -> bool:
        return any((r.topic, r.sha256, r.index) == (topic, sha256, index) for r in self.rows)

    def note_strangers(self, seen: Sequence[object]) -> None:
        self.seen_strangers.extend(seen)

    def note_clocks(self, records: Sequence[ClockRecord]) -> None:
        self.known_clocks.update({record.clock.device_id: record for record in records})

    def clocks(self) -> list[ClockRecord]:
        return list(self.known_clocks.values())


class MemoryPlaces:
    """The register."""

    def __init__(self, register: Register) -> None:
        self.current = register
        self.version = 1

    def register(self) -> Register:
        return self.current

    def stamp(self) -> str:
        return str(self.version)


class MemoryChain:
    """The chain, as far as entries are appended."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, dict[str, object], datetime]] = []

    def append(self, kind: str, subject: str, body: dict[str, object], at: datetime) -> int:
        self.entries.append((kind, subject, body, at))
        return len(self.entries)


class MemoryLedger:
    """Chain, journal and places; the other books are not the collector's."""

    def __init__(self, register: Register) -> None:
        self.chain = MemoryChain()
        self.journal = MemoryJournal()
        self.places = MemoryPlaces(register)
