"""Who owns the embedded store: one process, known to all others by a lock, a note and a socket beside the file.

::

    heat.duckdb          the database, locked by DuckDB for its owner
    heat.duckdb.owner    the note (who, since when), under a lock that dies with its holder
    heat.duckdb.sock     where the owner serves the others

A lock is never left behind by a kill, so that a note or a socket left behind never blocks.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from heating.clock import SystemClock
from heating.errors import StoreMisconfigured, StoreOwned
from heating.instants import rfc3339

# Linux takes 107 bytes of path for a Unix socket.
_SOCKET_PATH_BYTES = 107


class OwnerNote(msgspec.Struct, frozen=True):
    """Who owns the store."""

    pid: int
    command: str
    since: str

    def __str__(self) -> str:
        """Say it for a person."""
        return f"pid {self.pid} ({self.command}) since {self.since}"


class Ownership:
    """The right to write one database file, from its making until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._file = _locked(note_path(path))
        since = rfc3339(SystemClock().now())
        note = OwnerNote(os.getpid(), " ".join(sys.argv)[:200] or "python", since)
        self._file.seek(0)
        self._file.truncate()
        self._file.write(msgspec.json.encode(note))
        self._file.flush()

    def release(self) -> None:
        """Give the store free; safe to call twice."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()


def note_path(path: Path) -> Path:
    """Return where the owner's note of a database lies."""
    return path.with_name(path.name + ".owner")


def owner_of(path: Path) -> OwnerNote | None:
    """Return what the note says, None where there is none; it may be of an owner that is gone."""
    try:
        return msgspec.json.decode(note_path(path).read_bytes(), type=OwnerNote)
    except (OSError, msgspec.MsgspecError):
        return None


def socket_path(path: Path) -> Path:
    """Return where the owner of a database listens: beside it, or in a private folder if that path is too long."""
    beside = path.absolute().with_name(path.name + ".sock")
    if len(os.fsencode(beside)) <= _SOCKET_PATH_BYTES:
        return beside
    digest = hashlib.blake2b(os.fsencode(path.resolve()), digest_size=12).hexdigest()
    return Path(tempfile.gettempdir()) / f"heatwatch-{os.getuid()}" / f"{digest}.sock"


def private_folder(folder: Path) -> None:
    """Make the folder of a socket that could not lie beside its database, for this user alone."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreMisconfigured(f"{folder} must be a folder of user {os.getuid()} alone (mode 0700)")


def _locked(path: Path, wait_s: float = 0.5) -> BinaryIO:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            note = owner_of(path.with_suffix(""))
            if note is not None and not _alive(note.pid):
                # A child of a killed owner holds on to the lock; DuckDB's own lock still keeps two owners apart.
                return file
            if time.monotonic() >= deadline:
                file.close()
                raise StoreOwned(
                    f"store.url: {path.with_suffix('')} is owned by {note or 'another process'}: stop it first,"
                    " or use InfluxDB for stages in several processes"
                ) from None
            threading.Event().wait(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
