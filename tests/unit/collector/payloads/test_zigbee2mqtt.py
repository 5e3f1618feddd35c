"""Zigbee2MQTT.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import decode, ms, only

from collector.payloads.message import Flaw, Reason, Silence
from heating.reading import Quality


def test_zigbee_names_times_and_marks():
    state = {"temperature": 19.5, "last_seen": "2026-12-01T10:00:00+08:00", "battery": 5}
    sample = only(decode("zigbee2mqtt", "zigbee2mqtt/flat 1", state))
    assert (sample.ts_ms, sample.quality) == (ms("2026-12-01T02:00:00Z"), Quality.LOW_BATTERY)
    assert only(decode("zigbee2mqtt", "z/x", {"temperature": 1, "last_seen": 1796090400000}, filter="z/+")).ts_ms
    assert decode("zigbee2mqtt", "zigbee2mqtt/a/availability", b"online").silence is Silence.STATUS
    assert decode("zigbee2mqtt", "zigbee2mqtt/a/set", {"temperature": 1}).silence is Silence.OTHER_TOPIC
    assert decode("zigbee2mqtt", "zigbee2mqtt/a", {"temperature": "x"}).samples == [Flaw(None, Reason.WRONG_TYPE)]


@pytest.mark.parametrize(
    ("last_seen", "at"),
    [
        ("2026-12-01T01:59:58.123Z", "2026-12-01T01:59:58.123Z"),  # ISO_8601
        ("2026-12-01T09:59:58+08:00", "2026-12-01T01:59:58Z"),  # ISO_8601_local
        (1796090398123, "2026-12-01T01:59:58.123Z"),  # epoch
    ],
)
def test_zigbee_times(last_seen, at):
    state = {"temperature": 19.5, "humidity": 40.1, "battery": 97, "voltage": 3000, "last_seen": last_seen}
    sample = only(decode("zigbee2mqtt", "zigbee2mqtt/S1/3/501", state, filter="zigbee2mqtt/#"))
    assert (sample.ts_ms, sample.battery_v) == (ms(at), 3.0)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("a/availability", b'{"state":"online"}'),
        ("a/set", b'{"state":"ON"}'),
        ("a/get/temperature", b""),
        ("a/temperature", b"19.5"),  # output: attribute_and_json says everything twice
        ("a/linkquality", b"99"),
        ("a", b""),  # a retained state, cleared
        ("a", b'{"temperature":null,"humidity":null,"linkquality":90}'),
        ("bridge/devices", b"[]"),
        ("bridge/logging", b'{"level":"info","message":"MQTT publish"}'),
    ],
)
def test_zigbee_messages_without_reading(name, payload):
    assert decode("zigbee2mqtt", f"zigbee2mqtt/{name}", payload, filter="zigbee2mqtt/#").samples == []
