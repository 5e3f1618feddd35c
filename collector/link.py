"""How the session with the broker is, for health and metrics."""

from __future__ import annotations

import msgspec


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """State of the session as health and metrics see it; `idle_s` since the last packet, or since the start."""

    thread_alive: bool
    connected: bool
    subscribed: bool
    text: str
    version: str
    connections: int
    restarts: int
    shed: int
    stumbled: int
    any_packet: bool
    idle_s: float
