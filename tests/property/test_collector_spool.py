"""The spool against a list: nothing that `append` confirmed is lost, nothing comes out of order."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from collector.packet import Packet
from collector.spool import Page, Spool
from collector.spool_records import record_of
from collector.spool_segments import Span

CAP = 4000
SEGMENT = 600


def packet(number: int, size: int) -> Packet:
    return Packet(topic=f"t/{number}", payload=b"x" * size, received_ms=number, length=size)


class SpoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "spool"
        self.spool = self.open()
        self.model: list[int] = []  # confirmed, not settled
        self.settled_here: list[int] = []  # settled by a process whose cursor may be lost
        self.skippable: list[tuple[Span, list[int]]] = []
        self.page: Page | None = None
        self.count = 0

    def open(self) -> Spool:
        return Spool(self.path, CAP, segment_bytes=SEGMENT)

    @rule(sizes=st.lists(st.integers(0, 200), min_size=1, max_size=4))
    def append(self, sizes):
        batch = [packet(self.count + i, size) for i, size in enumerate(sizes)]
        before = self.spool.size
        span = self.spool.append(batch)
        if span is None:
            assert before + sum(len(p.payload) for p in batch) + 80 * len(batch) > CAP
            assert self.spool.size == before
            return
        numbers = [p.received_ms for p in batch]
        self.count += len(batch)
        self.model += numbers
        self.skippable.append((span, numbers))

    @rule(limit=st.integers(1, 6))
    def read(self, limit):
        self.page = self.spool.read(limit)
        found = [] if self.page is None else [p.received_ms for p in self.page.packets]
        assert found == self.model[:limit]

    @precondition(lambda self: self.page is not None)
    @rule()
    def settle(self):
        self.spool.settle(self.page.end)
        done = [p.received_ms for p in self.page.packets]
        self.model = [n for n in self.model if n not in done]
        self.page = None

    @precondition(lambda self: self.skippable and self.page is None)
    @rule(data=st.data())
    def skip(self, data):
        span, numbers = data.draw(st.sampled_from(self.skippable))
        if all(n in self.model for n in numbers):
            self.spool.skip(span)
            self.model = [n for n in self.model if n not in numbers]

    @rule(share=st.floats(0, 0.99), zeros=st.sampled_from([0, 0, 1024, 5000]), lose_cursor=st.booleans())
    def killed(self, share, zeros, lose_cursor):
        torn = record_of(packet(999_999, 60))
        torn = torn[: int(share * len(torn))] + bytes(zeros)
        self.spool.close()
        segments = sorted(self.path.glob("*.spool"))
        if segments:
            with segments[-1].open("ab") as file:
                file.write(torn)
        if lose_cursor:
            (self.path / "cursor.json").unlink(missing_ok=True)
        self.spool = self.open()
        self.page, self.skippable = None, []
        found = self.everything()
        # Skipped and settled ones may come again after a kill, in order; confirmed ones all come.
        assert [n for n in found if n in self.model] == self.model
        assert found == sorted(set(found))
        self.model = found

    def everything(self) -> list[int]:
        page = self.spool.read(10_000)
        return [] if page is None else [p.received_ms for p in page.packets]

    @invariant()
    def bounded(self):
        assert self.spool.size <= CAP
        on_disk = sum(file.stat().st_size for file in self.path.glob("*.spool")) if self.path.is_dir() else 0
        assert on_disk == self.spool.size
        assert self.spool.empty == (self.everything() == [])

    def teardown(self):
        self.spool.close()
        self.folder.cleanup()


SpoolMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSpool = SpoolMachine.TestCase
