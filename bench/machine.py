"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from parts import PARTS

_PACKAGES = ("numpy", "duckdb", "paho-mqtt", "msgspec", "influxdb-client", "sqlalchemy")
_PROGRAMS = {"mosquitto": ("-h",), "influxd": ("version",), "telegraf": ("--version",)}


def describe() -> dict[str, str]:
    """Return processor, memory, kernel, versions and how busy the machine is."""
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{_system()}, Linux {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "programs": ", ".join(filter(None, map(_program, _PROGRAMS))) or "none",
        "load": f"{os.getloadavg()[0]:.1f} when the run began",
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _program(name: str) -> str:
    path = where(name)
    if path is None:
        return ""
    said = subprocess.run([path, *_PROGRAMS[name]], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v?(\d+\.\d+\.\d+)", said)
    return f"{name} {found[1] if found else '?'}"


def where(name: str) -> Path | None:
    """Return where a program is, None where it is not."""
    found = PARTS[name].find() if name in PARTS else shutil.which(name)
    return Path(found) if found else None
