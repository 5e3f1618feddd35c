"""One sweep: what is new from the store, judged with what is in memory, into the ledger and back into the store.

::

    changes ─► news ─► window ─► run_pass ─► shared causes ─► identity ─┬─► store: statuses, hours, days
                 (memory)                                              └─► ledger: changed findings + what is reached

The store's rows are written before the ledger's transaction and can be written again; the ledger's transaction moves
the seq reached, and of which time hours and days are complete. A sweep that breaks off because store or ledger cannot
be had goes back to the memory that it began with: a server that comes and goes is not read anew each time. One that
breaks off in the ledger's transaction, of which nobody knows whether it holds, or by a bug loses its memory, and the
next one starts from store and ledger, as after a kill.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import numpy as np

from analyzer.analysis import Observations, Pass, Rules, run_pass
from analyzer.attribution import Scene, attribute
from analyzer.backlog import Backlog
from analyzer.cause import CauseModel
from analyzer.compliance import Carry
from analyzer.derived import DerivedRows
from analyzer.episodes import Episodes
from analyzer.estate import Estate
from analyzer.identity import reconcile
from analyzer.loading import HOUR_MS, LOOKBACK_MS, Loaded, Loader, whole_carry
from analyzer.memory import settle_shared
from analyzer.upkeep import Seen, Upkeep
from analyzer.window import Arrivals, advanced, merged, trimmed
from heating.errors import LedgerUnavailable, StoreMisconfigured, StoreUnavailable
from heating.finding import Finding, FindingKind, Status
from heating.instants import from_ms, to_ms
from heating.ledger.port import Change, Ledger
from heating.reading import Ints, ReadingSeries
from heating.rolled_up import RolledUp
from heating.site import HeatingState, SubjectType
from heating.store.port import ReadingStore

log = logging.getLogger(__name__)

WINDOW_MS = 48 * HOUR_MS
NOTHING = Arrivals(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


class SweepReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep saw and did; counts are of points but for `recorded`, the findings that changed."""

    at: datetime
    reached: int
    arrived: int
    recorded: int
    statuses: dict[str, int]


@dataclass(slots=True)
class Memory:
    """What is kept between sweeps."""

    estate: Estate
    loader: Loader
    model: CauseModel
    derived: DerivedRows
    upkeep: Upkeep
    rolled_up: RolledUp
    stamp: str
    reached: int
    rooms: ReadingSeries
    supply: ReadingSeries
    carry: Carry
    known: dict[str, Finding] = field(default_factory=dict)
    trimmed_ms: int = 0
    backlog: Backlog = field(default_factory=Backlog)
    recorded: RolledUp | None = None

    def copy(self) -> Memory:
        """Return what a sweep can go back to: it replaces all but `known`, and `derived` knows what the store has."""
        return replace(self, known=dict(self.known))


