"""A PostgreSQL for tests: the one that `HEATWATCH_TEST_POSTGRES` names, or a server of our own on a free port."""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts import free_port

_BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
_schemas = itertools.count(1)


def available() -> bool:
    """Tell whether the driver is installed and a server is named or can be started."""
    return importlib.util.find_spec("psycopg") is not None and bool(os.environ.get("HEATWATCH_TEST_POSTGRES") or _BIN)


@contextmanager
def server() -> Iterator[str]:
    """Give the URL of a database in which schemas may be created."""
    given = os.environ.get("HEATWATCH_TEST_POSTGRES")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="heatwatch-postgres-"))
    try:
        yield from _own(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh(url: str) -> Iterator[str]:
    """Give a URL whose tables stand in an empty schema of their own."""
    import psycopg

    name = f"ledger_{os.getpid()}_{next(_schemas)}"
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def _own(folder: Path) -> Iterator[str]:
    assert _BIN is not None
    # The server refuses to run as root.
    user = None if os.getuid() else ("postgres" if _known("postgres") else "nobody")
    if user:
        shutil.chown(folder, user)
    data, port, log = folder / "data", free_port(), folder / "log"
    init = [_BIN, "-D", data, "-A", "trust", "-U", "heat", "--no-sync"]
    subprocess.run(init, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    flags = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    with log.open("wb") as out:
        command = [_BIN.with_name("postgres"), "-D", data, *flags]
        process = subprocess.Popen(command, user=user, cwd=folder, stdout=out, stderr=out)
    try:
        url = f"postgresql+psycopg://heat@127.0.0.1:{port}/postgres"
        _wait(process, url, log)
        yield url
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(url.replace("postgresql+psycopg", "postgresql")).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"postgres does not answer: {log.read_text()[-2000:]}")


def _known(user: str) -> bool:
    return any(entry.pw_name == user for entry in pwd.getpwall())
