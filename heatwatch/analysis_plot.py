"""`heatwatch analyze --plot`: the hours of the points that were below their floor longest, as an SVG."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np

from analyzer.analysis import Rules
from analyzer.estate import Estate
from analyzer.floors import DayWindows, floors_of
from dashboards.heat_map import HOUR_MS, HeatMap, heat_map_svg
from heating.instants import to_ms
from heating.reading import Floats, Ints, ReadingSeries, TemperatureGrid
from heating.words import Language
from heatwatch.output import writing

MOST_ROWS = 60
_TITLES = ("各测温点每小时室温与所执行标准之差", "Room temperature of each hour against the floor in force")


def write_plot(
    out: Path, estate: Estate, rules: Rules, rooms: ReadingSeries, span: tuple[datetime, datetime], language: Language
) -> None:
    """Write the heat map of a span; at most `MOST_ROWS` points, those with the most hours below first.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    start, end = to_ms(span[0]) // HOUR_MS * HOUR_MS, to_ms(span[1])
    grid = TemperatureGrid.of(rooms, start, max(end, start + HOUR_MS), HOUR_MS)
    above = grid.temperature_c - _floors(estate, rules, grid.times_ms)
    hours_below = (above < 0).sum(axis=1)
    chosen = np.sort(np.lexsort((np.arange(len(estate)), -hours_below))[:MOST_ROWS])
    labels = tuple(_label(estate, int(index)) for index in chosen)
    heat_map = HeatMap(_TITLES[language is Language.EN], labels, grid.times_ms, above[chosen])
    with writing("--plot", out):
        out.write_text(heat_map_svg(heat_map, rules.zone, language), encoding="utf-8")


def _floors(estate: Estate, rules: Rules, hours_ms: Ints) -> Floats:
    """Return the floor in force at the begin of each hour, float64 (P, T)."""
    floors = floors_of(rules.enterprise, estate.rooms, rules.settings.clear_margin_k)
    windows = DayWindows.between(rules.enterprise, rules.zone, int(hours_ms[0]), int(hours_ms[-1]))
    day = windows.day[windows.index(hours_ms)]
    return np.where(day[None, :], floors.day_c[:, None], floors.night_c[:, None])


def _label(estate: Estate, index: int) -> str:
    point = estate.rooms[index]
    return f"{point.building_id}/{point.unit}/{point.room} {point.space}".strip() if point.room else point.point_id
