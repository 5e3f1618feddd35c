"""Receivers: one file each, and the one place that makes them from their settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from alerts.receivers.chat import AppriseDeliverer
from alerts.receivers.console import ConsoleDeliverer
from alerts.receivers.jsonl import FileDeliverer
from alerts.receivers.mqtt import MqttDeliverer
from alerts.receivers.port import Deliverer
from alerts.receivers.webhook import WebhookDeliverer, checked_url, one_line
from alerts.settings import (
    AnyReceiver,
    AppriseReceiver,
    ConsoleReceiver,
    FileReceiver,
    MqttReceiver,
    Receiver,
    WebhookReceiver,
)
from heating.errors import ConfigError


def make(settings: AnyReceiver) -> Deliverer:
    """Return the receiver of some settings; wrong ones and missing secrets raise `ConfigError`."""
    match settings:
        case ConsoleReceiver():
            return ConsoleDeliverer()
        case FileReceiver():
            return FileDeliverer(settings.path)
        case WebhookReceiver():
            return _webhook(settings)
        case MqttReceiver():
            return MqttDeliverer(settings, _secret(settings.password_file, settings, "password_file"))
        case AppriseReceiver():
            lines = _secret(settings.urls_file, settings, "urls_file").splitlines()
            return AppriseDeliverer(settings.name, tuple(line.strip() for line in lines if line.strip()))


def check(receivers: Sequence[Receiver]) -> None:
    """Raise `ConfigError` where settings that are right one by one do not fit together."""
    twice = [name for name, n in Counter(r.name for r in receivers).items() if n > 1]
    if twice:
        raise ConfigError(f"alerts.receivers: the name {twice[0]!r} is used twice; names must be unique")
    for receiver in receivers:
        if bool(receiver.quiet_from) != bool(receiver.quiet_to):
            raise ConfigError(f"alerts.receivers {receiver.name!r}: quiet_from and quiet_to belong together")


def _webhook(settings: WebhookReceiver) -> WebhookDeliverer:
    if bool(settings.url) == bool(settings.url_file):
        raise ConfigError(f"alerts.receivers {settings.name!r} needs either url or url_file")
    key = "url_file" if settings.url_file else "url"
    url = _secret(settings.url_file, settings, key) if settings.url_file else settings.url
    token = one_line(
        _secret(settings.token_file, settings, "token_file"), f"alerts.receivers {settings.name!r} token_file"
    )
    ca = settings.tls_ca
    if ca and not Path(ca).is_file():
        raise ConfigError(f"alerts.receivers {settings.name!r}: tls_ca {ca!r} is no file")
    return WebhookDeliverer(
        checked_url(url, f"alerts.receivers {settings.name!r} {key}"), token, ca, settings.timeout_s
    )


def _secret(path: str, settings: Receiver, key: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"alerts.receivers {settings.name!r}: {key} {path!r} cannot be read: {wrong}") from wrong
