"""First one wins: who is new, who is a repeat, who came late. Pure functions and the small memory they need.

A reading is identified by (device, ts), across points and kinds (contract §4). N readings, D devices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from heating.reading import Bools, Ints, ReadingTable, Texts
from heating.store.fields import keep_fields, without_value

NEVER = np.iinfo(np.int64).min


class Devices:
    """Devices as small numbers, each with the newest instant [ms] that is stored of it (`NEVER` if none)."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self._newest = np.full(64, NEVER, dtype=np.int64)

    def __len__(self) -> int:
        """Return D."""
        return len(self.codes)

    @property
    def newest_ms(self) -> Ints:
        """Newest stored instant by code, int64 (D,)."""
        return self._newest[: len(self.codes)]

    def code(self, device: str) -> int:
        """Return the number of a device, a new one for a device not met before."""
        found = self.codes.setdefault(device, len(self.codes))
        if found >= len(self._newest):
            self._newest = grown(self._newest, NEVER)
        return found

    def encode(self, devices: Texts) -> Ints:
        """Return the numbers of devices, int64 (N,)."""
        get = self.codes.get
        return np.array(
            [found if (found := get(device)) is not None else self.code(device) for device in devices.tolist()],
            dtype=np.int64,
        )

    def probe(self, devices: Texts) -> Ints:
        """Return the numbers of devices, int64 (N,); unknown ones get numbers from D on, for this call only."""
        known, count = self.codes, len(self.codes)
        strangers: dict[str, int] = {}
        codes = []
        for device in devices.tolist():
            found = known.get(device)
            codes.append(count + strangers.setdefault(device, len(strangers)) if found is None else found)
        return np.array(codes, dtype=np.int64)

    def advance(self, code: Ints, ts_ms: Ints) -> None:
        """Take note of stored readings."""
        np.maximum.at(self._newest, code, ts_ms)

    def forget(self) -> None:
        """Forget all instants (the numbers stay)."""
        self._newest[:] = NEVER

    def as_dict(self) -> dict[str, int]:
        """Return the newest instant of each device that has one."""
        newest = self._newest.tolist()
        return {device: newest[code] for device, code in self.codes.items() if newest[code] != NEVER}


def grown(column: Ints, fill: int) -> Ints:
    """Return a column twice as long, the new half filled with `fill`."""
    return np.concatenate((column, np.full(len(column), fill, dtype=column.dtype)))


def unseen(batch: ReadingTable, devices: Devices, stored: Callable[[ReadingTable, Ints], Bools]) -> Bools:
    """Tell which readings of a batch are not stored yet; of repeats inside the batch the first is new, bool (N,).

    `stored(rows, device)` looks up the doubtful ones: those not newer than the newest of their device. A reading
    without any value is never stored, and so never stands in the way of another.
    """
    batch = keep_fields(batch)
    code = devices.probe(batch.device)
    known = np.append(devices.newest_ms, NEVER)
    newest = known[np.minimum(code, len(known) - 1)]
    usable = np.flatnonzero(~without_value(batch))
    new = np.ones(len(batch), dtype=np.bool_)
    new[usable] = first_in_batch(code[usable], batch.ts_ms[usable])
    doubtful = np.flatnonzero(new & (batch.ts_ms <= newest) & (newest != NEVER))
    if len(doubtful):
        new[doubtful] = ~stored(batch.rows(doubtful), code[doubtful])
    return new


def first_in_batch(device: Ints, ts_ms: Ints) -> Bools:
    """Tell of each reading whether it is the first of its (device, ts) in the batch, bool (N,)."""
    order = np.lexsort((ts_ms, device))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(device[order]) != 0) | (np.diff(ts_ms[order]) != 0)
    mask = np.empty_like(first)
    mask[order] = first
    return mask


def late_in_batch(device: Ints, ts_ms: Ints, newest_ms: Ints) -> Bools:
    """Tell which stored readings are older than the newest of their device before them, bool (N,).

    Parameters
    ----------
    device, ts_ms
        The stored readings of a batch, in its order.
    newest_ms
        Newest of each device before the batch, int64 (D,).
    """
    if len(device) == 0:
        return np.zeros(0, dtype=np.bool_)
    order = np.argsort(device, kind="stable")
    device, ts_ms = device[order], ts_ms[order]
    # A running maximum inside each device: ranks, lifted by device, cannot overflow as sums of instants could.
    rank = np.unique(ts_ms, return_inverse=True)[1].reshape(-1)
    lifted = np.maximum.accumulate(device * len(ts_ms) + rank)
    before = np.zeros(len(order), dtype=np.bool_)
    before[1:] = (device[1:] == device[:-1]) & (lifted[:-1] > device[1:] * len(ts_ms) + rank[1:])
    late = np.empty_like(before)
    late[order] = before | (ts_ms < newest_ms[device])
    return late
