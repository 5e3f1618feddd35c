"""Papers for people: the measurement-point report and the list of a round."""

from dashboards.reports.points import PointsReport, points_paper, write_points_report
from dashboards.reports.rounds import RoundsReport, rounds_paper, write_rounds_report
from dashboards.reports.writers import FORMATS, paper_bytes

__all__ = [
    "FORMATS",
    "PointsReport",
    "RoundsReport",
    "paper_bytes",
    "points_paper",
    "rounds_paper",
    "write_points_report",
    "write_rounds_report",
]
