"""What every test run shares: parts asked for by a marker, and the list of what did not run."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import settings
from parts import NEEDS, PARTS, need

# A marker that stands for a part asks for it by itself; `integration` tests name theirs.
_MARKED = {"influx": "influxd", "chromium": "chromium", "realdata": "realdata"}

# Deadlines of single examples only measure how busy the machine is. Where every part is required (CI), the same commit
# is judged by the same examples; people's runs search on.
settings.register_profile("house", deadline=None, print_blob=True)
settings.register_profile("gate", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("gate" if os.environ.get("HEATWATCH_REQUIRE") else "house")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, part in _MARKED.items():
        if item.get_closest_marker(marker):
            need(part)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = _missing_parts(terminalreporter.stats.get("skipped", []))
    if not missing:
        return
    terminalreporter.section("did not run")
    for part, count in sorted(missing.items()):
        hint = PARTS[part].hint
        terminalreporter.line(f"{count:4d} skipped without {part}" + (f": needs {hint}" if hint else ""))
    packages = sorted({package for part in missing if (package := PARTS[part].package)})
    if packages:
        terminalreporter.line(f"bring them: sudo apt-get install --no-install-recommends {' '.join(packages)}")


def _missing_parts(skipped: list[pytest.TestReport | pytest.CollectReport]) -> Counter[str]:
    missing: Counter[str] = Counter()
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _, found, rest = reason.partition(f"Skipped: {NEEDS}")
        if found:
            missing[rest.split(" ", 1)[0]] += 1
    return missing
