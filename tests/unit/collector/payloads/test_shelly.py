"""Shelly H&T, all generations.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import decode, only, silence

from collector.payloads.message import Flaw, Reason, Silence
from heating.reading import Quality


def test_shelly_generations():
    assert silence(decode("shelly", "shellies/s1/sensor/humidity", b"40")) is Silence.STATUS
    assert only(decode("shelly", "shellies/s1/sensor/temperature", b"68.0", unit="F")).temperature_c == 20.0
    assert decode("shelly", "shellies/s1/sensor/temperature", b"warm").samples == [Flaw(None, Reason.WRONG_TYPE)]
    note = {"src": "s2", "method": "NotifyStatus", "params": {"ts": 1796090400, "temperature:100": {"tC": 45.5}}}
    sample = only(decode("shelly", "s2/events/rpc", note, probes={"temperature:100": "supply_c"}))
    assert (sample.supply_c, sample.temperature_c) == (45.5, None)
    assert silence(decode("shelly", "s2/events/rpc", note)) is Silence.NO_READING
    assert decode("shelly", "s3/events/rpc", note).samples == [Flaw(None, Reason.DEVICE_MISMATCH)]
    assert silence(decode("shelly", "s2/events/rpc", {"src": "s2", "method": "NotifyEvent"})) is Silence.STATUS


def test_shelly_status_topics_units_and_clocks():
    topic = "shellyhtg3-80b54e358c18/status/temperature:0"
    sample = only(decode("shelly", topic, {"id": 0, "tC": 21.4, "tF": 70.5}))
    assert (sample.temperature_c, sample.ts_ms) == (21.4, None)
    assert only(decode("shelly", topic, {"id": 0, "tF": 70.7})).temperature_c == pytest.approx(21.5)
    assert silence(decode("shelly", topic, {"id": 0, "tC": None, "errors": ["read"]})) is Silence.NO_READING
    assert silence(decode("shelly", topic.replace("temperature", "humidity"), {"rh": 40})) is Silence.STATUS
    note = {
        "src": "ShellyHTG3-80B54E358C18",
        "method": "NotifyStatus",
        "params": {"ts": 2.17, "temperature:0": {"tC": 1}},
    }
    booting = only(decode("shelly", "shellyhtg3-80b54e358c18/events/rpc", note))
    assert booting.ts_ms is None  # its clock is not set yet
    behind = decode("shelly", "shellies/shellyhtg3-80b54e358c18/events/rpc", note)
    assert (behind.device_id, only(behind).temperature_c) == ("shellyhtg3-80b54e358c18", 1.0)
    wired = decode("shelly", "shellies/shelly1-A/ext_temperature/0", b"45.2", probes={"ext_temperature/0": "supply_c"})
    assert only(wired).supply_c == 45.2


@pytest.mark.parametrize(
    ("topic", "src", "dst", "device"),
    [
        ("s1/events/rpc", "s1", "s1/events", "s1"),
        ("s1/events/rpc", "S1", "S1/events", "s1"),
        ("shellies/s1/events/rpc", "s1", "shellies/s1/events", "s1"),
        # a prefix that an installer has chosen
        ("heat/flat-4/events/rpc", "s1", "heat/flat-4/events", "heat/flat-4"),
        ("heat/flat-4/events/rpc", "s1", "heat/flat-5/events", None),
        ("heat/flat-4/events/rpc", "s1", "s1/events", None),
        ("s2/events/rpc", "s1", "", None),
    ],
)
def test_shelly_topic_and_claimed_device(topic, src, dst, device):
    note = {"src": src, "dst": dst, "method": "NotifyStatus", "params": {"temperature:0": {"tC": 20.5, "tF": 68.9}}}
    message = decode("shelly", topic, note)
    if device is None:
        assert message.samples == [Flaw(None, Reason.DEVICE_MISMATCH)]
    else:
        assert (message.device_id, only(message).temperature_c) == (device, 20.5)


def test_shelly_wakes_up_with_everything_it_knows():
    """A Plus H&T that woke up: no clock yet but in `params.ts`, battery, humidity, on mains or not."""
    params = {
        "ts": 1674473304.12,
        "ble": {},
        "cloud": {"connected": False},
        "devicepower:0": {"id": 0, "battery": {"V": 4.6, "percent": 9}, "external": {"present": False}},
        "ht_ui": {},
        "humidity:0": {"id": 0, "rh": 54.3},
        "temperature:0": {"id": 0, "tC": 21.3, "tF": 70.4},
        "sys": {"mac": "08B61FCE63C4", "time": None, "unixtime": None, "uptime": 1},
    }
    note = {"src": "s1", "dst": "s1/events", "method": "NotifyFullStatus", "params": params}
    sample = only(decode("shelly", "s1/events/rpc", note))
    assert (sample.temperature_c, sample.humidity_pct, sample.battery_v) == (21.3, 54.3, 4.6)
    assert (sample.ts_ms, sample.quality) == (1_674_473_304_120, Quality.LOW_BATTERY)
    for part in ({"humidity:0": {"id": 0, "rh": 54.3}}, {"cloud": {"connected": True}}, {"sys": {"cfg_rev": 35}}):
        assert silence(decode("shelly", "s1/events/rpc", note | {"params": part})) is Silence.NO_READING
    plug = {"switch:0": {"id": 0, "temperature": {"tC": 48.4, "tF": 119.2}}}  # of the plug itself
    assert silence(decode("shelly", "s1/events/rpc", note | {"params": plug})) is Silence.NO_READING


@pytest.mark.parametrize("what", ["battery", "humidity", "ext_power", "act_reasons", "error", "temperature_f"])
def test_shelly_of_the_first_generation_says_other_things_on_topics_of_their_own(what):
    assert silence(decode("shelly", f"shellies/shellyht-3CBD1F/sensor/{what}", b"72.1")) is Silence.STATUS
    for other in ("online", "announce", "info", "temperature"):
        assert silence(decode("shelly", f"shellies/shellyht-3CBD1F/{other}", b"72.1")) is Silence.STATUS


@pytest.mark.parametrize(
    ("prefix", "device"),
    [
        ("shellyhtg3-84fce63ad204", "shellyhtg3-84fce63ad204"),
        ("heat/flat-4", "heat/flat-4"),
        ("shellies/flat-4", "flat-4"),
        ("shellies/altbau/eg/ht8554", "shellies/altbau/eg/ht8554"),
    ],
)
def test_shelly_has_one_id_on_all_its_topics(prefix, device):
    component = {"id": 0, "tC": 20.5, "tF": 68.9}
    note = {"src": "s1", "dst": f"{prefix}/events", "method": "NotifyStatus", "params": {"temperature:0": component}}
    for topic, payload in ((f"{prefix}/status/temperature:0", component), (f"{prefix}/events/rpc", note)):
        message = decode("shelly", topic, payload)
        assert (message.device_id, only(message).temperature_c) == (device, 20.5)
    for other in ("devicepower:0", "humidity:0", "sys"):
        assert silence(decode("shelly", f"{prefix}/status/{other}", {"id": 0})) is Silence.STATUS


def test_shelly_on_mains_has_no_empty_battery():
    """As a Plus H&T on its USB supply says it (enesbcs/Shelly_MQTT, 99)."""
    power = {"id": 0, "battery": {"V": 0.43, "percent": 0}, "external": {"present": True}}
    params = {"ts": 1669541352.21, "devicepower:0": power, "temperature:0": {"id": 0, "tC": 19.0, "tF": 66.2}}
    note = {"src": "s1", "dst": "SH-002/events", "method": "NotifyFullStatus", "params": params}
    message = decode("shelly", "SH-002/events/rpc", note)
    assert (message.device_id, only(message).battery_v, only(message).quality) == ("SH-002", None, 0)
