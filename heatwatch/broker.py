"""A broker of our own for the demonstration: mosquitto where it is found, else iotcore, in a child process.

It listens on loopback only, keeps its queues in a folder of its own, and ends with this process however that ends: the
child holds our end of a pipe and stops when it closes. Ctrl-C in the terminal does not reach it, so that the stages can
finish first.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from heating.errors import HeatwatchError

LOG = logging.getLogger(__name__)

Kind = Literal["mosquitto", "iotcore"]
HOST = "127.0.0.1"
MAX_PAYLOAD = 1 << 20
_READY_S = 20.0
_TRIES = 5

# The shell is the keeper: it ends the broker when our pipe closes, and itself when the broker ends.
_KEEPER = """exec 3<&0
"$0" -c "$1" 3<&- & broker=$!
trap 'kill "$broker"' TERM
(cat <&3 >/dev/null; kill "$broker") 2>/dev/null &
wait "$broker"
"""

# Queues are large and finite: a backlog of a night fits, the memory of a laptop is not filled.
_MOSQUITTO = """listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 60
max_inflight_messages 1000
max_queued_messages 2000000
max_queued_bytes 1073741824
max_packet_size {packet}
persistent_client_expiration 1d
log_dest stderr
log_type error
log_type warning
"""

_LISTENER = """[{version}.1]
name = "{version}"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {payload}
max_inflight_count = 1000
dynamic_filters = true
"""

_IOTCORE = """id = 0
[router]
id = 0
max_connections = 10000
max_outgoing_packet_count = 200
max_segment_size = 33554432
max_segment_count = 10
"""


class BrokerFailed(HeatwatchError):
    """The demonstration's broker cannot be started."""


def mosquitto_program() -> str | None:
    """Return where mosquitto is, looking in PATH and where Debian puts it."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))


class DemoBroker:
    """A broker on a free loopback port for the length of a `with` block.

    Attributes
    ----------
    host, port
        Where MQTT 5 is spoken (mosquitto speaks 3.1.1 there as well).
    port_311
        Where MQTT 3.1.1 is spoken: the same port with mosquitto, another one with iotcore.
    kind
        Which broker runs.
    """

    host = HOST

    def __init__(self, kind: Kind | None = None) -> None:
        self.kind: Kind = kind or ("mosquitto" if mosquitto_program() else "iotcore")
        self.port = 0
        self.port_311 = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="heatwatch-broker-")
        try:
            self._start(Path(self._folder.name))
        except BaseException:
            self.close()
            raise
        LOG.info("broker_started kind=%s port=%d", self.kind, self.port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the child process runs."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Stop the broker and remove its folder; safe to call twice."""
        self._stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _start(self, folder: Path) -> None:
        for _ in range(_TRIES):  # somebody else may take a free port before the broker does
            self.port = _free_port()
            self.port_311 = self.port if self.kind == "mosquitto" else _free_port()
            self._process = self._launch(folder)
            if self._ready():
                return
            self._stop()
        raise BrokerFailed(f"{self.kind} does not start: {_last_line(folder / 'broker.log')}")

    def _launch(self, folder: Path) -> subprocess.Popen[bytes]:
        config = folder / "broker.toml"  # iotcore goes by the suffix
        config.write_text(self._config(folder), encoding="utf-8")
        with (folder / "broker.log").open("ab") as log:
            return subprocess.Popen(
                self._command(config), stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )

    def _command(self, config: Path) -> list[str]:
        program = mosquitto_program() if self.kind == "mosquitto" else None
        if program is not None:
            return ["/bin/sh", "-c", _KEEPER, program, str(config)]
        if self.kind == "mosquitto":
            raise BrokerFailed("mosquitto is not installed: apt-get install mosquitto")
        return [sys.executable, "-P", "-m", "heatwatch.broker", str(config)]

    def _config(self, folder: Path) -> str:
        if self.kind == "mosquitto":
            return _MOSQUITTO.format(port=self.port, host=HOST, folder=folder, packet=MAX_PAYLOAD + 65536) + _user()
        listeners = (("v5", self.port), ("v4", self.port_311))
        return _IOTCORE + "".join(
            _LISTENER.format(version=version, host=HOST, port=port, payload=MAX_PAYLOAD) for version, port in listeners
        )

    def _ready(self) -> bool:
        process = self._process
        deadline = time.monotonic() + _READY_S
        while process is not None and time.monotonic() < deadline:
            if _answers(self.port) and _answers(self.port_311):
                return True
            if _ended(process, 0.02):
                return False
        return False

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if not _ended(process, 10):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _user() -> str:
    # Started by root, mosquitto would change to a user who may not write into our folder.
    return "user root\n" if os.geteuid() == 0 else ""


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "it says nothing"


def _serve(config: str) -> None:
    """Run iotcore in this process until the pipe from the parent closes."""
    from iotcore import Broker

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Its router logs every packet as an error; its own failures come as exceptions.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    Broker(config_path=config).run_forever()


def _end_with_parent() -> None:
    # Not sys.stdin: its lock would spoil the shutdown of an interpreter that ends for another reason.
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
