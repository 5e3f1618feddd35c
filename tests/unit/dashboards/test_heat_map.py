from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from dashboards.heat_map import HOUR_MS, STEPS, HeatMap, heat_map_svg
from heating.instants import to_ms
from heating.words import Language

SVG = "{http://www.w3.org/2000/svg}"


def drawn(above_k: list[float]) -> list[tuple[str, float]]:
    """Colour and width in hours of the rectangles of one row."""
    start = to_ms(datetime(2026, 11, 22, tzinfo=UTC))
    hours = start + HOUR_MS * np.arange(len(above_k), dtype=np.int64)
    heat_map = HeatMap("a < b", ("客厅",), hours, np.array([above_k]))
    root = ET.fromstring(heat_map_svg(heat_map, ZoneInfo("Asia/Shanghai"), Language.EN))
    cells = [r for r in root.iter(f"{SVG}rect") if r.get("stroke") is None][1:]
    return [(str(r.get("fill")), round(float(str(r.get("width"))) / 1000 * len(above_k), 1)) for r in cells]


def test_equal_to_the_floor_is_not_below_and_runs_share_a_rectangle() -> None:
    below, above = STEPS[3][1], STEPS[4][1]
    assert drawn([-0.1, -0.9, 0.0, 0.9]) == [(below, 2.0), (above, 2.0)]


def test_hours_without_a_reading_stay_white() -> None:
    assert drawn([np.nan, np.nan, -5.0, np.nan]) == [(STEPS[0][1], 1.0)]
