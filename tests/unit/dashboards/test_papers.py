"""The papers, read back from the files that people get."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from consolekit import CONTACT, NOW, ZONE, Site
from litestar.testing import TestClient
from python_calamine import CalamineWorkbook

from dashboards.reports import PointsReport, RoundsReport, write_points_report, write_rounds_report
from dashboards.reports.paper import Column, Paper, Row, Sheet
from dashboards.reports.writers import paper_bytes
from heating.errors import InputError
from heating.regulation import load_profile
from heating.words import Language

DAY = date(2026, 12, 14)


def points_request(**more: object) -> PointsReport:
    base = {"first": DAY, "last": DAY, "profile": load_profile("enterprise"), "zone": ZONE, "site_name": "示范"}
    return PointsReport(**{**base, **more})  # type: ignore[arg-type]


def rounds_request(**more: object) -> RoundsReport:
    return RoundsReport(**{"at": NOW, "zone": ZONE, "site_name": "示范", **more})  # type: ignore[arg-type]


def test_the_points_report_as_a_workbook(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "points.xlsx"
    write_points_report(points_request(first=date(2026, 12, 13)), site.store, site.ledger, out)
    book = CalamineWorkbook.from_path(out)
    assert book.sheet_names == ["2026-12-13", "2026-12-14"]
    rows = book.get_sheet_by_name("2026-12-14").to_python()
    assert rows[0][0] == "示范 测温报表 2026-12-14"
    assert rows[2][5:12] == ["02:00", "06:00", "08:00", "12:00", "16:00", "20:00", "22:00"]
    table = {row[1]: row for row in rows[3:] if isinstance(row[0], float)}
    assert len(table) == 288
    cold = table["P3-1-101"]
    assert cold[5:12] == [15.9, 16.0, 16.2, 16.7, 16.9, 16.6, 16.3]
    assert cold[12:15] == [15.9, pytest.approx(16.4, abs=0.05), 16.9]
    assert cold[15] > 15
    assert cold[17] == "▼ 不合格"
    assert table["P1-1-101"][17] == "合格"
    assert table["P2-3-602"][17] == "免判"
    below = "\n".join(str(row[0]) for row in rows)
    assert "企业室温标准（S2 §7）" in below
    assert "双方签字方为有效" in below


def test_a_day_with_a_silent_sensor_is_incomplete(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "points.csv"
    write_points_report(points_request(first=date(2026, 12, 15), last=date(2026, 12, 15)), site.store, site.ledger, out)
    rows = {r[2]: r for r in csv.reader(io.StringIO(out.read_text("utf-8-sig")))}
    assert rows["P1-2-401"][18] == "数据不全"
    assert rows["P1-2-401"][10:13] == ["", "", ""]


def test_the_points_report_holds_no_personal_data(site: Site, tmp_path: Path) -> None:
    for kind in ("html", "csv", "xlsx"):
        out = tmp_path / f"points.{kind}"
        write_points_report(points_request(building="和平站/3"), site.store, site.ledger, out)
        content = out.read_bytes()
        if kind == "xlsx":
            with zipfile.ZipFile(out) as archive:
                content = b"".join(archive.read(name) for name in archive.namelist())
        assert CONTACT.phone.encode() not in content
        assert CONTACT.name.encode() not in content


def test_the_round_ranks_cold_then_doubtful_then_silent(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "rounds.xlsx"
    write_rounds_report(rounds_request(limit=100), site.store, site.ledger, out)
    rows = CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()
    table = [row for row in rows if isinstance(row[0], float)]
    assert len(table) == 41
    assert "3号楼\n1单元 101室" in table[0][1]
    assert CONTACT.phone in table[0][2]
    assert table[0][3].startswith("▼ 低温（已确认）\n−1.4 K 自 12-15 06:00")
    assert "低楼层、管网末端" in table[0][3]
    assert "数据存疑" in table[-2][3]
    assert table[-1][3].startswith("无数据 设备失联\n最近读数 12-15 01:23")
    assert all(row[7:13] == [""] * 6 for row in table)
    assert "1.2±0.1" in "".join(rows[3])


def test_a_round_can_be_limited_and_english(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "rounds.html"
    request = rounds_request(limit=3, station="长青站", language=Language.EN)
    write_rounds_report(request, site.store, site.ledger, out)
    html = out.read_text("utf-8")
    assert "4 homes to visit, 3 listed" in html
    assert html.count("▼ cold (confirmed)") == 3
    assert "both signatures (S2 §8(7))" in html


def test_the_workbook_prints_on_a4_landscape_with_its_head_on_every_page(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "rounds.xlsx"
    write_rounds_report(rounds_request(), site.store, site.ledger, out)
    with zipfile.ZipFile(out) as archive:
        page = archive.read("xl/worksheets/sheet1.xml").decode()
        book = archive.read("xl/workbook.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert 'paperSize="9"' in page
    assert 'orientation="landscape"' in page
    assert 'state="frozen"' in page
    assert "第 &amp;P 页，共 &amp;N 页" in page
    assert "_xlnm.Print_Titles" in book
    assert "微软雅黑" in styles


EVIL = ('=HYPERLINK("http://evil","x")', "+1+1", "-2", "@SUM(A1)", "\t=1", "http://evil.example")


def test_no_text_becomes_a_formula() -> None:
    sheet = Sheet(
        name="=evil/[x]", title="=1", lines=(), columns=(Column("=c", 10), Column("n", 10)),
        rows=tuple(Row((text, -1.5)) for text in EVIL),
    )  # fmt: skip
    paper = Paper(title="=t", language=Language.ZH, sheets=(sheet,))
    with zipfile.ZipFile(io.BytesIO(paper_bytes(paper, "xlsx"))) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml
    assert "hyperlink" not in xml
    rows = list(csv.reader(io.StringIO(paper_bytes(paper, "csv").decode("utf-8-sig"))))
    assert all(not cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row)
    assert {row[2] for row in rows[1:]} == {"-1.5"}
    assert rows[3][1] == "'-2"


def test_wrong_wishes_are_refused_in_words(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.xlsx, \.html, \.csv"):
        write_points_report(points_request(), site.store, site.ledger, tmp_path / "x.docx")
    with pytest.raises(InputError, match="1 to 366 days"):
        write_points_report(points_request(last=date(2026, 12, 1)), site.store, site.ledger, tmp_path / "x.csv")
    with pytest.raises(InputError, match="0 to 23"):
        write_points_report(points_request(hours=(24,)), site.store, site.ledger, tmp_path / "x.csv")
    with pytest.raises(InputError, match="cannot be written"):
        write_rounds_report(rounds_request(), site.store, site.ledger, tmp_path / "no" / "x.csv")


def test_papers_come_from_the_console_too(client: TestClient, client_of: Callable[..., TestClient]) -> None:
    for form, start in (("xlsx", b"PK"), ("html", b"<!doctype"), ("csv", b"\xef\xbb\xbf")):
        answer = client.get("/papers/points", params={"form": form, "day": "2026-12-14", "building": "和平站/3"})
        assert answer.status_code == 200
        assert answer.content.startswith(start)
    assert client.get("/papers/points", params={"day": "soon"}).status_code == 400
    assert client.get("/papers/points", params={"form": "docx"}).status_code == 400
    assert client.get("/papers/rounds").status_code == 200


def test_days_outside_the_season_are_not_judged(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "points.csv"
    season = ((date(2026, 12, 14), date(2027, 3, 15)),)
    request = points_request(first=date(2026, 12, 13), last=DAY, building="和平站/3", seasons=season)
    write_points_report(request, site.store, site.ledger, out)
    rows = [row for row in csv.reader(io.StringIO(out.read_text("utf-8-sig"))) if row[0].startswith("2026-12-1")]
    verdicts = {day: {row[-3] for row in rows if row[0] == day} for day in ("2026-12-13", "2026-12-14")}
    assert verdicts["2026-12-13"] == {"非供暖期"}
    assert "▼ 不合格" in verdicts["2026-12-14"]
    assert {row[-5] for row in rows if row[0] == "2026-12-13"} == {"0.0"}


def test_the_account_of_readings_comes_from_the_console_too(client: TestClient) -> None:
    page = client.get("/papers/completeness", params={"day": "2026-12-14"})
    assert page.status_code == 200
    assert "应有 20,880" in page.text  # 290 sensors, 72 a day
    assert client.get("/papers/completeness", params={"day": "2026-12-14", "form": "xlsx"}).content.startswith(b"PK")
