"""The account of readings as lines that add up: in total, by day, by device, by device and day. No I/O."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
import numpy as np

from dashboards.losses import Lost
from dashboards.reports.account import FATES, Account
from dashboards.reports.expected import Basis
from heating.ledger.port import Head
from heating.reading import Bools, Ints

_WITH_REASON = ("quarantined.", "ignored.")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line; a blank day or device means all of them. Counts are readings, `interval_s` seconds.

    Attributes
    ----------
    received, stored, repeated, ignored, quarantined, late
        By the day on which the collector booked them.
    expected, present, missing
        By the day of measurement; None on what names no device. What was expected of a device whose interval nobody
        knows, and what of it is missing, is None; sums go without it.
    completeness
        Share of what was expected that is there, 0…1; None where nothing was expected.
    """

    day: date | None = None
    device: str | None = None
    point: str | None = None
    received: int
    stored: int
    repeated: int
    ignored: int
    quarantined: int
    late: int
    expected: int | None = None
    present: int | None = None
    missing: int | None = None
    completeness: float | None = None
    interval_s: float | None = None
    interval_basis: Basis | None = None

    @property
    def difference(self) -> int:
        """What is received and has no fate; 0 when the line adds up."""
        return self.received - self.stored - self.repeated - self.ignored - self.quarantined


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """All lines. `total` counts `unnamed` in.

    Attributes
    ----------
    made_at, ledger_head
        When it was made, and the last entry of the ledger's chain by then: seq and hash.
    since_beginning
        The collector's counters of all time; of the packets, `status_packets` carry no reading.
    reasons
        As many of them as were quarantined or ignored, by fate and reason.
    verbatim_dropped
        Packets of the quarantine that had to make room for newer ones; they are counted all the same.
    kept_from
        From when readings are kept (`store.retention_days`); None where all are.
    losses
        What limits cost. What was lost at the broker was never received: `lost_messages` is how many it says it
        dropped, `lost_uncounted` how many losses there are whose messages nobody could count. What made room in the
        quarantine was received and is counted; it is in neither of the two.
    """

    schema: int = 1
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    timezone: str
    made_at: datetime
    ledger_head: Head
    adds_up: bool
    total: Line
    unnamed: Line
    since_beginning: dict[str, int]
    reasons: dict[str, int]
    verbatim_dropped: int
    kept_from: datetime | None
    losses: list[Lost]
    lost_messages: int
    lost_uncounted: int
    days: list[Line]
    unnamed_days: list[Line]
    devices: list[Line]
    device_days: list[Line]


def statement(account: Account, timezone: str) -> Statement:
    """Return the lines of an account."""
    everybody = account.booked.sum(axis=0) + account.unnamed
    days, devices = account.days.days, np.arange(len(account.devices))
    measured = np.stack([account.expected, account.present, account.missing], axis=-1)
    total = Line(**_fates(everybody.sum(axis=0)), **_measured(measured.sum(axis=(0, 1))))
    beginning = {name: account.totals.get(name, 0) for name in (*FATES, "packets")}
    beginning["status_packets"] = account.totals.get("packets.status", 0)
    at_broker = [lost for lost in account.losses if lost.at_broker]
    lines = [
        Line(day=day, **_fates(everybody[k]), **_measured(measured[:, k].sum(axis=0))) for k, day in enumerate(days)
    ]
    return Statement(
        first=days[0],
        last=days[-1],
        timezone=timezone,
        made_at=account.made_at,
        ledger_head=account.head,
        adds_up=_adds_up(everybody, beginning),
        total=total,
        unnamed=Line(**_fates(account.unnamed.sum(axis=0))),
        since_beginning=beginning,
        reasons={name: count for name, count in sorted(account.totals.items()) if name.startswith(_WITH_REASON)},
        verbatim_dropped=account.totals.get("quarantine_dropped", 0),
        kept_from=account.kept_from,
        losses=list(account.losses),
        lost_messages=sum(lost.messages or 0 for lost in at_broker),
        lost_uncounted=sum(lost.messages is None for lost in at_broker),
        days=lines,
        unnamed_days=[Line(day=day, **_fates(account.unnamed[k])) for k, day in enumerate(days)],
        devices=_devices(account, devices, None, account.booked.sum(axis=1), measured.sum(axis=1)),
        device_days=_device_days(account, measured),
    )


def _device_days(account: Account, measured: Ints) -> list[Line]:
    """Return a line for each device and day on which it was expected, booked or present, by day, then device."""
    told: Bools = np.count_nonzero(np.concatenate((measured, account.booked), axis=2), axis=2) > 0
    lines = []
    for k, day in enumerate(account.days.days):
        which = np.flatnonzero(told[:, k])
        lines += _devices(account, which, day, account.booked[which, k], measured[which, k])
    return lines


def _devices(account: Account, which: Ints, day: date | None, booked: Ints, measured: Ints) -> list[Line]:
    """Return the lines of the devices at indices `which`, whose counts are the rows of `booked` and `measured`."""
    seconds = account.interval_ms[which] / 1000
    columns = zip(which.tolist(), booked.tolist(), measured.tolist(), seconds.tolist(), strict=True)
    return [
        Line(
            day=day,
            device=account.devices[d],
            point=account.points[d] or None,
            received=fates[0],
            stored=fates[1],
            repeated=fates[2],
            ignored=fates[3],
            quarantined=fates[4],
            late=fates[5],
            expected=_known(account.basis[d], counts[0]),
            present=counts[1],
            missing=_known(account.basis[d], counts[2]),
            completeness=_share(counts[0], counts[2]),
            interval_s=None if interval != interval else round(interval, 3),  # NaN is not itself
            interval_basis=account.basis[d],
        )
        for d, fates, counts, interval in columns
    ]


def _known(basis: Basis, count: int) -> int | None:
    return None if basis is Basis.UNKNOWN else count


def _fates(counts: Ints) -> dict[str, Any]:
    return dict(zip(FATES, counts.tolist(), strict=True))


def _measured(counts: Ints) -> dict[str, Any]:
    expected, present, missing = counts.tolist()
    return {"expected": expected, "present": present, "missing": missing, "completeness": _share(expected, missing)}


def _share(expected: int, missing: int) -> float | None:
    return (expected - missing) / expected if expected else None


def _adds_up(booked: Ints, beginning: dict[str, int]) -> bool:
    """Tell whether every day adds up, and no more was booked in these days than since the beginning."""
    fates = dict(zip(FATES, booked.T, strict=True))
    difference = fates["received"] - fates["stored"] - fates["repeated"] - fates["ignored"] - fates["quarantined"]
    return not difference.any() and all(int(fates[name].sum()) <= beginning[name] for name in FATES)
