from __future__ import annotations

import json
from itertools import permutations

import pytest
from peers.decoding import judged, ms

from collector.payloads.message import Flaw, Reason, Sample, Silence
from collector.payloads.native import Native
from heating.instants import parse_instant, to_ms

TOPIC = "heatwatch/v1/D1/readings"
TS = 1_795_312_800_000


def decode(payload: object, topic: str = TOPIC) -> list[Sample | Flaw]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Native()(topic, raw).samples


def reasons(payload: object) -> list[Reason | None]:
    return [s.reason if isinstance(s, Flaw) else None for s in decode(payload)]


def test_batch_shares_what_its_envelope_says():
    message = Native()(
        TOPIC,
        b'{"readings": [{"ts": 1795312800000, "temperature_c": 19.4, "humidity_pct": 38.0, "seq": 881},'
        b'{"ts": "2026-11-22T10:20:00+08:00", "temperature_c": 19.2, "seq": 882, "replayed": true}],'
        b'"battery_v": 2.98, "rssi_dbm": -71, "flags": ["moved", "unheard of"], "fw": "1.4.2", "new": {}}',
    )
    assert message.device_id == "D1"
    first, second = message.samples
    assert isinstance(first, Sample)
    assert isinstance(second, Sample)
    assert (first.ts_ms, first.temperature_c, first.humidity_pct, first.seq) == (TS, 19.4, 38.0, 881)
    assert (first.battery_v, first.rssi_dbm, first.quality) == (2.98, -71.0, 2)
    assert second.ts_ms == to_ms(parse_instant("2026-11-22T02:20:00Z", None))
    assert second.quality == 2 | 16


@pytest.mark.parametrize(
    ("ts", "ms"),
    [
        (1_795_312_800, TS),
        (1_795_312_800.5, TS + 500),
        (TS, TS),
        (TS * 1000, TS),
        (TS * 1_000_000, TS),
        ("2026-11-22T10:00:00+08:00", 1_795_312_800_000),
        ("2026-11-22T02:00:00.123456789Z", 1_795_312_800_123),
        (None, None),
        (0, None),
        (-5, None),
        (946_684_799, None),
        ("1970-01-01T00:00:00Z", None),
    ],
)
def test_times_as_devices_write_them(ts, ms):
    (sample,) = decode({"ts": ts, "temperature_c": 19.0})
    assert isinstance(sample, Sample)
    assert sample.ts_ms == ms


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", [Reason.NOT_JSON]),
        (b"\x00\xff\xfe", [Reason.NOT_JSON]),
        (b'{"readings": [{"ts": 1', [Reason.NOT_JSON]),
        (b"[" * 100_000, [Reason.NOT_JSON]),
        (b"null", [Reason.WRONG_SHAPE]),
        (b"[]", [Reason.WRONG_SHAPE]),
        ({"readings": {}}, [Reason.WRONG_SHAPE]),
        ({"readings": [1] * 4097}, [Reason.WRONG_SHAPE]),
        ({"readings": [{}] * 4097}, [Reason.WRONG_SHAPE]),
        ({"readings": [{}] * 4096}, [None] * 4096),
        ({"ts": "2026-11-22T10:00:00", "temperature_c": 1}, [Reason.NO_OFFSET]),
        ({"ts": "yesterday", "temperature_c": 1}, [Reason.BAD_TIME]),
        ({"ts": "0001-01-01T00:00:00+08:00", "temperature_c": 1}, [Reason.BAD_TIME]),
        ({"ts": 10**400, "temperature_c": 1}, [Reason.BAD_TIME]),
        ({"ts": True, "temperature_c": 1}, [Reason.WRONG_TYPE]),
        ({"ts": TS, "temperature_c": "19"}, [Reason.WRONG_TYPE]),
        ({"ts": TS, "temperature_c": False}, [Reason.WRONG_TYPE]),
        ({"ts": TS, "temperature_c": {}}, [Reason.WRONG_TYPE]),
        ({"readings": [None, 3, {"ts": TS, "temperature_c": 1}]}, [Reason.WRONG_SHAPE, Reason.WRONG_SHAPE, None]),
        ({"device_id": "D2", "readings": [{}, {}]}, [Reason.DEVICE_MISMATCH] * 2),
        ({"device_id": 7, "ts": TS, "temperature_c": 1}, [Reason.DEVICE_MISMATCH]),
    ],
)
def test_what_cannot_be_read_has_a_reason(payload, expected):
    assert reasons(payload) == expected


