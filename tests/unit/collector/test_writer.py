from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from peers.books import MemoryLedger, MemoryStore

from collector.batch import Batch, Step
from collector.judge import Judge
from collector.packet import Packet, clip
from collector.routes import Routes
from collector.settings import NATIVE_TOPICS, TopicSettings
from collector.timekeeping import Timekeeper
from collector.writer import Writer
from heating.clock import ManualClock
from heating.errors import LedgerUnavailable, StoreUnavailable
from heating.instants import from_ms, to_ms
from heating.register import Register
from heating.site import MeasurementPoint

NOW = 1_795_312_800_000
MINUTE = 60_000
ZONE = ZoneInfo("Asia/Shanghai")


class Killed(BaseException):
    """The process is gone."""


class Bench:
    """A collector's books, and writers on them one after the other."""

    def __init__(self) -> None:
        self.register = Register.of_points(
            MeasurementPoint(point_id=f"P{i}", device_id=f"D{i}", station="S1") for i in range(5)
        )
        self.store = MemoryStore()
        self.ledger = MemoryLedger(self.register)
        self.clock = ManualClock(from_ms(NOW))

    def writer(self) -> Writer:
        writer = Writer(Judge(Routes(NATIVE_TOPICS, ZONE), Timekeeper(ZONE)), self.store, self.ledger, self.clock, 0)  # type: ignore[arg-type]
        writer.recover()
        return writer

    def packet(self, device: str, payload: object, **kw: object) -> Packet:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        kept, sha256 = clip(raw)
        return Packet(
            topic=f"heatwatch/v1/{device}/readings",
            payload=kept,
            received_ms=to_ms(self.clock.now()),
            length=len(raw),
            sha256=sha256,
            **kw,  # type: ignore[arg-type]
        )

    def push(self, *packets: Packet) -> dict[str, int]:
        self.writer().push(Batch(list(packets)))
        return self.counts()

    def counts(self) -> dict[str, int]:
        totals = self.ledger.journal.totals
        assert totals["received"] == sum(totals[k] for k in ("stored", "repeated", "ignored", "quarantined"))
        assert totals["stored"] == len(self.store.rows)
        assert totals["quarantined"] == len(self.ledger.journal.rows)
        return {k: n for k, n in totals.items() if n and "." not in k and k != "packets"}

    def fail(self, at: str, error: BaseException) -> None:
        """Let one call fail, once."""
        armed = [True]

        def fault(call: str) -> None:
            if call == at and armed:
                armed.clear()
                raise error

        self.store.fault = self.ledger.journal.fault = fault


def reading(minutes: float, value: object = 19.0) -> dict[str, object]:
    return {"ts": int(NOW - minutes * MINUTE), "temperature_c": value}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_good_bad_and_ignored_are_counted_in_readings(bench):
    mixed = {"readings": [reading(40), reading(20, "x"), reading(0)]}
    status = Packet(topic="heatwatch/v1/D1/status", payload=b"{}", received_ms=NOW, length=2)
    counts = bench.push(bench.packet("D1", mixed), status, bench.packet("X", reading(0)), bench.packet("D2", b"\xff"))
    assert counts == {"received": 5, "stored": 2, "quarantined": 3}
    rows = [(r.topic.split("/")[2], r.reason, r.index) for r in bench.ledger.journal.rows]
    assert rows == [("D1", "wrong_type", 1), ("X", "unknown_device", 0), ("D2", "not_json", None)]
    assert bench.ledger.journal.totals["packets"] == 4
    assert bench.ledger.journal.totals["packets.status"] == 1
    assert bench.ledger.journal.devices["D1"] == {"stored": 2, "quarantined": 1}
    assert "X" not in bench.ledger.journal.devices
    for fate in ("stored", "repeated", "ignored", "quarantined", "late"):
        assert sum(d[fate] for d in bench.ledger.journal.devices.values()) == bench.ledger.journal.totals[fate], fate


def test_late_is_counted_reading_by_reading_whatever_the_batch(bench):
    assert bench.push(bench.packet("D1", {"readings": [reading(10), reading(30), reading(5)]}))["late"] == 1
    assert bench.push(bench.packet("D1", reading(20)), bench.packet("D1", reading(1)))["late"] == 2
    assert bench.ledger.journal.intents[-1].late_points == ("P1",)
    assert bench.ledger.journal.intents[-1].late_keys == (0,)


