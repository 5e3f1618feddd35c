"""Papers for people: the measurement-point report, the list of a round, the account of readings."""

from dashboards.reports.completeness import CompletenessReport, completeness_statement, write_completeness_report
from dashboards.reports.points import PointsReport, points_paper, write_points_report
from dashboards.reports.rounds import RoundsReport, rounds_paper, write_rounds_report
from dashboards.reports.writers import FORMATS, paper_bytes

__all__ = [
    "FORMATS",
    "CompletenessReport",
    "PointsReport",
    "RoundsReport",
    "completeness_statement",
    "paper_bytes",
    "points_paper",
    "rounds_paper",
    "write_completeness_report",
    "write_points_report",
    "write_rounds_report",
]
