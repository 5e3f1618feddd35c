"""What a receiver is: it hands over one message or says why not."""

from __future__ import annotations

from typing import Protocol

import msgspec

from heating.order import Notice

_encoder = msgspec.json.Encoder()


class Deliverer(Protocol):
    """Hands messages to one receiver, one at a time."""

    def deliver(self, notice: Notice) -> None:
        """Hand over `notice.body`; return only when the other side has it.

        The same notice may come again after a crash, under the same id. Every wait inside has an end.
        Raises `DeliveryFailed`, `permanent` where trying again cannot help; its text holds no secret.
        """
        ...


def message(notice: Notice) -> bytes:
    """Return the JSON of a notice, `schema` and `id` first."""
    return _encoder.encode({"schema": notice.body.get("schema"), "id": notice.id, **notice.body})
