"""Gives breaches their cause, and shared causes a finding of their own (contract §7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import numpy as np

from analyzer.cause import CauseModel, HomesNow, SharedCause
from analyzer.episodes import Episodes
from analyzer.estate import Estate
from analyzer.exemption import FOREVER
from analyzer.state import last_rows
from analyzer.supply import SupplyView
from heating.finding import Cause, Finding, Severity, derived_id
from heating.instants import from_ms
from heating.reading import Bools, Floats, Ints, Quality, ReadingSeries
from heating.site import SubjectType

# Looking back, breaches that are over are explained at so many instants at most (assumption: enough for any report).
MOST_INSTANTS = 200


@dataclass(slots=True)
class _Group:
    """A shared cause over time: the episodes that it explains."""

    cause: SharedCause
    start_ms: int
    end_ms: int
    members: list[int] = field(default_factory=list)

    def meets(self, other: SharedCause, start_ms: int) -> bool:
        same = (self.cause.kind, self.cause.subject) == (other.kind, other.subject)
        return same and start_ms <= self.end_ms


@dataclass(slots=True)
class _Explained:
    """Cause of each episode as far as it is known, and the shared ones."""

    causes: list[Cause | None]
    groups: list[_Group]


@dataclass(frozen=True, slots=True)
class Scene:
    """What causes are read from: the estate's temperatures and supply temperatures."""

    estate: Estate
    rooms: ReadingSeries
    supply: ReadingSeries
    stale_ms: int

    def temperatures(self, now_ms: int) -> Floats:
        """Return the trusted temperature that holds at each point, float64 (P,), NaN where there is none."""
        rows = last_rows(self.rooms, now_ms)
        known = np.flatnonzero(rows >= 0)
        mine = rows[known]
        held = now_ms - self.rooms.ts_ms[mine] < self.stale_ms
        held &= (self.rooms.quality[mine] & Quality.SENSOR_FAULT) == 0
        values = np.full(len(rows), np.nan)
        values[known[held]] = self.rooms.value[mine[held]]
        return values

    def homes(self, in_breach: Bools, now_ms: int) -> HomesNow:
        """Return the homes at an instant."""
        return HomesNow.of(self.estate, in_breach, self.temperatures(now_ms))

    def supplies(self, now_ms: int) -> SupplyView:
        """Return the supply temperatures at an instant."""
        return SupplyView.at(self.estate.entries, self.supply, now_ms, self.stale_ms)


def attribute(
    scene: Scene, model: CauseModel, cold: Episodes, findings: Sequence[Finding], instants: Sequence[int]
) -> tuple[list[Finding], list[Finding]]:
    """Return the breaches with cause and parent, and the findings of shared causes.

    Parameters
    ----------
    cold, findings
        The breaches as episodes and as findings, in the same order.
    instants
        When to look; a breach gets the cause of the first instant at which it was open.
    """
    explained = _Explained([None] * len(cold), [])
    for now_ms in instants:
        _look(scene, model, cold, now_ms, explained)
    groups = explained.groups
    parents = [_parent(group, findings) for group in groups]
    of_member = {index: parent.id for group, parent in zip(groups, parents, strict=True) for index in group.members}
    children = [
        msgspec.structs.replace(finding, cause=cause, parent=of_member.get(index))
        for index, (finding, cause) in enumerate(zip(findings, explained.causes, strict=True))
    ]
    return children, parents


def _look(scene: Scene, model: CauseModel, cold: Episodes, now_ms: int, explained: _Explained) -> None:
    """Explain what is open at one instant and not explained yet."""
    open_ = (cold.start_ms <= now_ms) & (cold.end_ms > now_ms)
    new = [index for index in np.flatnonzero(open_).tolist() if explained.causes[index] is None]
    if not new:
        return
    in_breach = np.zeros(len(scene.estate), dtype=np.bool_)
    in_breach[cold.point[open_]] = True
    supply = scene.supplies(now_ms)
    shared = model.shared(scene.homes(in_breach, now_ms), supply)
    of_home = {home: cause for cause in shared for home in cause.homes.tolist()}
    code = scene.estate.grouping(SubjectType.HOME).code
    for index in new:
        home = int(code[cold.point[index]])
        common = of_home.get(home)
        explained.causes[index] = common.cause if common else model.own(home, supply)
        if common:
            _join(explained.groups, common, cold, index)


def _join(groups: list[_Group], cause: SharedCause, cold: Episodes, index: int) -> None:
    start, end = int(cold.start_ms[index]), int(cold.end_ms[index])
    for group in groups:
        if group.meets(cause, start):
            group.start_ms, group.end_ms = min(group.start_ms, start), max(group.end_ms, end)
            group.members.append(index)
            return
    groups.append(_Group(cause, start, end, [index]))


_ORDER = {severity: number for number, severity in enumerate(Severity)}


def _parent(group: _Group, findings: Sequence[Finding]) -> Finding:
    members = [findings[index] for index in group.members]
    confirmed = [f.confirmed_at for f in members if f.confirmed_at is not None]
    start = from_ms(group.start_ms)
    return Finding(
        id=derived_id(group.cause.kind, group.cause.subject, start),
        kind=group.cause.kind,
        subject=group.cause.subject,
        start=start,
        end=None if group.end_ms == FOREVER else from_ms(group.end_ms),
        confirmed=bool(confirmed),
        confirmed_at=min(confirmed, default=None),
        severity=max((f.severity for f in members), key=_ORDER.__getitem__),
        cause=group.cause.cause,
        members=tuple(dict.fromkeys(f.subject.id for f in members)),
        evidence=dict(group.cause.evidence),
    )


def instants_of(cold: Episodes, now_ms: int) -> list[int]:
    """Return `now`, then few instants at which, together, every breach that is over was open."""
    over = np.flatnonzero(cold.end_ms <= now_ms)
    order = over[np.argsort(cold.end_ms[over], kind="stable")]
    stabs: list[int] = []
    starts, ends = cold.start_ms[order], cold.end_ms[order]
    left = np.ones(len(order), dtype=np.bool_)
    while left.any():
        first = int(np.argmax(left))
        met = left & (starts < ends[first])
        stabs.append(int((starts[met].max() + ends[first]) // 2))
        left &= ~met
    return [now_ms, *_thinned(stabs)]


def _thinned(stabs: list[int]) -> list[int]:
    if len(stabs) <= MOST_INSTANTS:
        return stabs
    bounds: Ints = np.linspace(0, len(stabs), MOST_INSTANTS + 1).astype(np.int64)
    return [stabs[(a + b) // 2] for a, b in pairwise(bounds.tolist())]
