"""The timetable of a fleet: which node uploads when, and what it has sampled by then."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from firmware_sim.node import Node, Sample
from firmware_sim.scenario import NodeSpec
from firmware_sim.sensors import MINUTE_MS, Samples
from heating.reading import Ints


@dataclass(slots=True)
class Mailbox:
    """A node and what it has sampled but not yet put into memory; `Flagged` rows in order of sampling."""

    node: Node
    ahead: deque[Flagged] = field(default_factory=deque)
    offline_until_ms: int = 0
    online: bool | None = None
    idle: int = 0

    def catch_up(self, now_ms: int) -> tuple[bool, bool]:
        """Put the samples taken up to an instant into memory; tell whether to send twice, and to send garbage."""
        duplicate = garbage = False
        while self.ahead and self.ahead[0].taken_ms <= now_ms:
            flagged = self.ahead.popleft()
            self.node.sample(flagged.sample)
            self.offline_until_ms = max(self.offline_until_ms, flagged.arrives_ms)
            duplicate |= flagged.duplicate
            garbage |= flagged.garbage
        return duplicate, garbage


@dataclass(frozen=True, slots=True)
class Flagged:
    """A sample with what the simulation does to its packet."""

    taken_ms: int
    arrives_ms: int
    duplicate: bool
    garbage: bool
    sample: Sample


class Timetable:
    """Upload instants of D nodes: each keeps its own phase inside the upload period."""

    def __init__(self, devices: int, spec: NodeSpec, start_ms: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 8])
        self._period_ms = round(spec.upload_min * MINUTE_MS)
        self._first_ms = start_ms + rng.integers(1, self._period_ms // 1000 + 1, devices) * 1000

    def uploads(self, start_ms: int, end_ms: int) -> tuple[Ints, Ints]:
        """Return instants and devices of the uploads in [start, end), by time, then device."""
        first = np.maximum(-((self._first_ms - start_ms) // self._period_ms), 0)
        most = (end_ms - start_ms) // self._period_ms + 2
        at = self._first_ms[:, None] + (first[:, None] + np.arange(most)) * self._period_ms
        device, column = np.nonzero((at >= start_ms) & (at < end_ms))
        instants = at[device, column]
        order = np.lexsort((device, instants))
        return instants[order], device[order]


def flagged(samples: Samples) -> Iterator[tuple[int, Flagged]]:
    """Yield (device index, sample) in the order of sampling."""
    columns = zip(
        samples.device.tolist(), samples.taken_ms.tolist(), samples.ts_ms.tolist(), samples.arrives_ms.tolist(),
        samples.duplicate.tolist(), samples.garbage.tolist(), samples.flags.tolist(),
        _values(samples.temperature_c, 1), _values(samples.humidity_pct, 0), _values(samples.supply_c, 1),
        _values(samples.return_c, 1), _values(samples.battery_v, 2), strict=True,
    )  # fmt: skip
    for device, taken, ts, arrives, duplicate, garbage, flags, temperature, humidity, supply, back, battery in columns:
        sample = Sample(ts, temperature, humidity, supply, back, battery, flags)
        yield device, Flagged(taken, arrives, duplicate, garbage, sample)


def _values(column: np.ndarray, digits: int) -> list[float | None]:
    """Return rounded numbers as sent, None where absent."""
    rounded = np.round(column, digits) + 0.0
    return [None if value != value else value for value in rounded.tolist()]
