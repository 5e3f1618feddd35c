"""Contract §1: `--json` wherever a result is printed, and alone on stdout; `--points` stands in for `site.points`."""

from __future__ import annotations

from pathlib import Path

import pytest
from peers.site import Site

POINTS = "point_id,device_id,station,building,unit,floor,room\nP1,D1,S1,1,1,1,101\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "points.csv").write_text(POINTS)
    return Site(tmp_path, tmp_path / "points.csv")


def test_outages_in_the_words_of_the_contract(site: Site) -> None:
    span = ("--from", "2026-12-01", "--to", "2026-12-01T20:00:00-04:00")
    made = site.ask("outage", "add", "S1/1", *span, "--reason", "年检")
    assert {key: made[key] for key in ("place", "from", "to", "reason")} == {
        "place": "S1/1",
        "from": "2026-12-01T00:00:00.000+08:00",
        "to": "2026-12-02T08:00:00.000+08:00",
        "reason": "年检",
    }
    assert site.ask("outage", "list") == [made]
    site.call("outage", "end", made["id"], "--at", "2026-12-01T06:00")
    assert [row["to"] for row in site.ask("outage", "list")] == ["2026-12-01T06:00:00.000+08:00"]


def test_results_of_acts_as_json(site: Site) -> None:
    file = site.folder / "readings.csv"
    file.write_text("device_id,ts,temperature_c\nD1,2026-11-22T10:00,19\nD9,2026-11-22T10:00,19\n")
    assert site.ask("import", "readings", str(file)) == {"stored": 1, "present": 0, "skipped": 1}
    assert site.ask("import", "readings", str(file)) == {"stored": 0, "present": 1, "skipped": 1}
    built = site.ask("dashboards", "build", "--out", str(site.folder / "grafana"))
    assert built
    assert all(Path(name).is_file() for name in built)


def test_points_may_stand_before_and_behind_the_command(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(POINTS)
    site = Site(tmp_path, tmp_path / "none.csv")
    for words in (("--points", "points.csv", "check"), ("check", "--points", "points.csv")):
        said = site.call(*words, check=False).stdout
        assert "ok  register       points.csv: 1 points" in said
    assert "BAD register" in site.call("check", check=False).stdout


def test_a_list_up_to_a_time_wants_its_begin(site: Site) -> None:
    """`--to` alone is not silently ignored."""
    site.call("points", "import", str(site.folder / "points.csv"))
    for command in ("findings", "orders"):
        done = site.call(command, "--to", "2026-11-22", check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--from" in done.stderr


def test_staff_read_lists_in_their_language(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(POINTS)
    chinese = Site(tmp_path, tmp_path / "points.csv")
    chinese.call("outage", "add", "S1", "--from", "2026-12-01", "--reason", "年检")
    assert all(word in chinese.call("outage", "list").stdout for word in ("停热登记", "编号", "年检"))
    chinese.config.write_text(chinese.config.read_text("utf-8").replace("[site]", '[site]\nlanguage = "en"'), "utf-8")
    assert all(word in chinese.call("outage", "list").stdout for word in ("outages", "place", "年检"))


def test_the_folder_of_accounts_is_named_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(POINTS)
    site = Site(tmp_path, tmp_path / "points.csv")
    text = site.config.read_text("utf-8").replace("[mqtt]", '[mqtt]\ndevice_password_file = "none/passwd"')
    site.config.write_text(text, "utf-8")
    done = site.call("devices", "add", "D1", check=False)
    assert done.returncode == 2
    assert "mqtt.device_password_file = " in done.stderr
