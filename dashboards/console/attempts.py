"""Failed logins, counted by address: who guesses has to wait. No I/O, time passed in."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

# Guesses allowed in a window (assumption: a person mistypes a few times, a program tries thousands).
LIMIT, WINDOW = 10, timedelta(minutes=5)
_MOST_ADDRESSES = 4096


class FailedLogins:
    """Remembers when addresses failed; threads may share it. Memory is bounded, the oldest addresses are forgotten."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, address: str, now: datetime) -> int:
        """Return for how long an address may not try again [s], 0 if it may."""
        with self._lock:
            failed = self._failed.get(_network(address))
            if failed is None:
                return 0
            while failed and now - failed[0] >= WINDOW:
                failed.popleft()
            return int((failed[0] + WINDOW - now).total_seconds()) + 1 if len(failed) >= LIMIT else 0

    def failed(self, address: str, now: datetime) -> None:
        """Count a wrong name or secret."""
        key = _network(address)
        with self._lock:
            self._failed.setdefault(key, deque(maxlen=LIMIT)).append(now)
            self._failed.move_to_end(key)
            if len(self._failed) > _MOST_ADDRESSES:
                self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        with self._lock:
            self._failed.pop(_network(address), None)


def _network(address: str) -> str:
    """Return what stands for one guesser: an IPv4 address, or the /64 in which an IPv6 host picks as it likes."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
