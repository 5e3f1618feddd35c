"""Settings of the analyzer: section `[analyzer]` of heatwatch.toml (contract §2)."""

from __future__ import annotations

from typing import Annotated

import msgspec


class AnalyzerSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """How homes are judged and how often."""

    every_s: Annotated[float, msgspec.Meta(description="seconds between two sweeps", gt=0)] = 60.0
    stale_after_min: Annotated[
        float,
        msgspec.Meta(description="minutes that a reading holds; from then on the home is unknown", gt=0),
    ] = 90.0
    confirm_min: Annotated[
        float,
        msgspec.Meta(description="minutes without interruption that confirm a breach, and that end it", ge=0),
    ] = 30.0
    clear_margin_k: Annotated[
        float,
        msgspec.Meta(description="kelvin above the floor from which a home counts as warm again", ge=0),
    ] = 0.3
    low_floors: Annotated[
        int,
        msgspec.Meta(description="highest floor that counts as low", ge=0),
    ] = 2
    network_end_fraction: Annotated[
        float,
        msgspec.Meta(
            description="share of the largest distance on a branch from which on it is network end", gt=0, le=1
        ),
    ] = 0.8
    weight_low_floor: Annotated[
        float,
        msgspec.Meta(description="weight of a low floor in the priority score", ge=0),
    ] = 0.5
    weight_network_end: Annotated[
        float,
        msgspec.Meta(description="weight of the network's end in the priority score", ge=0),
    ] = 0.5

    @property
    def stale_ms(self) -> int:
        """How long a reading holds [ms]."""
        return round(self.stale_after_min * 60_000)

    @property
    def confirm_ms(self) -> int:
        """How long a breach or a recovery must last to count [ms]."""
        return round(self.confirm_min * 60_000)
