"""The building grid and the plot of a home: pure geometry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboards.console.grid import building_grid
from dashboards.console.plot import Track, home_plot
from dashboards.console.tiles import tiles
from dashboards.floors import floor_steps
from dashboards.homes import Known, PointStatus, homes_of
from heating.finding import Status
from heating.instants import to_ms
from heating.regulation import load_profile
from heating.site import MeasurementPoint

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 12, 14, 2, tzinfo=UTC)
HOUR_MS = 3_600_000


def homes(*places: tuple[str, int | None, str]):  # type: ignore[no-untyped-def]
    points = [
        MeasurementPoint(point_id=f"P{i}", station="S1", building="3", unit=unit, floor=floor, room=room)
        for i, (unit, floor, room) in enumerate(places)
    ]
    return homes_of(points, Known({}, {}, {}, {}, low_floors=2))


def rooms(grid) -> dict[int | None, list[list[str | None]]]:  # type: ignore[no-untyped-def]
    return {f.floor: [[home.room if home else None for home in unit] for unit in f.cells] for f in grid.floors}


def test_homes_of_a_stack_stand_under_each_other() -> None:
    grid = building_grid(homes(("2", 1, "101"), ("2", 3, "302"), ("1", 3, "301"), ("10", 2, "203")))
    assert [(u.unit, u.width) for u in grid.units] == [("1", 1), ("2", 2), ("10", 1)]
    assert rooms(grid) == {
        3: [["301"], [None, "302"], [None]],
        2: [[None], [None, None], ["203"]],
        1: [[None], ["101", None], [None]],
    }
    assert [f.floor for f in grid.floors] == [3, 2, 1]


def test_rooms_without_numbers_and_floors_still_have_a_cell_each() -> None:
    grid = building_grid(homes(("1", 2, ""), ("1", 2, ""), ("1", None, "x"), ("1", -1, "B")))
    shown = rooms(grid)
    assert list(shown) == [2, 1, -1, None]
    assert sum(home is not None for f in shown.values() for unit in f for home in unit) == 4


def test_the_plot_breaks_where_no_reading_holds() -> None:
    start = to_ms(START)
    times = [start - HOUR_MS // 2, start + HOUR_MS, start + 6 * HOUR_MS]
    window = (START, START + timedelta(hours=8))
    plot = home_plot(
        window, Track(times, [17.0, 19.0, 19.0], 90 * 60_000), Track([start], [18.0], 48 * HOUR_MS), (), ZONE
    )
    assert plot.temperature.count("M") == 2
    assert len(plot.gaps) == 2
    assert plot.below.count("Z") == 1


def test_the_floor_steps_at_six_and_twenty_one_local() -> None:
    point = MeasurementPoint(point_id="P", station="S1", building="3")
    steps = floor_steps(load_profile("enterprise"), point, (START, START + timedelta(hours=1)), ZONE)
    local = [(datetime.fromtimestamp(ms / 1000, ZONE).strftime("%H:%M"), floor) for ms, floor in steps]
    assert local == [("00:00", 16.0), ("06:00", 18.0), ("21:00", 16.0)]


def test_breaches_are_cut_to_the_window() -> None:
    window = (START, START + timedelta(hours=8))
    breaches = [(START - timedelta(hours=3), START + timedelta(hours=1)), (START - timedelta(hours=9), START)]
    plot = home_plot(window, Track([], [], 1), Track([], [], 1), breaches, ZONE)
    assert len(plot.breaches) == 1
    assert plot.breaches[0].x == 44


def many(buildings: int):  # type: ignore[no-untyped-def]
    points = [
        MeasurementPoint(point_id=f"P{s}-{b}", station=s, building=str(b), unit="1", floor=1, room="101")
        for s in ("S1", "S2")
        for b in range(1, buildings + 1)
    ]
    cold = PointStatus(at=START, status=Status.COLD, temperature_c=15.0, deficit_k=3.0, score=3.0)
    warm = PointStatus(at=START, status=Status.OK, temperature_c=20.0)
    status = {p.point_id: cold if p.building == "70" else warm for p in points}
    return homes_of(points, Known(status, {}, {}, {}, low_floors=2))


def test_a_large_site_shows_the_worst_buildings_and_each_station_page_by_page() -> None:
    rows = many(100)
    first = tiles(rows, "", 1)
    assert (len(first.shown), first.total, first.pages) == (60, 200, 4)
    assert list(first.shown)[:2] == ["S1/70", "S2/70"]
    assert [(s.id, s.buildings, s.cold) for s in first.stations] == [("S1", 100, 1), ("S2", 100, 1)]
    seen = [building for page in range(1, 5) for building in tiles(rows, "", page).shown]
    assert len(set(seen)) == len(seen) == 200
    second = tiles(rows, "S2", 2)
    assert list(second.shown) == [f"S2/{b}" for b in range(61, 101)]
    assert tiles(rows, "S2", 99).page == 2
    assert tiles(rows, "nowhere", 1).total == 0


def test_a_small_site_shows_all_buildings_in_their_order() -> None:
    shown = tiles(many(12), "", 1)
    assert list(shown.shown) == [f"{s}/{b}" for s in ("S1", "S2") for b in range(1, 13)]
    assert shown.pages == 1
