"""Differences of quantiles of times: against a loop in R, with their arms, and what is refused."""

import math
import re
import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import EventTimes, NotEstimable, compare_survival_quantiles, survival_curve

units = st.tuples(st.integers(1, 12).map(float), st.booleans())
arms = st.lists(units, min_size=3, max_size=30)
GOOD = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 0, 1, 1, 0, 1])


def columns(rows):
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


@pytest.fixture(scope="module")
def cases(reference):
    data = {case["name"]: case for case in reference("survival")["cases"]}
    found = []
    for want in reference("survival_quantiles")["cases"]:
        pair = [(arm["time"], arm["observed"]) for arm in data[want["name"]]["arms"]]
        found.append((want, pair))
    return found


def test_differences_and_p_agree_with_a_loop_over_all_pairs(cases):
    for want, pair in cases:
        got = compare_survival_quantiles(*pair, share=want["share"])
        assert (got.control_value, got.treatment_value) == (want["control"], want["treatment"])
        assert got.interval == (want["lower"], want["upper"]), want["name"]
        assert got.p_value == pytest.approx(want["p"], rel=1e-9)


def test_each_arm_by_itself_is_the_interval_of_quantile_survfit(cases):
    for want, pair in cases:
        got = compare_survival_quantiles(*pair, share=want["share"])
        control, treatment = want["arms"]
        curves = [survival_curve(arm).quantile(want["share"]) for arm in pair]
        for curve, limits in zip(curves, want["arms"], strict=True):
            for name in ("lower", "upper"):
                if limits[name] in (None, *pair[0][0], *pair[1][0]):  # else R takes a middle
                    assert getattr(curve, name) == limits[name]
        # wider than with one arm known, narrower than with the intervals of both
        upper = got.interval[1]
        assert upper is None or upper >= curves[1].upper - got.control_value
        if curves[1].upper is not None and curves[0].lower is not None:
            assert upper <= curves[1].upper - curves[0].lower
        assert (upper is None) == (treatment["upper"] is None)
        assert (got.interval[0] is None) == (control["upper"] is None)


def test_medians_of_freireich_are_as_published(cases):
    got = compare_survival_quantiles(*cases[1][1])
    assert (got.control_value, got.treatment_value) == (8.0, 23.0)  # Kleinbaum & Klein 2012


@given(
    arms,
    arms,
    st.sampled_from([0.2, 0.5]),
    st.sampled_from(["two-sided", "greater", "less"]),
    st.sampled_from([0.8, 0.95]),
)
def test_swapped_arms_turn_the_sign_and_p_and_intervals_are_one_test(
    first, second, share, alternative, level
):
    pair = columns(first), columns(second)
    turned = {"greater": "less", "less": "greater"}.get(alternative, alternative)
    asked = {"share": share, "confidence_level": level}
    try:
        got = compare_survival_quantiles(*pair, alternative=alternative, **asked)
    except NotEstimable:
        return
    back = compare_survival_quantiles(*pair[::-1], alternative=turned, **asked)
    assert back.estimate == -got.estimate
    assert back.p_value == pytest.approx(got.p_value, rel=1e-9)
    ends = [None if end is None else -end for end in back.interval[::-1]]
    assert list(got.interval) == ends
    summed = compare_survival_quantiles(
        *(EventTimes.from_values(*arm) for arm in pair), alternative=alternative, **asked
    )
    assert summed.to_dict() == got.to_dict()
    lower, upper = got.interval
    assert lower is None or lower <= got.estimate
    assert upper is None or upper >= got.estimate
    assume(abs(got.p_value - (1 - level)) > 1e-6)
    for effect in (got.absolute, got.relative):
        above = effect.lower is not None and effect.lower > 0
        below = effect.upper is not None and effect.upper < 0
        assert (above or below) == (got.p_value < 1 - level) or effect.status == "unbounded"


