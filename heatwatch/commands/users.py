"""`heatwatch users`: who may use the console, and in which role."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from collector.credentials import alone, replace_file
from dashboards.console.users import Role, Row, hash_secret, read_users, users_text
from heating.errors import ConfigError, InputError
from heating.ledger.port import EntryKind
from heatwatch.context import Context
from heatwatch.output import note, print_json, print_table, print_text

app = typer.Typer(help="Users of the console: control room, dispatch, inspectors.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The name to sign in with.", show_default=False)]
_SHORTEST = 10


class UserRow(msgspec.Struct, frozen=True):
    """One line of `users list`."""

    name: str
    role: Role


class NewUser(msgspec.Struct, frozen=True):
    """What a new user needs to sign in; the secret is shown once, only its hash is kept."""

    name: str
    role: Role
    secret: str | None


def register(root: typer.Typer) -> None:
    """Add `users`."""
    root.add_typer(app, name="users")


@app.command()
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the user may do.")],
    ask: Annotated[bool, typer.Option("--prompt", help="Ask for the secret; otherwise one is made.")] = False,
    renew: Annotated[
        bool, typer.Option("--renew", help="Give a user who exists this role and another secret.")
    ] = False,
    json: Json = False,
) -> None:
    """Add a user to console.users_file; a secret that is made is shown once."""
    with Context.of(context) as opened:
        path = _path(opened)
        _check_name(name)
        secret = _asked() if ask else secrets.token_urlsafe(18)
        with alone(path, "console.users_file"):
            rows = _rows(path)
            if renew != any(row.name == name for row in rows):
                problem = (
                    "is no user; leave --renew away" if renew else "is a user already; --renew gives another secret"
                )
                raise InputError(f"{name!r} {problem}")
            _audit(opened, "renew_user" if renew else "add_user", name)
            kept = [row for row in rows if row.name != name]
            _save(path, [*kept, Row(name, role, hash_secret(secret))])
    shown = NewUser(name, role, None if ask else secret)
    if json:
        print_json(shown)
    elif ask:
        print_text(f"{name} ({role.value}) added")
    else:
        print_table("shown once", ["name", "role", "secret"], [[name, role.value, secret]], opened.language)


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the users and their roles."""
    with Context.of(context, create=False) as opened:
        rows = [UserRow(row.name, row.role) for row in _rows(_path(opened))]
    if json:
        print_json(rows)
        return
    print_table("users", ["name", "role"], [[row.name, row.role.value] for row in rows], opened.language)


@app.command()
def remove(context: typer.Context, name: Name) -> None:
    """Take a user away; a running console lets the name in no more."""
    with Context.of(context) as opened:
        path = _path(opened)
        with alone(path, "console.users_file"):
            rows = _rows(path)
            left = [row for row in rows if row.name != name]
            if len(left) == len(rows):
                raise InputError(f"{name!r} is no user; `heatwatch users list` shows all")
            _audit(opened, "remove_user", name)
            _save(path, left)
    if not left:
        note("nobody is left: the console will not start again before `heatwatch users add`")
    print_text(f"{name} removed")


def _path(opened: Context) -> Path:
    if not opened.settings.console.users_file:
        raise ConfigError('console.users_file: missing; name the file of the users, e.g. users_file = "users.toml"')
    return Path(opened.settings.console.users_file)


def _rows(path: Path) -> list[Row]:
    return read_users(path) if path.exists() else []


def _save(path: Path, rows: list[Row]) -> None:
    """Put the file in place in one step; it is nobody's but its owner's (a mode set by hand stays)."""
    new = not path.exists()
    replace_file(path, users_text(rows))
    if new:
        path.chmod(0o600)


def _check_name(name: str) -> None:
    if not name.strip() or ":" in name or not name.isprintable():
        raise InputError(f"name {name!r}: wants printable signs, none of them a colon")


def _asked() -> str:
    if not sys.stdin.isatty():
        secret = sys.stdin.readline().rstrip("\r\n")
    else:
        secret = typer.prompt("Secret", hide_input=True, confirmation_prompt=True, err=True)
    if len(secret) < _SHORTEST:
        raise InputError(f"secret: wants at least {_SHORTEST} signs")
    return secret


def _audit(opened: Context, act: str, name: str) -> None:
    """Put the act into the chain before it is done; the name is an account's, as orders sign with it."""
    opened.ledger.chain.append(EntryKind.AUDIT.value, "users", {"act": act, "user": name}, opened.clock.now())
