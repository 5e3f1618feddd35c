"""Settings of the dashboards wing: `[console]` and `[grafana]` of heatwatch.toml (contract §2)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class ConsoleSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[console]`: the web pages and the HTTP API."""

    host: Annotated[
        str,
        Meta(
            description="Address to listen on. Anything but a loopback address needs `console.users_file`.",
            min_length=1,
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(description="TCP port; 0 takes a free one and logs it.", ge=0, le=65535)] = 8080
    users_file: Annotated[
        str,
        Meta(
            description="TOML file of users: `[[users]]` with name, role (control_room, dispatch, inspector, admin) "
            "and the scrypt hash of a secret. Blank on a loopback address: open to whoever sits at this machine."
        ),
    ] = ""
    refresh_s: Annotated[
        float, Meta(description="How often an open page fetches itself anew [s].", ge=1.0, le=3600.0)
    ] = 10.0


class GrafanaSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[grafana]`: where `dashboards push` sends the dashboards."""

    url: Annotated[str, Meta(description="Address of Grafana, `http://host:3000`; blank = none.")] = ""
    token_file: Annotated[str, Meta(description="File that holds a service-account token of Grafana.")] = ""
