"""The collector's book, on every adapter."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from contract.ledgerkit import T0, after, intent, rejected

from heating.device_clock import ClockState, DeviceClock
from heating.instants import to_ms
from heating.ledger import Ledger, open_ledger
from heating.ledger.engine import open_sql_ledger
from heating.ledger.port import Change, ClockRecord, DeviceDay, Stranger
from heating.ledger.quarantine import QuarantineCap

T0_MS = to_ms(T0)


def test_an_intent_outlives_its_process_until_it_is_finished(ledger: Ledger, ledger_url: str) -> None:
    begun = intent(("D1", 5), ("D2", 3), late_points=("P2",), clockless={"x": 5}, late_keys=(1,))
    ledger.journal.begin(begun, T0)
    ledger.close()
    again = open_ledger(ledger_url)
    assert again.journal.unfinished() == begun
    assert again.journal.changes_after(0) == []
    again.journal.finish({"stored": 1}, (), {}, T0)
    assert again.journal.unfinished() is None
    assert again.journal.changes_after(0) == [Change(1, 3, 5, ("P2",))]
    again.close()


def test_an_intent_is_widened_never_forgotten(ledger: Ledger) -> None:
    ledger.journal.begin(intent(("D1", 5), ("D2", 3), late_points=("P2",), clockless={"x": 5}, late_keys=(1,)), T0)
    ledger.journal.begin(intent(("D2", 3), ("D3", 1), ("D3", 9), late_points=("P3",), late_keys=(1,)), T0)
    ledger.journal.begin(intent(), T0)
    assert ledger.journal.unfinished() == intent(
        ("D1", 5), ("D2", 3), ("D3", 1), ("D3", 9),
        late_points=("P2", "P3"), clockless={"x": 5}, late_keys=(1, 2),
    )  # fmt: skip


def test_counters_add_up(ledger: Ledger) -> None:
    assert ledger.journal.counters() == {}
    ledger.journal.finish({"received": 3, "stored": 2, "late": 0}, (), {}, T0)
    ledger.journal.finish({"received": 2, "repeated": 2}, (), {}, T0)
    assert ledger.journal.counters() == {"received": 5, "repeated": 2, "stored": 2}


def test_received_is_what_the_fates_of_a_device_add_up_to(ledger: Ledger) -> None:
    today = date(2026, 11, 22)
    ledger.journal.finish({}, (), {"received": {"D1": 2}, "stored": {"D1": 1}, "repeated": {"D1": 1}}, T0, day=today)
    ledger.journal.finish({}, (), {"stored": {"D1": 3}, "late": {"D1": 1}, "quarantined": {"D2": 1}}, T0, day=today)
    assert ledger.journal.device_days(today, today) == [
        DeviceDay("D1", today, {"received": 5, "stored": 4, "repeated": 1, "late": 1}),
        DeviceDay("D2", today, {"received": 1, "quarantined": 1}),
    ]


def test_counts_of_each_device_and_day(ledger: Ledger) -> None:
    today, tomorrow = date(2026, 11, 22), date(2026, 11, 23)
    ledger.journal.finish({}, (), {"received": {"D2": 1, "D1": 2}, "stored": {"D2": 1}}, T0)
    ledger.journal.finish({}, (), {"received": {"D1": 1}, "late": {"D1": 1}}, T0)
    ledger.journal.finish({}, (), {"received": {"D1": 7}}, T0, day=tomorrow)
    both = ledger.journal.device_days(today, tomorrow)
    assert both == [
        DeviceDay("D1", today, {"received": 3, "late": 1}),
        DeviceDay("D2", today, {"received": 1, "stored": 1}),
        DeviceDay("D1", tomorrow, {"received": 7}),
    ]
    assert ledger.journal.device_days(today, today, device_id="D2") == both[1:2]
    assert ledger.journal.forget_device_days(tomorrow) == 4
    assert ledger.journal.device_days(today, tomorrow) == both[2:]


def test_counts_of_devices_are_the_same_folded_and_not(ledger: Ledger, ledger_url: str) -> None:
    first, devices = date(2026, 11, 22), [f"D{n}" for n in range(5)]
    expected: Counter[tuple[date, str]] = Counter()
    for batch in range(150):  # folded twice on the way, the last of them waiting
        day, of = first + timedelta(days=batch // 70), {device: batch % (n + 2) for n, device in enumerate(devices)}
        ledger.journal.finish({}, (), {"stored": of, "late": {"D1": 1}}, T0, day=day)
        expected.update({(day, device): count for device, count in of.items()})
    found = ledger.journal.device_days(first, first + timedelta(days=2))
    assert {(one.day, one.device_id): one.counts["stored"] for one in found} == dict(expected)
    assert [one.counts.get("late", 0) for one in found if one.device_id == "D1"] == [70, 70, 10]
    assert ledger.journal.device_days(first, first, device_id="D3") == [
        one for one in found[:5] if one.device_id == "D3"
    ]
    ledger.close()
    again = open_ledger(ledger_url)
    assert again.journal.device_days(first, first + timedelta(days=2)) == found
    again.journal.forget_device_days(first + timedelta(days=2))
    assert again.journal.device_days(first, first + timedelta(days=2)) == found[10:]
    again.close()


def test_numbers_of_changes_are_never_given_again(ledger: Ledger, ledger_url: str) -> None:
    for ms in (10, 20, 30):
        ledger.journal.begin(intent(("D1", ms)), T0)
        ledger.journal.finish({}, (), {}, T0)
    ledger.journal.finish({"repeated": 1}, (), {}, T0)  # a batch without news is no change
    assert [c.seq for c in ledger.journal.changes_after(1)] == [2, 3]
    ledger.journal.forget_changes(after(days=1))
    assert [c.seq for c in ledger.journal.changes_after(0)] == [3]
    ledger.close()
    again = open_ledger(ledger_url)
    assert again.journal.announce(1, 2, ["P9"], T0) == 4
    assert again.journal.changes_after(3) == [Change(4, 1, 2, ("P9",))]
    again.close()


def test_what_is_announced_beside_a_batch_does_not_hide_it(ledger: Ledger) -> None:
    ledger.journal.begin(intent(("D1", 10)), T0)
    ledger.journal.announce(1, 2, (), T0)
    reached = ledger.journal.changes_after(0)[-1].seq
    ledger.journal.finish({}, (), {}, T0)
    assert [c.oldest_ms for c in ledger.journal.changes_after(reached)] == [10]


def test_quarantine_keeps_packets_verbatim(ledger: Ledger) -> None:
    whole = rejected(2, index=None, payload=b"", reason="不是 JSON")
    ledger.journal.finish({}, [rejected(1), whole], {}, T0)
    assert ledger.journal.quarantined() == [(1, rejected(1)), (2, whole)]
    assert ledger.journal.quarantined(limit=1) == [(2, whole)]


def test_a_rejection_is_found_again(ledger: Ledger) -> None:
    ledger.journal.finish({}, [rejected(1), rejected(2, index=None)], {}, T0)
    known = rejected(1)
    assert ledger.journal.was_quarantined(known.topic, known.sha256, 0, after(days=-7))
    assert ledger.journal.was_quarantined(rejected(2).topic, rejected(2).sha256, None, T0 - timedelta(milliseconds=1))
    for topic, sha256, index, since in (
        ("other", known.sha256, 0, after(days=-7)),
        (known.topic, "0", 0, after(days=-7)),
        (known.topic, known.sha256, 1, after(days=-7)),
        (known.topic, known.sha256, None, after(days=-7)),
        (known.topic, known.sha256, 0, after(milliseconds=1)),
    ):
        assert not ledger.journal.was_quarantined(topic, sha256, index, since)


@pytest.mark.parametrize("cap", [QuarantineCap(rows=3), QuarantineCap(bytes=79)])
def test_quarantine_has_a_cap_and_counts_what_it_drops(ledger_url: str, cap: QuarantineCap) -> None:
    ledger = open_sql_ledger(ledger_url, cap=cap)
    ledger.journal.finish({}, [rejected(n) for n in range(1, 3)], {}, T0)
    ledger.journal.finish({}, [rejected(n) for n in range(3, 6)], {}, T0)
    assert [number for number, _ in ledger.journal.quarantined()] == [3, 4, 5]
    assert ledger.journal.counters() == {"quarantine_dropped": 2}
    ledger.journal.finish({}, [rejected(n) for n in range(6, 1006)], {}, T0)
    assert [number for number, _ in ledger.journal.quarantined()] == [1003, 1004, 1005]
    ledger.close()


def test_text_that_no_database_takes_is_kept_readable(ledger: Ledger) -> None:
    ledger.journal.finish({}, [rejected(topic="a\x00b\ud800", reason="\x00")], {"received": {"D\x00": 1}}, T0)
    (_, row) = ledger.journal.quarantined()[0]
    assert (row.topic, row.reason) == ("a\ufffdb\ufffd", "\ufffd")
    assert ledger.journal.was_quarantined("a\x00b\ud800", row.sha256, 0, after(days=-1))


def test_packets_without_a_clock_are_remembered_for_ten_minutes(ledger: Ledger) -> None:
    ledger.journal.begin(intent(("D1", 5), clockless={"x": 5}), T0)
    ledger.journal.finish({}, (), {}, T0)
    assert ledger.journal.clockless(["x", "y"], after(minutes=10)) == {"x": 5}
    assert ledger.journal.clockless(["x"], after(minutes=10, milliseconds=1)) == {}
    ledger.journal.begin(intent(("D1", 9), clockless={"x": 9}), after(minutes=11))
    assert ledger.journal.clockless(["x"], after(minutes=12)) == {"x": 9}


@pytest.mark.parametrize("first", ["clockless", "begin", "finish"])
def test_the_time_while_the_collector_is_down_does_not_count(ledger: Ledger, ledger_url: str, first: str) -> None:
    ledger.journal.begin(intent(("D1", 5), clockless={"x": 5}), T0)
    ledger.journal.finish({}, (), {}, after(minutes=4))
    ledger.close()
    again = open_ledger(ledger_url)
    back = after(hours=8)
    if first == "begin":
        again.journal.begin(intent(("D2", 6)), back)
    elif first == "finish":
        again.journal.finish({}, (), {}, back)
    assert again.journal.clockless(["x"], back) == {"x": 5}
    assert again.journal.clockless(["x"], back + timedelta(minutes=6)) == {"x": 5}
    assert again.journal.clockless(["x"], back + timedelta(minutes=7)) == {}
    again.close()


def test_unknown_devices_are_listed_with_their_last_reading(ledger: Ledger) -> None:
    def seen(device: str, minute: int, **reading: float) -> Stranger:
        when = T0.replace(microsecond=0) + timedelta(minutes=minute)
        return Stranger(device_id=device, topic="t/" + device, first_seen=when, last_seen=when, reading=reading)

    ledger.journal.note_strangers([seen("N1", 0, temperature_c=19.5), seen("N2", 1)])
    ledger.journal.note_strangers([seen("N1", 2, temperature_c=20.5)])
    ledger.journal.note_strangers([])
    first, second = ledger.journal.strangers()
    assert (first.device_id, first.count, first.reading) == ("N1", 2, {"temperature_c": 20.5})
    assert first.last_seen - first.first_seen == timedelta(minutes=2)
    ledger.journal.forget_strangers([second.device_id])
    assert [s.device_id for s in ledger.journal.strangers()] == ["N1"]


def test_clocks_of_devices_are_kept_with_the_collectors_memory(ledger: Ledger) -> None:
    def known(device: str, state: ClockState, skew_s: float | None, missing: int, memory: str = "") -> ClockRecord:
        at = T0.replace(microsecond=0)
        clock = DeviceClock(
            device_id=device, state=state, skew_s=skew_s, drift_s_per_day=None, packets=3, missing=missing, at=at
        )
        return ClockRecord(clock, memory)

    ledger.journal.note_clocks([known("N2", ClockState.GOOD, -0.25, 0), known("N1", ClockState.UNKNOWN, None, 2)])
    ledger.journal.note_clocks([])
    again = known("N2", ClockState.LOCAL_AS_UTC, 28_799.5, 4, '{"a": 1}')
    ledger.journal.note_clocks([again])
    assert ledger.journal.clocks() == [known("N1", ClockState.UNKNOWN, None, 2), again]
