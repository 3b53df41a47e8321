import re
from itertools import pairwise

import html5lib
import nbformat
import pytest

from abtest.report import render
from abtest.show import escape

OUTSIDE = re.compile(
    r"""\b(?:src|srcset|poster|action|data)="(?!data:)|<link\b|@import|url\(|https?://|"""
    r"""<(?:script|iframe|object|embed)\b""",
    re.IGNORECASE,
)
MATHS = re.compile("mathjax|require[.]js|mermaid|katex", re.IGNORECASE)


def parsed(text):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def text_of(element):
    return "".join(element.itertext())


def test_every_page_is_strict_html5(any_report):
    parsed(any_report)


def test_no_page_refers_to_anything_outside(any_report):
    style = any_report[any_report.index("<style>") : any_report.index("</style>")]
    tags = "".join(re.findall(r"<[^>]*>", any_report))
    assert not OUTSIDE.search(style + tags)
    assert not MATHS.search(style + tags)


def test_a_typical_page_is_small(any_report):
    assert len(any_report.encode("utf-8")) <= 200_000


def test_the_policy_comes_first_and_allows_no_script(any_report):
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', any_report)
    assert policy.start() < any_report.index("<style")
    assert "default-src &#39;none&#39;" in policy[1]
    assert "script-src" not in policy[1]


def test_there_is_one_title_and_no_level_of_heading_is_skipped(any_report):
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", any_report)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_landmarks_language_and_skip_link_are_there(any_report):
    page = parsed(any_report)
    assert page.get("lang") == "en"
    assert page.get("dir") == "ltr"
    assert len(page.findall(".//main")) == 1
    skip = page.find(".//body/a")
    assert skip.get("href") == "#" + page.find(".//main").get("id")


def test_every_image_says_what_it_shows(any_report):
    images = parsed(any_report).findall(".//img")
    assert images
    for image in images:
        assert re.search(r"\d.*%|points|not defined|same value", image.get("alt"))


def test_every_table_has_a_caption_and_headings_with_scope(any_report):
    for table in parsed(any_report).findall(".//table"):
        assert text_of(table.find("caption"))
        assert all(cell.get("scope") for cell in table.findall(".//th"))


def test_scrolling_regions_can_be_reached_and_are_named(any_report):
    for element in parsed(any_report).findall(".//*[@tabindex='0']"):
        assert element.get("role") == "region"
        assert element.get("aria-label")


def test_code_is_folded_and_closed(any_report):
    folded = [d for d in parsed(any_report).findall(".//details") if d.get("class") == "code"]
    assert folded
    assert all(details.get("open") is None for details in folded)
    assert "analysis.show.effects()" in any_report


def test_the_verdict_stands_before_all_else_and_once(report):
    text = report("ship")
    assert text.count('class="abtest abtest-verdict') == 1
    main = text[text.index("<main") :]
    assert main.index("abtest-verdict") < main.index("<details")
    assert text.count('class="abtest abtest-provenance') == 1


def test_a_notebook_without_banner_gets_the_verdict_of_its_document(executed):
    _, document = executed("ship")
    cell = nbformat.v4.new_markdown_cell("Mine")
    text = render(nbformat.v4.new_notebook(cells=[cell]), document)
    assert text.index("abtest-verdict abtest-good") < text.index("Mine")
    assert "abtest-provenance" in text[text.index("<footer") :]


@pytest.mark.parametrize("where", ["title", "recommended_variant"])
def test_hostile_text_appears_as_text(report, executed, where):
    _, document = executed("hostile")
    page = parsed(report("hostile"))
    expected = escape.plain(document[where])
    assert " ".join(expected.split()) in " ".join(text_of(page.find(".//body")).split())
    assert not page.findall(".//script")
    assert "{{ 7*7 }}" in report("hostile")
    assert "49" not in text_of(page.find(".//h1"))


def test_two_renderings_are_the_same_bytes(executed, report):
    assert render(*executed("do_not_ship")) == report("do_not_ship")


def test_parts_that_say_nothing_leave_nothing(report):
    assert "No segments were asked for" not in report("keep_running")


def test_parameters_and_places_on_the_machine_are_not_shown(executed):
    notebook, document = executed("ship")
    injected = nbformat.v4.new_code_cell('run = "/home/me/run.json"')
    injected.metadata["tags"] = ["injected-parameters"]
    notebook.cells.insert(1, injected)
    text = render(notebook, document)
    assert "/home/me" not in text
    assert 'experiment = "onboarding_steps"' not in text


def test_a_run_without_verdict_says_so(executed):
    notebook, _ = executed("ship")
    del notebook.cells[3:]
    text = render(notebook, None, title="Half <done>")
    parsed(text)
    assert "<h2>No verdict</h2>" in text
    assert "Half &lt;done&gt;" in text


def test_a_failed_run_gives_its_own_message(executed):
    notebook, document = executed("ship")
    notebook.metadata["abtest"] = {"status": "timeout", "message": "cell 3 took <too> long"}
    text = render(notebook, document)
    assert "Incomplete run." in text
    assert "cell 3 took &lt;too&gt; long" in text


def test_a_cell_that_was_not_reached_is_noticed(executed, report):
    notebook, document = executed("ship")
    notebook.cells[-1].execution_count = None
    assert "not executed to its end" in render(notebook, document)
    assert "Incomplete run." not in report("ship")


def test_a_page_can_be_in_another_language_and_direction(executed):
    page = parsed(render(*executed("ship"), lang="fa", direction="rtl"))
    assert (page.get("lang"), page.get("dir")) == ("fa", "rtl")


def test_a_notebook_may_be_given_as_a_path(executed, report, tmp_path):
    notebook, document = executed("invalid")
    path = tmp_path / "report.ipynb"
    nbformat.write(notebook, path)
    assert render(path, document) == report("invalid")
