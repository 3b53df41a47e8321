"""`abtest check`: one line per file, problems with their place, exit codes."""

from __future__ import annotations

import pytest

from abtest.cli.app import main
from abtest.experiment.examples import UNITS_EXAMPLE

GOOD = UNITS_EXAMPLE
USES = (
    GOOD[: GOOD.index("[[metrics]]")]
    + '[[metrics]]\nuse = "visits"\nrole = "primary"\nmde = 0.05\n'
)
WRONG = UNITS_EXAMPLE.replace('role = "primary"', 'role = "primry"')


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in the working folder; call it to add an experiment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()

    def add(name, text):
        folder = tmp_path / "experiments" / name
        folder.mkdir()
        (folder / "experiment.toml").write_text(text.replace('"gate"', f'"{name}"'), "utf-8")

    return add


def test_files_in_order_are_ok(project, capsys):
    project("one", GOOD)
    project("two", GOOD)
    assert main(["check"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "ok      one  2 metrics\nok      two  2 metrics\n"
    assert captured.err == ""


def test_a_wrong_file_is_shown_with_its_place_and_the_others_are_checked(project, capsys):
    project("bad", WRONG)
    project("good", GOOD)
    assert main(["check"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "wrong   bad   1 problem\nok      good  2 metrics\n"
    assert "experiments/bad/experiment.toml:22: metrics[0].role: must be one of" in captured.err
    assert '  given: "primry"' in captured.err


def test_a_lone_wrong_file_was_read_and_means_1(project):
    project("bad", WRONG)
    assert main(["check"]) == 1


def test_nothing_readable_means_2(project):
    project("broken", "a = [")
    assert main(["check"]) == 2


def test_an_unreadable_file_beside_a_good_one_means_1(project):
    project("broken", "a = [")
    project("good", GOOD)
    assert main(["check"]) == 1


def test_an_unknown_name_is_told_and_the_others_are_checked(project, capsys):
    project("good", GOOD)
    assert main(["check", "goood", "good"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "unknown goood\nok      good   2 metrics\n"
    assert 'Did you mean "good"' in captured.err
    assert main(["check", "goood"]) == 2


def test_a_path_is_as_good_as_a_name(project, tmp_path, capsys):
    project("good", GOOD)
    assert main(["check", str(tmp_path / "experiments" / "good" / "experiment.toml")]) == 0


def test_warnings_are_shown_and_do_not_fail(project, capsys):
    project("one", GOOD.replace("mde = 0.05\n", ""))
    assert main(["check"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "ok      one  2 metrics, 1 warning\n"
    assert "warning: experiments/one/experiment.toml:18: metrics[0].mde" in captured.err


def test_a_project_without_experiments_is_told_how_to_get_one(project, capsys):
    assert main(["check"]) == 2
    assert "abtest new NAME" in capsys.readouterr().err


def test_definitions_that_no_experiment_uses_are_checked_too(project, tmp_path, capsys):
    project("good", GOOD)
    library = '[visits]\nkind = "mean"\n\n[odd]\nkind = "mean"\nagregate = "any"\n'
    (tmp_path / "experiments" / "metrics.toml").write_text(library, "utf-8")
    assert main(["check"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "ok      good  2 metrics\nwrong   metrics.toml  1 problem\n"
    assert "experiments/metrics.toml:6: odd.agregate: unknown key" in captured.err
    assert main(["check", "good"]) == 0


def test_a_mistake_in_a_shared_file_is_told_once_with_whom_it_concerns(project, tmp_path, capsys):
    for name in ("one", "two"):
        project(name, USES)
    project("good", GOOD)
    library = '[visits]\nkind = "mean"\nvalue = "visits"\ndirektion = "increase"\n'
    (tmp_path / "experiments" / "metrics.toml").write_text(library, "utf-8")
    assert main(["check"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "ok      good  2 metrics",
        "wrong   one   1 problem in metrics.toml",
        "wrong   two   1 problem in metrics.toml",
        "wrong   metrics.toml  1 problem",
    ]
    told = captured.err.splitlines()
    assert told[0] == "experiments/metrics.toml:4: visits.direktion: unknown key"
    assert told[1] == '  given: "direktion"'
    assert told[2].startswith('  to do: Did you mean "direction"')
    assert told[3:] == ["  concerns: one, two"]


@pytest.mark.parametrize(("line", "code"), [("x = = 1", 2), ("[analysis]\nalpah = 1", 1)])
def test_a_mistake_in_the_defaults_is_told_once(project, tmp_path, capsys, line, code):
    for number in range(7):
        project(f"e{number}", GOOD)
    (tmp_path / "experiments" / "defaults.toml").write_text(line + "\n", "utf-8")
    assert main(["check"]) == code
    told = capsys.readouterr().err
    assert told.count("experiments/defaults.toml:") == 1
    assert told.endswith("  concerns: e0, e1, e2, e3, e4 and 2 more\n")


def test_a_definition_that_cannot_be_read_and_is_used_by_none_is_told(project, tmp_path, capsys):
    (tmp_path / "experiments" / "metrics.toml").write_text("[visits\n", "utf-8")
    project("one", GOOD)
    assert main(["check"]) == 2
    assert capsys.readouterr().err.count("experiments/metrics.toml:1: this is not TOML") == 1
