"""Single values.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import SERVER, decode, ms, only, silence

from collector.payloads.message import Flaw, Reason, Silence


@pytest.mark.parametrize(("payload", "value"), [(b"19.5", 19.5), (b" -3 ", -3.0), (b"1e1", 10.0), (b".5", 0.5)])
def test_bare_values(payload, value):
    message = decode("value", "home/flat1/temperature", payload)
    assert (message.device_id, only(message).temperature_c) == ("flat1", value)


@pytest.mark.parametrize("payload", [b"19,5", b"19.5 C", b"{}", b"\xff", b"1_0", b"0x10", "１９".encode(), b"9" * 5000])
def test_bare_values_that_are_none(payload):
    assert decode("value", "home/flat1/temperature", payload).samples == [Flaw(None, Reason.WRONG_TYPE)]


def test_value_options():
    assert silence(decode("value", "home/a/temperature", b"unavailable")) is Silence.STATUS
    assert decode("value", "home/a/humidity", b"40", filter="home/+/humidity", field="humidity_pct").samples == []
    deep = decode("value", "site/b/4/t", b"45", filter="site/+/+/t", field="supply_c")
    assert (deep.device_id, only(deep).supply_c) == ("b/4", 45.0)
    assert decode("value", "all/b/4", b"45", filter="all/#").device_id == "b/4"


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"value": 21.5}', 21.5),
        (b'{"state": "21.5"}', 21.5),
        (b'"21.5"', 21.5),
        (b'{"value": 70.7, "unit": "\xc2\xb0F"}', 21.5),
        (b"21.50\n", 21.5),
        (b'{"temperature": 21.5, "humidity": 40}', 21.5),
        (b'{"temperature": 70.7, "unit_of_measurement": "\xc2\xb0F"}', 21.5),
    ],
)
def test_values_in_wrappings(payload, value):
    assert only(decode("value", "home/a/temperature", payload, filter="home/+/temperature")).temperature_c == (
        pytest.approx(value)
    )


@pytest.mark.parametrize("payload", [b"unavailable", b" Unknown ", b"null", b"", b'{"value": null}', b'"unavailable"'])
def test_values_that_say_nothing(payload):
    assert decode("value", "home/a/temperature", payload, filter="home/+/temperature").samples == []


def test_value_with_a_time():
    payload = {"value": 21.5, "ts": "2026-12-01T10:00:00+08:00"}
    assert only(decode("value", "home/a/t", payload, filter="home/+/t")).ts_ms == ms(SERVER)
    local = {"value": 21.5, "ts": "2026-12-01T10:00:00"}
    assert decode("value", "home/a/t", local, filter="home/+/t").samples == [Flaw(None, Reason.NO_OFFSET)]
    assert only(decode("value", "home/a/t", local, filter="home/+/t", timezone="local")).ts_ms == ms(SERVER)


STATES = "homeassistant/sensor/+/state"


@pytest.mark.parametrize("payload", [b"21.5", b"21.50", b"21.5\n"])
def test_states_of_home_assistant(payload):
    message = decode("value", "homeassistant/sensor/flat_4_temperature/state", payload, filter=STATES)
    assert (message.device_id, only(message).temperature_c) == ("flat_4_temperature", 21.5)


@pytest.mark.parametrize("payload", [b"unknown", b"unavailable", b"Unavailable", b"None", b""])
def test_states_of_home_assistant_that_say_nothing(payload):
    message = decode("value", "homeassistant/sensor/flat_4_temperature/state", payload, filter=STATES)
    assert silence(message) is Silence.STATUS


@pytest.mark.parametrize("payload", [b"on", b"2026-12-01T10:00:00+08:00", b"true", b"[21.5]", b"21.5 \xc2\xb0C"])
def test_states_that_are_no_temperature_are_quarantined(payload):
    message = decode("value", "homeassistant/sensor/x/state", payload, filter=STATES)
    assert message.samples == [Flaw(None, Reason.WRONG_TYPE)]


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"state": "55.4", "attributes": {"unit_of_measurement": "°F"}}, 13.0),
        ({"state": "13.0", "attributes": {"unit_of_measurement": "°C"}}, 13.0),
        ({"value": 40, "unit": "%"}, None),
        ({"state": "1013", "attributes": {"unit_of_measurement": "hPa"}}, None),
    ],
)
def test_units_of_values(payload, found):
    message = decode("value", "home/a/temperature", payload)
    if found is None:
        assert message.samples == [Flaw(None, Reason.WRONG_TYPE)]
    else:
        assert only(message).temperature_c == pytest.approx(found)


def test_a_flow_keeps_its_unit():
    message = decode("value", "m/1", {"value": 1.5, "unit": "m³/h"}, filter="m/+", field="flow_m3h", unit="F")
    assert only(message).flow_m3h == 1.5
