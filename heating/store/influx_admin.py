"""What differs between the generations of InfluxDB: making the database, deleting, and where data begins and ends."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import Any

from heating.errors import StoreMisconfigured
from heating.instants import from_ms, rfc3339
from heating.measurement import SCHEMAS, Measurement
from heating.store.identity import NEVER
from heating.store.influx_answers import AlreadyThere, NameUnknown, TokenRefused
from heating.store.influx_http import InfluxServer
from heating.store.influx_lines import carried, quoted
from heating.store.influx_reading import FIRST_MS, LAST_MS, span

_LIMITS_OF_3 = (
    "3 Core deletes nothing (store.retention_days must be 0) and reads some 72 h back, unless it is started with a "
    "higher --query-file-limit"
)
log = logging.getLogger(__name__)


class Administration:
    """The database of one server; nothing is asked of the server before it is needed."""

    def __init__(self, server: InfluxServer, *, create: bool) -> None:
        self._server = server
        self._create = create
        self._version: str | None = None
        self._lock = threading.Lock()
        self._warned = False

    def ready(self) -> str:
        """Make the database once, where there is none and the server allows it; return the server's version."""
        with self._lock:
            if self._version is None:
                version = self._server.version()
                if self._create:
                    self._make(_generation(version))
                self._version = version
                log.info("store_opened url=%s version=%s", self._server.address.base_url, version)
                if _generation(version) == 3:
                    log.warning("influx_untried version=%s effect=%s", version or "unknown", _LIMITS_OF_3)
            return self._version

    def generation(self) -> int:
        """Return 1, 2 or 3."""
        return _generation(self.ready())

    def bounds(self, measurement: Measurement, start_ms: int, end_ms: int) -> tuple[int, int] | None:
        """Return the first and the last instant [ms] of a measurement in [start, end), None where it is empty."""
        firsts = self._ends(measurement, "first", span(start_ms, end_ms))
        lasts = self._ends(measurement, "last", span(start_ms, end_ms))
        return (min(firsts), max(lasts)) if firsts and lasts else None

    def newest(self, measurement: Measurement) -> int:
        """Return the newest instant [ms] of a measurement, `NEVER` where it is empty."""
        return max(self._ends(measurement, "last", span(FIRST_MS, LAST_MS)), default=NEVER)

    def delete_all(self, name: str) -> None:
        """Delete a measurement that is none of ours to keep."""
        if self.generation() == 1:
            self._server.command(f'DELETE FROM "{name}"')
        else:
            self._delete_v2(FIRST_MS, LAST_MS, f'_measurement="{name}"')

    def delete_before(self, measurement: Measurement, cutoff_ms: int) -> None:
        """Delete what is older than an instant.

        Raises
        ------
        StoreMisconfigured
            If the server cannot delete (InfluxDB 3 Core).
        """
        generation = self.generation()
        if generation == 1:
            self._server.command(f'DELETE FROM "{measurement}" WHERE time < {max(cutoff_ms, FIRST_MS)}ms')
        elif generation == 2:
            self._delete_v2(FIRST_MS, cutoff_ms - 1, f'_measurement="{measurement}"')
        else:
            raise StoreMisconfigured(
                "store.retention_days: InfluxDB 3 Core cannot delete: set it to 0 and give the database a retention"
            )

    def delete_point(self, measurement: Measurement, ts_ms: int, tags: dict[str, str]) -> None:
        """Delete one point; where the server cannot, say so once."""
        generation = self.generation()
        if generation == 1:
            where = " AND ".join(f'"{name}" = {quoted(value)}' for name, value in tags.items())
            self._server.command(f'DELETE FROM "{measurement}" WHERE time = {ts_ms}ms AND {where}')
        elif generation == 2:
            given = "".join(f' AND "{name}"="{_escaped(value)}"' for name, value in tags.items() if value)
            self._delete_v2(ts_ms, ts_ms, f'_measurement="{measurement}"{given}')
        elif not self._warned:
            self._warned = True
            log.warning("influx_cannot_delete effect=%s", "a corrected row keeps the old value of a field now absent")

    def _ends(self, measurement: Measurement, selector: str, where: str) -> list[int]:
        schema = SCHEMAS[measurement]
        fields = ("quality",) if "quality" in schema.floats else (schema.texts or schema.floats)
        return [
            int(series.values[0][0])
            for field in fields
            for series in self._server.query(f'SELECT {selector}("{field}") FROM "{measurement}" WHERE {where}')
        ]

    def _make(self, generation: int) -> None:
        name = self._server.address.database
        if generation == 1:
            self._make_database(name)
        elif generation == 2:
            self._make_bucket(name)
        else:
            self._make_v3(name)

    def _make_database(self, name: str) -> None:
        try:
            self._server.command('CREATE DATABASE "' + name.replace("\\", "\\\\").replace('"', '\\"') + '"')
        except TokenRefused as error:
            # Only administrators may create; a user who may read and write the one database is right for us.
            seen = [row[0] for series in self._server.query("SHOW DATABASES") for row in series.values]
            if name not in seen:
                raise StoreMisconfigured(
                    f"store.url: the user of store.token_file sees no database {name!r}, and may not create it: "
                    "an administrator must create it and grant ALL on it"
                ) from error

    def _make_v3(self, name: str) -> None:
        # Its first write makes a database, but before that we ask what is there.
        with suppress(AlreadyThere, NameUnknown, TokenRefused):
            self._server.call("POST", "/api/v3/configure/database", {"db": name})

    def _make_bucket(self, name: str) -> None:
        org = self._server.address.org
        if not org:
            raise StoreMisconfigured("store.url: InfluxDB 2.x must be given its org: ?org=NAME")
        try:
            if self._found("/api/v2/buckets", "buckets", name=name, org=org):
                return
            orgs = self._found("/api/v2/orgs", "orgs", org=org)
            if not orgs:
                raise StoreMisconfigured(f"store.url: InfluxDB knows no org {org!r}: give ?org=NAME")
            self._server.call("POST", "/api/v2/buckets", {"name": name, "orgID": orgs[0]["id"], "retentionRules": []})
            log.info("influx_bucket_made name=%s org=%s", name, org)
        except TokenRefused as error:
            # A token that may only read and write one bucket is right for us: its first use tells.
            log.warning("influx_bucket_unknown name=%s org=%s reason=%s", name, org, error)

    def _found(self, path: str, what: str, **options: str) -> list[dict[str, Any]]:
        """Return what a list of the API holds; for a name that is not there 2.x answers 404."""
        try:
            answer = self._server.call("GET", path, **options)
        except NameUnknown:
            return []
        return list((answer or {}).get(what) or [])

    def _delete_v2(self, first_ms: int, last_ms: int, predicate: str) -> None:
        address = self._server.address
        body = {"start": rfc3339(from_ms(first_ms)), "stop": rfc3339(from_ms(last_ms)), "predicate": predicate}
        self._server.call("POST", "/api/v2/delete", body, bucket=address.database, org=address.org)


def _generation(version: str) -> int:
    """Return 1, 2 or 3; a server that does not say its version is taken for the newest, of which least is asked."""
    major = version.partition(".")[0]
    return int(major) if major in ("1", "2") else 3


def _escaped(text: str) -> str:
    return carried(text).replace('"', '\\"')
