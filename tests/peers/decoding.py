"""Device messages written down in tests: how to make, decode and judge them."""

from __future__ import annotations

import base64
import json
from typing import Any
from zoneinfo import ZoneInfo

from collector.intake import Intake
from collector.packet import Packet
from collector.payloads.families import decoder_for
from collector.payloads.message import Flaw, Message, Sample, Silence
from collector.settings import TopicSettings
from heating.instants import parse_instant, to_ms
from heating.reading import Reading
from heating.register import Register
from heating.site import MeasurementPoint, PointKind

ZONE = ZoneInfo("Asia/Shanghai")
SERVER = "2026-12-01T02:00:00Z"
EUI = "24e124136b502217"
UP = f"application/a/device/{EUI}/event/up"
TTN_UP = "v3/rooms@heat/devices/eui-1/up"
FILTERS = {
    "native": "heatwatch/v1/+/readings",
    "chirpstack": "application/+/device/+/event/+",
    "ttn": "v3/+/devices/+/+",
    "zigbee2mqtt": "zigbee2mqtt/#",
    "tasmota": "tele/+/SENSOR",
    "shelly": "shellies/#",
    "value": "home/+/temperature",
}


def ms(text: str) -> int:
    return to_ms(parse_instant(text, ZONE))


def decode(family: str, topic: str, payload: object, **options: object) -> Message:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    settings = TopicSettings(**{"filter": FILTERS[family], **options}, decoder=family)  # type: ignore[arg-type]
    return decoder_for(settings, ZONE)(topic, raw)


def only(message: Message) -> Sample:
    (sample,) = message.samples
    assert isinstance(sample, Sample), sample
    return sample


def silence(message: Message) -> Silence:
    """Return why a message has no readings; it must have none."""
    assert message.samples == []
    return message.silence


def in_base64(frame: str) -> str:
    return base64.b64encode(bytes.fromhex(frame)).decode()


def chirpstack(frame: str = "", profile: str = "", port: int | None = 85, **fields: object) -> Message:
    info = {"devEui": EUI, "deviceProfileName": profile}
    options = {name: fields.pop(name) for name in ("probes", "unit") if name in fields}
    uplink = {"time": SERVER, "deviceInfo": info, "fPort": port, "data": in_base64(frame), **fields}
    return decode("chirpstack", UP, uplink, **options)


def ttn(uplink: dict[str, Any], topic: str = TTN_UP, **options: object) -> Message:
    return decode("ttn", topic, {"end_device_ids": {"device_id": "eui-1"}, **uplink}, **options)


def judged(message: Message, kind: PointKind = PointKind.ROOM, at: str = SERVER) -> list[object]:
    """Return what the intake makes of it: the value of a reading, or the reason."""
    point = MeasurementPoint(point_id="P", device_id=message.device_id, station="S", kind=kind)
    packet = Packet(topic="t", payload=b"", received_ms=ms(at), length=0)
    outcomes = Intake(Register.of_points([point])).judge(packet, message, ms(at))
    return [
        (o.temperature_c if kind is PointKind.ROOM else (o.supply_c, o.return_c)) if isinstance(o, Reading)
        else o.reason if isinstance(o, Flaw) else o.silence
        for o in outcomes
    ]  # fmt: skip
