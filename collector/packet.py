"""A packet as it came from the broker, before anybody has looked into it."""

from __future__ import annotations

import hashlib

import msgspec

# Contract §4: what is longer is one bad reading, of which the first 64 KiB are kept.
MAX_PAYLOAD = 64 * 1024


class Packet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One MQTT publish.

    Attributes
    ----------
    payload
        At most the first 64 KiB.
    length
        Length as received [bytes].
    sha256
        Of the whole payload, where that is longer than what is kept; else blank (see `digest`).
    redelivered
        The broker says, or the session makes it likely, that we had this packet before.
    maybe_repeated
        It may be so, as the session was resumed not long ago.
    mid, qos, generation
        What an acknowledgement needs: packet id, quality of service, connection on which it came.
    """

    topic: str
    payload: bytes
    received_ms: int
    length: int
    sha256: str = ""
    retained: bool = False
    redelivered: bool = False
    maybe_repeated: bool = False
    mid: int = 0
    qos: int = 1
    generation: int = 0

    @property
    def too_large(self) -> bool:
        """Tell whether the payload was cut."""
        return self.length > MAX_PAYLOAD

    @property
    def digest(self) -> str:
        """SHA-256 of the whole payload."""
        return self.sha256 or hashlib.sha256(self.payload).hexdigest()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of topic and payload: what makes two packets without a clock the same."""
        return hashlib.sha256(self.topic.encode() + b"\0" + self.payload).hexdigest()


def clip(payload: bytes) -> tuple[bytes, str]:
    """Return what is kept of a payload, and its SHA-256 if that is not all of it."""
    if len(payload) <= MAX_PAYLOAD:
        return payload, ""
    return payload[:MAX_PAYLOAD], hashlib.sha256(payload).hexdigest()
