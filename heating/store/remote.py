"""The guest's side of the socket: a `ReadingStore` that asks the owner of the embedded store."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from heating import errors
from heating.errors import StoreUnavailable
from heating.measurement import Measurement, RollUp
from heating.reading import Bools, KindCode, ReadingSeries, ReadingTable, TemperatureGrid
from heating.store import tables
from heating.store.ownership import socket_path
from heating.store.port import Rejected, Written
from heating.store.wire import Columns, Done, Failed, OwnerGone, Request, receive_parts, send, send_columns

_ANSWER_S = 120.0
# A backup or a big deletion says nothing before it is done.
_LONG_S = 3600.0


class RemoteStore:
    """`ReadingStore` through the owner's socket: a connection for each call, none held between calls."""

    def __init__(self, database: Path) -> None:
        self._path = socket_path(database)

    def answers(self) -> bool:
        """Tell whether an owner listens."""
        try:
            self._connect(1.0).close()
        except OwnerGone:
            return False
        return True

    def unseen(self, batch: ReadingTable) -> Bools:
        """See `ReadingStore.unseen`."""
        columns, _ = self._ask("unseen", {}, tables.reading_columns(batch))
        return _mask(columns, "new")

    def write(self, batch: ReadingTable) -> Written:
        """See `ReadingStore.write`."""
        columns, rejected = self._ask("write", {}, tables.reading_columns(batch))
        return Written(
            _mask(columns, "stored"),
            _mask(columns, "late"),
            tuple(Rejected(index, reason) for index, reason in rejected),
        )

    def newest(self) -> dict[str, int]:
        """See `ReadingStore.newest`."""
        columns, _ = self._ask("newest")
        return dict(zip(columns["device"].tolist(), columns["ts_ms"].tolist(), strict=True)) if columns else {}

    def latest(
        self,
        kind: KindCode,
        *,
        at_ms: int | None = None,
        points: Sequence[str] | None = None,
        within_ms: int | None = None,
    ) -> ReadingTable:
        """See `ReadingStore.latest`."""
        asked = {
            "kind": int(kind),
            "at_ms": None if at_ms is None else int(at_ms),
            "points": _listed(points),
            "within_ms": None if within_ms is None else int(within_ms),
        }
        columns, _ = self._ask("latest", asked)
        return tables.reading_table(columns)

    def series(
        self, points: Sequence[str], start_ms: int, end_ms: int, *, quantity: str = "temperature_c"
    ) -> ReadingSeries:
        """See `ReadingStore.series`."""
        asked = {"points": list(points), "start_ms": int(start_ms), "end_ms": int(end_ms), "quantity": quantity}
        columns, offsets = self._ask("series", asked)
        return tables.series_of(tuple(points), offsets, columns)

    def grid(self, points: Sequence[str], start_ms: int, end_ms: int, step_ms: int) -> TemperatureGrid:
        """See `ReadingStore.grid`."""
        return TemperatureGrid.of(self.series(points, start_ms, end_ms), start_ms, end_ms, step_ms)

    def readings(
        self,
        start_ms: int,
        end_ms: int,
        *,
        points: Sequence[str] | None = None,
        kinds: Sequence[KindCode] | None = None,
    ) -> Iterator[ReadingTable]:
        """See `ReadingStore.readings`."""
        asked = {
            "start_ms": int(start_ms),
            "end_ms": int(end_ms),
            "points": _listed(points),
            "kinds": None if kinds is None else [int(kind) for kind in kinds],
        }
        for part in self._stream("readings", asked, {}):
            if isinstance(part, dict):
                yield tables.reading_table(part)

    def write_rollup(self, rows: RollUp) -> None:
        """See `ReadingStore.write_rollup`."""
        self._ask("write_rollup", {"measurement": rows.measurement.value}, tables.rollup_columns(rows))

    def rollup(
        self,
        measurement: Measurement,
        start_ms: int,
        end_ms: int,
        *,
        tag: str | None = None,
        values: Sequence[str] | None = None,
    ) -> RollUp:
        """See `ReadingStore.rollup`."""
        asked = {
            "measurement": measurement.value,
            "start_ms": int(start_ms),
            "end_ms": int(end_ms),
            "tag": tag,
            "values": _listed(values),
        }
        columns, _ = self._ask("rollup", asked)
        return tables.rollup_rows(measurement, columns)

    def forget_before(self, cutoff_ms: int) -> int:
        """See `ReadingStore.forget_before`."""
        _, gone = self._ask("forget_before", {"cutoff_ms": int(cutoff_ms)}, wait_s=_LONG_S)
        return int(gone)

    def ping(self) -> str:
        """See `ReadingStore.ping`."""
        _, said = self._ask("ping")
        return f"{said}, served by its owner"

    def backup(self, folder: str) -> None:
        """See `ReadingStore.backup`; the owner writes it."""
        self._ask("backup", {"folder": os.path.abspath(folder)}, wait_s=_LONG_S)

    def close(self) -> None:
        """See `ReadingStore.close`; nothing is held."""

    def _ask(
        self, method: str, asked: dict[str, Any] | None = None, given: Columns | None = None, wait_s: float = _ANSWER_S
    ) -> tuple[Columns, Any]:
        parts: list[Columns] = []
        value: Any = None
        for part in self._stream(method, asked or {}, given or {}, wait_s):
            if isinstance(part, Done):
                value = part.value
            else:
                parts.append(part)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
        return columns, value

    def _stream(
        self, method: str, asked: dict[str, Any], given: Columns, wait_s: float = _ANSWER_S
    ) -> Iterator[Columns | Done]:
        try:
            with self._connect(wait_s) as connection:
                send(connection, Request(method, asked))
                send_columns(connection, given)
                send(connection, Done())
                for part in receive_parts(connection):
                    if isinstance(part, Failed):
                        raise _named(part)
                    yield part
        except OSError as error:
            raise OwnerGone(f"the owner of the store at {self._path} does not answer: {error}") from error

    def _connect(self, wait_s: float) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(wait_s)
        try:
            connection.connect(os.fsencode(self._path))
        except OSError as error:
            connection.close()
            raise OwnerGone(f"no owner of the store answers at {self._path}: {error}") from error
        return connection


def _named(failed: Failed) -> Exception:
    """Return the error that the owner raised, as the same named error here."""
    if failed.error == "ValueError":
        return ValueError(failed.text)
    found = getattr(errors, failed.error, StoreUnavailable)
    kind = found if isinstance(found, type) and issubclass(found, errors.HeatwatchError) else StoreUnavailable
    return kind(failed.text)


def _mask(columns: Columns, name: str) -> Bools:
    return columns.get(name, np.zeros(0, dtype=np.bool_))


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
