"""The owner's side of the socket: answers the calls of other commands from the embedded store."""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from heating.errors import HeatwatchError, StoreUnavailable
from heating.measurement import Measurement
from heating.reading import KindCode
from heating.store import tables
from heating.store.embedded import EmbeddedStore
from heating.store.ownership import private_folder, socket_path
from heating.store.wire import Columns, Done, Failed, Request, receive, receive_parts, send, send_columns

log = logging.getLogger(__name__)

_IDLE_S = 120.0
_FINISH_S = 5.0


class StoreServer:
    """Serves one store to processes of the same user, a thread for each call, until `close`."""

    def __init__(self, store: EmbeddedStore, database: Path) -> None:
        self._store = store
        self.path = socket_path(database)
        self._listener = _listen(self.path, beside=self.path.parent == database.absolute().parent)
        self._open: set[socket.socket] = set()
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._accept, name="store-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, let the calls that run finish for some seconds, and cut off the others."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)
        self.path.unlink(missing_ok=True)
        with self._idle:
            self._idle.wait_for(lambda: not self._open, timeout=_FINISH_S)
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if not _same_user(connection):
                connection.close()
                continue
            connection.settimeout(_IDLE_S)
            with self._idle:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="store-call", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._answer(connection)
        except (OSError, StoreUnavailable) as error:
            log.debug("store_guest_gone reason=%s", error)
        finally:
            with self._idle:
                self._open.discard(connection)
                self._idle.notify_all()

    def _answer(self, connection: socket.socket) -> None:
        request = receive(connection)
        if not isinstance(request, Request) or request.method not in _METHODS:
            send(
                connection, Failed("StoreUnavailable", "the owner of the store does not know this call: same version?")
            )
            return
        given = _joined(connection)
        try:
            value = _METHODS[request.method](self._store, request.arguments, given, connection)
        except (HeatwatchError, ValueError) as error:
            send(connection, Failed(type(error).__name__, str(error)))
        except OSError:
            raise
        except Exception as error:
            # One call of a guest must not end the owner: it is logged and told.
            log.exception("store_call_failed method=%s", request.method)
            send(connection, Failed("StoreUnavailable", f"the owner of the store failed: {error}"))
        else:
            send(connection, Done(value))


def _listen(path: Path, *, beside: bool) -> socket.socket:
    if not beside:
        private_folder(path.parent)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(os.fsencode(path))
        path.chmod(0o600)
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def _same_user(connection: socket.socket) -> bool:
    """Tell whether the other side is this user or root; between bind and chmod the file's mode does not say it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return user in (os.getuid(), 0)


def _joined(connection: socket.socket) -> Columns:
    parts = [part for part in receive_parts(connection) if isinstance(part, dict)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


Method = Callable[[EmbeddedStore, dict[str, Any], Columns, socket.socket], Any]


def _unseen(store: EmbeddedStore, _: dict[str, Any], given: Columns, to: socket.socket) -> None:
    send_columns(to, {"new": store.unseen(tables.reading_table(given))})


def _write(store: EmbeddedStore, _: dict[str, Any], given: Columns, to: socket.socket) -> list[tuple[int, str]]:
    written = store.write(tables.reading_table(given))
    send_columns(to, {"stored": written.stored, "late": written.late})
    return [(row.index, row.reason) for row in written.rejected]


def _newest(store: EmbeddedStore, _: dict[str, Any], __: Columns, to: socket.socket) -> None:
    newest = store.newest()
    devices = np.empty(len(newest), dtype=object)
    devices[:] = list(newest)
    send_columns(to, {"device": devices, "ts_ms": np.array(list(newest.values()), dtype=np.int64)})


def _latest(store: EmbeddedStore, asked: dict[str, Any], _: Columns, to: socket.socket) -> None:
    send_columns(to, tables.reading_columns(store.latest(KindCode(asked.pop("kind")), **asked)))


def _series(store: EmbeddedStore, asked: dict[str, Any], _: Columns, to: socket.socket) -> bytes:
    found = store.series(**asked)
    send_columns(to, {"ts_ms": found.ts_ms, "value": found.value, "quality": found.quality})
    return found.offsets.astype("<i8").tobytes()


def _readings(store: EmbeddedStore, asked: dict[str, Any], _: Columns, to: socket.socket) -> None:
    for chunk in store.readings(**asked):
        send_columns(to, tables.reading_columns(chunk))


def _write_rollup(store: EmbeddedStore, asked: dict[str, Any], given: Columns, _: socket.socket) -> None:
    store.write_rollup(tables.rollup_rows(Measurement(asked["measurement"]), given))


def _rollup(store: EmbeddedStore, asked: dict[str, Any], _: Columns, to: socket.socket) -> None:
    rows = store.rollup(Measurement(asked.pop("measurement")), **asked)
    send_columns(to, tables.rollup_columns(rows))


_METHODS: dict[str, Method] = {
    "unseen": _unseen,
    "write": _write,
    "newest": _newest,
    "latest": _latest,
    "series": _series,
    "readings": _readings,
    "write_rollup": _write_rollup,
    "rollup": _rollup,
    "forget_before": lambda store, asked, _given, _to: store.forget_before(**asked),
    "ping": lambda store, _asked, _given, _to: store.ping(),
    "backup": lambda store, asked, _given, _to: store.backup(**asked),
}
