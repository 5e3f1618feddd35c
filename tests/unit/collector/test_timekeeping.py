from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from peers.books import MemoryJournal

from collector.fairness import Fairness
from collector.packet import Packet
from collector.payloads.message import Message, Sample
from collector.timekeeping import ClockState, DeviceClock, Timekeeper
from heating.ledger.port import ClockRecord

NOW = 1_795_312_800_000
HOUR = 3_600_000


def packet(received_ms: int, topic: str = "t") -> Packet:
    return Packet(topic=topic, payload=b"", received_ms=received_ms, length=0)


def watched(offsets_s: list[float], **sample: object) -> DeviceClock:
    """Return the clock of a device that sends hourly, its readings off by these seconds."""
    keeper = Timekeeper(ZoneInfo("Asia/Shanghai"))
    for hour, offset_s in enumerate(offsets_s):
        received = NOW + hour * HOUR
        ts = received + int(offset_s * 1000)
        keeper.saw(packet(received), Message("D", [Sample(ts_ms=ts, **sample), Sample(ts_ms=ts - HOUR // 3)]))  # type: ignore[arg-type]
    (clock,) = keeper.clocks()
    return clock


@pytest.mark.parametrize(
    ("offsets_s", "state"),
    [
        ([-2, -5, -1], ClockState.GOOD),
        ([-1200, -900, -1100], ClockState.GOOD),
        ([70, -5, 0], ClockState.AHEAD),
        ([-7200, -9000, -8000], ClockState.BEHIND),
        ([28_790, 28_799, 28_700], ClockState.LOCAL_AS_UTC),
        ([-28_810, -28_900, -28_805], ClockState.UTC_AS_LOCAL),
        ([-28_810, -50_000, -28_805], ClockState.BEHIND),
        ([5, 5], ClockState.UNKNOWN),
    ],
)
def test_clocks_are_told_by_the_packets_that_waited_least(offsets_s, state):
    assert watched(offsets_s).state is state


def test_skew_and_drift():
    clock = watched([-10 + hour * 0.5 for hour in range(16)])
    assert clock.skew_s == -2.5
    assert clock.drift_s_per_day == pytest.approx(12.0)
    assert watched([0.0] * 4).drift_s_per_day is None


def test_replayed_readings_say_nothing_of_the_clock():
    keeper = Timekeeper(ZoneInfo("Asia/Shanghai"))
    for _ in range(5):
        keeper.saw(packet(NOW), Message("D", [Sample(ts_ms=NOW - 10 * HOUR, quality=16)]))
    assert keeper.clocks()[0].state is ClockState.UNKNOWN


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3, 4], 0),
        ([1, 2, 5, 6], 2),
        ([1, 2, 5, 3, 6], 1),  # one of them came later
        ([1, 2, 2, 3], 0),
        ([100, 101, 0, 1, 2], 0),  # began anew
        ([100, 103, 0, 1], 2),
        ([1, 5_000_000], 4_999_998),
    ],
)
def test_sequence_gaps(numbers, missing):
    keeper = Timekeeper(ZoneInfo("Asia/Shanghai"))
    late = {i for i, n in enumerate(numbers) if i and n < numbers[i - 1] and n > 2}
    for i, seq in enumerate(numbers):
        ts = NOW + i * HOUR - (10 * HOUR if i in late else 0)
        keeper.saw(packet(NOW), Message("D", [Sample(ts_ms=ts, seq=seq)]))
    assert keeper.clocks()[0].missing == missing


def test_an_uplink_without_reading_uses_up_a_number():
    keeper = Timekeeper(ZoneInfo("Asia/Shanghai"))
    keeper.saw(packet(NOW), Message("D", [Sample(ts_ms=NOW, seq=1)]))
    keeper.saw(packet(NOW + 1000), Message("D", [], seq=2))
    keeper.saw(packet(NOW + 2000), Message("D", [Sample(ts_ms=NOW + 2000, seq=3)]))
    assert keeper.clocks()[0].missing == 0


