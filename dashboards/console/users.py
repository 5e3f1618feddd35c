"""Users of the console: names, roles and hashed secrets from `console.users_file`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from heating.errors import ConfigError

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


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, pattern="^[^:]+$")]
    role: Role
    secret: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    users: list[_Row]


class Users:
    """Checks names and secrets; what was right once is remembered (as a keyed digest) to spare the hash."""

    def __init__(self, rows: list[tuple[User, str]]) -> None:
        self._rows = {user.name: (user, secret) for user, secret in rows}
        self._key = secrets.token_bytes(32)
        self._right: dict[bytes, User] = {}
        self._lock = threading.Lock()
        self._decoy = hash_secret(secrets.token_urlsafe())

    def check(self, name: str, secret: str) -> User | None:
        """Return the user if the secret is right; takes the time of one hash otherwise."""
        digest = hmac.digest(self._key, f"{name}\0{secret}".encode(), "sha256")
        if (known := self._right.get(digest)) is not None:
            return known
        user, stored = self._rows.get(name, (None, self._decoy))
        if not _matches(secret, stored) or user is None:
            return None
        with self._lock:
            if len(self._right) >= _REMEMBERED:
                self._right.clear()
            self._right[digest] = user
        return user


def hash_secret(secret: str) -> str:
    """Return `scrypt$N$r$p$salt$hash` of a password or token, for the users file."""
    salt = secrets.token_bytes(16)
    return "$".join(("scrypt", str(_N), str(_R), str(_P), _text(salt), _text(_scrypt(secret, salt, _N, _R, _P))))


def load_users(file: str) -> Users:
    """Read the users file.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not as described, or names nobody.
    """
    try:
        parsed = msgspec.convert(tomllib.loads(Path(file).read_text("utf-8")), _File)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"console.users_file = {file!r}: {error}") from error
    names = [row.name for row in parsed.users]
    wrong = [row.name for row in parsed.users if not _wellformed(row.secret)]
    if wrong:
        raise ConfigError(f"console.users_file = {file!r}: secret of {wrong[0]!r} is no scrypt hash")
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"console.users_file = {file!r}: wants at least one user, and each name once")
    return Users([(User(row.name, row.role), row.secret) for row in parsed.users])


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
