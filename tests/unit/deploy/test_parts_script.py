"""What `make test` installs by itself, with an apt that only writes down what it is asked for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from parts import PARTS, ROOT

APT = """#!{bash}
echo "$*" >> {folder}/asked
case "$*" in
    *{lacking}*) echo "E: Unable to locate package" >&2; exit 100;;
esac
"""
HARMLESS = {
    "true": "",
    "tee": "",
    "chmod": "",
    "rm": "",
    "sudo": 'shift; exec "$@"',
}  # nothing of this machine is touched


@pytest.fixture
def bash() -> str:
    return shutil.which("bash") or pytest.fail("no bash")


def asked(folder: Path, bash: str, lacking: str) -> tuple[list[str], str]:
    """Run the script where no program is there but apt; return what apt was to install, and what people read."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "env").symlink_to(shutil.which("env") or "/usr/bin/env")
    texts = {name: f"#!{bash}\n{text}\n" for name, text in HARMLESS.items()}
    for name, text in (texts | {"apt-get": APT.format(bash=bash, folder=folder, lacking=lacking)}).items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    done = subprocess.run(
        [bash, ROOT / ".ci" / "parts"], env={"PATH": str(programs)}, capture_output=True, text=True, check=True
    )
    lines = (folder / "asked").read_text().splitlines()
    return [line for line in lines if " install -y " in line], done.stdout + done.stderr


def test_a_package_that_the_system_lacks_keeps_no_other_away(tmp_path: Path, bash: str) -> None:
    installed, told = asked(tmp_path, bash, lacking="chromium")
    (line,) = installed
    assert {"tmux", "influxdb", "poppler-utils"} <= set(line.split())
    assert "chromium" not in line
    assert "apt has no chromium" in told


def test_without_any_package_it_says_so_and_goes_on(tmp_path: Path, bash: str) -> None:
    installed, told = asked(tmp_path, bash, lacking="install")
    assert installed == []
    assert "apt has no" in told


def test_it_knows_every_package_that_tests_ask_for() -> None:
    packages = {part.package for part in PARTS.values() if part.package} - {"make"}  # which runs it
    text = (ROOT / ".ci" / "parts").read_text("utf-8")
    assert not [package for package in packages if f"={package}" not in text and f"({package})" not in text]
