"""`heatwatch devices`: accounts of the sensors on the broker, made, listed, renewed and taken away."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from collector.credentials import (
    PasswordFile,
    alone,
    check_device_id,
    ensure_acl,
    new_password,
    replace_file,
)
from heating.errors import InputError
from heating.ledger.port import EntryKind
from heatwatch.commands.device_clocks import clocks
from heatwatch.context import Context
from heatwatch.output import note, print_json, print_table, print_text
from heatwatch.reload import reload_broker

app = typer.Typer(
    help="Accounts of the sensors on the broker: a device writes its own topics and no others.", no_args_is_help=True
)
app.command()(clocks)
_ACCOUNTS = "mqtt.device_password_file"
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Devices = Annotated[list[str] | None, typer.Argument(help="Device ids.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Every device of the register.")]
Out = Annotated[
    Path | None, typer.Option("--out", help="Write the passwords to this new CSV file instead of the terminal.")
]
Collector = Annotated[
    bool, typer.Option("--collector", help="The collector's own account (mqtt.username, mqtt.password_file).")
]


class Credential(msgspec.Struct, frozen=True):
    """What a device needs to come in; shown once, only the hash is kept."""

    device_id: str
    username: str
    password: str


class Account(msgspec.Struct, frozen=True):
    """One line of `devices list`."""

    device_id: str
    point_id: str | None
    account: bool


def register(root: typer.Typer) -> None:
    """Add `devices`."""
    root.add_typer(app, name="devices")


@app.command()
def add(
    context: typer.Context,
    devices: Devices = None,
    everyone: All = False,
    collector: Collector = False,
    out: Out = None,
    json: Json = False,
) -> None:
    """Make accounts for devices that have none; their passwords are shown once."""

    def fresh(named: list[str], known: Iterable[str]) -> list[str]:
        if not everyone and (twice := sorted(set(named) & set(known))):
            raise InputError(f"device {twice[0]!r} has an account already; `heatwatch devices rotate` renews it")
        return [name for name in named if name not in known]

    with Context.of(context) as opened:
        if collector:
            _collector_account(opened, "add_account")
        elif made := _passwords(opened, _named(opened, devices, everyone=everyone), fresh, "add_accounts", out):
            _hand_out(opened, made, out, json=json)


@app.command()
def rotate(
    context: typer.Context,
    devices: Devices = None,
    everyone: All = False,
    collector: Collector = False,
    out: Out = None,
    json: Json = False,
) -> None:
    """Give devices another password; the one before is worth nothing from the broker's reload on."""

    def present(named: list[str], known: Iterable[str]) -> list[str]:
        if not everyone and (strange := sorted(set(named) - set(known))):
            raise InputError(f"device {strange[0]!r} has no account; `heatwatch devices add` makes one")
        return [name for name in named if name in known]

    with Context.of(context) as opened:
        if collector:
            _collector_account(opened, "rotate_account")
        elif made := _passwords(opened, _named(opened, devices, everyone=everyone), present, "rotate_accounts", out):
            _hand_out(opened, made, out, json=json)


