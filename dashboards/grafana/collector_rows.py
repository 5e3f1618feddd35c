"""Rows of the collector for Grafana: what limits cost, and how well devices keep time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from dashboards.device_states import DeviceRow, DeviceStates
from dashboards.grafana.place_cells import PlaceCells
from dashboards.grafana.rows import Row
from dashboards.loss_words import loss_brief
from dashboards.losses import Lost
from heating.device_clock import ClockState
from heating.finding import Subject
from heating.instants import to_ms
from heating.site import SubjectType
from heating.words import Language


def losses(found: Iterable[Lost]) -> Iterator[Row]:
    """Yield the rows of `loss`, at the instant at which a loss was noticed first: one that goes on is replaced."""
    for lost in found:
        yield Row(
            to_ms(lost.noticed),
            {
                "what": lost.what,
                "n": 1.0,
                "messages": None if lost.messages is None else float(lost.messages),
                "since_ms": None if lost.since is None else float(to_ms(lost.since)),
                "until_ms": float(to_ms(lost.until)),
                "first_entry": float(lost.first_entry),
                "last_entry": float(lost.last_entry),
                "limited_by": lost.limit,
                "label_zh": loss_brief(lost, Language.ZH),
                "label_en": loss_brief(lost, Language.EN),
            },
        )


def clock_counts(devices: DeviceStates, at: datetime) -> Iterator[Row]:
    """Yield the rows of `clock_count`, one a state: those in which no device is, too."""
    for state in ClockState:
        yield Row(to_ms(at), {"state": state.value, "devices": float(devices.states.get(state.value, 0))})


def device_clocks(devices: DeviceStates, places: PlaceCells, at: datetime) -> Iterator[Row]:
    """Yield the rows of `device_clock`: devices with a wrong clock or with gaps, the worst first."""
    for number, row in enumerate(devices.wrong, 1):
        yield _device_clock(row, number, places, at)


def _device_clock(row: DeviceRow, number: int, places: PlaceCells, at: datetime) -> Row:
    clock, point = row.clock, row.point
    where = {} if point is None else places.of(Subject(SubjectType.POINT, point.point_id))
    return Row(
        to_ms(at),
        {
            "device": clock.device_id,
            "nr": float(number),
            "skew_s": clock.skew_s,
            "drift_s_per_day": clock.drift_s_per_day,
            "missing": float(clock.missing),
            "packets": float(clock.packets),
            "heard_ms": float(to_ms(clock.at)),
            "state": clock.state.value,
            **where,
        },
    )
