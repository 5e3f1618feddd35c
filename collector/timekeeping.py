"""How well each device keeps time, and whether readings of it are missing, from what its packets say.

The newest reading of a packet is as old as the device waited with it, so the packets that waited least tell the
clock: the skew is the largest of the last offsets (time of the reading less time of its receipt). Of registered
devices only. What is known goes into the ledger now and then, so that pages and commands show it and a restart
forgets little.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec

from collector.packet import Packet
from collector.payloads.message import Message, Sample
from collector.payloads.native import WirePacket
from collector.sequence import Sequence as Numbers
from heating.device_clock import ClockState, DeviceClock, is_wrong
from heating.instants import from_ms
from heating.ledger.port import ClockRecord, Journal
from heating.reading import Quality

__all__ = ["ClockState", "DeviceClock", "Timekeeper"]

log = logging.getLogger(__name__)

_KEPT = 16  # offsets of the last packets
_ENOUGH = 3
_REPLAYED = int(Quality.REPLAYED)
# A clock that is ahead cannot be explained by waiting; one behind can, up to a device's upload interval (assumption).
_AHEAD_S = 60.0
_BEHIND_S = 3600.0 + 1800.0
_ZONE_TOLERANCE_S = 1200.0
_ZONE_SPREAD_S = 1800.0
# Newer offsets all below the older ones by this: the clock was set, and the older ones say nothing any more.
_SET_MS = 1_800_000
# The queue of an outage comes within minutes and makes every device look behind; a clock stays behind for longer
# (assumption).
_QUEUE_MS = 1_800_000
# A drift needs a span that is long beside the jitter of uploads.
_DRIFT_SPAN_S = 6 * 3600.0
# The ledger takes at most this many records in this time, so that keeping them costs next to nothing at any load.
_WRITTEN_AT_ONCE = 500
_WRITTEN_EVERY_S = 30.0


@dataclass(slots=True)
class _Track:
    packets: int = 0
    at_ms: int = 0
    offsets: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    numbers: Numbers = field(default_factory=Numbers)
    clock: DeviceClock | None = None  # as told last; None since a packet came
    told: ClockState = ClockState.UNKNOWN


class _Memory(msgspec.Struct, frozen=True):
    """A track as the ledger keeps it."""

    offsets: list[tuple[int, int]]
    highest: int | None
    highest_ts_ms: int
    gaps: list[tuple[int, int]]
    lost: int


class Timekeeper:
    """Watches clocks and sequence numbers."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._tracks: dict[str, _Track] = {}
        self._unwritten: dict[str, None] = {}
        self._written_at = 0.0

    def saw(self, packet: Packet, message: Message) -> None:
        """Note a packet of a registered device."""
        track = self._touched(message.device_id, packet)
        if message.seq is not None:
            track.numbers.saw(message.seq, packet.received_ms)
        newest: int | None = None
        for sample in message.samples:
            if type(sample) is not Sample or sample.ts_ms is None:
                continue
            if sample.seq is not None:
                track.numbers.saw(sample.seq, sample.ts_ms)
            if not sample.quality & _REPLAYED and (newest is None or sample.ts_ms > newest):
                newest = sample.ts_ms
        _note_offset(track, packet, newest)

    def saw_plain(self, packet: Packet, found: WirePacket, newest_ms: int | None) -> None:
        """Note a packet that was accepted at a glance, and its newest reading that was not replayed: as `saw`."""
        track = self._touched(found.device_id or "", packet)
        for written in found.each:
            seq, ts_ms = written.seq, written.ts
            if seq is not None and type(ts_ms) is int:
                track.numbers.saw(seq, ts_ms)
        _note_offset(track, packet, newest_ms)

    def _touched(self, device_id: str, packet: Packet) -> _Track:
        track = self._tracks.get(device_id)
        if track is None:
            track = self._tracks[device_id] = _Track()
        track.packets += 1
        track.at_ms = packet.received_ms
        track.clock = None
        self._unwritten[device_id] = None
        return track

    def clocks(self) -> list[DeviceClock]:
        """Return what is known of each device, the worst clocks first."""
        found = [self._clock(device, track) for device, track in list(self._tracks.items())]
        return sorted(found, key=lambda clock: (-abs(clock.skew_s or 0.0), clock.device_id))

    def write(self, journal: Journal, *, rest: bool = False) -> None:
        """Hand over some of what has changed, if the last time is long enough ago; all of it as the last act."""
        now = time.monotonic()
        if not self._unwritten or (now - self._written_at < _WRITTEN_EVERY_S and not rest):
            return
        devices = list(islice(self._unwritten, None if rest else _WRITTEN_AT_ONCE))
        journal.note_clocks([self._record(device) for device in devices])
        for device in devices:
            del self._unwritten[device]
        self._written_at = now

    def recall(self, records: Iterable[ClockRecord]) -> None:
        """Go on from what was handed over before; what cannot be read begins anew."""
        for record in records:
            clock = record.clock
            try:
                memory = msgspec.json.decode(record.memory, type=_Memory)
            except msgspec.DecodeError:
                continue
            self._tracks[clock.device_id] = _Track(
                packets=clock.packets,
                at_ms=int(clock.at.timestamp() * 1000),
                offsets=deque(memory.offsets, maxlen=_KEPT),
                numbers=Numbers(memory.highest, memory.highest_ts_ms, memory.gaps, memory.lost),
                told=clock.state,
            )

    def _record(self, device_id: str) -> ClockRecord:
        track = self._tracks[device_id]
        clock = self._clock(device_id, track)
        self._tell(track, clock)
        numbers = track.numbers
        memory = _Memory(list(track.offsets), numbers.highest, numbers.highest_ts_ms, numbers.gaps, numbers.lost)
        return ClockRecord(clock, msgspec.json.encode(memory).decode())

    def _tell(self, track: _Track, clock: DeviceClock) -> None:
        """Say that a clock went wrong, and that it is right again."""
        before, track.told = track.told, clock.state
        if clock.state is before or not (clock.wrong or is_wrong(before)):
            return
        level = logging.WARNING if clock.wrong else logging.INFO
        log.log(level, "device clock device=%s state=%s skew_s=%s", clock.device_id, clock.state.value, clock.skew_s)

    def _clock(self, device_id: str, track: _Track) -> DeviceClock:
        if track.clock is None:
            track.clock = self._estimated(device_id, track)
        return track.clock

    def _estimated(self, device_id: str, track: _Track) -> DeviceClock:
        seen = _since_set(list(track.offsets))
        skew_s = max(offset for _, offset in seen) / 1000 if len(seen) >= _ENOUGH else None
        return DeviceClock(
            device_id=device_id,
            state=ClockState.UNKNOWN if skew_s is None else self._state(seen, skew_s),
            skew_s=skew_s,
            drift_s_per_day=_drift(seen),
            packets=track.packets,
            missing=track.numbers.missing,
            at=from_ms(track.at_ms),
        )

    def _state(self, seen: Sequence[tuple[int, int]], skew_s: float) -> ClockState:
        if skew_s < -_AHEAD_S and seen[-1][0] - seen[0][0] < _QUEUE_MS:
            return ClockState.UNKNOWN
        zone_s = _utc_offset_s(self.zone, seen[-1][0])
        spread_s = skew_s - min(offset for _, offset in seen) / 1000
        if abs(zone_s) > _ZONE_TOLERANCE_S and spread_s < _ZONE_SPREAD_S:
            if abs(skew_s - zone_s) < _ZONE_TOLERANCE_S:
                return ClockState.LOCAL_AS_UTC
            if abs(skew_s + zone_s) < _ZONE_TOLERANCE_S:
                return ClockState.UTC_AS_LOCAL
        if skew_s > _AHEAD_S:
            return ClockState.AHEAD
        return ClockState.BEHIND if skew_s < -_BEHIND_S else ClockState.GOOD


