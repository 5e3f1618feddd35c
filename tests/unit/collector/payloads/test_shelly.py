"""Shelly H&T, all generations.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import decode, only

from collector.payloads.message import Flaw, Reason, Silence


def test_shelly_generations():
    assert decode("shelly", "shellies/s1/sensor/humidity", b"40").silence is Silence.STATUS
    assert only(decode("shelly", "shellies/s1/sensor/temperature", b"68.0", unit="F")).temperature_c == 20.0
    assert decode("shelly", "shellies/s1/sensor/temperature", b"warm").samples == [Flaw(None, Reason.WRONG_TYPE)]
    note = {"src": "s2", "method": "NotifyStatus", "params": {"ts": 1796090400, "temperature:100": {"tC": 45.5}}}
    sample = only(decode("shelly", "s2/events/rpc", note, probes={"temperature:100": "supply_c"}))
    assert (sample.supply_c, sample.temperature_c) == (45.5, None)
    assert decode("shelly", "s2/events/rpc", note).silence is Silence.NO_READING
    assert decode("shelly", "s3/events/rpc", note).samples == [Flaw(None, Reason.DEVICE_MISMATCH)]
    assert decode("shelly", "s2/events/rpc", {"src": "s2", "method": "NotifyEvent"}).silence is Silence.STATUS


def test_shelly_status_topics_units_and_clocks():
    topic = "shellyhtg3-80b54e358c18/status/temperature:0"
    sample = only(decode("shelly", topic, {"id": 0, "tC": 21.4, "tF": 70.5}))
    assert (sample.temperature_c, sample.ts_ms) == (21.4, None)
    assert only(decode("shelly", topic, {"id": 0, "tF": 70.7})).temperature_c == pytest.approx(21.5)
    assert decode("shelly", topic, {"id": 0, "tC": None, "errors": ["read"]}).silence is Silence.NO_READING
    assert decode("shelly", topic.replace("temperature", "humidity"), {"rh": 40}).silence is Silence.STATUS
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
