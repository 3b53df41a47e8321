import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, compare_means, estimate_means

ALTERNATIVES = ("two-sided", "greater", "less")
samples = st.lists(st.integers(-50, 50), min_size=2, max_size=20).filter(lambda v: len(set(v)) > 1)


def test_welch_agrees_with_scipy(reference):
    for case in reference("welch")["cases"]:
        for alternative, expected in case["alternatives"].items():
            got = compare_means(
                case["control"],
                case["treatment"],
                alternative=alternative,
                confidence_level=0.9,
            )
            assert got.p_value == pytest.approx(expected["p_value"], rel=1e-10), case["name"]
            assert got.df == pytest.approx(expected["df"], rel=1e-12)
            assert got.statistic == pytest.approx(expected["statistic"], rel=1e-12)
            limits = (got.absolute.lower, got.absolute.upper)
            for limit, want in zip(limits, (expected["lower"], expected["upper"]), strict=True):
                assert limit == (want if want is None else pytest.approx(want, rel=1e-9))


def test_cookie_cats_retention_is_reproduced():
    control, treatment = Moments.from_counts(44_700, 8_502), Moments.from_counts(45_489, 8_279)
    got = compare_means(control, treatment)
    assert got.method == "welch"
    assert got.p_value == pytest.approx(0.00156, abs=5e-6)
    assert got.log10_p == pytest.approx(math.log10(got.p_value))
    assert got.absolute.estimate == pytest.approx(-0.0082, abs=5e-5)
    assert (got.absolute.lower, got.absolute.upper) == pytest.approx((-0.0133, -0.0031), abs=5e-5)
    assert (got.relative.lower, got.relative.upper) == pytest.approx((-0.0689, -0.0166), abs=5e-5)


def test_arrays_and_their_moments_give_the_same_answer():
    rng = np.random.default_rng(3)
    control, treatment = rng.normal(5, 2, 40), rng.normal(6, 3, 30)
    from_arrays = compare_means(control, treatment)
    merged = Moments.from_columns([treatment[:11]]) + Moments.from_columns([treatment[11:]])
    from_moments = compare_means(Moments.from_columns([control]), merged)
    assert from_moments.p_value == pytest.approx(from_arrays.p_value, rel=1e-12)


def test_nulls_are_left_out_counted_and_do_not_narrow_the_interval():
    control, treatment = [1.0, 2.0, 4.0, 3.0], [2.0, 5.0, 4.0, 6.0]
    complete = compare_means(control, treatment)
    holed = compare_means([*control, *[None] * 12], [*treatment, *[float("nan")] * 12])
    assert holed.p_value == complete.p_value
    assert (holed.n_control, holed.nulls_control, holed.nulls_treatment) == (4, 12, 12)


@given(samples, samples)
def test_swapping_the_arms_turns_the_effect(a, b):
    forward, backward = compare_means(a, b), compare_means(b, a)
    assert forward.absolute.estimate == pytest.approx(-backward.absolute.estimate)
    assert forward.absolute.lower == pytest.approx(-backward.absolute.upper, abs=1e-9)
    assert forward.p_value == pytest.approx(backward.p_value)


@given(samples, samples, st.integers(-1000, 1000))
def test_shifting_both_arms_changes_no_absolute_statement(a, b, shift):
    before = compare_means(a, b)
    after = compare_means([v + shift for v in a], [v + shift for v in b])
    assert after.absolute.estimate == pytest.approx(before.absolute.estimate, abs=1e-9)
    assert after.p_value == pytest.approx(before.p_value, rel=1e-6)


@given(samples, samples, st.sampled_from([1e-6, 0.5, 1e6]))
def test_scaling_both_arms_changes_no_relative_statement(a, b, scale):
    before = compare_means(a, b)
    after = compare_means([v * scale for v in a], [v * scale for v in b])
    assert after.p_value == pytest.approx(before.p_value, rel=1e-9)
    assert after.relative.status == before.relative.status
    if before.relative.status == "bounded":
        assert after.relative.lower == pytest.approx(before.relative.lower, rel=1e-6, abs=1e-9)


@given(samples, samples)
def test_a_significant_difference_is_one_whose_intervals_leave_out_zero(a, b):
    got = compare_means(a, b)
    if abs(got.p_value - 0.05) < 1e-9:
        return
    outside = not got.absolute.lower <= 0 <= got.absolute.upper
    assert outside == (got.p_value < 0.05)
    if got.relative.status == "bounded":
        assert outside == (not got.relative.lower <= 0 <= got.relative.upper)


def test_one_constant_arm_leaves_the_others_degrees_of_freedom():
    assert compare_means([2.0] * 5, [1.0, 2.0, 6.0]).df == pytest.approx(2.0)
    assert compare_means([1.0, 2.0, 6.0, 7.0], [2.0] * 5).df == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [
        ([1.0, 1.0], [2.0, 2.0, 2.0], "constant"),
        ([0.1] * 9, [0.3] * 7, "constant"),
        ([1.0], [2.0, 3.0], "too_few_units"),
        ([], [2.0, 3.0], "too_few_units"),
        ([float("nan")] * 5, [2.0, 3.0], "too_few_units"),
        ([1.0, math.inf], [2.0, 3.0], "not_finite"),
        ([1.0, 1e200], [2.0, 3.0], "not_finite"),
        ([1.0, math.inf, -math.inf], [2.0, 3.0], "not_finite"),
    ],
)
def test_what_cannot_be_estimated_says_why(control, treatment, code):
    with pytest.raises(NotEstimable) as error:
        compare_means(control, treatment)
    assert error.value.code == code


def test_infinite_sums_from_a_database_are_not_finite():
    moments = Moments.from_pilot_sums(5, [0.0], [math.inf], [[math.inf]])
    with pytest.raises(NotEstimable, match="infinite"):
        estimate_means([moments], [Moments.from_counts(5, 2)], adjusted=False)


@pytest.mark.parametrize(
    "arguments", [{"alternative": "two_sided"}, {"confidence_level": 95}, {"confidence_level": 0.0}]
)
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(UsageError):
        compare_means([1.0, 2.0], [2.0, 4.0], **arguments)


def test_differing_phases_and_missing_variables_are_refused():
    one = Moments.from_counts(10, 5)
    with pytest.raises(UsageError, match="phases"):
        estimate_means([one, one], [one], adjusted=False)
    with pytest.raises(UsageError, match="variable"):
        estimate_means([one], [one], adjusted=True)
