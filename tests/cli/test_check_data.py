"""`abtest check --data` reads the data and says what is not there."""

from __future__ import annotations

import pytest

from abtest.cli.app import main

ROWS = "id,arm,spend,kept\n1,control,1,1\n2,control,2,0\n3,new,3,1\n4,new,4,0\n5,new,5,1\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with an experiment over a small file; call it with the rows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()

    def add(rows):
        (tmp_path / "rows.csv").write_text(ROWS, "utf-8")
        assert main(["new", "one", "--from", "rows.csv"]) == 0
        (tmp_path / "rows.csv").write_text(rows, "utf-8")

    return add


def test_units_are_counted_by_variant(project, capsys):
    project(ROWS)
    capsys.readouterr()
    assert main(["check", "--data"]) == 0
    assert "units: control 2, new 3" in capsys.readouterr().out


def test_a_missing_column_is_told_with_the_nearest(project, capsys):
    project(ROWS.replace("kept", "keept"))
    assert main(["check", "--data"]) == 1
    captured = capsys.readouterr()
    assert "wrong   one" in captured.out
    assert "'kept'" in captured.err
    assert "keept" in captured.err


def test_a_variant_without_rows_is_told(project, capsys):
    project(ROWS.replace("control", "kontrol"))
    assert main(["check", "--data"]) == 1
    assert "'control'" in capsys.readouterr().err


def test_rows_of_unknown_variants_are_noted(project, capsys):
    project(ROWS + "6,other,1,1\n")
    assert main(["check", "--data"]) == 0
    assert "rows of variants that the file does not name (other): 1" in capsys.readouterr().err


def test_a_metric_that_cannot_be_computed_is_told(project, capsys):
    project(ROWS.replace("3,new,3,1", "3,new,3,2"))
    assert main(["check", "--data"]) == 1
    error = capsys.readouterr().err
    assert "The metric 'kept' cannot be computed: there are values other than 0 and 1" in error


def test_a_missing_file_is_told(project, tmp_path, capsys):
    project(ROWS)
    (tmp_path / "rows.csv").unlink()
    assert main(["check", "--data"]) == 1
    assert "There is no such file" in capsys.readouterr().err


def test_the_data_of_a_fresh_project_are_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["init"])
    capsys.readouterr()
    assert main(["check", "--data"]) == 0
    assert "units: control 512, checklist 488" in capsys.readouterr().out
