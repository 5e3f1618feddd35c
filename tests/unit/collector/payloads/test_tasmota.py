"""Tasmota.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import SERVER, decode, ms, only, silence

from collector.payloads.message import Flaw, Reason, Silence
from heating.reading import Quality


def test_tasmota_probes_by_name_or_by_their_own_id():
    two = {"DS18B20-1": {"Id": "A1", "Temperature": 46}, "DS18B20-2": {"Id": "B2", "Temperature": 37}}
    assert decode("tasmota", "tele/x/SENSOR", two).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    sample = only(decode("tasmota", "tele/x/SENSOR", two, probes={"B2": "supply_c", "A1": "return_c"}))
    assert (sample.supply_c, sample.return_c) == (37.0, 46.0)


def test_tasmota_board_topics_and_clock():
    sensors = {"ESP32": {"Temperature": 53.0}, "SI7021": {"Temperature": 20.5, "Humidity": None}}
    message = decode("tasmota", "flat1/tele/SENSOR", {"Time": "1970-01-01T00:01:00", **sensors}, filter="+/tele/SENSOR")
    assert (message.device_id, only(message).temperature_c, only(message).ts_ms) == ("flat1", 20.5, None)
    assert silence(decode("tasmota", "tele/x/STATE", {})) is Silence.STATUS
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
        ({"ANALOG": {"Temperature": 23.4}}, (23.4, None)),
        # one thermistor of a board that could have two (issues of arendst/Tasmota, 2022)
        ({"ANALOG": {"Temperature1": 23.2}, "ESP32": {"Temperature": 28.9}}, (23.2, None)),
        ({"ANALOG": {"Temperature1": 9.0}, "ENERGY": {"Total": 0.0, "Power": 0, "Temperature": 41.0}}, (9.0, None)),
        # firmware of 2017
        ({"DS18x20": {"DS1": {"Type": "DS18B20", "Address": "28FF9A9876815022", "Temperature": 12.2}}}, (12.2, None)),
        # Sonoff SC, a board that is the sensor itself
        ({"Temperature": 20.0, "Humidity": 16.0, "Light": 10, "Noise": 60, "AirQuality": 90}, (20.0, 16.0)),
        ({"SCD40": {"CarbonDioxide": 700, "Temperature": 22.0, "Humidity": 35.1, "DewPoint": 5.7}}, (22.0, 35.1)),
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
    assert silence(message) is Silence.NO_READING


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


def test_tasmota_of_several_channels_by_name_or_address():
    two = {"ANALOG": {"Temperature1": 46.1, "Temperature2": 37.4}, "ESP32": {"Temperature": 50.0}}
    assert decode("tasmota", "tele/x/SENSOR", two).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    probes = {"ANALOG.Temperature1": "supply_c", "ANALOG.Temperature2": "return_c"}
    sample = only(decode("tasmota", "tele/x/SENSOR", two, probes=probes))
    assert (sample.supply_c, sample.return_c) == (46.1, 37.4)
    old = {"DS18x20": {f"DS{n}": {"Type": "DS18B20", "Address": f"28FF{n}", "Temperature": 40.0 + n} for n in (1, 2)}}
    assert decode("tasmota", "tele/x/SENSOR", old).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    sample = only(decode("tasmota", "tele/x/SENSOR", old, probes={"28FF1": "supply_c", "DS18x20.DS2": "return_c"}))
    assert (sample.supply_c, sample.return_c) == (41.0, 42.0)


@pytest.mark.parametrize(
    "clock",
    [
        {"Time": "2026-12-01T10:00:00"},
        {"Time": "2026-12-01T10:00:00.425"},
        {"Time": "2026-12-01T18:00:00", "Epoch": 1_796_090_400},  # `Time 2`: the second needs no zone
        {"Time": 1_796_090_400},
    ],
)
def test_tasmota_times(clock):
    sample = only(decode("tasmota", "tele/x/SENSOR", {**clock, "SI7021": {"Temperature": 20.5}}))
    assert sample.ts_ms is not None
    assert sample.ts_ms // 1000 * 1000 == ms(SERVER)


ZIGBEE = {"Device": "0x19D0", "Name": "living", "Temperature": 24.42, "Endpoint": 1, "LinkQuality": 0}


@pytest.mark.parametrize(
    ("topic", "payload", "device"),
    [
        # the bridge's own topic: the sensor's name, or its address where it has none
        ("tele/zb/SENSOR", {"ZbReceived": {"0x19D0": ZIGBEE}}, "zb/living"),
        ("tele/zb/SENSOR", {"ZbReceived": {"living": ZIGBEE}}, "zb/living"),  # SetOption83
        (
            "tele/zb/SENSOR",
            {"ZbReceived": {"0x531D": {"Device": "0x531D", "Temperature": 24.42, "LinkQuality": 1}}},
            "zb/0x531D",
        ),
        ("tele/zb/SENSOR", {"0x19D0": ZIGBEE}, "zb/living"),  # SetOption100: no `ZbReceived`
        ("tele/zb/SENSOR", ZIGBEE, "zb/living"),  # and SetOption119: no address
        # a topic for each sensor: SetOption89, SetOption112, SetOption118
        ("tele/zb/19D0/SENSOR", {"ZbReceived": {"0x19D0": ZIGBEE}}, "zb/19D0"),
        ("tele/zb/living/SENSOR", ZIGBEE, "zb/living"),
        ("tele/zb/living/ZbReceived", ZIGBEE, "zb/living"),
    ],
)
def test_sensors_behind_a_zigbee_bridge(topic, payload, device):
    message = decode("tasmota", topic, payload, filter="tele/#")
    assert (message.device_id, only(message).temperature_c, only(message).ts_ms) == (device, 24.42, None)


def test_what_a_zigbee_bridge_says_of_something_else():
    state = {"Device": "0x01F3", "Name": "door", "BatteryVoltage": 2.7, "BatteryPercentage": 17, "LinkQuality": 79}
    assert silence(decode("tasmota", "tele/zb/SENSOR", {"ZbReceived": {"0x01F3": state}})) is Silence.NO_READING
    two = {"ZbReceived": {"0x19D0": ZIGBEE, "0x01F3": state}}
    assert decode("tasmota", "tele/zb/SENSOR", two).samples == [Flaw(None, Reason.WRONG_SHAPE)]
    low = {"ZbReceived": {"0x19D0": ZIGBEE | {"Humidity": 40.1, "BatteryVoltage": 2.4, "BatteryPercentage": 9}}}
    sample = only(decode("tasmota", "tele/zb/SENSOR", low))
    assert (sample.humidity_pct, sample.battery_v, sample.quality) == (40.1, 2.4, Quality.LOW_BATTERY)


def test_tasmota_of_old_firmware_with_a_sensor_that_fails():
    """The text is no JSON: a sensor that fails is `nan`."""
    text = b'{"Time":"2026-12-01T10:00:00","DS18B20-1":{"Temperature":nan},"DS18B20-2":{"Temperature":38.5}}'
    probes = {"DS18B20-1": "supply_c", "DS18B20-2": "return_c"}
    sample = only(decode("tasmota", "tele/x/SENSOR", text, probes=probes))
    assert (sample.supply_c, sample.return_c) == (None, 38.5)
    alone = b'{"Time":"2026-12-01T10:00:00","SI7021":{"Temperature":nan,"Humidity":nan},"TempUnit":"C"}'
    assert silence(decode("tasmota", "tele/x/SENSOR", alone)) is Silence.NO_READING


def test_tasmota_counts_its_probes_anew_when_one_fails():
    left = {"DS18B20": {"Id": "B2", "Temperature": 37.4}, "ESP32": {"Temperature": 50.0}}
    by_name = {"DS18B20-1": "supply_c", "DS18B20-2": "return_c"}
    assert decode("tasmota", "tele/x/SENSOR", left, probes=by_name).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    sample = only(decode("tasmota", "tele/x/SENSOR", left, probes={"A1": "supply_c", "B2": "return_c"}))
    assert (sample.supply_c, sample.return_c) == (None, 37.4)
    board = {"ESP32": {"Temperature": 50.0}}
    assert silence(decode("tasmota", "tele/x/SENSOR", board, probes=by_name)) is Silence.NO_READING
