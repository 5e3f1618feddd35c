"""The loop of the collector: batches from the inbox to the store; while that is away, to the spool.

A packet is acknowledged when it is durable in the store or in the spool, never before. With the spool full (or none
configured) nothing more is acknowledged, and the broker keeps what comes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from collector.batch import Batch, Step
from collector.fairness import Fairness
from collector.inbox import Inbox
from collector.packet import Packet
from collector.patience import Patience
from collector.payloads.message import Reason
from collector.settings import CollectorSettings
from collector.spool import Spool
from collector.spool_segments import Place, Span
from collector.writer import Writer
from heating.errors import LedgerUnavailable, StoreMisconfigured, StoreUnavailable

log = logging.getLogger(__name__)

_TURN_S = 0.25  # longest wait of one turn of the loop
_FAILURES = 3  # of a batch by a bug, before it is halved
_REGISTER_S = 5.0  # between two looks at the stamp of the register

Acknowledge = Callable[[Sequence[Packet]], None]


@dataclass(slots=True)
class Held:
    """The packets in hand, in one batch or, after a bug, in several.

    `unfit` says why all of them can only go to the quarantine. `damaged` is what the disk made unreadable. `drained`
    is the place behind it where it came out of the spool; `parked` is where it was put into the spool after it could
    not be written.
    """

    packets: list[Packet]
    unfit: Reason | None = None
    damaged: list[Packet] = field(default_factory=list)
    drained: Place | None = None
    parked: Span | None = None
    parts: list[Batch] = field(default_factory=list)
    failures: int = 0

    def __post_init__(self) -> None:
        """Begin with one batch, and one of what can only go to the quarantine."""
        self.parts = [Batch(self.packets, unfit=self.unfit)] if self.packets else []
        if self.damaged:
            self.parts.append(Batch(self.damaged, unfit=Reason.DAMAGED))


class Courier:
    """Takes packets from the inbox and makes them durable."""

    def __init__(
        self, settings: CollectorSettings, batch_size: int, inbox: Inbox, writer: Writer, spool: Spool | None
    ) -> None:
        self._settings = settings
        self._batch_size = batch_size
        self._inbox = inbox
        self._writer = writer
        self.spool = spool
        self._held: Held | None = None
        self._overflow: list[Packet] = []
        self._fairness = Fairness(settings.device_per_min if spool is not None else 0)
        self._register_seen_at = 0.0
        self._drain_at = 0.0
        self.misconfigured = ""
        self.errors = 0
        self.spooled = 0
        self.drained = 0
        self.deferred = 0
        self.spool_full = False

    @property
    def waiting(self) -> int:
        """Packets in memory, neither in the store nor in the spool."""
        held = self._held
        in_hand = len(held.packets) if held and held.drained is None and held.parked is None else 0
        return len(self._inbox) + len(self._overflow) + in_hand

    def turn(self, patience: Patience, acknowledge: Acknowledge, stop: threading.Event) -> None:
        """Do the next piece of work, or wait a little; never raises."""
        begun = time.monotonic()
        try:
            if patience.wait_s > 0:
                self._bide(patience, acknowledge, stop)
            else:
                self._work(acknowledge)
                patience.succeeded()
                self.misconfigured = ""
        except (StoreUnavailable, LedgerUnavailable) as problem:
            self.misconfigured = ""
            patience.failed(problem, begun)
        except StoreMisconfigured as problem:
            self.misconfigured = str(problem)
            patience.failed(problem, begun)
        except Exception as problem:
            self.errors += 1
            log.exception("turn failed")
            patience.failed(problem, begun)
            self._isolate()

    def finish(self, acknowledge: Acknowledge) -> None:
        """Write what is held; what cannot be written now stays unacknowledged in the broker."""
        self._inbox.close()
        try:
            if not self._writer.recovered:
                self._writer.recover()  # without it every device would be unknown, and quarantined
            self._write_held(acknowledge)
            if aside := self._inbox.aside():
                self._held = Held(aside, unfit=Reason.HAND_OVER_FAILED)
                self._write_held(acknowledge)
            while packets := self._overflow or self._inbox.gather(self._batch_size, first_s=0.0, batch_s=0.0):
                self._overflow = []
                self._held = Held(packets)
                self._write_held(acknowledge)
        except Exception as problem:  # noqa: BLE001 - going down: the broker keeps what is not acknowledged
            log.error("left in the broker packets=%s problem=%s", self.waiting, problem)
        if self.spool is not None:
            self.spool.close()

    def _isolate(self) -> None:
        """Halve a batch that a bug stops again and again, until one packet is left, which goes to the quarantine.

        Otherwise one packet that nobody thought of would stop all behind it for ever.
        """
        held = self._held
        at = next((i for i, part in enumerate(held.parts) if part.step < Step.STORED), None) if held else None
        if held is None or at is None:
            return
        held.failures += 1
        if held.failures < _FAILURES:
            return
        held.failures = 0
        packets = held.parts[at].packets
        if len(packets) == 1:
            log.error("packet set aside, a bug stops it topic=%s sha256=%s", packets[0].topic, packets[0].digest)
            held.parts[at] = Batch(packets, unfit=Reason.DECODER_FAILED)
        else:
            middle = len(packets) // 2
            held.parts[at : at + 1] = [Batch(packets[:middle]), Batch(packets[middle:])]

    # --- all is well ------------------------------------------------------------------------------------------

    def _work(self, acknowledge: Acknowledge) -> None:
        if not self._writer.recovered:
            self._writer.recover()
        self._look_at_register()
        if self._held is None:
            self._held = self._next(acknowledge)
        self._write_held(acknowledge)

    def _next(self, acknowledge: Acknowledge) -> Held | None:
        """Return the next batch: live ones first, from the spool at a bounded rate beside them."""
        if aside := self._inbox.aside():
            return Held(aside, unfit=Reason.HAND_OVER_FAILED)
        draining = self.spool is not None and not self.spool.empty
        if not draining:
            self._spool_has_room()
            self._fairness.caught_up()
        if draining and time.monotonic() >= self._drain_at:
            drained = self._from_spool()
            if drained is not None:
                return drained
        packets = self._overflow
        if not packets:
            first_s = min(_TURN_S, max(0.0, self._drain_at - time.monotonic())) if draining else _TURN_S
            # What is on its way from the inbox into hand stays in sight, should the step between go wrong.
            self._overflow = self._inbox.gather(self._batch_size, first_s=first_s, batch_s=self._settings.batch_wait_s)
            packets = self._defer(self._overflow, acknowledge)
        self._overflow = []
        return Held(packets) if packets else None

    def _defer(self, packets: list[Packet], acknowledge: Acknowledge) -> list[Packet]:
        """Send what is beyond a device's rate through the spool; return what is to be written now."""
        ahead, behind = self._fairness.split(packets)
        if behind and self._to_spool(behind, acknowledge) is None:
            return packets
        self.deferred += len(behind)
        return ahead

    def _from_spool(self) -> Held | None:
        assert self.spool is not None
        rate = self._settings.drain_per_s
        # No more than a second's worth at once: live ones wait behind it.
        page = self.spool.read(min(self._batch_size, rate) if rate else self._batch_size)
        if page is None:
            return None
        self._drain_at = time.monotonic() + (len(page.packets) / rate if rate else 0.0)
        return Held(page.packets, damaged=page.damaged, drained=page.end)

    def _write_held(self, acknowledge: Acknowledge) -> None:
        held = self._held
        if held is None:
            return
        for batch in held.parts:
            if batch.step < Step.DONE:
                self._writer.push(batch)
        self._held = None
        if held.drained is not None and self.spool is not None:
            self.drained += len(held.packets)
            self.spool.settle(held.drained)
            self._spool_has_room()
        elif held.parked is not None and self.spool is not None:
            self.spool.skip(held.parked)
        else:
            acknowledge(held.packets)

    def _look_at_register(self) -> None:
        if time.monotonic() - self._register_seen_at >= _REGISTER_S:
            self._writer.reload_register()
            self._register_seen_at = time.monotonic()

    # --- the store is away --------------------------------------------------------------------------------------

    def _bide(self, patience: Patience, acknowledge: Acknowledge, stop: threading.Event) -> None:
        """Wait for the next try; after a while take packets into the spool meanwhile."""
        wait_s = min(patience.wait_s, _TURN_S)
        late = patience.away_s >= self._settings.spool_after_s
        if self.spool is None or self.misconfigured or not late or not self._park(acknowledge):
            stop.wait(wait_s)
            return
        if not self._overflow:
            self._overflow = self._inbox.gather(self._batch_size, first_s=wait_s, batch_s=0.05)
        if not self._overflow:
            return
        if self._to_spool(self._overflow, acknowledge) is None:
            stop.wait(wait_s)
        else:
            self._overflow = []

    def _park(self, acknowledge: Acknowledge) -> bool:
        """Put the batch in hand into the spool too, so that the broker's window is free for others."""
        held = self._held
        if held is None or held.drained is not None or held.parked is not None:
            return True
        held.parked = self._to_spool(held.packets, acknowledge)
        return held.parked is not None

    def _to_spool(self, packets: Sequence[Packet], acknowledge: Acknowledge) -> Span | None:
        assert self.spool is not None
        span = self.spool.append(packets)
        if span is None:
            if not self.spool_full:
                self.spool_full = True
                log.critical("spool takes no more, the broker keeps what comes bytes=%s", self.spool.size)
            return None
        self._spool_has_room()
        self.spooled += len(packets)
        acknowledge(packets)
        return span

    def _spool_has_room(self) -> None:
        if self.spool_full:
            self.spool_full = False
            log.warning("spool takes packets again")
