"""An HTTP POST of JSON; the id of the notice is the `Idempotency-Key`, so that a server can tell a repetition."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from email.message import Message
from typing import IO

from alerts.receivers.port import message
from heating.errors import ConfigError, DeliveryFailed
from heating.order import Notice
from heating.tls import trusting

# Time-out and too many requests are the two refusals of the 4xx family that pass by themselves (RFC 9110, RFC 6585).
_PASSING = (408, 429)
_ANSWER_BYTES = 200


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A POST that is sent elsewhere would lose its body or hand its token to a stranger."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Refuse; the redirection then counts as the answer."""


class WebhookDeliverer:
    """Posts messages to one address."""

    def __init__(self, url: str, token: str, tls_ca: str, timeout_s: float) -> None:
        self._url = url
        self._token = token
        self._timeout_s = timeout_s
        tls = urllib.request.HTTPSHandler(context=trusting(tls_ca or None))
        self._opener = urllib.request.build_opener(tls, _NoRedirect)

    def deliver(self, notice: Notice) -> None:
        """Post; any 2xx is success, 408, 429 and 5xx are tried again, any other answer is for good."""
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": notice.id}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._url, data=message(notice), headers=headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                answer.read(_ANSWER_BYTES)
        except urllib.error.HTTPError as refusal:
            permanent = refusal.code < 500 and refusal.code not in _PASSING
            with refusal:
                reason = f"HTTP {refusal.code} {refusal.reason}"
            raise DeliveryFailed(reason, permanent=permanent) from None
        except (OSError, http.client.HTTPException) as wrong:
            # URLError is an OSError; the address stays out of the text, it may hold a secret.
            reason = str(getattr(wrong, "reason", "") or wrong).replace(self._url, "the address")
            raise DeliveryFailed(f"no answer: {type(wrong).__name__} {reason}", permanent=False) from None


def checked_url(url: str, key: str) -> str:
    """Return an address that can be posted to; else raise `ConfigError` without repeating a secret."""
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{key} must hold an address that begins with http:// or https://")
    return one_line(url, key)


def one_line(secret: str, key: str) -> str:
    """Return a text that fits into the head of a request; else raise `ConfigError` without repeating it."""
    if not all("!" <= sign <= "~" for sign in secret):
        raise ConfigError(f"{key} must hold one line of plain characters without blanks")
    return secret
