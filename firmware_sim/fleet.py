"""A live fleet: the nodes of a simulated estate publish to a broker, history first, then with the clock."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np

from firmware_sim.broker import BrokerAddress, negotiate
from firmware_sim.encode import encode_status, readings_topic, status_topic
from firmware_sim.estate import Estate
from firmware_sim.faults import HOUR_MS
from firmware_sim.files import write_points
from firmware_sim.node import Node, Upload
from firmware_sim.publish import Message, Publisher
from firmware_sim.scenario import Scenario
from firmware_sim.schedule import Mailbox, Timetable, flagged
from firmware_sim.sensors import Sensors
from firmware_sim.truth import Truth, TruthKeeper
from firmware_sim.world import STEP_MS, World
from heating.clock import Clock
from heating.instants import from_ms, to_ms

LOG = logging.getLogger(__name__)
_DRAIN_S = 60.0
_CONNECT_S = 10.0
_OFFLINE_AFTER = 2  # uploads missed before the gateway calls a node offline
_GARBAGE = (b"", b"\x00\xff\xfe\x17", b'{"readings": [{"ts": ', b"[1, 2, 3]", b'{"readings": "none"}', b"temp=19.4")


class FleetStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the start; messages include status and garbage.

    Attributes
    ----------
    readings
        Readings put on the wire for the first time.
    waiting
        Readings that nodes hold: sampled while offline, or sent and not acknowledged.
    forgotten
        Readings lost to a node's full memory.
    """

    packets: int
    readings: int
    replayed: int
    duplicates: int
    garbage: int
    waiting: int
    forgotten: int
    acknowledged: int
    connections_lost: int


@dataclass(slots=True)
class _Counts:
    packets: int = 0
    readings: int = 0
    replayed: int = 0
    duplicates: int = 0
    garbage: int = 0


