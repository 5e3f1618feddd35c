"""SIGTERM and Ctrl-C ask for an orderly end; a second Ctrl-C is not needed."""

from __future__ import annotations

import signal
import threading
from queue import SimpleQueue
from types import FrameType


def stop_on_signals(stop: threading.Event) -> threading.Event:
    """Set `stop` at SIGTERM and SIGINT; return it. Only from the main thread.

    Python runs the handler inside whatever the main thread does. If that holds the lock of the event, because it is
    just beginning to wait for it, setting the event there would wait for itself for ever: another thread sets it.
    """
    asked: SimpleQueue[int] = SimpleQueue()  # its `put` may interrupt itself

    def end(number: int, _frame: FrameType | None) -> None:
        asked.put(number)

    def pass_on() -> None:
        asked.get()
        stop.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop
