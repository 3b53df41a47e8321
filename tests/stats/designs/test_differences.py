"""Difference in differences: with R, for panels and for samples, and what was there before."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    ValueCounts,
    compare_difference_in_differences,
    compare_means,
)

CONTROL = [3.0, 4.0, 6.0, 9.0, 8.0], [4.0, 7.0, 6.5, 9.5, 11.0]
TREATMENT = [5.0, 2.0, 8.0], [6.0, 2.5, 12.0]
BOTH = pytest.mark.parametrize("same_units", [True, False], ids=["panel", "samples"])
cells = st.lists(st.integers(-30, 30), min_size=2, max_size=8)


def panel_of(draw_rows):
    return tuple(np.array(draw_rows, dtype=float).T)


rows = st.lists(st.tuples(*[st.integers(-30, 30)] * 3), min_size=2, max_size=8).filter(
    lambda found: len({c - b for _, b, c in found}) > 1 and len({b - a for a, b, _ in found}) > 1
)


def near(value, rel=1e-9):
    return pytest.approx(value, rel=rel, abs=1e-15)


def check_estimate(got, case):
    assert got.estimate == near(case["estimate"])
    assert got.p_value == near(case["p_value"])
    assert got.df == near(case["df"])
    assert [got.absolute.lower, got.absolute.upper] == near([case["lower"], case["upper"]])
    if case["fieller"] is None:
        assert got.relative.status == "two_rays"
        return
    assert [got.relative.lower, got.relative.upper] == near(case["fieller"], 1e-8)
    if got.control_value > 0.0:
        roots = [case["relative_lower"], case["relative_upper"]]
        assert [got.relative.lower, got.relative.upper] == near(roots, 1e-8)


def check_trend(got, case):
    if "placebos" not in case:
        assert got.pre_trend is None
        return
    found = got.pre_trend
    for one, want in zip(
        [*found.placebos, found.slope], [*case["placebos"], case["slope"]], strict=True
    ):
        assert one.effect.estimate == near(want["estimate"], 1e-8)
        assert one.effect.lower == near(want["lower"], 1e-8)
        assert one.p_value == near(want["p_value"], 1e-8)
    tests = [one["p_value"] for one in (*case["placebos"], case["slope"])]
    number = len(tests) if len(case["placebos"]) > 1 else 1
    assert found.p_value == near(min(1.0, number * min(tests)))
    assert ("trends_differ" in got.warnings) == (found.p_value < 0.05)


def test_panels_agree_with_r_scipy_and_robust_regression(reference):
    for case in reference("difference_in_differences")["panel"]:
        arms = case["control"], case["treatment"]
        got = compare_difference_in_differences(*arms, same_units=True)
        check_estimate(got, case)
        check_trend(got, case)
        assert got.estimate == near(case["lm_estimate"])
        assert got.estimate / got.statistic == near(case["se_cr2"])
        assert got.p_value == near(case["scipy"]["p_value"])
        less = compare_difference_in_differences(*arms, same_units=True, alternative="less")
        assert less.p_value == near(case["less"])


def test_samples_agree_with_regressions_of_r_and_statsmodels(reference):
    for case in reference("difference_in_differences")["samples"]:
        arms = case["control"], case["treatment"]
        got = compare_difference_in_differences(*arms, same_units=False)
        check_estimate(got, case)
        check_trend(got, case)
        assert got.estimate == near(case["lm_estimate"])
        for error in (case["lm_se_hc2"], case["statsmodels"]["se"]):
            assert got.estimate / got.statistic == near(error)


def test_the_minimum_wage_of_new_jersey(reference):
    """Card and Krueger's table gives means and errors alone: moments made of them."""
    case = reference("difference_in_differences")["published"]
    arms = []
    for name in ("control", "treatment"):
        n, one = case[name]["n"], case[name]
        variances = [n * one[key][1] ** 2 for key in ("before", "after", "change")]
        both = (variances[0] + variances[1] - variances[2]) / 2.0
        m2 = (n - 1) * np.array([[variances[0], both], [both, variances[1]]])
        arms.append(Moments(n, np.array([one["before"][0], one["after"][0]]), m2))
    got = compare_difference_in_differences(*arms, same_units=True)
    assert got.estimate == pytest.approx(case["difference"][0], abs=0.011)
    assert got.estimate / got.statistic == pytest.approx(case["difference"][1], abs=0.005)


