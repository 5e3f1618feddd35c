"""`make secrets`: what docker-compose.yml needs and no repository may hold: passwords, tokens, certificates.

::

    secrets/                     the administrator's only
        *-password, *-token      one random secret each
        console-users.toml       the console's first user, hashed
        broker/passwd, acl       accounts of the broker (`heatwatch devices` adds those of the sensors)
        ca.* broker.*            certificates of the broker, where openssl is there to make them
    site/heatwatch.toml          the site's configuration, from config/docker/heatwatch.toml
    out/                         where the `tools` container puts reports and backups
    .env                         who may read the secrets inside the containers

Nothing that exists is changed, so that it can be run again: after an upgrade, or to renew one thing that was deleted.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from collector.credentials import PasswordFile, ensure_acl, new_password
from dashboards.console.users import hash_secret
from heating.errors import HeatwatchError, InputError
from heatwatch.output import note

# Plain random secrets. Those of the broker's own users go into its password file too.
_SECRETS = (
    "influxdb-admin-password",
    "influxdb-token",
    "influxdb-grafana-password",
    "grafana-admin-password",
    "grafana-secret-key",
    "console-admin-password",
    "mqtt-collector-password",
    "mqtt-probe-password",
)
_BROKER_USERS = {"heatwatch": "mqtt-collector-password", "probe": "mqtt-probe-password"}
_CA_DAYS, _BROKER_DAYS = 3650, 825
_LENGTH = 40

# The group of the user inside our image (Dockerfile), for administrators who may give files to any group.
IMAGE_GROUP = 10001


class Site:
    """The folder with docker-compose.yml, filled with what is missing."""

    def __init__(self, root: Path, group: int) -> None:
        self._root = root
        self._secrets = root / "secrets"
        self._group = group

    def fill(self, names: Sequence[str]) -> None:
        """Make everything that is not there yet; `names` are host names and addresses of the broker for devices."""
        self._folder(self._secrets, 0o700)
        self._folder(self._secrets / "broker", 0o2770)
        for name in _SECRETS:
            self._write(self._secrets / name, f"{new_password(_LENGTH)}\n")
        self._console_user()
        self._broker_users()
        self._certificates(names)
        self._folder(self._root / "site", 0o2750)  # what is put there later belongs to the group too
        self._folder(self._root / "out", 0o2770)
        template = self._root / "config" / "docker" / "heatwatch.toml"
        self._write(self._root / "site" / "heatwatch.toml", template.read_text("utf-8"))
        self._environment(self._root / ".env", f"HEATWATCH_GID={self._group}\n")

    def _environment(self, path: Path, line: str) -> None:
        """Say the group in .env, which may hold other things of the site already."""
        said = path.read_text("utf-8") if path.exists() else ""
        if line.partition("=")[0] not in said:
            with path.open("a", encoding="utf-8") as file:
                file.write(line)

    def _console_user(self) -> None:
        file = self._secrets / "console-users.toml"
        if not file.exists():
            hashed = hash_secret(self._secret("console-admin-password"))
            self._write(file, f'[[users]]\nname = "admin"\nrole = "admin"\nsecret = "{hashed}"\n')

    def _broker_users(self) -> None:
        broker = self._secrets / "broker"
        accounts = PasswordFile.read(broker / "passwd")
        missing = {user: self._secret(name) for user, name in _BROKER_USERS.items() if user not in accounts.accounts}
        if missing:
            accounts.with_passwords(missing).save()
            self._share(broker / "passwd", 0o640)
        if ensure_acl(broker / "acl", "heatwatch"):
            self._share(broker / "acl", 0o640)

    def _certificates(self, names: Sequence[str]) -> None:
        """Make a certificate authority of the site, and with it the broker's certificate."""
        ca, key = self._secrets / "ca.crt", self._secrets / "ca.key"
        broker = self._secrets / "broker.crt"
        if broker.exists():
            return
        if shutil.which("openssl") is None:
            note("no openssl: put the broker's certificate into secrets/ as ca.crt, broker.crt and broker.key")
            return
        if not ca.exists():
            new_ca(ca, key)
            self._share(ca, 0o640)
        new_certificate(ca, key, broker, names)
        self._share(broker, 0o640)
        self._share(broker.with_suffix(".key"), 0o640)
        note(f"{broker} made for {', '.join(names)}")

    def _secret(self, name: str) -> str:
        return (self._secrets / name).read_text("utf-8").strip()

    def _folder(self, path: Path, mode: int) -> None:
        if not path.is_dir():
            path.mkdir(parents=True)
            self._share(path, mode)

    def _write(self, path: Path, text: str) -> None:
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            return
        self._share(path, 0o640)
        note(f"{path.relative_to(self._root)} made")

    def _share(self, path: Path, mode: int) -> None:
        os.chown(path, -1, self._group)
        path.chmod(mode)


def new_ca(certificate: Path, key: Path) -> None:
    """Make a certificate authority; its key stays with the administrator."""
    # Clients that are strict about RFC 5280, as Python's from 3.13 on, refuse a CA without key usage (4.2.1.3) and a
    # certificate that does not name its authority's key (4.2.1.1).
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", str(_CA_DAYS), "-subj", "/CN=heatwatch site CA", "-keyout", str(key), "-out", str(certificate)),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    key.chmod(0o600)


def new_certificate(ca: Path, ca_key: Path, certificate: Path, names: Sequence[str]) -> None:
    """Make key and certificate of the broker for host names and addresses."""
    key, request = certificate.with_suffix(".key"), certificate.with_suffix(".csr")
    extensions = certificate.with_suffix(".ext")
    alternative = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    extensions.write_text(
        f"subjectAltName={alternative}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    _openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", "/CN=heatwatch broker", "-keyout", str(key), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key), "-CAcreateserial"),
        *("-days", str(_BROKER_DAYS), "-extfile", str(extensions), "-out", str(certificate)),
    )
    request.unlink()
    extensions.unlink()


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"openssl {words[0]}: {done.stderr.strip()}")


def _is_address(name: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, name)
        except OSError:
            continue
        return True
    return False


def main(arguments: Sequence[str]) -> int:
    """Fill the folder that we stand in; the arguments are names of the broker, else this machine's and loopback."""
    group = IMAGE_GROUP if os.geteuid() == 0 else os.getegid()
    names = list(arguments) or list(dict.fromkeys([socket.getfqdn(), "localhost", "127.0.0.1", "mosquitto"]))
    try:
        Site(Path.cwd(), group).fill(names)
    except (HeatwatchError, OSError) as wrong:
        sys.stderr.write(f"secrets: {wrong}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
