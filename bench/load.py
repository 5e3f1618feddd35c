"""What the collector bench publishes: native packets of an estate, in the order in which they happen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from thin_mqtt import Message

STEP_MS = 20 * 60_000


@dataclass(frozen=True, slots=True)
class Load:
    """`messages` packets of `per_message` readings each from `devices` devices, the last ones of a minute ago."""

    messages: int
    per_message: int
    devices: int

    @property
    def readings(self) -> int:
        """All readings."""
        return self.messages * self.per_message

    def packets(self, seed: int) -> Iterator[Message]:
        """Make the packets; another seed gives other values at the same instants."""
        rng = np.random.default_rng(seed)
        values = rng.normal(20, 2, self.readings).round(2).tolist()
        humidity = rng.normal(38, 5, self.readings).round(1).tolist()
        rounds = -(-self.messages // self.devices)
        start_ms = int(time.time() * 1000) - 60_000 - rounds * self.per_message * STEP_MS
        for number in range(self.messages):
            turn, device = divmod(number, self.devices)
            readings = []
            for part in range(self.per_message):
                seq, at = turn * self.per_message + part, number * self.per_message + part
                ts = start_ms + seq * STEP_MS + device * 13
                readings.append({"ts": ts, "temperature_c": values[at], "humidity_pct": humidity[at], "seq": seq})
            body = readings[0] if self.per_message == 1 else {"readings": readings}
            payload = msgspec.json.encode({**body, "battery_v": 2.98, "rssi_dbm": -71, "fw": "1.4"})
            yield Message(f"heatwatch/v1/D{device:05d}/readings", payload)

    def write_points(self, file: Path) -> None:
        """Write the register that knows the devices."""
        rows = [
            f"P{i:05d},D{i:05d},S{i // 2000 + 1},{i // 60 % 40 + 1},{i // 20 % 3 + 1},{i % 20 + 1},20,{i}"
            for i in range(self.devices)
        ]
        header = "point_id,device_id,station,building,unit,floor,floors_total,room"
        file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
