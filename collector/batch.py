"""A batch of packets on its way into the store, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from collector.packet import Packet
from collector.payloads.message import Reason, Silence
from collector.quarantine import Rejection
from heating.reading import Ints, ReadingTable


class Step(IntEnum):
    """How far a batch has come; a failed step is tried again, a done one never."""

    RAW = 0
    JUDGED = 1
    BEGUN = 2
    STORED = 3
    DONE = 4


def _nowhere() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(slots=True)
class Judged:
    """What became of the readings of a batch before the store was asked.

    `packet_of` and `index_of` say for each accepted reading which packet it came in (number in the batch) and its index
    there, int64 (N,).
    """

    accepted: ReadingTable = field(default_factory=ReadingTable.empty)
    packet_of: Ints = field(default_factory=_nowhere)
    index_of: Ints = field(default_factory=_nowhere)
    rejected: Sequence[Rejection] = ()
    ignored: Sequence[tuple[str, Silence]] = ()
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
