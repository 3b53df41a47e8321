"""`abtest show`: the last verdict as text, JSON or Markdown."""

import json

import pytest

from abtest.cli.app import main


def test_text_has_the_verdict_and_the_headline(inside, capsys):
    assert main(["show", "good"]) == 0
    said = capsys.readouterr().out
    assert "✓ Ship" in said
    assert "Ship good: it works." in said


def test_markdown_is_markdown(inside, capsys):
    assert main(["show", "good", "--format", "markdown"]) == 0
    assert "## ✓ Ship" in capsys.readouterr().out


def test_json_is_the_document(inside, capsys):
    assert main(["show", "good", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == inside.json("reports", "good", "verdict.json")


def test_an_experiment_without_a_verdict_says_how_to_make_one(inside, capsys):
    assert main(["show", "new"]) == 1
    assert "abtest run new" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["god", "..", "../good", ""])
def test_what_is_no_experiment_is_wrong_usage(inside, name):
    assert main(["show", name]) == 2


def test_a_later_failure_is_told_beside_the_last_good_verdict(inside, capsys):
    inside.use("good", "raises")
    main(["run", "good"])
    capsys.readouterr()
    assert main(["show", "good"]) == 0
    captured = capsys.readouterr()
    assert "Ship good" in captured.out
    assert "warning: a later run failed: code cell 3" in captured.err
    assert "  page:  " in captured.err


def test_reports_in_another_folder_are_found(inside, tmp_path, capsys):
    elsewhere = str(tmp_path / "elsewhere")
    main(["run", "good", "--output-dir", elsewhere])
    assert main(["show", "good", "--output-dir", elsewhere]) == 0
