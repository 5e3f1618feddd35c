"""Puts the analyzer's rules together from the configuration, for `analyze`, `run` and the reports."""

from __future__ import annotations

from datetime import date

from analyzer.analysis import Rules
from dashboards.snapshot import JudgingRules
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


def words_rules(settings: Settings) -> JudgingRules:
    """Return what pages and papers must know of the rules to word what was found."""
    return JudgingRules(
        stale_after_min=settings.analyzer.stale_after_min,
        confirm_min=settings.analyzer.confirm_min,
        low_floors=settings.analyzer.low_floors,
        profile=settings.regulation.enterprise,
        seasons=settings.site.season_dates,
    )
