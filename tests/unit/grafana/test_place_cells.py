"""Where a row leads, and what it is called in both languages; the storeys that a grid shows without a home."""

from __future__ import annotations

import re

import pytest

from dashboards.grafana.looks import places
from dashboards.grafana.place_cells import PlaceCells, empty_storeys, spot
from dashboards.grafana.words import speaker
from heating.finding import Subject
from heating.register import Register
from heating.site import MeasurementPoint, PointKind, SubjectType
from heating.words import Language

HOME = MeasurementPoint(
    point_id="P1", station="S1", branch="B", building="3", unit="2", floor=5, floors_total=6, room="501"
)
NAMED = MeasurementPoint(point_id="P2", station="S1", branch="B", building="锦绣家园甲座", unit="", floor=1, room="1A")
ENTRY = MeasurementPoint(point_id="E1", station="S1", branch="B", building="3", kind=PointKind.ENTRY)
OUTDOOR = MeasurementPoint(point_id="O1", station="S1", building="", kind=PointKind.OUTDOOR)
CELLS = PlaceCells(Register.of_points([HOME, NAMED, ENTRY, OUTDOOR]))


def said(text: str, language: Language) -> str:
    """Word a cell as Grafana does: the first pattern that fits, with its groups put in."""
    for mapping in places(speaker(language)):
        found = re.search(mapping["options"]["pattern"].strip("/"), text)
        if found:
            return found.expand(mapping["options"]["result"]["text"].replace("$", "\\"))
    return text


@pytest.mark.parametrize(
    ("kind", "ident", "chinese", "english", "board", "last"),
    [
        (SubjectType.HOME, "S1/3/2/501", "S1 3号楼 2单元 501室", "S1 bldg 3 unit 2 rm 501", "home", "home"),
        (SubjectType.POINT, "P1", "S1 3号楼 2单元 501室", "S1 bldg 3 unit 2 rm 501", "home", "home"),
        (SubjectType.RISER, "S1/3/2", "S1 3号楼 立管 2", "S1 bldg 3 riser 2", "building", "building"),
        (SubjectType.BUILDING, "S1/3", "S1 3号楼", "S1 bldg 3", "building", "building"),
        (SubjectType.BUILDING, "S1/锦绣家园甲座", "S1/锦绣家园甲座", "S1/锦绣家园甲座", "building", "building"),
        (SubjectType.BRANCH, "S1/B", "S1 支线 B", "S1 branch B", "station", "branch"),
        (SubjectType.STATION, "S1", "换热站 S1", "station S1", "station", "station"),
        (SubjectType.POINT, "E1", "S1/3 E1", "S1/3 E1", "building", "building"),
        (SubjectType.POINT, "O1", "S1 O1", "S1 O1", "station", "station"),
    ],
)
def test_a_place_has_words_in_both_languages_and_a_dashboard(
    kind: SubjectType, ident: str, chinese: str, english: str, board: str, last: str
) -> None:
    cells = CELLS.of(Subject(kind, ident))
    assert said(cells["named"], Language.ZH) == chinese
    assert said(cells["named"], Language.EN) == english
    assert cells["board"] == f"heatwatch-{board}"
    assert list(cells)[-1] == last


def test_a_place_that_is_no_more_is_named_and_leads_nowhere() -> None:
    assert CELLS.of(Subject(SubjectType.BUILDING, "S9/1")) == {"named": "building S9/1"}


def test_storeys_without_a_home_reach_to_the_roof_and_into_the_cellar() -> None:
    below = MeasurementPoint(point_id="P3", station="S1", building="3", unit="1", floor=-2, room="01")
    ((room, storeys),) = empty_storeys([HOME, below])
    assert room.building_id == "S1/3"
    assert storeys == [-1, 1, 2, 3, 4, 6]


def test_a_tower_shows_watched_storeys_alone_and_so_all_of_them() -> None:
    tower = MeasurementPoint(
        point_id="P4", station="S1", building="4", unit="1", floor=20, floors_total=24, room="2001"
    )
    assert [storeys for _, storeys in empty_storeys([tower])] == [[]]


def test_a_spot_is_the_cell_of_the_grid_and_the_home() -> None:
    assert spot(5, "2-01", "S1/3/2/501") == "5F 2-01|S1/3/2/501"
