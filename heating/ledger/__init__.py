"""The ledger: `open_ledger` opens the database that `ledger.url` names."""

from __future__ import annotations

from heating.ledger.port import Ledger

__all__ = ["Ledger", "open_ledger", "restore_ledger"]


def open_ledger(url: str, *, create: bool = True) -> Ledger:
    """Open the ledger that `ledger.url` names, creating file, folder and tables unless told otherwise.

    Parameters
    ----------
    url
        `sqlite:///relative/file`, `sqlite:////absolute/file` or `postgresql+psycopg://user@host/database`.
    create
        Make what is missing.

    Raises
    ------
    ConfigError
        If the URL names no ledger, its driver is missing, or a newer heatwatch has written it.
    InputError
        If it does not exist and `create` is False.
    LedgerUnavailable
        If the database cannot answer now.
    """
    # Here, since SQLAlchemy takes a third of a second to load and most who know the port open no ledger.
    from heating.ledger.engine import open_sql_ledger

    return open_sql_ledger(url, create=create)


def restore_ledger(file: str, url: str) -> None:
    """Put a copy that `Ledger.backup` wrote in the place of a ledger of SQLite; `verify` afterwards.

    Raises
    ------
    ConfigError
        If the URL names no ledger.
    InputError
        If the file is no sound ledger, the ledger at `url` is in use, or it is not SQLite's.
    LedgerUnavailable
        If the file cannot be written.
    """
    from heating.ledger.engine import restore_sql_ledger

    restore_sql_ledger(file, url)
