"""`abtest metrics`: what can be used, and one metric whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from abtest.cli.app import main
from abtest.metrics.catalogue import catalogue

PAGE = Path(__file__).resolve().parents[2] / "docs" / "catalogue.md"


OWN = """\
[activation]
kind = "proportion"
title = "Activation"
owner = "growth"
event = "project_created"
window_days = [0, 7]
direction = "increase"

[nps]
kind = "score"
event = "answer"
window_days = [0, 7]

[broken]
kind = "average"
"""


def test_the_list_has_the_projects_own_first(empty, capsys):
    (empty.root / "experiments" / "metrics.toml").write_text(OWN, encoding="utf-8")
    assert main(["metrics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "of this project (experiments/metrics.toml)"
    told = {line.split()[0] for line in lines if line.startswith("  ")}
    assert set(catalogue()) <= told
    assert [line.split()[0] for line in lines[1:4]] == ["activation", "nps", "broken"]
    assert sum(line.split()[:1] == ["nps"] for line in lines) == 1  # the project's hides another
    assert main(["metrics", "show", "activation"]) == 0
    page = capsys.readouterr().out
    assert 'counts    Share of units with at least one "project_created" event.' in page
    assert "owner     growth" in page
    assert main(["metrics", "show", "broken"]) == 0
    assert "kind      average" in capsys.readouterr().out


def test_without_a_project_there_is_the_catalogue(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["metrics"]) == 0
    assert capsys.readouterr().out.startswith("activity\n")


def test_one_metric_is_shown_with_what_an_experiment_writes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["metrics", "show", "resurrected"]) == 0
    text = capsys.readouterr().out
    assert "Among units with no @active event (days 28 to 1 before exposure)." in text
    assert 'active = "its name in your log"' in text
    assert 'use = "resurrected"' in text
    assert main(["metrics", "show", "pages_per_session"]) == 0
    text = capsys.readouterr().out
    assert "to be said: which way is good depends on the product" in text
    assert 'direction = "increase"' in text


@pytest.mark.parametrize(
    ("given", "todo"),
    [
        (["show", "retained_weak_1"], 'Did you mean "retained_week_1"'),
        (["show", "zzz"], "All metrics: abtest metrics"),
        (["show"], "abtest metrics show ID"),
        (["list"], "abtest metrics show ID"),
    ],
)
def test_what_is_not_there_is_said_with_the_way_to_what_is(given, todo, capsys):
    assert main(["metrics", *given]) == 2
    assert todo in capsys.readouterr().err


def test_the_page_of_the_guide_is_that_of_the_command(capsys):
    assert main(["metrics", "--markdown"]) == 0
    assert PAGE.read_text(encoding="utf-8") == capsys.readouterr().out


def test_an_id_that_begins_as_asked_for_is_nearer_than_one_of_like_letters(capsys):
    assert main(["metrics", "show", "nps_score"]) == 2
    assert 'Did you mean "nps"?' in capsys.readouterr().err
