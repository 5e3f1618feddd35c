"""Sensors that fail, in every family.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import chirpstack, decode, judged, ttn

from collector.payloads.message import Reason
from heating.site import PointKind


@pytest.mark.parametrize("value", [327.67, 3276.7, 6553.5, -127, -127.0, 85, 999, -999, 215, 1950])
def test_signs_of_a_failed_sensor_and_wrong_units_never_become_readings_of_a_room(value):
    messages = [
        chirpstack(object={"temperature": value}),
        ttn({"uplink_message": {"decoded_payload": {"TempC_SHT": value}}}),
        decode("zigbee2mqtt", "z/a", {"temperature": value}, filter="z/#"),
        decode("tasmota", "tele/x/SENSOR", {"DS18B20": {"Id": "A", "Temperature": value}}),
        decode("shelly", "shellies/a/sensor/temperature", str(value).encode()),
        decode("value", "a", str(value).encode(), filter="#"),
        decode("native", "heatwatch/v1/a/readings", {"temperature_c": value}),
    ]
    assert [judged(message) for message in messages] == [[Reason.OUT_OF_RANGE]] * len(messages)


def test_a_missing_probe_costs_the_other_nothing():
    probes = {"DS18B20-1": "supply_c", "DS18B20-2": "return_c"}
    for gone in (-127, 85, 327.67, None):
        sensors = {"DS18B20-1": {"Temperature": gone}, "DS18B20-2": {"Temperature": 38.5}}
        message = decode("tasmota", "tele/x/SENSOR", sensors, probes=probes)
        assert judged(message, PointKind.ENTRY) == [(None, 38.5)]
    both = {"DS18B20-1": {"Temperature": 85}, "DS18B20-2": {"Temperature": -127}}
    message = decode("tasmota", "tele/x/SENSOR", both, probes=probes)
    assert judged(message, PointKind.ENTRY) == [Reason.NO_VALUE]
    # Water of 85 °C in a meter that is no DS18B20 is water of 85 °C.
    meter = decode("shelly", "m/events/rpc", {"method": "NotifyStatus", "params": {"temperature:100": {"tC": 85.0}}},
                   probes={"temperature:100": "supply_c"})  # fmt: skip
    assert judged(meter, PointKind.ENTRY) == [(85.0, None)]
