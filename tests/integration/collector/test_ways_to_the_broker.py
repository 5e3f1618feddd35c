"""Names, proxies and certificates between us and the broker, and what a person is told of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from parts import free_port, need
from peers.collecting import wait_until
from peers.mosquitto import mosquitto
from peers.proxy import Proxy
from peers.stage import collecting, warnings

pytestmark = pytest.mark.integration


def test_a_name_without_address_is_said(caplog):
    with collecting(1883, ready=False, host="no.such.host.invalid") as running:
        assert wait_until(lambda: "its name has no address" in running.health(), 40), running.health()
    assert len(warnings(caplog)) == 1


def test_a_name_that_cannot_be_one_does_not_end_the_thread():
    with collecting(1883, ready=False, host="a" * 70 + ".example") as running:
        assert wait_until(lambda: "cannot be reached" in running.health(), 10), running.health()
        assert running.stage._session.link().thread_alive
        assert running.metric("session_restarts_total") == 0


def test_a_way_that_swallows_everything_is_left_and_mqtt_5_is_spoken_after_it(tmp_path):
    with mosquitto(tmp_path) as broker, Proxy(broker.port) as way, collecting(way.port, keepalive_s=5) as running:
        way.swallow()
        assert wait_until(lambda: "before it answered" in running.health(), 30), running.health()
        way.mend()
        assert wait_until(lambda: running.health() == "ok", 40), running.health()
        assert running.stage._session.link().version == "5"


def test_a_way_that_closes_at_once_does_not_cost_mqtt_5(tmp_path):
    """As a proxy before a broker that is down: the broker knows MQTT 5 all the same."""
    with mosquitto(tmp_path) as broker, Proxy(broker.port) as way, collecting(way.port) as running:
        way.cut()
        assert not wait_until(lambda: running.stage._session.link().version != "5", 8)
        way.mend()
        assert wait_until(lambda: running.health() == "ok", 30), running.health()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    key = ("-newkey", "rsa:2048", "-nodes", "-keyout")
    _openssl(folder, "req", "-x509", *key, "ca.key", "-out", "ca.crt", "-subj", "/CN=site")
    for name, address, days in (("good", "127.0.0.1", "2"), ("elsewhere", "10.9.8.7", "2"), ("old", "127.0.0.1", "0")):
        (folder / "names").write_text(f"subjectAltName=IP:{address}")
        _openssl(folder, "req", *key, f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", days)
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", *signed)
    return folder


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run([str(need("openssl")), *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("elsewhere", r"certificate is not trusted: IP address mismatch"),
        ("old", r"certificate is not trusted: .*expired"),
    ],
)
def test_a_certificate_that_does_not_hold_is_said(tmp_path, authority, caplog, certificate, said):
    port = free_port()
    tls = (
        f"listener {port} 127.0.0.1",
        f"cafile {authority}/ca.crt",
        f"certfile {authority}/{certificate}.crt",
        f"keyfile {authority}/{certificate}.key",
    )
    with mosquitto(tmp_path, extra=tls), collecting(port, ready=False, tls_ca=str(authority / "ca.crt")) as running:
        assert wait_until(lambda: re.search(said, running.health()) is not None, 10), running.health()
        assert not wait_until(lambda: running.metric("connected") == 1, 3)
    assert len(warnings(caplog)) == 1
