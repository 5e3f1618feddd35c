"""A backup: one tar archive with the ledger's copy, the store's copy and what is needed to know them again."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path

import msgspec

from heating.errors import InputError
from heating.instants import rfc3339
from heating.ledger import restore_ledger
from heating.store import restore_store
from heatwatch.context import Context

FORMAT = 1
_LEDGER = "ledger.sqlite"
_STORE = "store"
_NOTE = "backup.json"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds and when it was made."""

    format: int
    made_at: str
    site: str
    ledger: str
    store: str


def write_archive(opened: Context, file: Path) -> int:
    """Write both states into one archive while they are in use; return its size in bytes.

    The ledger is copied first: readings that arrive meanwhile are in the store's copy only, and are judged anew after
    a restore, while nothing that the ledger's copy speaks of is missing.
    """
    if file.exists():
        raise InputError(f"{file} exists already; give a new file")
    with tempfile.TemporaryDirectory(prefix="heatwatch-backup-", dir=_parent(file)) as name:
        folder = Path(name)
        opened.ledger.backup(str(folder / _LEDGER))
        opened.store.backup(str(folder / _STORE))
        note = Note(
            format=FORMAT,
            made_at=rfc3339(opened.clock.now()),
            site=opened.settings.site.name,
            ledger=opened.ledger.ping(),
            store=opened.store.ping(),
        )
        (folder / _NOTE).write_bytes(msgspec.json.encode(note))
        half = folder / "archive"
        with tarfile.open(half, "w:gz", compresslevel=1) as tar:
            for part in (_NOTE, _LEDGER, _STORE):
                tar.add(folder / part, arcname=part)
        half.chmod(0o640)  # names and telephones are in it
        half.rename(file)
    return file.stat().st_size


def read_archive(opened: Context, file: Path) -> Note:
    """Put the states of an archive in the place of those of the configuration.

    Raises
    ------
    InputError
        If the file is no backup, or the states are in use.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    with tempfile.TemporaryDirectory(prefix="heatwatch-restore-") as name:
        folder = Path(name)
        try:
            with tarfile.open(file, "r:*") as tar:
                _extract(tar, folder)
            if not (folder / _NOTE).is_file():
                raise tarfile.TarError(f"it holds no {_NOTE}")
            note = msgspec.json.decode((folder / _NOTE).read_bytes(), type=Note)
        except (tarfile.TarError, OSError, EOFError, msgspec.MsgspecError) as wrong:
            reason = str(wrong).partition(":\n")[0]  # tarfile goes on with a line for each format that it tried
            raise InputError(f"{file}: is no backup of heatwatch ({reason}); `heatwatch backup` writes one") from None
        if note.format != FORMAT:
            raise InputError(f"{file}: format {note.format}, this heatwatch reads {FORMAT}")
        settings = opened.settings
        restore_store(str(folder / _STORE), settings.store.url, **settings.store.credentials())
        restore_ledger(str(folder / _LEDGER), settings.ledger.url)
    return note


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Take plain files only, and none that lies outside (Debian 12's Python has no extraction filters yet)."""
    root = folder.resolve()
    for member in tar:
        target = (folder / member.name).resolve()
        content = tar.extractfile(member) if member.isreg() else None
        if content is None:
            continue
        if not target.is_relative_to(root):
            raise tarfile.TarError(f"{member.name} lies outside of the archive")
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)


def _parent(file: Path) -> Path:
    parent = file.resolve().parent
    if not parent.is_dir():
        raise InputError(f"{file}: the folder does not exist")
    return parent
