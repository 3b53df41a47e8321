"""Files move to where people look whole, and a run that dies in between is found out."""

import os
import time

import pytest

from abtest.run.record import RunRecord, hashes, is_whole
from abtest.run.staging import PREFIX, make_staging, publish

FILES = ("verdict.json", "report.ipynb", "report.html")


def record(folder):
    """A record of the files in a folder."""
    return RunRecord(
        experiment="x",
        status="done",
        verdict="ship",
        failure=None,
        key=None,
        key_sha256=None,
        notebook=None,
        started="",
        ended="",
        seconds=0,
        timings={},
        cells=[],
        attempts=[],
        host="",
        git_commit=None,
        files=hashes(folder),
    )


def stage(folder, text):
    """Make a staging folder with the files of a run."""
    staging = make_staging(folder)
    for name in FILES:
        (staging / name).write_text(f"{text} {name}", "utf-8")
    return staging


def test_a_run_killed_between_two_files_leaves_a_mix_that_is_found_out(tmp_path, monkeypatch):
    folder = tmp_path / "x"
    first = stage(folder, "first")
    old = record(first)
    publish(first, folder, old)
    assert is_whole(folder, old)
    second = stage(folder, "second")
    new = record(second)
    (second / "report.html").unlink()  # the third move fails, as if the process had died there
    with pytest.raises(FileNotFoundError):
        publish(second, folder, new)
    assert (folder / "verdict.json").read_text("utf-8").startswith("second")
    assert not is_whole(folder, RunRecord.model_validate_json((folder / "run.json").read_bytes()))


def test_a_good_run_forgets_an_earlier_failure_and_its_staging(tmp_path):
    folder = tmp_path / "x"
    (folder / "failed").mkdir(parents=True)
    staging = stage(folder, "first")
    publish(staging, folder, record(staging))
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "run.json"])


def test_staging_folders_of_killed_runs_are_removed_after_a_day(tmp_path):
    folder = tmp_path / "x"
    old, recent = make_staging(folder), make_staging(folder)
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    third = make_staging(folder)
    assert sorted(folder.glob(f"{PREFIX}*")) == sorted([recent, third])


def test_reports_that_cannot_be_written_fail_their_experiment_only(project):
    project.add("bad")
    project.add("good")
    project.report("bad").parent.mkdir()
    project.report("bad").write_text("a file in the way", "utf-8")
    bad, good = project.run()
    assert (bad.status, good.status) == ("failed", "done")
    assert bad.failure.code == "not_written"
    assert "--output-dir" in bad.failure.todo


def test_a_commit_is_recorded_where_there_is_one(project):
    from abtest.run.record import git_commit

    assert git_commit(project.root) is None