def test_the_expected_mean_is_the_own_past_and_the_change_of_the_others():
    for same_units in (True, False):
        got = compare_difference_in_differences(CONTROL, TREATMENT, same_units=same_units)
        want = np.mean(TREATMENT[0]) + np.mean(CONTROL[1]) - np.mean(CONTROL[0])
        assert got.control_value == pytest.approx(want)
        assert got.treatment_value == pytest.approx(np.mean(TREATMENT[1]))
        assert got.means["treatment_before"] == 5.0
        assert got.relative.estimate == pytest.approx(got.estimate / want)
    assert (got.n_control, got.n_treatment) == (10, 6)


@given(rows, rows, st.sampled_from(["two-sided", "greater", "less"]), st.booleans())
def test_p_and_interval_are_one_test_and_groups_may_trade_places(first, second, side, same_units):
    arms = panel_of(first)[1:], panel_of(second)[1:]
    options = {"same_units": same_units}
    got = compare_difference_in_differences(*arms, alternative=side, **options)
    low, high = got.interval
    if abs(got.p_value - 0.05) > 1e-9:
        excluded = (low is not None and low > 0.0) or (high is not None and high < 0.0)
        assert excluded == (got.p_value < 0.05)
    swapped = {"two-sided": "two-sided", "greater": "less", "less": "greater"}[side]
    back = compare_difference_in_differences(*arms[::-1], alternative=swapped, **options)
    assert back.p_value == pytest.approx(got.p_value, rel=1e-9)
    assert back.estimate == pytest.approx(-got.estimate, rel=1e-9, abs=1e-12)


@given(rows, rows, st.booleans(), st.integers(-5, 5), st.integers(-5, 5))
def test_levels_of_groups_and_of_periods_fall_out(first, second, same_units, group, period):
    """A level of one group, or a change in one period that both have, is no effect."""
    control, treatment = panel_of(first), panel_of(second)
    want = compare_difference_in_differences(control, treatment, same_units=same_units)
    moved = [
        np.array([0.0, 3.0 * period, period])[:, None] + np.array(arm)
        for arm in (control, treatment)
    ]
    got = compare_difference_in_differences(
        list(moved[0]), list(moved[1] + group), same_units=same_units
    )
    assert got.estimate == pytest.approx(want.estimate, rel=1e-9, abs=1e-10)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-7)
    slopes = [one.pre_trend.slope for one in (got, want)]
    assert slopes[0].effect.estimate == pytest.approx(slopes[1].effect.estimate, abs=1e-10)


@given(rows, rows, st.integers(0, 8))
def test_moments_of_any_partition_give_the_same_answer(first, second, cut):
    control, treatment = np.array(panel_of(first)), np.array(panel_of(second))

    def merged(arm):
        return Moments.from_columns(list(arm[:, :cut])) + Moments.from_columns(list(arm[:, cut:]))

    want = compare_difference_in_differences(list(control), list(treatment), same_units=True)
    got = compare_difference_in_differences(merged(control), merged(treatment), same_units=True)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.estimate == pytest.approx(want.estimate, rel=1e-9, abs=1e-12)
    assert got.pre_trend.p_value == pytest.approx(want.pre_trend.p_value, rel=1e-9)


@given(st.tuples(*[cells] * 4).filter(lambda found: any(len(set(one)) > 1 for one in found)))
def test_values_moments_and_value_counts_give_the_same_answer(four):
    answers = [
        compare_difference_in_differences(
            [make(four[0]), make(four[1])], [make(four[2]), make(four[3])], same_units=False
        )
        for make in (
            np.array,
            lambda one: Moments.from_columns([one]),
            ValueCounts.from_values,
        )
    ]
    for got in answers[1:]:
        assert got.p_value == pytest.approx(answers[0].p_value, rel=1e-9)
        assert got.estimate == pytest.approx(answers[0].estimate, rel=1e-9, abs=1e-12)


def test_a_group_without_a_past_of_its_own_is_a_plain_comparison():
    rng = np.random.default_rng(3)
    changes = rng.normal(size=(2, 40))
    got = compare_difference_in_differences(
        (np.zeros(40), changes[0]), (np.zeros(40), changes[1]), same_units=True
    )
    want = compare_means(*changes)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-12)


def test_units_need_a_value_in_every_period():
    control = ([1.0, 2.0, 3.0, None], [2.0, None, 5.0, 6.0], [3.0, 3.0, 9.0, 7.0])
    got = compare_difference_in_differences(control, (*TREATMENT, [7.0, 3.0, 9.0]), same_units=True)
    assert (got.n_control, got.nulls_control, got.nulls_treatment) == (2, 2, 0)
    samples = compare_difference_in_differences(
        control, (*TREATMENT, [7.0, 3.0, 9.0]), same_units=False
    )
    assert (samples.n_control, samples.nulls_control) == (7, 2)


