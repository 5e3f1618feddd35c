"""What contract §4 takes for possible."""

from __future__ import annotations

from heating.site import PointKind

FUTURE_MS = 5 * 60 * 1000
AIR_C = {PointKind.ROOM: (-30.0, 60.0), PointKind.OUTDOOR: (-60.0, 60.0)}
WATER_C = (0.0, 150.0)
