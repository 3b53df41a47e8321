"""`abtest demo` makes a project that is like any other, and leaves what people changed."""

import json

import duckdb
import pytest

from abtest.cli.app import main
from abtest.cli.demo import demo_files, place_project, simulate_into
from abtest.experiment.project import experiment_names
from abtest.experiment.resolve import resolve
from abtest.simulate import demo_worlds


def test_the_project_holds_the_six_experiments_and_the_notebooks(tmp_path):
    place_project(tmp_path)
    assert set(experiment_names(tmp_path)) == set(demo_worlds())
    assert (tmp_path / "notebooks" / "verdict.ipynb").is_file()
    for name in experiment_names(tmp_path):
        assert resolve(name, root=tmp_path).spec.data.source == "data/demo.duckdb"


def test_a_file_that_was_edited_is_kept_and_named(tmp_path, capsys):
    place_project(tmp_path)
    assert capsys.readouterr().err == ""
    edited = tmp_path / "experiments" / "push_dose" / "experiment.toml"
    edited.write_text("# mine\n")
    (tmp_path / "experiments" / "defaults.toml").unlink()
    place_project(tmp_path)
    assert edited.read_text() == "# mine\n"
    assert (tmp_path / "experiments" / "defaults.toml").is_file()
    said = capsys.readouterr().err
    assert said.splitlines() == [
        "kept    experiments/push_dose/experiment.toml, which differs from the demo's"
    ]


def test_only_the_demo_is_carried_along():
    names = [name for name, _ in demo_files()]
    assert names == sorted(set(names), key=names.index)
    for name in names:
        assert name.startswith(("experiments/", "notebooks/"))
        assert name.endswith((".toml", ".ipynb"))


def test_the_data_have_as_many_users_as_asked_for(tmp_path):
    path = tmp_path / "data" / "demo.duckdb"
    simulate_into(path, users=150, seed=4)
    with duckdb.connect(path, read_only=True) as connection:
        for name in demo_worlds():
            assert connection.table(f"{name}_users").to_arrow_table().num_rows == 150


def test_too_few_users_and_negative_seeds_are_wrong_usage(tmp_path, capsys):
    assert main(["demo", str(tmp_path), "--users", "5"]) == 2
    assert main(["demo", str(tmp_path), "--seed", "-1"]) == 2
    assert "100" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_in_three_parts(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file, not a folder")
    assert main(["demo", str(tmp_path / "taken")]) == 2
    said = capsys.readouterr().err
    assert "cannot be written" in said
    assert "to do:" in said


@pytest.mark.timeout(600)
def test_the_demo_simulates_runs_all_and_says_where_the_index_is(tmp_path, capsys):
    folder = tmp_path / "demo"
    assert main(["demo", str(folder), "--users", "2000", "--jobs", "2"]) == 0
    said = capsys.readouterr().out
    for name in demo_worlds():
        [line] = [line for line in said.splitlines() if line.startswith(f"{name} ")]
        verdict = json.loads((folder / "reports" / name / "verdict.json").read_text())
        assert verdict["headline"] in line
        assert (folder / "reports" / name / "report.html").is_file()
    index = folder / "reports" / "index.html"
    assert said.splitlines()[-1] == f"Index: {index}"
    page = index.read_text("utf-8")
    for name in demo_worlds():
        assert f"{name}/report.html" in page
