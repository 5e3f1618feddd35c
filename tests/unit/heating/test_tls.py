"""Certificates of a site's own CA, as the one-line recipes of OpenSSL make it."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from parts import need

from heating.tls import trusting


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two CAs without key usage, and a certificate of the first."""
    folder, openssl = tmp_path_factory.mktemp("certificates"), str(need("openssl"))

    def run(*words: str) -> None:
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes") if words[0] == "req" else ()
        subprocess.run([openssl, *words, *new], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        run("req", "-x509", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}")
    (folder / "names").write_text("subjectAltName=DNS:store.example")
    run("req", "-keyout", "store.key", "-out", "store.csr", "-subj", "/CN=store")
    sign = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2")
    run("x509", "-req", "-in", "store.csr", "-out", "store.crt", *sign)
    return folder


def shake_hands(certificates: Path, ca: str | None, host: str) -> str | None:
    """Let a client and a server meet in memory; return the version that they agree on."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificates / "store.crt", certificates / "store.key")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(ca and str(certificates / ca)).wrap_bio(back, there, server_hostname=host)
    server = server_side.wrap_bio(there, back, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version()


def test_a_ca_without_key_usage_is_taken(certificates: Path) -> None:
    assert shake_hands(certificates, "ca.crt", "store.example") == "TLSv1.3"


@pytest.mark.parametrize(
    ("ca", "host", "reason"),
    [
        ("ca.crt", "elsewhere.example", "Hostname mismatch"),
        ("other.crt", "store.example", "unable to get local issuer certificate"),
        (None, "store.example", "unable to get local issuer certificate"),
    ],
)
def test_everything_else_is_looked_at_as_ever(certificates: Path, ca: str | None, host: str, reason: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        shake_hands(certificates, ca, host)
