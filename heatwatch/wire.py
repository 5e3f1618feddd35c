"""The broker of the configuration, as the simulated devices reach it."""

from __future__ import annotations

from firmware_sim.broker import BrokerAddress
from heating.settings import read_secret
from heatwatch.config import Settings


def broker_address(settings: Settings) -> BrokerAddress:
    """Return the address of `[mqtt]`; a password file that cannot be read raises `ConfigError`."""
    mqtt = settings.mqtt
    return BrokerAddress(
        host=mqtt.host,
        port=mqtt.port,
        username=mqtt.username,
        password=read_secret("mqtt.password_file", mqtt.password_file) or "",
        tls_ca=mqtt.tls_ca,
        tls_cert=mqtt.tls_cert,
        tls_key=mqtt.tls_key,
        version=mqtt.version,
    )
