"""The stored template: short, clean, and of the shape that runs rely on."""

import ast
import json
from pathlib import Path

import nbformat
import pytest

TEMPLATE = Path(__file__).resolve().parents[2] / "notebooks" / "verdict.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(TEMPLATE, as_version=4)


@pytest.fixture(scope="module")
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_valid_and_runs_on_python(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_has_at_most_a_dozen_short_cells(code):
    assert len(code) <= 12
    assert all(len(cell.source.splitlines()) <= 5 for cell in code)


def test_the_first_cell_holds_exactly_the_two_parameters(notebook):
    first = notebook.cells[0]
    assert first.metadata.tags == ["parameters"]
    assert first.source == 'experiment = "onboarding_steps"\nrun = None'


def test_the_last_cell_saves_the_verdict(code):
    assert code[-1].source.endswith("analysis.save()")


def test_it_is_stored_without_outputs_and_with_lasting_ids(code, notebook):
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(not name[:8].isalnum() or not name[:1].isdigit() for name in ids)
    assert "papermill" not in json.dumps(notebook)


def test_it_uses_only_names_it_has(code):
    known = {"abtest"}
    for cell in code:
        tree = ast.parse(cell.source)
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        known |= {
            n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        assert used <= known


def test_every_part_it_shows_exists(code):
    from abtest.show import Page

    for cell in code:
        if cell.source.startswith("analysis.show."):
            assert hasattr(Page, cell.source.removeprefix("analysis.show.").partition("(")[0])
