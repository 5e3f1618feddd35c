"""Accounts of the broker: mosquitto's password file and the ACL by which a device writes its own topics only.

Passwords are made here, of more than 140 random bits each, shown once and kept as hashes alone. Such a password cannot
be guessed whatever the hash costs, so the count of iterations is mosquitto's own small one: after a restart of the
broker all devices come back at once, and its only thread checks every one of them.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from collector.settings import TopicSettings
from heating.errors import InputError

ITERATIONS = 101  # mosquitto_passwd of 2.0; see the module
_SALT_BYTES = 12  # the only length that mosquitto up to 2.0 reads
# Letters and digits only, since passwords pass through shells, firmware tools and Excel; 25 of them are 148 bits.
_SIGNS = string.ascii_letters + string.digits
_PASSWORD_LENGTH = 25
_LONGEST_ID = 128  # assumption: no serial number is longer; the topic has to fit into what brokers take
_MODE = 0o640

# Characters that would end a level of the topic, widen it, or end a field of the password file.
_FORBIDDEN = "/+#:"

ACL = """\
# Who may read and write which topics (mosquitto acl_file). A user name is a device id.

# The collector reads everything that devices send, and how many messages the broker had to drop; messages to people
# may be published.
user {collector}
topic read heatwatch/v1/#
{reads}topic read $SYS/broker/publish/messages/dropped
topic write heatwatch/v1/notices

# A health check may see that the broker is alive.
user probe
topic read $SYS/broker/uptime

# A device writes its own topics and no others. `heatwatch devices revoke` takes its account away.
pattern write heatwatch/v1/%u/readings
pattern write heatwatch/v1/%u/status
{writes}"""
# Families whose devices come to the broker themselves; those of the others come through a gateway.
_OWN_ACCOUNT = frozenset({"tasmota", "shelly", "value"})


def check_device_id(device_id: str, taken: str = "") -> str:
    """Return a device id that can be a user name of the broker and a level of a topic.

    Parameters
    ----------
    taken
        The collector's own user name, which no device may have.

    Raises
    ------
    InputError
        In one line that says which character is in the way.
    """
    for sign in device_id:
        if sign in _FORBIDDEN or sign.isspace() or not sign.isprintable():
            raise InputError(
                f"device id {device_id!r} holds {sign!r}: it becomes a user name and a level of the topic, where "
                "/ + # : and blanks have a meaning of their own"
            )
    if not 0 < len(device_id) <= _LONGEST_ID:
        raise InputError(f"device id {device_id!r} must have 1 to {_LONGEST_ID} characters")
    if device_id == taken:
        raise InputError(f"device id {device_id!r} is the collector's own name on the broker (mqtt.username)")
    return device_id


def new_password(length: int = _PASSWORD_LENGTH) -> str:
    """Return a random password that every device, shell and CSV file can hold as it is."""
    return "".join(secrets.choice(_SIGNS) for _ in range(length))


def hash_password(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """Return `$7$iterations$salt$hash` (PBKDF2 with SHA-512, as mosquitto_passwd of 2.x writes)."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return "$".join(("", "7", str(iterations), _text(salt), _text(digest)))


def is_password(password: str, stored: str) -> bool:
    """Tell whether a password belongs to a stored hash; False for hashes of another kind."""
    parts = stored.split("$")
    if len(parts) != 5 or parts[:2] != ["", "7"]:
        return False
    wanted = hash_password(password, base64.b64decode(parts[3]), int(parts[2]))
    return hmac.compare_digest(wanted, stored)


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """mosquitto's `password_file`: one `name:hash` a line; lines that are none of ours stay as they are."""

    path: Path
    accounts: Mapping[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file; one that is not there yet is empty.

        Raises
        ------
        InputError
            If it cannot be read or is no password file.
        """
        try:
            lines = path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return cls(path)
        except (OSError, UnicodeDecodeError) as wrong:
            raise InputError(f"{path}: cannot be read ({wrong})") from wrong
        accounts, comments = {}, []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                comments.append(line)
                continue
            name, colon, stored = line.partition(":")
            if not colon or not stored.startswith("$"):
                raise InputError(f"{path}: line {number} is not `name:hash` as mosquitto_passwd writes it")
            accounts[name] = stored
        return cls(path, accounts, tuple(comments))

    def with_passwords(self, passwords: Mapping[str, str]) -> Self:
        """Return the file with these accounts added or given another password."""
        hashed = {name: hash_password(password) for name, password in passwords.items()}
        return type(self)(self.path, {**self.accounts, **hashed}, self.comments)

    def without(self, names: set[str]) -> Self:
        """Return the file without these accounts."""
        left = {name: stored for name, stored in self.accounts.items() if name not in names}
        return type(self)(self.path, left, self.comments)

    def save(self) -> None:
        """Replace the file at one stroke: the broker reads the old one or the new one."""
        lines = (*self.comments, *(f"{name}:{stored}" for name, stored in self.accounts.items()))
        replace_file(self.path, "".join(f"{line}\n" for line in lines))


@contextmanager
def alone(path: Path, key: str) -> Iterator[None]:
    """Keep other commands from changing a file between our reading and our writing; `key` names it in settings.

    Raises
    ------
    InputError
        If the file's folder does not exist or cannot be opened.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as wrong:
        raise InputError(f"{key} = {str(path)!r}: {wrong.strerror}; the folder of the file must exist") from wrong
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def ensure_acl(path: Path, collector: str, topics: Sequence[TopicSettings] = ()) -> bool:
    """Write the ACL if there is none yet; return whether it was written. A site's own one is never changed.

    Parameters
    ----------
    topics
        What the collector subscribes to beside the native topics, which it then may.
    """
    if path.exists():
        return False
    replace_file(path, acl_text(collector, topics))
    return True


def acl_text(collector: str, topics: Sequence[TopicSettings]) -> str:
    """Return the rules: the collector reads what it is to collect, a device writes where its name stands."""
    plain = [(_unshared(topic.filter), topic.decoder) for topic in topics]
    others = [(name, decoder) for name, decoder in plain if not name.startswith("heatwatch/v1/")]
    own = [name for name, decoder in others if decoder in _OWN_ACCOUNT and name.count("+") == 1 and "#" not in name]
    return ACL.format(
        collector=collector,
        reads="".join(f"topic read {name}\n" for name in dict.fromkeys(name for name, _ in others)),
        writes="".join(f"pattern write {name.replace('+', '%u')}\n" for name in dict.fromkeys(own)),
    )


def _unshared(topic_filter: str) -> str:
    return topic_filter.split("/", 2)[-1] if topic_filter.startswith("$share/") else topic_filter


def replace_file(path: Path, text: str) -> None:
    """Write a file beside its final place, make it durable, move it there.

    It keeps owner, group and mode of the file that it replaces. A new one belongs to owner and group of its folder, as
    far as we may give it away, and is read by both: so the broker reads what an administrator writes.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        like = path.stat() if path.exists() else path.parent.stat()
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            _belong(file.fileno(), like.st_uid, like.st_gid)
            os.fchmod(file.fileno(), like.st_mode & 0o777 if path.exists() else _MODE)
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as wrong:
        beside.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({wrong.strerror})") from wrong


def _belong(descriptor: int, uid: int, gid: int) -> None:
    """Give the file away as far as we may: root both, others to a group of their own."""
    for owner in (uid, -1):
        with suppress(PermissionError):
            os.fchown(descriptor, owner, gid)
            return


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
