"""Two conditions on the same units: with R, within any partition, whatever the order."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, compare_crossover_means, compare_paired_means

GOOD = [3.0, 4.0, 6.0, 9.0, 8.0], [4.0, 7.0, 6.5, 9.5, 11.0]
OTHER = [5.0, 2.0, 8.0], [6.0, 2.5, 12.0]
whole = st.integers(-30, 30)
pairs = st.lists(st.tuples(whole, whole), min_size=2, max_size=12).filter(
    lambda rows: len({t - c for c, t in rows}) > 1
)
SIDES = st.sampled_from(["two-sided", "greater", "less"])


def columns(rows):
    return tuple(np.array(rows, dtype=float).T)


def near(value, rel=1e-9):
    return pytest.approx(value, rel=rel, abs=1e-15)


def test_paired_means_agree_with_r_and_scipy(reference):
    for case in reference("paired_means")["cases"]:
        sample, level = (case["control"], case["treatment"]), case["level"]
        got = compare_paired_means(sample, confidence_level=level)
        for source in (case, case["scipy"]):
            assert got.p_value == near(source["p_value"])
            assert got.statistic == near(source["statistic"])
            assert got.absolute.lower == near(source["lower"])
        assert got.estimate == near(case["estimate"])
        assert got.absolute.upper == near(case["upper"])
        assert got.df == case["df"]
        assert got.details["correlation"] == near(case["correlation"])
        up = compare_paired_means(sample, alternative="greater", confidence_level=level)
        assert up.p_value == near(case["greater"])
        assert (up.absolute.lower, up.absolute.upper) == (near(case["greater_lower"]), None)


def test_ratios_of_paired_means_keep_the_covariance(reference):
    for case in reference("paired_means")["cases"]:
        sample = case["control"], case["treatment"]
        got = compare_paired_means(sample, confidence_level=case["level"]).relative
        if case["fieller"] is None:
            assert got.status == "two_rays"
            continue
        assert [got.lower, got.upper] == near(case["fieller"], 1e-8)
        if "far from 0" not in case["name"]:  # there R has seven digits of the ratio
            assert got.lower == near(case["relative_lower"], 1e-8)
            assert got.upper == near(case["relative_upper"], 1e-8)


def test_crossovers_agree_with_r_scipy_and_regression(reference):
    for case in reference("crossover")["cases"]:
        got = compare_crossover_means(case["control_first"], case["treatment_first"])
        assert got.estimate == near(case["estimate"], 1e-8)
        assert got.p_value == near(case["p_value"])
        assert got.p_value == near(case["scipy"]["p_value"])
        assert got.df == near(case["df"])
        error = got.estimate / got.statistic
        assert error == near(case["se_hc2"])
        assert error == near(case["statsmodels"]["se"])
        assert [got.absolute.lower, got.absolute.upper] == near([case["lower"], case["upper"]])
        assert got.period.effect.estimate == near(case["period"], 1e-8)
        assert got.period.effect.lower == near(case["period_lower"])
        assert got.period.p_value == near(case["period_p"])
        assert got.carry_over.effect.estimate == near(case["carry"])
        assert got.carry_over.effect.lower == near(case["carry_lower"])
        assert got.carry_over.p_value == near(case["scipy"]["carry_p"])
        assert ("carry_over" in got.warnings) == (case["carry_p"] < 0.05)
        if got.relative.status == "bounded" and got.control_value > 0.0:
            limits = [case["relative_lower"], case["relative_upper"]]
            assert [got.relative.lower, got.relative.upper] == near(limits, 1e-8)


def test_the_published_estimate_of_a_crossover(reference):
    """Senn: 46.6 litres a minute, whatever the orders' sizes; the plain mean would say 45.4."""
    case = reference("crossover")["cases"][0]
    arms = case["control_first"], case["treatment_first"]
    assert round(compare_crossover_means(*arms).estimate, 1) == 46.6
    together = [np.concatenate(column) for column in zip(*arms, strict=True)]
    assert round(compare_paired_means(together).estimate, 1) == 45.4


