"""What derived rows can be relied on, as gaps come and are filled."""

from __future__ import annotations

from heating.rolled_up import HOUR_MS, DayBasis, Gap, RolledUp

BASIS = DayBasis("Asia/Shanghai", 5_400_000, "06:00:00", "21:00:00")
WHOLE = RolledUp(BASIS, 0, 100 * HOUR_MS)


def hours(start: float, end: float, *points: str) -> Gap:
    return Gap(int(start * HOUR_MS), int(end * HOUR_MS), points)


def doubtful(rolled_up: RolledUp, start: int, end: int) -> frozenset[str] | None:
    return rolled_up.doubtful(start * HOUR_MS, end * HOUR_MS)


def test_nothing_is_vouched_outside() -> None:
    assert doubtful(WHOLE, 0, 100) == frozenset()
    assert doubtful(WHOLE, 90, 101) is None
    assert doubtful(WHOLE.through(101 * HOUR_MS), 90, 101) == frozenset()
    assert doubtful(WHOLE, -1, 5) is None
    assert doubtful(WHOLE.since(-5 * HOUR_MS), -1, 5) is None
    assert doubtful(WHOLE.since(-5 * HOUR_MS), 0, 5) == frozenset()


def test_gaps_are_cut_to_full_hours_inside_and_joined() -> None:
    gappy = WHOLE.with_gaps([hours(9.5, 12.2, "A"), hours(99, 120), hours(-5, -1), hours(12, 14, "A")])
    assert set(gappy.gaps) == {hours(9, 14, "A"), hours(99, 100)}
    assert doubtful(gappy, 13, 15) == {"A"}
    assert doubtful(gappy, 14, 15) == frozenset()
    assert gappy.with_gaps([hours(8, 20)]).with_gaps([hours(9, 12, "B")]).gaps == (hours(99, 100), hours(8, 20))


def test_gaps_of_other_points_over_the_same_time_are_one() -> None:
    both = WHOLE.with_gaps([hours(0, 24, "A"), hours(0, 24, "B"), hours(24, 48, "B")])
    assert both.gaps == (hours(0, 24, "A", "B"), hours(24, 48, "B"))
    many = WHOLE.with_gaps([hours(0, 24, *map(str, range(1001)))])
    assert many.gaps == (hours(0, 24),)


def test_a_gap_is_filled_bit_by_bit() -> None:
    gappy = WHOLE.with_gaps([hours(0, 24, "A"), hours(30, 40)])
    part = gappy.filled(hours(0, 24, "A"), 10 * HOUR_MS)
    assert doubtful(part, 0, 10) == frozenset()
    assert doubtful(part, 0, 11) == {"A"}
    assert part.filled(hours(10, 24, "A"), 24 * HOUR_MS).gaps == (hours(30, 40),)
