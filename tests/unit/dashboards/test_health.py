from __future__ import annotations

from datetime import UTC, datetime

from dashboards.console.health import health_report, render_metrics
from heating.stage import Health, Metric

NOW = datetime(2026, 12, 15, tzinfo=UTC)


def test_one_stage_that_is_behind_fails_the_whole() -> None:
    good, behind = Health(alive=True, fresh=True, text=""), Health(alive=True, fresh=False, text="silent for 9 min")
    assert health_report({"a": good}, NOW).status == "ok"
    assert health_report({"a": good, "b": behind}, NOW).status == "failing"


def test_metrics_of_one_name_stand_together_and_are_escaped() -> None:
    text = render_metrics(
        [
            Metric("heatwatch_a_total", 3.0, "A.", (("reason", 'x"y\\z\n'),)),
            Metric("heatwatch_b", float("nan"), "B\nb."),
            Metric("heatwatch_a_total", 1e20, "A.", (("reason", "z"),)),
        ]
    )
    assert text.splitlines() == [
        "# HELP heatwatch_a_total A.",
        "# TYPE heatwatch_a_total counter",
        r'heatwatch_a_total{reason="x\"y\\z\n"} 3',
        'heatwatch_a_total{reason="z"} 1e+20',
        r"# HELP heatwatch_b B\nb.",
        "# TYPE heatwatch_b gauge",
        "heatwatch_b NaN",
    ]
