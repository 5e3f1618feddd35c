"""How to reach a broker: its address, and which version of MQTT it speaks (5 or 3.1.1, tried in this order)."""

from __future__ import annotations

import logging
import ssl
import threading
import time
import uuid
from typing import Annotated, Any, Literal

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from heating.errors import DeliveryFailed

LOG = logging.getLogger(__name__)
Version = Literal["auto", "5", "3.1.1"]
_PROTOCOLS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_ANSWER_S = 5.0
_RETRY_S = 1.0


class BrokerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to reach a broker. `tls_ca` turns TLS on; `system` trusts the machine's certificates."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    username: str = ""
    password: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    version: Version = "auto"
    keepalive_s: int = 60
    client_prefix: str = "heatwatch-sim"


class Link(msgspec.Struct, frozen=True):
    """A broker that answered: its address with the version it speaks, and how much it lets be in flight.

    paho leaves the broker's Receive Maximum to us; going over it ends the connection.
    """

    address: BrokerAddress
    receive_maximum: int = 65535


def negotiate(address: BrokerAddress, stop: threading.Event, patience_s: float | None = None) -> Link:
    """Find out which MQTT version a broker speaks, waiting for one that is not there yet.

    Raises
    ------
    DeliveryFailed
        Permanent if the broker refuses us; not permanent if `patience_s` passed or `stop` came without an answer.
    """
    versions = ("5", "3.1.1") if address.version == "auto" else (address.version,)
    deadline = None if patience_s is None else time.monotonic() + patience_s
    said = False
    while not stop.is_set():
        for version in versions:
            answer = _knock(msgspec.structs.replace(address, version=version))
            if isinstance(answer, Link):
                return answer
            if answer is not None and not _is_version(answer):
                raise DeliveryFailed(f"broker {address.host}:{address.port} refuses us: {answer}", permanent=True)
        if deadline is not None and time.monotonic() > deadline:
            break
        if not said:
            LOG.warning("broker_away host=%s port=%d", address.host, address.port)
            said = True
        stop.wait(_RETRY_S)
    raise DeliveryFailed(f"broker {address.host}:{address.port} does not answer", permanent=False)


def _is_version(answer: str) -> bool:
    return "protocol version" in answer.lower()


def _knock(address: BrokerAddress) -> Link | str | None:
    """Connect once: a link if accepted, the broker's reason if refused, None without an answer."""
    answers: list[Link | str] = []
    heard = threading.Event()
    client = client_of(address, f"{address.client_prefix}-{uuid.uuid4().hex[:8]}", again=False)

    def on_connect(client: mqtt.Client, data: Any, flags: Any, reason: ReasonCode, props: Any) -> None:
        allowed = getattr(props, "ReceiveMaximum", None) or 65535
        answers.append(str(reason) if reason.is_failure else Link(address, allowed))
        heard.set()

    client.on_connect = on_connect
    client.on_disconnect = lambda *_: heard.set()
    try:
        client.connect(address.host, address.port, address.keepalive_s)
    except ssl.SSLError as error:
        raise DeliveryFailed(f"broker {address.host}:{address.port}: TLS: {error}", permanent=True) from error
    except OSError as error:
        LOG.debug("knock host=%s error=%r", address.host, error)
        return None
    client.loop_start()
    heard.wait(_ANSWER_S)
    client.disconnect()
    client.loop_stop()
    return answers[0] if answers else None


def client_of(address: BrokerAddress, name: str, *, again: bool = True) -> mqtt.Client:
    """Return a client for a broker, not connected yet; `again` has it come back by itself.

    Raises
    ------
    DeliveryFailed
        If a file of certificates is absent or none.
    """
    protocol = _PROTOCOLS["5" if address.version == "auto" else address.version]
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol, reconnect_on_failure=again)
    if address.username:
        client.username_pw_set(address.username, address.password or None)
    if address.tls_ca:
        _trust(client, address)
    return client


def _trust(client: mqtt.Client, address: BrokerAddress) -> None:
    try:
        client.tls_set(
            ca_certs=None if address.tls_ca == "system" else address.tls_ca,
            certfile=address.tls_cert or None,
            keyfile=address.tls_key or None,
            cert_reqs=ssl.CERT_REQUIRED,
        )
    except (OSError, ValueError) as error:
        raise DeliveryFailed(f"TLS files {address.tls_ca} {address.tls_cert}: {error}", permanent=True) from error
