"""How values look: a colour that the colour-blind tell apart, and always a word or a sign beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboards.grafana.words import Say
from heating.device_clock import ClockState
from heating.reading import Quality

# Okabe and Ito's palette: told apart with every kind of colour vision.
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, RED, PINK, GREY, PALE = "#0072B2", "#D55E00", "#CC79A7", "#8C8C8C", "#6E7680"
PLAIN = "text"

STATES = {
    "confirmed": ("▼", RED),
    "cold": ("▽", ORANGE),
    "below_target": ("↓", YELLOW),
    "ok": ("○", GREEN),
    "suspect": ("!", PINK),
    "unknown": ("?", GREY),
    "exempt": ("—", PALE),
}
_SEVERITIES = {"critical": ("▲▲", RED), "major": ("▲", ORANGE), "minor": ("△", YELLOW)}
_ORDERS = {
    "open": ("●", RED),
    "issued": ("◔", ORANGE),
    "contacted": ("◑", YELLOW),
    "on_site": ("◕", SKY),
    "resolved": ("✓", GREEN),
    "followed_up": ("✓✓", GREEN),
    "closed": ("■", PALE),
    "paused": ("‖", PINK),
    "cancelled": ("×", GREY),
}
_CLOCKS = {
    ClockState.LOCAL_AS_UTC.value: ("⇄", RED),
    ClockState.UTC_AS_LOCAL.value: ("⇄", RED),
    ClockState.AHEAD.value: ("»", ORANGE),
    ClockState.BEHIND.value: ("«", ORANGE),
    ClockState.GOOD.value: ("○", GREEN),
    ClockState.UNKNOWN.value: ("?", GREY),
}
_MARKS = {
    Quality.LOW_BATTERY: "low_battery",
    Quality.MOVED: "moved",
    Quality.SENSOR_FAULT: "sensor_fault",
    Quality.SERVER_TIME: "server_time",
    Quality.REPLAYED: "replayed",
}


# A bare number or letter, which needs a word beside it.
_SHORT = "([A-Za-z0-9]{1,5})"


def words(say: Say, keys: Iterable[str], prefix: str = "") -> list[dict[str, Any]]:
    """Map keys to their words; `prefix` is where those stand that have words of their own."""
    return [_values({key: {"text": say(prefix + key), "index": i} for i, key in enumerate(keys)})]


def signed(say: Say, table: dict[str, tuple[str, str]], prefix: str = "") -> list[dict[str, Any]]:
    """Map keys to sign, word and colour."""
    return [
        _values(
            {
                key: {"text": f"{sign} {say(prefix + key)}", "color": colour, "index": i}
                for i, (key, (sign, colour)) in enumerate(table.items())
            }
        )
    ]


def states(say: Say) -> list[dict[str, Any]]:
    """Map the statuses of homes."""
    return signed(say, STATES)


def severities(say: Say) -> list[dict[str, Any]]:
    """Map severities."""
    return signed(say, _SEVERITIES)


def order_states(say: Say) -> list[dict[str, Any]]:
    """Map states of orders."""
    return signed(say, _ORDERS)


def clock_states(say: Say) -> list[dict[str, Any]]:
    """Map states of devices' clocks."""
    return signed(say, _CLOCKS, "clock_")


def places(say: Say) -> list[dict[str, Any]]:
    """Map `home S1/3/1/501`, kind and id of a place, to its words; an id that has its words in it stays as it is."""
    patterns = {
        "home": rf"/^home ([^\/]+)\/{_SHORT}\/{_SHORT}\/{_SHORT}$/",
        "building": rf"/^building ([^\/]+)\/{_SHORT}$/",
        "riser": rf"/^riser ([^\/]+)\/{_SHORT}\/{_SHORT}$/",
        "branch": r"/^branch ([^\/]+)\/([^\/]+)$/",
        "station": r"/^station (.+)$/",
    }
    named = [(pattern, say(f"place_{kind}")) for kind, pattern in patterns.items()]
    return [
        {"type": "regex", "options": {"pattern": pattern, "result": {"text": text, "index": i}}}
        for i, (pattern, text) in enumerate([*named, (r"/^[a-z]+ (.+?)\/?$/", "$1")])
    ]


def cells() -> list[dict[str, Any]]:
    """Map the cells of a building's grid, `cold 16.8`, to sign, number and colour."""
    return [
        _regex(f"/^{key}(?: (.*))?$/", f"{sign} $1", colour, i)
        for i, (key, (sign, colour)) in enumerate(STATES.items())
    ]


def home_states(say: Say) -> list[dict[str, Any]]:
    """Map the cells of homes, `cold 16.8`, to sign, word and colour of the state alone."""
    return [
        _regex(f"/^{key}(?: .*)?$/", f"{sign} {say(key if key != 'confirmed' else 'cold_confirmed')}", colour, i)
        for i, (key, (sign, colour)) in enumerate(STATES.items())
    ]


def yes_no(say: Say, yes: str, no: str, colour: str) -> list[dict[str, Any]]:
    """Map 1 and 0."""
    return [
        _values(
            {
                "1": {"text": f"● {say(yes)}", "color": colour, "index": 0},
                "0": {"text": say(no) if no else "", "index": 1},
            }
        )
    ]


def marks(say: Say) -> list[dict[str, Any]]:
    """Map every sum of marks on a reading to words; 0 is a blank."""
    table = {}
    for bits in range(2 ** len(_MARKS)):
        names = [say(word) for flag, word in _MARKS.items() if bits & flag]
        table[str(bits)] = {"text": " · ".join(names), "index": bits, **({"color": ORANGE} if names else {})}
    return [_values(table)]


def steps(*limits: tuple[float | None, str]) -> dict[str, Any]:
    """Return thresholds: from each value on (None: from the bottom) a colour."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in limits]}


def _regex(pattern: str, text: str, colour: str, index: int) -> dict[str, Any]:
    return {
        "type": "regex",
        "options": {"pattern": pattern, "result": {"text": text, "color": colour, "index": index}},
    }


def _values(options: dict[str, Any]) -> dict[str, Any]:
    return {"type": "value", "options": options}
