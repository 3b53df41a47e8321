"""What a good run leaves, and that a second one leaves the same bytes."""

import json

import pytest
from tests.run.conftest import Project

from abtest.run.record import RunRecord
from abtest.run.tidy import BANNER_TAG

FILES = ("verdict.json", "report.ipynb", "report.html", "run.json")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a project after one good run of three experiments."""
    project = Project(tmp_path_factory.mktemp("finished") / "project")
    project.add("first")
    project.add("loud", "prints_a_lot")
    project.add("talks", "shows_places")
    assert [result.status for result in project.run(as_of="2026-01-31")] == ["done"] * 3
    return project


def test_a_good_run_leaves_four_files_and_nothing_else(finished):
    assert sorted(path.name for path in finished.report("first").iterdir()) == sorted(FILES)


def test_run_json_says_how_the_run_went(finished):
    record = RunRecord.model_validate(finished.record("first"))
    assert (record.status, record.verdict) == ("done", "ship")
    assert record.notebook == "experiments/first/notebook.ipynb"
    assert record.key.as_of == "2026-01-31T00:00:00"
    assert record.key.sha256 == record.key_sha256
    assert len(record.cells) == 4
    assert all(0 <= seconds < 60 for seconds in record.cells)
    assert record.started < record.ended
    assert record.host
    assert set(record.timings) == {"execute", "finish"}
    assert [attempt.failure for attempt in record.attempts] == [None]
    assert set(record.files) == set(FILES[:3])


def test_two_runs_give_the_same_bytes(finished, tmp_path):
    again = finished.copy(tmp_path / "elsewhere")
    assert again.one("talks", as_of="2026-01-31", force=True).status == "done"
    for name in FILES[:3]:
        assert (again.report("talks") / name).read_bytes() == (
            finished.report("talks") / name
        ).read_bytes()
    assert (again.report("talks") / "run.json").read_bytes() != (
        finished.report("talks") / "run.json"
    ).read_bytes()


def test_a_kept_notebook_names_no_absolute_place_and_no_address(finished):
    text = (finished.report("talks") / "report.ipynb").read_text("utf-8")
    assert str(finished.root) not in text
    assert ".run-" not in text
    assert "ipykernel_" not in text
    assert "reports/talks/resolved.json" in text
    assert "<object at 0x>" in text


def test_a_kept_notebook_can_be_executed_by_whoever_opens_it(finished):
    notebook = finished.json("reports", "first", "report.ipynb")
    [injected] = [
        cell
        for cell in notebook["cells"]
        if "injected-parameters" in cell["metadata"].get("tags", [])
    ]
    names = {}
    exec("".join(injected["source"]), names)
    assert (names["experiment"], names["run"]) == ("first", None)
    assert [cell["id"] for cell in notebook["cells"]] == [
        f"abtest-{number}" for number in range(1, len(notebook["cells"]) + 1)
    ]
    assert notebook["metadata"]["abtest"] == {"experiment": "first", "status": "completed"}
    assert "papermill" not in json.dumps([notebook["metadata"], notebook["cells"][0]["metadata"]])
    assert BANNER_TAG not in json.dumps(notebook)


def test_much_output_in_two_streams_is_kept_in_one_piece_each(finished):
    notebook = finished.json("reports", "loud", "report.ipynb")
    [printed] = [cell for cell in notebook["cells"] if cell.get("outputs")]
    assert [output["name"] for output in printed["outputs"]] == ["stdout", "stderr"]
    assert len("".join(printed["outputs"][0]["text"]).splitlines()) == 20_000


def test_events_tell_the_course_of_a_run(finished):
    events = [event for event in finished.events if event.experiment == "first"]
    assert [event.kind for event in events] == ["queued", "started", *["cell"] * 4, "done"]
    cells = [(event.cell, event.cells) for event in events if event.kind == "cell"]
    assert cells == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert events[-1].result.headline == "Ship first: it works."


def test_reports_go_to_another_folder_when_asked(project, tmp_path):
    project.add("first")
    result = project.one("first", output_dir=tmp_path / "elsewhere")
    assert result.folder == tmp_path / "elsewhere" / "first"
    assert (result.folder / "verdict.json").exists()
    assert not (project.root / "reports").exists()


def test_concluded_experiments_run_only_when_named(project):
    folder = project.add("old")
    project.add("new")
    file = folder / "experiment.toml"
    file.write_text(
        file.read_text("utf-8").replace("[variants]", 'status = "concluded"\n[variants]')
    )
    assert [result.experiment for result in project.run()] == ["new"]
    assert project.one("old").status == "done"
