"""Which decoder reads a topic: the first configured filter that fits."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from collector.payloads.families import decoder_for
from collector.payloads.message import Decoder
from collector.settings import TopicSettings
from heating.errors import ConfigError

# Topics whose decoder is remembered; devices that make topics up cannot fill the memory.
_REMEMBERED = 100_000


class Routes:
    """The table of filters and decoders."""

    def __init__(self, topics: Sequence[TopicSettings], site_zone: ZoneInfo) -> None:
        for topic in topics:
            check_filter(topic.filter)
        self._table = [(_levels(topic.filter), decoder_for(topic, site_zone)) for topic in topics]
        self._found: dict[str, Decoder | None] = {}

    def decoder(self, topic: str) -> Decoder | None:
        """Return the decoder for a topic, None where no filter fits."""
        try:
            return self._found[topic]
        except KeyError:
            levels = topic.split("/")
            found = next((decoder for pattern, decoder in self._table if _fits(pattern, levels)), None)
            if len(self._found) < _REMEMBERED:
                self._found[topic] = found
            return found


def check_filter(topic_filter: str) -> None:
    """Check a topic filter (MQTT 5 §4.7.1).

    Raises
    ------
    ConfigError
        If a wildcard does not stand alone in its level, or # is not last.
    """
    levels = topic_filter.split("/")
    bad_plus = any("+" in level and level != "+" for level in levels)
    bad_hash = any("#" in level and (level != "#" or i != len(levels) - 1) for i, level in enumerate(levels))
    if bad_plus or bad_hash or not topic_filter or "\0" in topic_filter:
        raise ConfigError(f"mqtt.topics.filter = {topic_filter!r}: + and # must fill a level, # the last one")


def _levels(topic_filter: str) -> list[str]:
    levels = topic_filter.split("/")
    # A shared subscription, `$share/group/filter`, delivers under the plain topic.
    return levels[2:] if levels[0] == "$share" and len(levels) > 2 else levels


def _fits(pattern: list[str], levels: list[str]) -> bool:
    if levels[0].startswith("$") and pattern[0] in ("+", "#"):
        return False
    for i, part in enumerate(pattern):
        if part == "#":
            return True
        if i >= len(levels) or part not in ("+", levels[i]):
            return False
    return len(pattern) == len(levels)