class Sweeper:
    """Judges a site again and again; one thread at a time."""

    def __init__(self, rules: Rules, store: ReadingStore, ledger: Ledger) -> None:
        self._rules = rules
        self._store = store
        self._ledger = ledger
        self._memory: Memory | None = None

    def sweep(self, now: datetime) -> SweepReport:
        """Judge everything up to `now`; may raise the errors of store and ledger, and is then to be called again."""
        memory, self._memory = self._memory, None
        before = memory.copy() if memory else None
        try:
            memory, outcome, arrived, changed, reached = self._look(memory, now)
        except (StoreUnavailable, StoreMisconfigured, LedgerUnavailable):
            self._memory = before
            raise
        if changed or reached > memory.reached or memory.rolled_up != memory.recorded:
            self._ledger.findings.record(changed, at=now, reached=reached, rolled_up=memory.rolled_up)
        memory.reached, memory.recorded = reached, memory.rolled_up
        self._remember(memory, changed)
        if to_ms(now) - memory.trimmed_ms >= HOUR_MS:
            self._trim(memory, outcome, to_ms(now))
        self._memory = memory
        return _report(now, memory, outcome, (len(arrived.owner), len(changed)))

    def _look(self, memory: Memory | None, now: datetime) -> tuple[Memory, Pass, Arrivals, list[Finding], int]:
        """Judge and write what is derived; return what is to be recorded, with the seq reached."""
        now_ms = to_ms(now)
        changes = self._ledger.journal.changes_after(memory.reached if memory else self._ledger.findings.reached())
        if memory is None or memory.stamp != self._ledger.places.stamp() or _gap(memory.reached, changes):
            memory, arrived = self._cold_start(now_ms, changes)
            # Which of these are new is not known; their hours are gaps.
            written = NOTHING
        else:
            memory.rolled_up = memory.upkeep.news(memory.rolled_up, changes, memory.rooms, now_ms)
            arrived = self._take_news(memory, now_ms, changes)
            memory.backlog = memory.backlog.after(arrived, now_ms, self._rules.settings.stale_ms)
            written = arrived
        outcome, changed = self._judge(memory, now)
        memory.derived.write(self._store, outcome)
        seen = Seen(memory.rooms, memory.carry.base_ms, outcome.rule, now_ms)
        memory.rolled_up = memory.upkeep.advance(memory.rolled_up, seen, written)
        if memory.backlog.holds(now_ms):
            changed = [f for f in changed if f.kind is not FindingKind.SILENT or f.end is not None]
        return memory, outcome, arrived, changed, changes[-1].seq if changes else memory.reached

    def _cold_start(self, now_ms: int, changes: list[Change]) -> tuple[Memory, Arrivals]:
        """Load the register, a window of readings, and what the ledger says of it."""
        ledger = self._ledger
        reached, stamp = ledger.findings.reached(), ledger.places.stamp()
        estate = Estate(ledger.places.register())
        loader = Loader(estate, self._rules, self._store, ledger)
        start = now_ms - WINDOW_MS
        if _gap(reached, changes):
            start = now_ms - LOOKBACK_MS
        elif changes:
            start = min(start, *(change.oldest_ms for change in changes))
        loaded = loader.points(np.arange(len(estate)), start, now_ms)
        upkeep = Upkeep(estate, self._rules, self._store)
        memory = Memory(
            estate=estate,
            loader=loader,
            model=CauseModel(estate),
            derived=DerivedRows(estate),
            upkeep=upkeep,
            rolled_up=upkeep.begin(
                ledger.findings.rolled_up(), self._with_unfinished(changes), now_ms, forgotten=_gap(reached, changes)
            ),
            stamp=stamp,
            reached=reached,
            rooms=loaded.rooms,
            supply=loader.supply(None, now_ms - WINDOW_MS, now_ms + 1),
            carry=whole_carry(loaded),
        )
        rooms = loaded.rooms
        known = [*loaded.known, *loader.shared_findings(now_ms), *loader.retired_findings()]
        memory.known = {finding.id: finding for finding in known}
        log.info("analyzer loaded points=%d readings=%d findings=%d", len(estate), len(rooms), len(known))
        oldest = min((change.oldest_ms for change in changes), default=now_ms)
        fresh = np.flatnonzero(rooms.ts_ms >= max(oldest, now_ms - LOOKBACK_MS))
        return memory, Arrivals(rooms.owner[fresh], rooms.ts_ms[fresh])

    def _with_unfinished(self, changes: list[Change]) -> list[Change]:
        """Return the changes with the one that the collector is about to announce: its readings may be loaded now."""
        intent = self._ledger.journal.unfinished()
        if intent is None or not intent.keys:
            return changes
        return [*changes, Change(0, intent.oldest_ms, intent.newest_ms, intent.late_points)]

    def _take_news(self, memory: Memory, now_ms: int, changes: list[Change]) -> Arrivals:
        if not changes:
            return NOTHING
        low, high = min(c.oldest_ms for c in changes), max(c.newest_ms for c in changes) + 1
        rooms, arrived = memory.loader.news(memory.rooms, changes, now_ms)
        memory.supply = memory.loader.supply(memory.supply, max(low, now_ms - WINDOW_MS), high)
        memory.rooms = rooms
        # A reading at the base itself can end there what stands across it.
        deep = arrived.ts_ms <= memory.carry.base_ms[arrived.owner]
        if deep.any():
            self._deepen(memory, np.unique(arrived.owner[deep]), int(arrived.ts_ms[deep].min()), now_ms)
        return arrived

    def _deepen(self, memory: Memory, which: Ints, oldest_ms: int, now_ms: int) -> None:
        """Move the window of some points back to data that came late; the ledger says what was found there."""
        loaded = memory.loader.points(which, oldest_ms - self._rules.settings.stale_ms, now_ms)
        memory.rooms, _ = merged(memory.rooms, loaded.rooms, which)
        base = memory.carry.base_ms.copy()
        base[which] = loaded.base_ms
        memory.carry = Carry(
            base,
            _replaced(memory.carry.cold, loaded.cold, loaded),
            _replaced(memory.carry.below_target, loaded.below_target, loaded),
        )
        memory.known |= {finding.id: finding for finding in loaded.known}
        log.info("late readings judged again points=%d since=%s", len(which), from_ms(oldest_ms).isoformat())

    def _judge(self, memory: Memory, now: datetime) -> tuple[Pass, list[Finding]]:
        """Return the outcome of the pass and the findings that are to be recorded."""
        now_ms, estate = to_ms(now), memory.estate
        rules = replace(self._rules, outages=tuple(self._ledger.places.outages()))
        outcome = run_pass(estate, rules, Observations(memory.rooms, memory.supply), now_ms, memory.carry)
        cold = outcome.judgement.cold
        scene = Scene(estate, memory.rooms, memory.supply, rules.settings.stale_ms)
        breaches, shared = attribute(scene, memory.model, cold, outcome.findings[: len(cold)], [now_ms])
        standing, ended = self._still_judged(memory, now)
        breaches, shared = settle_shared(breaches, shared, standing, now)
        computed = [*breaches, *shared, *_after_base(memory, outcome.findings[len(cold) :])]
        return outcome, [*ended, *reconcile(computed, standing, now)]

    def _still_judged(self, memory: Memory, now: datetime) -> tuple[list[Finding], list[Finding]]:
        """Return the known findings of the windows, and those that end because their point is judged no more."""
        standing: list[Finding] = []
        ended: list[Finding] = []
        for finding in memory.known.values():
            if finding.subject.type is not SubjectType.POINT:
                if finding.end is None:
                    standing.append(finding)
                continue
            index = memory.estate.index.get(finding.subject.id)
            suspended = index is not None and memory.estate.rooms[index].heating_state is HeatingState.SUSPENDED
            if index is None or suspended:
                if finding.end is None:
                    why = "retired" if index is None else "suspended"
                    ended.append(msgspec.structs.replace(finding, end=max(now, finding.start), ended_by=why))
            elif finding.end is None or to_ms(finding.end) > memory.carry.base_ms[index]:
                standing.append(finding)
        return standing, ended

    def _remember(self, memory: Memory, changed: list[Finding]) -> None:
        for finding in changed:
            if finding.ended_by == "retracted":
                memory.known.pop(finding.id, None)
            else:
                memory.known[finding.id] = finding

    def _trim(self, memory: Memory, outcome: Pass, now_ms: int) -> None:
        """Move the window forward and forget what lies before it."""
        base_ms = now_ms - WINDOW_MS
        memory.carry = advanced(memory.rooms, outcome.rule, memory.carry, base_ms)
        memory.rooms = trimmed(memory.rooms, memory.carry.base_ms)
        memory.supply = trimmed(memory.supply, np.full(len(memory.supply.points), base_ms))
        index, base = memory.estate.index, memory.carry.base_ms
        memory.known = {
            finding.id: finding
            for finding in memory.known.values()
            if finding.end is None
            or to_ms(finding.end) > (base[index[finding.subject.id]] if finding.subject.id in index else base_ms)
        }
        memory.trimmed_ms = now_ms


