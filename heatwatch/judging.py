"""Puts the analyzer's rules together from the configuration, for `analyze`, `run` and the reports."""

from __future__ import annotations

from datetime import date

from analyzer.analysis import Rules
from heating.regulation import load_profile
from heating.site import Outage
from heatwatch.config import Settings


def rules_of(settings: Settings, outages: tuple[Outage, ...] = ()) -> Rules:
    """Return the rules of a site; unknown profiles raise `RegulationError`."""
    seasons: tuple[tuple[date, date], ...] = settings.site.season_dates
    return Rules(
        settings=settings.analyzer,
        enterprise=load_profile(settings.regulation.enterprise),
        legal=load_profile(settings.regulation.legal),
        zone=settings.site.zone,
        seasons=seasons,
        outages=outages,
    )
