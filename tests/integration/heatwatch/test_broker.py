"""The demonstration's broker, both ways: real processes, real packets."""

import os
import subprocess
import sys
import threading
import time

import paho.mqtt.client as mqtt
import pytest
from parts import need

from heatwatch.broker import DemoBroker, Kind

pytestmark = pytest.mark.integration


@pytest.fixture(params=["mosquitto", "iotcore"])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "mosquitto":
        need("mosquitto")
    name: Kind = request.param
    return name


@pytest.mark.parametrize("version", [mqtt.MQTTv5, mqtt.MQTTv311])
def test_carries_a_packet_of_a_mebibyte_in_both_versions(kind: Kind, version: int) -> None:
    payload = os.urandom((1 << 20) - 100)
    with DemoBroker(kind) as broker:
        port = broker.port if version == mqtt.MQTTv5 else broker.port_311
        assert _through(broker.host, port, version, payload) == payload
    assert not broker.alive


def test_ends_when_its_parent_is_killed(kind: Kind) -> None:
    code = (
        "import sys; from heatwatch.broker import DemoBroker\n"
        f"b = DemoBroker({kind!r}); b.__enter__(); print(b.port, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdin is not None
    port = int(parent.stdout.readline())
    assert _listens(port)
    parent.kill()
    parent.wait(10)
    deadline = time.monotonic() + 10
    while _listens(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    parent.stdin.close()
    parent.stdout.close()
    assert not _listens(port)


def _listens(port: int) -> bool:
    from heatwatch.broker import _answers

    return _answers(port)


def _through(host: str, port: int, version: int, payload: bytes) -> bytes:
    got: list[bytes] = []
    arrived = threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "probe", protocol=mqtt.MQTTProtocolVersion(version))

    def received(client: mqtt.Client, data: object, message: mqtt.MQTTMessage) -> None:
        got.append(message.payload)
        arrived.set()

    client.on_connect = lambda *_: client.subscribe("t", 1)
    client.on_subscribe = lambda *_: client.publish("t", payload, 1)
    client.on_message = received
    client.connect(host, port)
    client.loop_start()
    arrived.wait(20)
    client.disconnect()
    client.loop_stop()
    return got[0] if got else b""