@given(pairs, SIDES)
def test_p_and_interval_are_one_test_and_conditions_may_trade_places(rows, side):
    control, treatment = columns(rows)
    got = compare_paired_means((control, treatment), alternative=side)
    low, high = got.interval
    assert low is None or low <= got.estimate
    assert high is None or got.estimate <= high
    if abs(got.p_value - 0.05) > 1e-9:
        excluded = (low is not None and low > 0.0) or (high is not None and high < 0.0)
        assert excluded == (got.p_value < 0.05)
    swapped = {"two-sided": "two-sided", "greater": "less", "less": "greater"}[side]
    back = compare_paired_means((treatment, control), alternative=swapped)
    assert back.p_value == pytest.approx(got.p_value, rel=1e-9)
    assert back.estimate == pytest.approx(-got.estimate, rel=1e-9, abs=1e-12)


@given(pairs, st.randoms(), st.sampled_from([0.01, 1.0, 250.0]), st.sampled_from([0.0, 7.0]))
def test_order_unit_and_level_do_not_matter(rows, random, scale, shift):
    got = compare_paired_means(columns(rows))
    mixed = random.sample(rows, len(rows))
    control, treatment = columns(mixed)
    other = compare_paired_means((scale * control + shift, scale * treatment + shift))
    assert other.p_value == pytest.approx(got.p_value, rel=1e-7)
    assert other.estimate == pytest.approx(scale * got.estimate, rel=1e-7, abs=1e-9)


@given(pairs, st.integers(0, 12))
def test_moments_of_any_partition_give_the_same_answer(rows, cut):
    control, treatment = columns(rows)
    parts = [
        Moments.from_columns([control[part], treatment[part]])
        for part in (slice(None, cut), slice(cut, None))
    ]
    want, got = (
        compare_paired_means((control, treatment)),
        compare_paired_means(parts[0] + parts[1]),
    )
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.estimate == pytest.approx(want.estimate, rel=1e-9, abs=1e-12)
    assert got.relative.status == want.relative.status
    assert got.n_control == want.n_control == len(rows)


@given(pairs, pairs)
def test_a_crossover_does_not_feel_the_second_period(first, second):
    """What the second period adds to all values changes neither estimate nor error."""
    (c1, t1), (c2, t2) = columns(first), columns(second)
    want = compare_crossover_means((c1, t1), (c2, t2))
    got = compare_crossover_means((c1, t1 + 5.0), (c2 + 5.0, t2))
    assert got.estimate == pytest.approx(want.estimate, rel=1e-9, abs=1e-12)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-7)
    assert got.period.effect.estimate == pytest.approx(want.period.effect.estimate + 5.0)


def test_equal_orders_are_paired_means_without_the_period():
    rng = np.random.default_rng(4)
    base = rng.normal(10.0, 3.0, (2, 50))
    arms = [(row, row + 1.0 + rng.normal(0.0, 1.0, 50)) for row in base]
    got = compare_crossover_means(*arms)
    plain = compare_paired_means([np.concatenate(part) for part in zip(*arms, strict=True)])
    assert got.estimate == pytest.approx(plain.estimate, rel=1e-12)
    assert (got.n_control, got.n_treatment) == (100, 100)


def test_units_without_both_values_are_left_out_and_counted():
    control, treatment = [1.0, None, 3.0, 5.0, math.nan], [2.0, 4.0, None, 9.0, math.nan]
    got = compare_paired_means((control, treatment))
    assert (got.n_control, got.nulls_control, got.nulls_treatment) == (2, 3, 3)
    want = compare_paired_means(([1.0, 5.0], [2.0, 9.0]))
    assert got.p_value == want.p_value
    frame = pd.DataFrame({"c": control, "t": treatment})
    assert compare_paired_means((frame["c"], frame["t"])).p_value == want.p_value


def test_pairing_takes_away_what_units_differ_in():
    rng = np.random.default_rng(7)
    level = rng.lognormal(3.0, 1.0, 200)
    got = compare_paired_means((level, level + 0.5 + rng.normal(0.0, 1.0, 200)))
    assert got.p_value < 1e-6
    assert got.details["correlation"] > 0.99


