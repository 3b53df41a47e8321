"""`abtest schema` prints JSON, `abtest explain` a small page."""

from __future__ import annotations

import json

import pytest

from abtest.cli.app import main


@pytest.mark.parametrize("of", ["experiment", "verdict"])
def test_a_schema_is_json(of, capsys):
    assert main(["schema", of]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org")


def test_a_key_is_explained(capsys):
    assert main(["explain", "metrics.margin"]) == 0
    page = capsys.readouterr().out
    assert page.startswith("metrics.margin\n  Loss that is still acceptable")
    assert "example   margin = 0.08" in page


def test_without_a_key_all_are_listed(capsys):
    assert main(["explain"]) == 0
    listed = capsys.readouterr().out
    assert "analysis.alpha" in listed
    assert "metrics.use" in listed


def test_an_unknown_key_is_wrong_usage(capsys):
    assert main(["explain", "analysis.alhpa"]) == 2
    assert '"analysis.alpha"' in capsys.readouterr().err
