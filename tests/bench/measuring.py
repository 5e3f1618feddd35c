"""Measures and prints: the best of some runs, since everything else on the machine only makes them slower."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable


def best_s(work: Callable[[], object], rounds: int = 5) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_mb() -> float:
    """Largest memory of this process so far [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def line(*cells: object) -> None:
    """Print one row."""
    sys.stdout.write("  ".join(f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells) + "\n")
    sys.stdout.flush()
