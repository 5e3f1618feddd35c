"""ChirpStack v4: its events, times, receptions and frame counters."""

from __future__ import annotations

import pytest
from peers.decoding import EUI, UP, chirpstack, decode, judged, ms, only, silence

from collector.payloads.message import Flaw, Reason, Silence
from heating.reading import Quality


def test_a_frame_counter_of_zero_is_left_out():
    sample = only(chirpstack(object={"TempC_SHT": 0, "Hum_SHT": 40, "BatV": 2.9}))
    assert (sample.temperature_c, sample.humidity_pct, sample.battery_v, sample.seq) == (0.0, 40.0, 2.9, 0)
    cayenne = only(chirpstack(fCnt=7, object={"temperatureSensor": {"1": 19.5}}))
    assert (cayenne.temperature_c, cayenne.seq) == (19.5, 7)
    low = only(chirpstack(object={"temperature": 19.5, "battery": 8}))
    assert low.quality == Quality.LOW_BATTERY


def test_probes_of_an_entry_point():
    decoded = {"TempC_SHT": 20, "TempC_DS": 327.67, "TempC_DS2": 38.5}
    sample = only(chirpstack(object=decoded, probes={"TempC_DS": "supply_c", "TempC_DS2": "return_c"}))
    assert (sample.supply_c, sample.return_c, sample.temperature_c) == (None, 38.5, None)


def test_a_stolen_name_is_refused():
    assert chirpstack(object={"temperature": 20}, deviceInfo={"devEui": "ffff"}).samples == [
        Flaw(None, Reason.DEVICE_MISMATCH)
    ]
    assert chirpstack(object={"temperature": 20}, deviceInfo={"devEui": EUI.upper()}).device_id == EUI.upper()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("join", {"devAddr": "00189440"}),
        ("ack", {"acknowledged": True, "fCntDown": 4}),
        ("txack", {"downlinkId": 5, "gatewayId": "0016c001ff10a235"}),
        ("status", {"margin": 7, "batteryLevel": 88.3}),
        ("log", {"level": "ERROR", "code": "UPLINK_CODEC", "description": "temperature is undefined"}),
        ("location", {"location": {"latitude": 39.1, "longitude": 117.2}}),
        ("integration", {"integrationName": "loracloud", "object": {"temperature": 20.0}}),
    ],
)
def test_events_without_a_reading(event, said):
    message = decode("chirpstack", UP.replace("/up", f"/{event}"), {"deviceInfo": {"devEui": EUI}, **said})
    assert (message.device_id, message.silence, message.samples) == (EUI, Silence.STATUS, [])


def test_uplinks_without_a_reading():
    assert silence(chirpstack(port=0)) is Silence.NO_READING  # settings of the network only
    assert silence(decode("chirpstack", "gateway/1/event/up", {})) is Silence.OTHER_TOPIC
    assert chirpstack(time=None, object={"temperature": 1}).needs_clock


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("2026-12-01T01:59:58.123456789+00:00", "2026-12-01T01:59:58.123Z"),
        ("2026-12-01T01:59:58Z", "2026-12-01T01:59:58Z"),
        ("2026-12-01T09:59:58.5+08:00", "2026-12-01T01:59:58.500Z"),
    ],
)
def test_times(time, at):
    assert only(chirpstack(time=time, object={"temperature": 20})).ts_ms == ms(at)


def test_a_time_without_an_offset_is_quarantined():
    assert judged(chirpstack(time="2026-12-01T01:59:58", object={"temperature": 20})) == [Reason.NO_OFFSET]


def test_without_a_time_of_the_server_the_gateways_count():
    receptions = [
        {"rssi": -100},
        {"gwTime": "2026-12-01T01:59:59.5+00:00", "nsTime": "2026-12-01T02:00:00Z", "rssi": -90},
    ]
    sample = only(chirpstack("0367C800", "EM300-TH", time=None, rxInfo=receptions))
    assert (sample.ts_ms, sample.rssi_dbm) == (ms("2026-12-01T01:59:59.500Z"), -90)
