"""What a limit cost: entries of the chain that the collector writes and people read.

Readings lost at the broker were never received: they are in no counter of contract §4, and among the missing of their
devices. Rejected packets that the quarantine could not keep were received and stay counted: only their bytes are gone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

# Kind of the entries in the chain.
LOSS = "loss"


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Readings published in [since, until) may be missing, or rejected packets made room in it.

    Attributes
    ----------
    what
        `session` (the broker had none of ours), `queue` (it dropped messages, of ours or of other clients), or
        `quarantine` (its oldest packets, each with one rejected reading, made room for newer ones).
    since
        When nothing was lost yet for certain; None where nobody knows.
    until
        When it was noticed.
    messages
        How many the broker says it dropped, or how many packets made room; None if nobody can know.
    expiry_s
        For how long the collector had asked the broker to keep its session [s]; None where that is not the limit.
    """

    what: Literal["session", "queue", "quarantine"]
    since: datetime | None
    until: datetime
    messages: int | None = None
    expiry_s: int | None = None
