"""`abtest new` writes a file that is valid and says what is left to decide."""

from __future__ import annotations

import pytest

from abtest.cli.app import main


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()
    return tmp_path


def test_a_new_experiment_is_valid(project, capsys):
    assert main(["new", "first-try_2"]) == 0
    assert "yours to decide: lines 7, 8," in capsys.readouterr().out
    assert main(["check"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "ok      first-try_2  2 metrics, 2 warnings\n"
    assert "experiment.toml:7: experiment.hypothesis: is still to be written" in captured.err
    assert "experiment.toml:8: experiment.owner: is still to be written" in captured.err


def test_an_experiment_is_not_overwritten(project, capsys):
    main(["new", "one"])
    path = project / "experiments" / "one" / "experiment.toml"
    path.write_text("# mine\n", "utf-8")
    assert main(["new", "one"]) == 2
    assert "already" in capsys.readouterr().err
    assert path.read_text("utf-8") == "# mine\n"


@pytest.mark.parametrize("name", ["Big", "../up", "a/b", "", "a" * 101, "ü", "a\n"])
def test_a_name_that_cannot_be_a_folder_is_refused(project, name, capsys):
    assert main(["new", "--", name]) == 2
    assert "to do:" in capsys.readouterr().err
    assert list((project / "experiments").iterdir()) == []


def test_outside_a_project_it_says_how_to_start_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["new", "one"]) == 2
    assert "abtest init" in capsys.readouterr().err


def test_a_column_without_a_file_is_refused(project, capsys):
    assert main(["new", "one", "--variant", "v"]) == 2
    assert "--from FILE" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_wrong_usage(project, capsys):
    assert main(["new", "one", "--from", "absent.csv"]) == 2
    assert "to do: check the name; it is relative to the project root" in capsys.readouterr().err
    assert list((project / "experiments").iterdir()) == []
