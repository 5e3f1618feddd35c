"""Users of the console: names, roles and hashed secrets from `console.users_file`.

The file is read again when it has changed, so that who is removed is out at once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import threading
import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from heating.errors import ConfigError

log = logging.getLogger(__name__)

# scrypt cost: about 50 ms and 16 MiB a check (RFC 7914 names N = 2^14, r = 8 for interactive use).
_N, _R, _P, _LENGTH = 2**14, 8, 1, 32
_REMEMBERED = 256


class Role(StrEnum):
    """Roles of contract §9."""

    CONTROL_ROOM = "control_room"
    DISPATCH = "dispatch"
    INSPECTOR = "inspector"
    ADMIN = "admin"


class Right(StrEnum):
    """What a role may do beyond looking."""

    ACT = "act"
    CONTACT = "contact"
    INSPECT = "inspect"


# The control room's wall looks on: it neither acts nor shows personal data.
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.CONTROL_ROOM: frozenset(),
    Role.DISPATCH: frozenset({Right.ACT, Right.CONTACT}),
    Role.INSPECTOR: frozenset({Right.CONTACT, Right.INSPECT}),
    Role.ADMIN: frozenset(Right),
}


class User(msgspec.Struct, frozen=True):
    """Somebody at the console."""

    name: str
    role: Role

    def may(self, right: Right) -> bool:
        """Tell whether the role holds a right."""
        return right in RIGHTS[self.role]


# On a loopback address without a users file whoever sits at the machine may do everything.
LOCAL_USER = User("console", Role.ADMIN)


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One user in the file; `secret` is its hash."""

    name: Annotated[str, msgspec.Meta(min_length=1, pattern="^[^:\\x00-\\x1f\\x7f]+$")]
    role: Role
    secret: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    users: list[Row]


class Users:
    """Checks names and secrets; what was right once is remembered (as a keyed digest) to spare the hash."""

    def __init__(self, rows: Sequence[tuple[User, str]], file: Path | None = None) -> None:
        self._file = file
        self._stamp = _stamp(file)
        self._lock = threading.Lock()
        self._decoy = hash_secret(secrets.token_urlsafe())
        self._take(rows)

    def _take(self, rows: Sequence[tuple[User, str]]) -> None:
        self._rows = {user.name: (user, secret) for user, secret in rows}
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, User] = {}

    def remembered(self, name: str, secret: str) -> User | None:
        """Return the user if this very secret was right before and the users are the same since."""
        self._look()
        return self._right.get(self._digest(name, secret))

    def check(self, name: str, secret: str) -> User | None:
        """Return the user if the secret is right; takes the time of one hash otherwise."""
        if (known := self.remembered(name, secret)) is not None:
            return known
        digest = self._digest(name, secret)
        user, stored = self._rows.get(name, (None, self._decoy))
        if not _matches(secret, stored) or user is None:
            return None
        with self._lock:
            if len(self._right) >= _REMEMBERED:
                self._right.clear()
            if self._rows.get(name) == (user, stored):
                self._right[digest] = user
        return user

    def _digest(self, name: str, secret: str) -> bytes:
        return hmac.digest(self._key, f"{name}\0{secret}".encode(), "sha256")

    def _look(self) -> None:
        """Take over the file if it has changed; while it is broken or gone, the users before stay."""
        stamp = _stamp(self._file)
        if self._file is None or stamp == self._stamp:
            return
        with self._lock:
            self._stamp = stamp
            try:
                rows = read_users(self._file)
            except ConfigError as problem:
                log.error("users file not taken over problem=%s", problem)
                return
            self._take([(User(row.name, row.role), row.secret) for row in rows])
            log.info("users file taken over users=%s", len(rows))


def hash_secret(secret: str) -> str:
    """Return `scrypt$N$r$p$salt$hash` of a password or token, for the users file."""
    salt = secrets.token_bytes(16)
    return "$".join(("scrypt", str(_N), str(_R), str(_P), _text(salt), _text(_scrypt(secret, salt, _N, _R, _P))))


def load_users(file: str) -> Users:
    """Read the users file for the console.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not as described, or names nobody.
    """
    rows = read_users(Path(file))
    if not rows:
        raise ConfigError(f"console.users_file = {file!r}: wants at least one user; `heatwatch users add` makes one")
    return Users([(User(row.name, row.role), row.secret) for row in rows], Path(file))


def read_users(file: Path) -> list[Row]:
    """Return the users of a file.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not as described.
    """
    key = f"console.users_file = {str(file)!r}"
    try:
        rows = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File).users
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{key}: {error}") from error
    wrong = [row.name for row in rows if not _wellformed(row.secret)]
    if wrong:
        raise ConfigError(f"{key}: secret of {wrong[0]!r} is no scrypt hash")
    if len({row.name for row in rows}) < len(rows):
        raise ConfigError(f"{key}: wants each name once")
    return rows


def users_text(rows: Sequence[Row]) -> str:
    """Return the content of a users file."""
    if not rows:
        return "users = []\n"
    blocks = [
        f"[[users]]\nname = {json.dumps(row.name, ensure_ascii=False)}\n"
        f'role = "{row.role.value}"\nsecret = "{row.secret}"\n'
        for row in rows
    ]
    return "\n".join(blocks)


def _stamp(file: Path | None) -> tuple[int, int, int] | None:
    """Return what tells one state of a file from another, None while there is no file."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found is not None else None


def _matches(secret: str, stored: str) -> bool:
    _, n, r, p, salt, wanted = stored.split("$")
    return hmac.compare_digest(_scrypt(secret, _bytes(salt), int(n), int(r), int(p)), _bytes(wanted))


def _wellformed(stored: str) -> bool:
    parts = stored.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        return False
    try:
        _matches("", stored)
    except ValueError:
        return False
    return True


def _scrypt(secret: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=n, r=r, p=p, dklen=_LENGTH, maxmem=256 * n * r)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
