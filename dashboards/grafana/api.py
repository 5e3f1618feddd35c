"""A live Grafana through its API: the connection, its errors in words, its version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import niquests
from grafana_client import GrafanaApi
from grafana_client.client import GrafanaException

from dashboards.settings import GrafanaSettings
from heating.errors import ConfigError, InputError
from heating.settings import read_secret

_TIMEOUT_S = 15.0


def grafana_version(settings: GrafanaSettings) -> str:
    """Return the version of the Grafana that the configuration names.

    Raises
    ------
    ConfigError
        If it cannot be reached, or refuses the token.
    """
    with opened_grafana(settings) as api:
        health = api.health.check()
        # Health is open to everybody; what a token may do shows elsewhere.
        api.search.search_dashboards(limit=1)
        return str(health.get("version", "of unknown version"))


@contextmanager
def opened_grafana(settings: GrafanaSettings) -> Iterator[GrafanaApi]:
    """Open the API; its errors become lines that name the key, and what would be right."""
    parts = urlsplit(settings.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"grafana.url = {settings.url!r}: must be an address such as http://127.0.0.1:3000")
    token = read_secret("grafana.token_file", settings.token_file)
    base = settings.url if parts.path in ("", "/") else settings.url.rstrip("/") + "/"
    api = GrafanaApi.from_url(base, credential=token, timeout=_TIMEOUT_S)
    try:
        yield api
    except GrafanaException as refused:
        raise _named(settings, refused) from None
    except (niquests.RequestException, OSError) as gone:
        raise ConfigError(f"grafana.url = {settings.url!r}: does not answer ({type(gone).__name__})") from None
    finally:
        api.client.s.close()


def _named(settings: GrafanaSettings, refused: GrafanaException) -> Exception:
    said = " ".join(str(refused.message).split())[:300]
    if refused.status_code in (401, 403):
        return ConfigError(
            f"grafana.token_file = {settings.token_file!r}: Grafana refuses it ({refused.status_code}); "
            "it must hold the token of a service account with the role Admin"
        )
    if refused.status_code == 404:
        return ConfigError(f"grafana.url = {settings.url!r}: answers, but not as Grafana does (404)")
    return InputError(f"Grafana at {settings.url} refuses: {said}")
