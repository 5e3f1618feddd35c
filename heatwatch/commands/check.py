"""`heatwatch check`: configuration, register, rules, and whether broker, store, ledger and Grafana can be reached."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from alerts.receivers import check as check_receivers
from alerts.receivers import make as make_receiver
from collector.client import QuickClient
from collector.connecting import log_in, use_tls
from collector.routes import Routes
from dashboards.console.stage import users_of
from heating.errors import HeatwatchError, NotThere
from heating.regulation import load_profile
from heatwatch.context import Context, PointsOption
from heatwatch.output import print_json, print_text
from heatwatch.registration import read_configured_register


class Outcome(StrEnum):
    """Outcome of one check."""

    GOOD = "good"
    BAD = "bad"
    NOT_USED = "not used"


class Line(msgspec.Struct, frozen=True):
    """What one check found."""

    part: str
    outcome: Outcome
    text: str


def register(app: typer.Typer) -> None:
    """Add `check`."""
    app.command()(check)


def check(
    context: typer.Context,
    points: PointsOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check configuration, register, rules and the reachability of everything; exit 1 if a problem was found."""
    with Context.of(context, create=False, points=points) as opened:
        opened.settings  # noqa: B018 - a wrong configuration ends here with exit 2
        lines = [_examine(part, look, opened) for part, look in _PARTS.items()]
    if json:
        print_json(lines)
    else:
        for line in lines:
            print_text(f"{_SIGNS[line.outcome]} {line.part:14} {line.text}")
    if any(line.outcome is Outcome.BAD for line in lines):
        raise typer.Exit(1)


def _examine(part: str, look: Callable[[Context], str | None], opened: Context) -> Line:
    try:
        text = look(opened)
    except NotThere as absent:
        if absent.file is not None and not _creatable(absent.file):
            return Line(part, Outcome.BAD, f"{absent}, and no run can create it: its folder cannot be written")
        return Line(part, Outcome.NOT_USED, f"{absent}; the first run creates it")
    except (HeatwatchError, OSError) as wrong:
        return Line(part, Outcome.BAD, str(wrong))
    return Line(part, Outcome.NOT_USED if text is None else Outcome.GOOD, text or "not configured")


def _creatable(file: Path) -> bool:
    """Tell whether a file could be made: folders that do not exist yet are made with it."""
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    return folder.is_dir() and os.access(folder, os.W_OK)


def _configuration(opened: Context) -> str:
    return f"site {opened.settings.site.name or '(unnamed)'}, time zone {opened.settings.site.timezone}"


def _register(opened: Context) -> str | None:
    file = read_configured_register(opened.settings)
    if file.problems:
        raise HeatwatchError(f"{file.path}: {len(file.problems)} bad values, first: {file.problems[0]}")
    devices = sum(1 for point in file.points if point.device_id)
    return f"{file.path}: {len(file.points)} points, {devices} with a device"


def _rules(opened: Context) -> str:
    rules = opened.settings.regulation
    named = [load_profile(name) for name in (rules.enterprise, rules.legal)]
    return ", ".join(f"{p.id} ({'confirmed' if p.confirmed else 'text not confirmed'})" for p in named)


def _topics(opened: Context) -> str:
    """Examine what the collector would refuse at its start."""
    mqtt = opened.settings.mqtt
    Routes(mqtt.topics, opened.settings.site.zone)
    client = QuickClient(mqtt.client_id, version5=True, arrived=lambda *_: None)
    log_in(client, mqtt)
    use_tls(client, mqtt)
    return ", ".join(f"{topic.filter} ({topic.decoder})" for topic in mqtt.topics) or "none: nothing will be received"


def _receivers(opened: Context) -> str:
    """Examine what the alerts would refuse at their start."""
    receivers = opened.settings.alerts.receivers
    check_receivers(receivers)
    for receiver in receivers:
        make_receiver(receiver)
    return ", ".join(receiver.name for receiver in receivers) or "none: nobody will be told"


def _console(opened: Context) -> str:
    """Examine what the console would refuse at its start."""
    console = opened.settings.console
    users = "open to whoever sits at this machine" if users_of(console) is None else f"users of {console.users_file}"
    return f"{console.host}:{console.port}, {users}"


def _broker(opened: Context) -> str:
    mqtt = opened.settings.mqtt
    try:
        with socket.create_connection((mqtt.host, mqtt.port), timeout=5) as connection:
            here = ipaddress.ip_address(connection.getpeername()[0]).is_loopback
            open_wire = "" if here or mqtt.tls_ca else ", in clear: passwords can be read on the way (mqtt.tls_ca)"
            return f"{mqtt.host}:{mqtt.port} answers{open_wire}"
    except OSError as wrong:
        raise HeatwatchError(f"mqtt.host {mqtt.host}:{mqtt.port} does not answer: {wrong}") from None


def _store(opened: Context) -> str:
    return opened.store.ping()


def _ledger(opened: Context) -> str:
    return opened.ledger.ping()


def _grafana(opened: Context) -> str | None:
    settings = opened.settings.grafana
    if not settings.url:
        return None
    from dashboards.grafana.api import grafana_version

    return f"{settings.url}: Grafana {grafana_version(settings)}"


_SIGNS = {Outcome.GOOD: "ok ", Outcome.BAD: "BAD", Outcome.NOT_USED: "-  "}
_PARTS: dict[str, Callable[[Context], str | None]] = {
    "configuration": _configuration,
    "register": _register,
    "rules": _rules,
    "topics": _topics,
    "receivers": _receivers,
    "console": _console,
    "broker": _broker,
    "store": _store,
    "ledger": _ledger,
    "grafana": _grafana,
}
