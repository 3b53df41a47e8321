"""What is up to date is not run again, and every part of the key makes it stale."""

import json
from datetime import UTC, datetime

import pytest
from tests.run.conftest import Project

from abtest.run import key as key_module
from abtest.run.key import RunKey, run_key
from abtest.run.prepare import prepare
from abtest.run.record import hashes
from abtest.run.state import last_state


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Project whose experiment `first` has a result; nobody changes it."""
    project = Project(tmp_path_factory.mktemp("original") / "project")
    project.add("first")
    assert project.one("first").status == "done"
    return project


@pytest.fixture
def ran(original, tmp_path):
    """Return a copy of it."""
    return original.copy(tmp_path / "copy")


def state_of(project, as_of=None):
    """State of the experiment `first`."""
    return prepare(project.root, "first", project.report("first"), as_of).state


def edit_json(path, change):
    """Rewrite a JSON file."""
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def test_an_up_to_date_result_is_reused_and_the_line_says_why(ran):
    before = (ran.report("first") / "run.json").read_bytes()
    result = ran.one("first")
    assert (result.status, result.verdict, result.attempts) == ("reused", "ship", 0)
    assert result.reason.startswith("up to date: spec, data, notebook and versions are unchanged")
    assert [event.kind for event in ran.events] == ["reused"]
    assert (ran.report("first") / "run.json").read_bytes() == before


def test_force_runs_what_is_up_to_date(ran):
    assert ran.one("first", force=True).status == "done"


def test_a_stale_result_is_run_again_and_the_line_says_why(ran):
    (ran.root / "units.csv").write_text("variant,clicks\na,1\na,2\nb,2\nb,9\n", "utf-8")
    result = ran.one("first")
    assert (result.status, result.reason) == ("done", "the data changed")


def test_changed_data_make_it_stale(ran):
    assert state_of(ran).freshness == "fresh"
    (ran.root / "units.csv").write_text("variant,clicks\na,1\na,2\nb,2\nb,9\n", "utf-8")
    assert state_of(ran).reasons == ("the data changed",)


def test_a_changed_value_of_the_file_makes_it_stale_but_a_comment_does_not(ran):
    file = ran.root / "experiments" / "first" / "experiment.toml"
    file.write_text(file.read_text("utf-8") + "\n# a comment\n", "utf-8")
    assert state_of(ran).freshness == "fresh"
    file.write_text(file.read_text("utf-8").replace("mde = 0.1", "mde = 0.2"), "utf-8")
    assert state_of(ran).reasons == ("the experiment file changed",)


def test_changed_code_of_the_notebook_makes_it_stale_but_text_does_not(ran):
    path = ran.root / "experiments" / "first" / "notebook.ipynb"
    edit_json(path, lambda notebook: notebook["cells"][0].update(source="# Another title"))
    assert state_of(ran).freshness == "fresh"
    edit_json(path, lambda notebook: notebook["cells"][-2].update(source="1 + 1"))
    assert state_of(ran).reasons == ("the notebook's code changed",)


def test_a_lock_makes_it_stale(ran):
    (ran.root / "experiments" / "first" / "plan.lock").write_text("locked", "utf-8")
    assert state_of(ran).reasons == ("the lock of the plan changed",)


def test_another_as_of_makes_it_stale(ran):
    assert state_of(ran, "2026-01-31T00:00:00").reasons == ("another as_of was asked for",)


def test_other_versions_make_it_stale(ran, monkeypatch):
    monkeypatch.setattr(key_module, "versions", lambda: (("numpy", "0.1"),))
    monkeypatch.setattr(key_module, "own_code", lambda: "edited")
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    reasons = state_of(ran).reasons
    assert reasons[:2] == ("abtest itself changed", "another version of Python")
    assert reasons[2].startswith("other versions of packages (")
    assert "numpy" in reasons[2]
    assert "to 0.1" in reasons[2]


@pytest.mark.parametrize("name", ["verdict.json", "report.ipynb", "report.html"])
def test_a_file_of_another_run_makes_it_stale(ran, name):
    path = ran.report("first") / name
    path.write_bytes(path.read_bytes() + b" ")
    assert state_of(ran).reasons == ("the files in the folder are not those of one run",)


def test_an_invalid_verdict_makes_it_stale(ran):
    edit_json(ran.report("first") / "verdict.json", lambda verdict: verdict.update(verdict="maybe"))
    assert state_of(ran).reasons == ("no valid verdict.json",)
    assert ran.one("first").status == "done"


def test_a_missing_run_json_makes_it_stale(ran):
    (ran.report("first") / "run.json").unlink()
    assert state_of(ran).freshness == "stale"


def test_without_results_it_was_never_run(project):
    project.add("first")
    assert state_of(project).freshness == "never"


def test_a_failed_run_is_told_beside_the_last_good_result(ran):
    ran.use("first", "raises")
    ran.one("first")
    ran.use("first", "writes_verdict")
    state = state_of(ran)
    assert state.freshness == "failed"
    assert state.reasons[0].startswith("code cell 3 of 5 raised ValueError")
    assert state.document["verdict"] == "ship"
    assert ran.one("first").status == "done"


@pytest.mark.parametrize(
    ("started", "now", "stale"),
    [
        ("2026-03-28T12:00", "2026-03-28T22:00", False),  # the same local day
        ("2026-03-28T12:00", "2026-03-28T23:00", True),  # past local midnight, 29 March
        ("2026-03-29T12:00", "2026-04-29T12:00", False),  # the data end long before the run
    ],
)
def test_a_result_grows_stale_when_the_clock_allows_later_data(ran, started, now, stale):
    folder = ran.report("first")

    def moment(text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    edit_json(folder / "verdict.json", lambda v: v.update(as_of="2026-03-28T00:00:00+01:00"))
    dated = {"started": moment(started).isoformat(), "files": hashes(folder)}
    edit_json(folder / "run.json", lambda record: record.update(dated))
    key = RunKey.model_validate(ran.record("first")["key"])
    state = last_state(folder, key, "Europe/Berlin", moment(now))
    assert state.freshness == ("stale" if stale else "fresh")


def test_equal_parts_give_equal_keys_and_every_part_counts():
    parts = {"spec": "s", "data": "d", "notebook": "n", "as_of": None, "lock_file": None}
    same = run_key(**parts)
    assert run_key(**parts).sha256 == same.sha256
    for part in ("spec", "data", "notebook", "as_of"):
        assert run_key(**(parts | {part: "other"})).sha256 != same.sha256
