"""How often a device measures, told from readings of which some are lost, late, repeated or far too many."""

from __future__ import annotations

import numpy as np
import pytest

from dashboards.reports.interval import spacing
from heating.reading import Ints

MINUTE = 60_000
DAY = np.arange(0, 24 * 60, 20) * MINUTE


def kept(share: float, seed: int) -> Ints:
    return DAY[np.random.default_rng(seed).random(len(DAY)) < share]


def jitter(ms: int) -> Ints:
    return DAY + np.random.default_rng(1).integers(-ms, ms, len(DAY))


def minutes(*devices: Ints) -> list[float]:
    owner = np.concatenate([np.full(len(ts), d) for d, ts in enumerate(devices)])
    shuffled = np.random.default_rng(2).permutation(len(owner))
    found = spacing(owner[shuffled], np.concatenate(devices)[shuffled], len(devices)) / MINUTE
    return [round(float(value), 2) for value in found]


def test_a_device_says_it_by_its_spacing() -> None:
    ts = np.array([0, 20, 40, 61, 300, 320, 5, 10], dtype=np.int64)
    device = np.array([0, 0, 0, 0, 0, 0, 1, 1], dtype=np.int64)
    found = spacing(device, ts, 3)
    assert found[0] == 20
    assert np.isnan(found[1:]).all()
    assert np.isnan(spacing(device[:0], ts[:0], 2)).all()


@pytest.mark.parametrize("share", [0.9, 0.7, 0.6, 0.5])
def test_who_loses_readings_is_not_slow(share: float) -> None:
    """Else nothing would seem to be missing."""
    assert minutes(*(kept(share, seed) for seed in range(20))) == [20.0] * 20


def test_a_night_without_readings_changes_nothing() -> None:
    assert minutes(DAY[(MINUTE * 60 > DAY) | (MINUTE * 600 < DAY)]) == [20.0]


def test_clocks_that_waver_are_taken_by_the_median() -> None:
    found = minutes(jitter(5_000), jitter(60_000), jitter(200_000))
    assert found == pytest.approx([20.0] * 3, abs=0.8)


def test_what_is_sent_at_once_promises_no_thousands() -> None:
    mad = np.concatenate((DAY, 3 * 60 * MINUTE + np.arange(300) * 1000 + 500))
    pairs = np.concatenate((DAY, DAY + 2 * MINUTE))
    three = np.concatenate([DAY[::3] + n * MINUTE for n in range(3)])
    assert minutes(mad, pairs, three) == [20.0, 10.0, 20.0]


def test_slow_devices_and_those_that_send_on_change() -> None:
    change = np.cumsum(np.random.default_rng(3).integers(5, 36, 70)) * MINUTE
    slow, changing = minutes(DAY[::6], change)
    assert slow == 120.0
    assert 15 <= changing <= 25
