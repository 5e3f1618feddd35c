"""What each kind of reading keeps (contract §5), alike in every adapter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from heating.measurement import SCHEMAS, Measurement
from heating.reading import VALUE_FIELDS, Bools, KindCode, ReadingTable

NO_VALUE = "no value"
_KEPT = {kind: set(SCHEMAS[Measurement[kind.name]].floats) for kind in KindCode}


def keep_fields(batch: ReadingTable) -> ReadingTable:
    """Return the readings without the values that the measurement of their kind has no field for."""
    masks = {kind: batch.kind == kind for kind in KindCode}
    changed = {}
    for name in VALUE_FIELDS:
        stray = _without(name, masks, len(batch)) & ~np.isnan(getattr(batch, name))
        if stray.any():
            changed[name] = np.where(stray, np.nan, getattr(batch, name))
    stray = _without("quality", masks, len(batch)) & (batch.quality != 0)
    if stray.any():
        changed["quality"] = np.where(stray, 0, batch.quality)
    return replace(batch, **changed) if changed else batch


def without_value(batch: ReadingTable) -> Bools:
    """Tell which readings carry nothing that their measurement could keep, bool (N,)."""
    empty = np.ones(len(batch), dtype=np.bool_)
    for name in VALUE_FIELDS:
        empty &= np.isnan(getattr(batch, name))
    # The field `quality` of a room's reading is always there.
    not_room: Bools = batch.kind != KindCode.ROOM
    return empty & not_room


def _without(name: str, masks: dict[KindCode, Bools], count: int) -> Bools:
    found = np.zeros(count, dtype=np.bool_)
    for kind, mask in masks.items():
        if name not in _KEPT[kind]:
            found |= mask
    return found
