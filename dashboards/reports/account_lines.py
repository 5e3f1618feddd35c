"""The account of readings in sentences: what stands above its tables, and what is quoted from it."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.reasons import REASON_WORDS
from dashboards.reports.expected import Basis
from dashboards.reports.statement import Statement
from dashboards.reports.words import text
from heating.words import Language, say


def account_lines(numbers: Statement, losses: str, language: Language) -> tuple[str, ...]:
    """Return the sentences; `losses` is the one on what limits of the broker cost."""
    lines = (
        _sum(numbers, language),
        _rate(numbers, language),
        _unknown(numbers, language),
        losses,
        text("completeness_since", language).format(**numbers.since_beginning),
        _reasons(numbers.reasons, language),
        _no_longer_kept(numbers, language),
        text("completeness_made", language).format(
            at=numbers.made_at.isoformat(sep=" ", timespec="seconds"),
            entry=numbers.ledger_head.seq,
            hash=numbers.ledger_head.hash,
        ),
    )
    return tuple(line for line in lines if line)


def percent(share: float | None) -> float | None:
    """Return a share in percent with one digit, cut off so that 99.96 % is never shown as 100."""
    return None if share is None else int(share * 1000 + 1e-9) / 10


def _sum(numbers: Statement, language: Language) -> str:
    total = numbers.total
    return text("completeness_sum", language).format(
        **{name: getattr(total, name) for name in ("received", "stored", "repeated", "ignored", "quarantined")},
        late=total.late,
        unnamed=numbers.unnamed.received,
        verdict=text("adds_up" if numbers.adds_up else "adds_up_not", language),
    )


def _rate(numbers: Statement, language: Language) -> str:
    total, rate = numbers.total, percent(numbers.total.completeness)
    return text("completeness_rate_line", language).format(
        expected=total.expected,
        present=total.present,
        missing=total.missing,
        rate="–" if rate is None else f"{rate:.1f} %",
    )


def _unknown(numbers: Statement, language: Language) -> str:
    count = sum(line.interval_basis is Basis.UNKNOWN for line in numbers.devices)
    return text("completeness_unknown", language).format(count=count) if count else ""


def _reasons(reasons: Mapping[str, int], language: Language) -> str:
    told = []
    for name, count in reasons.items():
        fate, _, reason = name.partition(".")
        told.append(f"{text(fate, language)} · {say(reason, language, REASON_WORDS)} {count:,}")
    return text("completeness_reasons", language).format(reasons=text("list_and", language).join(told)) if told else ""


def _no_longer_kept(numbers: Statement, language: Language) -> str:
    """Say what the operator's limits on keeping took away of what this account is made of."""
    lines = []
    if numbers.kept_from is not None and numbers.kept_from.date() >= numbers.first:
        lines.append(text("completeness_kept_from", language).format(day=numbers.kept_from.date()))
    if numbers.verbatim_dropped:
        lines.append(text("completeness_verbatim", language).format(count=numbers.verbatim_dropped))
    return " ".join(lines)
