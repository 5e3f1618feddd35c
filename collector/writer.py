"""From a batch of packets to durable readings: begin in the journal, store, finish in the journal.

The order makes the counters exact over a kill at any instant: the journal knows what was about to be stored, and a
restart asks the store how much of it is there. `push` may raise `StoreUnavailable`, `LedgerUnavailable` or
`StoreMisconfigured`; called again with the same batch it goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from collector.batch import Batch, Step
from collector.intake import Intake
from collector.judge import Decoded, Judge
from collector.payloads.message import Flaw, Reason, Silence
from collector.quarantine import rejections
from collector.tally import Count, Tally
from heating.clock import Clock
from heating.errors import LedgerUnavailable
from heating.ledger.port import BatchIntent, Journal, Ledger, RejectedReading
from heating.reading import Reading, ReadingTable
from heating.register import Register
from heating.site import PointKind
from heating.store.identity import Devices, late_in_batch
from heating.store.port import ReadingStore

log = logging.getLogger(__name__)

# As long as brokers keep a session, they may bring a packet again.
_REDELIVERY = timedelta(days=7)


class Writer:
    """Makes batches durable and counts them."""

    def __init__(self, judge: Judge, store: ReadingStore, ledger: Ledger, clock: Clock, retention_days: float) -> None:
        self._judge = judge
        self._zone = judge.zone
        self._store = store
        self._places = ledger.places
        self._journal: Journal = ledger.journal
        self._clock = clock
        self._retention_ms = int(retention_days * 86_400_000)
        self._devices = Devices()
        self._stamp: str | None = None
        self._intake = Intake(Register((), ()))
        self.recovered = False
        self.totals: dict[str, int] = {}

    def recover(self) -> None:
        """Count what a killed process had stored and not counted; must succeed once before the first `push`."""
        newest = self._store.newest()
        self._devices = Devices()
        code = np.array([self._devices.code(device) for device in newest], dtype=np.int64)
        self._devices.advance(code, np.array(list(newest.values()), dtype=np.int64))
        self.reload_register()
        self._judge.recall(self._journal)
        intent = self._journal.unfinished()
        if intent is not None:
            self._settle(intent)
        self.totals = self._journal.counters()
        self.recovered = True

    def reload_register(self) -> None:
        """Take over the register of points if another one was imported."""
        stamp = self._places.stamp()
        if stamp != self._stamp:
            register = self._places.register()
            self._intake = Intake(register, self._retention_ms)
            self._stamp = stamp
            log.info("register loaded points=%s", len(register.points))

    @property
    def register(self) -> Register:
        """The register in force."""
        return self._intake.register

    def push(self, batch: Batch) -> None:
        """Bring a batch to its end; afterwards its packets may be acknowledged."""
        if batch.step is Step.RAW:
            self._judge_batch(batch)
        if batch.step is Step.JUDGED:
            self._begin(batch)
        if batch.step is Step.BEGUN:
            self._write(batch)
        if batch.step is Step.STORED:
            self._finish(batch)
            self.note_devices()

    def note_devices(self, *, rest: bool = False) -> None:
        """Hand over what was seen of unknown devices and of clocks: some of it now and then, the `rest` at the end."""
        try:
            self._judge.note(self._journal, rest=rest)
        except LedgerUnavailable as problem:
            log.info("unknown devices and clocks not noted yet reason=%s", problem)

    def _judge_batch(self, batch: Batch) -> None:
        if batch.unfit:
            batch.judged = self._judge.refuse(batch.packets, batch.unfit)
        else:
            decoded = self._judge.decode(batch.packets, self._intake)
            batch.judged = self._judge.judge(decoded, self._intake, self._remembered(decoded))
        batch.step = Step.JUDGED

    def _remembered(self, decoded: Decoded) -> dict[str, int]:
        fingerprints = decoded.fingerprints
        return self._journal.clockless(fingerprints, self._clock.now()) if fingerprints else {}

    def _begin(self, batch: Batch) -> None:
        accepted = batch.judged.accepted
        unseen = self._store.unseen(accepted) if len(accepted) else np.zeros(0, dtype=np.bool_)
        batch.fresh = accepted if unseen.all() else accepted.rows(unseen)
        batch.fresh_at = np.flatnonzero(unseen).tolist()
        batch.repeated = list(accepted.device[~unseen])
        batch.keys = tuple(zip(batch.fresh.device.tolist(), batch.fresh.ts_ms.tolist(), strict=True))
        batch.late = self._late(batch.fresh)
        if len(batch.fresh):
            self._journal.begin(_intent(batch), self._clock.now())
        batch.step = Step.BEGUN

    def _late(self, fresh: ReadingTable) -> list[int]:
        """Return the places of the readings that are older than the newest of their device before them."""
        code = self._devices.encode(fresh.device)
        return np.flatnonzero(late_in_batch(code, fresh.ts_ms, self._devices.newest_ms)).tolist()

    def _write(self, batch: Batch) -> None:
        if len(batch.fresh):
            written = self._store.write(batch.fresh)
            batch.refused = {rejected.index: rejected.reason for rejected in written.rejected}
            stored = np.ones(len(batch.fresh), dtype=np.bool_)
            stored[list(batch.refused)] = False
            self._devices.advance(self._devices.encode(batch.fresh.device[stored]), batch.fresh.ts_ms[stored])
        batch.step = Step.STORED

    def _finish(self, batch: Batch) -> None:
        if batch.finish_tried and len(batch.fresh) and self._journal.unfinished() is None:
            # The answer to our commit was lost, the commit was not.
            batch.step = Step.DONE
            self.totals = self._journal.counters()
            return
        tally, rows = self._counted(batch)
        batch.finish_tried = True
        self._book(tally, rows)
        self._add_up(tally)
        batch.step = Step.DONE

    def _book(self, tally: Tally, rows: Sequence[RejectedReading]) -> None:
        """Commit the counts under the local day of now: people state completeness by their own days."""
        now = self._clock.now()
        self._journal.finish(tally.counts, rows, tally.devices, now, day=now.astimezone(self._zone).date())

    def _counted(self, batch: Batch) -> tuple[Tally, list[RejectedReading]]:
        tally, rows = Tally(len(batch.packets)), []
        here: set[tuple[str, str, int | None]] = set()
        for device_id, silence in batch.judged.ignored:
            if silence is Silence.STATUS:
                tally.status()
            else:
                tally.add(Count.IGNORED, device_id, reason=silence.value)
        tally.add_all(Count.REPEATED, batch.repeated)
        for rejection in batch.judged.rejected:
            key = (rejection.row.topic, rejection.row.sha256, rejection.row.index)
            if rejection.suspect and (key in here or self._on_record(rejection.row)):
                tally.add(Count.REPEATED, rejection.device_id)
            else:
                here.add(key)
                tally.add(Count.QUARANTINED, rejection.device_id, reason=rejection.row.reason)
                rows.append(rejection.row)
        stored = [device_id for i, (device_id, _) in enumerate(batch.keys) if i not in batch.refused]
        tally.add_all(Count.STORED, stored)
        for i in batch.refused:
            tally.add(Count.QUARANTINED, batch.keys[i][0], reason=Reason.STORE_REFUSED.value)
            rows.append(_refused_row(batch, i))
        for i in batch.late:
            if i not in batch.refused:
                tally.late(batch.keys[i][0])
        return tally, rows

    def _on_record(self, row: RejectedReading) -> bool:
        since = row.received_at - _REDELIVERY
        return self._journal.was_quarantined(row.topic, row.sha256, row.index, since)

    def _add_up(self, tally: Tally) -> None:
        for name, count in tally.counts.items():
            self.totals[name] = self.totals.get(name, 0) + count

    def _settle(self, intent: BatchIntent) -> None:
        stored = ~self._store.unseen(_table_of_keys(intent)) if intent.keys else np.zeros(0, dtype=np.bool_)
        late, tally = set(intent.late_keys), Tally()
        for i, (device_id, _) in enumerate(intent.keys):
            if stored[i]:
                tally.add(Count.STORED, device_id)
                if i in late:
                    tally.late(device_id)
        self._book(tally, ())
        log.info("unfinished batch settled keys=%s stored=%s", len(intent.keys), int(stored.sum()))


def _intent(batch: Batch) -> BatchIntent:
    return BatchIntent(
        keys=batch.keys,
        oldest_ms=int(batch.fresh.ts_ms.min()),
        newest_ms=int(batch.fresh.ts_ms.max()),
        late_points=tuple(sorted(set(batch.fresh.point[batch.late]))),
        clockless=batch.judged.clockless,
        late_keys=tuple(batch.late),
    )


def _refused_row(batch: Batch, i: int) -> RejectedReading:
    place = batch.fresh_at[i]
    number, index = int(batch.judged.packet_of[place]), int(batch.judged.index_of[place])
    log.warning("store refused a reading device=%s reason=%s", batch.fresh.device[i], batch.refused[i])
    return rejections(batch.packets[number], "", [Flaw(index, Reason.STORE_REFUSED)])[0].row


def _table_of_keys(intent: BatchIntent) -> ReadingTable:
    return ReadingTable.of(
        [Reading(kind=PointKind.ROOM, point_id="", device_id=device, ts_ms=ts) for device, ts in intent.keys]
    )
