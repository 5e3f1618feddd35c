"""SIGTERM and Ctrl-C ask for an orderly end; a second Ctrl-C is not needed."""

from __future__ import annotations

import signal
import threading
from types import FrameType


def stop_on_signals(stop: threading.Event) -> threading.Event:
    """Set `stop` at SIGTERM and SIGINT; return it. Only from the main thread."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop
