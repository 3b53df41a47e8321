"""Covariates of 0 and 1 of which one level is a single unit of an arm."""

import numpy as np
import pytest

from abtest.stats import (
    Moments,
    MomentsTable,
    compare_adjusted_means,
    compare_means,
    compare_ratios,
    diagnose_adjustment,
)


def dummy(n, ones):
    return (np.arange(n) < ones).astype(float)


def draw(seed, sizes=(60, 40)):
    random = np.random.default_rng(seed)
    return [random.normal(size=n) for n in sizes]


@pytest.mark.parametrize("ones", [(1, 8), (8, 1), (59, 20), (20, 39), (1, 1)])
def test_a_level_of_one_unit_is_not_adjusted_for(ones):
    y = draw(1)
    y[0][0] = 50.0  # the outlier that would be explained away
    x = tuple(dummy(len(arm), count) for arm, count in zip(y, ones, strict=True))
    plain = compare_means(*y)
    for compare in (compare_means, compare_adjusted_means):
        got = compare(*y, covariates=x)
        assert (got.method, got.warnings[0]) == ("welch", "covariate_too_few_units")
        assert got.p_value == pytest.approx(plain.p_value, rel=1e-12)


@pytest.mark.parametrize("ones", [(2, 8), (58, 20), (2, 2)])
def test_two_units_are_enough(ones):
    y = draw(2)
    x = tuple(dummy(len(arm), count) for arm, count in zip(y, ones, strict=True))
    assert compare_means(*y, covariates=x).method == "welch_cuped"
    assert compare_adjusted_means(*y, covariates=x).method == "lin_hc3"


def test_the_other_covariates_stay():
    y = draw(3)
    more = [arm + np.random.default_rng(4).normal(size=len(arm)) for arm in y]
    x = tuple([dummy(len(arm), 1), other] for arm, other in zip(y, more, strict=True))
    for compare in (compare_means, compare_adjusted_means):
        got, want = compare(*y, covariates=x), compare(*y, covariates=tuple(more))
        assert got.warnings == ("covariate_dropped",)
        assert got.p_value == pytest.approx(want.p_value, rel=1e-12)
    found = diagnose_adjustment(*y, covariates=x)
    assert [one.status for one in found.covariates] == ["one_unit", "used"]


def test_slopes_of_both_arms_together_need_two_units_of_both():
    y = draw(5)
    for ones, used in (((1, 1), True), ((1, 0), False)):
        x = tuple(dummy(len(arm), count) for arm, count in zip(y, ones, strict=True))
        got = compare_means(*y, covariates=x, slopes="pooled")
        assert (got.method == "welch_cuped") is used
    assert compare_means(*y, covariates=x, slopes=[0.1]).method == "welch_cuped"


def test_moments_tables_and_phases_say_the_same():
    y = draw(6)
    arms = [Moments.from_columns([arm, dummy(len(arm), 1)]) for arm in y]
    fine = [Moments.from_columns([arm, dummy(len(arm), 7)]) for arm in y]
    assert compare_means(*arms).warnings == ("covariate_too_few_units",)
    table = compare_means(
        *(MomentsTable.from_moments(pair) for pair in zip(arms, fine, strict=True))
    )
    assert table.status.tolist() == ["covariates_unusable", "ok"]
    # one more unit in another phase is a second one
    parts = [
        [
            Moments.from_columns([arm[here], dummy(len(arm), ones)[here]])
            for here, ones in ((slice(None, 20), 1), (slice(20, None), 21))
        ]
        for arm in y
    ]
    assert compare_means(*parts).method == "welch_cuped"
    assert compare_means(*([part[0]] for part in parts)).method == "welch"


def test_values_tell_of_other_levels_than_0_and_1_where_moments_cannot():
    y = draw(7)
    x = tuple(100.0 * dummy(len(arm), 1) for arm in y)
    got = compare_adjusted_means(*y, covariates=x)
    assert (got.method, got.warnings) == ("welch", ("covariate_too_few_units",))


def test_a_ratio_whose_past_is_one_unit_is_not_adjusted():
    random = np.random.default_rng(8)
    arms = [(random.poisson(2.0, 50) + 0.0, random.poisson(9.0, 50) + 1.0) for _ in range(2)]
    past = tuple((dummy(50, count), dummy(50, count)) for count in (1, 0))
    got = compare_ratios(*arms, covariates=past, coefficients=2)
    assert got.warnings == ("covariate_too_few_units",)


def rejections(rare, sizes, runs=1_500):
    """Return how often equal arms differ: units with the rare 1 vary five times as much."""
    random = np.random.default_rng(9)
    found = 0
    for _ in range(runs):
        x = [(random.random(n) < rare).astype(float) for n in sizes]
        y = [random.normal(size=len(part)) * (1.0 + 4.0 * part) + 2.0 * part for part in x]
        found += compare_means(*y, covariates=tuple(x)).p_value < 0.05
    return found / runs


def test_rare_levels_in_a_small_arm_do_not_reject_too_often():
    """Without the guard 11% at 5%: slopes on one unit of ten, and a residual of 0 for it."""
    assert rejections(0.1, (90, 10)) < 0.075
