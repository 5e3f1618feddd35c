"""How Python itself is set for a process that runs for months beside a broker that does not wait."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Objects allocated and not freed, after which Python searches the young ones for garbage; a batch has some 5 000.
_ALLOCATED = 10_000
_TURN_S = 0.05


@contextmanager
def settled_memory() -> Iterator[None]:
    """Let Python's search for garbage leave out what is in memory by now: modules and the register, which stay.

    It would go through all of it every ten thousand packets or so, which costs as much as decoding them. It also looks
    less often: what a batch of packets needs is gone by itself before.
    """
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATED, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@contextmanager
def long_turns() -> Iterator[None]:
    """Let a thread keep the interpreter for 50 ms, not 5, while another one waits for it.

    The two threads of a busy collector pass it to and fro otherwise, at a tenth of its processor time. Pages would be
    answered later for it, so this is for processes without the console.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
