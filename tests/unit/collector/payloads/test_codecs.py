"""What payload codecs of LoRaWAN servers call things.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import chirpstack, only, silence, ttn

from collector.payloads.message import Flaw, Reason, Silence
from heating.reading import Quality


@pytest.mark.parametrize(
    ("decoded", "expected"),
    [
        ({"temperature": "21.50", "humidity": "40"}, (21.5, 40.0, None)),
        ({"Temperature": 21.5, "Humidity": 40, "Battery": 3.62}, (21.5, 40.0, 3.62)),
        ({"temp": 21.5, "hum": 40, "bat": 3012}, (21.5, 40.0, 3.012)),
        ({"temperature_1": 21.5, "relative_humidity_2": 40}, (21.5, 40.0, None)),  # The Things Stack's Cayenne LPP
        ({"temperatureSensor": {"1": 21.5}, "humiditySensor": {"2": 40}}, (21.5, 40.0, None)),  # ChirpStack's
        ({"air_temperature": {"value": 21.5, "unit": "°C"}, "air_humidity": {"value": 40}}, (21.5, 40.0, None)),
        ({"temp": {"value": 70.7, "unit": "°F"}}, (21.5, None, None)),
        ({"TempF_SHT": 70.7}, (21.5, None, None)),
        ({"data": {"TempC_SHT": 21.5, "Hum_SHT": 40}}, (21.5, 40.0, None)),
        ({"TempC1": 0, "TempC_SHT": 14.3, "Hum_SHT": 42.3, "BatV": 3.694}, (14.3, 42.3, 3.694)),  # LSN50v2
        ({"TempC1": "20.1", "TempC2": 327.67, "TempC3": -127}, (20.1, None, None)),  # two probes of three are missing
        (
            {"temperature": 21.5, "vdd": 3596, "humidity": 127.5},
            (21.5, None, 3.596),
        ),  # Elsys; a humidity that cannot be
    ],
)
def test_codecs_call_it_differently(decoded, expected):
    for message in (chirpstack(object=decoded), ttn({"uplink_message": {"decoded_payload": decoded}})):
        sample = only(message)
        assert sample.temperature_c == pytest.approx(expected[0])
        assert (sample.humidity_pct, sample.battery_v) == expected[1:]


@pytest.mark.parametrize(
    ("decoded", "low"),
    [
        ({"battery": 9}, True),
        ({"battery": 92}, False),
        ({"battery": 3.05}, False),  # volts
        ({"battery": 2950}, False),  # millivolts
        ({"Bat_status": 1}, True),
        ({"Bat_status": "Ultra Low"}, True),
        ({"Bat_status": "Good", "battery": 5}, False),
    ],
)
def test_battery_in_percent_volts_and_words(decoded, low):
    assert bool(only(chirpstack(object={"temperature": 20, **decoded})).quality & Quality.LOW_BATTERY) is low


def test_channels_and_inner_objects_by_their_path():
    cayenne = {"temperatureSensor": {"3": 45.0, "5": 38.0}}  # Cayenne LPP as ChirpStack decodes it
    assert chirpstack(object=cayenne).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    probes = {"temperatureSensor.3": "supply_c", "temperatureSensor.5": "return_c"}
    sample = only(chirpstack(object=cayenne, probes=probes))
    assert (sample.supply_c, sample.return_c) == (45.0, 38.0)
    inner = {"data": {"TempC_SHT": 20.0, "TempC_DS": 45.0}}
    for name in ("TempC_DS", "data.TempC_DS"):
        assert only(chirpstack(object=inner, probes={name: "supply_c"})).supply_c == 45.0


def test_several_channels_and_nothing_that_says_which():
    two = {"temperature_1": 45.0, "temperature_2": 38.0}
    assert chirpstack(object=two).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    sample = only(chirpstack(object=two, probes={"temperature_1": "supply_c", "temperature_2": "return_c"}))
    assert (sample.supply_c, sample.return_c) == (45.0, 38.0)


@pytest.mark.parametrize("decoded", [{"Temp_Red": 45.1, "Temp_White": 38.0}, {"TempC_DS": 27.8, "BatV": 3.0}])
def test_a_temperature_of_an_unknown_name_is_shown_to_somebody(decoded):
    assert chirpstack(object=decoded).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    (name, value), *_ = decoded.items()
    assert only(chirpstack(object=decoded, probes={name: "temperature_c"})).temperature_c == value
    # What the server has normalized is no riddle.
    known = {"decoded_payload": decoded, "normalized_payload": [{"air": {"temperature": 21.5}}]}
    assert only(ttn({"uplink_message": known})).temperature_c == 21.5


def test_an_uplink_that_cannot_be_read_has_used_up_a_number_too():
    message = chirpstack(object={"Temp_Red": 45.1}, fCnt=8)
    assert (message.samples, message.seq) == ([Flaw(None, Reason.AMBIGUOUS_PROBES)], 8)
    read = chirpstack(object={"temperature": 20}, fCnt=9)
    assert (only(read).seq, read.seq) == (9, None)


@pytest.mark.parametrize("decoded", [{"mcu_temperature": 35.0}, {"temperature_alarm": 1}, {"target_temperature": 21}])
def test_what_is_no_temperature_of_a_room_is_ignored(decoded):
    assert silence(chirpstack(object=decoded)) is Silence.NO_READING


@pytest.mark.parametrize(
    "messages",
    [
        # Seeed's decoder in TheThingsNetwork/lorawan-devices: numbers
        [
            {"type": "upload_battery", "battery": 8},
            {"type": "report_telemetry", "measurementId": 4097, "measurementValue": 21.4},
            {"type": "report_telemetry", "measurementId": 4098, "measurementValue": 31.4},
        ],
        # the newer one: texts, in lists of their own
        [
            [{"type": "Battery", "battery": 8, "interval": 900}],
            [
                {"type": "Air Temperature", "measurementId": "4097", "measurementValue": 21.4},
                {"type": "Air Humidity", "measurementId": "4098", "measurementValue": 31.4},
                {"type": "Light Intensity", "measurementId": "4099", "measurementValue": 120},
            ],
        ],
    ],
)
def test_sensecap_says_its_measurements_by_number(messages):
    decoded = {"err": 0, "valid": True, "payload": "0101109853", "messages": messages}
    for message in (chirpstack(object=decoded), ttn({"uplink_message": {"decoded_payload": decoded}})):
        sample = only(message)
        assert (sample.temperature_c, sample.humidity_pct, sample.quality) == (21.4, 31.4, Quality.LOW_BATTERY)


def test_sensecap_with_other_measurements():
    def measurement(number: int, value: object) -> dict:
        return {"type": "report_telemetry", "measurementId": number, "measurementValue": value}

    below = {"messages": [measurement(4097, "-0.5")]}  # the first decoder wrote negative values as text
    assert only(chirpstack(object=below)).temperature_c == -0.5
    soil = {"messages": [measurement(4102, 45.5), measurement(4103, 30.1)]}
    assert silence(chirpstack(object=soil)) is Silence.NO_READING
    assert only(chirpstack(object=soil, probes={"4102": "supply_c"})).supply_c == 45.5
    two = {"messages": [measurement(4097, 20.0), measurement(4097, 50.0)]}
    assert chirpstack(object=two).samples == [Flaw(None, Reason.AMBIGUOUS_PROBES)]
    assert silence(chirpstack(object={"messages": [{"type": "upload_version"}], "err": 0})) is Silence.NO_READING


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"value": 294.65, "unit": "K"}, 21.5),
        ({"value": 70.7, "unit": "degF"}, 21.5),
        ({"value": 21.5, "unit": "degrees Celsius"}, 21.5),
        ({"value": 21.5, "unit": ""}, 21.5),
    ],
)
def test_units_of_temperature(value, expected):
    assert only(chirpstack(object={"temperature": value})).temperature_c == pytest.approx(expected)


def test_a_value_in_another_unit_is_no_temperature():
    assert chirpstack(object={"temperature": {"value": 40, "unit": "%"}}).samples == [Flaw(None, Reason.WRONG_TYPE)]


def test_a_unit_beside_the_value_may_be_that_of_the_display():
    decoded = {"temperature": 55.4, "temperature_unit": "fahrenheit"}
    assert chirpstack(object=decoded).samples == [Flaw(None, Reason.WRONG_TYPE)]
    assert only(chirpstack(object=decoded, unit="F")).temperature_c == pytest.approx(13.0)
    assert only(chirpstack(object=decoded, unit="C")).temperature_c == 55.4
    assert only(chirpstack(object=decoded | {"temperature_unit": "celsius"})).temperature_c == 55.4


def test_flow_has_no_unit_of_temperature():
    sample = only(chirpstack(object={"flow": 1.5, "t": 113}, unit="F", probes={"flow": "flow_m3h", "t": "supply_c"}))
    assert (sample.flow_m3h, sample.supply_c) == (1.5, 45.0)
