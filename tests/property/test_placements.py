"""The history of devices against a model that knows, for each hour, which device sits at which point."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heating.instants import from_ms
from heating.ledger.history import moved
from heating.register import Register
from heating.site import MeasurementPoint, Placement

POINTS, DEVICES, HOURS = ("P1", "P2", "P3"), ("D1", "D2", "D3", "D4"), range(12)
# A file: for each point not there, without device, or with one; `since` blank or an hour.
File = list[MeasurementPoint]


@st.composite
def files(draw: st.DrawFn) -> File:
    devices = draw(st.permutations([*DEVICES, None, None, None]))
    since = st.none() | st.sampled_from(HOURS)
    present = draw(st.lists(st.sampled_from(POINTS), unique=True))
    return [_point(p, devices[i], draw(since)) for i, p in enumerate(present)]


def _point(point_id: str, device_id: str | None, since: int | None) -> MeasurementPoint:
    when = None if since is None else from_ms(since)
    return MeasurementPoint(point_id=point_id, device_id=device_id, station="S1", since=when)


class Model:
    """`sits[hour][point]` is the device; hour -1 stands for all time before."""

    def __init__(self) -> None:
        self.sits: dict[int, dict[str, str]] = {hour: {} for hour in (-1, *HOURS)}

    def take(self, file: File, at: int) -> None:
        last = dict(self.sits[HOURS[-1]])
        used = {p for hour in self.sits.values() for p in hour}
        placed = {d for hour in self.sits.values() for d in hour.values()}
        wanted = {p.point_id: p for p in file}
        for point in POINTS:
            row = wanted.get(point)
            if row is None or row.device_id is None:
                self._clear(at, lambda p, _, point=point: p == point)
            elif last.get(point) != row.device_id or row.since is not None:
                blank = at if point in used or row.device_id in placed else -1
                start = blank if row.since is None else round(row.since.timestamp() * 1000)
                if last.get(point) == row.device_id and start == self._since(point, row.device_id):
                    continue
                gone = (point, row.device_id)
                self._clear(start, lambda p, d, gone=gone: p == gone[0] or d == gone[1])
                for hour in self.sits:
                    if hour >= start:
                        self.sits[hour][point] = row.device_id

    def _clear(self, start: int, which: object) -> None:
        for hour, here in self.sits.items():
            if hour >= start:
                self.sits[hour] = {p: d for p, d in here.items() if not which(p, d)}  # type: ignore[operator]

    def _since(self, point: str, device: str) -> int:
        """The hour from which the device has sat there without a break."""
        for hour in reversed(self.sits):
            if self.sits[hour].get(point) != device:
                return hour + 1
        return -1


@given(st.lists(st.tuples(files(), st.integers(0, 3)), max_size=6))
def test_history_of_devices(imports: list[tuple[File, int]]) -> None:
    history: list[Placement] = []
    model, at = Model(), 0
    for file, later in imports:
        at = min(at + later, HOURS[-1])
        history = moved(history, file, at)
        model.take(file, at)
        register = Register([_point(p, None, None) for p in POINTS], history)
        for hour, here in model.sits.items():
            found = {d: p for p, d in here.items()}
            for device in DEVICES:
                point = register.point_at(device, hour)
                assert (point.point_id if point else None) == found.get(device), (hour, device)
        assert all(p.start_ms is None or p.end_ms is None or p.start_ms < p.end_ms for p in history)
        assert moved(history, file, at) == history
