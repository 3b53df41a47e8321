"""Workers: several at once, warm from one notebook to the next, as many as asked for."""

import pytest

from abtest.errors import UsageError


def test_two_notebooks_are_executed_at_the_same_time(project):
    project.add("one", "meets_another")
    project.add("two", "meets_another")
    assert [result.status for result in project.run(jobs=2)] == ["done", "done"]
    workers = {project.json(f"{name}.here")["worker"] for name in ("one", "two")}
    assert len(workers) == 2


def test_one_worker_executes_one_notebook_after_another(project):
    project.add("one", "notes_worker")
    project.add("two", "notes_worker")
    assert [result.status for result in project.run(jobs=1)] == ["done", "done"]
    assert project.json("one.worker") == project.json("two.worker")


def test_results_come_in_the_order_asked_for_and_once(project):
    for name in ("b", "a"):
        project.add(name)
    assert [result.experiment for result in project.run("b", "a", "b")] == ["b", "a"]


def test_less_than_one_job_is_refused(project):
    with pytest.raises(UsageError, match="jobs"):
        project.run("x", jobs=0)
