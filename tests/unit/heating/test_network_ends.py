"""Where a branch ends, by the register or by its distances; a blank branch is filled in where there is only one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registerkit import read, table


def ends(folder: Path, *rows: dict[str, Any], fraction: float = 0.8) -> list[bool]:
    file = read(folder, table(*rows), fraction)
    assert not file.problems
    return [p.network_end for p in file.points]


def test_the_end_of_the_network_is_derived_from_the_distances_on_a_branch(tmp_path: Path) -> None:
    rows = [{"branch": "B", "branch_distance_m": metres} for metres in (100, 399.9, 400, 500)]
    assert ends(tmp_path, *rows) == [False, False, True, True]
    assert ends(tmp_path, *rows, fraction=0.2) == [True] * 4


def test_where_all_stand_at_one_distance_or_none_is_known_there_is_no_end(tmp_path: Path) -> None:
    same = [{"branch": "A", "branch_distance_m": 300}, {"branch": "A", "branch_distance_m": 300}]
    unknown = [{"branch": "B"}, {"branch": "B"}, {"branch": "C", "branch_distance_m": 70}]
    assert ends(tmp_path, *same, *unknown) == [False] * 5


def test_a_written_yes_or_no_wins_and_its_distance_still_counts(tmp_path: Path) -> None:
    rows = [{"branch_distance_m": 500, "network_end": "否"}, {"branch_distance_m": 100, "network_end": "是"},
            {"branch_distance_m": 400}, {"branch_distance_m": 390}, {"network_end": "yes"}]  # fmt: skip
    assert ends(tmp_path, *rows) == [False, True, True, False, True]


def test_branches_of_different_stations_are_different(tmp_path: Path) -> None:
    rows = [{"station": s, "branch": "B", "branch_distance_m": m} for s, m in (("S1", 10), ("S1", 20), ("S2", 900))]
    assert ends(tmp_path, *rows) == [False, True, False]


def test_a_blank_branch_is_the_only_one_of_the_building_or_station(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        table(
            {"branch": "A"}, {"branch": ""}, {"branch": "B", "building": "2"}, {"branch": "", "building": "2"},
            {"branch": "", "building": "3"}, {"branch": "", "kind": "outdoor"}, {"branch": "", "station": "S2"},
        ),
    )  # fmt: skip
    assert [p.branch for p in file.points] == ["A", "A", "B", "B", "", ""]
    assert [(p.line, p.column) for p in file.problems] == [(6, "branch")]
    assert "A, B" in file.problems[0].reason
