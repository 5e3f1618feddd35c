"""Where a backup of the store goes."""

from __future__ import annotations

from pathlib import Path

from heating.errors import InputError

BACKUP_NAME = "store.duckdb"


def new_target(folder: str) -> Path:
    """Return where a backup goes in a folder, which is made; an older backup is never overwritten."""
    target = Path(folder) / BACKUP_NAME
    if target.exists():
        raise InputError(f"{target} exists already: give an empty folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
