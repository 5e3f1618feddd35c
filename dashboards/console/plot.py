"""The plot of a home: temperature against the floor in force, breaches shaded, as numbers for an inline SVG. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from heating.instants import from_ms, to_ms

WIDTH, HEIGHT = 960, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 12, 34
_TICK_HOURS = 6


@dataclass(frozen=True, slots=True)
class Track:
    """A quantity that holds from each instant [ms] to the next, `hold_ms` at most [°C]."""

    ts_ms: Sequence[int]
    value: Sequence[float]
    hold_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    position: float
    label: str
    major: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded stretch of time, in the units of the SVG."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class HomePlot:
    """Geometry of the plot; paths in SVG syntax, empty where there is nothing to draw."""

    temperature: str
    below: str
    floor: str
    breaches: tuple[Band, ...]
    gaps: tuple[Band, ...]
    hours: tuple[Tick, ...]
    degrees: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The window of a plot: instants [ms] and temperatures [°C] onto the drawing area."""

    start_ms: int
    end_ms: int
    low_c: float
    high_c: float

    def x(self, ts_ms: float) -> float:
        """Return the horizontal place of an instant."""
        share = (min(max(ts_ms, self.start_ms), self.end_ms) - self.start_ms) / (self.end_ms - self.start_ms)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value_c: float) -> float:
        """Return the vertical place of a temperature."""
        share = (value_c - self.low_c) / (self.high_c - self.low_c)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def home_plot(
    window: tuple[datetime, datetime],
    temperature: Track,
    floor: Track,
    breaches: Iterable[tuple[datetime, datetime]],
    zone: ZoneInfo,
) -> HomePlot:
    """Return the plot of [start, end)."""
    start_ms, end_ms = to_ms(window[0]), to_ms(window[1])
    seen = [*temperature.value, *floor.value]
    frame = Frame(start_ms, end_ms, math.floor(min(seen, default=16)) - 1, math.ceil(max(seen, default=20)) + 1)
    pieces = _pieces(temperature, frame)
    return HomePlot(
        temperature=_lines(pieces, frame),
        below=_below(pieces, _pieces(floor, frame), frame),
        floor=_lines(_pieces(floor, frame), frame),
        breaches=tuple(_band(to_ms(a), to_ms(b), frame) for a, b in breaches if b > window[0] and a < window[1]),
        gaps=_gaps(pieces, frame),
        hours=_hours(window, frame, zone),
        degrees=_degrees(frame),
    )


# A piece is a stretch (from, to, value) during which one value holds.
_Piece = tuple[int, int, float]


def _pieces(track: Track, frame: Frame) -> list[_Piece]:
    pieces = []
    ends = [*track.ts_ms[1:], frame.end_ms][: len(track.ts_ms)]
    for begin, following, value in zip(track.ts_ms, ends, track.value, strict=True):
        begin_in, end_in = max(begin, frame.start_ms), min(following, begin + track.hold_ms, frame.end_ms)
        if begin_in < end_in:
            pieces.append((begin_in, end_in, value))
    return pieces


def _lines(pieces: Sequence[_Piece], frame: Frame) -> str:
    """Return a stepped line that is broken where nothing holds."""
    path, last_end = [], None
    for begin, end, value in pieces:
        join = "L" if begin == last_end else "M"
        path.append(f"{join}{frame.x(begin)},{frame.y(value)}H{frame.x(end)}")
        last_end = end
    return "".join(path)


def _below(pieces: Sequence[_Piece], floors: Sequence[_Piece], frame: Frame) -> str:
    """Return the area between the floor and a temperature under it."""
    path, k = [], 0
    for begin, end, value in pieces:
        while k < len(floors) and floors[k][1] <= begin:
            k += 1
        for floor_begin, floor_end, floor_c in floors[k:]:
            if floor_begin >= end:
                break
            if value < floor_c:
                left, right = frame.x(max(begin, floor_begin)), frame.x(min(end, floor_end))
                path.append(f"M{left},{frame.y(floor_c)}H{right}V{frame.y(value)}H{left}Z")
    return "".join(path)


def _gaps(pieces: Sequence[_Piece], frame: Frame) -> tuple[Band, ...]:
    edges = [frame.start_ms, *(edge for begin, end, _ in pieces for edge in (begin, end)), frame.end_ms]
    return tuple(_band(a, b, frame) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a)


def _band(begin_ms: int, end_ms: int, frame: Frame) -> Band:
    return Band(frame.x(begin_ms), round(frame.x(end_ms) - frame.x(begin_ms), 1))


def _hours(window: tuple[datetime, datetime], frame: Frame, zone: ZoneInfo) -> tuple[Tick, ...]:
    """Return a tick at each local hour divisible by six; midnight carries the date."""
    hour = from_ms(frame.start_ms).astimezone(zone).replace(minute=0, second=0, microsecond=0)
    ticks = []
    for _ in range(int((window[1] - window[0]) / timedelta(hours=1)) + 2):
        # Wall-clock arithmetic through UTC, so that a change of summer time shifts no label.
        hour = (from_ms(to_ms(hour)) + timedelta(hours=1)).astimezone(zone)
        if hour.hour % _TICK_HOURS == 0 and window[0] <= hour < window[1]:
            midnight = hour.hour == 0
            ticks.append(Tick(frame.x(to_ms(hour)), hour.strftime("%m-%d" if midnight else "%H:%M"), midnight))
    return tuple(ticks)


def _degrees(frame: Frame) -> tuple[Tick, ...]:
    span = frame.high_c - frame.low_c
    step = 1 if span <= 8 else 2 if span <= 18 else 5
    first = math.ceil(frame.low_c / step) * step
    return tuple(Tick(frame.y(c), f"{c}", False) for c in range(first, int(frame.high_c) + 1, step))
