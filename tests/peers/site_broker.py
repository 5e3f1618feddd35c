"""A broker as a site on Debian sets it up: Debian's main file, our two files in conf.d, certificates, accounts, TLS."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from parts import ROOT, free_port, need

from heatwatch.site_secrets import new_ca, new_certificate

# /etc/mosquitto/mosquitto.conf of Debian 12, with the folder in place of /etc, /var and /run.
_DEBIAN = """\
pid_file {folder}/mosquitto.pid
persistence true
persistence_location {folder}/
log_dest file {folder}/mosquitto.log
include_dir {folder}/conf.d
user root
"""


class SiteBroker:
    """mosquitto with the listeners and rules of config/; `accounts` is what `heatwatch devices` works on."""

    def __init__(self, folder: Path) -> None:
        need("openssl")
        self._program = need("mosquitto")
        self.folder = folder
        self.plain, self.tls = free_port(), free_port()
        self.accounts = folder / "heatwatch"
        self.ca = folder / "ca.crt"
        self.pid_file = folder / "mosquitto.pid"
        self._process: subprocess.Popen[bytes] | None = None
        self.accounts.mkdir()
        new_ca(self.ca, folder / "ca.key")
        new_certificate(self.ca, folder / "ca.key", folder / "broker.crt", ["localhost", "127.0.0.1"])
        (folder / "mosquitto.conf").write_text(_DEBIAN.format(folder=folder))
        (folder / "conf.d").mkdir()
        for name in ("mosquitto.conf", "mosquitto-listeners.conf"):
            (folder / "conf.d" / f"heatwatch-{name}").write_text(
                self._here((ROOT / "config" / name).read_text("utf-8"))
            )

    def _here(self, text: str) -> str:
        text = text.replace("/etc/mosquitto/heatwatch/", f"{self.accounts}/")
        text = text.replace("/etc/mosquitto/certs/", f"{self.folder}/")
        text = text.replace("listener 1883", f"listener {self.plain}")
        return text.replace("listener 8883", f"listener {self.tls} 127.0.0.1")

    def start(self) -> None:
        self._process = subprocess.Popen([self._program, "-c", self.folder / "mosquitto.conf"], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            if _answers(self.plain) and _answers(self.tls):
                return
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"mosquitto does not run: {self.log()[-2000:]}")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)

    def log(self) -> str:
        file = self.folder / "mosquitto.log"
        return file.read_text(errors="replace") if file.exists() else ""


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


class Device:
    """A client over TLS, MQTT 5, that remembers how it was received."""

    def __init__(self, broker: SiteBroker, name: str, password: str, *, subscribe: str = "") -> None:
        self.refused: str | None = None
        self.connected = False
        self.heard: list[str] = []
        self.answers: dict[int, str] = {}
        self._answered = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, f"{name}-client", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(name, password)
        self._client.tls_set(ca_certs=str(broker.ca), cert_reqs=ssl.CERT_REQUIRED)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self._subscribe = subscribe
        self._client.connect("127.0.0.1", broker.tls)
        self._client.loop_start()
        assert self._answered.wait(10)

    def _on_connect(self, client: Client, _user: object, _flags: object, reason: object, _more: object) -> None:
        self.connected = not getattr(reason, "is_failure", True)
        self.refused = None if self.connected else str(reason)
        if self.connected and self._subscribe:
            client.subscribe(self._subscribe, 1)
        self._answered.set()

    def _on_disconnect(self, *_: object) -> None:
        self.connected = False

    def _on_publish(self, _client: object, _user: object, mid: int, reason: object, _more: object) -> None:
        self.answers[mid] = str(reason)

    def publish(self, topic: str, payload: str = "{}") -> str:
        """Publish with QoS 1 and return what the broker says to it."""
        mid = self._client.publish(topic, payload, 1).mid
        deadline = time.monotonic() + 10
        while mid not in self.answers and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.answers.get(mid, "no answer")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
