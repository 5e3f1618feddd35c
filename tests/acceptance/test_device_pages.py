"""Every page of docs/devices, walked: the configuration it shows, and a device of that family that sends a reading."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import paho.mqtt.client as mqtt
import pytest
from parts import ROOT, need
from peers.mosquitto import mosquitto
from peers.site import Site

pytestmark = pytest.mark.integration

AT = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
LOCAL = AT.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None).isoformat()
EUI, DRAGINO = "24e124136b502217", "A84041FFFF1E2F3B"
SHELLY = "shellyplusht-08b61fcb7f3c"

# Page, topic, message; then the device as it stands in the register, its values, and whether its time is its own.
Sent = tuple[str, str, Any, str, dict[str, float], bool]
SENT: list[Sent] = [
    ("native", "heatwatch/v1/D1/readings", {"ts": int(AT.timestamp()), "temperature_c": 19.1},
     "D1", {"temperature_c": 19.1}, True),
    ("chirpstack", f"application/a/device/{EUI}/event/up",
     {"time": AT.isoformat(), "deviceInfo": {"devEui": EUI, "deviceProfileName": "EM300-TH"}, "fPort": 85,
      "data": "AXVcA2fAAARoZQ==", "rxInfo": [{"rssi": -36}]},
     EUI, {"temperature_c": 19.2, "humidity_pct": 50.5}, True),
    ("ttn", f"v3/rooms@heat/devices/eui-{DRAGINO.lower()}/up",
     {"end_device_ids": {"device_id": f"eui-{DRAGINO.lower()}", "dev_eui": DRAGINO},
      "uplink_message": {"f_port": 2, "decoded_payload": {"BatV": 3.06, "TempC_SHT": 19.3, "TempC_DS": 327.67},
                         "received_at": AT.isoformat()}},
     DRAGINO.lower(), {"temperature_c": 19.3, "battery_v": 3.06}, True),
    ("zigbee2mqtt", "zigbee2mqtt/4-1-2001/living",
     {"temperature": 19.4, "humidity": 38.2, "last_seen": AT.isoformat()},
     "4-1-2001/living", {"temperature_c": 19.4, "humidity_pct": 38.2}, True),
    ("tasmota", "tele/rt-1/SENSOR", {"Time": LOCAL, "SI7021": {"Temperature": 19.5, "Humidity": 57.2}, "TempUnit": "C"},
     "rt-1", {"temperature_c": 19.5, "humidity_pct": 57.2}, True),
    ("tasmota", "tele/entry-4/SENSOR",
     {"Time": LOCAL, "DS18B20-1": {"Id": "01131B123456", "Temperature": 46.1},
      "DS18B20-2": {"Id": "01131B654321", "Temperature": 37.4}, "TempUnit": "C"},
     "entry-4", {"supply_c": 46.1, "return_c": 37.4}, True),
    ("tasmota", "tele/zb/SENSOR",
     {"ZbReceived": {"0x19D0": {"Device": "0x19D0", "Name": "living", "Temperature": 19.6, "LinkQuality": 90}}},
     "zb/living", {"temperature_c": 19.6}, False),
    ("shelly", "shellies/shellyht-F3A1B2/sensor/temperature", 19.7, "shellyht-F3A1B2", {"temperature_c": 19.7}, False),
    ("shelly", f"{SHELLY}/events/rpc",
     {"src": SHELLY, "dst": f"{SHELLY}/events", "method": "NotifyFullStatus",
      "params": {"ts": AT.timestamp(), "temperature:0": {"id": 0, "tC": 19.8, "tF": 67.6}, "humidity:0": {"rh": 42.2}}},
     SHELLY, {"temperature_c": 19.8, "humidity_pct": 42.2}, True),
    ("value", "home/flat-5/temperature", 19.9, "flat-5", {"temperature_c": 19.9}, False),
    ("value", "plant/entry/b4/supply", {"value": 45.5, "ts": AT.isoformat()}, "b4", {"supply_c": 45.5}, True),
    ("value", "homeassistant/sensor/flat_6_temperature/state", 20.1, "flat_6_temperature",
     {"temperature_c": 20.1}, False),
]  # fmt: skip
SILENT = [
    ("zigbee2mqtt/bridge/state", '{"state":"online"}'),
    ("zigbee2mqtt/4-1-2001/living/availability", '{"state":"online"}'),
    ("homeassistant/sensor/flat_6_temperature/state", "unavailable"),
]


def pages() -> dict[str, str]:
    """Return the configuration that each page shows."""
    found = {}
    for page in sorted((ROOT / "docs" / "devices").glob("*.md")):
        blocks = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
        if blocks:
            found[page.stem] = "\n".join(blocks)
    return found


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, str]]]:
    need("mosquitto")
    folder = tmp_path_factory.mktemp("devices")
    points = ["point_id,device_id,kind,station,building,floor,room"]
    for number, (_, _, _, device, values, _) in enumerate(SENT):
        kind = "entry" if "supply_c" in values else "room"
        points.append(f"P{number},{device},{kind},S1,1,3,{number}")
    (folder / "points.csv").write_text("\n".join(points) + "\n")
    with mosquitto(folder) as broker:
        site = Site(folder, folder / "points.csv", mqtt_port=broker.port, extra="\n".join(pages().values()))
        with site.running("collector"):
            site.wait("subscribed", lambda: "homeassistant/sensor/+/state" in site.log)
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
            client.connect("127.0.0.1", broker.port)
            client.loop_start()
            for topic, payload in SILENT + [(topic, json.dumps(message)) for _, topic, message, *_ in SENT]:
                client.publish(topic, payload, 1).wait_for_publish(10)
            site.wait("all stored", lambda: site.counters().get("stored", 0) >= len(SENT), 30)
            client.disconnect()
            client.loop_stop()
            assert site.counters().get("quarantined", 0) == 0
        exported = site.call("export", "readings", "--from", "2000-01-01", "--to", "2099-01-01").stdout
        rows = list(csv.DictReader(io.StringIO(exported)))
        assert len(rows) == len(SENT)
        yield {row["device_id"]: row for row in rows}


def test_every_page_is_walked():
    assert {page for page, *_ in SENT} == set(pages())


@pytest.mark.parametrize("sent", SENT, ids=[f"{page}: {device}" for page, _, _, device, *_ in SENT])
def test_a_device_of_the_page_is_read(stored: dict[str, dict[str, str]], sent: Sent) -> None:
    _, _, _, device, values, own_time = sent
    row = stored[device]
    assert {name: float(row[name]) for name in values} == pytest.approx(values)
    assert (datetime.fromisoformat(row["ts"]) == AT) is own_time
