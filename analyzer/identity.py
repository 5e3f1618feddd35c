"""Findings keep their id (contract §6): what is computed anew is found again in what the ledger knows.

Candidates share kind and subject. A computed finding is matched to the known one that it overlaps; late data may have
merged several known ones (the oldest id lives on, the others are retracted) or split one (the id stays on the earlier
part). A known finding with nothing left of it is retracted: it ends where it began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from heating.finding import Cause, Finding, FindingKind, Scope, Side, Subject, derived_id

_END = datetime.max.replace(tzinfo=UTC)
RETRACTED = "retracted"

Key = tuple[FindingKind, Subject]


def reconcile(computed: Sequence[Finding], known: Iterable[Finding], detected_at: datetime) -> list[Finding]:
    """Return the findings to record: new, changed and retracted ones, in a fixed order.

    Parameters
    ----------
    computed
        What the present data says, with derived ids.
    known
        What the ledger says of the time that was judged again; retracted ones are not given.
    detected_at
        The instant of this sweep: a finding gets it when it is new, and again when it is first seen confirmed, since
        only then an order could be known (contract §8).
    """
    before: dict[Key, list[Finding]] = defaultdict(list)
    after: dict[Key, list[Finding]] = defaultdict(list)
    for table, rows in ((before, known), (after, computed)):
        for finding in rows:
            table[finding.kind, finding.subject].append(finding)
    settled: dict[str, str] = {}
    results: list[tuple[Finding, Finding | None]] = []
    retracted: list[Finding] = []
    for key in sorted(before.keys() | after.keys()):
        pairs, gone = _match(after.get(key, []), before.get(key, []))
        retracted += gone
        for now, old in pairs:
            settled[now.id] = old.id if old else _new_id(now, detected_at)
            results.append((now, old))
    changed = [retract(finding) for finding in retracted]
    for now, old in results:
        finding = _inherit(now, old, detected_at, settled)
        if old is None or _differs(finding, old):
            changed.append(finding)
    return changed


def recognise(computed: Sequence[Finding], known: Iterable[Finding]) -> list[Finding]:
    """Return computed findings, in their order, under the ids by which the ledger knows them; others keep theirs."""
    before: dict[Key, list[Finding]] = defaultdict(list)
    after: dict[Key, list[Finding]] = defaultdict(list)
    for table, rows in ((before, known), (after, computed)):
        for finding in rows:
            table[finding.kind, finding.subject].append(finding)
    pairs = (pair for key, mine in after.items() for pair in _match(mine, before.get(key, []))[0])
    found = {now.id: old for now, old in pairs if old is not None}
    ids = {new: old.id for new, old in found.items()}
    return [
        msgspec.structs.replace(
            finding,
            id=ids.get(finding.id, finding.id),
            detected_at=found[finding.id].detected_at if finding.id in found else finding.detected_at,
            parent=ids.get(finding.parent, finding.parent) if finding.parent else None,
        )
        for finding in computed
    ]


def retract(finding: Finding) -> Finding:
    """Return a finding that never was: an empty interval, marked."""
    return msgspec.structs.replace(finding, end=finding.start, ended_by=RETRACTED)


def _match(computed: list[Finding], known: list[Finding]) -> tuple[list[tuple[Finding, Finding | None]], list[Finding]]:
    """Pair findings of one kind and subject by overlap; each known one is used once.

    Walking through the computed ones by start gives a split's id to its earlier part; taking the oldest of several
    known ones gives a merge the older id.
    """
    free = sorted(known, key=lambda f: (f.detected_at or f.start, f.start, f.id))
    pairs: list[tuple[Finding, Finding | None]] = []
    for now in sorted(computed, key=lambda f: (f.start, f.id)):
        old = next((f for f in free if _overlap(now, f)), None)
        if old is not None:
            free.remove(old)
        pairs.append((now, old))
    return pairs, free


def _overlap(one: Finding, other: Finding) -> bool:
    """Tell whether two half-open intervals meet; an empty one meets what holds its instant."""
    if one.start == other.start:
        return True
    return one.start < (other.end or _END) and other.start < (one.end or _END)


def _inherit(now: Finding, old: Finding | None, detected_at: datetime, settled: dict[str, str]) -> Finding:
    """Give a computed finding the id of the known one and what only the ledger remembers."""
    parent = settled.get(now.parent, now.parent) if now.parent else None
    if old is None:
        return msgspec.structs.replace(now, id=settled[now.id], detected_at=detected_at, parent=parent)
    first_confirmed = now.confirmed and not old.confirmed
    same_cause = now.cause is None or (old.cause is not None and _plain(now.cause) == _plain(old.cause))
    return msgspec.structs.replace(
        now,
        id=old.id,
        detected_at=detected_at if first_confirmed else old.detected_at,
        cause=old.cause if same_cause else now.cause,
        parent=old.parent if now.cause is None else parent,
    )


def _plain(cause: Cause) -> tuple[Scope, Side]:
    """Return a cause without its confidence, which moves with every reading."""
    return cause.scope, cause.side


def _differs(finding: Finding, old: Finding) -> bool:
    """Tell whether a change is worth a row: the evidence of what still lasts grows by the minute and is not."""
    if finding.end is None and old.end is None:
        return msgspec.structs.replace(finding, evidence=old.evidence) != old
    return finding != old


def _new_id(finding: Finding, detected_at: datetime) -> str:
    """Return an id that no other finding of the ledger has, also where late data brings a start a second time."""
    return derived_id(finding.kind, Subject(finding.subject.type, f"{finding.subject.id}|{finding.start}"), detected_at)
