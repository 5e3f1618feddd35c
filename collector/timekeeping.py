"""How well each device keeps time, and whether readings of it are missing, from what its packets say.

The newest reading of a packet is as old as the device waited with it, so the packets that waited least tell the
clock: the skew is the largest of the last offsets (time of the reading less time of its receipt). Kept in memory, for
registered devices only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from collector.packet import Packet
from collector.payloads.message import Message, Sample
from heating.instants import from_ms
from heating.reading import Quality

_KEPT = 16  # offsets of the last packets
_ENOUGH = 3
_REPLAYED = int(Quality.REPLAYED)
# A clock that is ahead cannot be explained by waiting; one behind can, up to a device's upload interval (assumption).
_AHEAD_S = 60.0
_BEHIND_S = 3600.0 + 1800.0
_ZONE_TOLERANCE_S = 1200.0
_ZONE_SPREAD_S = 1800.0
# A drift needs a span that is long beside the jitter of uploads.
_DRIFT_SPAN_S = 6 * 3600.0
_REMEMBERED_GAPS = 1000


class ClockState(StrEnum):
    """What is to be said of a device's clock."""

    GOOD = "good"
    UNKNOWN = "unknown"  # too few packets, or none with a time
    AHEAD = "ahead"
    BEHIND = "behind"
    LOCAL_AS_UTC = "local_as_utc"  # sends local time and calls it UTC
    UTC_AS_LOCAL = "utc_as_local"


class DeviceClock(msgspec.Struct, frozen=True, kw_only=True):
    """A device's clock as it looks from here.

    Attributes
    ----------
    skew_s
        How far the clock is ahead (+) or seems behind (−) [s].
    drift_s_per_day
        Its change [s/d]; None until enough is known.
    missing
        Sequence numbers that never came.
    """

    device_id: str
    state: ClockState
    skew_s: float | None
    drift_s_per_day: float | None
    packets: int
    missing: int


@dataclass(slots=True)
class _Track:
    packets: int = 0
    offsets: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    highest: int | None = None
    highest_ts_ms: int = 0
    gaps: set[int] = field(default_factory=set)
    lost: int = 0


class Timekeeper:
    """Watches clocks and sequence numbers."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._tracks: dict[str, _Track] = {}

    def saw(self, packet: Packet, message: Message) -> None:
        """Note a packet of a registered device."""
        track = self._tracks.get(message.device_id)
        if track is None:
            track = self._tracks[message.device_id] = _Track()
        track.packets += 1
        newest: int | None = None
        for sample in message.samples:
            if type(sample) is not Sample or sample.ts_ms is None:
                continue
            if sample.seq is not None:
                _count(track, sample.seq, sample.ts_ms)
            if not sample.quality & _REPLAYED and (newest is None or sample.ts_ms > newest):
                newest = sample.ts_ms
        if newest is not None and not packet.retained and not packet.redelivered:
            track.offsets.append((packet.received_ms, newest - packet.received_ms))

    def clocks(self) -> list[DeviceClock]:
        """Return what is known of each device, the worst clocks first."""
        found = [self._clock(device, track) for device, track in list(self._tracks.items())]
        return sorted(found, key=lambda clock: (-abs(clock.skew_s or 0.0), clock.device_id))

    def _clock(self, device_id: str, track: _Track) -> DeviceClock:
        seen = list(track.offsets)
        skew_s = max(offset for _, offset in seen) / 1000 if len(seen) >= _ENOUGH else None
        return DeviceClock(
            device_id=device_id,
            state=ClockState.UNKNOWN if skew_s is None else self._state(seen, skew_s),
            skew_s=skew_s,
            drift_s_per_day=_drift(seen),
            packets=track.packets,
            missing=len(track.gaps) + track.lost,
        )

    def _state(self, seen: Sequence[tuple[int, int]], skew_s: float) -> ClockState:
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


def _count(track: _Track, seq: int, ts_ms: int) -> None:
    """Count gaps; a smaller number with a later time is a device that began anew."""
    highest = track.highest
    if highest is not None and seq == highest + 1:  # nearly always
        track.highest, track.highest_ts_ms = seq, ts_ms
    elif highest is None or (seq <= highest and ts_ms > track.highest_ts_ms):
        track.lost += len(track.gaps)
        track.gaps.clear()
        track.highest, track.highest_ts_ms = seq, ts_ms
    elif seq > highest:
        missed = seq - highest - 1
        if len(track.gaps) + missed <= _REMEMBERED_GAPS:
            track.gaps.update(range(highest + 1, seq))
        else:
            track.lost += missed
        track.highest, track.highest_ts_ms = seq, ts_ms
    else:
        track.gaps.discard(seq)


def _drift(seen: Sequence[tuple[int, int]]) -> float | None:
    if len(seen) < _KEPT // 2 or seen[-1][0] - seen[0][0] < _DRIFT_SPAN_S * 1000:
        return None
    days = (np.array([at for at, _ in seen], dtype=np.float64) - seen[0][0]) / 86_400_000
    offsets_s = np.array([offset for _, offset in seen], dtype=np.float64) / 1000
    return float(np.polyfit(days, offsets_s, 1)[0])


def _utc_offset_s(zone: ZoneInfo, at_ms: int) -> float:
    return (from_ms(at_ms).astimezone(zone).utcoffset() or timedelta()).total_seconds()
