"""`/healthz` for monitors and `/metrics` for Prometheus (contract §9).

A process answers for its own stages. The console also says how those of other processes were when they last noted it
in the ledger: in one place, whether the site is one process or several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from heating.stage import Health, Metric, StageNote

# A stage notes its health every 15 s: after that it is taken for stopped.
SILENT = timedelta(seconds=60)
# A stage that nobody runs any more is shown as stopped for so long.
_FORGOTTEN = timedelta(days=7)


class SiteStage(Health, frozen=True, kw_only=True):
    """A stage of whichever process; `at` is when it said so, null if it never did, and `age_s` how long ago [s]."""

    at: datetime | None
    age_s: float | None


class SiteReport(msgspec.Struct, frozen=True, kw_only=True):
    """All stages of the site; `status` is `ok` or `failing`."""

    status: str
    stages: dict[str, SiteStage]


class HealthReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of `/healthz`; `status` is `ok` or `failing`, and like `stages` about the process that answers."""

    status: str
    at: datetime
    stages: dict[str, Health]
    site: SiteReport | None = None


def health_report(
    stages: Mapping[str, Health], at: datetime, site: Mapping[str, SiteStage] | None = None
) -> HealthReport:
    """Return the health of all stages together: every one must be alive and fresh."""
    whole = None if site is None else SiteReport(status=_status(site), stages=dict(site))
    return HealthReport(status=_status(stages), at=at, stages=dict(stages), site=whole)


def site_stages(
    own: Mapping[str, Health], notes: Iterable[StageNote], expected: Iterable[str], now: datetime
) -> dict[str, SiteStage]:
    """Return all stages of a site: its own as they are, others by their notes, and `expected` that never made one."""
    told = {note.stage: _told(note, now) for note in notes if now - note.at < _FORGOTTEN}
    here = {name: SiteStage(alive=h.alive, fresh=h.fresh, text=h.text, at=now, age_s=0.0) for name, h in own.items()}
    never = SiteStage(alive=False, fresh=False, text="never seen", at=None, age_s=None)
    return dict.fromkeys(expected, never) | told | here


def _told(note: StageNote, now: datetime) -> SiteStage:
    age = now - note.at
    silent = note.health.alive and age > SILENT  # who said that it ended is not silent
    text = f"silent since {note.at:%Y-%m-%d %H:%M:%S} UTC, then: {note.health.text}" if silent else note.health.text
    return SiteStage(
        alive=note.health.alive and not silent,
        fresh=note.health.fresh and not silent,
        text=text,
        at=note.at,
        age_s=round(age.total_seconds(), 1),
    )


def _status(stages: Mapping[str, Health]) -> str:
    return "ok" if all(health.ok for health in stages.values()) else "failing"


def render_metrics(metrics: Iterable[Metric]) -> str:
    """Return Prometheus text exposition 0.0.4: samples of one name together under one HELP and TYPE."""
    by_name: dict[str, list[Metric]] = {}
    for metric in metrics:
        by_name.setdefault(metric.name, []).append(metric)
    return "".join(_family(name, rows) for name, rows in by_name.items())


def _family(name: str, rows: Sequence[Metric]) -> str:
    kind = "counter" if name.endswith("_total") else "gauge"
    note = rows[0].help.replace("\\", r"\\").replace("\n", r"\n")
    lines = [f"# HELP {name} {note}", f"# TYPE {name} {kind}", *(_sample(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _sample(metric: Metric) -> str:
    labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in metric.labels)
    return f"{metric.name}{{{labels}}} {_number(metric.value)}" if labels else f"{metric.name} {_number(metric.value)}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
