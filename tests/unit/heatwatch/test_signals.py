"""A signal ends a wait at whatever instant it comes; in a process of its own, which a mistake would hang."""

from __future__ import annotations

import subprocess
import sys

import pytest

INTERRUPTED = """
import signal, threading
from heatwatch.signals import stop_on_signals

stop = stop_on_signals(threading.Event())
wait = stop._cond.wait

def interrupted(timeout=None):
    signal.raise_signal(signal.{name})  # the main thread holds the lock of the event
    return wait(timeout)

stop._cond.wait = interrupted
stop.wait()
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_at_the_beginning_of_the_wait_ends_it(name):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED.format(name=name)], timeout=20, capture_output=True)
    assert done.returncode == 0, done.stderr
