"""TLS with certificates on both sides, a password of our own, and a device held to its own topics."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from parts import free_port, need
from peers.books import MemoryLedger, MemoryStore
from peers.collecting import now_ms, wait_until
from peers.mosquitto import mosquitto

from collector.settings import CollectorSettings, MqttSettings
from collector.stage import CollectorSetup, CollectorStage
from heating.clock import SystemClock
from heating.errors import ConfigError
from heating.register import Register
from heating.site import MeasurementPoint

pytestmark = pytest.mark.integration

REGISTER = Register.of_points(MeasurementPoint(point_id=f"P{i}", device_id=f"D{i}", station="S1") for i in range(3))
ACL = """user heatwatch
topic read heatwatch/v1/#
pattern write heatwatch/v1/%u/readings
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    folder, openssl = tmp_path_factory.mktemp("certificates"), str(need("openssl"))

    def run(*words: str) -> None:
        subprocess.run([openssl, *words], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=site")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    for name in ("broker", "collector"):
        run(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
            "-subj",
            f"/CN={name}",
        )
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.crt", "-extfile", "names", "-days", "2")  # fmt: skip # noqa: E501
    return folder


def settings(port: int, certificates: Path, **other: str) -> MqttSettings:
    return MqttSettings(
        port=port,
        username="heatwatch",
        tls_ca=str(certificates / "ca.crt"),
        tls_cert=str(certificates / "collector.crt"),
        tls_key=str(certificates / "collector.key"),
        **other,
    )


def test_tls_password_and_topics(tmp_path, certificates):
    passwords, acl, secret = tmp_path / "passwd", tmp_path / "acl", tmp_path / "secret"
    passwords.write_text("")
    passwords.chmod(0o600)
    for user in ("heatwatch", "D1"):
        subprocess.run([need("mosquitto_passwd"), "-b", passwords, user, f"secret-{user}"], check=True)
    acl.write_text(ACL)
    secret.write_text("secret-heatwatch\n")
    secret.chmod(0o600)
    port = free_port()
    tls = (
        f"password_file {passwords}",
        f"acl_file {acl}",
        f"listener {port} 127.0.0.1",
        *(
            f"{key} {certificates}/{name}"
            for key, name in (("cafile", "ca.crt"), ("certfile", "broker.crt"), ("keyfile", "broker.key"))
        ),
        "require_certificate true",
    )
    with mosquitto(tmp_path, extra=tls) as broker:
        store, stop = MemoryStore(), threading.Event()
        setup = CollectorSetup(
            mqtt=settings(port, certificates, password_file=str(secret)),
            collector=CollectorSettings(batch_wait_s=0.05),
            zone=ZoneInfo("Asia/Shanghai"),
        )
        stage = CollectorStage(setup, store, MemoryLedger(REGISTER), SystemClock())
        thread = threading.Thread(target=stage.run, args=(stop,), daemon=True)
        thread.start()
        assert wait_until(lambda: stage.health(datetime.now(UTC)).ok, 20), stage.health(datetime.now(UTC)).text
        assert "no packet yet" in stage.health(datetime.now(UTC)).text
        device = Client(CallbackAPIVersion.VERSION2, "D1")
        device.username_pw_set("D1", "secret-D1")
        device.connect("127.0.0.1", broker.port)
        device.loop_start()
        for name in ("D2", "D1"):
            device.publish(f"heatwatch/v1/{name}/readings", f'{{"ts": {now_ms()}, "temperature_c": 19}}', 1)
        assert wait_until(lambda: len(store.rows) == 1)
        assert [name for name, _ in store.rows] == ["D1"]
        assert "last packet" in stage.health(datetime.now(UTC)).text
        device.disconnect()
        device.loop_stop()
        stop.set()
        thread.join(20)


def test_wrong_files_are_named(tmp_path, certificates):
    def built(mqtt: MqttSettings) -> None:
        setup = CollectorSetup(mqtt=mqtt, zone=ZoneInfo("Asia/Shanghai"))
        CollectorStage(setup, MemoryStore(), MemoryLedger(REGISTER), SystemClock())

    with pytest.raises(ConfigError, match=r"mqtt\.password_file"):
        built(settings(1, certificates, password_file=str(tmp_path / "none")))
    with pytest.raises(ConfigError, match=r"mqtt\.tls_ca = .*no such file"):
        built(MqttSettings(tls_ca=str(tmp_path / "none")))
    with pytest.raises(ConfigError, match=r"mqtt\.tls_cert: needs mqtt\.tls_ca"):
        built(MqttSettings(tls_cert="x"))