def _since_set(seen: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the offsets since a clock was set back; until then they belong to another clock."""
    newest = seen[-_ENOUGH:]
    if len(seen) <= _ENOUGH or max(o for _, o in seen) - max(o for _, o in newest) <= _SET_MS:
        return seen
    return newest


def _drift(seen: Sequence[tuple[int, int]]) -> float | None:
    """Return the slope of the offsets by least squares [s/d], None where their span is too short."""
    if len(seen) < _KEPT // 2 or seen[-1][0] - seen[0][0] < _DRIFT_SPAN_S * 1000:
        return None
    first, count = seen[0][0], len(seen)
    days = [(at - first) / 86_400_000 for at, _ in seen]
    mean_day = sum(days) / count
    mean_s = sum(offset for _, offset in seen) / count / 1000
    over = sum((day - mean_day) * (offset / 1000 - mean_s) for day, (_, offset) in zip(days, seen, strict=True))
    return over / sum((day - mean_day) ** 2 for day in days)


def _note_offset(track: _Track, packet: Packet, newest_ms: int | None) -> None:
    if newest_ms is not None and not packet.retained and not packet.redelivered:
        track.offsets.append((packet.received_ms, newest_ms - packet.received_ms))


def _utc_offset_s(zone: ZoneInfo, at_ms: int) -> float:
    return (from_ms(at_ms).astimezone(zone).utcoffset() or timedelta()).total_seconds()