def test_repeats_change_nothing(bench):
    first = bench.packet("D1", reading(0, 19.0))
    other = bench.packet("D1", reading(0, 25.0))
    assert bench.push(first, other) == {"received": 2, "stored": 1, "repeated": 1}
    assert bench.push(first) == {"received": 3, "stored": 1, "repeated": 2}
    assert list(bench.store.rows.values()) == [19.0]


@pytest.mark.parametrize("text_first", [True, False])
def test_first_one_wins_however_its_time_is_written(bench, text_first):
    """A time as text is judged the long way, one in milliseconds at a glance: they stay in order."""
    text = bench.packet("D1", {"ts": from_ms(NOW).isoformat(), "temperature_c": 18.0})
    plain = bench.packet("D1", reading(0, 25.0))
    packets = (text, plain) if text_first else (plain, text)
    assert bench.push(*packets) == {"received": 2, "stored": 1, "repeated": 1}
    assert list(bench.store.rows.values()) == [18.0 if text_first else 25.0]


def test_huge_packet_is_one_bad_reading_kept_in_part(bench):
    huge = b'{"ts": 1795312800000, "temperature_c": 19.0, "x": "' + b"x" * 70_000 + b'"}'
    assert bench.push(bench.packet("D1", huge)) == {"received": 1, "quarantined": 1}
    (row,) = bench.ledger.journal.rows
    assert (row.reason, row.length, len(row.payload), row.index) == ("too_large", len(huge), 65_536, None)
    assert row.payload == huge[:65_536]


def test_packet_without_a_clock_is_a_repeat_for_ten_minutes(bench):
    for seconds, stored in ((0, 1), (540, 1), (700, 2)):
        bench.clock = ManualClock(from_ms(NOW) + timedelta(seconds=seconds))
        assert bench.push(bench.packet("D1", {"temperature_c": 19.0}))["stored"] == stored


def test_packets_without_a_clock_in_one_millisecond_are_as_many_readings(bench):
    counts = bench.push(*(bench.packet("D1", {"temperature_c": 19.0 + i}) for i in (0, 1, 2, 3, 0)))
    assert counts == {"received": 5, "stored": 4, "repeated": 1}
    assert sorted(ts - NOW for _, ts in bench.store.rows) == [0, 1, 2, 3]


def test_bad_packet_brought_again_is_not_quarantined_again(bench):
    bad = b"{bad"
    assert bench.push(bench.packet("D1", bad)) == {"received": 1, "quarantined": 1}
    assert bench.push(bench.packet("D1", bad, redelivered=True)) == {"received": 2, "quarantined": 1, "repeated": 1}
    assert bench.push(bench.packet("D1", bad)) == {"received": 3, "quarantined": 2, "repeated": 1}
    twice = [bench.packet("D2", b"{worse", redelivered=True)] * 2
    assert bench.push(*twice) == {"received": 5, "quarantined": 3, "repeated": 2}


def test_reading_that_the_store_refuses_is_quarantined_with_its_packet(bench):
    bench.store.refuse = {("D1", NOW): "field type conflict"}
    packet = bench.packet("D1", {"readings": [reading(20), reading(0)]})
    assert bench.push(bench.packet("D2", reading(0)), packet) == {"received": 3, "stored": 2, "quarantined": 1}
    (row,) = bench.ledger.journal.rows
    assert (row.reason, row.index, row.payload) == ("store_refused", 1, packet.payload)


def test_register_is_taken_over_when_it_changes(bench):
    writer = bench.writer()
    writer.push(Batch([bench.packet("D9", reading(0))]))
    bench.ledger.places.current = Register.of_points([MeasurementPoint(point_id="P9", device_id="D9", station="S1")])
    bench.ledger.places.version += 1
    writer.reload_register()
    writer.push(Batch([bench.packet("D9", reading(0))]))
    assert bench.counts() == {"received": 2, "stored": 1, "quarantined": 1}


def test_unknown_devices_are_noted_with_their_last_reading(bench):
    odd = bench.packet("bad\u200b\n", reading(0))
    bench.push(bench.packet("X1", reading(5)), bench.packet("X1", reading(0, 21.5)), odd)
    (stranger,) = bench.ledger.journal.seen_strangers
    assert (stranger.device_id, stranger.count, stranger.reading) == ("X1", 2, {"ts_ms": NOW, "temperature_c": 21.5})


