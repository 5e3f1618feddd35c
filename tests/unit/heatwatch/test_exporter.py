"""`metrics.port`: an address that is taken is told as a key of the configuration."""

from __future__ import annotations

import socket
from http.client import HTTPConnection

import pytest

from heating.clock import SystemClock
from heating.errors import ConfigError
from heatwatch.exporter import MetricsExporter


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = taken.getsockname()
        with pytest.raises(ConfigError, match=rf"metrics\.port = {address[1]}: cannot listen there"):
            MetricsExporter(address, lambda: [], dict, SystemClock())


def test_a_monitor_may_ask_for_the_status_alone() -> None:
    with MetricsExporter(("127.0.0.1", 0), lambda: [], dict, SystemClock()) as exporter:
        connection = HTTPConnection("127.0.0.1", exporter.port)
        for page, status in (("/healthz", 200), ("/none", 404)):
            connection.request("HEAD", page)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b"")
        connection.close()
