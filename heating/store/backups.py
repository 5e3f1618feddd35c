"""Backups: a folder with one DuckDB file, whatever the store was; so a backup of one adapter fits the other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

from heating.errors import InputError, StoreMisconfigured
from heating.measurement import READINGS, ROLL_UPS, Measurement
from heating.store.backup_target import BACKUP_NAME, new_target
from heating.store.duck import Database
from heating.store.embedded import EmbeddedStore
from heating.store.ownership import Ownership
from heating.store.port import ReadingStore

__all__ = ["backup_file", "copy_into_file", "copy_store", "new_target", "restore_file"]

_DAY_MS = 86_400_000


class WholeStore(ReadingStore, Protocol):
    """A store that knows where its data begins and ends."""

    def bounds(self, measurement: Measurement) -> tuple[int, int] | None:
        """Return the first and the last instant [ms] of a measurement, None where it is empty."""
        ...


def backup_file(folder: str) -> Path:
    """Return the file of a backup.

    Raises
    ------
    InputError
        If the folder holds none, or one that cannot be read.
    """
    source = Path(folder) / BACKUP_NAME
    if not source.is_file():
        raise InputError(f"{source} is not there: {folder} holds no backup of a store")
    try:
        Database(source, read_only=True).close()
    except StoreMisconfigured as error:
        raise InputError(f"{source} is no sound backup: {error}") from error
    return source


def copy_into_file(source: WholeStore, target: Path) -> None:
    """Write all of a store into a new embedded file; it gets its name when it is complete."""
    growing = target.with_name(target.name + ".part")
    growing.unlink(missing_ok=True)
    copy = EmbeddedStore(Database(growing))
    try:
        copy_store(source, copy)
    finally:
        copy.close()
    os.replace(growing, target)


def copy_store(source: WholeStore, target: ReadingStore) -> None:
    """Copy readings chunk by chunk, and derived rows day by day."""
    spans = [found for measurement in READINGS if (found := source.bounds(measurement)) is not None]
    if spans:
        for chunk in source.readings(min(first for first, _ in spans), max(last for _, last in spans) + 1):
            target.write(chunk)
    for measurement in ROLL_UPS:
        if (found := source.bounds(measurement)) is None:
            continue
        first, last = found
        for start in range(first, last + 1, _DAY_MS):
            target.write_rollup(source.rollup(measurement, start, min(start + _DAY_MS, last + 1)))


def restore_file(source: Path, target: Path) -> None:
    """Put a backup in the place of an embedded store that nobody owns; the store that was there is kept beside."""
    target.parent.mkdir(parents=True, exist_ok=True)
    ownership = Ownership(target)
    try:
        growing = target.with_name(target.name + ".restoring")
        shutil.copyfile(source, growing)
        with growing.open("rb") as file:
            os.fsync(file.fileno())
        kept = target.with_name(target.name + ".before-restore")
        # A file and its log go together: a log must never be replayed on another file.
        for ending in (".wal", ""):
            old, new = target.with_name(target.name + ending), kept.with_name(kept.name + ending)
            new.unlink(missing_ok=True)
            if old.exists():
                old.rename(new)
        growing.rename(target)
    finally:
        ownership.release()
