"""Measured readings as packets of the devices."""

import json

import numpy as np

from firmware_sim.replay import Rows, packets_of

MINUTE = 60_000


def rows(*given: tuple[str, int, float]) -> Rows:
    blank = np.full(len(given), np.nan)
    names = ("humidity_pct", "battery_v", "supply_c", "return_c")
    return Rows(
        np.array([g[0] for g in given], dtype=object),
        np.array([g[1] for g in given], dtype=np.int64),
        {"temperature_c": np.array([g[2] for g in given]), **dict.fromkeys(names, blank)},
    )


def test_readings_of_an_hour_share_packets_of_three_in_order_of_time() -> None:
    given = [("A", k * 10 * MINUTE, 20.0 + k) for k in range(8)] + [("B", 25 * MINUTE, 18.0)]
    packets = list(packets_of(rows(*reversed(given))))
    assert [(p.message.topic.split("/")[2], p.readings, p.at_ms // MINUTE) for p in packets] == [
        ("A", 3, 20), ("B", 1, 25), ("A", 3, 50), ("A", 2, 70),
    ]  # fmt: skip
    first = json.loads(packets[0].message.payload)
    assert [(r["ts"], r["temperature_c"]) for r in first["readings"]] == [(0, 20), (10 * MINUTE, 21), (20 * MINUTE, 22)]
    assert "battery_v" not in first


def test_nothing_gives_nothing() -> None:
    assert list(packets_of(rows())) == []
