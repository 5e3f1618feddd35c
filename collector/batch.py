"""A batch of packets on its way into the store: decoded and judged here, without I/O."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from collector.intake import Ignored, Intake, Outcome
from collector.packet import Packet
from collector.payloads.message import Flaw, Message, Reason, Silence, flawed, silent
from collector.payloads.native import Native, WirePacket
from collector.quarantine import Rejection, rejections
from collector.routes import Routes
from collector.strangers import Strangers
from collector.timekeeping import Timekeeper
from heating.ledger.port import Journal
from heating.reading import Reading, ReadingTable
from heating.unknown_devices import as_registered

log = logging.getLogger(__name__)

_NEEDS_A_HAND = frozenset({Reason.AMBIGUOUS_PROBES, Reason.BAD_TIME, Reason.NO_OFFSET})
# How far instants of receipt are moved apart at most; a clock that stepped back by more is followed.
_NUDGED_MS = 1000


class Step(IntEnum):
    """How far a batch has come; a failed step is tried again, a done one never."""

    RAW = 0
    JUDGED = 1
    BEGUN = 2
    STORED = 3
    DONE = 4


@dataclass(slots=True)
class Judged:
    """What became of the readings of a batch before the store was asked.

    `packet_of` and `index_of` say for each accepted reading which packet it came in (number in the batch) and its index
    there.
    """

    accepted: list[Reading] = field(default_factory=list)
    packet_of: list[int] = field(default_factory=list)
    index_of: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    ignored: list[tuple[str, Silence]] = field(default_factory=list)
    clockless: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """Packets on their way, and what is known of them so far; `unfit` ones go to the quarantine for that reason.

    `fresh` are the accepted readings that were not stored when the batch began, `fresh_at` their places among the
    accepted, `keys` their (device, ts); `late` are the places among the fresh of those that are older than their
    device's newest.
    """

    packets: list[Packet]
    unfit: Reason | None = None
    step: Step = Step.RAW
    judged: Judged = field(default_factory=Judged)
    fresh: ReadingTable = field(default_factory=ReadingTable.empty)
    fresh_at: list[int] = field(default_factory=list)
    keys: tuple[tuple[str, int], ...] = ()
    late: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    finish_tried: bool = False


class Plain(msgspec.Struct, frozen=True, gc=False):
    """A native packet with nothing wrong in it: as it is written, and its readings, accepted."""

    packet: Packet
    found: WirePacket
    readings: list[Reading]


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A packet with its message, to be judged; `fingerprint` is blank unless a reading waits for the receive time."""

    packet: Packet
    message: Message
    fingerprint: str


