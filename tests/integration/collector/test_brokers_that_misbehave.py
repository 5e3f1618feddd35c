"""What a broker, a network or an operator does to the session, and what a person is told of it."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from parts import free_port, need
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import Publisher, instants, now_ms, wait_until
from peers.fake_broker import FakeBroker
from peers.mosquitto import mosquitto
from peers.proxy import Proxy
from peers.stage import REGISTER, collecting

from collector.settings import TopicSettings

pytestmark = pytest.mark.integration

DYNSEC = Path("/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so")


def warnings(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING and "collector" in r.name]


def losses(running) -> list[dict[str, object]]:
    return [body for kind, _, body, _ in running.ledger.chain.entries if kind == "loss"]


def namesake(port: int) -> Client:
    """Return a connected client of the collector's name, which leaves no session of its own."""
    client = Client(CallbackAPIVersion.VERSION2, "heatwatch-collector", protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port, clean_start=False)
    client.loop_start()
    return client


# --- limits of the window and of the queue -----------------------------------------------------------------------


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_no_more_than_the_window_is_on_its_way(tmp_path, version):
    with mosquitto(tmp_path, extra=("max_inflight_messages 50",)) as broker:
        gate = threading.Event()
        with collecting(broker.port, version=version, receive_maximum=50) as running:
            running.store.fault = lambda call: gate.wait(30) and None
            devices = Publisher(broker.port)
            for i, ts in enumerate(instants(1000)):
                devices.reading(f"D{i % 10}", ts, 19.0)
            assert devices.delivered()
            assert wait_until(lambda: running.metric("waiting_packets") >= 50)
            assert not wait_until(lambda: running.metric("waiting_packets") > 50 + 20, 1)
            gate.set()
            assert wait_until(lambda: len(running.store.rows) == 1000)
        assert running.ledger.journal.totals["repeated"] == 0
        devices.close()


def test_messages_that_the_broker_dropped_are_counted_and_dated(tmp_path, caplog):
    with mosquitto(tmp_path, extra=("max_queued_messages 100", "sys_interval 1")) as broker:
        state = str(tmp_path / "state")
        with collecting(broker.port, folder=state):
            assert wait_until(lambda: json.loads((tmp_path / "state/broker.json").read_bytes())["dropped"] == 0)
        devices, left = Publisher(broker.port), datetime.now(UTC)
        for i, ts in enumerate(instants(1000)):
            devices.reading(f"D{i % 10}", ts, 19.0)
        assert devices.delivered()
        with collecting(broker.port, folder=state) as running:
            assert wait_until(lambda: running.metric("broker_dropped_total") > 0)
            assert wait_until(lambda: len(running.store.rows) + running.metric("broker_dropped_total") == 1000)
            assert wait_until(lambda: sum(int(str(loss["messages"])) for loss in losses(running)) > 0)
            assert {loss["what"] for loss in losses(running)} == {"queue"}
            assert datetime.fromisoformat(str(losses(running)[0]["since"])) <= left
            assert "the broker lost" in running.stage.health(datetime.now(UTC)).text
        assert any("broker dropped messages" in line for line in warnings(caplog))
        devices.close()


@pytest.mark.parametrize("how", ["expired", "no persistence"])
def test_a_session_that_the_broker_did_not_keep_is_said_and_dated(tmp_path, caplog, how):
    persistence, expiry = how == "expired", 1 if how == "expired" else 3600
    with mosquitto(tmp_path, persistence=persistence, extra=("log_type all",)) as broker:
        state = str(tmp_path / "state")
        with collecting(broker.port, folder=state, session_expiry_s=expiry) as first:
            assert losses(first) == []
        if how == "expired":
            assert wait_until(lambda: "Expiring client heatwatch-collector" in broker.log.read_text(), 30)
        else:
            broker.stop()
            broker.start()
        with collecting(broker.port, folder=state, session_expiry_s=expiry) as second:
            assert wait_until(lambda: len(losses(second)) == 1)
            (loss,) = losses(second)
            assert loss["what"] == "session"
            assert str(loss["since"]) < str(loss["until"])
            assert second.metric("sessions_lost_total") == 1
            assert second.metric("last_loss_timestamp_seconds") > 1_700_000_000
        assert any("kept no session" in line for line in warnings(caplog))


