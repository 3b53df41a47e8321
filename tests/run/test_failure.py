"""What a run that goes wrong leaves: the others done, the last good result whole, a record."""

import pytest
from tests.run.conftest import Project
from tests.run.partial import banner, statuses
from tests.run.processes import gone, processes_in

from abtest.run import closing, prepare
from abtest.show import escape

REPORT_FILES = ("verdict.json", "report.ipynb", "report.html", "run.json")
MISHAPS = (
    "catches_interrupts",
    "kills_kernel",
    "kills_kernel_once",
    "no_parameters_cell",
    "other_parameters",
    "raises",
    "raises_after_verdict",
    "raises_data_error",
    "sleeps",
    "starts_child",
    "writes_invalid_verdict",
    "writes_no_verdict",
    "writes_other_verdict",
)


@pytest.fixture(scope="module")
def mishaps(tmp_path_factory):
    """Return a project after one run of experiments that go wrong, each in its way."""
    project = Project(tmp_path_factory.mktemp("mishaps") / "project")
    for notebook in MISHAPS:
        project.add(notebook, notebook)
    project.add("good")
    project.results = {result.experiment: result for result in project.run(cell_timeout=4)}
    return project


def test_what_goes_wrong_leaves_the_others_done(mishaps):
    statuses = {name: result.status for name, result in mishaps.results.items()}
    assert statuses == dict.fromkeys(MISHAPS, "failed") | {
        "good": "done",
        "starts_child": "done",
        "kills_kernel_once": "done",
        "sleeps": "timeout",
        "catches_interrupts": "timeout",
    }


def test_a_raising_cell_is_named_and_its_notebook_labelled(mishaps):
    failure = mishaps.results["raises"].failure
    assert (failure.code, failure.cell) == ("cell_raised", 3)
    assert failure.what == "code cell 3 of 5 raised ValueError: boom <b>& more</b>"
    notebook = mishaps.partial("raises")
    assert "    code cell 3 of 5 raised ValueError: boom <b>& more</b>" in banner(notebook)
    assert statuses(notebook) == ["completed"] * 3 + ["failed"] + ["pending"] * 2
    assert notebook["metadata"]["abtest"]["status"] == "failed"
    record = mishaps.failure("raises")
    assert (record["failure"]["code"], record["failure"]["cell"]) == ("cell_raised", 3)
    assert len(record["attempts"]) == 1


def test_what_failed_has_a_page_that_says_why_and_the_index_leads_there(mishaps):
    index = (mishaps.root / "reports" / "index.html").read_text("utf-8")
    for name, result in mishaps.results.items():
        page = mishaps.report(name) / "failed" / "report.html"
        assert (result.failed_page is None) == result.ok
        assert page.exists() == (not result.ok)
        assert (f'href="{name}/failed/report.html"' in index) == (not result.ok)
        if not result.ok:
            assert result.failed_page == page
            text = page.read_text("utf-8")
            assert escape.html(result.failure.what) in text
            assert str(mishaps.root) not in text


def test_a_page_that_cannot_be_made_hides_no_failure(project, monkeypatch):
    project.add("bad", "raises")
    assert project.one("bad").failed_page is not None

    def broken(*_):
        raise ValueError("no page")

    monkeypatch.setattr(closing, "render_failed", broken)
    result = project.one("bad")
    assert (result.failure.code, result.failed_page) == ("cell_raised", None)
    left = {path.name for path in (project.report("bad") / "failed").iterdir()}
    assert left == {"report.ipynb", "run.json"}
    assert "failed/report.html" not in (project.root / "reports" / "index.html").read_text("utf-8")


def test_an_error_of_abtest_keeps_its_three_parts(mishaps):
    failure = mishaps.results["raises_data_error"].failure
    assert (failure.what, failure.given, failure.todo) == (
        "the column is missing",
        "clicks",
        "name another column",
    )


def test_a_killed_kernel_is_tried_once_more_and_labelled(mishaps):
    result = mishaps.results["kills_kernel"]
    assert (result.failure.code, result.failure.cell, result.attempts) == ("kernel_died", 3, 2)
    notebook = mishaps.partial("kills_kernel")
    assert statuses(notebook) == ["completed"] * 3 + ["failed", "pending"]
    assert "the kernel died in code cell 3 of 4" in banner(notebook)
    attempts = mishaps.failure("kills_kernel")["attempts"]
    assert [attempt["failure"] for attempt in attempts] == ["kernel_died", "kernel_died"]
    retried = [event.experiment for event in mishaps.events if event.kind == "retried"]
    assert sorted(retried) == ["kills_kernel", "kills_kernel_once"]


def test_a_kernel_that_died_once_gives_a_result_that_says_so(mishaps):
    assert mishaps.results["kills_kernel_once"].attempts == 2
    attempts = mishaps.record("kills_kernel_once")["attempts"]
    assert [attempt["failure"] for attempt in attempts] == ["kernel_died", None]


@pytest.mark.parametrize("name", ["sleeps", "catches_interrupts"])
def test_a_cell_out_of_time_ends_its_notebook(mishaps, name):
    failure = mishaps.results[name].failure
    assert failure.code == "timeout"
    assert "deadline of 4 seconds for a cell" in failure.what
    assert not (mishaps.root / "went_on.json").exists()
    notebook = mishaps.partial(name)
    assert statuses(notebook)[3] == "failed"
    assert set(statuses(notebook)[4:]) == {"pending"}
    assert "ran out of time" in banner(notebook)
    assert mishaps.failure(name)["status"] == "timeout"