class Judge:
    """Decodes packets and judges their readings."""

    def __init__(self, routes: Routes, timekeeper: Timekeeper) -> None:
        self.zone = timekeeper.zone
        self._routes = routes
        self._timekeeper = timekeeper
        self._last_server_ms: dict[str, int] = {}
        self.strangers = Strangers()

    def decode(self, packets: Iterable[Packet], intake: Intake) -> list[Plain | Decoded]:
        """Return the packets with their readings or messages; never fails."""
        return [self._decoded(packet, intake) for packet in packets]

    def judge(self, decoded: Sequence[Plain | Decoded], intake: Intake, remembered: Mapping[str, int]) -> Judged:
        """Return accepted, rejected and ignored readings.

        `remembered` are the receive times [ms] of fingerprints seen before.
        """
        judged = Judged()
        for number, one in enumerate(decoded):
            if isinstance(one, Plain):
                self._timekeeper.saw_plain(one.packet, one.found, one.readings)
                count = len(one.readings)
                judged.accepted += one.readings
                judged.packet_of += [number] * count
                judged.index_of += range(count)
            else:
                self._judge_one(number, one, intake, remembered, judged)
        return judged

    def _judge_one(
        self, number: int, one: Decoded, intake: Intake, remembered: Mapping[str, int], judged: Judged
    ) -> None:
        packet, message, register = one.packet, one.message, intake.register
        if not register.knows(message.device_id):
            message.device_id = as_registered(message.device_id, register)
        known = register.knows(message.device_id)
        # Who makes ids up must not fill the memory: only for registered devices is the last instant remembered.
        server_ms = self._server_ms(one, remembered, judged) if known else packet.received_ms
        outcomes = self._outcomes(one, intake, server_ms)
        if known:
            self._timekeeper.saw(packet, message)
        counted_as = message.device_id if known else ""
        flaws: list[Flaw] = []
        for index, outcome in enumerate(outcomes):
            if type(outcome) is Reading:
                judged.accepted.append(outcome)
                judged.packet_of.append(number)
                judged.index_of.append(index)
            elif type(outcome) is Flaw:
                flaws.append(outcome)
            elif type(outcome) is Ignored:
                judged.ignored.append((counted_as, outcome.silence))
        if flaws:
            if not known and _speaks(message):
                self.strangers.saw(packet, message)
            judged.rejected.extend(rejections(packet, counted_as, flaws))

    def note(self, journal: Journal, *, rest: bool = False) -> None:
        """Hand over what was seen of unknown devices and of clocks; often called, seldom does anything."""
        self.strangers.write(journal, rest=rest)
        self._timekeeper.write(journal, rest=rest)

    def recall(self, journal: Journal) -> None:
        """Go on from what was known of the devices' clocks."""
        self._timekeeper.recall(journal.clocks())

    def refuse(self, packets: Iterable[Packet], reason: Reason) -> Judged:
        """Return packets as rejected that cannot be judged."""
        flaw = Flaw(None, reason)
        return Judged(rejected=[row for packet in packets for row in rejections(packet, "", [flaw])])

    def _decoded(self, packet: Packet, intake: Intake) -> Plain | Decoded:
        found = self._read(packet, intake)
        if isinstance(found, Plain):
            return found
        return Decoded(packet, found, packet.fingerprint if found.needs_clock and not packet.retained else "")

    def _read(self, packet: Packet, intake: Intake) -> Plain | Message:
        decoder = self._routes.decoder(packet.topic)
        if decoder is None:
            return silent("", Silence.OTHER_TOPIC)
        try:
            if packet.too_large:
                # A topic that is no device's says nothing that could be too large: lists of Zigbee2MQTT's bridge are.
                by_topic = decoder(packet.topic, b"")
                nobodys = not by_topic.samples and by_topic.silence is Silence.OTHER_TOPIC
                return by_topic if nobodys else flawed(by_topic.device_id, Reason.TOO_LARGE)
            if isinstance(decoder, Native):
                return _native(decoder, packet, intake)
            return decoder(packet.topic, packet.payload)
        except Exception:
            log.exception("decoder failed topic=%s sha256=%s", packet.topic, packet.digest)
            return flawed("", Reason.DECODER_FAILED)

    def _outcomes(self, one: Decoded, intake: Intake, server_ms: int) -> Sequence[Outcome]:
        try:
            return intake.judge(one.packet, one.message, server_ms)
        except Exception:
            log.exception("intake failed topic=%s sha256=%s", one.packet.topic, one.packet.digest)
            return [Flaw(None, Reason.DECODER_FAILED)]

    def _server_ms(self, one: Decoded, remembered: Mapping[str, int], judged: Judged) -> int:
        """Return the instant for readings without a clock: that of the same packet before, else the receive time.

        Two different packets of a device in one millisecond are two readings, so the second gets the next one.
        """
        if not one.fingerprint:
            return one.packet.received_ms
        device_id = one.message.device_id
        known = remembered.get(one.fingerprint, judged.clockless.get(one.fingerprint))
        if known is None:
            known = one.packet.received_ms
            last = self._last_server_ms.get(device_id, 0)
            if known <= last < known + _NUDGED_MS:
                known = last + 1
            self._last_server_ms[device_id] = known
        judged.clockless[one.fingerprint] = known
        return known


def _native(decoder: Native, packet: Packet, intake: Intake) -> Plain | Message:
    found = decoder.read(packet.topic, packet.payload)
    if isinstance(found, Message):
        return found
    readings = intake.at_a_glance(packet, found)
    return decoder.message(found) if readings is None else Plain(packet, found, readings)


def _speaks(message: Message) -> bool:
    """Tell whether a packet is a device's that measures something, be it that its clock or its probes need a hand."""
    return any(not isinstance(one, Flaw) or one.reason in _NEEDS_A_HAND for one in message.samples)
