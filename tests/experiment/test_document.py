"""The lists of codes in the schema, and that every one of them has words for readers."""

from __future__ import annotations

from typing import get_args

from abtest.checks.result import CheckName
from abtest.experiment import document
from abtest.experiment.headline import FAILURES
from abtest.show.effect_words import NOT_COMPUTED, WARNINGS
from abtest.show.words import CHECK_NAMES, METHODS
from abtest.stats.results import PairMethod


def codes(kind):
    """Flatten a union of literals."""
    found = []
    for part in get_args(kind):
        found += codes(part) if get_args(part) else [part]
    return set(found)


def test_every_code_of_the_schema_has_words():
    assert codes(document.NotComputedReason) == set(NOT_COMPUTED)
    assert codes(document.WarningCode) == set(WARNINGS)
    assert codes(PairMethod) == set(METHODS)
    assert codes(CheckName) == set(CHECK_NAMES)


def test_every_check_that_can_fail_has_a_headline():
    failing = {"sample_ratio_mismatch", "allocation_drifted", "crossover_many"}
    failing |= {"crossover_unequal", "units_too_few", "variants_unknown_many"}
    assert set(FAILURES) == failing
    assert failing < codes(document.CheckCode)


def test_the_json_schema_lists_the_codes():
    schema = str(document.VerdictDocument.model_json_schema())
    for code in codes(document.NotComputedReason) | codes(document.CheckCode):
        assert f"'{code}'" in schema
