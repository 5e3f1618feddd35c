"""How well a device keeps time and whether its readings are complete, as the collector estimates it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from heating.words import Language


class ClockState(StrEnum):
    """What is to be said of a device's clock."""

    GOOD = "good"
    UNKNOWN = "unknown"  # too few packets, or none with a time
    AHEAD = "ahead"
    BEHIND = "behind"
    LOCAL_AS_UTC = "local_as_utc"  # sends local time and calls it UTC
    UTC_AS_LOCAL = "utc_as_local"


def is_wrong(state: ClockState) -> bool:
    """Tell whether somebody should see to a clock in this state."""
    return state not in (ClockState.GOOD, ClockState.UNKNOWN)


class DeviceClock(msgspec.Struct, frozen=True, kw_only=True):
    """A device's clock as it looks from the collector.

    Attributes
    ----------
    skew_s
        How far the clock is ahead (+) or seems behind (−) [s].
    drift_s_per_day
        Its change [s/d]; None until enough is known.
    packets
        From how many packets this is known.
    missing
        Sequence numbers that never came.
    at
        When the last packet came.
    """

    device_id: str
    state: ClockState
    skew_s: float | None
    drift_s_per_day: float | None
    packets: int
    missing: int
    at: datetime

    @property
    def wrong(self) -> bool:
        """Tell whether somebody should see to the clock."""
        return is_wrong(self.state)


# State: what a technician reads, in Chinese, then in English; `{}` is how far.
_ADVICE: dict[ClockState, tuple[str, str]] = {
    ClockState.GOOD: ("时钟正常", "clock is right"),
    ClockState.UNKNOWN: ("报文不足，尚不能判断", "too few packets with a time to tell"),
    ClockState.AHEAD: (
        "时钟快 {}：请校时；超前 5 分钟以上的读数被隔离",
        "clock is {} ahead: set it; readings more than 5 min ahead are quarantined",
    ),
    ClockState.BEHIND: (
        "时钟慢 {}，或读数滞留后才上传：请校时或检查网络",
        "clock is {} behind, or readings wait that long before they are sent: set it, or look at its network",
    ),
    ClockState.LOCAL_AS_UTC: (
        "快 {}：设备把当地时间当作 UTC 发送，读数因“时间超前”被隔离。请把设备时区改对，或改发带时差的时间",
        "{} ahead: the device sends local time as UTC, and its readings are quarantined as future. "
        "Set its time zone, or let it send its offset",
    ),
    ClockState.UTC_AS_LOCAL: (
        '慢 {}：设备把 UTC 当作当地时间发送，读数入库偏早。请把设备时区改对，或在 mqtt.topics 设 timezone = "UTC"',
        "{} behind: the device sends UTC as local time, and its readings are stored too early. "
        'Set its time zone, or timezone = "UTC" of its mqtt.topics',
    ),
}


def clock_advice(clock: DeviceClock, language: Language) -> str:
    """Return what is wrong with a clock and what to do, in words of a technician."""
    text = _ADVICE[clock.state][0 if language is Language.ZH else 1]
    return text.format(span_text(abs(clock.skew_s or 0.0)))


def span_text(seconds: float) -> str:
    """Return a span as people say it: `8 h 00 min`, `12 min`, `45 s`."""
    minutes = round(seconds / 60) if seconds >= 60.0 else 0
    if minutes >= 2 * 24 * 60:
        return f"{minutes // 1440} d"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
