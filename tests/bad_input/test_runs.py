"""A run over broken experiments: the others get their verdicts and nothing written is lost."""

import copy
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from .conftest import (
    Project,
    Said,
    as_csv,
    as_toml,
    good_rows,
    held_open,
    is_three_parts,
    units_spec,
)

KEPT = ("report.html", "report.ipynb", "verdict.json", "run.json")


@dataclass(frozen=True)
class Break:
    """A way to break an experiment: its file or its data, and the words that tell it."""

    words: str
    file: Callable[[str], str | bytes] | None = None
    data: Callable[[], str | bytes] | None = None
    source: str = "{name}.csv"


def rows(change):
    """The good table, changed row by row."""
    return lambda: as_csv(change(row) for row in good_rows())


def text(old, new):
    """The good file with one text replaced."""
    return lambda good: good.replace(old, new, 1)


BROKEN = {
    "unknown_key": Break("unknown key", text('role = "primary"', 'roel = "primary"')),
    "wrong_type": Break("must be a number", text("mde = 0.1", 'mde = "0.1"')),
    "one_variant": Break("must not be empty", text('treatments = ["new"]', "treatments = []")),
    "no_zone": Break(
        "has no time zone", text("[variants]", "start = 2026-01-05T00:00:00\n[variants]")
    ),
    "no_toml": Break("this is not TOML", lambda good: good[:-8]),
    "no_column": Break("There is no column 'variant'", data=lambda: as_csv(good_rows(), "abcdefg")),
    "no_file": Break("There is no such file", source="gone.csv"),
    "no_rows": Break("The table is empty", data=lambda: as_csv([])),
    "no_arm": Break("No row has the variant", data=rows(lambda r: r._replace(variant="old"))),
    "conflict": Break("several rows that differ", data=rows(lambda r: r._replace(id=r.id // 2))),
    "cut_gz": Break(
        "cut off or damaged",
        data=lambda: gzip.compress(as_csv(good_rows(20_000)).encode())[:9000],
        source="{name}.csv.gz",
    ),
    "no_parquet": Break(
        "not a Parquet file", data=lambda: as_csv(good_rows()), source="{name}.parquet"
    ),
    "locked": Break("open for writing elsewhere", source="locked.duckdb"),
}
"""Each ends in a failure of that experiment."""
ODD = {
    "infinite": ("infinite_values", rows(lambda r: r._replace(value="inf"))),
    "all_null": ("all_null", rows(lambda r: r._replace(value=""))),
    "constant": ("constant", rows(lambda r: r._replace(value=1))),
}
"""Each ends in a verdict that says what could not be computed."""


@dataclass(frozen=True)
class Before:
    """The project after the run that broke, with all that earlier runs had written."""

    project: Project
    said: Said
    kept: dict[Path, bytes]


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    """A project whose experiments have reports, were broken each in its way, and then ran."""
    project = Project(tmp_path_factory.mktemp("runs") / "project")
    names = [*BROKEN, *ODD, "other"]
    for name in ("good", *names):
        project.write(f"{name}.csv", as_csv(good_rows()))
        project.add(name, units_spec(f"{name}.csv", name))
    assert run(project, "good").code == 0
    for name in names:
        shutil.copytree(project.root / "reports" / "good", project.root / "reports" / name)
    reports = project.root / "reports"
    kept = {path: path.read_bytes() for path in reports.rglob("*") if path.name in KEPT}
    assert len(kept) == len(KEPT) * (len(names) + 1)
    for name, how in BROKEN.items():
        spoil(project, name, how)
    for name, (_, data) in ODD.items():
        project.write(f"{name}.csv", data())
    with duckdb.connect(str(project.root / "locked.duckdb")) as con:
        con.execute("create table units as select 1 a")
    with held_open(project.root / "locked.duckdb"):
        said = run(project)
    return Before(project, said, kept)


def run(project, *arguments):
    """Run `abtest run` as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "abtest", "run", *arguments],
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def spoil(project, name, how):
    """Break one experiment of a project."""
    source = how.source.format(name=name)
    good = as_toml(units_spec(source, name))
    changed = good if how.file is None else how.file(good)
    project.add(name, changed)
    if how.data is not None:
        project.write(source, how.data())


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_experiment_is_told_by_name_in_three_parts(after, name):
    [line] = [line for line in after.said.out.splitlines() if line.split()[0] == name]
    assert "No verdict: " in line
    message = after.said.err[after.said.err.index(f"{name}: ") :]
    message = message[: message.index("\n  to do: ") + 10]
    assert BROKEN[name].words in message
    assert is_three_parts(message)
    if BROKEN[name].file is not None:
        assert f"experiments/{name}/experiment.toml:" in message


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_experiment_leaves_its_earlier_report_byte_for_byte(after, name):
    folder = after.project.root / "reports" / name
    for file in KEPT:
        assert (folder / file).read_bytes() == after.kept[folder / file]
    assert (folder / "failed" / "run.json").exists()


def test_the_others_get_their_verdicts_and_the_run_says_that_some_failed(after):
    assert after.said.code == 1
    assert "Traceback" not in after.said.err
    lines = {line.split()[0]: line for line in after.said.out.splitlines()}
    assert "up to date" in lines["good"]
    assert "Ship new: amount rose" in lines["other"]
    assert f"{len(BROKEN)} failed" in after.said.out
    assert str(after.project.root) not in after.said.out + after.said.err


@pytest.mark.parametrize("name", ODD)
def test_an_odd_metric_is_a_verdict_that_says_so(after, name):
    document = json.loads((after.project.root / "reports" / name / "verdict.json").read_bytes())
    [row] = document["effects"]
    assert (row["status"], row["reason"]) == ("not_computed", ODD[name][0])
    assert document["verdict"] == "inconclusive"
    page = (after.project.root / "reports" / name / "report.html").read_text("utf-8")
    assert "could not be computed" in page


def test_the_index_shows_all_of_them(after):
    index = (after.project.root / "reports" / "index.html").read_text("utf-8")
    assert all(name in index for name in [*BROKEN, *ODD, "good", "other"])


@pytest.mark.parametrize("name", ["no_toml", "cut_gz"])
def test_of_three_experiments_one_that_is_broken_stops_none(tmp_path, name):
    project = Project(tmp_path / "project")
    for good in ("first", "last"):
        project.write(f"{good}.csv", as_csv(good_rows()))
        project.add(good, units_spec(f"{good}.csv", good))
    spoil(project, name, BROKEN[name])
    said = run(project)
    assert said.code == 1
    assert said.out.splitlines()[-2] == "3 experiments: 2 ran, 1 failed"
    for good in ("first", "last"):
        assert (project.root / "reports" / good / "verdict.json").exists()
        assert (project.root / "reports" / good / "report.html").exists()
    assert not (project.root / "reports" / name / "verdict.json").exists()


def test_a_folder_of_reports_that_may_not_be_written_is_told(tmp_path, monkeypatch, command):
    project = Project(tmp_path / "project")
    project.write("good.csv", as_csv(good_rows()))
    project.add("good", units_spec("good.csv", "good"))
    (project.root / "reports").write_text("a file where a folder should be", "utf-8")
    monkeypatch.chdir(project.root)
    said = command("run")
    assert said.code == 1
    assert is_three_parts(said.err)
    assert "cannot be written" in said.err
    assert (project.root / "reports").read_text("utf-8").startswith("a file")


def test_a_moment_that_has_not_come_gives_no_verdict(tmp_path, monkeypatch, command):
    project = Project(tmp_path / "project")
    spec = copy.deepcopy(units_spec("good.csv", "good"))
    spec["data"]["time"] = "at"
    project.write("good.csv", as_csv(good_rows()))
    project.add("good", spec)
    monkeypatch.chdir(project.root)
    said = command("run", "--as-of", "2999-01-01")
    assert said.code == 2
    assert is_three_parts(said.err)
    assert "as_of is in the future" in said.err