class SimulatedFleet:
    """A simulated estate whose nodes publish by a clock.

    The world begins `history_h` before the clock's present instant; the scenario's faults count from that instant.
    `run` publishes the history as fast as the broker takes it (original times, `replayed`), then goes with the clock.
    The register (`estate.points`, `write_points`) is there before anything is published.
    """

    def __init__(
        self,
        scenario: Scenario,
        homes: int,
        seed: int,
        clock: Clock,
        broker: BrokerAddress | None = None,
        *,
        history_h: float | None = None,
    ) -> None:
        self.history_done = threading.Event()
        self.estate = Estate.build(homes, seed, scenario.estate)
        self._clock = clock
        self._broker = broker or BrokerAddress()
        self.now_ms = to_ms(clock.now()) // STEP_MS * STEP_MS
        before = scenario.history_h if history_h is None else history_h
        self.start_ms = self.now_ms - round(before * 3600) * 1000 // STEP_MS * STEP_MS
        self._world = World(scenario, self.estate, seed, self.start_ms, self.now_ms)
        self._sensors = Sensors(self._world, scenario.nodes, seed)
        self._keeper = TruthKeeper(self.estate, scenario.zone, self._world.faults)
        self._timetable = Timetable(len(self.estate.points), scenario.nodes, self.start_ms, seed)
        rssi = np.random.default_rng([seed, 9]).integers(-105, -58, len(self.estate.points)).tolist()
        self._boxes = [
            Mailbox(Node(device, scenario.nodes.readings_per_packet, scenario.nodes.keep_readings, strength))
            for device, strength in zip(self.estate.devices, rssi, strict=True)
        ]
        self._acknowledged: queue.SimpleQueue[tuple[Node, Upload]] = queue.SimpleQueue()
        self._counts = _Counts()
        self._publisher: Publisher | None = None
        self._lock = threading.Lock()

    def write_points(self, path: Path) -> None:
        """Write the register of the estate (contract §3)."""
        write_points(path, self.estate)

    def truth(self) -> Truth:
        """Return the truth of the hours simulated so far (up to an hour ahead of the clock)."""
        with self._lock:
            return self._keeper.truth(self.start_ms, self._world.next_ms)

    @property
    def stats(self) -> FleetStats:
        """Present counts; safe from other threads."""
        counts, publisher = self._counts, self._publisher
        sent = publisher.stats if publisher is not None else None
        return FleetStats(
            packets=counts.packets,
            readings=counts.readings,
            replayed=counts.replayed,
            duplicates=counts.duplicates,
            garbage=counts.garbage,
            waiting=sum(box.node.holds for box in self._boxes),
            forgotten=sum(box.node.forgotten for box in self._boxes),
            acknowledged=sent.acknowledged if sent is not None else 0,
            connections_lost=sent.connections_lost if sent is not None else 0,
        )

    def run(
        self,
        stop: threading.Event,
        progress: Callable[[int, int], None] | None = None,
        until: datetime | None = None,
    ) -> None:
        """Publish until `stop` is set or the clock reaches `until`; wait for the last acknowledgements.

        Parameters
        ----------
        progress
            Called with (hours of history done, hours in all).

        Raises
        ------
        DeliveryFailed
            If the broker refuses us for good.
        """
        link = negotiate(self._broker, stop)
        self._publisher = publisher = Publisher(link, wills=self._wills())
        publisher.wait_connected(stop, _CONNECT_S)
        try:
            while not stop.is_set() and (until is None or self._world.next_ms < to_ms(until)):
                self._hour(publisher, stop, until)
                self._report(progress)
            publisher.drain(_DRAIN_S)
            self._settle()
        finally:
            publisher.close()
            LOG.info("fleet_stopped packets=%d readings=%d", self._counts.packets, self._counts.readings)

    def _wills(self) -> Sequence[Message]:
        ts_ms = self.now_ms
        return [Message(status_topic(f"SIMGW{k + 1}"), encode_status(False, ts_ms), retain=True) for k in range(4)]

    def _report(self, progress: Callable[[int, int], None] | None) -> None:
        total = -(-(self.now_ms - self.start_ms) // HOUR_MS)
        done = (self._world.next_ms - self.start_ms) // HOUR_MS
        if progress is not None and done <= total:
            progress(done, total)

    def _hour(self, publisher: Publisher, stop: threading.Event, until: datetime | None) -> None:
        """Simulate the next hour and publish its uploads, each at its time."""
        with self._lock:
            start_ms = self._world.next_ms
            hour = self._world.hour()
            self._keeper.take(hour)
        for device, sample in flagged(self._sensors.hour(hour)):
            self._boxes[device].ahead.append(sample)
        last_ms = None if until is None else to_ms(until)
        instants, devices = self._timetable.uploads(start_ms, self._world.next_ms)
        for at_ms, device in zip(instants.tolist(), devices.tolist(), strict=True):
            if last_ms is not None and at_ms >= last_ms:
                return
            if not self._wait(at_ms, stop):
                return
            self._upload(publisher, device, at_ms, stop)
        self._wait(min(self._world.next_ms, last_ms or self._world.next_ms), stop)

    def _wait(self, at_ms: int, stop: threading.Event) -> bool:
        """Wait until the clock shows an instant; False if `stop` came first."""
        left = at_ms / 1000 - self._clock.now().timestamp()
        if left <= 0:
            return not stop.is_set()
        if not self.history_done.is_set() and at_ms >= self.now_ms:
            self.history_done.set()
            LOG.info("history_published readings=%d", self._counts.readings)
        return not self._clock.wait(left, stop)

    def _upload(self, publisher: Publisher, device: int, at_ms: int, stop: threading.Event) -> None:
        box = self._boxes[device]
        duplicate, garbage = box.catch_up(at_ms)
        self._settle()
        if at_ms < box.offline_until_ms or (not publisher.connected(device) and at_ms >= self.now_ms):
            box.node.missed()
            self._say_status(publisher, device, at_ms, stop, heard=False)
            return
        if at_ms < self.now_ms:
            box.node.missed()  # history is what the nodes had kept: it goes as a replay
        uploads = box.node.upload()
        self._say_status(publisher, device, at_ms, stop, heard=bool(uploads))
        for upload in uploads:
            self._send(publisher, device, upload, stop)
            if duplicate:
                self._counts.duplicates += len(upload.readings)
                publisher.publish(device, Message(upload.topic, upload.payload), stop)
        if garbage:
            self._spoil(publisher, device, stop)

    def _send(self, publisher: Publisher, device: int, upload: Upload, stop: threading.Event) -> None:
        node = self._boxes[device].node
        message = Message(upload.topic, upload.payload)
        if not publisher.publish(device, message, stop, lambda: self._acknowledged.put((node, upload))):
            node.failed(upload)
            return
        self._counts.packets += 1
        self._counts.readings += len(upload.readings)
        self._counts.replayed += sum(r.replayed for r in upload.readings)

    def _spoil(self, publisher: Publisher, device: int, stop: threading.Event) -> None:
        rubbish = _GARBAGE[self._counts.garbage % len(_GARBAGE)]
        topic = readings_topic(self._boxes[device].node.device)
        if publisher.publish(device, Message(topic, rubbish), stop):
            self._counts.garbage += 1

    def _say_status(self, publisher: Publisher, device: int, at_ms: int, stop: threading.Event, *, heard: bool) -> None:
        """Publish a retained status when a node comes or goes, as its gateway sees it."""
        box = self._boxes[device]
        box.idle = 0 if heard else box.idle + 1
        online = box.idle < _OFFLINE_AFTER
        if online is box.online:
            return
        box.online = online
        message = Message(status_topic(self._boxes[device].node.device), encode_status(online, at_ms), retain=True)
        publisher.publish(device, message, stop)

    def _settle(self) -> None:
        """Let nodes forget what the broker has acknowledged."""
        while True:
            try:
                node, upload = self._acknowledged.get_nowait()
            except queue.Empty:
                return
            node.sent(upload)

    @property
    def simulated_until(self) -> datetime:
        """End of the hour simulated last."""
        return from_ms(self._world.next_ms)
