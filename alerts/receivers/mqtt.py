"""A message on an MQTT topic, QoS 1: delivered when the broker has acknowledged it.

One connection for each message: messages are few, and a connection that is not kept cannot be half dead.
"""

from __future__ import annotations

import threading

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from alerts.receivers.port import message
from alerts.settings import MqttReceiver
from heating.errors import DeliveryFailed
from heating.order import Notice

_VERSIONS = {4: MQTTProtocolVersion.MQTTv311, 5: MQTTProtocolVersion.MQTTv5}


class MqttDeliverer:
    """Publishes messages to one topic."""

    def __init__(self, settings: MqttReceiver, password: str) -> None:
        self._settings = settings
        self._password = password

    def deliver(self, notice: Notice) -> None:
        """Connect, publish, wait for the acknowledgement, disconnect; every failure is tried again."""
        client, talk = self._client(), _Talk()
        client.on_connect, client.on_publish = talk.connected, talk.published
        try:
            client.connect(self._settings.host, self._settings.port)
        except OSError as wrong:
            raise DeliveryFailed(f"broker not reached: {wrong}", permanent=False) from wrong
        client.loop_start()
        try:
            self._publish(client, talk, notice)
        finally:
            client.disconnect()
            client.loop_stop()

    def _publish(self, client: paho.Client, talk: _Talk, notice: Notice) -> None:
        patience = self._settings.timeout_s
        talk.check("the broker does not let us in", talk.answered.wait(patience))
        order = notice.body.get("order") or "none"
        topic = self._settings.topic.replace("{order}", str(order))
        sent = client.publish(topic, message(notice), qos=1)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise DeliveryFailed(f"not published: {paho.error_string(sent.rc)}", permanent=False)
        talk.check("the broker does not take the message", talk.taken.wait(patience))

    def _client(self) -> paho.Client:
        settings = self._settings
        version = _VERSIONS[settings.version]
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=settings.client_id, protocol=version, reconnect_on_failure=False
        )
        client.connect_timeout = settings.timeout_s
        if settings.username:
            client.username_pw_set(settings.username, self._password or None)
        if settings.tls_ca:
            client.tls_set(ca_certs=settings.tls_ca)
        return client


class _Talk:
    """What the broker answered, from paho's thread."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.taken = threading.Event()
        self._refusal = ""

    def connected(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._note(code)
        self.answered.set()

    def published(
        self, _client: paho.Client, _data: object, _mid: int, code: ReasonCode, _properties: Properties
    ) -> None:
        self._note(code)
        self.taken.set()

    def check(self, what: str, in_time: bool) -> None:
        if not in_time:
            raise DeliveryFailed(f"{what}: no answer in time", permanent=False)
        if self._refusal:
            raise DeliveryFailed(f"{what}: {self._refusal}", permanent=False)

    def _note(self, code: ReasonCode) -> None:
        if code.is_failure:
            self._refusal = str(code)
