"""The Things Stack v3.

Sources are named beside the facts; the messages are written anew around them.
"""

from __future__ import annotations

import pytest
from peers.decoding import SERVER, TTN_UP, decode, in_base64, ms, only, silence, ttn

from collector.payloads.message import Flaw, Reason, Silence
from heating.reading import Quality


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
    assert silence(decode("ttn", "v3/app@heat/devices/eui-1/down/ack", {})) is Silence.STATUS


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


def test_ttn_behind_a_bridge_with_a_prefix():
    up = {"uplink_message": {"decoded_payload": {"temperature": 20.0}}}
    message = ttn(up, topic=f"ttn/eu1/{TTN_UP}", filter="ttn/eu1/v3/+/devices/+/up")
    assert (message.device_id, only(message).temperature_c) == ("eui-1", 20.0)


@pytest.mark.parametrize(
    ("decoded", "charge", "low"),
    [
        ({"temperature": 20.0}, {"f_cnt": 12, "value": 4.3}, True),
        ({"temperature": 20.0}, {"f_cnt": 12, "value": 94.48}, False),
        ({"temperature": 20.0}, {"f_cnt": 12}, False),  # 0, left out: the device has mains, or does not know
        ({"temperature": 20.0, "battery": 80}, {"f_cnt": 12, "value": 4.3}, False),  # the device itself knows best
    ],
)
def test_ttn_battery_of_the_network(decoded, charge, low):
    sample = only(ttn({"uplink_message": {"decoded_payload": decoded, "last_battery_percentage": charge}}))
    assert bool(sample.quality & Quality.LOW_BATTERY) is low


def test_ttn_times():
    """The server that received the frame says when, the one that passes it on says it later."""
    own = {"decoded_payload": {"temperature": 20.0}, "received_at": "2026-12-01T01:59:59.700123456Z"}
    sample = only(ttn({"received_at": "2026-12-01T02:00:00.1Z", "uplink_message": own}))
    assert sample.ts_ms == ms("2026-12-01T01:59:59.700Z")
    del own["received_at"]
    sample = only(ttn({"received_at": SERVER, "uplink_message": own}))
    assert sample.ts_ms == ms(SERVER)
    gateway = {"rx_metadata": [{"rssi": -70, "time": "2026-12-01T01:59:59Z"}, {"rssi": -66}, {"snr": 3.0}]}
    sample = only(ttn({"uplink_message": own | gateway}))
    assert (sample.ts_ms, sample.rssi_dbm) == (ms("2026-12-01T01:59:59Z"), -66)


def test_ttn_zeros_left_out_in_all_places():
    """No f_port, no f_cnt, no rssi, a measured 0 in the frame."""
    uplink = {"frm_payload": in_base64("0175640367000004685A"), "rx_metadata": [{"gateway_ids": {}}]}
    sample = only(ttn({"uplink_message": {**uplink, "version_ids": {"model_id": "em300-th"}}}))
    assert (sample.temperature_c, sample.humidity_pct, sample.seq, sample.rssi_dbm) == (0.0, 45.0, 0, None)
    assert ttn({"uplink_message": {}}).samples == []


def test_ttn_as_its_documents_show_it():
    """Decoded, warned of and normalized; the last also on a topic of its own."""
    up = {
        "f_port": 4,
        "frm_payload": "DLIEgPeu",
        "decoded_payload": {"battery": 3250, "event": "setup", "light": 1152, "temperature": -21.3},
        "decoded_payload_warnings": ["it's cold"],
        "normalized_payload": [{"air": {"temperature": -21.3}}],
    }
    sample = only(ttn({"uplink_message": up, "received_at": SERVER}))
    assert (sample.temperature_c, sample.battery_v, sample.ts_ms) == (-21.3, 3.25, ms(SERVER))
    own = {"f_port": 4, "frm_payload": "DLIEgPeu", "normalized_payload": {"air": {"temperature": -21.3}}}
    sample = only(ttn({"uplink_normalized": own, "received_at": SERVER}, topic=TTN_UP + "/normalized"))
    assert (sample.temperature_c, sample.ts_ms) == (-21.3, ms(SERVER))
