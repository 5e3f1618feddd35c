"""Tasmota.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import SERVER, decode, ms, only

from collector.payloads.message import Flaw, Reason, Silence


def test_tasmota_probes_by_name_or_by_their_own_id():
    two = {"DS18B20-1": {"Id": "A1", "Temperature": 46}, "DS18B20-2": {"Id": "B2", "Temperature": 37}}
    assert decode("tasmota", "tele/x/SENSOR", two).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    sample = only(decode("tasmota", "tele/x/SENSOR", two, probes={"B2": "supply_c", "A1": "return_c"}))
    assert (sample.supply_c, sample.return_c) == (37.0, 46.0)


def test_tasmota_board_topics_and_clock():
    sensors = {"ESP32": {"Temperature": 53.0}, "SI7021": {"Temperature": 20.5, "Humidity": None}}
    message = decode("tasmota", "flat1/tele/SENSOR", {"Time": "1970-01-01T00:01:00", **sensors}, filter="+/tele/SENSOR")
    assert (message.device_id, only(message).temperature_c, only(message).ts_ms) == ("flat1", 20.5, None)
    assert decode("tasmota", "tele/x/STATE", {}).silence is Silence.STATUS
    bad = decode("tasmota", "tele/x/SENSOR", {"Time": "x", **sensors})
    assert bad.samples == [Flaw(None, Reason.BAD_TIME)]
    utc = decode("tasmota", "tele/x/SENSOR", {"Time": "2026-12-01T10:00:00", "S": {"Temperature": 1}}, timezone="UTC")
    assert only(utc).ts_ms == ms("2026-12-01T10:00:00Z")


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [
        ({"AM2301": {"Temperature": 4.7, "Humidity": 93.7, "DewPoint": 3.8}}, (4.7, 93.7)),
        ({"DS18B20": {"Id": "0316A279D3FF", "Temperature": 20.9}}, (20.9, None)),
        ({"BME280": {"Temperature": 23.0, "Humidity": 32.3, "Pressure": 1014}, "SGP30": {"eCO2": 584}}, (23.0, 32.3)),
        ({"SHT3X": {"Temperature": 21.0, "Humidity": 41}, "DS18B20": {"Id": "A", "Temperature": 48.2}}, (21.0, 41.0)),
        ({"AHT1X-0x38": {"Temperature": 24.7, "Humidity": 61.9}, "ESP32": {"Temperature": 56.7}}, (24.7, 61.9)),
        ({"SI7021": {"Temperature": -5.1, "Humidity": None}, "ANALOG": {"A0": 1024}}, (-5.1, None)),
    ],
)
def test_tasmota_sensors(sensors, expected):
    sample = only(decode("tasmota", "tele/x/SENSOR", {"Time": "2026-12-01T10:00:00", **sensors, "TempUnit": "C"}))
    assert (sample.temperature_c, sample.humidity_pct, sample.ts_ms) == (*expected, ms(SERVER))


@pytest.mark.parametrize(
    "sensors",
    [
        {"DS18B20": {"Id": "0316A279D3FF", "Temperature": None}},
        {"ESP32": {"Temperature": 56.7}},
        {"ENERGY": {"Power": 12}},
        {"Switch1": "OFF"},
    ],
)
def test_tasmota_messages_without_reading(sensors):
    message = decode("tasmota", "tele/x/SENSOR", {"Time": "2026-12-01T10:00:00", **sensors})
    assert message.silence is Silence.NO_READING


@pytest.mark.parametrize(
    ("topic_filter", "topic", "device"),
    [
        ("tele/+/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("+/tele/SENSOR", "rt-1/tele/SENSOR", "rt-1"),
        ("home/tele/+/SENSOR", "home/tele/rt-1/SENSOR", "rt-1"),
        ("home/+/tele/SENSOR", "home/rt-1/tele/SENSOR", "rt-1"),
        ("tele/#", "tele/b4/rt-1/SENSOR", "b4/rt-1"),
        ("+/+/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("tele/rt-1/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("$share/g/tele/+/SENSOR", "tele/rt-1/SENSOR", "rt-1"),
        ("tele/+/SENSOR", "tele/SENSOR/SENSOR", "SENSOR"),
    ],
)
def test_tasmota_topics(topic_filter, topic, device):
    sensors = {"SI7021": {"Temperature": 20.5}}
    assert decode("tasmota", topic, sensors, filter=topic_filter).device_id == device


def test_tasmota_writes_its_offset_where_told_to():
    sensors = {"Time": "2026-12-01T10:00:00+08:00", "SI7021": {"Temperature": 20.5}}
    assert only(decode("tasmota", "tele/x/SENSOR", sensors, timezone="UTC")).ts_ms == ms(SERVER)
