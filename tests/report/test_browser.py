"""The pages in a real browser: no complaint on its console, no request."""

import re
import subprocess
from pathlib import Path

import pytest

from abtest.report import IndexEntry, index_page


@pytest.fixture
def browse(needs, tmp_path):
    """Function from a page to its elements after loading, and what the browser logged."""
    browser = needs("chromium")

    def open_page(text: str, *options: str) -> tuple[str, str]:
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--enable-logging=stderr", "--v=0",
            f"--user-data-dir={tmp_path / 'profile'}", *options, "--dump-dom", path.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout, "\n".join(re.findall(r".*CONSOLE.*", done.stderr))

    return open_page


@pytest.mark.parametrize("case", ["ship", "hostile"])
def test_a_report_loads_without_a_word_on_the_console(browse, report, case):
    _, console = browse(report(case))
    assert console == ""


def test_the_search_of_the_index_starts_under_its_own_policy(browse):
    entries = [IndexEntry("a", "A", "ship"), IndexEntry("b", "B", "invalid", tags=["<t>"])]
    page, console = browse(index_page(entries))
    assert console == ""
    assert re.search(r'<form id="filters" role="search">', page)


def test_a_script_that_got_in_would_be_refused(browse, report):
    text = report("ship").replace("</main>", "<script>document.title = 'owned'</script></main>")
    page, console = browse(text)
    assert "<title>owned" not in page
    assert "Content Security Policy" in console


def test_a_page_prints(browse, report, tmp_path, needs):
    source = tmp_path / "report.html"
    source.write_text(report("do_not_ship"), encoding="utf-8")
    target = tmp_path / "report.pdf"
    subprocess.run(
        [needs("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer",
         f"--print-to-pdf={target}", Path(source).as_uri()],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert target.read_bytes().startswith(b"%PDF")
    assert (
        target.read_bytes().count(b"/Type /Page\n") + target.read_bytes().count(b"/Type/Page") <= 8
    )
