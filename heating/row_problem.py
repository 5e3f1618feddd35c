"""What is wrong in one row of a file that a person keeps: where, what stands there, and what would be right."""

from __future__ import annotations

import msgspec

from heating.words import Language


class RowProblem(msgspec.Struct, frozen=True):
    """One bad cell; `line` counts from 1 with the header, `column` is the column's English name."""

    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        """Say it in one line of English."""
        return self.text(Language.EN)

    def text(self, language: Language, header: str | None = None) -> str:
        """Say it in one line; `header` stands in for the column's name."""
        column = header or self.column
        if language is Language.ZH:
            return f"第 {self.line} 行，{column}：" + (f"“{self.value}” " if self.value else "") + self.reason
        return f"line {self.line}, {column}: " + (f"{self.value!r} " if self.value else "") + self.reason
