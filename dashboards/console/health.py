"""`/healthz` for monitors and `/metrics` for Prometheus (contract §9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from heating.stage import Health, Metric


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `/healthz`; `status` is `ok` or `failing`."""

    status: str
    at: datetime
    stages: dict[str, Health]


def health_report(stages: Mapping[str, Health], at: datetime) -> HealthReport:
    """Return the health of all stages together: every one must be alive and fresh."""
    fine = all(health.ok for health in stages.values())
    return HealthReport(status="ok" if fine else "failing", at=at, stages=dict(stages))


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
