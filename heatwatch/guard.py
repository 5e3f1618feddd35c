"""Our top-level names are common words: make sure that each is our own package and not somebody else's.

The folders of the house are import names (`collector`, `alerts` ...). Another distribution, or a file lying in the
folder where the command is typed, could stand in for one of them and be imported instead. This file therefore imports
nothing of the house.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

NAMES = ("heating", "collector", "analyzer", "alerts", "dashboards", "firmware_sim")
HOME = Path(__file__).resolve().parent.parent


class ShadowedPackage(ImportError):
    """A name of the house resolves to somebody else's code; the text names the intruder."""


def check_names(find: Callable[[str], ModuleSpec | None] = importlib.util.find_spec) -> None:
    """Check that every name resolves to the folder beside this package.

    Raises
    ------
    ShadowedPackage
        Naming the intruder's file, and the distribution that brought it.
    """
    for name in NAMES:
        spec = find(name)
        if spec is None:
            raise ShadowedPackage(f"package {name!r} is missing in {HOME}: install heatwatch again")
        origin = Path(spec.origin or next(iter(spec.submodule_search_locations or ()), "(unknown)")).resolve()
        if origin != HOME / name / "__init__.py":
            raise ShadowedPackage(f"package {name!r} of heatwatch is shadowed by {origin}{_who(name)}")


def stop_if_shadowed() -> None:
    """End the process with one line if a name of the house is not ours."""
    try:
        check_names()
    except ShadowedPackage as shadowed:
        sys.stderr.write(f"heatwatch: {shadowed}\n")
        raise SystemExit(2) from None


def _who(name: str) -> str:
    from importlib.metadata import packages_distributions  # slow, and needed only for this sentence

    others = sorted(set(packages_distributions().get(name, ())) - {"heatwatch"})
    return f" of {', '.join(others)}; uninstall it" if others else "; remove it or start from another folder"
