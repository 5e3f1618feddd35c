"""What a broker keeps for us, and how much, within its limits; and what is told where it did not."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest
from peers.collecting import Publisher, instants, now_ms, wait_until
from peers.fake_broker import FakeBroker
from peers.mosquitto import mosquitto
from peers.stage import collecting, losses, warnings

from collector.settings import TopicSettings

pytestmark = pytest.mark.integration


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


def test_what_waits_in_the_broker_outlives_its_restart(tmp_path):
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port):
            pass
        devices = Publisher(broker.port)
        for i, ts in enumerate(instants(1500)):  # more than mosquitto keeps by itself
            devices.reading(f"D{i % 10}", ts, 19.0)
        assert devices.delivered()
        broker.stop()
        broker.start()
        with collecting(broker.port) as running:
            assert wait_until(lambda: len(running.store.rows) == 1500), len(running.store.rows)
        devices.close()


def test_a_broker_that_comes_back_with_older_subscriptions_is_asked_anew(tmp_path):
    """It says that it kept our session, and it did: the one of before we subscribed."""
    with mosquitto(tmp_path) as broker:
        with collecting(broker.port, topics=(TopicSettings(filter="other/+/readings"),)):
            pass
        broker.save()
        with collecting(broker.port) as running:
            broker.kill()
            broker.start()
            assert wait_until(lambda: running.metric("connections_total") == 2 and running.health() == "ok", 20)
            devices = Publisher(broker.port)
            devices.reading("D1", now_ms(), 19.0)
            assert wait_until(lambda: len(running.store.rows) == 1, 20)
            devices.close()


def test_a_broker_that_tells_no_drops_and_throws_out_who_asks_is_served():
    # As AWS does with topics that it reserves: the farewell comes instead of the last answer.
    broker = FakeBroker(suback=1)
    with collecting(broker.port, version="5", ready=False) as running:
        assert wait_until(lambda: running.health() == "ok", 10), running.health()
    broker.close()
