"""Notebooks made ready to be kept: nothing that differs between runs, nothing that lies."""

import pytest

from abtest.run.outcome import Failure
from abtest.run.tidy import BANNER_TAG, label, tidy

PLACES = {"/home/p/reports/x/.run-1": "reports/x", "/home/p": "."}


def code(source="1", outputs=(), count=1, **metadata):
    """A code cell."""
    return {
        "cell_type": "code",
        "id": "random",
        "metadata": metadata,
        "execution_count": count,
        "source": source,
        "outputs": [dict(output) for output in outputs],
    }


def stream(text, name="stdout"):
    """A piece of printed text."""
    return {"output_type": "stream", "name": name, "text": text}


def notebook(*cells):
    """A notebook."""
    return {"cells": list(cells), "metadata": {"papermill": {}}, "nbformat": 4, "nbformat_minor": 4}


def tidied(*outputs):
    """Outputs of a tidied cell."""
    return tidy(notebook(code(outputs=outputs)), "x", PLACES)["cells"][0]["outputs"]


def test_pieces_of_two_streams_are_joined_whatever_their_order():
    one = tidied(stream("a"), stream("w", "stderr"), stream("b"))
    other = tidied(stream("w", "stderr"), stream("ab"))
    assert one == other == [stream("ab"), stream("w", "stderr")]


def test_text_around_a_display_keeps_its_place():
    shown = {"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": {}}
    assert tidied(stream("a"), shown, stream("b")) == [stream("a"), shown, stream("b")]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/tmp/ipykernel_123/456.py:3: UserWarning: w", "<cell>:3: UserWarning: w"),
        ("<object at 0x7f12ab34cd56>", "<object at 0x>"),
        ("saved /home/p/reports/x/.run-1/verdict.json", "saved reports/x/verdict.json"),
        ("in /home/p", "in ."),
        ("read /home/p/units.csv", "read units.csv"),
        ("\x1b[31mred\x1b[0m", "red"),
        (
            "the price is 0x10 and ipykernel_ is a word",
            "the price is 0x10 and ipykernel_ is a word",
        ),
    ],
)
def test_what_differs_between_runs_is_replaced(text, kept):
    assert tidied(stream(text)) == [stream(kept)]


def test_pictures_are_not_touched():
    picture = "/home/p" * 3
    shown = {"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}}
    assert tidied(shown)[0]["data"]["image/png"] == picture


def test_times_and_marks_of_papermill_go():
    marker = {
        "cell_type": "markdown",
        "id": "m",
        "metadata": {"tags": ["papermill-error-cell-tag"]},
        "source": "An Exception was encountered",
    }
    cell = code(papermill={"duration": 1.0}, execution={"iopub.status.busy": "now"}, tags=["kept"])
    result = tidy(notebook(marker, cell), "x", PLACES)
    assert [cell["metadata"] for cell in result["cells"]] == [{"tags": ["kept"]}]
    assert "papermill" not in result["metadata"]
    assert result["nbformat_minor"] == 5


def test_the_given_notebook_is_not_changed():
    given = notebook(code(outputs=[stream("/home/p")]))
    tidy(given, "x", PLACES)
    assert given["cells"][0]["outputs"] == [stream("/home/p")]


def test_a_banner_says_what_happened_and_no_text_in_it_is_markup():
    failure = Failure("cell_raised", "raised <b>\n# Big</b>", "/home/p/n.ipynb", "look", 1)
    result = label(notebook(code()), "x", failure, PLACES)
    banner = result["cells"][0]
    assert banner["metadata"]["tags"] == [BANNER_TAG]
    head, _, quoted = banner["source"].partition("\n\n    ")
    assert head == "# ⚠ Incomplete run\n\nThis run failed. What stands below is not a result."
    assert all(line.startswith("    ") for line in quoted.splitlines()[1:])
    assert "given: n.ipynb" in quoted


def test_cells_that_never_ran_are_pending_when_no_cell_is_known():
    failure = Failure("worker_died", "the worker process died")
    result = label(notebook(code(count=1), code(count=None)), "x", failure, PLACES)
    states = [cell["metadata"]["abtest"]["status"] for cell in result["cells"][1:]]
    assert states == ["completed", "pending"]
