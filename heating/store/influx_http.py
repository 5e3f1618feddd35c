"""An InfluxDB server over HTTP: queries, writes, and what its answers mean.

Written is with influxdb-client, SYNCHRONOUS and line protocol ready made, to `/api/v2/write`, and to `/write` where
that is not known (up to 1.7). Read is InfluxQL from `/query`, which 1.x, 2.x and 3 Core share.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
from influxdb_client import InfluxDBClient, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from heating.errors import ConfigError, StoreUnavailable
from heating.store.address import InfluxAddress
from heating.store.influx_answers import meaning, message, status_of, tls_fault, unknown_path
from heating.tls import trusting

log = logging.getLogger(__name__)

# Seconds to connect, to wait for the answer to a write, and for the next part of an answer to a query.
_CONNECT_S, _ANSWER_S, _QUERY_S = 5.0, 60.0, 300.0
_OBJECT = re.compile(r"<[^<>]* object at 0x[0-9a-f]+>: ")


class Series(msgspec.Struct):
    """One series of an answer: rows of [time in ms, field, ...]."""

    name: str = ""
    tags: dict[str, str | None] = {}
    columns: list[str] = []
    values: list[list[Any]] = []


class _Result(msgspec.Struct):
    series: list[Series] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class InfluxServer:
    """One database of one server. Threads may share it."""

    def __init__(self, address: InfluxAddress, token: str | None, tls_ca: str | None = None) -> None:
        self.address = address
        self._authorization = _authorization(token)
        trust = _trust(address, tls_ca)
        timeout = (int(_CONNECT_S * 1000), int(_ANSWER_S * 1000))
        self._client = InfluxDBClient(
            address.base_url, token=None, org=address.org or "-", timeout=timeout, ssl_context=trust
        )
        if self._authorization:
            self._client.api_client.set_default_header("Authorization", self._authorization)
        self._write_api = self._client.write_api(write_options=SYNCHRONOUS)
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=_CONNECT_S, read=_QUERY_S), ssl_context=trust
        )
        self._v1_write = False
        # Whether an answer failed to come, or a write failed, since the writer last saw to the server's log.
        self.interrupted = False
        self._closed = False

    def version(self) -> str:
        """Return the server's version, such as `1.6.7` or `2.7.4`; `` where it does not say."""
        answer = self._request("GET", "/ping")
        return str(answer.headers.get("X-Influxdb-Version", "")).lstrip("v")

    def query(self, text: str) -> Iterator[Series]:
        """Yield the series of an answer, in parts of bounded size as the server sends them."""
        form = {"db": self.address.database, "q": text, "epoch": "ms", "chunked": "true", "chunk_size": "20000"}
        answer = self._request("POST", "/query", form=form, stream=True)
        try:
            for line in _lines(answer):
                yield from self._understood(line)
        except urllib3.exceptions.HTTPError as error:
            raise self._unavailable(error) from error
        finally:
            # What was not read to its end cannot be used again.
            answer.close()
            answer.release_conn()

    def command(self, text: str) -> None:
        """Run an InfluxQL statement that answers nothing."""
        for _ in self.query(text):
            pass

    def write(self, body: bytes) -> None:
        """Write lines with times in ms; durable when it returns.

        Raises
        ------
        Refused
            If rows are refused for good; others of the same request may be stored.
        """
        self._check_open()
        try:
            if not self._v1_write:
                try:
                    self._write_api.write(
                        self.address.database, self.address.org or "-", body, write_precision=WritePrecision.MS
                    )
                    return
                except ApiException as error:
                    if not unknown_path(error):
                        raise
                    self._v1_write = True
                    log.info("influx_write_path path=/write server=%s", self.address.base_url)
            self._client.api_client.call_api(
                "/write",
                "POST",
                query_params=[("db", self.address.database), ("precision", "ms")],
                header_params={"Content-Type": "text/plain; charset=utf-8"},
                body=body,
                _preload_content=True,
            )
        except ApiException as error:
            self.interrupted |= (error.status or 0) >= 500
            raise meaning(self.address, int(error.status or 0), message(error.body or error.reason)) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unavailable(error) from error

    def call(self, method: str, path: str, body: Any = None, **options: str) -> Any:
        """Call the HTTP API of 2.x or 3 with JSON and return what it answers, nothing if that is no JSON."""
        answer = self._request(method, path, json_body=body, query=options)
        try:
            return json.loads(answer.data)
        except ValueError:
            return None

    def close(self) -> None:
        """Release connections; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        api_client = self._client.api_client
        self._write_api.close()
        self._client.close()
        # Else its finaliser complains when the interpreter ends.
        api_client.rest_client.pool_manager = None
        self._pool.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"the connection to InfluxDB at {self.address.base_url} is closed")

    def _request(
        self,
        method: str,
        path: str,
        *,
        form: dict[str, str] | None = None,
        json_body: Any = None,
        query: dict[str, str] | None = None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        self._check_open()
        headers = {"Accept": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        url = self.address.base_url + path + (f"?{urlencode(query)}" if query else "")
        try:
            if form is not None:
                answer = self._pool.request_encode_body(
                    method, url, fields=form, encode_multipart=False, headers=headers, preload_content=not stream
                )
            else:
                extra = {} if json_body is None else {"json": json_body}
                answer = self._pool.request(method, url, headers=headers, **extra)
            if answer.status >= 400:
                raise meaning(self.address, answer.status, message(answer.data.decode("utf-8", "replace")), query=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._unavailable(error) from error
        return answer

    def _understood(self, line: bytes) -> list[Series]:
        try:
            answer = _DECODER.decode(line)
        except msgspec.MsgspecError as error:
            raise StoreUnavailable(f"InfluxDB at {self.address.base_url} answers no InfluxQL: {error}") from error
        for failed in (answer.error, *(result.error for result in answer.results)):
            if failed:
                raise meaning(self.address, status_of(failed), failed, query=True)
        return [series for result in answer.results for series in result.series]

    def _unavailable(self, error: Exception) -> Exception:
        # urllib3 puts its connection object before the words: an address in memory tells nobody anything.
        cause = _OBJECT.sub("", str(getattr(error, "reason", None) or error))
        if isinstance(error, urllib3.exceptions.SSLError) and (fault := tls_fault(self.address.base_url, cause)):
            return fault
        self.interrupted = True
        return StoreUnavailable(f"InfluxDB at {self.address.base_url} does not answer: {cause}")


def _trust(address: InfluxAddress, tls_ca: str | None) -> ssl.SSLContext | None:
    """Return what the server's certificate is held against, None without TLS."""
    if not address.tls:
        if tls_ca:
            raise ConfigError(f"store.tls_ca = {tls_ca!r}: store.url must say tls=1, else all is sent in clear")
        return None
    try:
        return trusting(tls_ca)
    except OSError as error:
        raise ConfigError(
            f"store.tls_ca = {tls_ca!r}: cannot be used ({error.strerror or error}); it must hold certificates (PEM)"
        ) from error


def _authorization(token: str | None) -> str | None:
    """Return the header: `user:password` (1.x) as Basic, which every path of 1.x knows; else a token."""
    if not token:
        return None
    if ":" in token:
        return "Basic " + base64.b64encode(token.encode()).decode()
    return f"Token {token}"


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield the lines of a chunked answer: InfluxDB ends each chunk of an answer with a line break."""
    rest = b""
    for block in answer.stream(1 << 18):
        *lines, rest = (rest + block).split(b"\n")
        yield from (line for line in lines if line.strip())
    if rest.strip():
        yield rest
