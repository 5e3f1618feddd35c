"""Series of the embedded store: measurement and tags as one small number, so that rows and queries hold no text."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from heating.measurement import READINGS, SCHEMAS, Measurement, RollUp
from heating.reading import Ints, KindCode, ReadingTable, Texts
from heating.store.identity import NEVER, Devices, grown

_KIND_NAMES = tuple(Measurement[kind.name].value for kind in KindCode)
Key = tuple[str, ...]


class Catalog:
    """All series, by number; numbers are given in order and never change.

    Numbers exist here before they are durable: `pending` are those that the next transaction must store with its rows.
    So a reader never meets a row whose number it does not know. One thread adds at a time.
    """

    def __init__(self) -> None:
        self.devices = Devices()
        self.newest_ms: Ints = np.full(64, NEVER, dtype=np.int64)
        self._codes: dict[Key, int] = {}
        self._keys: list[Key] = []
        self._device: Ints = np.full(64, -1, dtype=np.int64)
        self._durable = 0
        self._by_device: dict[int, list[int]] = {}
        self._columns: dict[int, Texts] = {}

    def __len__(self) -> int:
        """Return how many series there are."""
        return len(self._keys)

    def load(self, ids: Sequence[int], measurements: Sequence[str], tags: Sequence[str]) -> None:
        """Take over the stored series; a number that was stored twice (an unclear commit) counts once."""
        stored = dict(zip(ids, zip(measurements, tags, strict=True), strict=True))
        for number in sorted(stored):
            measurement, tags_json = stored[number]
            self._add((measurement, *msgspec.json.decode(tags_json, type=list[str])))
        self._durable = len(self._keys)

    def pending(self) -> dict[str, Texts | Ints]:
        """Return the columns of the series that are not durable yet."""
        keys = self._keys[self._durable :]
        return {
            "id": np.arange(self._durable, self._durable + len(keys), dtype=np.int32),
            "measurement": objects([key[0] for key in keys]),
            "tags": objects([msgspec.json.encode(key[1:]).decode() for key in keys]),
        }

    def settle(self, count: int) -> None:
        """Take note that the first `count` series are durable."""
        self._durable = count

    def encode(self, batch: ReadingTable) -> Ints:
        """Return the series number of each reading, int64 (N,)."""
        names = [_KIND_NAMES[kind] for kind in batch.kind.tolist()]
        return self._numbers(list(zip(names, batch.point.tolist(), batch.device.tolist(), strict=True)))

    def encode_rollup(self, rows: RollUp) -> Ints:
        """Return the series number of each derived row, int64 (N,)."""
        columns = [rows.tags[name].tolist() for name in SCHEMAS[rows.measurement].tags]
        return self._numbers([(rows.measurement.value, *tags) for tags in zip(*columns, strict=True)])

    def device_of(self, series: Ints) -> Ints:
        """Return the device numbers of reading series, int64."""
        return self._device[series]

    def of_device(self, device: int) -> list[int]:
        """Return the series of a device: one for each point and kind where it was."""
        return self._by_device.get(device, [])

    def advance(self, series: Ints, ts_ms: Ints) -> None:
        """Take note of stored readings."""
        np.maximum.at(self.newest_ms, series, ts_ms)
        self.devices.advance(self._device[series], ts_ms)

    def forget_instants(self) -> None:
        """Forget what was newest."""
        self.newest_ms[:] = NEVER
        self.devices.forget()

    def matching(self, measurements: Sequence[str], tag: int = 0, values: Sequence[str] | None = None) -> Ints:
        """Return the numbers of the series of some measurements whose tag (by position) is one of `values`."""
        texts = self._texts(0)
        chosen = np.isin(texts.astype(str), [str(name) for name in measurements])
        numbers = np.flatnonzero(chosen)
        if values is None:
            return numbers
        wanted = set(values)
        tags = self._texts(tag + 1)[numbers].tolist()
        return numbers[np.array([text in wanted for text in tags], dtype=np.bool_)]

    def tag(self, series: Ints, position: int) -> Texts:
        """Return one tag of series, as an object array."""
        return np.asarray(self._texts(position + 1)[series], dtype=object)

    def kind(self, series: Ints) -> Ints:
        """Return the `KindCode` of reading series, int64."""
        codes = {name: code for code, name in enumerate(_KIND_NAMES)}
        numbers, back = np.unique(series, return_inverse=True)
        kinds = [codes[name] for name in self._texts(0)[numbers].tolist()]
        return np.array(kinds, dtype=np.int64)[back.reshape(-1)]

    def _texts(self, position: int) -> Texts:
        """Return one part of every key as an object array, kept until there are more series."""
        kept = self._columns.get(position)
        if kept is None or len(kept) != len(self._keys):
            keys = self._keys[:]
            kept = objects([key[position] if len(key) > position else "" for key in keys])
            self._columns[position] = kept
        return kept

    def _numbers(self, keys: list[Key]) -> Ints:
        get = self._codes.get
        return np.array(
            [number if (number := get(key)) is not None else self._add(key) for key in keys], dtype=np.int64
        )

    def _add(self, key: Key) -> int:
        number = len(self._keys)
        if number >= len(self._device):
            self._device = grown(self._device, -1)
            self.newest_ms = grown(self.newest_ms, NEVER)
        if key[0] in READINGS:
            device = self.devices.code(key[2])
            self._device[number] = device
            self._by_device.setdefault(device, []).append(number)
        self._codes[key] = number
        self._keys.append(key)
        return number


def objects(values: Sequence[str]) -> Texts:
    """Return an object array of texts."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
