"""Readings in the payload of a LoRaWAN uplink: what the server's codec made of it, else the raw frame."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from collector.payloads.codecs import codec_sample
from collector.payloads.dragino import is_lht65, no_present_reading
from collector.payloads.fields import REPLAYED, Probes
from collector.payloads.frames import frame_records, names_itself, names_model
from collector.payloads.message import Flaw, Reason, Sample, Unreadable, instant
from collector.payloads.record import Record
from collector.payloads.sensecap import telemetry
from collector.payloads.tree import Node, child, items, text


@dataclass(frozen=True, slots=True)
class Uplink:
    """What a server knows of an uplink's payload: as its codec decoded it, raw in base64, type of device, port."""

    decoded: Node
    data: str
    model: str
    port: object

    @property
    def maker_model(self) -> str:
        """The type of device: as the codec itself writes it, else as the server calls it.

        All of Dragino's codecs write a `Node_type`; older ones of the LHT65 do not, and alone have a `Bat_status` or
        lists of what a probe measured.
        """
        said = text(self.decoded, "Node_type") or text(child(self.decoded, "data"), "Node_type")
        return said or ("LHT65" if "Bat_status" in self.decoded or self.lists_of_probe else self.model)

    @property
    def lists_of_probe(self) -> bool:
        """Tell whether Dragino's codec of the LHT65 saw the log of a probe.

        Some see it in every present reading of 2.56 to 7.67 °C, as they look at one byte on all ports.
        """
        return "sensor" in self.decoded and isinstance(self.decoded.get("Temp"), list)

    def frame(self) -> bytes:
        """Return the raw frame.

        Raises
        ------
        Unreadable
            If it is no base64.
        """
        try:
            return base64.b64decode(self.data, validate=True)
        except (binascii.Error, ValueError):
            raise Unreadable(Reason.WRONG_SHAPE) from None


class Reader:
    """Reads the payloads of uplinks."""

    def __init__(self, zone: ZoneInfo | None, unit: str, probes: Probes) -> None:
        self._zone = zone
        self._unit = unit
        self._probes = probes

    def read(self, up: Uplink, normalized: Sequence[Node] = ()) -> list[Sample | Flaw]:
        """Return the samples of an uplink, or that it is one bad reading as a whole."""
        try:
            if up.decoded or normalized:
                return self._samples(up, normalized)
            return self._raw(up.frame(), up)
        except Unreadable as problem:
            return [Flaw(None, problem.reason)]

    def _samples(self, up: Uplink, normalized: Sequence[Node]) -> list[Sample | Flaw]:
        """Return the samples of an uplink that a codec has decoded.

        A codec that gives no temperature may have left out a zero or made a text of a log: then the frame is asked,
        if its maker is known; a stranger's is not guessed at behind its codec.

        Raises
        ------
        Unreadable
            If a temperature is no number.
        """
        frame = b""
        with suppress(Unreadable):
            frame = up.frame()
        model = up.maker_model
        if frame and is_lht65(model) and (up.lists_of_probe or no_present_reading(frame, model, up.port)):
            return self._raw(frame, up)
        problem: Unreadable | None = None
        attempts: tuple[Callable[[], list[Sample | Flaw]], ...] = (
            lambda: self._decoded(up.decoded),
            lambda: self._measurements(normalized),
        )
        for attempt in attempts:
            try:
                if found := attempt():
                    return found
            except Unreadable as wrong:
                problem = problem or wrong
        # What is a riddle to the codec's reader is none in the frame only where we know the very model.
        known = names_model(model)
        if known or (problem is None and (names_itself(frame, up.port) or "Hum_SHT" in up.decoded)):
            with suppress(Unreadable):
                if found := self._raw(frame, up):
                    return found
        if problem is not None:
            raise problem
        return []

    def _raw(self, frame: bytes, up: Uplink) -> list[Sample | Flaw]:
        if not frame:
            return []
        records = frame_records(frame, up.maker_model, up.port)
        return [sample for record in records if (sample := self._of_record(record)) is not None]

    def _of_record(self, record: Record) -> Sample | None:
        sample = codec_sample(record.values, self._probes, "")
        if sample is not None:
            sample.ts_ms = record.ts_ms
            sample.quality |= REPLAYED if record.logged else 0
        return sample

    def _decoded(self, decoded: Node) -> list[Sample | Flaw]:
        """Return the present sample and those of a log that the device sends behind it (Milesight `history`)."""
        decoded = telemetry(decoded)
        logged = items(decoded, "history")
        found: list[Sample | Flaw] = []
        try:
            now = codec_sample(decoded, self._probes, self._unit)
            if now is not None:
                # Dragino, "DS18B20 & timestamp": the device's own clock.
                now.ts_ms = instant(decoded.get("Systimestamp"), self._zone)
                found.append(now)
        except Unreadable as problem:
            if not logged:
                raise
            found.append(Flaw(0, problem.reason))
        for node in logged:
            index = len(found)
            try:
                if isinstance(node, dict) and (sample := self._of_history(node)) is not None:
                    found.append(sample)
            except Unreadable as problem:
                found.append(Flaw(index, problem.reason))
        return found

    def _of_history(self, node: Node) -> Sample | None:
        sample = codec_sample(node, self._probes, self._unit)
        if sample is not None:
            sample.ts_ms = instant(node.get("timestamp") or node.get("time"), self._zone)
            sample.quality |= REPLAYED
        return sample

    def _measurements(self, normalized: Sequence[Node]) -> list[Sample | Flaw]:
        """Return the samples of a normalized payload; a measurement may have its own time."""
        found: list[Sample | Flaw] = []
        for node in normalized:
            sample = codec_sample(node, self._probes, "")
            if sample is not None:
                sample.ts_ms = instant(node.get("time"), self._zone)
                found.append(sample)
        return found
