"""`make bench`: what the parts cost on this machine, each beside something that anyone can judge.

Absolute figures of a shared machine swing by half; the ratios hold. `python tests/bench rule files` runs some of them.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("[a-z]*.py") if path.stem != "measuring")


def main(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.stderr.write(f"no such bench: {', '.join(unknown)}; there are {', '.join(NAMES)}\n")
        return 2
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    for name in wanted or NAMES:
        sys.stdout.write(f"\n== {name}\n")
        importlib.import_module(name).run()
    return 0


sys.exit(main(sys.argv[1:]))
