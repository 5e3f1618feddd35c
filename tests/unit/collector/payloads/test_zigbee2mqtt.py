"""Zigbee2MQTT.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import decode, ms, only, silence

from collector.payloads.message import Flaw, Reason, Silence
from heating.reading import Quality


def test_zigbee_names_times_and_marks():
    state = {"temperature": 19.5, "last_seen": "2026-12-01T10:00:00+08:00", "battery": 5}
    sample = only(decode("zigbee2mqtt", "zigbee2mqtt/flat 1", state))
    assert (sample.ts_ms, sample.quality) == (ms("2026-12-01T02:00:00Z"), Quality.LOW_BATTERY)
    assert only(decode("zigbee2mqtt", "z/x", {"temperature": 1, "last_seen": 1796090400000}, filter="z/+")).ts_ms
    assert silence(decode("zigbee2mqtt", "zigbee2mqtt/a/availability", b"online")) is Silence.STATUS
    assert silence(decode("zigbee2mqtt", "zigbee2mqtt/a/set", {"temperature": 1})) is Silence.OTHER_TOPIC
    assert decode("zigbee2mqtt", "zigbee2mqtt/a", {"temperature": "x"}).samples == [Flaw(None, Reason.WRONG_TYPE)]


@pytest.mark.parametrize(
    ("last_seen", "at"),
    [
        ("2026-12-01T01:59:58.123Z", "2026-12-01T01:59:58.123Z"),  # ISO_8601
        ("2026-12-01T09:59:58+08:00", "2026-12-01T01:59:58Z"),  # ISO_8601_local
        (1796090398123, "2026-12-01T01:59:58.123Z"),  # epoch
        ("2026-12-01T01:59:58.941+0000", "2026-12-01T01:59:58.941Z"),
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


def test_zigbee_with_information_on_the_device():
    """`include_device_information`, a display in °F, an update waiting: none of it is the reading."""
    state = {
        "temperature": 21.37,
        "humidity": 48.6,
        "temperature_unit": "fahrenheit",
        "device_temperature": 33,
        "battery": 100,
        "voltage": 3005,
        "linkquality": 255,
        "update": {"state": "idle", "installed_version": 1},
        "device": {
            "friendlyName": "a",
            "ieeeAddr": "0x00158d0002b501a7",
            "type": "EndDevice",
            "powerSource": "Battery",
        },
    }
    sample = only(decode("zigbee2mqtt", "zigbee2mqtt/a", state))
    assert (sample.temperature_c, sample.humidity_pct, sample.battery_v, sample.quality) == (21.37, 48.6, 3.005, 0)
    mains = only(decode("zigbee2mqtt", "zigbee2mqtt/a", {"temperature": 21.37, "voltage": 231}))
    assert mains.battery_v is None


@pytest.mark.parametrize(
    "state",
    [
        {"action": "single", "battery": 100, "voltage": 3000},
        {"local_temperature": 21.5, "occupied_heating_setpoint": 22, "running_state": "idle"},  # a valve: by `probes`
        {"device_temperature": 33, "power_outage_count": 4},
        {"temperature": None, "humidity": 40},
    ],
)
def test_zigbee_states_of_other_things(state):
    assert silence(decode("zigbee2mqtt", "zigbee2mqtt/a", state)) is Silence.NO_READING


def test_zigbee_below_a_base_topic_of_several_levels():
    message = decode("zigbee2mqtt", "site/z2m/S1/3/501", {"temperature": 20.5}, filter="site/z2m/#")
    assert (message.device_id, only(message).temperature_c) == ("S1/3/501", 20.5)
    assert decode("zigbee2mqtt", "site/z2m/bridge/state", b"online", filter="site/z2m/#").samples == []


def test_zigbee_valve_by_the_name_of_its_measurement():
    state = {"local_temperature": 21.5, "occupied_heating_setpoint": 22}
    sample = only(decode("zigbee2mqtt", "zigbee2mqtt/a", state, probes={"local_temperature": "temperature_c"}))
    assert sample.temperature_c == 21.5
