"""The port of the time-series store; `heating.store` opens the adapter that a URL names.

Every adapter passes `tests/contract/store`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from heating.measurement import Measurement, RollUp
from heating.reading import Bools, KindCode, ReadingSeries, ReadingTable, TemperatureGrid


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that the store refuses for good (index into the batch), with its reason."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch of N readings.

    Attributes
    ----------
    stored
        bool (N,): new and now durable. False and not rejected means a repeat: (device, ts) was there.
    late
        bool (N,): stored, and older than the newest that was stored of its device before it.
    rejected
        Rows that the database refused for good; the caller quarantines them.
    """

    stored: Bools
    late: Bools
    rejected: tuple[Rejected, ...] = ()


class ReadingStore(Protocol):
    """Readings and the roll-ups derived from them.

    Threads may share a store. Every method may raise `StoreUnavailable` (try again) or
    `StoreMisconfigured` (a person must act); a failed call changes nothing that a repetition would not heal.
    Intervals are half-open, instants milliseconds of UTC.
    """

    def unseen(self, batch: ReadingTable) -> Bools:
        """Tell which readings (device, ts) are not stored yet; of repeats inside the batch the first is new.

        Identity is (device, ts) across points and kinds. Only readings not newer than the newest of their
        device cost a look-up.
        """
        ...

    def write(self, batch: ReadingTable) -> Written:
        """Store the unseen readings durably before returning; repeats change nothing (first one wins).

        Of each reading the fields are kept that the measurement of its kind has (contract §5); one without any such
        value is rejected.
        """
        ...

    def newest(self) -> dict[str, int]:
        """Return the newest stored instant [ms] of each device."""
        ...

    def latest(
        self,
        kind: KindCode,
        *,
        at_ms: int | None = None,
        points: Sequence[str] | None = None,
        within_ms: int | None = None,
    ) -> ReadingTable:
        """Return the newest reading at or before `at_ms` of each point of a kind, ordered by point id.

        `points` None means all that have one; `within_ms` leaves out what is older than that before `at_ms`,
        which must then be given (it lets adapters read less).
        """
        ...

    def series(
        self,
        points: Sequence[str],
        start_ms: int,
        end_ms: int,
        *,
        quantity: str = "temperature_c",
    ) -> ReadingSeries:
        """Return the event arrays of room, outdoor or entry points over [start, end), in the order of `points`.

        `quantity` is `temperature_c`, `supply_c`, `return_c`, `flow_m3h` or `humidity_pct`. Where two devices gave
        one point the same instant, the one stored first stays.
        """
        ...

    def grid(self, points: Sequence[str], start_ms: int, end_ms: int, step_ms: int) -> TemperatureGrid:
        """Return the last temperature of each slot of [start, end), NaN where there is none."""
        ...

    def readings(
        self,
        start_ms: int,
        end_ms: int,
        *,
        points: Sequence[str] | None = None,
        kinds: Sequence[KindCode] | None = None,
    ) -> Iterator[ReadingTable]:
        """Yield all columns over [start, end) in chunks, ordered by (ts, device)."""
        ...

    def write_rollup(self, rows: RollUp) -> None:
        """Store derived rows; a row with the tags and instant of an older one replaces it."""
        ...

    def rollup(
        self,
        measurement: Measurement,
        start_ms: int,
        end_ms: int,
        *,
        tag: str | None = None,
        values: Sequence[str] | None = None,
    ) -> RollUp:
        """Return derived rows over [start, end), ordered by time then tags; `tag`/`values` select."""
        ...

    def forget_before(self, cutoff_ms: int) -> int:
        """Delete readings older than the cut-off, no derived rows; return how many (-1 where not known)."""
        ...

    def ping(self) -> str:
        """Return one line that names the store; raise if it cannot be used."""
        ...

    def backup(self, folder: str) -> None:
        """Write a consistent copy into a folder while in use; `restore` of the adapter's module reads it."""
        ...

    def close(self) -> None:
        """Release everything; safe to call twice."""
        ...
