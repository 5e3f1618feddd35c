"""The Things Stack v3.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import SERVER, TTN_UP, decode, in_base64, ms, only, ttn

from collector.payloads.message import Flaw, Reason, Silence


def test_ttn_normalized_simulated_and_raw():
    topic = "v3/app@heat/devices/eui-1/up"
    up = {"received_at": "2026-12-01T02:00:00Z", "normalized_payload": [{"air": {"temperature": 0.0}, "battery": 3.1}]}
    sample = only(decode("ttn", topic, {"end_device_ids": {"device_id": "eui-1"}, "uplink_message": up}))
    assert (sample.temperature_c, sample.battery_v, sample.seq) == (0.0, 3.1, 0)
    assert decode("ttn", topic, {"uplink_message": up, "simulated": True}).samples == []
    raw = {"frm_payload": in_base64("CBF60B0D0376010ADD7FFF"), "f_port": 2}
    assert only(decode("ttn", topic, {"uplink_message": raw})).temperature_c == 28.29
    forged = {"end_device_ids": {"device_id": "eui-2"}, "uplink_message": up}
    assert decode("ttn", topic, forged).samples == [Flaw(None, Reason.DEVICE_MISMATCH)]
    assert decode("ttn", "v3/app@heat/devices/eui-1/down/ack", {}).silence is Silence.STATUS


def test_ttn_normalized_as_a_list_and_on_its_own_topic():
    measured = {"air": {"temperature": 21.5, "relativeHumidity": 40}, "time": "2026-12-01T01:50:00Z"}
    sample = only(ttn({"uplink_message": {"normalized_payload": [measured, {"battery": 3.1}], "received_at": SERVER}}))
    assert (sample.temperature_c, sample.humidity_pct, sample.ts_ms) == (21.5, 40.0, ms("2026-12-01T01:50:00Z"))
    own = {"uplink_normalized": {"normalized_payload": {"air": {"temperature": 21.5}}, "received_at": SERVER}}
    sample = only(ttn(own, topic=TTN_UP + "/normalized"))
    assert (sample.temperature_c, sample.ts_ms) == (21.5, ms(SERVER))
    # Milesight's published formatter puts percents where volts belong.
    percent = {"normalized_payload": [{"air": {"temperature": 20.0}, "battery": 50}]}
    assert only(ttn({"uplink_message": percent})).battery_v is None


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("join", {"join_accept": {"session_key_id": "AYJy"}, "received_at": SERVER}),
        ("location/solved", {"location_solved": {"location": {"latitude": 39.1}}}),
        ("down/queued", {"downlink_queued": {"f_port": 1}}),
        ("up", {"uplink_message": {"f_cnt": 3, "received_at": SERVER}}),  # settings of the network only
    ],
)
def test_ttn_messages_without_reading(topic, payload):
    assert ttn(payload, topic=f"v3/rooms@heat/devices/eui-1/{topic}").samples == []
