"""A real mosquitto on a free loopback port, from the configuration that we hand to sites."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts import ROOT, free_port, need

# What a test broker on loopback does otherwise than a site.
_OURS = {"persistence_location", "listener", "allow_anonymous", "password_file", "acl_file", "log_type"}


class Mosquitto:
    """One broker: `start`, `stop` (SIGTERM), `kill` (SIGKILL); its port and folder stay the same."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, *, persistence: bool = True, extra: tuple[str, ...] = ()) -> None:
        self._program = need("mosquitto")
        self.folder = folder
        self.port = free_port()
        self.log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(_config(folder, self.port, persistence=persistence, extra=extra)) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", self._config], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"mosquitto ended: {self.log.read_text()[-2000:]}")
            if _answers(self.port):
                return
            time.sleep(0.02)
        raise RuntimeError("mosquitto does not listen")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def save(self) -> None:
        """Make the broker write its database now (SIGUSR1)."""
        if self._process is not None:
            before = _age(self.folder / "mosquitto.db")
            self._process.send_signal(signal.SIGUSR1)
            deadline = time.monotonic() + 5
            while _age(self.folder / "mosquitto.db") == before and time.monotonic() < deadline:
                time.sleep(0.02)

    def pause(self) -> None:
        """Let the broker fall silent without closing its connections (SIGSTOP)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


@contextmanager
def mosquitto(folder: Path, *, persistence: bool = True, extra: tuple[str, ...] = ()) -> Iterator[Mosquitto]:
    """Run a broker in a folder until the block ends."""
    broker = Mosquitto(folder, persistence=persistence, extra=extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.resume()
        broker.stop()


def _config(folder: Path, port: int, *, persistence: bool, extra: tuple[str, ...]) -> list[str]:
    lines = [
        line
        for line in (ROOT / "config" / "mosquitto.conf").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#") and line.split()[0] not in _OURS | {other.split()[0] for other in extra}
    ]
    if not persistence:
        lines = [line for line in lines if not line.startswith(("persistence ", "autosave"))]
    lines += [f"listener {port} 127.0.0.1", "allow_anonymous true", "log_type error", "log_type warning"]
    if persistence:
        lines.append(f"persistence_location {folder}/")
    return [*lines, "log_dest stderr", "user root", *extra]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0.0