def test_a_clock_that_was_set_is_believed_after_three_packets():
    fast = [28_800.0] * 10
    assert watched([*fast, -5, -3]).state is not ClockState.GOOD
    assert watched([*fast, -5, -3, -1]).state is ClockState.GOOD


def test_what_is_known_survives_a_restart(caplog):
    journal, keeper = MemoryJournal(), Timekeeper(ZoneInfo("Asia/Shanghai"))
    for hour, seq in enumerate([1, 2, 5, 6]):
        received = NOW + hour * HOUR
        keeper.saw(packet(received), Message("D", [Sample(ts_ms=received + 8 * HOUR, seq=seq)]))
    keeper.write(journal)
    assert "device clock device=D state=local_as_utc skew_s=28800.0" in caplog.text
    again = Timekeeper(ZoneInfo("Asia/Shanghai"))
    again.recall(journal.clocks())
    assert again.clocks() == keeper.clocks()
    assert (again.clocks()[0].missing, again.clocks()[0].packets) == (2, 4)
    again.saw(packet(NOW), Message("D", [Sample(ts_ms=NOW - HOUR, seq=3), Sample(ts_ms=NOW + 12 * HOUR, seq=9)]))
    assert again.clocks()[0].missing == 3  # 4, 7, 8: one came late, and the gap goes on over the restart
    broken = journal.clocks()[0]
    Timekeeper(ZoneInfo("UTC")).recall([ClockRecord(broken.clock, "{")])


def test_the_ledger_is_asked_seldom_and_for_a_part_at_a_time():
    journal, keeper = MemoryJournal(), Timekeeper(ZoneInfo("UTC"))
    for number in range(1200):
        keeper.saw(packet(NOW), Message(f"D{number}", [Sample(ts_ms=NOW)]))
    keeper.write(journal)
    keeper.write(journal)
    assert len(journal.clocks()) == 500
    keeper.write(journal, rest=True)
    assert len(journal.clocks()) == 1200


def test_a_mad_device_goes_behind_and_the_others_ahead():
    fairness = Fairness(60)
    mad, good = packet(NOW, "mad"), packet(NOW, "good")
    ahead, behind = fairness.split([mad] * 100 + [good] * 10)
    assert (ahead.count(mad), ahead.count(good), len(behind)) == (60, 10, 40)
    later = packet(NOW + 30_000, "mad")
    assert fairness.split([later]) == ([], [later])  # behind its own earlier ones
    fairness.caught_up()
    ahead, behind = fairness.split([later] * 40)
    assert (len(ahead), len(behind)) == (30, 10)
    assert Fairness(0).split([mad] * 1000)[1] == []


def test_large_packets_count_by_their_size():
    fairness = Fairness(60)
    large = Packet(topic="mad", payload=b"", received_ms=NOW, length=20 * 1024)
    ahead, behind = fairness.split([large] * 10)
    assert (len(ahead), len(behind)) == (3, 7)


def test_the_queue_of_an_outage_is_no_slow_clock(caplog):
    keeper, journal = Timekeeper(ZoneInfo("Asia/Shanghai")), MemoryJournal()
    for hour in range(24):  # a day's packets within 24 s
        received = NOW + hour * 1000
        keeper.saw(packet(received), Message("D", [Sample(ts_ms=NOW - (24 - hour) * HOUR - 8 * HOUR)]))
    keeper.write(journal, rest=True)
    assert keeper.clocks()[0].state is ClockState.UNKNOWN
    for hour in range(1, 4):
        keeper.saw(packet(NOW + hour * HOUR), Message("D", [Sample(ts_ms=NOW + hour * HOUR - 9000)]))
    keeper.write(journal, rest=True)
    assert keeper.clocks()[0].state is ClockState.GOOD
    assert not caplog.records
