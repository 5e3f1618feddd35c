"""Owner and guests of an embedded store.

DuckDB locks its file against every other process, readers too. So one process owns the file and serves the others;
where nobody owns it, a guest opens it for the length of one call, and an owner that starts meanwhile waits for that
call only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from heating.errors import NotThere, StoreMisconfigured, StoreOwned, StoreUnavailable
from heating.measurement import Measurement, RollUp
from heating.reading import Bools, KindCode, ReadingSeries, ReadingTable, TemperatureGrid
from heating.store.duck import Database
from heating.store.embedded import EmbeddedStore
from heating.store.ownership import Ownership, owner_of
from heating.store.port import Written
from heating.store.remote import RemoteStore
from heating.store.serving import StoreServer
from heating.store.wire import OwnerGone

log = logging.getLogger(__name__)

T = TypeVar("T")

_GUESTS_CALL_S = 15.0
_RETRY_S = 0.05


class OwnedStore(EmbeddedStore):
    """The embedded store of the process that owns it: serves the other processes until it is closed."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        _prepare(path, create=create)
        try:
            self._ownership = Ownership(path)
        except OSError as error:
            raise StoreMisconfigured(f"store.url: {path} cannot be used: {error}") from error
        try:
            super().__init__(Database(path, wait_s=_GUESTS_CALL_S))
            self._server = self._served(path)
        except BaseException:
            self._ownership.release()
            raise
        log.info("store_opened path=%s role=owner", path)

    def close(self) -> None:
        """Stop serving, check-point, give the file free; safe to call twice."""
        self._server.close()
        super().close()
        self._ownership.release()

    def _served(self, path: Path) -> StoreServer:
        try:
            return StoreServer(self, path)
        except OSError as error:
            super().close()
            raise StoreMisconfigured(f"store.url: cannot serve other commands beside {path}: {error}") from error


class GuestStore:
    """The embedded store as other processes use it: through its owner, or directly while there is none.

    Each call finds its way anew, so that an owner may come and go. The first write where nobody owns the store makes
    this process the owner until `close`.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self._path = path
        self._remote = RemoteStore(path)
        self._own: OwnedStore | None = None
        self._lock = threading.Lock()
        if not path.exists():
            # Another process may be making it at this moment.
            with suppress(StoreOwned):
                OwnedStore(path, create=create).close()

    def unseen(self, batch: ReadingTable) -> Bools:
        """See `ReadingStore.unseen`."""
        return self._ask(lambda store: store.unseen(batch))

    def write(self, batch: ReadingTable) -> Written:
        """See `ReadingStore.write`."""
        return self._writer().write(batch)

    def newest(self) -> dict[str, int]:
        """See `ReadingStore.newest`."""
        return self._ask(lambda store: store.newest())

    def latest(
        self,
        kind: KindCode,
        *,
        at_ms: int | None = None,
        points: Sequence[str] | None = None,
        within_ms: int | None = None,
    ) -> ReadingTable:
        """See `ReadingStore.latest`."""
        return self._ask(lambda store: store.latest(kind, at_ms=at_ms, points=points, within_ms=within_ms))

    def series(
        self, points: Sequence[str], start_ms: int, end_ms: int, *, quantity: str = "temperature_c"
    ) -> ReadingSeries:
        """See `ReadingStore.series`."""
        return self._ask(lambda store: store.series(points, start_ms, end_ms, quantity=quantity))

    def grid(self, points: Sequence[str], start_ms: int, end_ms: int, step_ms: int) -> TemperatureGrid:
        """See `ReadingStore.grid`."""
        return self._ask(lambda store: store.grid(points, start_ms, end_ms, step_ms))

    def readings(
        self,
        start_ms: int,
        end_ms: int,
        *,
        points: Sequence[str] | None = None,
        kinds: Sequence[KindCode] | None = None,
    ) -> Iterator[ReadingTable]:
        """See `ReadingStore.readings`; the file is held for one chunk at a time."""
        with self._reading() as store:
            if not isinstance(store, EmbeddedStore):
                yield from store.readings(start_ms, end_ms, points=points, kinds=kinds)
                return
            windows = store.windows(start_ms, end_ms)
        for low, high in windows:
            with self._reading() as store:
                chunks = list(store.readings(low, high, points=points, kinds=kinds))
            yield from chunks

    def write_rollup(self, rows: RollUp) -> None:
        """See `ReadingStore.write_rollup`."""
        self._writer().write_rollup(rows)

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
        return self._ask(lambda store: store.rollup(measurement, start_ms, end_ms, tag=tag, values=values))

    def forget_before(self, cutoff_ms: int) -> int:
        """See `ReadingStore.forget_before`."""
        return self._writer().forget_before(cutoff_ms)

    def ping(self) -> str:
        """See `ReadingStore.ping`."""
        return self._ask(lambda store: store.ping())

    def backup(self, folder: str) -> None:
        """See `ReadingStore.backup`."""
        self._ask(lambda store: store.backup(folder))

    def close(self) -> None:
        """See `ReadingStore.close`."""
        with self._lock:
            if self._own is not None:
                self._own.close()
                self._own = None

    def _ask(self, call: Callable[[EmbeddedStore | RemoteStore], T]) -> T:
        """Make a call that changes nothing; an owner that ended in the middle of it is no reason to fail."""
        try:
            with self._reading() as store:
                return call(store)
        except OwnerGone:
            with self._reading() as store:
                return call(store)

    @contextmanager
    def _reading(self) -> Iterator[EmbeddedStore | RemoteStore]:
        store = self._own or self._way_in()
        try:
            yield store
        finally:
            if store is not self._own:
                store.close()

    def _way_in(self) -> EmbeddedStore | RemoteStore:
        """Return the owner's service, or the file itself opened read-only where nobody holds it."""
        deadline = time.monotonic() + _GUESTS_CALL_S
        while True:
            if self._remote.answers():
                return self._remote
            try:
                return EmbeddedStore(Database(self._path, read_only=True))
            except StoreOwned as error:
                if time.monotonic() >= deadline:
                    owner = owner_of(self._path)
                    raise StoreUnavailable(f"{error}; its owner does not answer: {owner or 'unknown'}") from error
                threading.Event().wait(_RETRY_S)

    def _writer(self) -> EmbeddedStore | RemoteStore:
        deadline = time.monotonic() + _GUESTS_CALL_S
        with self._lock:
            while self._own is None:
                if self._remote.answers():
                    return self._remote
                try:
                    self._own = OwnedStore(self._path)
                except StoreOwned:
                    if time.monotonic() >= deadline:
                        raise
                    threading.Event().wait(_RETRY_S)
            return self._own


def _prepare(path: Path, *, create: bool) -> None:
    if path.is_dir():
        raise StoreMisconfigured(f"store.url: {path} is a folder, want a file")
    if path.exists():
        return
    if not create:
        raise NotThere(f"store.url: there is no store {path}", path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreMisconfigured(f"store.url: the folder of {path} cannot be made: {error}") from error
