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
    assert capsys.readouterr().out == "ok      first-try_2  2 metrics\n"


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
