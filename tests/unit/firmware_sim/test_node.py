"""A node forgets nothing that was not acknowledged."""

import json

import hypothesis.strategies as st
from hypothesis import given
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware_sim.node import Node, Sample, Upload


class NodeLife(RuleBasedStateMachine):
    """Samples, uploads, acknowledgements, lost packets and hours without a network in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.node = Node("SIM1")
        self.taken: list[int] = []
        self.delivered: dict[int, bool] = {}
        self.travelling: list[Upload] = []
        self.refused: set[int] = set()

    @rule()
    def sample(self) -> None:
        ts = 1_000_000_000_000 + 1_200_000 * len(self.taken)
        self.taken.append(ts)
        self.node.sample(Sample(ts, 20.0))

    @rule()
    def upload(self) -> None:
        uploads = self.node.upload()
        times = [r.ts for u in uploads for r in u.readings]
        assert times == sorted(times)
        assert all(1 <= len(u.readings) <= 3 for u in uploads)
        self.travelling += uploads

    @rule()
    def no_network(self) -> None:
        held = set(self.taken) - set(self.delivered) - {r.ts for u in self.travelling for r in u.readings}
        self.refused |= held
        self.node.missed()

    @precondition(lambda self: self.travelling)
    @rule(data=st.data())
    def acknowledged(self, data: st.DataObject) -> None:
        upload = self.travelling.pop(data.draw(st.integers(0, len(self.travelling) - 1)))
        self.node.sent(upload)
        for reading in json.loads(upload.payload)["readings"]:
            assert reading["ts"] not in self.delivered
            self.delivered[reading["ts"]] = reading.get("replayed", False)
            assert self.delivered[reading["ts"]] == (reading["ts"] in self.refused)

    @precondition(lambda self: self.travelling)
    @rule(data=st.data())
    def lost(self, data: st.DataObject) -> None:
        upload = self.travelling.pop(data.draw(st.integers(0, len(self.travelling) - 1)))
        self.refused |= {r.ts for r in upload.readings}
        self.node.failed(upload)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.node.holds == len(self.taken) - len(self.delivered)
        assert self.node.forgotten == 0


TestNodeLife = NodeLife.TestCase


@given(capacity=st.integers(1, 20), taken=st.integers(0, 40))
def test_a_full_memory_forgets_the_oldest_and_counts_them(capacity: int, taken: int) -> None:
    node = Node("SIM1", capacity=capacity)
    for k in range(taken):
        node.sample(Sample(k, 20.0))
    kept = [r.ts for u in node.upload() for r in u.readings]
    assert kept == list(range(taken))[-capacity:]
    assert node.forgotten == max(0, taken - capacity)
