"""How often devices measure, from the spacing of their readings. No I/O. Shapes: D devices, N readings.

A device that loses half of its readings must not pass for a slow one, nor one that sends some at once for a fast one:
what is expected of it, and so what is said to be missing, hangs on this. All limits here are assumptions.
"""

from __future__ import annotations

import numpy as np

from heating.reading import Bools, Floats, Ints

# Fewer readings than this tell no interval, and fewer hours no rate.
ENOUGH, _ENOUGH_HOURS = 4, 3
# Gaps are multiples of one interval where so many of them are off by no more than this share of it, and two intervals
# are not rare beside three and more: with every third reading there or better, losses look so; packets of some do not.
_MULTIPLES, _OFF, _DOUBLE = 0.8, 0.1, 0.5
# Gaps are of one length where so many of them are off by no more than this share of their median.
_ALIKE, _NEAR = 0.6, 0.25
# Readings so many times closer together than the hours have room for were sent at once.
_BURST = 3.5
_HOUR_MS = 3_600_000


def spacing(device: Ints, ts_ms: Ints, size: int) -> Floats:
    """Return the time between the readings of each device, float64 (D,) [ms]; NaN where there are too few.

    It is the interval of which the gaps are multiples, else their median where they are alike; of all others the
    median number of readings in the hours that have any. `device` int64 (N,) are indices below `size`.
    """
    order = np.lexsort((ts_ms, device))
    owner, gap = device[order][1:], np.diff(ts_ms[order]).astype(np.float64)
    same = (owner == device[order][:-1]) & (gap > 0)
    owner, gap = owner[same], gap[same]
    base, median = _base(owner, gap, size), _quantile(owner, gap, size, 0.5, ENOUGH - 1)
    alike = _share(owner, np.abs(gap / median[owner] - 1) <= _NEAR, size) >= _ALIKE
    multiples = _are_multiples(owner, gap, base)
    rate = _by_hours(device, ts_ms, size)
    found = np.where(multiples, base, np.where(alike | np.isnan(rate), median, rate))
    return np.where(rate > _BURST * found, rate, found)


def _base(owner: Ints, gap: Floats, size: int) -> Floats:
    """Return the interval of which the gaps of each device may be multiples, float64 (D,) [ms]."""
    short = _quantile(owner, gap, size, 0.25, ENOUGH - 1)[owner]
    return _quantile(owner, gap / _times(gap, short), size, 0.5, ENOUGH - 1)


def _are_multiples(owner: Ints, gap: Floats, base: Floats) -> Bools:
    """Tell whose gaps are multiples of an interval as losses make them, bool (D,)."""
    size, ratio = len(base), gap / base[owner]
    times = _times(gap, base[owner])
    double, more = (np.bincount(owner, weights=which, minlength=size) for which in (times == 2, times > 2))
    fits = _share(owner, np.abs(ratio - times) <= _OFF, size) >= _MULTIPLES
    return np.asarray(fits & (double >= _DOUBLE * more))


def _times(gap: Floats, base: Floats) -> Floats:
    """Return how many times an interval a gap is, once at least; NaN where there is none."""
    return np.maximum(np.rint(gap / base), 1.0)


def _by_hours(device: Ints, ts_ms: Ints, size: int) -> Floats:
    """Return an hour divided by the median number of readings in the hours that have any, float64 (D,) [ms]."""
    hour = ts_ms // _HOUR_MS
    first = int(hour.min()) if len(hour) else 0
    # One number for device and hour: sorting numbers is many times faster than sorting pairs.
    span = int(hour.max(initial=first)) - first + 1
    keys, counts = np.unique(device * span + (hour - first), return_counts=True)
    return _HOUR_MS / _quantile(keys // span, counts.astype(np.float64), size, 0.5, _ENOUGH_HOURS)


def _share(owner: Ints, which: Bools, size: int) -> Floats:
    """Return the share of each device's gaps that are so, float64 (D,); 0 where there are none."""
    all_of_them = np.bincount(owner, minlength=size)
    return np.bincount(owner, weights=which, minlength=size) / np.maximum(all_of_them, 1)


def _quantile(owner: Ints, values: Floats, size: int, share: float, enough: int) -> Floats:
    """Return the value below which a share of each owner's values lie, float64 (D,); NaN where there are too few."""
    order = np.lexsort((values, owner))
    counts = np.bincount(owner, minlength=size)
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    found = np.full(size, np.nan)
    known = counts >= enough
    found[known] = values[order][first[known] + (counts[known] * share).astype(np.int64)]
    return found