def test_an_eui_fits_in_either_case(bench):
    point = MeasurementPoint(point_id="P9", device_id="24E124136B502217", station="S1")
    bench.ledger.places.current = Register.of_points([point])
    assert bench.push(bench.packet("24e124136b502217", reading(0))) == {"received": 1, "stored": 1}
    assert list(bench.store.rows) == [("24E124136B502217", NOW)]


CALLS = ("unseen", "begin", "begun", "write", "written", "finish", "finished")


def packets(bench: Bench) -> list[Packet]:
    return [
        bench.packet("D1", {"readings": [reading(40), reading(20), reading(30), reading(0, "x")]}, redelivered=True),
        bench.packet("D2", {"temperature_c": 18.5}, redelivered=True),
        bench.packet("D3", b"garbage", redelivered=True),
    ]


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_any_call_nothing_is_lost_doubled_or_miscounted(bench, call):
    bench.fail(call, Killed())
    with pytest.raises(Killed):
        bench.push(*packets(bench))
    bench.fail("never", Killed())
    bench.clock.advance(60)
    counts = bench.push(*packets(bench))
    assert (counts["stored"], counts["quarantined"], counts["late"]) == (4, 2, 1)


@pytest.mark.parametrize("call", CALLS)
def test_outage_at_any_call_is_tried_again_from_there(bench, call):
    ledger_calls = ("begin", "begun", "finish", "finished")
    bench.fail(call, LedgerUnavailable("away") if call in ledger_calls else StoreUnavailable("away"))
    writer, batch = bench.writer(), Batch(packets(bench))
    with pytest.raises((LedgerUnavailable, StoreUnavailable)):
        writer.push(batch)
    writer.push(batch)
    assert batch.step is Step.DONE
    counts = bench.counts()
    expected = {"received": 6, "stored": 4, "quarantined": 2, "late": 1}
    assert counts == expected
    assert {k: writer.totals[k] for k in expected} == expected


def test_partly_stored_batch_is_counted_as_far_as_it_is_there(bench):
    bench.fail("written", Killed())
    with pytest.raises(Killed):
        bench.push(*packets(bench))
    del bench.store.rows["D1", int(NOW - 20 * MINUTE)]
    bench.fail("never", Killed())
    bench.writer()
    assert bench.counts() == {"received": 3, "stored": 3, "late": 1}


@pytest.mark.parametrize(
    ("topic", "fate"), [("z/bridge/devices", "ignored.other_topic"), ("z/D1", "quarantined.too_large")]
)
def test_what_is_no_devices_topic_may_be_large(topic, fate):
    bench = Bench()
    judge = Judge(Routes([TopicSettings(filter="z/#", decoder="zigbee2mqtt")], ZONE), Timekeeper(ZONE))
    writer = Writer(judge, bench.store, bench.ledger, bench.clock, 0)  # type: ignore[arg-type]
    writer.recover()
    writer.push(Batch([msgspec.structs.replace(bench.packet("D1", b"[" * 70_000), topic=topic)]))
    assert bench.ledger.journal.totals[fate] == 1
    assert sum(bench.ledger.journal.devices.get("D1", {}).values()) == (1 if topic == "z/D1" else 0)


@pytest.mark.parametrize(
    ("payload", "listed"),
    [
        ({"ts": NOW, "temperature_c": 19.5}, True),
        ({"ts": NOW + 8 * 60 * MINUTE, "temperature_c": 19.5}, True),  # its clock is wrong, and it is unknown
        ({"ts": "2026-11-22T10:00:00", "temperature_c": 19.5}, True),
        ({"ts": NOW, "temperature_c": "warm"}, False),
        (b"\xff", False),
        ({"ts": NOW, "temperature_c": 19.5, "device_id": "D1"}, False),
    ],
)
def test_unknown_devices_are_listed_whatever_else_is_wrong_with_them(payload, listed):
    bench = Bench()
    bench.push(bench.packet("X9", payload))
    assert [one.device_id for one in bench.ledger.journal.seen_strangers] == (["X9"] if listed else [])