def test_a_trend_seen_without_error_is_said():
    control = [1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [3.0, 5.0, 6.0]
    treatment = [1.0, 2.0, 3.0], [5.0, 6.0, 7.0], [3.0, 5.0, 9.0]
    got = compare_difference_in_differences(control, treatment, same_units=True)
    assert got.pre_trend is None
    assert got.warnings == ("trends_differ",)
    same = compare_difference_in_differences(
        control, (control[0], control[1], treatment[2]), same_units=True
    )
    assert same.warnings == ()


def test_what_is_small_beside_the_values_keeps_its_digits():
    far = [tuple(np.array(column) + 1e9 for column in arm) for arm in (CONTROL, TREATMENT)]
    for same_units in (True, False):
        got = compare_difference_in_differences(*far, same_units=same_units)
        want = compare_difference_in_differences(CONTROL, TREATMENT, same_units=same_units)
        assert got.p_value == pytest.approx(want.p_value, rel=1e-6)
    assert got.estimate == pytest.approx(want.estimate, rel=1e-6)


@BOTH
@pytest.mark.parametrize(
    ("group", "code"),
    [
        (([], []), "too_few_units"),
        (([1.0], [2.0]), "too_few_units"),
        (([1.0, math.inf, 2.0], [2.0, 3.0, 1.0]), "not_finite"),
        (([1e300, -1e300, 1.0], [3.0, 4.0, 9.0]), "not_finite"),
        (([1e-170, 2e-170], [4e-170, 9e-170]), "too_small"),
        (([None, None, None], [1.0, 2.0, 3.0]), "too_few_units"),
    ],
)
def test_groups_that_cannot_answer_say_why(group, code, same_units):
    for arms in ((group, TREATMENT), (CONTROL, group)):
        with pytest.raises(NotEstimable) as caught:
            compare_difference_in_differences(*arms, same_units=same_units)
        assert caught.value.code == code


def test_groups_that_do_not_vary_are_constant():
    flat = [2.0] * 4, [3.0] * 4
    for same_units in (True, False):
        with pytest.raises(NotEstimable) as caught:
            compare_difference_in_differences(flat, flat, same_units=same_units)
        assert caught.value.code == "constant"
        one = compare_difference_in_differences(flat, CONTROL, same_units=same_units)
        assert one.warnings == ("constant_arm",)


@BOTH
@pytest.mark.parametrize(
    "group",
    [
        None,
        3.0,
        "ab",
        ([1.0, 2.0],),
        ([1.0, 2.0], [1.0, 2.0], [1.0, 3.0]),
        (["a", "b"], [1.0, 2.0]),
        ([[1.0, 2.0]], [[1.0, 2.0]]),
        {"a": [1.0], "b": [2.0]},
        Moments.from_columns([[1.0, 2.0, 4.0]]),
        np.ones((2, 3)),
    ],
)
def test_what_are_no_periods_is_refused(group, same_units):
    with pytest.raises(UsageError):
        compare_difference_in_differences(CONTROL, group, same_units=same_units)


def test_moments_and_samples_that_do_not_fit_are_refused():
    joint = Moments.from_columns(list(CONTROL))
    with pytest.raises(UsageError):
        compare_difference_in_differences(joint, joint, same_units=False)
    with pytest.raises(UsageError):
        compare_difference_in_differences((joint, joint), CONTROL, same_units=False)
    with pytest.raises(UsageError, match="same units"):
        compare_difference_in_differences((CONTROL[0], CONTROL[1][:3]), CONTROL, same_units=True)


@pytest.mark.parametrize(
    "options",
    [
        {"same_units": None},
        {"same_units": 1},
        {"same_units": True, "confidence_level": 95},
        {"same_units": False, "alternative": "up"},
        {"same_units": True, "confidence_level": 0.2, "alternative": "less"},
    ],
)
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(UsageError):
        compare_difference_in_differences(CONTROL, TREATMENT, **options)


def test_readers_are_told_what_is_assumed():
    got = compare_difference_in_differences(
        (CONTROL[0], *CONTROL), (TREATMENT[1], *TREATMENT), same_units=False
    )
    shown = got._repr_mimebundle_()[0]
    for text in (str(got), shown["text/html"], shown["text/markdown"]):
        assert "would have moved by the same amount" in text
        assert "trend for one period" in text
    assert got.to_dict()["pre_trend"]["slope"]["name"] == "slope"
