"""A real InfluxDB 1.x on free ports of 127.0.0.1, in a folder of its own."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

from parts import free_port, need

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "{index}"
  query-log-enabled = false
  max-values-per-tag = {max_values_per_tag}
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  auth-enabled = {auth}
  https-enabled = {https}
  https-certificate = "{certificate}"
  https-private-key = "{certificate}"
[logging]
  level = "error"
"""


class Influxd:
    """One server; `stop`, `kill`, `start`, `freeze` and `thaw` are for tests of faults."""

    def __init__(
        self,
        folder: Path,
        *,
        auth: bool = False,
        index: str = "tsi1",
        max_values_per_tag: int = 100_000,
        certificate: Path | None = None,
    ) -> None:
        self.port = free_port()
        self._binary = need("influxd")
        self._folder = folder
        self._config = folder / "influxdb.conf"
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            CONFIG.format(
                folder=folder,
                port=self.port,
                rpc=free_port(),
                auth=str(auth).lower(),
                index=index,
                max_values_per_tag=max_values_per_tag,
                https=str(certificate is not None).lower(),
                certificate=certificate or "",
            )
        )
        self.user: tuple[str, str] | None = None
        self._scheme = "https" if certificate else "http"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "heat", options: str = "") -> str:
        return f"influxdb://127.0.0.1:{self.port}/{database}{options}"

    def start(self) -> None:
        log = (self._folder / "influxd.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [str(self._binary), "run", "-config", str(self._config)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError("influxd does not answer")
            time.sleep(0.02)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "influxd.log").read_text()
        try:
            url, any_one = f"{self._scheme}://127.0.0.1:{self.port}/ping", ssl._create_unverified_context()
            with urllib.request.urlopen(url, timeout=1, context=any_one) as answer:
                return bool(answer.status == 204)
        except (urllib.error.URLError, OSError):
            return False


def statement(server: Influxd, text: str) -> None:
    """Run a statement of InfluxQL that must succeed."""
    user = dict(zip("up", server.user or (), strict=False))
    asked = f"http://127.0.0.1:{server.port}/query?" + urlencode({"q": text} | user)
    with urllib.request.urlopen(urllib.request.Request(asked, method="POST")) as answer:
        told = answer.read()
    assert b"error" not in told, told


@contextmanager
def influxd(folder: Path, **options: object) -> Iterator[Influxd]:
    """Run a server for the length of a block."""
    server = Influxd(folder, **options)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        with suppress(ProcessLookupError, AssertionError):
            server.thaw()
        server.kill()