@given(arms, arms, st.sampled_from([0.5, 7.0, 86400.0, 2.0**40]))
def test_another_unit_of_time_changes_nothing_else(first, second, factor):
    pair = columns(first), columns(second)
    scaled = [(moments * factor, seen) for moments, seen in pair]
    try:
        got = compare_survival_quantiles(*pair)
    except NotEstimable as error:
        with pytest.raises(NotEstimable, match=re.escape(error.what)):
            compare_survival_quantiles(*scaled)
        return
    other = compare_survival_quantiles(*scaled)
    assert other.p_value == got.p_value
    assert other.estimate == pytest.approx(got.estimate * factor)
    for ours, theirs in zip(other.interval, got.interval, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or ours == pytest.approx(theirs * factor)


def test_delayed_entry_is_that_of_the_curves():
    rng = np.random.default_rng(2)
    pair = []
    for _ in range(2):
        entry = np.floor(rng.exponential(1.0, 80))
        pair.append((entry + np.ceil(rng.exponential(4.0, 80)), rng.random(80) < 0.8, entry))
    got = compare_survival_quantiles(*pair)
    medians = [survival_curve(arm).quantile().estimate for arm in pair]
    assert [got.control_value, got.treatment_value] == medians


def test_ten_million_units_on_days_cost_what_the_days_cost():
    rng = np.random.default_rng(5)
    share = np.full(400, 1 / 400)
    made = [
        EventTimes.from_table(
            np.arange(400.0),
            rng.multinomial(4_000_000, share),
            rng.multinomial(1_000_000, share),
        )
        for _ in range(2)
    ]
    started = time.perf_counter()
    got = compare_survival_quantiles(*made)
    assert time.perf_counter() - started < 0.1
    assert got.control_value == pytest.approx(400 * (1 - 0.5**1.25), abs=1)


def test_the_test_keeps_its_level_and_intervals_their_promise():
    rng = np.random.default_rng(21)
    runs, rejected, held = 400, 0, 0
    for _ in range(runs):
        pair = []
        for scale in (1.0, 1.5):
            event, lost = scale * rng.exponential(1.0, 120), rng.exponential(4.0, 120)
            pair.append((np.minimum(event, lost), event <= lost))
        got = compare_survival_quantiles(*pair)
        lower, upper = got.interval
        truth = 0.5 * math.log(2.0)
        held += (lower is None or lower <= truth) and (upper is None or truth <= upper)
        same = compare_survival_quantiles(pair[0], (pair[1][0] / 1.5, pair[1][1]))
        rejected += same.p_value < 0.05
    assert 3 <= rejected <= 0.05 * runs + 4 * math.sqrt(0.0475 * runs)
    assert 3 <= runs - held <= 0.05 * runs + 4 * math.sqrt(0.0475 * runs)


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [
        (([1.0], [1]), GOOD, "too_few_units"),
        (([], []), GOOD, "too_few_units"),
        (([1.0, 2.0, 3.0], [0, 0, 0]), GOOD, "not_reached"),
        (([1.0, 2.0, 3.0], [1, 0, 0]), GOOD, "not_reached"),
        (([-1.0, 2.0], [1, 1]), GOOD, "impossible_times"),
        (([1e-300] * 9, [1] * 9), ([1e300] * 9, [1] * 9), "not_finite"),
    ],
)
def test_arms_without_an_answer_say_why(control, treatment, code):
    with pytest.raises(NotEstimable) as error:
        compare_survival_quantiles(control, treatment)
    assert error.value.code == code


@pytest.mark.parametrize(
    "arguments",
    [
        {"share": 0.0},
        {"share": 1.0},
        {"share": 50},
        {"share": None},
        {"share": "0.5"},
        {"share": True},
        {"alternative": "later"},
        {"confidence_level": 95},
    ],
)
def test_arguments_are_checked(arguments):
    with pytest.raises(UsageError):
        compare_survival_quantiles(GOOD, GOOD, **arguments)
    with pytest.raises(UsageError):
        compare_survival_quantiles(GOOD[0], GOOD)


def test_arms_at_one_time_and_a_control_at_0_have_answers_that_say_so():
    at_once = ([1.0] * 20, [1] * 20)
    got = compare_survival_quantiles(at_once, at_once)
    assert (got.estimate, got.p_value, got.interval) == (0.0, 1.0, (None, None))
    zero = ([0.0] * 22 + [3.0] * 4 + [4.0] * 4, [1] * 30)
    later = ([4.0] * 15 + [5.0] * 10 + [6.0] * 5, [1] * 30)
    got = compare_survival_quantiles(zero, later)
    assert (got.control_value, got.relative.status) == (0.0, "undefined")
    assert got.interval == (4.0, 5.0)
    assert "no relative effect" in str(got)


def test_results_show_themselves():
    got = compare_survival_quantiles(GOOD, GOOD)
    assert str(got).startswith("Time by which 0.5 have had the event:")
    assert "su_wei" in got._repr_mimebundle_()[0]["text/html"]
    assert got.to_dict()["share"] == 0.5
    assert got.warnings == ("few_events",)