def test_what_a_notebook_started_ends_with_its_kernel(mishaps):
    assert gone(mishaps.json("child.json")["pid"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("writes_no_verdict", "no_verdict"),
        ("writes_invalid_verdict", "invalid_verdict"),
        ("writes_other_verdict", "other_verdict"),
        ("raises_after_verdict", "cell_raised"),
    ],
)
def test_only_a_valid_verdict_of_this_run_is_a_success(mishaps, name, code):
    assert mishaps.results[name].failure.code == code
    assert [path.name for path in mishaps.report(name).iterdir()] == ["failed"]


@pytest.mark.parametrize("name", ["no_parameters_cell", "other_parameters"])
def test_a_notebook_without_the_two_parameters_is_not_started(mishaps, name):
    result = mishaps.results[name]
    assert (result.failure.code, result.attempts) == ("invalid_notebook", 0)
    assert "parameters cell" in result.failure.what
    assert str(mishaps.root) not in mishaps.failure(name)["failure"]["given"]


def test_a_cell_that_ignores_the_interrupt_is_killed(project):
    project.add("deaf", "ignores_interrupts")
    result = project.one("deaf", notebook_timeout=2)
    assert result.status == "timeout"
    assert "deadline of 2 seconds for a notebook" in result.failure.what
    assert gone(project.json("kernel.json")["pid"])
    assert statuses(project.partial("deaf")) == ["completed"] * 3 + ["failed", "pending"]


def test_the_deadline_of_the_whole_run_ends_what_runs_and_what_waits(project):
    project.add("a_slow", "sleeps")
    project.add("b_waits")
    slow, waits = project.run(jobs=1, run_timeout=4)
    assert (slow.status, waits.status) == ("timeout", "timeout")
    assert "the whole run" in slow.failure.what
    assert not project.report("b_waits").exists()
    assert processes_in(project.root) == []


def test_a_worker_that_dies_is_replaced_and_its_kernel_ended(project):
    project.add("bad", "kills_worker")
    project.add("good")
    bad, good = project.run(jobs=1)
    assert (bad.status, good.status) == ("failed", "done")
    assert (bad.failure.code, bad.attempts) == ("worker_died", 2)
    assert gone(project.json("kernel.json")["pid"])
    assert "the worker process died" in banner(project.partial("bad"))


def test_a_failed_run_leaves_the_last_good_result_whole(project):
    project.add("once_good")
    folder = project.one("once_good").folder
    before = {name: (folder / name).read_bytes() for name in REPORT_FILES}
    project.use("once_good", "raises")
    assert project.one("once_good").status == "failed"
    assert {name: (folder / name).read_bytes() for name in REPORT_FILES} == before
    assert (folder / "failed" / "report.ipynb").exists()
    project.use("once_good", "writes_verdict")
    assert project.one("once_good").status == "done"
    assert not (folder / "failed").exists()


def test_a_file_that_cannot_be_used_never_stops_the_others(project):
    folder = project.add("bad")
    (folder / "experiment.toml").write_text("[experiment\n", "utf-8")
    project.add("good")
    bad, good = project.run()
    assert (bad.status, good.status) == ("failed", "done")
    assert bad.failure.code == "unreadable_experiment"
    assert "experiment.toml:1" in str(bad.failure)
    assert "experiment.toml:1" in bad.failed_page.read_text("utf-8")
    assert project.failure("bad")["failure"]["code"] == "unreadable_experiment"


def test_data_that_are_missing_are_that_experiments_failure(project):
    folder = project.add("bad")
    file = folder / "experiment.toml"
    file.write_text(file.read_text("utf-8").replace("units.csv", "absent.csv"), "utf-8")
    project.add("good")
    bad, good = project.run()
    assert (bad.status, good.status) == ("failed", "done")
    assert bad.failure.code == "no_data"


def test_an_experiment_that_does_not_exist_leaves_no_trace(project):
    project.add("good")
    [result] = project.run("god")
    assert result.failure.code == "unreadable_experiment"
    assert '"good"' in result.failure.todo
    assert not project.report("god").exists()


@pytest.mark.parametrize("name", ["../good", "experiments/good", "good/experiment.toml", ""])
def test_a_path_is_not_a_name(project, name):
    project.add("good")
    [result] = project.run(name)
    assert result.failure.code == "unreadable_experiment"
    assert [path.name for path in project.root.glob("reports/*")] == ["index.html"]


def test_a_fault_of_our_own_in_one_experiment_never_stops_the_others(project, monkeypatch):
    project.add("bad")
    project.add("good")
    resolve = prepare.resolve

    def broken(name, root):
        return 1 / 0 if name == "bad" else resolve(name, root=root)

    monkeypatch.setattr(prepare, "resolve", broken)
    bad, good = project.run()
    assert (bad.status, good.status) == ("failed", "done")
    assert bad.failure.code == "internal"
    assert "ZeroDivisionError" in bad.failure.what


def test_nothing_is_left_behind_in_the_folder_for_temporary_files(project, tmp_path, monkeypatch):
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr("tempfile.tempdir", None)
    project.add("bad", "kills_kernel")
    project.add("good")
    project.run()
    assert list(place.iterdir()) == []
