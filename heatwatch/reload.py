"""Makes a mosquitto read its accounts and access rules anew (SIGHUP)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

# Not `docker compose kill -s HUP`: Docker takes a signal of its own for a stop by hand, and starts no container again
# (restart: unless-stopped) that was stopped by hand.
_BY_HAND = (
    "the broker has to read its accounts anew: "
    "`systemctl reload mosquitto`, `docker compose exec mosquitto kill -HUP 1`"
)


def reload_broker(pid_file: str, say: Callable[[str], None]) -> None:
    """Send SIGHUP to the broker that a pid file names; where that cannot be done, say what a person has to do."""
    pid = _running(Path(pid_file)) if pid_file else None
    if pid is None:
        say(_BY_HAND)
        return
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as wrong:
        say(f"{_BY_HAND} (process {pid}: {wrong.strerror})")
    else:
        say(f"broker {pid} reads its accounts anew")


def _running(pid_file: Path) -> int | None:
    """Return the process of a pid file if it is a mosquitto: a stale file may name anybody's process by now."""
    try:
        pid = int(pid_file.read_text("ascii"))
        name = Path(f"/proc/{pid}/comm").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None
    return pid if pid > 0 and name == "mosquitto" else None
