"""The simulated fleet and the replay against real brokers: published is delivered."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from parts import ROOT, need
from peers.mosquitto import mosquitto

from firmware_sim.broker import BrokerAddress, negotiate
from firmware_sim.faults import FaultKind, FaultSpec
from firmware_sim.files import write_points
from firmware_sim.fleet import SimulatedFleet
from firmware_sim.replay import Rows, replay
from firmware_sim.scenario import Scenario
from firmware_sim.simulate import simulate_to_files
from heating.clock import ManualClock, ScaledClock
from heating.errors import DeliveryFailed
from heating.instants import to_ms
from heatwatch.broker import DemoBroker

pytestmark = pytest.mark.integration
NOW = datetime(2027, 1, 12, 9, tzinfo=UTC)


class Listener:
    """What a subscriber gets, kept by a persistent session across restarts of the broker."""

    def __init__(self, port: int) -> None:
        self.readings: Counter[tuple[str, int]] = Counter()
        self.replayed: set[tuple[str, int]] = set()
        self.status: dict[str, bool] = {}
        self.rubbish = 0
        self.subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener", protocol=mqtt.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("heatwatch/v1/#", 1)
        self._client.on_subscribe = lambda *_: self.subscribed.set()
        self._client.on_message = self._take
        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = 1000
        properties.SessionExpiryInterval = 600
        self._client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        self._client.loop_start()
        assert self.subscribed.wait(10)

    def _take(self, client: mqtt.Client, data: object, message: mqtt.MQTTMessage) -> None:
        device, what = message.topic.split("/")[2:]
        try:
            body = json.loads(message.payload)
            if what == "status":
                self.status[device] = body["online"]
                return
            readings = [((device, r["ts"]), r.get("replayed", False)) for r in body["readings"]]
        except (ValueError, TypeError, KeyError):
            self.rubbish += 1
            return
        self.readings.update(key for key, _ in readings)
        self.replayed |= {key for key, again in readings if again}

    def wait_for(self, count: int, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while len(self.readings) < count and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_message = None  # without a cycle its sockets are closed at once


@contextmanager
def listening(port: int) -> Iterator[Listener]:
    listener = Listener(port)
    try:
        yield listener
    finally:
        listener.close()


def scenario_of(*faults: FaultSpec) -> Scenario:
    return Scenario(name="test", description="", history_h=12.0, faults=faults)


@pytest.mark.parametrize("kind", ["mosquitto", "iotcore"])
@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_history_then_live_reaches_a_subscriber_whole(kind: str, version: str) -> None:
    if kind == "mosquitto":
        need("mosquitto")
    offline = FaultSpec(kind=FaultKind.OFFLINE, share=0.2, start_h=-8, hours=3)
    doubled = FaultSpec(kind=FaultKind.DUPLICATE, share=0.3, start_h=-24)
    spoiled = FaultSpec(kind=FaultKind.GARBAGE, count=2, start_h=-24, level=1.0)
    with DemoBroker("mosquitto" if kind == "mosquitto" else "iotcore") as broker, listening(broker.port) as got:
        port = broker.port if version == "5" else broker.port_311
        fleet = SimulatedFleet(
            scenario_of(offline, doubled, spoiled), 40, 1, ManualClock(NOW), BrokerAddress(port=port)
        )
        fleet.run(threading.Event(), until=NOW + timedelta(hours=3))
        got.wait_for(fleet.stats.readings)
        stats = fleet.stats
        assert fleet.history_done.is_set()
        assert len(got.readings) == stats.readings  # each reading on the wire once, but for the doubled packets
        assert sum(got.readings.values()) == stats.readings + stats.duplicates > stats.readings
        assert got.rubbish == stats.garbage > 5
        # 15 h at 3 an hour, less than an hour of it still in the nodes.
        assert 14 * 3 * len(fleet.estate.points) < stats.readings <= 15 * 3 * len(fleet.estate.points)
        live = {key for key in got.readings if key[1] >= to_ms(NOW)}
        assert live
        assert not live & got.replayed
        assert set(got.status) == set(fleet.estate.devices)
        assert all(got.status.values())


def test_nodes_without_a_network_replay_in_order_with_their_own_times() -> None:
    need("mosquitto")
    offline = FaultSpec(kind=FaultKind.OFFLINE, share=1.0, start_h=2.0, hours=4)
    with DemoBroker("mosquitto") as broker, listening(broker.port) as got:
        fleet = SimulatedFleet(
            scenario_of(offline), 10, 1, ManualClock(NOW), BrokerAddress(port=broker.port), history_h=0
        )
        fleet.run(threading.Event(), until=NOW + timedelta(hours=8))
        got.wait_for(fleet.stats.readings)
        heated = [
            p.device_id or ""
            for p, off in zip(fleet.estate.points, fleet.estate.rooms.suspended, strict=False)
            if not off
        ]
        start = to_ms(NOW)
        for device in heated:
            times = [key[1] for key in got.readings if key[0] == device]
            assert times == sorted(times)
            assert max(b - a for a, b in pairwise(times)) < 25 * 60_000  # no hole
        kept = {key for key in got.readings if start + 3 * 3_600_000 < key[1] < start + 5 * 3_600_000}
        assert {key for key in kept if key[0] in heated} <= got.replayed


def test_a_dead_node_is_called_offline_by_its_gateway() -> None:
    need("mosquitto")
    dead = FaultSpec(kind=FaultKind.DEAD, count=1, start_h=-6)
    with DemoBroker("mosquitto") as broker, listening(broker.port) as got:
        fleet = SimulatedFleet(scenario_of(dead), 10, 1, ManualClock(NOW), BrokerAddress(port=broker.port))
        fleet.run(threading.Event(), until=NOW)
        got.wait_for(fleet.stats.readings)
        point = fleet.truth().faults()[0].point_id
        device = next(p.device_id for p in fleet.estate.points if p.point_id == point)
        assert {d for d, online in got.status.items() if not online} == {device}


def test_a_broker_that_restarts_costs_no_reading(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker, listening(broker.port) as got:
        fleet = SimulatedFleet(scenario_of(), 60, 1, ManualClock(NOW), BrokerAddress(port=broker.port), history_h=48)
        stop = threading.Event()
        thread = threading.Thread(target=fleet.run, args=(stop, None, NOW))
        thread.start()
        while fleet.stats.readings < 2000:
            time.sleep(0.01)
        broker.stop()
        broker.start()
        thread.join(60)
        assert not thread.is_alive()
        got.wait_for(fleet.stats.readings)
        assert fleet.stats.connections_lost > 0
        assert len(got.readings) == fleet.stats.readings > 47 * 3 * 60


def test_a_fleet_goes_with_a_scaled_clock_and_stops_when_told() -> None:
    need("mosquitto")
    clock = ScaledClock(NOW, 3600)
    with DemoBroker("mosquitto") as broker, listening(broker.port) as got:
        fleet = SimulatedFleet(scenario_of(), 10, 1, clock, BrokerAddress(port=broker.port))
        stop = threading.Event()
        thread = threading.Thread(target=fleet.run, args=(stop,))
        thread.start()
        assert fleet.history_done.wait(20)
        seen = len(got.readings)
        got.wait_for(seen + 60)
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        assert len(got.readings) >= seen + 60
        assert max(ts for _, ts in got.readings) <= to_ms(clock.now())


def test_replay_delivers_every_row_of_a_file_once(tmp_path: Path) -> None:
    need("mosquitto")
    scenario = scenario_of()
    done = simulate_to_files(scenario, 30, 3, tmp_path)
    rows = Rows.of_file(tmp_path / "readings.csv", scenario.zone)
    told: list[tuple[int, int]] = []
    with DemoBroker("mosquitto") as broker, listening(broker.port) as got:
        address = BrokerAddress(port=broker.port)
        stats = replay(rows, address, threading.Event(), progress=lambda *p: told.append(p))
        got.wait_for(done.readings)
    expected = {(d, int(t)) for d, t in zip(rows.device, rows.ts_ms, strict=True)}
    assert set(got.readings) == expected
    assert set(got.readings.values()) == {1}
    assert stats.readings == done.readings == len(rows)
    assert stats.acknowledged == stats.packets
    assert told[-1] == (len(rows), len(rows))


def test_replay_at_a_speed_keeps_the_rhythm() -> None:
    need("mosquitto")
    blank = np.full(3, np.nan)
    names = ("humidity_pct", "battery_v", "supply_c", "return_c")
    rows = Rows(
        np.array(["A", "B", "A"], dtype=object),
        np.array([0, 3_600_000, 7_200_000]) + to_ms(NOW),
        {"temperature_c": np.array([20.0, 21.0, 19.0]), **dict.fromkeys(names, blank)},
    )
    with DemoBroker("mosquitto") as broker:
        begun = time.monotonic()
        clock = ManualClock(NOW)
        replay(rows, BrokerAddress(port=broker.port), threading.Event(), speed=60, clock=clock)
        assert clock.now() - NOW == timedelta(minutes=2)
        assert time.monotonic() - begun < 10


def test_a_broker_that_refuses_or_is_away_is_named(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    with mosquitto(tmp_path, extra=("allow_anonymous false", f"password_file {tmp_path}/passwords")) as broker:
        address = BrokerAddress(port=broker.port, username="nobody", password="wrong")
        with pytest.raises(DeliveryFailed, match="refuses") as refused:
            negotiate(address, threading.Event(), 5)
        assert refused.value.permanent
        port = broker.port
    with pytest.raises(DeliveryFailed, match="does not answer") as away:
        negotiate(BrokerAddress(port=port), threading.Event(), 0.1)
    assert not away.value.permanent


@pytest.mark.realdata
@pytest.mark.slow
def test_the_measured_flats_go_through_a_broker_whole() -> None:
    need("mosquitto")
    rows = Rows.of_file(ROOT.parent / "shared" / "data" / "rooms-cn" / "readings.csv", scenario_of().zone)
    with DemoBroker("mosquitto") as broker, listening(broker.port) as got:
        replay(rows, BrokerAddress(port=broker.port), threading.Event())
        expected = {(d, int(t)) for d, t in zip(rows.device, rows.ts_ms, strict=True)}
        got.wait_for(len(expected))
    assert set(got.readings) == expected


def test_the_register_of_a_fleet_can_be_written_before_it_runs(tmp_path: Path) -> None:
    fleet = SimulatedFleet(scenario_of(), 5, 1, ManualClock(NOW))
    fleet.write_points(tmp_path / "a.csv")
    write_points(tmp_path / "b.csv", fleet.estate)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
