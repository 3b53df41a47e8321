"""Texts from files and data are text everywhere: pages, notebook, terminal."""

import os
import re
from pathlib import Path

import html5lib
import nbformat
import pandas as pd
import pytest

from abtest.cli.app import main
from abtest.show import escape

from .conftest import HEADER, Project, good_rows, units_spec

TEXT = (
    "<script>alert(1)</script> </title></style>-->]]> \"q\" 's' {{ 7*7 }} {% raw %} ${HOME} $x^2$ "
    "&amp; &lt; \x1b[31m \u202e نمونه\u200cها 😀 `c` *b* | <img src=x onerror=alert(1)>\nnext"
)
COLUMN = "co<b>untry\n{{x}}"
VALUE = 'va"l; drop <i>'
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e]")


def marked(what):
    """The hostile text with a word that says where it came from."""
    return f"{TEXT} {what}"


def hostile_spec():
    """An experiment in which every free text is hostile."""
    spec = units_spec("hostile.parquet", "hostile")
    for key in ("title", "hypothesis", "owner"):
        spec["experiment"][key] = marked(key)
    spec["experiment"]["tags"] = [marked("tag")]
    spec["variants"]["treatments"] = [marked("variant")]
    spec["analysis"] = {"segments": [COLUMN]}
    metric = spec["metrics"][0]
    metric |= {"title": marked("label"), "description": marked("description"), "value": VALUE}
    broken = {**metric, "id": "broken", "title": marked("broken"), "value": marked("column")}
    del broken["mde"]
    spec["metrics"].append({**broken, "role": "secondary"})
    return spec


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A project after the run of that experiment, with what the terminal showed."""
    project = Project(tmp_path_factory.mktemp("hostile") / "project")
    frame = pd.DataFrame(good_rows(), columns=HEADER)
    frame = frame.replace({"variant": {"new": marked("variant")}, "country": {"ir": marked("seg")}})
    frame.loc[3, "variant"] = marked("stranger")
    frame = frame.rename(columns={"country": COLUMN, "value": VALUE})
    frame.to_parquet(project.root / "hostile.parquet")
    project.add("hostile", hostile_spec())
    before = Path.cwd()
    os.chdir(project.root)
    try:
        assert main(["run"]) == 0
    finally:
        os.chdir(before)
    return project


def body_text(path):
    """The text of a page, with every run of white space as one blank, and its tree."""
    page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(
        path.read_text("utf-8")
    )
    return " ".join("".join(page.find("body").itertext()).split()), page


def as_shown(text):
    """The text as a reader sees it: what would act is replaced."""
    return " ".join(escape.plain(text).split())


@pytest.mark.parametrize(
    "what", ["title", "hypothesis", "variant", "label", "seg", "stranger", "broken"]
)
def test_the_report_shows_every_text_as_it_is(hostile, what):
    text, _ = body_text(hostile.root / "reports" / "hostile" / "report.html")
    assert as_shown(marked(what)) in text


def test_the_report_shows_names_of_columns_as_they_are(hostile):
    text, _ = body_text(hostile.root / "reports" / "hostile" / "report.html")
    assert as_shown(COLUMN) in text
    assert as_shown(marked("column")) in text


@pytest.mark.parametrize("what", ["title", "owner", "tag", "variant", "label"])
def test_the_index_shows_every_text_as_it_is(hostile, what):
    text, _ = body_text(hostile.root / "reports" / "index.html")
    assert as_shown(marked(what)) in text


@pytest.mark.parametrize("name", ["hostile/report.html", "index.html"])
def test_nothing_of_the_text_became_an_element(hostile, name):
    _, page = body_text(hostile.root / "reports" / name)
    scripts = page.findall(".//script")
    assert all("alert" not in "".join(script.itertext()) for script in scripts)
    assert not scripts or name == "index.html"
    assert not [image for image in page.findall(".//img") if image.get("src") == "x"]
    assert not [e for e in page.iter() if any(str(key).startswith("on") for key in e.attrib)]
    assert not page.findall(".//i")
    assert as_shown(marked("title")) in " ".join(
        "".join(page.find("head/title").itertext()).split()
    ) or (name == "index.html")


def test_the_notebook_holds_the_text_as_text(hostile):
    notebook = nbformat.read(hostile.root / "reports" / "hostile" / "report.ipynb", as_version=4)
    nbformat.validate(notebook)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pages = [output["data"]["text/html"] for output in outputs if "text/html" in output["data"]]
    assert any("&lt;script&gt;" in page for page in pages)
    assert all("<script" not in page and "<img src=x" not in page for page in pages)
    assert all(TEXT not in cell.source for cell in notebook.cells)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--force"],
        ["show", "hostile"],
        ["show", "hostile", "--format", "markdown"],
        ["status"],
        ["check"],
        ["check", "--data"],
    ],
)
def test_the_terminal_gets_no_control_character(hostile, monkeypatch, command, arguments):
    monkeypatch.chdir(hostile.root)
    said = command(*arguments)
    assert not CONTROLS.search(said.out + said.err)
    if arguments[0] == "run":  # one line an experiment, whatever its names hold
        assert len(said.out.splitlines()) == 3


def test_a_wrong_value_is_shown_on_one_line_without_acting(project, command):
    spec = units_spec()
    spec["metrics"][0]["role"] = marked("role")
    project.add("bad", spec)
    said = command("check")
    assert said.code == 1
    assert not CONTROLS.search(said.err)
    assert len(said.err.splitlines()) == 3


def test_a_column_that_is_not_there_is_named_on_one_line_without_acting(project, command):
    spec = units_spec()
    spec["data"]["variant"] = marked("column")
    project.add("bad", spec)
    said = command("check", "--data")
    assert said.code == 1
    assert not CONTROLS.search(said.err)
    assert len(said.err.splitlines()) == 3
