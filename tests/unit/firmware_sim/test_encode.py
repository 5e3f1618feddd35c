"""The wire, byte for byte: golden packets that the collector's tests read as well."""

from pathlib import Path

from firmware_sim.encode import WirePacket, WireReading, encode_packet, encode_status, flag_names, status_topic
from heating.reading import Quality

GOLDEN = Path(__file__).parent / "golden"
TS = 1795312800000


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def test_one_reading_of_a_room() -> None:
    reading = WireReading(ts=TS, temperature_c=19.4, humidity_pct=38.0, seq=881)
    packet = WirePacket(readings=(reading,), battery_v=2.98, rssi_dbm=-71, fw="1.4.2")
    assert encode_packet(packet) == golden("room-single")


def test_batch_with_replayed_readings_and_flags() -> None:
    readings = (
        WireReading(ts=TS - 2_400_000, temperature_c=19.2, humidity_pct=38.0, seq=882, replayed=True),
        WireReading(ts=TS - 1_200_000, temperature_c=19.3, seq=883, replayed=True),
        WireReading(ts=TS, temperature_c=-0.5, seq=884),
    )
    flags = flag_names(Quality.MOVED | Quality.LOW_BATTERY)
    packet = WirePacket(readings=readings, battery_v=2.45, rssi_dbm=-104, flags=flags, fw="1.4.2")
    assert encode_packet(packet) == golden("room-batch-replayed")


def test_water_of_a_building_entry() -> None:
    reading = WireReading(ts=TS, supply_c=52.3, return_c=41.8, seq=1)
    assert encode_packet(WirePacket(readings=(reading,), battery_v=3.01, rssi_dbm=-80, fw="1.4.2")) == golden("entry")


def test_a_lost_probe_says_so() -> None:
    reading = WireReading(ts=TS, temperature_c=85.0, seq=7)
    flags = flag_names(Quality.SENSOR_FAULT)
    packet = WirePacket(readings=(reading,), battery_v=3.0, rssi_dbm=-60, flags=flags, fw="1.4.2")
    assert encode_packet(packet) == golden("probe-lost")


def test_status() -> None:
    assert encode_status(False, TS) == golden("status-offline")
    assert status_topic("SIM000001") == "heatwatch/v1/SIM000001/status"
