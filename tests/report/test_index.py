import base64
import hashlib
import re

import html5lib
import pytest

from abtest.report import IndexEntry, index_page, write_index
from abtest.report.styles import index_script

HOSTILE = "<script>alert(1)</script> \"'& {{ 7*7 }} $x$ \n پرسش 🎉"

ENTRIES = [
    IndexEntry(
        "old", "Old one", "ship", "Ship it.", "fresh", "growth", ["a"],
        "2025-01-01", "2025-02-01", "2025-02-08T00:00:00+00:00", True, "old/report.html",
    ),
    IndexEntry("new", "New one", "inconclusive", as_of="2026-02-08", owner="core", tags=["a", "b"]),
    IndexEntry("newer", "Newer one", "invalid", as_of="2026-03-08", run="stale"),
    IndexEntry("bad", "Broken", run="failed", problem="experiment.toml:3: no\n  to do: this"),
]  # fmt: skip


def parsed(text):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def row_names(text):
    return re.findall(r'<small class="name"><bdi>([^<]*)', text)


@pytest.mark.parametrize("entries", [[], ENTRIES[:1], ENTRIES])
def test_the_index_is_strict_html5_and_refers_to_nothing_outside(entries):
    text = index_page(entries)
    parsed(text)
    assert not re.search(r"https?://|<link|@import|url\(|\ssrc=", text)


def test_failed_runs_come_first_then_running_ones_latest_first_then_concluded():
    assert row_names(index_page(ENTRIES)) == ["bad", "newer", "new", "old"]


def test_verdicts_are_counted_in_one_order_whatever_the_rows():
    assert "4 experiments: 1 ship, 1 inconclusive, 1 invalid, 1 no verdict<" in index_page(ENTRIES)


def test_every_experiment_is_readable_without_script():
    page = parsed(index_page(ENTRIES))
    body = " ".join("".join(page.find(".//tbody").itertext()).split())
    for part in ("✓ Ship", "Ship it.", "growth", "1 Jan 2025", "8 Feb 2025", "! Out of date",
                 "✕ Run failed", "experiment.toml:3: no"):  # fmt: skip
        assert part in body
    assert page.find(".//form").get("hidden") is not None
    assert page.find(".//tbody//a").get("href") == "old/report.html"


def test_the_policy_names_the_one_script_of_the_page():
    text = index_page(ENTRIES)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in text
    assert text.count("<script") == 1
    assert len(index_script()) <= 5_000


def test_hostile_text_appears_as_text():
    entry = IndexEntry(HOSTILE, HOSTILE, "ship", HOSTILE, owner=HOSTILE, tags=[HOSTILE],
                       problem=HOSTILE, report=f'{HOSTILE}/report.html')  # fmt: skip
    page = parsed(index_page([entry]))
    flat = " ".join(HOSTILE.split())
    assert len(page.findall(".//script")) == 1
    shown = " ".join("".join(page.find(".//tbody").itertext()).split())
    assert shown.count(flat) == 6
    href = page.find(".//tbody//a").get("href")
    assert re.fullmatch(r"[\w%./~-]+", href)


def test_a_report_path_cannot_become_a_script_link():
    page = parsed(index_page([IndexEntry("a", "A", report="javascript:alert(1)")]))
    assert page.find(".//tbody//a").get("href").startswith("javascript%3A")


def test_the_file_is_whole_and_the_same_every_time(tmp_path):
    path = write_index(tmp_path / "reports", ENTRIES)
    assert path == tmp_path / "reports" / "index.html"
    first = path.read_bytes()
    assert write_index(tmp_path / "reports", reversed(ENTRIES)).read_bytes() == first
    assert [child.name for child in path.parent.iterdir()] == ["index.html"]


def test_filters_offer_what_there_is_once():
    page = parsed(index_page(ENTRIES))
    options = {
        select.get("name"): [option.get("value") for option in select]
        for select in page.findall(".//select")
    }
    assert options["tag"] == ["", "a", "b"]
    assert options["owner"] == ["", "core", "growth"]
    assert set(options["verdict"]) == {"", "ship", "inconclusive", "invalid", "none"}
