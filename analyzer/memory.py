"""What shared causes remember: they last while one of their members does, and do not flicker with the comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from heating.finding import Finding, FindingKind

SHARED = frozenset(
    {
        FindingKind.SUPPLY_LOW,
        FindingKind.OUTAGE,
        FindingKind.VERTICAL_IMBALANCE,
        FindingKind.HORIZONTAL_IMBALANCE,
    }
)


def settle_shared(
    breaches: Sequence[Finding], shared: Sequence[Finding], known: Iterable[Finding], now: datetime
) -> tuple[list[Finding], list[Finding]]:
    """Return breaches and shared causes with what the ledger knows of the open shared causes taken in.

    - A shared cause that is seen again keeps its beginning and its members.
    - One that is not seen any more lasts, with its breaches, while one of them is open, and ends with the last.
    """
    known = list(known)
    before = {(f.kind, f.subject): f for f in known if f.kind in SHARED and f.end is None}
    seen = [_grown(f, before.pop((f.kind, f.subject), None)) for f in shared]
    open_ = {f.subject.id: index for index, f in enumerate(breaches) if f.end is None}
    result = list(breaches)
    for old in sorted(before.values(), key=lambda f: f.id):
        points = {f.subject.id for f in known if f.parent == old.id}
        mine = [open_[point] for point in points if point in open_ and breaches[open_[point]].parent is None]
        for index in mine:
            result[index] = msgspec.structs.replace(result[index], cause=old.cause, parent=old.id)
        seen.append(old if mine else msgspec.structs.replace(old, end=_end(breaches, points, old, now)))
    return result, seen


def _grown(now: Finding, old: Finding | None) -> Finding:
    if old is None:
        return now
    confirmed = [at for at in (old.confirmed_at, now.confirmed_at) if at is not None]
    return msgspec.structs.replace(
        now,
        start=min(now.start, old.start),
        members=tuple(dict.fromkeys((*old.members, *now.members))),
        confirmed=bool(confirmed),
        confirmed_at=min(confirmed, default=None),
    )


def _end(breaches: Sequence[Finding], points: set[str], old: Finding, now: datetime) -> datetime:
    """Return when the last member's breach ended, `now` if that is not known any more."""
    ends = [f.end for f in breaches if f.subject.id in points and f.end is not None and f.end > old.start]
    return max(ends, default=now)
