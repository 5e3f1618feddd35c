"""A heat map of many points over days: each hour coloured by how far it was from the floor in force. No I/O.

Colours are the steps of ColorBrewer's PuOr (oranges below the floor, purples above), which colour-blind eyes tell
apart; hours without a reading stay white.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from heating.instants import from_ms
from heating.reading import Floats, Ints
from heating.words import Language

HOUR_MS = 3_600_000
_LEFT, _TOP, _ROW, _WIDTH, _FOOT = 150, 58, 15, 1000, 46
# Upper bound of temperature minus floor [K], colour, and its words; the last step is open.
STEPS: tuple[tuple[float, str, str, str], ...] = (
    (-4.0, "#7f3b08", "低 4 K 以上", "4 K below or more"),
    (-2.0, "#b35806", "低 2–4 K", "2–4 K below"),
    (-1.0, "#e08214", "低 1–2 K", "1–2 K below"),
    (0.0, "#fdb863", "低 1 K 以内", "below by less than 1 K"),
    (1.0, "#d8daeb", "高 0–1 K", "above by less than 1 K"),
    (3.0, "#b2abd2", "高 1–3 K", "1–3 K above"),
    (float("inf"), "#8073ac", "高 3 K 以上", "3 K above or more"),
)
_UNKNOWN = ("无数据", "no reading")


@dataclass(frozen=True, slots=True)
class HeatMap:
    """What is drawn.

    Attributes
    ----------
    labels
        P names of the rows.
    hours_ms
        int64 (T,): begin of each hour.
    above_k
        float64 (P, T): temperature minus the floor in force [K]; NaN where there was no reading.
    """

    title: str
    labels: tuple[str, ...]
    hours_ms: Ints
    above_k: Floats


def heat_map_svg(heat_map: HeatMap, zone: ZoneInfo, language: Language) -> str:
    """Return a whole SVG document."""
    rows = len(heat_map.labels)
    height = _TOP + rows * _ROW + _FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 20} {height}" '
        'font-family="sans-serif" font-size="11" fill="#222">',
        f'<rect width="100%" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" font-size="15" font-weight="bold">{escape(heat_map.title)}</text>',
        *_legend(language),
        *(part for index in range(rows) for part in _row(heat_map, index)),
        *_days(heat_map, zone, rows),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(language: Language) -> list[str]:
    words = [(colour, zh if language is Language.ZH else en) for _, colour, zh, en in STEPS]
    words.append(("#ffffff", _UNKNOWN[0] if language is Language.ZH else _UNKNOWN[1]))
    step = (_LEFT + _WIDTH) / len(words)
    return [
        f'<rect x="{10 + i * step:.0f}" y="32" width="12" height="12" fill="{colour}" stroke="#999"/>'
        f'<text x="{26 + i * step:.0f}" y="42">{escape(word)}</text>'
        for i, (colour, word) in enumerate(words)
    ]


def _row(heat_map: HeatMap, index: int) -> list[str]:
    """Return a label and one rectangle for each run of hours with the same colour."""
    y = _TOP + index * _ROW
    parts = [f'<text x="{_LEFT - 6}" y="{y + 11}" text-anchor="end">{escape(heat_map.labels[index])}</text>']
    width = _WIDTH / len(heat_map.hours_ms)
    at = 0
    for step, run in groupby(_steps(heat_map.above_k[index]).tolist()):
        length = len(list(run))
        if step >= 0:
            parts.append(
                f'<rect x="{_LEFT + at * width:.1f}" y="{y}" width="{length * width:.1f}" height="{_ROW - 2}" '
                f'fill="{STEPS[step][1]}"/>'
            )
        at += length
    return parts


def _steps(above_k: Floats) -> Ints:
    """Return the step of each hour, int64 (T,); -1 where unknown. Equal to the floor is not below it."""
    steps = np.searchsorted(np.array([limit for limit, *_ in STEPS]), above_k, side="right")
    return np.where(np.isnan(above_k), -1, steps).astype(np.int64)


def _days(heat_map: HeatMap, zone: ZoneInfo, rows: int) -> list[str]:
    """Return a mark at each local midnight, with the date where there is room for it."""
    first, count = int(heat_map.hours_ms[0]), len(heat_map.hours_ms)
    bottom = _TOP + rows * _ROW
    every = max(1, round(count / 24 / 14))
    parts = []
    for number, midnight in enumerate(_midnights(from_ms(first), count, zone)):
        x = _LEFT + (midnight.timestamp() * 1000 - first) / HOUR_MS * _WIDTH / count
        parts.append(
            f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom + 4}" stroke="#555" stroke-width="0.4"/>'
        )
        if number % every == 0:
            parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{midnight:%m-%d}</text>')
    return parts


def _midnights(start: datetime, hours: int, zone: ZoneInfo) -> Sequence[datetime]:
    day = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days = (day + timedelta(days=n) for n in range(hours // 24 + 2))
    return [d for d in days if start <= d < start + timedelta(hours=hours)]