@app.command()
def revoke(context: typer.Context, devices: Annotated[list[str], typer.Argument(help="Device ids.")]) -> None:
    """Take accounts away; the broker drops such a device when it reads its accounts anew."""
    with Context.of(context) as opened:
        path = Path(opened.settings.mqtt.device_password_file)
        with alone(path, _ACCOUNTS):
            file = PasswordFile.read(path)
            named = _checked(opened, devices)
            if strange := [name for name in named if name not in file.accounts]:
                raise InputError(f"device {strange[0]!r} has no account")
            _audit(opened, "revoke_accounts", named)
            file.without(set(named)).save()
        print_text(f"{len(named)} revoked")
        reload_broker(opened.settings.mqtt.broker_pid_file, note)


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the devices of the register and the accounts on the broker."""
    with Context.of(context) as opened:
        file = PasswordFile.read(Path(opened.settings.mqtt.device_password_file))
        seats = {p.device_id: p.point_id for p in opened.register.points if p.device_id}
        names = sorted({*seats, *file.accounts})
        rows = [Account(name, seats.get(name), name in file.accounts) for name in names]
    if json:
        print_json(rows)
        return
    shown = [[row.device_id, row.point_id or "", "yes" if row.account else "-"] for row in rows]
    print_table("devices", ["device", "point", "account"], shown, opened.language)


def _named(opened: Context, devices: Sequence[str] | None, *, everyone: bool) -> list[str]:
    """Return the devices that were meant; of `--all`, those whose id cannot be an account are told and left out."""
    if bool(devices) == everyone:
        raise InputError("devices: name some, or give --all, or --collector")
    if devices:
        named = _checked(opened, devices)
        for name in (name for name in named if not opened.register.knows(name)):
            note(f"{name} is not in the register yet")
        return named
    fit = []
    for name in (p.device_id for p in opened.register.points if p.device_id):
        try:
            fit.append(check_device_id(name, opened.settings.mqtt.username))
        except InputError as odd:
            note(f"left out: {odd}")
    return fit


def _checked(opened: Context, devices: Sequence[str]) -> list[str]:
    return [check_device_id(name, opened.settings.mqtt.username) for name in dict.fromkeys(devices)]


def _passwords(
    opened: Context,
    named: list[str],
    choose: Callable[[list[str], Iterable[str]], list[str]],
    act: str,
    out: Path | None,
) -> dict[str, str]:
    """Make passwords for the devices that `choose` leaves of those named, and return them.

    What a person has to hand on is on disk before the broker knows it: a full disk costs no password.
    """
    mqtt = opened.settings.mqtt
    path = Path(mqtt.device_password_file)
    with alone(path, _ACCOUNTS):
        file = PasswordFile.read(path)
        made = {name: new_password() for name in choose(named, file.accounts.keys())}
        if not made:
            note("nothing to do")
            return made
        if out is not None:
            _write_new(out, made)
        _audit(opened, act, list(made))
        file.with_passwords(made).save()
        if ensure_acl(Path(mqtt.device_acl_file), mqtt.username or "heatwatch", mqtt.topics):
            note(f"{mqtt.device_acl_file} written")
    reload_broker(mqtt.broker_pid_file, note)
    return made


def _collector_account(opened: Context, act: str) -> None:
    """Make the account of the collector: the password goes into its file, the hash to the broker."""
    mqtt = opened.settings.mqtt
    if not mqtt.username or not mqtt.password_file:
        raise InputError("mqtt.username, mqtt.password_file: both must be set to make the collector's account")
    path, secret = Path(mqtt.device_password_file), Path(mqtt.password_file)
    with alone(path, _ACCOUNTS):
        file = PasswordFile.read(path)
        if act == "add_account" and mqtt.username in file.accounts:
            raise InputError(
                f"{mqtt.username!r} has an account already; `heatwatch devices rotate --collector` renews it"
            )
        password = new_password()
        _audit(opened, act, [mqtt.username])
        replace_file(secret, f"{password}\n")
        file.with_passwords({mqtt.username: password}).save()
        ensure_acl(Path(mqtt.device_acl_file), mqtt.username, mqtt.topics)
    print_text(f"{secret} written; the collector takes it at its next start")
    reload_broker(mqtt.broker_pid_file, note)


def _audit(opened: Context, act: str, names: list[str]) -> None:
    """Put the act into the chain, names only, before it is done: no account appears that the chain does not know."""
    opened.ledger.chain.append(EntryKind.AUDIT.value, "devices", {"act": act, "devices": names}, opened.clock.now())


def _write_new(out: Path, made: Mapping[str, str]) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["device_id", "username", "password"])
    rows.writerows([name, name, password] for name, password in made.items())
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise InputError(f"--out: {out} exists already; passwords are written to a new file only") from None
    except OSError as wrong:
        with suppress(OSError):
            out.unlink()
        raise InputError(f"--out: {out} cannot be written ({wrong.strerror})") from wrong


def _hand_out(opened: Context, made: Mapping[str, str], out: Path | None, *, json: bool) -> None:
    if out is not None:
        note(f"{out} written: {len(made)} passwords; bring them to the devices, then delete the file")
        return
    credentials = [Credential(name, name, password) for name, password in made.items()]
    if json:
        print_json(credentials)
        return
    print_table(
        "shown once", ["user name", "password"], [[c.username, c.password] for c in credentials], opened.language
    )
