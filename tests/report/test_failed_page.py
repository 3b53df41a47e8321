"""The page of a run that made no verdict."""

import html5lib
import nbformat
import pytest

from abtest.report import FailedRun, render_failed

RUN = FailedRun(
    "cats", "Cats & <dogs>", "failed", "cell 3 raised <it>", "a.ipynb\nline two", "mend <b>it</b>"
)


def parsed(text):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)


def text_of(element):
    return " ".join("".join(element.itertext()).split())


@pytest.fixture
def partial(executed):
    """A notebook whose third code cell failed: without an error of its own, as when killed."""
    notebook, _ = executed("ship")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[2].metadata["abtest"] = {"status": "failed"}
    code[2].outputs = []
    code[2].source = "hangs()"
    for cell in code[3:]:
        cell.outputs, cell.execution_count = [], None
    return notebook


def test_the_page_says_that_the_run_failed_why_and_what_to_do(partial):
    page = parsed(render_failed(RUN, partial))
    main = page.find(".//main")
    assert text_of(main.find("section/h2")) == "This run failed"
    assert text_of(main).startswith("✕ This run failed cell 3 raised <it> What was given a.ipynb")
    assert "What to do mend <b>it</b>" in text_of(main)
    assert "It is not a result." in text_of(main)
    assert text_of(page.find(".//h1")) == "Cats & <dogs>"


@pytest.mark.parametrize(
    ("status", "words"),
    [("timeout", "This run ran out of time"), ("interrupted", "This run was interrupted")],
)
def test_the_page_says_how_the_run_ended(partial, status, words):
    run = FailedRun("cats", "Cats", status, "what")
    assert f"<title>✕ {words}: Cats</title>" in render_failed(run, partial)


def test_the_cell_that_failed_is_marked_open_and_one_step_away(partial):
    page = parsed(render_failed(RUN, partial))
    place = page.find(".//*[@id='failed']")
    assert text_of(place) == "✕ This part did not finish."
    assert page.find(".//a[@href='#failed']") is not None
    opened = [one for one in page.findall(".//details") if one.get("open") is not None]
    assert [text_of(one) for one in opened] == ["Codehangs()"]


def test_a_verdict_in_the_partial_notebook_stands_below_the_failure_and_is_not_the_pages(partial):
    page = parsed(render_failed(RUN, partial))
    partly = page.find(".//section[@class='partial']")
    assert text_of(partly.find(".//h2")) == "Ship"
    assert "Ship" not in text_of(page.find(".//title"))
    assert "verdict.json" not in text_of(page)


def test_without_a_notebook_the_page_still_says_why():
    text = render_failed(RUN, None)
    page = parsed(text)
    assert "The notebook was not started." in text_of(page)
    assert "report.ipynb" not in text
    assert page.find(".//header//a").get("href") == "../../index.html"


def test_a_notebook_as_it_stands_in_a_file_may_be_given(partial):
    lines = nbformat.from_dict(partial)
    for cell in lines.cells:
        cell.source = cell.source.splitlines(keepends=True)
    assert render_failed(RUN, lines) == render_failed(RUN, partial)
