"""What `store.url` says: which adapter, and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from heating.errors import ConfigError

_FORMS = "duckdb:///relative, duckdb:////absolute or influxdb://host:port/database?org=O&tls=1"
_YES, _NO = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")


@dataclass(frozen=True, slots=True)
class EmbeddedAddress:
    """A DuckDB file."""

    path: Path


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """A database (bucket) of an InfluxDB server; `org` is needed by InfluxDB 2 only."""

    host: str
    port: int
    database: str
    org: str
    tls: bool

    @property
    def base_url(self) -> str:
        """Return the HTTP address of the server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def parse_address(url: str) -> EmbeddedAddress | InfluxAddress:
    """Understand `store.url`.

    Raises
    ------
    ConfigError
        In one line that names the key, the value and what would be right.
    """
    scheme, sign, rest = url.partition("://")
    if not sign:
        raise _wrong(url, "it has no scheme")
    if scheme == "duckdb":
        return EmbeddedAddress(_file(url, rest))
    if scheme == "influxdb":
        return _influx(url)
    raise _wrong(url, f"scheme {scheme!r} is unknown")


def _file(url: str, rest: str) -> Path:
    if not rest.startswith("/"):
        raise _wrong(url, "a file takes three slashes when relative, four when absolute")
    name = unquote(rest[1:])
    if not name or name.endswith("/"):
        raise _wrong(url, "it names no file")
    if "?" in name or "#" in name:
        raise _wrong(url, "a file takes no options")
    return Path(name)


def _influx(url: str) -> InfluxAddress:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _wrong(url, "its port is no number up to 65535") from None
    database = unquote(parts.path.strip("/"))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.username or parts.password:
        raise ConfigError("store.url: no user or password in the URL: use store.token_file (user:password for 1.x)")
    if not host or not database or "/" in database:
        raise _wrong(url, "host and database are needed")
    if unknown := sorted(options.keys() - {"org", "tls"}):
        raise _wrong(url, f"option {unknown[0]!r} is unknown")
    tls = options.get("tls", "").lower()
    if tls not in (*_YES, *_NO):
        raise _wrong(url, f"tls is {tls!r}, want 1 or 0")
    return InfluxAddress(host, port or 8086, database, options.get("org", ""), tls in _YES)


def _wrong(url: str, why: str) -> ConfigError:
    return ConfigError(f"store.url = {url!r}: {why}; right is {_FORMS}")
