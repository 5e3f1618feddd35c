"""The device families that heatwatch can read: add a decoder to this table, and a page to docs/devices."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.payloads.lorawan import Chirpstack, Ttn
from collector.payloads.message import Decoder
from collector.payloads.native import Native
from collector.payloads.shelly import Shelly
from collector.payloads.tasmota import Tasmota
from collector.payloads.value import Value
from collector.payloads.zigbee2mqtt import Zigbee2mqtt
from collector.settings import TopicSettings
from heating.errors import ConfigError

Maker = Callable[[TopicSettings, ZoneInfo | None], Decoder]

FAMILIES: dict[str, Maker] = {
    "native": lambda topic, zone: Native(zone),
    "chirpstack": lambda topic, zone: Chirpstack(zone, topic.unit, topic.probes),
    "ttn": lambda topic, zone: Ttn(zone, topic.unit, topic.probes),
    "zigbee2mqtt": lambda topic, zone: Zigbee2mqtt(topic.filter, zone, topic.unit, topic.probes),
    "tasmota": lambda topic, zone: Tasmota(topic.filter, zone, topic.unit, topic.probes),
    "shelly": lambda topic, zone: Shelly(zone, topic.unit, topic.probes),
    "value": lambda topic, zone: Value(topic.filter, zone, topic.unit, topic.field),
}

# Families whose devices are known to write local times without an offset.
_LOCAL: frozenset[str] = frozenset({"tasmota"})


def decoder_for(topic: TopicSettings, site_zone: ZoneInfo) -> Decoder:
    """Return the decoder that a topic asks for.

    Raises
    ------
    ConfigError
        If there is no such decoder or no such time zone.
    """
    make = FAMILIES.get(topic.decoder)
    if make is None:
        raise ConfigError(f"mqtt.topics.decoder = {topic.decoder!r}: must be one of {', '.join(sorted(FAMILIES))}")
    return make(topic, _zone(topic, site_zone))


def _zone(topic: TopicSettings, site_zone: ZoneInfo) -> ZoneInfo | None:
    name = topic.timezone or ("local" if topic.decoder in _LOCAL else "")
    if not name:
        return None
    if name == "local":
        return site_zone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"mqtt.topics.timezone = {name!r}: must be `local` or a zone such as Asia/Shanghai") from None