def test_a_bad_reading_costs_none_of_its_neighbours():
    good = {"ts": TS, "temperature_c": 19.0}
    assert reasons({"readings": [good, {"ts": TS, "temperature_c": "x"}, good]}) == [None, Reason.WRONG_TYPE, None]
    samples = decode(b'{"readings": [{"ts": 1795312800000, "temperature_c": NaN}, {"ts": 1, "temperature_c": 5}]}')
    assert [s.temperature_c == s.temperature_c for s in samples if isinstance(s, Sample)] == [False, True]


def test_what_only_accompanies_a_reading_cannot_spoil_it():
    (sample,) = decode({"ts": TS, "temperature_c": 19, "battery_v": "low", "flags": "moved", "seq": "a", "fw": 3})
    assert isinstance(sample, Sample)
    assert (sample.temperature_c, sample.battery_v, sample.quality, sample.seq) == (19.0, None, 0, None)


def test_huge_number_is_infinite():
    (sample,) = decode(b'{"ts": 1795312800000, "temperature_c": 1' + b"0" * 400 + b"}")
    assert isinstance(sample, Sample)
    assert sample.temperature_c == float("inf")


def test_status_is_no_reading():
    message = Native()("heatwatch/v1/D1/status", b'{"online": false}')
    assert (message.device_id, message.samples, message.silence) == ("D1", [], Silence.STATUS)


def test_device_ids_may_be_odd_but_not_blank():
    assert Native()("heatwatch/v1/测温 点#1/readings", b"{}").device_id == "测温 点#1"
    assert reasons_of_topic("heatwatch/v1//readings") == [Reason.BAD_TOPIC]
    assert reasons_of_topic("readings") == [Reason.BAD_TOPIC]


def reasons_of_topic(topic: str) -> list[Reason]:
    return [s.reason for s in Native()(topic, b"{}").samples if isinstance(s, Flaw)]


HOUR = [("2026-12-01T09:00:00+08:00", 18.4), ("2026-12-01T09:20:00+08:00", 18.3), ("2026-12-01T09:40:00+08:00", 18.2)]


@pytest.mark.parametrize("order", list(permutations(HOUR)))
@pytest.mark.parametrize("written", ["text", "s", "ms"])
def test_an_hour_of_readings_in_any_order_and_notation(order, written):
    def instant(text: str) -> str | int:
        return {"text": text, "s": ms(text) // 1000, "ms": ms(text)}[written]

    payload = {"readings": [{"ts": instant(text), "temperature_c": value} for text, value in order]}
    message = Native()(TOPIC, json.dumps(payload).encode())
    assert [s.ts_ms for s in message.samples if isinstance(s, Sample)] == [ms(text) for text, _ in order]
    assert judged(message) == [value for _, value in order]


def test_an_hour_without_a_clock_keeps_what_was_measured_last():
    payload = {"readings": [{"temperature_c": value} for _, value in HOUR]}
    message = Native()(TOPIC, json.dumps(payload).encode())
    assert judged(message) == [Reason.NO_CLOCK, Reason.NO_CLOCK, 18.2]
    one_has_it = {"readings": [{"temperature_c": 18.4}, {"ts": HOUR[1][0], "temperature_c": 18.3}]}
    assert judged(Native()(TOPIC, json.dumps(one_has_it).encode())) == [18.4, 18.3]
