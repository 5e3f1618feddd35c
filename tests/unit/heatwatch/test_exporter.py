"""`metrics.port`: an address that is taken is told as a key of the configuration."""

from __future__ import annotations

import socket

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
