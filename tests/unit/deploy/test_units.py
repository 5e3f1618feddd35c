"""The units for systemd: of one mind, and understood by systemd where it is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from parts import ROOT

FOLDER = ROOT / "config" / "systemd"
NAMES = ("heatwatch.service", "heatwatch@.service")


def keys(name: str) -> dict[str, list[str]]:
    """Values of each key of a unit."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_both_units_are_hardened_alike() -> None:
    one, template = map(keys, NAMES)
    own = {"Description", "Conflicts", "ExecStart", "EnvironmentFile"}
    assert {k: v for k, v in one.items() if k not in own} == {k: v for k, v in template.items() if k not in own}


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_its_own_user_and_has_time_to_finish(name: str) -> None:
    unit = keys(name)
    assert unit["User"] == ["heatwatch"]
    assert unit["NoNewPrivileges"] == ["yes"]
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["Restart"] == ["on-failure"]
    assert int(unit["TimeoutStopSec"][0]) >= 60
    assert unit["StartLimitIntervalSec"] == ["0"], "a store that is away for an hour must not end it for good"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for name in NAMES:
        text = (FOLDER / name).read_text("utf-8").replace("/opt/heatwatch/bin/heatwatch", sys.executable)
        (tmp_path / name.replace("@", "@collector")).write_text(text)
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert not [line for line in done.stderr.splitlines() if "heatwatch" in line]
    for unit in units:
        command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, re.findall("exposure.*", done.stdout)