def test_a_broker_that_comes_back_with_an_old_state_makes_nothing_count_twice(tmp_path):
    """It brings all again that was acknowledged since it wrote its state, not marked as brought before."""
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port, receive_maximum=20):
            pass
        devices = Publisher(broker.port)
        for i in range(300):
            devices.garbage("D1", f"garbage {i}")
            devices.raw("heatwatch/v1/D2/readings", json.dumps({"temperature_c": 10 + i / 100}))
        assert devices.delivered()
        broker.save()
        with collecting(broker.port, receive_maximum=20) as running:
            totals = running.ledger.journal.totals
            assert wait_until(lambda: totals["received"] == 600)
            broker.kill()
            broker.start()
            assert wait_until(lambda: totals["received"] == 1200, 30), (
                totals,
                running.health(),
                broker.log.read_text(),
            )
            assert (totals["stored"], totals["quarantined"], totals["repeated"]) == (300, 300, 600)
        devices.close()


def test_a_broker_that_tells_no_drops_and_throws_out_who_asks_is_served():
    # As AWS does with topics that it reserves: the farewell comes instead of the last answer.
    broker = FakeBroker(suback=1)
    with collecting(broker.port, version="5", ready=False) as running:
        assert wait_until(lambda: running.health() == "ok", 10), running.health()
    broker.close()


# --- who is on the other side --------------------------------------------------------------------------------------


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


def test_a_broker_that_leaves_says_why():
    broker = FakeBroker(suback=1, farewell=b"\xe0\x01\x8b")
    with collecting(broker.port, ready=False, version="5") as running:
        assert wait_until(lambda: "connection lost: Server shutting down" in running.health(), 10), running.health()
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


# --- the way there -------------------------------------------------------------------------------------------------


def test_a_name_without_address_is_said(caplog):
    with collecting(1883, ready=False, host="no.such.host.invalid") as running:
        assert wait_until(lambda: "its name has no address" in running.health(), 40), running.health()
    assert len(warnings(caplog)) == 1


def test_a_name_that_cannot_be_one_does_not_end_the_thread():
    with collecting(1883, ready=False, host="a" * 70 + ".example") as running:
        assert wait_until(lambda: "cannot be reached" in running.health(), 10), running.health()
        assert running.stage._session.link().thread_alive
        assert running.metric("session_restarts_total") == 0


def test_a_way_that_swallows_everything_is_left_and_mqtt_5_is_spoken_after_it(tmp_path):
    with mosquitto(tmp_path) as broker, Proxy(broker.port) as way, collecting(way.port, keepalive_s=5) as running:
        way.swallow()
        assert wait_until(lambda: "before it answered" in running.health(), 30), running.health()
        way.mend()
        assert wait_until(lambda: running.health() == "ok", 40), running.health()
        assert running.stage._session.link().version == "5"