def _gap(reached: int, changes: list[Change]) -> bool:
    """Tell whether changes were forgotten before they were read."""
    return bool(changes) and changes[0].seq > reached + 1


def _replaced(old: Episodes, new: Episodes, loaded: Loaded) -> Episodes:
    """Return what is carried in, with that of the loaded points new."""
    kept = old.rows(np.flatnonzero(~np.isin(old.point, loaded.which)))
    both = Episodes.joined([kept, new])
    return both.rows(np.argsort(both.point, kind="stable"))


def _after_base(memory: Memory, findings: list[Finding]) -> list[Finding]:
    """Leave out what ended before the window of its point: it was judged when it was inside."""
    index, base = memory.estate.index, memory.carry.base_ms
    return [f for f in findings if f.end is None or to_ms(f.end) > base[index[f.subject.id]]]


def _report(now: datetime, memory: Memory, outcome: Pass, counts: tuple[int, int]) -> SweepReport:
    states = outcome.states
    statuses = {str(status): int(np.count_nonzero(states.are(status))) for status in Status}
    statuses["confirmed"] = int(np.count_nonzero(states.confirmed & states.are(Status.COLD)))
    return SweepReport(at=now, reached=memory.reached, arrived=counts[0], recorded=counts[1], statuses=statuses)
