"""A line in the log of the process."""

from __future__ import annotations

import logging

from heating.order import Notice

log = logging.getLogger(__name__)


class ConsoleDeliverer:
    """Logs each message."""

    def deliver(self, notice: Notice) -> None:
        """Write one line."""
        text = " / ".join(str(notice.body.get("text", "")).splitlines())
        log.info("notice id=%s why=%s text=%s", notice.id, notice.why, text)
