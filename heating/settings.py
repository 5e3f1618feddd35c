"""Settings of the ground: `[site]`, `[store]`, `[ledger]` and `[regulation]` of heatwatch.toml (contract §2)."""

from __future__ import annotations

import difflib
import logging
import os
import stat
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec
from msgspec import Meta

from heating.errors import ConfigError
from heating.regulation import known_profiles
from heating.words import Language

log = logging.getLogger(__name__)
ENVIRONMENT_PREFIX = "HEATWATCH__"


class SeasonSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One heating season, local dates."""

    first: Annotated[date, Meta(description="First day of the season.")] = msgspec.field(name="from")
    last: Annotated[date, Meta(description="Last day of the season; it belongs to it.")] = msgspec.field(name="to")

    def __post_init__(self) -> None:
        """Refuse a season that ends before it begins."""
        if self.last < self.first:
            raise ValueError(f"to: {self.last} lies before from = {self.first}")


class SiteSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[site]`: the company's site."""

    name: Annotated[str, Meta(description="Name of the site, for titles of pages, reports and messages.")] = ""
    timezone: Annotated[
        str, Meta(description="Time zone (IANA name) of day and night, seasons, reports and times without offset.")
    ] = "Asia/Shanghai"
    points: Annotated[
        str | None,
        Meta(description="Register of measurement points (测温点台账), CSV or XLSX; the only key without a default."),
    ] = None
    seasons: Annotated[
        tuple[SeasonSettings, ...],
        Meta(
            description="Heating seasons, `{from = 2026-11-15, to = 2027-03-15}`, both days included; outside them "
            "homes are exempt. Empty = always in season."
        ),
    ] = ()
    language: Annotated[Language, Meta(description="Language of everything that the staff read: zh-CN or en.")] = (
        Language.ZH
    )

    def __post_init__(self) -> None:
        """Refuse an unknown time zone and seasons that overlap."""
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            near = difflib.get_close_matches(self.timezone, available_timezones(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "right is an IANA name such as 'Asia/Shanghai'"
            raise ValueError(f"timezone: {self.timezone!r} is no time zone; {hint}") from None
        ordered = sorted(self.seasons, key=lambda season: season.first)
        for earlier, later in pairwise(ordered):
            if later.first <= earlier.last:
                raise ValueError(f"seasons: the one from {later.first} begins before the one to {earlier.last} ends")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    @property
    def season_dates(self) -> tuple[tuple[date, date], ...]:
        """First and last day of each season, both included."""
        return tuple((season.first, season.last) for season in self.seasons)


class StoreSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[store]`: where readings and roll-ups are kept."""

    url: Annotated[
        str,
        Meta(
            description="`duckdb:///relative/file` or `duckdb:////absolute/file` for the embedded store, "
            "`influxdb://host:port/database?org=O&tls=1` for InfluxDB."
        ),
    ] = "duckdb:///var/heatwatch.duckdb"
    token_file: Annotated[
        str, Meta(description="File that holds the token of InfluxDB, or `user:password` for 1.x; blank = none.")
    ] = ""
    tls_ca: Annotated[
        str,
        Meta(
            description="File with the CA certificates to trust when `store.url` says `tls=1`; blank or `system` = "
            "those of the system."
        ),
    ] = ""
    retention_days: Annotated[
        int,
        Meta(
            description="Readings older than this are deleted, and refused on the wire [days]; hourly roll-ups stay. "
            "0 = keep all.",
            ge=0,
        ),
    ] = 0

    def credentials(self) -> dict[str, str | None]:
        """Return what `heating.store.open_store` needs besides the URL.

        Raises
        ------
        ConfigError
            If the file of the token cannot be read.
        """
        ca = None if self.tls_ca in ("", "system") else self.tls_ca
        return {"token": read_secret("store.token_file", self.token_file), "tls_ca": ca}


class LedgerSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[ledger]`: where findings, orders, notices, inspections, contacts and the quarantine are kept."""

    url: Annotated[
        str,
        Meta(
            description="`sqlite:///relative/file`, `sqlite:////absolute/file` or "
            "`postgresql+psycopg://user@host/database`."
        ),
    ] = "sqlite:///var/heatwatch-ledger.sqlite"


class RegulationSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[regulation]`: the rules that homes are judged by; files of heating/regulations."""

    enterprise: Annotated[str, Meta(description="Profile that orders are made from.", min_length=1)] = "enterprise"
    legal: Annotated[
        str, Meta(description="Profile of the city's law, judged beside it and reported separately.", min_length=1)
    ] = "tianjin"

    def __post_init__(self) -> None:
        """Refuse a profile that is not at hand."""
        known = known_profiles()
        for key in ("enterprise", "legal"):
            if (name := getattr(self, key)) not in known:
                raise ValueError(f"{key}: {name!r} is no profile; known are {', '.join(known)}")


def read_secret(key: str, file: str, env: Mapping[str, str] | None = None) -> str | None:
    """Return a secret: of the environment, else the content of `file` without the line's end, else None.

    Parameters
    ----------
    key
        Full name of the setting, such as `store.token_file`; the environment has it as `HEATWATCH__STORE__TOKEN`.

    Raises
    ------
    ConfigError
        If the file cannot be read or is empty; the text never holds the secret.
    """
    given = (os.environ if env is None else env).get(secret_variable(key))
    if given:
        return given
    if not file:
        return None
    try:
        secret = Path(file).read_text("utf-8").strip()
        mode = Path(file).stat().st_mode
    except OSError as error:
        raise ConfigError(
            f"{key} = {file!r}: cannot be read ({error.strerror}); it must name a readable file"
        ) from error
    except UnicodeDecodeError:
        raise ConfigError(f"{key} = {file!r}: is no text") from None
    if not secret:
        raise ConfigError(f"{key} = {file!r}: the file is empty; it must hold the secret")
    if mode & stat.S_IROTH:
        log.warning("secret readable by all key=%s file=%s; chmod 640 mends it", key, file)
    return secret


def secret_variable(key: str) -> str:
    """Return the environment variable that stands in for a `*_file` key."""
    return ENVIRONMENT_PREFIX + key.removesuffix("_file").replace(".", "__").upper()
