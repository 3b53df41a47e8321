"""Which notebook reports an experiment, and which cannot."""

import json

import pytest

from abtest.errors import UsageError
from abtest.run import notebook as module
from abtest.run.notebook import find_notebook, read_notebook


def write(path, *cells, **changes):
    """Write a notebook of (source, tags) cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "cells": [
            {"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": []}
            for source, tags in cells
        ],
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
    } | changes
    path.write_text(json.dumps(content), "utf-8")
    return path


def test_an_experiments_own_notebook_comes_first_then_the_projects_then_the_carried(tmp_path):
    carried = find_notebook(tmp_path, "x")
    assert carried.name == "verdict.ipynb"
    assert not carried.is_relative_to(tmp_path)
    project = write(tmp_path / "notebooks" / "verdict.ipynb")
    assert find_notebook(tmp_path, "x") == project
    own = write(tmp_path / "experiments" / "x" / "notebook.ipynb")
    assert find_notebook(tmp_path, "x") == own
    assert find_notebook(tmp_path, "y") == project


def test_without_any_notebook_the_message_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_carried", tuple)
    with pytest.raises(UsageError, match="no notebook") as caught:
        find_notebook(tmp_path, "x")
    assert "notebooks/verdict.ipynb" in caught.value.given


def test_the_carried_template_can_be_given_an_experiment(tmp_path):
    assert read_notebook(find_notebook(tmp_path, "x")).sources


@pytest.mark.parametrize(
    "source",
    [
        'experiment = "x"\nrun = None',
        'experiment: str = "x"\nrun: str | None = None',
        '"""Set by the runner."""\nrun = None  # a path\nexperiment = "x"',
    ],
)
def test_two_names_in_any_spelling_are_parameters(tmp_path, source):
    path = write(tmp_path / "n.ipynb", (source, ["parameters"]), ("1", []))
    assert read_notebook(path).sources == (source, "1")


@pytest.mark.parametrize(
    "source",
    [
        "",
        'experiment = "x"',
        'experiment = "x"\nrun = None\nalpha = 0.05',
        "import os\nexperiment = run = None",
        "experiment, run = 1, 2",
        "experiment = ",
    ],
)
def test_anything_else_in_the_parameters_cell_is_refused(tmp_path, source):
    path = write(tmp_path / "n.ipynb", (source, ["parameters"]))
    with pytest.raises(UsageError, match="exactly experiment and run"):
        read_notebook(path)


def test_two_parameters_cells_are_refused(tmp_path):
    cell = ('experiment = "x"\nrun = None', ["parameters"])
    with pytest.raises(UsageError, match="2 parameters cells"):
        read_notebook(write(tmp_path / "n.ipynb", cell, cell))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"nbformat": 3}', '{"nbformat": 4}'])
def test_what_is_not_a_notebook_is_refused(tmp_path, text):
    path = tmp_path / "n.ipynb"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        read_notebook(path)


def test_only_code_counts_for_the_hash(tmp_path):
    cell = ('experiment = "x"\nrun = None', ["parameters"])
    plain = read_notebook(write(tmp_path / "a.ipynb", cell, ("1", [])))
    tagged = read_notebook(write(tmp_path / "b.ipynb", cell, ("1", ["t"]), metadata={"a": 1}))
    other = read_notebook(write(tmp_path / "c.ipynb", cell, ("2", [])))
    assert plain.sha256 == tagged.sha256 != other.sha256
