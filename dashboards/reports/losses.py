"""What limits cost, as a sheet of the account: in which time, how many, because of which limit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from dashboards.loss_words import loss_entries, loss_limit, loss_what
from dashboards.losses import Lost
from dashboards.reports.paper import Column, Look, Row, Sheet
from dashboards.reports.words import text
from heating.words import Language

# Columns of the account before its counts: the day, the device, the point, the place.
_PLACE = 3


class LossSheet:
    """Words of losses in one language, with times of one zone."""

    def __init__(self, losses: Sequence[Lost], zone: tzinfo, language: Language) -> None:
        self._losses = losses
        self._zone = zone
        self._language = language

    def sheet(self, title: str, span: str, columns_of_account: int) -> Sheet:
        """Return the sheet; in a table that all sheets share a loss is one sentence in the column of the place."""
        name = self._say("losses")
        return Sheet(
            name=name,
            title=f"{title} · {name}",
            lines=(span, self.summary()),
            columns=self._columns(),
            rows=[self._row(lost) for lost in self._losses],
            shared_rows=self._sentences(columns_of_account),
            notes=tuple(self._say(f"losses_{note}") for note in ("basis", "count", "quarantine", "proof")),
            row_height=6.0,  # workbooks find the heights of rows with long texts only where one is given
            signatures=tuple(self._say(word) for word in ("prepared_by", "checked_by", "report_date")),
        )

    def summary(self, *, refer: bool = False) -> str:
        """Return in one sentence what was lost; `refer` adds where more of it is said."""
        told = self._at_broker() + self._of_quarantine()
        return f"{told}{self._say('losses_refer')}" if refer and self._losses else told

    def _at_broker(self) -> str:
        lost = [lost for lost in self._losses if lost.at_broker]
        if not lost:
            return self._say("losses_none")
        dropped = [one for one in lost if one.what == "queue"]
        return self._say("losses_sum").format(
            events=len(lost),
            drops=len(dropped),
            messages=sum(one.messages or 0 for one in dropped),
            sessions=len(lost) - len(dropped),
        )

    def _of_quarantine(self) -> str:
        packets = sum(lost.messages or 0 for lost in self._losses if not lost.at_broker)
        return self._say("losses_quarantine_sum").format(packets=packets) if packets else ""

    def _columns(self) -> tuple[Column, ...]:
        return (
            Column(self._say("lost_from"), 36),
            Column(self._say("lost_until"), 36),
            Column(self._say("lost_what"), 52),
            Column(self._say("lost_messages"), 20, Look.COUNT),
            Column(self._say("lost_limit"), 68),
            Column(self._say("lost_entries"), 20, Look.CENTRE),
            Column(self._say("lost_hash"), 46),
        )

    def _row(self, lost: Lost) -> Row:
        what, limit = loss_what(lost, self._language), loss_limit(lost, self._language)
        span = (self._from(lost), self._at(lost.until))
        return Row((*span, what, lost.messages, limit, loss_entries(lost), lost.hash))

    def _sentences(self, width: int) -> list[Row]:
        told = [(self._at(lost.until)[:10], self._place(lost), self._sentence(lost)) for lost in self._losses]
        rows = told or [("", self._say("lost_at"), self._say("losses_none"))]
        blank = (None,) * (width - _PLACE - 1)
        return [Row((day, where, "", sentence, *blank)) for day, where, sentence in rows]

    def _sentence(self, lost: Lost) -> str:
        return self._say(f"lost_{lost.what}_sentence").format(
            since=self._from(lost),
            until=self._at(lost.until),
            messages=lost.messages,
            limit=loss_limit(lost, self._language),
            entries=loss_entries(lost),
            hash=lost.hash,
        )

    def _place(self, lost: Lost) -> str:
        return self._say("lost_at" if lost.at_broker else "lost_in_quarantine")

    def _from(self, lost: Lost) -> str:
        return self._at(lost.since) if lost.since else self._say("lost_since_unknown")

    def _at(self, instant: datetime) -> str:
        return instant.astimezone(self._zone).isoformat(sep=" ", timespec="seconds")

    def _say(self, key: str) -> str:
        return text(key, self._language)
