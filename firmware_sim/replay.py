"""Publish measured readings as the devices would: packets of a few readings with their original times."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from firmware_sim.broker import BrokerAddress, negotiate
from firmware_sim.encode import WirePacket, WireReading, encode_packet, readings_topic
from firmware_sim.faults import HOUR_MS
from firmware_sim.publish import Message, Publisher
from heating.clock import Clock, SystemClock
from heating.errors import DeliveryFailed
from heating.reading import Floats, Ints, ReadingTable, Texts
from heating.readings_text import iter_readings

Progress = Callable[[int, int], None]
PER_PACKET = 3
_DRAIN_S = 120.0


class Rows(msgspec.Struct, frozen=True):
    """N readings to publish, as columns.

    Attributes
    ----------
    device
        Object array of str (N,).
    ts_ms
        int64 (N,).
    values
        float64 (N,) by name: `temperature_c`, `humidity_pct`, `battery_v`, `supply_c`, `return_c`; NaN where absent.
    """

    device: Texts
    ts_ms: Ints
    values: dict[str, Floats]

    def __len__(self) -> int:
        """Return N."""
        return len(self.ts_ms)

    @classmethod
    def of_file(cls, path: Path, zone: ZoneInfo) -> Self:
        """Read a readings CSV (contract §4); raises `InputError` at a bad cell."""
        parts = list(iter_readings(path, zone))
        if not parts:
            return cls.of_table(ReadingTable.empty())
        return cls(
            np.concatenate([part.device for part in parts]),
            np.concatenate([part.ts_ms for part in parts]),
            {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values},
        )

    @classmethod
    def of_table(cls, table: ReadingTable) -> Self:
        """Take the readings of a table."""
        return cls(table.device, table.ts_ms, {name: getattr(table, name) for name in _SENT})


_SENT = ("temperature_c", "humidity_pct", "battery_v", "supply_c", "return_c")


class ReplayStats(msgspec.Struct, frozen=True, kw_only=True):
    """What was published; `acknowledged` packets by the broker."""

    devices: int
    readings: int
    packets: int
    acknowledged: int
    bytes: int
    connections_lost: int


def replay(
    rows: Rows,
    broker: BrokerAddress,
    stop: threading.Event,
    *,
    speed: float | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
    patience_s: float = 30.0,
) -> ReplayStats:
    """Publish all readings in the order of time, each packet at the time of its last reading.

    Parameters
    ----------
    speed
        How many times faster than they were measured; None as fast as the broker takes them.
    clock
        Waits between packets; the machine's by default.
    progress
        Called with (readings published, readings in all).
    patience_s
        How long to wait for a broker that does not answer, and for the last acknowledgements.

    Raises
    ------
    DeliveryFailed
        If the broker refuses us or does not answer, or does not acknowledge the last packets in time.
    """
    publisher = Publisher(negotiate(broker, stop, patience_s), connections=2, in_flight=1000)
    pace = _Pace(clock or SystemClock(), speed)
    done = packets = 0
    try:
        for packet in packets_of(rows):
            if not pace.wait(packet.at_ms, stop) or not publisher.publish(packet.lane, packet.message, stop):
                break
            done, packets = done + packet.readings, packets + 1
            if progress is not None and packets % 500 == 0:
                progress(done, len(rows))
        if not publisher.drain(_DRAIN_S if not stop.is_set() else patience_s):
            raise DeliveryFailed("the broker did not acknowledge all packets", permanent=False)
    finally:
        publisher.close()
    if progress is not None:
        progress(done, len(rows))
    sent = publisher.stats
    return ReplayStats(
        devices=len(np.unique(rows.device.astype(str))) if len(rows) else 0, readings=done, packets=packets,
        acknowledged=sent.acknowledged, bytes=sent.bytes, connections_lost=sent.connections_lost,
    )  # fmt: skip


class TimedPacket(msgspec.Struct, frozen=True):
    """A packet, when it is due, on which lane, and how many readings it carries."""

    at_ms: int
    lane: int
    message: Message
    readings: int


def packets_of(rows: Rows) -> Iterator[TimedPacket]:
    """Yield the packets of readings in the order in which devices would send them.

    Readings of a device inside one hour share packets of up to three; a packet is due at its last reading.
    """
    if not len(rows):
        return
    names, owner = np.unique(rows.device.astype(str), return_inverse=True)
    order = np.lexsort((rows.ts_ms, owner))
    device, ts = owner[order], rows.ts_ms[order]
    ends = _packet_ends(device, ts)
    starts = np.concatenate(([0], ends[:-1]))
    for k in np.lexsort((device[ends - 1], ts[ends - 1])):
        picked = order[starts[k] : ends[k]]
        name = str(names[device[starts[k]]])
        yield TimedPacket(int(ts[ends[k] - 1]), int(device[starts[k]]), _message(name, rows, picked), len(picked))


def _packet_ends(device: Ints, ts_ms: Ints) -> Ints:
    """Return where packets end in rows sorted by (device, time)."""
    hour = ts_ms // HOUR_MS
    new = np.ones(len(ts_ms), dtype=np.bool_)
    new[1:] = (device[1:] != device[:-1]) | (hour[1:] != hour[:-1])
    first = np.maximum.accumulate(np.where(new, np.arange(len(new)), 0))
    begins = (np.arange(len(new)) - first) % PER_PACKET == 0
    return np.append(np.flatnonzero(begins)[1:], len(new))


def _message(device: str, rows: Rows, picked: Ints) -> Message:
    def value(name: str, row: int) -> float | None:
        number = float(rows.values[name][row])
        return None if np.isnan(number) else number

    readings = tuple(
        WireReading(
            ts=int(rows.ts_ms[row]),
            temperature_c=value("temperature_c", row),
            humidity_pct=value("humidity_pct", row),
            supply_c=value("supply_c", row),
            return_c=value("return_c", row),
            replayed=True,
        )
        for row in picked.tolist()
    )
    packet = WirePacket(readings=readings, battery_v=value("battery_v", int(picked[-1])))
    return Message(readings_topic(device), encode_packet(packet))


class _Pace:
    """Holds packets back so that they go `speed` times as fast as they were measured."""

    def __init__(self, clock: Clock, speed: float | None) -> None:
        self._clock = clock
        self._speed = speed
        self._begin: tuple[int, float] | None = None

    def wait(self, at_ms: int, stop: threading.Event) -> bool:
        """Wait until a packet is due; False if `stop` came first."""
        if self._speed is None:
            return not stop.is_set()
        now_s = self._clock.now().timestamp()
        if self._begin is None:
            self._begin = (at_ms, now_s)
        due_s = self._begin[1] + (at_ms - self._begin[0]) / 1000 / self._speed
        return not self._clock.wait(due_s - now_s, stop) if due_s > now_s else not stop.is_set()
