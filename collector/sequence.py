"""Sequence numbers of a device: which of them never came."""

from __future__ import annotations

from dataclasses import dataclass, field

# Gaps that may still be filled by late readings; older ones are counted as lost for good.
_GAPS_KEPT = 16


@dataclass(slots=True)
class Sequence:
    """What is known of a device's numbers.

    Attributes
    ----------
    gaps
        Numbers that are missing below the highest, as (first, one past the last), ascending.
    lost
        Numbers missing in gaps that are remembered no more.
    """

    highest: int | None = None
    highest_ts_ms: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    lost: int = 0

    @property
    def missing(self) -> int:
        """How many numbers never came."""
        return self.lost + sum(end - start for start, end in self.gaps)

    def saw(self, seq: int, ts_ms: int) -> None:
        """Note a number; a smaller one with a later time is of a device that began anew."""
        highest = self.highest
        if highest is not None and seq == highest + 1:  # nearly always
            self.highest, self.highest_ts_ms = seq, ts_ms
        elif highest is None or (seq <= highest and ts_ms > self.highest_ts_ms):
            self.lost = self.missing
            self.gaps.clear()
            self.highest, self.highest_ts_ms = seq, ts_ms
        elif seq > highest:
            self._skip(highest + 1, seq)
            self.highest, self.highest_ts_ms = seq, ts_ms
        else:
            self._fill(seq)

    def _skip(self, start: int, end: int) -> None:
        self.gaps.append((start, end))
        self._trim()

    def _trim(self) -> None:
        while len(self.gaps) > _GAPS_KEPT:
            first, after = self.gaps.pop(0)
            self.lost += after - first

    def _fill(self, seq: int) -> None:
        for i, (start, end) in enumerate(self.gaps):
            if start <= seq < end:
                self.gaps[i : i + 1] = [part for part in ((start, seq), (seq + 1, end)) if part[0] < part[1]]
                self._trim()
                return
