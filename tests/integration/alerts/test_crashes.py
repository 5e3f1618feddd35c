"""The stage cut off at every write, and killed as a process: nothing is lost, nothing is told twice."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alertkit import REGISTER, START, World, changed, cold
from parts import ROOT

from heating.order import WorkOrder


class Cut(BaseException):
    """The process ends here."""


class Cutting:
    """A ledger that ends the process before or after its n-th write; a write is a call of one of these methods."""

    WRITES = ("save", "set_cursor", "next_number", "delivered", "failed", "put")

    def __init__(self, inner: Any, countdown: list[int], after: bool) -> None:
        self._inner, self._countdown, self._after = inner, countdown, after

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name in ("orders", "outbox"):
            return Cutting(value, self._countdown, self._after)
        return self._cut(value) if name in self.WRITES else value

    def _cut(self, write: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            self._countdown[0] -= 1
            if self._countdown[0] == 0 and not self._after:
                raise Cut
            result = write(*args, **named)
            if self._countdown[0] == 0:
                raise Cut
            return result

        return call


def story(world: World) -> None:
    """Two orders, a join, an ending, clocks that run out: each scene is played again after a cut."""
    scenes = [
        (1, [cold("P3-101"), cold("P7-101", deficit=2.0)]),
        (3, [cold("P3-201")]),
        (11, [changed(cold("P7-101"), end=START)]),
        (31, []),
    ]
    for minute, findings in scenes:
        world.record(*findings)
        try:
            world.at(minute)
        except Cut:
            world.restart()
            world.go()


def outcome(world: World) -> tuple[Any, ...]:
    """What must be the same however often the stage was cut off; numbers of orders may have gaps."""
    orders = sorted(world.orders, key=lambda o: o.subject_id)
    place = {o.id: o.subject_id for o in orders}
    told = [(m["why"], place[m["order"]], m["step"]) for m in world.told]
    return [_facts(o) for o in orders], sorted(map(str, told)), world.ledger.outbox.waiting()


def _facts(order: WorkOrder) -> tuple[Any, ...]:
    return order.homes, order.findings, order.severity, [(e.kind, e.data.get("step")) for e in order.history]


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_off_at_each_write(tmp_path: Path, after: bool) -> None:
    (tmp_path / "whole").mkdir()
    whole = World(tmp_path / "whole")
    story(whole)
    expected = outcome(whole)
    assert len(expected[1]) == 8
    for write in itertools.count(1):
        folder = tmp_path / str(write)
        folder.mkdir()
        left = [write]
        world = World(folder, wrap=lambda ledger, left=left: Cutting(ledger, left, after))
        story(world)
        assert outcome(world) == expected, f"cut {'after' if after else 'before'} write {write}"
        world.ledger.close()
        if left[0] > 0:
            break
    assert write > 20


CHILD = """
import sys, threading
sys.path.insert(0, sys.argv[2])
import numpy as np
from pathlib import Path
from alertkit import REGISTER, VOICE
from alerts.settings import AlertsSettings, FileReceiver
from alerts.stage import AlertsStage
from heating.clock import SystemClock
from heating.ledger import open_ledger
folder = Path(sys.argv[1])
settings = AlertsSettings(every_s=0.1, receivers=(FileReceiver(name="file", path=str(folder / "notices.jsonl")),))
ledger = open_ledger(f"sqlite:///{folder / 'ledger.db'}")
AlertsStage(settings, ledger, lambda: REGISTER, SystemClock(), np.random.default_rng(), VOICE).run(threading.Event())
"""


@pytest.mark.integration
@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    rng = np.random.default_rng(7)
    known: list[str] = []
    for round_no in range(6):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), str(ROOT / "tests")], cwd=ROOT)
        try:
            for number, point in enumerate(REGISTER.points):
                finding = cold(point.point_id, id=f"F{round_no}-{number}")
                world.record(finding)
                known.append(finding.id)
                time.sleep(float(rng.uniform(0, 0.25)))
            if round_no == 5:
                _until(lambda: _covered(world) == sorted(known) and world.ledger.outbox.waiting() == 0)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(10)
    assert _covered(world) == sorted(known), "each finding in exactly one order"
    ids = [message["id"] for message in world.told]
    assert len(ids) == len(set(ids)), "each notice once"
    assert set(ids) == _expected_ids(world)
    assert world.ledger.chain.verify().broken_at is None


def _covered(world: World) -> list[str]:
    return sorted(finding for order in _all(world) for finding in order.findings)


def _expected_ids(world: World) -> set[str]:
    """Every opening, joining and escalation is told."""
    events = [(o.id, n) for o in _all(world) for n, e in enumerate(o.history, start=1) if e.kind != "note"]
    return {f"{order_id}.{n}.file" for order_id, n in events}


def _all(world: World) -> list[WorkOrder]:
    return world.ledger.orders.unfinished()


def _until(done: Any) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, "not done in time"
        time.sleep(0.05)
