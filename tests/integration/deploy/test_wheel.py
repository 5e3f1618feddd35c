"""The steps of the Dockerfile without Docker: the wheel, an environment outside the tree, commands, a stage stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from parts import ROOT, free_port
from peers.collecting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PACKAGES = ("heatwatch", "heating", "collector", "analyzer", "alerts", "dashboards", "firmware_sim")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what .dockerignore lets into the image."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    out = source / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", out, source],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def heatwatch(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel in an environment outside the tree; libraries are those of the tests."""
    home = tmp_path_factory.mktemp("opt") / "heatwatch"
    venv.create(home, with_pip=False, symlinks=True)
    place = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (place / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    install = ["install", "-q", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", home / "bin" / "python", *install], check=True)
    return home / "bin" / "heatwatch"


def run(command: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "TZ": "Asia/Shanghai", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [command, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not files - set(zipfile.ZipFile(wheel).namelist())


def test_commands_work_outside_the_tree(heatwatch: Path, tmp_path: Path) -> None:
    shown = run(heatwatch, tmp_path, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    (tmp_path / "points.csv").write_text("point_id,device_id,station,building,unit,floor,room\nP1,D1,S1,1,1,2,201\n")
    (tmp_path / "heatwatch.toml").write_text(f'site.points = "points.csv"\nmqtt.port = {free_port()}\n')
    checked = run(heatwatch, tmp_path, "check", "--json")
    found = {line["part"]: line["outcome"] for line in json.loads(checked.stdout)}
    assert checked.returncode == 1, "no broker here"
    assert [part for part, outcome in found.items() if outcome == "bad"] == ["broker"]
    made = run(heatwatch, tmp_path, "simulate", "--homes", "12", "--as-fast-as-possible", "--out", "estate")
    assert made.returncode == 0, made.stderr
    files = ("--points", "estate/points.csv", "--readings", "estate/readings.csv")
    last = (tmp_path / "estate" / "readings.csv").read_text().strip().splitlines()[-1].split(",")[1]
    judged = run(heatwatch, tmp_path, "analyze", *files, "--at", last, "--json")
    assert judged.returncode == 0, judged.stderr
    assert len(json.loads(judged.stdout)["homes"]) >= 12


def test_stages_serve_their_pages_and_leave_with_zero_at_sigterm(heatwatch: Path, tmp_path: Path) -> None:
    console, metrics = free_port(), free_port()
    (tmp_path / "points.csv").write_text("point_id,device_id,station,building,unit,floor,room\nP1,D1,S1,1,1,2,201\n")
    (tmp_path / "heatwatch.toml").write_text(
        f'site.points = "points.csv"\nmqtt.port = {free_port()}\nconsole.port = {console}\nmetrics.port = {metrics}\n'
    )
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen([heatwatch, "run"], cwd=tmp_path, stderr=file)
    try:
        assert wait_until(lambda: answers(f"http://127.0.0.1:{console}/"), 60), log.read_text()
        assert answers(f"http://127.0.0.1:{console}/static/console.css")
        assert answers(f"http://127.0.0.1:{metrics}/metrics")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    assert "Traceback" not in log.read_text()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
