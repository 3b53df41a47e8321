"""Executed notebooks: the project's own template over verdicts made by hand."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from abtest.report import render
from abtest.show import Page

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ROOT / "tests" / "documents"
TEMPLATE = ROOT / "notebooks" / "verdict.ipynb"
CASES = sorted(path.stem for path in DOCUMENTS.glob("*.json"))


def read_case(name: str) -> dict[str, Any]:
    return json.loads((DOCUMENTS / f"{name}.json").read_text(encoding="utf-8"))


def execute(page: Page) -> nbformat.NotebookNode:
    """Return the template as if a kernel had run it with this page as `analysis.show`."""
    notebook = nbformat.read(TEMPLATE, as_version=4)
    number = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        number += 1
        cell.execution_count = number
        shown = cell.source.splitlines()[-1]
        if shown.startswith("analysis.show."):
            method, _, arguments = shown.removeprefix("analysis.show.").partition("(")
            given = [part.strip('"') for part in arguments.rstrip(")").split(",") if part]
            data, metadata = getattr(page, method)(*given)._repr_mimebundle_()
            cell.outputs = [
                nbformat.v4.new_output(
                    "execute_result", data=data, metadata=metadata, execution_count=number
                )
            ]
    return notebook


@pytest.fixture(scope="session")
def executed() -> Callable[[str], tuple[nbformat.NotebookNode, dict[str, Any]]]:
    """Function from a case's name to its executed notebook, a copy, and its document."""
    made: dict[str, nbformat.NotebookNode] = {}

    def make(name: str) -> tuple[nbformat.NotebookNode, dict[str, Any]]:
        case = read_case(name)
        if name not in made:
            made[name] = execute(Page(case["document"], case["notes"]))
        return copy.deepcopy(made[name]), case["document"]

    return make


@pytest.fixture(scope="session")
def report(executed) -> Callable[[str], str]:
    """Function from a case's name to its page; each is rendered once."""
    made: dict[str, str] = {}

    def make(name: str) -> str:
        if name not in made:
            made[name] = render(*executed(name))
        return made[name]

    return make


@pytest.fixture(scope="session", params=CASES)
def any_report(request: pytest.FixtureRequest, report) -> str:
    """Each of the cases in turn."""
    return report(request.param)
