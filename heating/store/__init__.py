"""The store of time series: `open_store` opens the adapter that `store.url` names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from heating.store import backups
from heating.store.address import EmbeddedAddress, InfluxAddress, parse_address
from heating.store.duck import Database
from heating.store.embedded import EmbeddedStore
from heating.store.port import ReadingStore, Rejected, Written
from heating.store.sharing import GuestStore, OwnedStore

if TYPE_CHECKING:
    from heating.store.influx import InfluxStore

__all__ = ["ReadingStore", "Rejected", "Written", "open_store", "parse_address", "restore_store"]


def open_store(
    url: str,
    *,
    token: str | None = None,
    tls_ca: str | None = None,
    create: bool = True,
    role: Literal["owner", "reader"] = "reader",
) -> ReadingStore:
    """Open the store that `store.url` names.

    Parameters
    ----------
    url
        `duckdb:///relative`, `duckdb:////absolute` or `influxdb://host:port/database?org=O&tls=1`.
    token
        What `store.token_file` holds: a token, or `user:password` for InfluxDB 1.x.
    tls_ca
        File with the CA certificates that InfluxDB's is held against; None: those of the system.
    create
        Make the file, database or bucket if there is none (where the server allows it).
    role
        `owner` for the pipeline, which alone holds an embedded store and serves the other processes; `reader` for
        every other command (it may write too, through the owner). InfluxDB makes no difference.

    Raises
    ------
    ConfigError
        If the URL or the file of certificates is wrong.
    StoreOwned
        If another process owns the embedded store already.
    StoreMisconfigured, StoreUnavailable
        If it cannot be used, by a person's fault or for now.
    """
    address = parse_address(url)
    if isinstance(address, EmbeddedAddress):
        return OwnedStore(address.path, create=create) if role == "owner" else GuestStore(address.path, create=create)
    return _influx(address, token, tls_ca, create=create)


def _influx(address: InfluxAddress, token: str | None, tls_ca: str | None, *, create: bool = True) -> InfluxStore:
    # Its client takes longer to load than most commands to run.
    from heating.store.influx import InfluxStore

    return InfluxStore(address, token, tls_ca, create=create)


def restore_store(folder: str, url: str, *, token: str | None = None, tls_ca: str | None = None) -> None:
    """Put what `ReadingStore.backup` wrote into the store that a URL names, whichever adapter wrote it.

    An embedded store that is there is replaced, and kept beside as `<file>.before-restore`. Into InfluxDB the backup is
    added: readings that are there stay as they are.

    Raises
    ------
    InputError
        If the folder holds no sound backup.
    StoreOwned
        If a process owns the embedded store: stop it first.
    """
    address = parse_address(url)
    source = backups.backup_file(folder)
    if isinstance(address, EmbeddedAddress):
        backups.restore_file(source, address.path)
        return
    backup, store = EmbeddedStore(Database(source, read_only=True)), _influx(address, token, tls_ca)
    try:
        backups.copy_store(backup, store)
    finally:
        backup.close()
        store.close()