def test_a_way_that_closes_at_once_does_not_cost_mqtt_5(tmp_path):
    """As a proxy before a broker that is down: the broker knows MQTT 5 all the same."""
    with mosquitto(tmp_path) as broker, Proxy(broker.port) as way, collecting(way.port) as running:
        way.cut()
        assert not wait_until(lambda: running.stage._session.link().version != "5", 8)
        way.mend()
        assert wait_until(lambda: running.health() == "ok", 30), running.health()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout")
    _openssl(folder, "req", "-x509", *key, "ca.key", "-out", "ca.crt", "-subj", "/CN=site")
    for name, address, days in (("good", "127.0.0.1", "2"), ("elsewhere", "10.9.8.7", "2"), ("old", "127.0.0.1", "0")):
        (folder / "names").write_text(f"subjectAltName=IP:{address}")
        _openssl(folder, "req", *key, f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", days)
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
    return folder


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run([str(need("openssl")), *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("elsewhere", r"certificate is not trusted: IP address mismatch"),
        ("old", r"certificate is not trusted: .*expired"),
    ],
)
def test_a_certificate_that_does_not_hold_is_said(tmp_path, authority, caplog, certificate, said):
    port = free_port()
    tls = (
        f"listener {port} 127.0.0.1",
        f"cafile {authority}/ca.crt",
        f"certfile {authority}/{certificate}.crt",
        f"keyfile {authority}/{certificate}.key",
    )
    with mosquitto(tmp_path, extra=tls), collecting(port, ready=False, tls_ca=str(authority / "ca.crt")) as running:
        assert wait_until(lambda: re.search(said, running.health()) is not None, 10), running.health()
        assert not wait_until(lambda: running.metric("connected") == 1, 3)
    assert len(warnings(caplog)) == 1


# --- what comes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_whatever_quality_a_device_publishes_with_it_comes_once(tmp_path, qos):
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port):
            pass
        devices = Publisher(broker.port)
        for i in range(100):
            reading = json.dumps({"ts": now_ms() - i, "temperature_c": 19.0})
            devices.raw("heatwatch/v1/D1/readings", reading, qos=qos)
        assert devices.delivered()
        with collecting(broker.port) as first:
            assert wait_until(lambda: first.ledger.journal.totals["received"] == 100)
        with collecting(broker.port) as second:
            devices.reading("D2", now_ms(), 19.0)
            assert wait_until(lambda: len(second.store.rows) == 1)
            assert second.ledger.journal.totals["received"] == 1
        devices.close()


def test_a_shared_subscription_delivers_to_us_alone(tmp_path):
    topics = (TopicSettings(filter="$share/site/heatwatch/v1/+/readings"),)
    with mosquitto(tmp_path) as broker, collecting(broker.port, topics=topics) as running:
        devices = Publisher(broker.port)
        for ts in instants(50):
            devices.reading("D1", ts, 19.0)
        assert wait_until(lambda: len(running.store.rows) == 50)
        devices.close()


def test_a_packet_of_twenty_megabytes_first_in_line_blocks_nothing(tmp_path):
    with mosquitto(tmp_path, extra=("message_size_limit 0",)) as broker:
        with collecting(broker.port):
            pass
        devices = Publisher(broker.port)
        devices.raw("heatwatch/v1/D1/readings", b"x" * 20_000_000)
        devices.garbage("D1", b"x" * 1_000_000)
        devices.reading("D1", now_ms(), 19.0)
        assert devices.delivered()
        with collecting(broker.port) as running:
            assert wait_until(lambda: len(running.store.rows) == 1)
            assert wait_until(lambda: [row.reason for row in running.ledger.journal.rows] == ["too_large"])
        devices.close()


def test_a_writer_that_hangs_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("collector.stage._STANDSTILL_S", 1.0)
    gate = threading.Event()
    with mosquitto(tmp_path) as broker, collecting(broker.port) as running:
        running.store.fault = lambda call: gate.wait(30) and None
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: running.health() == "loop stands still", 20), running.health()
        gate.set()
        assert wait_until(lambda: running.health() == "ok", 20), running.health()
        devices.close()


def test_a_dead_network_thread_is_not_alive(tmp_path, monkeypatch):
    monkeypatch.setattr("collector.session._RESTART_S", 1000.0)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    store, ledger = MemoryStore(), MemoryLedger(REGISTER)
    with mosquitto(tmp_path) as broker, collecting(broker.port, store=store, ledger=ledger) as running:

        def die(*_):
            raise MemoryError

        monkeypatch.setattr(running.stage._session._client, "_handle_publish", die)
        devices = Publisher(broker.port)
        devices.reading("D1", now_ms(), 19.0)
        assert wait_until(lambda: "is dead" in running.health(), 20), running.health()
        devices.close()
