"""Contract §1 and §2 where something is wrong: exit 2 with one line that names it, no traceback; `check` finds it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import IO

import pytest
from peers.site import HEATWATCH, Site

POINTS = "point_id,device_id,station,building,unit,floor,room\nP1,D1,S1,1,1,1,101\n"

# What is typed, and what the line must name: the argument, what was given, what would be right.
TYPED: dict[str, tuple[str, ...]] = {
    "frobnicate": ("frobnicate", "--help"),
    "check --jsn": ("--jsn", "--json"),
    "points check": ("file",),
    "export": ("readings", "findings", "orders"),
    "export reading --from 2026-01-01": ("'reading'", "readings"),
    "run colector": ("'colector'", "collector"),
    "quarantine --limit 0": ("--limit", "'0'", "1"),
    "quarantine --limit=ten": ("--limit", "'ten'", "integer"),
    "analyze --at noon": ("--at", "'noon'", "2026-11-22T06:00"),
    "points template /proc/none/points.csv": ("/proc/none/points.csv",),
    "points template /proc/none/points.xlsx": ("/proc/none/points.xlsx",),
    "dashboards build --out /proc/none": ("--out", "/proc/none"),
    "simulate --homes 2 --out /proc/none": ("--out", "/proc/none"),
    "demo --homes 2 --for 1s --dir /proc/none": ("--dir", "/proc/none"),
    "restore points.csv": ("points.csv", "no backup"),
    "outage add S1 --from 2026-01-01 --reason=": ("--reason",),
    "report rounds --at 2026-01-01 --date 2026-01-01 --out r.csv": ("--at", "--date"),
    "report points --date 2026-01-01 --hours 8,25 --out r.csv": ("--hours", "8,25", "23"),
    "orders": ("ledger.url", "heatwatch run"),
}

# A line of the configuration that `run` would refuse, and the part of `check` that says so.
WRONG_VALUES: dict[str, tuple[str, str]] = {
    '[[mqtt.topics]]\nfilter = "a/b"\ndecoder = "chirpstak"': ("topics", "chirpstack"),
    '[[mqtt.topics]]\nfilter = "a/#/b"': ("topics", "a/#/b"),
    '[[alerts.receivers]]\nname = "hook"\ntype = "webhook"': ("receivers", "url"),
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "points.csv").write_text(POINTS)
    return Site(tmp_path, tmp_path / "points.csv")


@pytest.mark.parametrize("typed", TYPED)
def test_one_line_names_what_is_wrong(site: Site, typed: str) -> None:
    done = site.call(*typed.split(), check=False)
    (line,) = done.stderr.strip().splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("heatwatch: ")
    for part in TYPED[typed]:
        assert part in line


def test_a_place_that_is_in_no_register_makes_no_empty_paper(site: Site) -> None:
    site.call("points", "import", str(site.folder / "points.csv"))
    done = site.call("report", "rounds", "--station", "S9", "--out", "r.csv", check=False)
    assert done.returncode == 2
    assert "--station: 'S9' is not in the register; it has S1" in done.stderr
    assert not (site.folder / "r.csv").exists()


@pytest.mark.parametrize("lines", WRONG_VALUES)
def test_check_finds_what_run_would_refuse(tmp_path: Path, lines: str) -> None:
    (tmp_path / "points.csv").write_text(POINTS)
    done = Site(tmp_path, tmp_path / "points.csv", extra=lines).call("check", check=False)
    part, named = WRONG_VALUES[lines]
    (found,) = [line for line in done.stdout.splitlines() if line.startswith("BAD") and line.split()[1] == part]
    assert (done.returncode, done.stderr) == (1, "")
    assert named in found


def test_what_the_environment_says_wrong_is_named(site: Site) -> None:
    wrong = {
        "HEATWATCH__ANALYZR__EVERY_S": "'analyzer.every_s'",
        "HEATWATCH__REGULATION__LEGAL": "regulation.legal: '99999' is no profile; known are beijing, enterprise,",
        "HEATWATCH__ALERTS__RECEIVERS": "alerts.receivers = 99999: must be a list",
        "HEATWATCH__ANALYZER": "HEATWATCH__SECTION__KEY",
        "HEATWATCH__CONSOLE__PORT": "console.port = 99999: must be a whole number, 0 up to 65535",
    }
    for name, told in wrong.items():
        done = site.call("check", check=False, environment={name: "99999"})
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith(f"heatwatch: {name}: ")
        assert told in line


def test_a_register_that_is_not_there_is_named_by_its_key(tmp_path: Path) -> None:
    done = Site(tmp_path, tmp_path / "none.csv").call("run", check=False)
    assert (done.returncode, done.stderr) == (2, f"heatwatch: site.points: {tmp_path / 'none.csv'}: no such file\n")


def test_patterns_are_told_in_words(tmp_path: Path) -> None:
    for line, told in {
        'name = "值班群"': "name: '值班群' must be 1 to 40 of the letters a to z, digits, - and _",
        'name = "a"\nquiet_from = "25:00"': "quiet_from: '25:00' must be a time of day such as 22:00, or blank",
    }.items():
        receiver = f'[[alerts.receivers]]\ntype = "console"\n{line}'
        done = Site(tmp_path, tmp_path / "points.csv", extra=receiver).call("check", check=False)
        assert done.returncode == 2
        assert f"alerts.receivers[1].{told}" in done.stderr


def test_check_promises_no_store_where_none_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(POINTS)
    store = tmp_path / "points.csv" / "s.duckdb"  # below a file
    said = Site(tmp_path, tmp_path / "points.csv", store=f"duckdb:///{store}").call("check", check=False).stdout
    assert f"BAD store          store.url: there is no store {store}, and no run can create it" in said
    assert "-   ledger" in said


def test_a_list_where_a_table_stands_is_called_so(site: Site) -> None:
    site.config.write_text("[[mqtt]]\nport = 1\n")
    assert "mqtt = [{'port': 1}]: must be a table" in site.call("check", check=False).stderr


def test_who_stops_reading_ends_a_command_in_peace(site: Site) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nobody:
        assert ended(site, nobody) == (0, "")


def test_a_full_disk_behind_what_is_printed_is_told_in_a_line(site: Site) -> None:
    with Path("/dev/full").open("wb") as full:
        assert ended(site, full) == (2, "heatwatch: what it prints cannot be written: No space left on device\n")


def ended(site: Site, out: IO[bytes]) -> tuple[int, str]:
    command = [*HEATWATCH, "--config", str(site.config), "check", "--json"]
    done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60, cwd=site.folder)
    return done.returncode, done.stderr
