"""The MQTT receiver against a real mosquitto."""

from __future__ import annotations

import json
import queue
import time
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from alertkit import START, World, cold
from paho.mqtt.enums import CallbackAPIVersion
from peers.mosquitto import Mosquitto

from alerts.receivers import make
from alerts.settings import MqttReceiver
from heating.errors import DeliveryFailed
from heating.order import Notice

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("version", [4, 5])
def test_an_order_arrives_on_its_topic_and_waits_while_the_broker_is_away(tmp_path: Path, version: int) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Mosquitto(folder)
    topic = "site/orders/{order}"
    settings = MqttReceiver(name="m", host=broker.host, port=broker.port, topic=topic, version=version)
    world = World(tmp_path, settings)
    world.record(cold("P3-101"))
    world.at(1)
    assert world.ledger.outbox.waiting() == 1, "the broker is away"
    broker.start()
    try:
        got: queue.Queue[paho.MQTTMessage] = queue.Queue()
        listener = _listener(broker, got)
        world.at(2)
        message = got.get(timeout=10)
        listener.disconnect()
        listener.loop_stop()
    finally:
        broker.stop()
    assert message.topic == "site/orders/WO-2026-000001"
    assert (message.qos, message.retain) == (1, False)
    assert json.loads(message.payload)["id"] == "WO-2026-000001.1.m"
    assert world.ledger.outbox.waiting() == 0


def test_a_refusal_and_a_silent_broker_are_tried_again(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("geheim")
    users = tmp_path / "users"
    users.write_text("")
    users.chmod(0o600)
    broker = Mosquitto(tmp_path, extra=("allow_anonymous false", f"password_file {users}"))
    settings = MqttReceiver(
        name="m", host=broker.host, port=broker.port, username="u", password_file=str(secret), timeout_s=1.0
    )
    broker.start()
    try:
        failure = _failure(settings)
        assert not failure.permanent
        assert "does not let us in" in str(failure)
        assert "geheim" not in str(failure)
        broker.pause()
        start = time.monotonic()
        assert not _failure(settings).permanent
        assert time.monotonic() - start < 8
        broker.resume()
    finally:
        broker.stop()


def _failure(settings: MqttReceiver) -> DeliveryFailed:
    receiver = make(settings)
    with pytest.raises(DeliveryFailed) as failure:
        receiver.deliver(_notice())
    return failure.value


def _notice() -> Notice:
    return Notice(id="n", receiver="m", why="x", subject="x", created_at=START, next_try=START, body={"schema": 1})


def _listener(broker: Mosquitto, got: queue.Queue[paho.MQTTMessage]) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    subscribed: queue.Queue[int] = queue.Queue()
    client.on_message = lambda _client, _data, message: got.put(message)
    client.on_subscribe = lambda _client, _data, mid, _codes, _properties: subscribed.put(mid)
    client.connect(broker.host, broker.port)
    client.loop_start()
    client.subscribe("site/#", qos=1)
    subscribed.get(timeout=10)
    return client