def test_what_is_small_beside_the_values_keeps_its_digits():
    level, change = np.arange(6.0), np.array([1.0, 0.0, 2.0, 1.0, 1.0, 3.0])
    got = compare_paired_means((1e9 + level, 1e9 + level + change))
    want = compare_paired_means((level, level + change))
    assert got.absolute == want.absolute
    assert got.p_value == want.p_value


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (([], []), "too_few_units"),
        (([1.0], [2.0]), "too_few_units"),
        (([1.0, None], [2.0, 3.0]), "too_few_units"),
        (([1.0, 2.0, 5.0], [2.0, 3.0, 6.0]), "constant"),
        (([0.1, 0.2, 0.3], [0.2, 0.3, 0.4]), "constant"),  # whatever the rounding
        (([1e9, 1e9 + 0.1], [1e9 + 0.7, 1e9 + 0.8]), "constant"),
        (([0.0] * 4, [0.0] * 4), "constant"),
        (([1.0, math.inf], [2.0, 3.0]), "not_finite"),
        (([1e300, -1e300, 1.0], [3.0, 4.0, 9.0]), "not_finite"),
        (([1e308, -1e308, 1.0], [-1e308, 1e308, 9.0]), "not_finite"),
        (([1e-170, 2e-170], [4e-170, 9e-170]), "too_small"),
        (Moments.from_columns([[1.0, 2.0, 5.0], [2.0, 3.0, 6.0]]), "constant"),
        (Moments(0, np.zeros(2), np.zeros((2, 2))), "too_few_units"),
    ],
)
def test_pairs_that_cannot_answer_say_why(sample, code):
    calls = [compare_paired_means]
    if code != "constant":  # which the other order can still tell
        calls += [
            lambda pair: compare_crossover_means(pair, OTHER),
            lambda pair: compare_crossover_means(OTHER, pair),
        ]
    calls.append(lambda pair: compare_crossover_means(pair, pair))
    for call in calls:
        with pytest.raises(NotEstimable) as caught:
            call(sample)
        assert caught.value.code in (code, "constant")


@pytest.mark.parametrize(
    "sample",
    [
        None,
        3.0,
        "ab",
        [1.0, 2.0, 3.0],
        ([1.0, 2.0],),
        ([1.0, 2.0], [1.0, 2.0, 3.0]),
        (["a", "b"], [1.0, 2.0]),
        ([[1.0, 2.0]], [[1.0, 2.0]]),
        {"a": [1.0], "b": [2.0]},
        Moments.from_columns([[1.0, 2.0, 4.0]]),
        Moments.from_columns([[1.0, 2.0, 4.0]] * 3),
    ],
)
def test_what_is_no_pair_of_columns_is_refused(sample):
    with pytest.raises(UsageError):
        compare_paired_means(sample)
    with pytest.raises(UsageError):
        compare_crossover_means(GOOD, sample)


@pytest.mark.parametrize(
    "options",
    [
        {"confidence_level": 0.0},
        {"confidence_level": 1.0},
        {"confidence_level": None},
        {"confidence_level": 0.3, "alternative": "greater"},
        {"alternative": "up"},
    ],
)
def test_arguments_out_of_range_are_refused(options):
    with pytest.raises(UsageError):
        compare_paired_means(GOOD, **options)
    with pytest.raises(UsageError):
        compare_crossover_means(GOOD, OTHER, **options)


def test_readers_are_told_of_period_and_carry_over():
    got = compare_crossover_means(GOOD, OTHER)
    assert "second period" in str(got)
    assert "carry-over of treatment" in str(got)
    shown = got._repr_mimebundle_()[0]
    assert "second period" in shown["text/html"]
    assert got.to_dict()["carry_over"]["name"] == "carry_over"


def test_tests_at_five_per_cent_reject_in_five_per_cent():
    rng = np.random.default_rng(12)
    rejected = np.zeros(2)
    for _ in range(600):
        unit = rng.exponential(2.0, 30)
        values = unit + rng.normal(0.0, 1.0, (2, 30)) + np.array([[0.0], [0.3]])  # first, second
        first = rng.permutation(30) < 12
        control, treatment = np.where(first, values, values[::-1])
        arms = [(control[part], treatment[part]) for part in (first, ~first)]
        rejected[0] += compare_crossover_means(*arms).p_value < 0.05
        rejected[1] += (
            compare_paired_means(list(unit + rng.normal(0.0, 1.0, (2, 30)))).p_value < 0.05
        )
    assert (np.abs(rejected / 600 - 0.05) < 0.027).all()
