"""What the answers of InfluxDB mean: stored, refused rows, a person must act, try again."""

from __future__ import annotations

import json
import re
from typing import Any

from influxdb_client.rest import ApiException

from heating.errors import StoreMisconfigured, StoreUnavailable
from heating.store.address import InfluxAddress

_DROPPED = re.compile(r"dropped=(\d+)")
_LIMITS = ("max-series-per-database", "max-values-per-tag", "max series per database", "max values per tag")
_FILE_LIMIT = "exceeding the file limit"
_CLEAR_TO_TLS = "sent an HTTP request to an HTTPS server"


class Refused(Exception):
    """The server refuses rows of this request for good; `dropped` tells how many, if it said so."""

    def __init__(self, reason: str, dropped: int | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.dropped = dropped


class TokenRefused(StoreMisconfigured):
    """The server knows us not, or lets us not do this."""


class NameUnknown(StoreMisconfigured):
    """The database, bucket or org is not there."""


class AlreadyThere(StoreMisconfigured):
    """What was to be made is there."""


def meaning(address: InfluxAddress, status: int, said: str, *, query: bool = False) -> Exception:
    """Return the exception that an answer stands for; its text is one line."""
    where, said = f"InfluxDB at {address.base_url}", " ".join(said.split())[:500]
    if status == 400 and query and status_of(said) == 404:
        status = 404
    if status in (401, 403):
        return TokenRefused(f"store.token_file: {where} refuses us ({status}): {said}")
    if status == 404 and "organization" in said:
        return NameUnknown(f"store.url: {where} knows no org {address.org!r}: it must end with ?org=NAME")
    if status == 404:
        return NameUnknown(
            f"store.url: {where} has no database or bucket {address.database!r}"
            f"{f' of org {address.org!r}' if address.org else ''}: {said}"
        )
    if status == 409:
        return AlreadyThere(f"store.url: {where} has it already: {said}")
    if _FILE_LIMIT in said:
        return StoreMisconfigured(
            f"store.url: {where} reads no further back: it must be started with a higher --query-file-limit: {said}"
        )
    if any(limit in said for limit in _LIMITS):
        return StoreMisconfigured(f"store.url: {where} has reached a limit of its configuration: {said}")
    if status in (400, 413, 422) and not query:
        dropped = _DROPPED.search(said)
        return Refused(said, int(dropped[1]) if dropped else None)
    if status == 0 and (fault := tls_fault(address.base_url, said)):
        return fault
    if _CLEAR_TO_TLS in said:
        return StoreMisconfigured(f"store.url: {where} speaks TLS only: it must end with tls=1")
    if 400 <= status < 500 and status not in (408, 429):
        return StoreMisconfigured(f"store.url: {where} refuses a request ({status}): {said}")
    return StoreUnavailable(f"{where} answers {status}: {said}")


def tls_fault(url: str, said: str) -> StoreMisconfigured | None:
    """Return what a person must mend; None for a connection that merely broke."""
    found = re.search(r"certificate verify failed: (.*?)\.? ?(?:\(_ssl|$)", said)
    if found and ("mismatch" in found[1] or "expired" in found[1]):
        return StoreMisconfigured(f"store.url: the certificate of InfluxDB at {url} does not hold: {found[1]}")
    if found:
        return StoreMisconfigured(
            f"store.tls_ca: no CA that is trusted has signed the certificate of InfluxDB at {url}: {found[1]}"
        )
    if "WRONG_VERSION_NUMBER" in said or "record layer failure" in said:
        return StoreMisconfigured(
            f"store.url: InfluxDB at {url} speaks no TLS: tls=1 must go, or the server be given TLS"
        )
    if "alert" in said or "UNSUPPORTED_PROTOCOL" in said:
        return StoreMisconfigured(f"store.url: InfluxDB at {url} refuses our TLS: {said}")
    return None


def message(body: Any) -> str:
    """Return what the server said: `error` in 1.x, `message` in 2.x, else the text itself."""
    text = str(body or "").strip()
    try:
        found = json.loads(text)
    except ValueError:
        return text[:500]
    if isinstance(found, dict):
        return str(found.get("error") or found.get("message") or text)[:500]
    return text[:500]


def unknown_path(error: ApiException) -> bool:
    """Tell a server that does not know the path from one that does not know the bucket (which says so in JSON)."""
    return error.status == 404 and not str(error.body or "").lstrip().startswith("{")


def status_of(said: str) -> int:
    """Return the status that fits an error inside an answer of status 200."""
    text = said.lower()
    if "not found" in text and ("database" in text or "bucket" in text or "retention policy" in text):
        return 404
    if "not authorized" in text or "authorization" in text or "unauthorized" in text:
        return 401
    return 400 if "error parsing" in text or "not implemented" in text else 500
