"""Decodes the packets of a batch and judges their readings, without I/O."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from collector.batch import Judged
from collector.glance import Plain
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


class Doubtful(msgspec.Struct, frozen=True, gc=False):
    """A packet with its message, to be judged; `fingerprint` is blank unless a reading waits for the receive time."""

    packet: Packet
    message: Message
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """The packets of a batch: those plainly in order, and, by their place in it, the others."""

    packets: Sequence[Packet]
    plain: Plain
    doubtful: Mapping[int, Doubtful]

    @property
    def fingerprints(self) -> list[str]:
        """Fingerprints of the packets that wait for the receive time."""
        return [one.fingerprint for one in self.doubtful.values() if one.fingerprint]


@dataclass(slots=True)
class _Verdicts:
    """What becomes of the readings of doubtful packets."""

    accepted: list[Reading] = field(default_factory=list)
    packet_of: list[int] = field(default_factory=list)
    index_of: list[int] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    ignored: list[tuple[str, Silence]] = field(default_factory=list)
    clockless: dict[str, int] = field(default_factory=dict)


class Judge:
    """Decodes packets and judges their readings."""

    def __init__(self, routes: Routes, timekeeper: Timekeeper) -> None:
        self.zone = timekeeper.zone
        self._routes = routes
        self._timekeeper = timekeeper
        self._last_server_ms: dict[str, int] = {}
        self.strangers = Strangers()

    def decode(self, packets: Sequence[Packet], intake: Intake) -> Decoded:
        """Return the packets with their readings or messages; never fails."""
        found = [self._read(packet) for packet in packets]
        plain = _plain(intake, packets, found)
        left = set(range(len(packets))).difference(plain.places)
        return Decoded(packets, plain, {place: self._doubtful(packets[place], found[place]) for place in sorted(left)})

    def judge(self, decoded: Decoded, intake: Intake, remembered: Mapping[str, int]) -> Judged:
        """Return accepted, rejected and ignored readings.

        `remembered` are the receive times [ms] of fingerprints seen before.
        """
        verdicts, plain = _Verdicts(), decoded.plain
        well = iter(zip(plain.wires, plain.newest_ms, strict=True))
        for place, packet in enumerate(decoded.packets):
            doubtful = decoded.doubtful.get(place)
            if doubtful is None:
                self._timekeeper.saw_plain(packet, *next(well))
            else:
                self._judge_one(place, doubtful, intake, remembered, verdicts)
        return _together(plain, verdicts)

    def _judge_one(
        self, place: int, one: Doubtful, intake: Intake, remembered: Mapping[str, int], judged: _Verdicts
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
                judged.packet_of.append(place)
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

    def _doubtful(self, packet: Packet, found: WirePacket | Message) -> Doubtful:
        message = found if isinstance(found, Message) else self._message(packet, found)
        return Doubtful(packet, message, packet.fingerprint if message.needs_clock and not packet.retained else "")

    def _message(self, packet: Packet, found: WirePacket) -> Message:
        try:
            decoder = self._routes.decoder(packet.topic)
            assert isinstance(decoder, Native)  # only its packets are found as they are written
            return decoder.message(found)
        except Exception:
            log.exception("decoder failed topic=%s sha256=%s", packet.topic, packet.digest)
            return flawed("", Reason.DECODER_FAILED)

    def _read(self, packet: Packet) -> WirePacket | Message:
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
                return decoder.read(packet.topic, packet.payload)
            return decoder(packet.topic, packet.payload)
        except Exception:
            log.exception("decoder failed topic=%s sha256=%s", packet.topic, packet.digest)
            return flawed("", Reason.DECODER_FAILED)

    def _outcomes(self, one: Doubtful, intake: Intake, server_ms: int) -> Sequence[Outcome]:
        try:
            return intake.judge(one.packet, one.message, server_ms)
        except Exception:
            log.exception("intake failed topic=%s sha256=%s", one.packet.topic, one.packet.digest)
            return [Flaw(None, Reason.DECODER_FAILED)]

    def _server_ms(self, one: Doubtful, remembered: Mapping[str, int], judged: _Verdicts) -> int:
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


def _plain(intake: Intake, packets: Sequence[Packet], found: Sequence[WirePacket | Message]) -> Plain:
    try:
        return intake.at_a_glance(packets, found)
    except Exception:
        log.exception("glance failed, judging one by one packets=%s", len(packets))
        return Plain.none()


def _together(plain: Plain, verdicts: _Verdicts) -> Judged:
    """Return what both ways accepted, in the order in which it came."""
    accepted, packet_of, index_of = plain.readings, plain.packet_of, plain.index_of
    if verdicts.accepted:
        packet_of = np.concatenate((packet_of, np.array(verdicts.packet_of, dtype=np.int64)))
        index_of = np.concatenate((index_of, np.array(verdicts.index_of, dtype=np.int64)))
        order = np.lexsort((index_of, packet_of))
        accepted = ReadingTable.joined([accepted, ReadingTable.of(verdicts.accepted)]).rows(order)
        packet_of, index_of = packet_of[order], index_of[order]
    return Judged(accepted, packet_of, index_of, verdicts.rejected, verdicts.ignored, verdicts.clockless)


def _speaks(message: Message) -> bool:
    """Tell whether a packet is a device's that measures something, be it that its clock or its probes need a hand."""
    return any(not isinstance(one, Flaw) or one.reason in _NEEDS_A_HAND for one in message.samples)
