"""System parts that tests need: real programs, fonts, measured data.

A missing part skips the test and is listed at the end of the run with the apt line that brings it. With
`HEATWATCH_REQUIRE=all` (as in `.ci/run`), or a list such as `HEATWATCH_REQUIRE=mosquitto,influxd`, it fails instead.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDS = "needs "  # how the reason of such a skip begins, so that the summary finds it
_SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")


@dataclass(frozen=True)
class Part:
    """Where a part is found, and the Debian package that brings it (None: no package does)."""

    find: Callable[[], Path | None]
    package: str | None = None
    hint: str = ""


def need(name: str) -> Path:
    """Return where a part is; without it skip the test, or fail where the part is required."""
    part = PARTS[name]
    found = part.find()
    if found is not None:
        return found
    reason = f"{NEEDS}{name} ({part.hint or f'apt-get install {part.package}'})"
    if required(name):
        pytest.fail(f"{reason}, and HEATWATCH_REQUIRE asks for it", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def required(name: str) -> bool:
    """Tell whether `HEATWATCH_REQUIRE` makes a missing part a failure."""
    asked = {word.strip() for word in os.environ.get("HEATWATCH_REQUIRE", "").split(",")}
    return bool(asked & {"all", name})


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program(*names: str) -> Callable[[], Path | None]:
    def find() -> Path | None:
        path = os.pathsep.join((os.environ.get("PATH", ""), *_SBIN))
        found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
        return Path(found) if found else None

    return find


def _chinese_font() -> Path | None:
    return next(Path("/usr/share/fonts").glob("**/Noto*CJK*"), None)


def _real_data() -> Path | None:
    folder = ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


PARTS = {
    "mosquitto": Part(_program("mosquitto"), "mosquitto"),
    "mosquitto_pub": Part(_program("mosquitto_pub"), "mosquitto-clients"),
    "mosquitto_sub": Part(_program("mosquitto_sub"), "mosquitto-clients"),
    "mosquitto_passwd": Part(_program("mosquitto_passwd"), "mosquitto"),
    "influxd": Part(_program("influxd"), "influxdb"),
    "chromium": Part(_program("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "chromedriver": Part(_program("chromedriver"), "chromium-driver"),
    "pdftotext": Part(_program("pdftotext"), "poppler-utils"),
    "tmux": Part(_program("tmux"), "tmux"),
    "openssl": Part(_program("openssl"), "openssl"),
    "git": Part(_program("git"), "git"),
    "make": Part(_program("make"), "make"),
    "mkfs.ext4": Part(_program("mkfs.ext4"), "e2fsprogs"),
    "font": Part(_chinese_font, "fonts-noto-cjk"),
    "realdata": Part(_real_data, None, "the measured series in ../shared/data beside the checkout"),
}
