"""The top-level names of the house are common words: an intruder is named."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from heatwatch.guard import HOME, NAMES, ShadowedPackage, check_names


def test_every_name_is_ours() -> None:
    check_names()
    assert sorted(NAMES) == sorted(
        path.parent.name for path in HOME.glob("*/__init__.py") if path.parent.name not in ("heatwatch", "tests")
    )


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ShadowedPackage, match="'heating' is missing"):
        check_names(lambda name: None)


def test_an_intruder_is_named_with_its_file() -> None:
    with pytest.raises(ShadowedPackage, match=r"'heating' of heatwatch is shadowed by /elsewhere/heating\.py"):
        check_names(lambda name: ModuleSpec(name, None, origin=f"/elsewhere/{name}.py"))


@pytest.mark.parametrize("name", ["alerts", "heating"])
def test_the_command_stops_in_one_line_before_it_imports_an_intruder(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('intruder ran')")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "import heatwatch"],
        env=env,
        cwd=HOME.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"heatwatch: package '{name}' of heatwatch is shadowed by {tmp_path}")
    assert len(done.stderr.splitlines()) == 1
