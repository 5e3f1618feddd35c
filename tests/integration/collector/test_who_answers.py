"""Who is on the other side: another client of our name, or a broker that refuses us; and what is said of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from parts import need
from peers.collecting import Publisher, now_ms, wait_until
from peers.fake_broker import FakeBroker
from peers.mosquitto import mosquitto
from peers.stage import collecting, warnings

pytestmark = pytest.mark.integration


DYNSEC = Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so")


def namesake(port: int) -> Client:
    """Return a connected client of the collector's name, which leaves no session of its own."""
    client = Client(CallbackAPIVersion.VERSION2, "heatwatch-collector", protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port, clean_start=False)
    client.loop_start()
    return client


def test_two_clients_of_one_name_are_said_and_do_not_take_turns_every_second(tmp_path, caplog):
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        other = namesake(broker.port)
        assert wait_until(lambda: "used twice" in running.health(), 20), running.health()
        made = running.metric("connections_total")
        assert not wait_until(lambda: running.metric("connections_total") > made, 8)
        other.disconnect()
        other.loop_stop()
        assert len([line for line in warnings(caplog) if "kept no session" not in line]) <= 2
        assert wait_until(lambda: running.metric("subscribed") == 0 and running.metric("connected") == 1, 60)
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: len(running.store.rows) == 1, 20)
        assert "used twice" in running.health(), "who has our name is still to be found"
        devices.close()


def test_connections_that_never_last_are_made_more_slowly(caplog):
    broker = FakeBroker(suback=1, farewell=b"\xe0\x01\x98")
    with collecting(broker.port, ready=False, version="5") as running:
        assert wait_until(lambda: "do not last (Administrative action)" in running.health(), 20), running.health()
        made = broker.connections
        assert not wait_until(lambda: broker.connections > made, 3)
    assert made <= 4
    assert len(warnings(caplog)) <= 3
    broker.close()


@pytest.mark.parametrize(
    ("farewell", "said"),
    [(0x8B, "connection lost: Server shutting down"), (0x8E, "another client took our session: is mqtt.client_id")],
)
def test_a_broker_that_leaves_says_why(farewell, said):
    broker = FakeBroker(suback=1, farewell=bytes([0xE0, 1, farewell]))
    with collecting(broker.port, ready=False, version="5") as running:
        assert wait_until(lambda: said in running.health(), 10), running.health()
    broker.close()


def test_a_subscription_that_is_not_answered_is_not_fresh():
    broker = FakeBroker(suback=None)
    with collecting(broker.port, ready=False, version="5") as running:
        assert wait_until(lambda: "waiting for subscriptions" in running.health(), 10), running.health()
    broker.close()


def test_a_subscription_that_mosquitto_refuses_is_named(tmp_path):
    if not DYNSEC.exists():
        need("mosquitto_dynamic_security")
    rules = tmp_path / "rules.json"
    access = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    rules.write_text(json.dumps({"defaultACLAccess": access}))
    extra = (f"plugin {DYNSEC}", f"plugin_opt_config_file {rules}")
    with mosquitto(tmp_path, extra=extra) as broker, collecting(broker.port, ready=False) as running:
        assert wait_until(lambda: "refuses the subscription 'heatwatch/v1/+" in running.health(), 10), running.health()
        assert "Not authorized" in running.health()


def test_a_wrong_password_is_said_once_and_a_mended_one_is_taken(tmp_path, caplog):
    passwords, secret = tmp_path / "passwd", tmp_path / "secret"
    passwords.write_text("")
    passwords.chmod(0o600)
    subprocess.run([need("mosquitto_passwd"), "-b", passwords, "us", "right"], check=True)
    secret.write_text("wrong\n")
    secret.chmod(0o600)
    extra = ("allow_anonymous false", f"password_file {passwords}")
    account = {"username": "us", "password_file": str(secret)}
    with mosquitto(tmp_path, extra=extra) as broker, collecting(broker.port, ready=False, **account) as running:
        assert wait_until(lambda: "refused: Not authorized" in running.health(), 10), running.health()
        assert not wait_until(lambda: "refused: Not authorized" not in running.health(), 4), running.health()
        assert len(warnings(caplog)) == 1
        secret.write_text("right\n")
        assert wait_until(lambda: running.health() == "ok", 20), running.health()
        assert running.stage._session.link().version == "5"
