"""Writes dashboards and provisioning files: the same input, the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dashboards.grafana.board import Dashboard, Site
from dashboards.grafana.building import building
from dashboards.grafana.control_room import control_room
from dashboards.grafana.data_quality import data_quality
from dashboards.grafana.home import home
from dashboards.grafana.provisioning import Source, alerting, datasource, folders
from dashboards.grafana.service import service
from dashboards.grafana.station import station_and_branch
from dashboards.grafana.yaml_text import to_yaml

_MADE = "Written by `heatwatch dashboards build`; changes here are lost with the next one."


def dashboards_of(site: Site) -> tuple[Dashboard, ...]:
    """Return all dashboards, from the city down."""
    return (
        control_room(site),
        station_and_branch(site),
        building(site),
        home(site),
        data_quality(site),
        service(site),
    )


def build(out: Path, site: Site, source: Source, dashboards_path: str) -> list[Path]:
    """Write everything under `out`; return the files. `dashboards_path` is where Grafana will find the dashboards."""
    written = []
    for name, text in files(site, source, dashboards_path):
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def files(site: Site, source: Source, dashboards_path: str) -> Iterator[tuple[str, str]]:
    """Yield the files by their path under the folder."""
    for dashboard in dashboards_of(site):
        yield f"dashboards/{dashboard.uid}.json", as_json(dashboard.to_json(site))
    yield "provisioning/datasources/heatwatch.yaml", to_yaml(datasource(source), _MADE)
    yield "provisioning/dashboards/heatwatch.yaml", to_yaml(folders(site, dashboards_path), _MADE)
    yield "provisioning/alerting/heatwatch.yaml", to_yaml(alerting(site), _MADE)
    # None; but at each start Grafana logs an error where the folder of plug-ins is missing.
    yield "provisioning/plugins/heatwatch.yaml", to_yaml({"apiVersion": 1, "apps": []}, _MADE)


def as_json(body: dict[str, Any]) -> str:
    """Return JSON as it stands in a file."""
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"
