"""What `make` says to a newcomer whose Python will not do: one line, and nothing is left behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from parts import ROOT, need

OLD = """#!/bin/sh
[ "$1" = --version ] && echo "Python 3.10.12" && exit 0
exit 1
"""
WITHOUT_VENV = """#!/bin/sh
[ "$2" = venv ] && mkdir "$3" && echo "ensurepip is not available" && exit 1
exec {python} "$@"
"""
OF_THIS = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OLD, "needs Python 3.11 or newer; here is: Python 3.10.12; right would be: make demo PYTHON="),
        (None, "needs Python 3.11 or newer; here is: "),
        (WITHOUT_VENV.format(python=sys.executable), f"sudo apt-get install {OF_THIS}-venv"),
    ],
    ids=["old", "none", "without-venv"],
)
def test_a_python_that_will_not_do_is_told_in_one_line(tmp_path: Path, text: str | None, told: str) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / "python"
    if text is not None:
        python.write_text(text)
        python.chmod(0o755)
    done = subprocess.run(
        [need("make"), "--no-print-directory", "demo", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]
    assert done.returncode == 2
    assert len(ours) == 1, ours
    assert told in ours[0]
    assert not (tmp_path / ".venv").exists()
