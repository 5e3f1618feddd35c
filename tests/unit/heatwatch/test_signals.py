"""A signal ends a wait at whatever instant it comes; in a process of its own, which a mistake would hang."""

from __future__ import annotations

import subprocess
import sys

import pytest

# The main thread has just taken the lock of the event.
BEGINNING = """
import signal, threading
from heatwatch.signals import stop_on_signals

stop = stop_on_signals(threading.Event())
wait = stop._cond.wait

def interrupted(timeout=None):
    signal.raise_signal(signal.{name})
    return wait(timeout)

stop._cond.wait = interrupted
stop.wait()
"""

# The signal comes in another thread (or before the main thread is asleep, which is the same): nothing wakes that one.
ELSEWHERE = """
import signal, threading, time
from heatwatch.signals import stop_on_signals

stop = stop_on_signals(threading.Event())

def end():
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), signal.{name})

threading.Thread(target=end).start()
stop.wait()
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("program", [BEGINNING, ELSEWHERE], ids=["beginning", "elsewhere"])
def test_a_signal_always_ends_the_wait(program, name):
    done = subprocess.run([sys.executable, "-c", program.format(name=name)], timeout=20, capture_output=True)
    assert done.returncode == 0, done.stderr
