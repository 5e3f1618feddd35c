"""Work orders (调度单), their states, clocks and history: pure, no I/O.

Contract §8; S0 dispatch post (4)(5), S2 §9.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from heating.finding import Cause, Severity
from heating.site import SubjectType


class TriggerClass(StrEnum):
    """The four triggers 四为令 of S0: weather, user, equipment, emergency."""

    WEATHER = "weather"
    USER = "user"
    EQUIPMENT = "equipment"
    EMERGENCY = "emergency"


class OrderState(StrEnum):
    """States in their order; `paused` and `cancelled` carry a reason."""

    OPEN = "open"
    ISSUED = "issued"
    CONTACTED = "contacted"
    ON_SITE = "on_site"
    RESOLVED = "resolved"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class OrderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One row of an order's history, as it stands in the chain (no personal data).

    `kind` is the state reached, or `opened`, `joined` (more homes), `resumed`, `escalated`, `note`.
    """

    order_id: str
    kind: str
    at: datetime
    by: str
    text: str = ""
    data: Mapping[str, Any] = {}


class WorkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A work order for dispatch; contact, telephone and address are put in when it is shown.

    Attributes
    ----------
    due
        Step (`issued`, `contacted`, `on_site`, `resolved`, `followed_up`) to the instant it is due.
    homes, points, findings
        Ids that the order covers.
    priority
        Largest score of its homes [K].
    """

    id: str
    state: OrderState
    opened_at: datetime
    detected_at: datetime
    subject_type: SubjectType
    subject_id: str
    homes: tuple[str, ...]
    points: tuple[str, ...]
    findings: tuple[str, ...]
    cause: Cause | None
    trigger: TriggerClass
    severity: Severity
    priority: float
    content: str
    due: Mapping[str, datetime]
    reason: str | None = None
    paused_from: OrderState | None = None
    history: tuple[OrderEvent, ...] = ()


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A message for one receiver, kept in the outbox until delivered.

    `id` is the same for every try, so that a receiver can tell a repetition; `why` says why it is sent
    (`order_opened`, `order_joined`, `step_due`, `step_late`, `order_closed`, …).
    """

    id: str
    receiver: str
    why: str
    subject: str
    created_at: datetime
    next_try: datetime
    body: Mapping[str, Any]
    attempts: int = 0
