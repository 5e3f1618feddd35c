"""Backup and restore of a ledger in a file of SQLite. PostgreSQL has tools of its own for both."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from heating.errors import InputError, LedgerUnavailable
from heating.ledger.tables import SCHEMA_VERSION


def write_copy(source: Path, file: Path) -> None:
    """Write a consistent, compact copy of a ledger in use; the file appears whole or not at all.

    Raises
    ------
    LedgerUnavailable
        If the ledger cannot be read or the copy not be written.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        # A copy holds personal data as the ledger does: for its owner only. SQLite takes an empty file over.
        part.touch(mode=0o600)
        with contextlib.closing(sqlite3.connect(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(part),))
        _sync(part)
        part.replace(file)
        _sync(file.parent)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise LedgerUnavailable(f"backup of the ledger to {file} failed: {error}") from error


def restore(copy: Path, target: Path) -> None:
    """Put a copy in the place of a ledger that nobody uses, in one transaction of SQLite.

    Raises
    ------
    InputError
        If the copy is no sound ledger of a schema that this version knows, or the target is in use.
    LedgerUnavailable
        If the target cannot be written.
    """
    check_copy(copy)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(mode=0o600)
        with contextlib.closing(sqlite3.connect(target, timeout=0)) as into:
            _refuse_in_use(into, target)
            with contextlib.closing(sqlite3.connect(copy)) as source:
                source.backup(into)
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnavailable(f"restore of the ledger to {target} failed: {error}") from error


def check_copy(copy: Path) -> None:
    """Refuse a file that is no sound ledger; `verify` on the restored ledger checks its chain."""
    if not copy.is_file():
        raise InputError(f"there is no file {copy}")
    try:
        with contextlib.closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
            (version,) = connection.execute("SELECT version FROM ledger_schema").fetchone()
    except sqlite3.Error as error:
        raise InputError(f"{copy} is no ledger: {error}") from error
    if sound != "ok":
        raise InputError(f"{copy} is damaged: {sound}")
    if version > SCHEMA_VERSION:
        raise InputError(f"{copy} has schema {version}; this heatwatch knows up to {SCHEMA_VERSION}")


def _refuse_in_use(connection: sqlite3.Connection, target: Path) -> None:
    """Leaving WAL needs the file for oneself alone."""
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise InputError(f"ledger {target} is in use: stop heatwatch before restoring") from error


def _sync(path: Path) -> None:
    """Make a file or a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
