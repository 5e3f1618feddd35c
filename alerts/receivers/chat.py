"""Chat groups, e-mail and many more through apprise, which is an optional extra."""

from __future__ import annotations

import importlib
from typing import Any

from heating.errors import ConfigError, DeliveryFailed
from heating.order import Notice


class AppriseDeliverer:
    """Sends the text of each message to all addresses; apprise only says whether all of them took it."""

    def __init__(self, name: str, urls: tuple[str, ...]) -> None:
        try:
            apprise = importlib.import_module("apprise")
        except ImportError as missing:
            raise ConfigError(
                f"alerts.receivers {name!r} has type apprise, which is not installed: pip install 'heatwatch[apprise]'"
            ) from missing
        self._sender: Any = apprise.Apprise()
        for number, url in enumerate(urls, start=1):
            if not self._sender.add(url):
                raise ConfigError(
                    f"alerts.receivers {name!r}: address {number} of urls_file is none that apprise knows"
                )

    def deliver(self, notice: Notice) -> None:
        """Send; a failure is tried again, with all addresses."""
        if not self._sender.notify(body=str(notice.body.get("text", "")), title=notice.subject):
            raise DeliveryFailed("apprise could not send to all addresses", permanent=False)
