"""The pages in a real browser: cells are there, nothing is reported on its console, scripts refresh."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from html import escape
from pathlib import Path

import msgspec
import pytest
from consolekit import NOW, ZONE, Site, open_site
from integration.console.test_stage import running, wait_for
from parts import need

from dashboards.reports import CompletenessReport, write_completeness_report
from dashboards.settings import ConsoleSettings
from dashboards.snapshot import Snapshot
from heating.errors import StoreUnavailable
from heating.loss import LOSS, Loss
from heating.words import Language

pytestmark = [pytest.mark.integration, pytest.mark.chromium]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


def browse(profile: Path, *arguments: str) -> tuple[str, list[str]]:
    """Return the page as the browser has it after its scripts, and what was said on the console."""
    command = [str(need("chromium")), *FLAGS, f"--user-data-dir={profile}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def test_overview_and_building_in_a_browser(site: Site, tmp_path: Path) -> None:
    with running(site, ConsoleSettings(port=0, refresh_s=1)) as stage:
        wait_for(stage.url)
        # Three seconds of page time: the script has fetched the page again at least once.
        page, said = browse(tmp_path / "a", "--virtual-time-budget=3000", "--dump-dom", stage.url)
        assert said == []
        assert page.count('<td class="wide nowrap"><span class="state s-confirmed">') == 20
        assert 'id="lost" class="banner alarm" role="alert" hidden' in page
        asked = stage.desk.answers[2]
        page, said = browse(tmp_path / "b", "--dump-dom", f"{stage.url}building?id=%E5%92%8C%E5%B9%B3%E7%AB%99/3")
        assert said == []
        assert page.count("data-home=") == 36
    assert asked >= 5, "page, style sheet, script, icon and a refresh"


def test_a_page_that_cannot_refresh_says_so(site: Site, tmp_path: Path) -> None:
    with running(site, ConsoleSettings(port=0, refresh_s=1)) as stage:
        wait_for(stage.url)
        first = [stage.desk.snapshot()]

        def once() -> Snapshot:
            if not first:
                raise StoreUnavailable("the store is away")
            return first.pop()

        stage.desk.snapshot = once  # type: ignore[method-assign]
        page, _ = browse(tmp_path / "a", "--virtual-time-budget=4000", "--dump-dom", stage.url)
    assert "连接中断" in page
    assert 'id="lost" class="banner alarm" role="alert" hidden' not in page


def test_papers_print_on_a4(site: Site, tmp_path: Path) -> None:
    pdfinfo = need("pdftotext").with_name("pdfinfo")
    with running(site, ConsoleSettings(port=0)) as stage:
        wait_for(stage.url)
        out = tmp_path / "rounds.pdf"
        browse(tmp_path / "a", "--no-pdf-header-footer", f"--print-to-pdf={out}", f"{stage.url}papers/rounds")
    info = subprocess.run([str(pdfinfo), str(out)], capture_output=True, text=True, check=True).stdout
    assert "A4" in info
    text = subprocess.run(
        [str(need("pdftotext")), "-layout", str(out), "-"], capture_output=True, text=True, check=True
    )
    assert text.stdout.count("手持读数") == text.stdout.count("\f"), "the head is repeated on every page"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_paper_fits_a_screen_and_a_telephone(site: Site, tmp_path: Path, width: int) -> None:
    day = NOW.astimezone(ZONE).date()
    account = CompletenessReport(first=day, last=day, zone=ZONE, now=NOW, language=Language.EN, site_name="x" * 20)
    loss = Loss(what="queue", since=NOW - timedelta(hours=2), until=NOW - timedelta(hours=1), messages=1_234_567)
    site.ledger.chain.append(LOSS, "collector", msgspec.to_builtins(loss), loss.until)
    write_completeness_report(account, site.store, site.ledger, tmp_path / "paper.html")
    paper = escape((tmp_path / "paper.html").read_text("utf-8"))
    # Browsers have a smallest window: the frame is as wide as the screen is meant to be.
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<!doctype html><meta charset="utf-8"><iframe width="{width}" height="900" style="border:0" srcdoc="{paper}"'
        " onload=\"const d = this.contentDocument, c = [...d.querySelectorAll('td')].filter(e => e.offsetWidth);"
        " const end = e => e.getBoundingClientRect().right, beyond = c.map(e => end(e) - end(e.closest('section')));"
        " document.title = Math.round(Math.max(...beyond)) + ' ' + d.documentElement.scrollWidth + ' '"
        ' + Math.min(...c.map(e => e.clientWidth - e.scrollWidth)); "></iframe>',
        "utf-8",
    )
    page, _ = browse(tmp_path / "a", "--dump-dom", frame.as_uri())
    found = re.search(r"<title>(-?\d+) (\d+) (-?\d+)</title>", page)
    assert found
    beyond, whole, spare = map(int, found.groups())
    assert beyond <= 0  # no column hides behind a scroll bar
    assert whole <= width
    assert spare >= 0  # nothing is cut off inside of a cell
