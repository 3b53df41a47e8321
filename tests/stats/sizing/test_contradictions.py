"""Settings that cannot hold together are refused, with what is possible instead."""

import pytest

from abtest.errors import UsageError
from abtest.stats import (
    DecisionRule,
    MeansDesign,
    ProportionsDesign,
    RateDesign,
    RatioDesign,
    sample_size,
)

KINDS = {
    "means": lambda **settings: MeansDesign(mean=2.0, sd=1.0, **settings),
    "proportions": lambda **settings: ProportionsDesign(0.3, **settings),
    "rates": lambda **settings: RateDesign(0.5, **settings),
    "ratios": lambda **settings: RatioDesign(1.0, 2.0, 1.0, 1.0, 0.1, **settings),
}


def refusal(build, *args, **settings):
    with pytest.raises(UsageError) as caught:
        build(*args, **settings)
    error = caught.value
    assert error.what
    assert error.given
    assert error.todo
    return error


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("test", "rule", "words"),
    [
        ("superiority", DecisionRule(0, 2), "success metric"),
        ("non_inferiority", DecisionRule(1, 0), "guardrail"),
        ("equivalence", DecisionRule(3, 0), "guardrail"),
    ],
)
def test_a_metric_that_its_rule_does_not_count_is_refused(kind, test, rule, words):
    margin = None if test == "superiority" else 0.1
    error = refusal(KINDS[kind], test=test, margin=margin, rule=rule)
    assert words in error.what
    assert f"guardrails={rule.guardrails}" in error.given


@pytest.mark.parametrize("kind", KINDS)
def test_a_metric_that_its_rule_counts_is_planned(kind):
    KINDS[kind](rule=DecisionRule(1, 0))
    KINDS[kind](rule=DecisionRule(0, 1), test="non_inferiority", margin=0.1)
    KINDS[kind](rule=DecisionRule(2, 1), test="equivalence", margin=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("direction", "alternative"), [("decrease", "greater"), ("increase", "less")]
)
def test_a_direction_against_the_alternative_is_refused(kind, direction, alternative):
    error = refusal(KINDS[kind], direction=direction, alternative=alternative)
    assert "contradict" in error.what


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, "increase"),
        ({"alternative": "greater"}, "increase"),
        ({"alternative": "less"}, "decrease"),
        ({"alternative": "less", "direction": "decrease"}, "decrease"),
        ({"direction": "decrease"}, "decrease"),
    ],
)
def test_a_direction_that_is_left_out_is_that_of_the_alternative(kind, given, kept):
    design = KINDS[kind](**given)
    effect = 0.1 if kept == "increase" else -0.1
    assert design.direction == kept
    assert sample_size(design, effect=effect).direction == kept
    assert design.over(alpha=[0.01, 0.05]).design.direction == kept


@pytest.mark.parametrize(
    ("baseline", "settings", "possible"),
    [
        (0.02, {"test": "non_inferiority", "margin": 0.05}, "below 0.02 for a fall."),
        (0.02, {"test": "non_inferiority", "margin": 0.02}, "below 0.02 for a fall."),
        (0.99, {"test": "non_inferiority", "margin": 0.05, "direction": "decrease"},
         "below 0.01 for a rise."),
        (0.02, {"test": "equivalence", "margin": 0.05},
         "below 0.02 for a fall and below 0.98 for a rise; margin=(fall, rise) sets each."),
        (0.99, {"test": "equivalence", "margin": 0.05}, "below 0.01 for a rise;"),
        (0.2, {"test": "equivalence", "margin": 0.9}, "below 0.2 for a fall"),
        (0.99, {"test": "equivalence", "margin": (0.05, 0.02)}, "below 0.01 for a rise;"),
        (0.8, {"test": "equivalence", "margin": 0.3, "relative": True},
         "below 1 for a fall and below 0.25 for a rise;"),
        (0.8, {"test": "non_inferiority", "margin": 0.25, "relative": True,
               "direction": "decrease"}, "below 0.25 for a rise."),
        ([0.5, 0.02], {"test": "non_inferiority", "margin": 0.05}, "below 0.02 for a fall."),
    ],
)  # fmt: skip
def test_a_margin_that_no_proportion_can_exceed_is_refused(baseline, settings, possible):
    error = refusal(ProportionsDesign, baseline, **settings)
    assert "show nothing" in error.what
    assert "baseline of 0.02 to 0.5" in error.given or isinstance(baseline, float)
    assert possible in error.todo


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("margin", [1.0, 1.5, (1.0, 0.1)])
def test_a_fall_by_all_of_the_baseline_is_refused(kind, margin):
    tests = ["equivalence"] if isinstance(margin, tuple) else ["equivalence", "non_inferiority"]
    for test in tests:
        error = refusal(KINDS[kind], test=test, margin=margin, relative=True)
        assert "below 1" in error.what


def test_a_rate_may_rise_by_more_than_its_baseline_but_not_fall():
    RateDesign(0.5, test="equivalence", margin=(0.4, 0.9))
    RateDesign(0.5, test="non_inferiority", margin=1.5, relative=True, direction="decrease")
    assert "below 0.5" in refusal(RateDesign, 0.5, test="equivalence", margin=0.5).todo


def test_margins_within_reach_are_planned():
    for settings in (
        {"baseline": 0.02, "test": "non_inferiority", "margin": 0.019},
        {"baseline": 0.02, "test": "non_inferiority", "margin": 0.05, "direction": "decrease"},
        {"baseline": 0.02, "test": "equivalence", "margin": (0.015, 0.05)},
        {"baseline": 0.8, "test": "equivalence", "margin": (0.3, 0.2), "relative": True},
    ):
        assert sample_size(ProportionsDesign(**settings), effect=0.0).power >= 0.8
