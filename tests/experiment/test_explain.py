"""Every key is explained, with a type, a default and an example that is valid."""

from __future__ import annotations

import tomllib

import pytest

from abtest.errors import UsageError
from abtest.experiment.examples import (
    EVENTS_EXAMPLE,
    EVENTS_LIBRARY,
    EXAMPLES,
    TOTALS_EXAMPLE,
    UNITS_EXAMPLE,
)
from abtest.experiment.explain import explain, explanations
from abtest.experiment.resolve import resolve

from .spec_files import put


@pytest.mark.parametrize("key", explanations())
def test_every_key_has_a_meaning_a_type_and_an_example(key):
    entry = explain(key)
    assert entry.meaning
    assert entry.type
    assert entry.default
    assert entry.example
    tomllib.loads(entry.example)


def test_numbers_have_limits_and_words_are_listed():
    assert explain("analysis.alpha").allowed == "greater than 0, less than 1"
    assert explain("analysis.alpha").default == "0.05"
    assert explain("metrics.role").allowed == '"primary", "guardrail", "secondary", "diagnostic"'
    assert explain("data.kind").allowed == '"events", "units", "totals"'
    assert explain("metrics.kind").allowed == (
        '"mean", "proportion", "ratio", "quantile", "time_to_event", "score", "cumulative"'
    )


def test_keys_of_some_kinds_say_which():
    assert explain("data.exposures.first_event").kinds == ("events",)
    assert explain("data.variant").kinds == ("units",)
    assert explain("metrics.numerator").kinds == ("ratio",)
    assert explain("metrics.quantile").kinds == ("quantile",)
    assert explain("metrics.margin").kinds == ()


def test_positions_and_capitals_do_not_matter():
    assert explain("metrics[0].Margin") == explain("metrics.margin")


def test_an_unknown_key_is_answered_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        explain("analysis.aplha")
    assert '"analysis.alpha"' in caught.value.todo
    with pytest.raises(UsageError) as caught:
        explain("first_event")
    assert '"data.exposures.first_event"' in caught.value.todo


@pytest.mark.parametrize("key", ["metrics.cluster", "decision.rule", "analysis.looks", "plan"])
def test_a_reserved_key_is_not_yet(key):
    with pytest.raises(UsageError, match="not yet"):
        explain(key)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("onboarding_checklist", EVENTS_EXAMPLE),
        ("gate", UNITS_EXAMPLE),
        ("screener", TOTALS_EXAMPLE),
    ],
)
def test_the_examples_are_valid_experiments(name, text, tmp_path):
    put(tmp_path, text, name, metrics=EVENTS_LIBRARY)
    assert resolve(name, root=tmp_path).warnings == ()


def test_the_partial_examples_are_toml():
    for text in EXAMPLES:
        assert tomllib.loads(text)
