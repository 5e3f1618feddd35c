"""SIGTERM and Ctrl-C ask for an orderly end; a second Ctrl-C is not needed."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

_ASKS_TO_END = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(stop: threading.Event) -> threading.Event:
    """Set `stop` at SIGTERM and SIGINT; return it. Only from the main thread.

    Python runs a handler when the main thread comes to it. That one waits, and is not woken by a signal that came just
    before it fell asleep, or in another thread; and if it has just taken the lock of the event, a handler that sets the
    event waits for itself for ever. So a thread sets it, which hears of the signal by the byte that Python writes.
    """
    hears, tells = os.pipe()
    os.set_blocking(tells, False)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)

    def pass_on() -> None:
        while os.read(hears, 1)[0] not in _ASKS_TO_END:
            pass
        stop.set()

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    for number in _ASKS_TO_END:
        signal.signal(number, _nothing)
    return stop


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Leave it to the thread; without a handler the process would end."""
