"""What a connection takes beside the address: account and certificates; and in a few words why there is none."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from collector.client import QuickClient
from collector.settings import MqttSettings
from heating.errors import ConfigError
from heating.settings import read_secret


def log_in(client: QuickClient, settings: MqttSettings) -> None:
    """Take over the account, if there is one; its file is read each time, as the password may be another since.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    if settings.username:
        client.username_pw_set(settings.username, read_secret("mqtt.password_file", settings.password_file))


def use_tls(client: QuickClient, settings: MqttSettings) -> None:
    """Turn TLS on if the settings say so.

    Raises
    ------
    ConfigError
        If a file is absent or is none of that kind.
    """
    if not settings.tls_ca:
        if settings.tls_cert or settings.tls_key:
            raise ConfigError("mqtt.tls_cert: needs mqtt.tls_ca (a file, or `system`)")
        return
    ca = None if settings.tls_ca == "system" else settings.tls_ca
    for key in ("tls_ca", "tls_cert", "tls_key"):
        name = getattr(settings, key)
        if name and name != "system" and not Path(name).is_file():
            raise ConfigError(f"mqtt.{key} = {name!r}: no such file")
    try:
        client.tls_set(ca_certs=ca, certfile=settings.tls_cert or None, keyfile=settings.tls_key or None)
    except (OSError, ValueError) as problem:
        raise ConfigError(f"mqtt.tls_ca, tls_cert, tls_key: {problem}") from problem


def why(problem: BaseException | None) -> str:
    """Return in a few words what kept us from connecting."""
    match problem:
        case socket.gaierror():
            return f"its name has no address ({problem.strerror})"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {problem.verify_message}"
        case ssl.SSLError():
            return f"TLS: {problem.reason or problem}"
        case TimeoutError():
            return "no answer"
        case OSError(strerror=str(text)):
            return text
    return str(problem or "unknown")
