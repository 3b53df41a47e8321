"""The walk through the cohort helpers: stored clean, complete, and it runs on the demo's log."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from abtest import cohorts
from abtest.simulate import demo_worlds, simulate, write_duckdb

ROOT = Path(__file__).resolve().parents[2]
HELPERS = sorted({name for name in cohorts.__all__ if name.islower()} - {"open_log"})


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(ROOT / "notebooks" / "cohorts.ipynb", as_version=4)


def test_it_is_valid_and_stored_without_outputs(notebook):
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_every_helper_has_its_section_with_words_before_the_code(notebook):
    called = {}
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    called.setdefault(node.func.id, place)
    assert set(HELPERS) <= set(called)
    for name in HELPERS:
        before = notebook.cells[called[name] - 1]
        assert before.cell_type == "markdown"
        assert before.source.startswith("## ")
        assert len(before.source.split()) > 30


@pytest.mark.timeout(600)
def test_it_runs_on_the_log_of_the_demo_and_every_result_shows_itself(notebook, tmp_path):
    name = "loyalty_programme"
    write_duckdb(
        tmp_path / "data" / "demo.duckdb", {name: simulate(demo_worlds(users=4_000)[name], 1)}
    )
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    ran = nbformat.from_dict(notebook)
    client = NotebookClient(ran, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    for cell in ran.cells:
        if cell.cell_type != "code":
            continue
        kinds = [output.output_type for output in cell.outputs]
        assert "error" not in kinds
        assert "stream" not in kinds or "print(" in cell.source, cell.outputs
        assert "execute_result" in kinds or "print(" in cell.source or "=" in cell.source
