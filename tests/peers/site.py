"""A heatwatch site in a folder: its configuration, its commands as child processes, as an operator runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts import free_port

HEATWATCH = (sys.executable, "-P", "-m", "heatwatch")  # as the installed script: not the folder


class Site:
    """One site; `points` is its register file."""

    def __init__(
        self, folder: Path, points: Path, *, mqtt_port: int = 1, store: str = "duckdb:///store.duckdb", extra: str = ""
    ) -> None:
        self.folder = folder
        self.console_port = free_port()
        self.config = folder / "heatwatch.toml"
        self.config.write_text(
            f'[site]\nname = "试验站"\npoints = "{points}"\n'
            f"[mqtt]\nport = {mqtt_port}\n"
            f'[store]\nurl = "{store}"\n[ledger]\nurl = "sqlite:///ledger.sqlite"\n'
            f"[console]\nport = {self.console_port}\n"
            '[[alerts.receivers]]\nname = "file"\ntype = "file"\npath = "notices.jsonl"\n' + extra,
            encoding="utf-8",
        )

    def call(
        self, *arguments: str, check: bool = True, timeout: float = 120, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `environment` holds settings over those of the file."""
        done = subprocess.run(
            [*HEATWATCH, "--config", str(self.config), *arguments],
            capture_output=True, text=True, timeout=timeout, cwd=self.folder,
            env=_environment() | dict(environment or {}),
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"heatwatch {' '.join(arguments)} ended {done.returncode}: {done.stderr[-2000:]}")
        return done

    def ask(self, *arguments: str) -> Any:
        """Run a command with --json and return what it prints."""
        return json.loads(self.call(*arguments, "--json").stdout)

    @contextmanager
    def running(self, *stages: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `heatwatch run`; SIGTERM at the end, which must end it with 0."""
        process = self.start(*stages)
        try:
            yield process
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.send_signal(signal.SIGTERM)
        if process.wait(60) != 0:
            raise AssertionError(f"heatwatch run ended {process.returncode}: {self.log}")

    def start(self, *stages: str) -> subprocess.Popen[bytes]:
        """Start `heatwatch run` with its log in the folder."""
        with (self.folder / "run.log").open("ab") as log:
            return subprocess.Popen(
                [*HEATWATCH, "--config", str(self.config), "run", *stages],
                stdout=log, stderr=log, cwd=self.folder, env=_environment(),
            )  # fmt: skip

    @property
    def log(self) -> str:
        """The end of the log of `run`."""
        file = self.folder / "run.log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def get(self, path: str) -> Any:
        """Return a JSON document of the console."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.console_port}{path}", timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()  # else its socket is left to the garbage collector
            raise

    def wait(self, what: str, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a condition holds; an answer that cannot be had yet counts as no."""
        deadline = time.monotonic() + seconds
        last: Exception | None = None
        while time.monotonic() < deadline:
            try:
                if holds():
                    return
            except (OSError, AssertionError, KeyError) as problem:
                last = problem
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what} ({last}); log: {self.log}")

    def counters(self) -> dict[str, int]:
        """Return the collector's totals as the ledger has them."""
        from heating.ledger import open_ledger

        ledger = open_ledger(f"sqlite:///{self.folder / 'ledger.sqlite'}", create=False)
        try:
            return ledger.journal.counters()
        finally:
            ledger.close()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEATWATCH__")}
