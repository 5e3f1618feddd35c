"""An estate from a seed, and its register as a site would hand it over."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from firmware_sim.estate import Estate
from firmware_sim.files import write_points
from heating.register_file import read_register
from heating.site import HeatingState, HomeClass, PointKind


@pytest.mark.parametrize("homes", [1, 2, 7, 20, 500])
def test_monitors_exactly_the_homes_asked_for(homes: int) -> None:
    estate = Estate.build(homes, 3)
    rooms = estate.room_points
    assert len({p.home_id for p in rooms}) == homes == len(np.unique(estate.rooms.home))
    assert len({p.point_id for p in estate.points}) == len({p.device_id for p in estate.points}) == len(estate.points)
    assert sum(p.kind is PointKind.ENTRY for p in estate.points) == len(estate.buildings)
    assert sum(p.kind is PointKind.OUTDOOR for p in estate.points) == len(estate.station_ids)


def test_has_what_a_city_has() -> None:
    estate = Estate.build(3000, 5)
    rooms, points = estate.rooms, estate.room_points
    assert {p.home_class for p in points} == set(HomeClass)
    assert {p.heating_state for p in points} == set(HeatingState)
    assert len(points) > 3000  # some homes have two points
    assert 0.15 < rooms.bottom.mean() < 0.4
    assert 0.15 < rooms.top.mean() < 0.4
    assert 0.2 < rooms.corner.mean() < 0.7
    assert all(1 <= (p.floor or 0) <= (p.floors_total or 0) <= 24 for p in points)
    assert 0.05 < np.mean([p.network_end for p in points]) < 0.5
    contracts = [p.contract_day_c is not None for p in points if p.home_class is not HomeClass.APARTMENT]
    assert contracts
    assert all(contracts)


def test_a_seed_names_an_estate() -> None:
    assert Estate.build(60, 1).points == Estate.build(60, 1).points
    assert Estate.build(60, 1).points != Estate.build(60, 2).points


def test_the_register_reads_back_as_it_was_meant(tmp_path: Path) -> None:
    estate = Estate.build(400, 11)
    write_points(tmp_path / "points.csv", estate)
    file = read_register(tmp_path / "points.csv", ZoneInfo("Asia/Shanghai"))
    file.require_good()
    assert tuple(file.points) == estate.points


def test_people_are_plainly_invented() -> None:
    estate = Estate.build(30, 1)
    assert all("样例" in c.name and c.phone.startswith("000") for c in estate.contacts.values())
