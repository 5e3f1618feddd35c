"""Single values.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import SERVER, decode, ms, only

from collector.payloads.message import Flaw, Reason, Silence


@pytest.mark.parametrize(("payload", "value"), [(b"19.5", 19.5), (b" -3 ", -3.0), (b"1e1", 10.0), (b".5", 0.5)])
def test_bare_values(payload, value):
    message = decode("value", "home/flat1/temperature", payload)
    assert (message.device_id, only(message).temperature_c) == ("flat1", value)


@pytest.mark.parametrize("payload", [b"19,5", b"19.5 C", b"{}", b"\xff", b"1_0", b"0x10", "１９".encode(), b"9" * 5000])
def test_bare_values_that_are_none(payload):
    assert decode("value", "home/flat1/temperature", payload).samples == [Flaw(None, Reason.WRONG_TYPE)]


def test_value_options():
    assert decode("value", "home/a/temperature", b"unavailable").silence is Silence.STATUS
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
