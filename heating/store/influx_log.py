"""The log of InfluxDB 1.x and 2.x after a fault: a fresh file for what is written from now on.

A full disk (or a kill) can cut a record of the log short. At its next start InfluxDB cuts the torn end off, but goes on
writing where the file had ended before: what it acknowledges then lies behind a gap, and the start after that finds
the gap, takes it for the end and loses the rest (seen on 1.6.7, 1.12.4 and 2.7.12). Only a full log file is
followed by a new one. So after a fault the file is filled with what nobody needs, before what matters is written.
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Iterable

from heating.errors import StoreMisconfigured
from heating.store.influx_admin import Administration
from heating.store.influx_answers import Refused
from heating.store.influx_http import InfluxServer

log = logging.getLogger(__name__)

_NAME = "heatwatch_filler"
# A log file is full beyond 10 MiB. One point, written again and again: what stays of it in the data files is small.
# (rows, bytes of text): while the disk is still full, no more is tried than the first.
_PARTS = ((1, 64), (360, 32_000))


def renew(server: InfluxServer, admin: Administration, instants_ms: Iterable[int]) -> None:
    """Make InfluxDB begin new log files for the shards of some instants; 3 Core has no such log."""
    if admin.generation() in (1, 2):
        try:
            for ts_ms in instants_ms:
                for rows, size in _PARTS:
                    server.write(_filler(rows, size, ts_ms))
            admin.delete_all(_NAME)
            log.info("influx_log_renewed reason=%s", "a fault may have torn it")
        except (Refused, StoreMisconfigured) as error:
            log.warning("influx_log_not_renewed reason=%s", error)
    server.interrupted = False


def _filler(rows: int, size: int, ts_ms: int) -> bytes:
    # Random, since the log is compressed.
    texts = (base64.b64encode(os.urandom(size * 3 // 4)) for _ in range(rows))
    return b"\n".join(b'%s text="%s" %d' % (_NAME.encode(), text, ts_ms) for text in texts)
