"""What a process costs: processor time and memory, read from /proc."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall time [s], processor time of all threads [s], and the most memory that was resident [MB]."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class Meter:
    """Measures a running process from `start` on, what it had used before not counted."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.start()

    def start(self) -> None:
        """Begin to count."""
        self._wall, self._cpu = time.perf_counter(), cpu_s(self._pid)

    def cost(self) -> Cost:
        """Return the cost since `start`; the memory is the peak of the whole process."""
        return Cost(time.perf_counter() - self._wall, cpu_s(self._pid) - self._cpu, peak_mb(self._pid))


def run(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command to its end, its output thrown away; a failure ends the bench."""
    with (folder / "stderr").open("w+b") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, cwd=folder)
        meter, peak = Meter(process.pid), 0.0
        # Not the peak that the kernel hands over at the end: that begins with the size of the process that forked.
        while not ended(process.pid):
            peak = max(peak, peak_mb(process.pid))
            time.sleep(_POLL_S)
        cost = meter.cost()
        if process.wait():
            said.seek(0)
            raise RuntimeError(f"{' '.join(map(str, command))}: {said.read().decode()[-2000:]}")
    return Cost(cost.wall_s, cost.cpu_s, peak)


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_mb(pid: int) -> float:
    """Return the largest resident size that a process has had [MB]; 0 where it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def ended(pid: int) -> bool:
    """Tell whether a child has ended, and leave it as it is, so that its cost can still be read."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def settle(pid: int, quiet_s: float = 0.6) -> None:
    """Wait until a process has used no processor time for a while: it has started and waits."""
    last, since = cpu_s(pid), time.monotonic()
    while time.monotonic() - since < quiet_s:
        time.sleep(_POLL_S)
        now = cpu_s(pid)
        if now > last:
            last, since = now, time.monotonic()


def wait(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Wait until something holds; if it does not in time, the bench ends."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds:.0f} s: {what}")
        time.sleep(_POLL_S)
