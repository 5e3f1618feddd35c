"""A glance at a batch and judging reading by reading accept the same."""

from __future__ import annotations

import json
from dataclasses import fields
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.batch import Judged
from collector.intake import Intake
from collector.judge import Judge
from collector.packet import Packet, clip
from collector.payloads.native import Native, WirePacket
from collector.routes import Routes
from collector.settings import TopicSettings
from collector.timekeeping import Timekeeper
from heating.reading import Reading, ReadingTable
from heating.register import Register
from heating.site import MeasurementPoint, Placement, PointKind

NOW = 1_795_312_800_000
ZONE = ZoneInfo("Asia/Shanghai")

# Packets in good order but for a member or two, at the edges of what is allowed.
EDGES = {
    "ts": [
        *(NOW + 300_000, NOW + 300_001, NOW - 86_400_000, NOW - 86_400_001, NOW - 90_000_000, NOW - 90_000_001),
        *(NOW - 1, NOW - 2, NOW - 1000, NOW - 1001, NOW // 1000, NOW / 2, 0, 946_684_799_999, 946_684_800_000, 10**14),
        *(None, "2026-11-22T10:00:00+08:00", True),
    ],
    "temperature_c": [-60.01, -60, -30.001, -30, 60, 60.001, 1e39, None, "x"],
    "humidity_pct": [101, None, "x", 10**25],
    "supply_c": [60.0, 200.0],
    "seq": [0, 1, 5, None],
    "replayed": [True, False],
}
GOOD = {"ts": NOW - 50_000, "temperature_c": 20.5, "humidity_pct": 38.0}
DEVICES = ["D1", "D2", "D3", "D4", "D5", "X"]
READINGS = st.builds(
    lambda ts, odd: GOOD | {"ts": ts} | odd,
    st.integers(NOW - 80_000_000, NOW - 2000),
    st.lists(st.sampled_from([(key, value) for key in EDGES for value in EDGES[key]]), max_size=2).map(dict),
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "battery_v": st.sampled_from([2.9, 10**30, None, "low"]),
        "rssi_dbm": st.sampled_from([-71, None]),
        "flags": st.lists(st.sampled_from(["moved", "low_battery", "sensor_fault", "other"]), max_size=3),
        "device_id": st.sampled_from(["D1", "D2", None]),
    },
)
NEARLY = st.builds(
    lambda around, found: around | (found if isinstance(found, dict) else {"readings": found}),
    st.just({}) | ENVELOPES,
    READINGS | st.lists(READINGS, max_size=4),
)
ESTATE = Register(
    [
        MeasurementPoint(point_id="P1", device_id="D1", station="S"),
        MeasurementPoint(point_id="P2", device_id="D2", station="S", kind=PointKind.ENTRY),
        MeasurementPoint(point_id="P3", device_id="D3", station="S", kind=PointKind.OUTDOOR),
        MeasurementPoint(point_id="P4", station="S"),
    ],
    [
        Placement("D1", "P1"),
        Placement("D2", "P2"),
        Placement("D3", "P3", NOW - 90_000_000, NOW - 1),
        Placement("D4", "P1", None, NOW - 1000),
        Placement("D4", "P4", NOW - 2000, None),
        Placement("D5", "P9"),
    ],
)


@given(
    st.sampled_from(DEVICES),
    NEARLY.map(lambda tree: json.dumps(tree).encode()) | st.binary(max_size=64),
    st.sampled_from([0, 86_400_000]),
    st.booleans(),
)
def test_what_is_accepted_at_a_glance_is_what_judging_accepts(device, payload, retention_ms, retained):
    agree(device, payload, retention_ms, retained=retained)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("retention_ms", [0, 86_400_000])
def test_glance_and_judging_agree_at_every_edge(device, retention_ms):
    for key, values in EDGES.items():
        for value in values:
            odd = GOOD | {key: value}
            for tree in (odd, {"readings": [GOOD, odd]}):
                agree(device, json.dumps(tree).encode(), retention_ms)


def packet(topic: str, payload: bytes, *, retained: bool = False) -> Packet:
    kept, sha256 = clip(payload)
    return Packet(topic=topic, payload=kept, received_ms=NOW, length=len(payload), sha256=sha256, retained=retained)


def agree(device: str, payload: bytes, retention_ms: int, *, retained: bool = False) -> None:
    came = packet(f"heatwatch/v1/{device}/readings", payload, retained=retained)
    intake, native = Intake(ESTATE, retention_ms), Native()
    found = native.read(came.topic, payload)
    message = native(came.topic, payload)
    judged = intake.judge(came, message, NOW)
    assert native.message(found) == message if isinstance(found, WirePacket) else found == message
    at_once = intake.at_a_glance([came], [found])
    if at_once.places:
        assert same(at_once.readings, ReadingTable.of(judged))
        assert at_once.index_of.tolist() == list(range(len(judged)))
        watched, short = Timekeeper(ZONE), Timekeeper(ZONE)
        watched.saw(came, message)
        short.saw_plain(came, *at_once.wires, *at_once.newest_ms)
        assert short._tracks == watched._tracks
    elif device in ("D1", "D3") and all(isinstance(one, Reading) for one in judged) and isinstance(found, WirePacket):
        # Everything that has its time in milliseconds goes the short way.
        assert any(type(one.ts) is not int or not 946_684_800_000 <= one.ts < 10**14 for one in found.each)


def same(one: ReadingTable, other: ReadingTable) -> bool:
    columns = [(getattr(one, f.name), getattr(other, f.name)) for f in fields(ReadingTable)]
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") and a.dtype == b.dtype for a, b in columns)


@given(st.lists(st.tuples(st.sampled_from(DEVICES), NEARLY), max_size=8))
def test_a_batch_is_judged_as_its_packets_are_one_by_one(sent):
    packets = [packet(f"heatwatch/v1/{device}/readings", json.dumps(tree).encode()) for device, tree in sent]
    (whole,) = judged_in([packets])
    apart = judged_in([[one] for one in packets])
    assert same(whole.accepted, ReadingTable.joined([one.accepted for one in apart]))
    assert whole.packet_of.tolist() == [i for i, one in enumerate(apart) for _ in range(len(one.accepted))]
    assert whole.index_of.tolist() == [index for one in apart for index in one.index_of.tolist()]
    assert whole.rejected == [row for one in apart for row in one.rejected]
    assert whole.ignored == [row for one in apart for row in one.ignored]


def judged_in(batches: list[list[Packet]]) -> list[Judged]:
    routes = Routes([TopicSettings(filter="heatwatch/v1/+/readings", decoder="native")], ZONE)
    judge, intake, remembered = Judge(routes, Timekeeper(ZONE)), Intake(ESTATE), {}
    found = []
    for packets in batches:
        found.append(judge.judge(judge.decode(packets, intake), intake, remembered))
        remembered |= found[-1].clockless
    return found
