"""Devices with certificates in place of passwords, as docs/deployment.md tells it, on the site's own listeners."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from parts import need
from peers.site_broker import SiteBroker

from collector.credentials import PasswordFile, ensure_acl

pytestmark = pytest.mark.integration

_CA = """\
[ca]
default_ca = devices
[devices]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 3650
"""


class Site:
    """The folder of a site whose devices have certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = SiteBroker(folder)
        ensure_acl(self.broker.accounts / "acl", "heatwatch")
        PasswordFile.read(self.broker.accounts / "passwd").with_passwords({"heatwatch": "x"}).save()
        (folder / "index.txt").touch()
        (folder / "crlnumber").write_text("01\n")
        (folder / "devices.cnf").write_text(_CA)
        self.list_revoked()
        listeners = folder / "conf.d" / "heatwatch-mosquitto-listeners.conf"
        text = listeners.read_text()
        for line in ("require_certificate true", "use_identity_as_username true", "crlfile"):
            assert f"#{line}" in text
            text = text.replace(f"#{line}", line)
        listeners.write_text(text.replace("crlfile /etc/mosquitto/certs/", f"crlfile {folder}/"))

    def openssl(self, *words: str) -> None:
        done = subprocess.run([need("openssl"), *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr

    def certificate(self, device: str) -> None:
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{device}.key")
        self.openssl("req", *key, "-subj", f"/CN={device}", "-out", f"{device}.csr")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650")
        self.openssl("x509", "-req", "-in", f"{device}.csr", *signed, "-out", f"{device}.crt")

    def revoke(self, device: str) -> None:
        ca = ("-config", "devices.cnf", "-keyfile", "ca.key", "-cert", "ca.crt")
        self.openssl("ca", *ca, "-revoke", f"{device}.crt")
        self.list_revoked()

    def list_revoked(self) -> None:
        ca = ("-config", "devices.cnf", "-keyfile", "ca.key", "-cert", "ca.crt")
        self.openssl("ca", *ca, "-gencrl", "-out", "crl.pem")

    def published(self, topic: str, *who: str) -> bool:
        """Tell whether the broker took a message."""
        words = ("-h", "localhost", "-p", str(self.broker.tls), "--cafile", "ca.crt", "-V", "5", "-q", "1")
        done = subprocess.run(
            [need("mosquitto_pub"), *words, *who, "-t", topic, "-m", "{}"],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        return not done.returncode and "Not authorized" not in done.stderr

    def by_certificate(self, device: str, topic: str) -> bool:
        return self.published(topic, "--cert", f"{device}.crt", "--key", f"{device}.key")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    made.broker.start()
    yield made
    made.broker.stop()


def test_a_certificate_is_a_device_until_it_is_revoked(site: Site) -> None:
    for device in ("D1", "D2"):
        site.certificate(device)
    assert site.by_certificate("D1", "heatwatch/v1/D1/readings")
    assert not site.by_certificate("D1", "heatwatch/v1/D2/readings")
    claimed = ("--cert", "D1.crt", "--key", "D1.key", "-u", "D2", "-P", "x")
    assert not site.published("heatwatch/v1/D2/readings", *claimed)
    assert not site.published("heatwatch/v1/D1/readings", "-u", "heatwatch", "-P", "x")
    site.revoke("D1")
    os.kill(int(site.broker.pid_file.read_text()), signal.SIGHUP)
    deadline = time.monotonic() + 20
    while site.by_certificate("D1", "heatwatch/v1/D1/readings") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not site.by_certificate("D1", "heatwatch/v1/D1/readings")
    assert site.by_certificate("D2", "heatwatch/v1/D2/readings")
