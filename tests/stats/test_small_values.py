"""Values whose squares underflow: they are said to be too small, never to be constant."""

import math

import numpy as np
import pytest

from abtest.stats import (
    Moments,
    MomentsTable,
    NotEstimable,
    ValueCounts,
    compare_adjusted_means,
    compare_arms,
    compare_capped_means,
    compare_factorial,
    compare_means,
    compare_ordered_means,
    compare_ratios,
    compare_stratified_means,
    compare_trimmed_means,
    equivalence,
    ratio_of_totals,
)

GOOD = np.array([1.0, 2.0, 3.5, 4.0, 7.0, 2.0, 3.0, 1.5, 9.0, 4.4])
SMALL = GOOD * 1e-300
SIDES = ["x", "y"] * 5
COMPARISONS = {
    "welch": compare_means,
    "student": lambda a, b: compare_means(a, b, method="student"),
    "phases": lambda a, b: compare_means(
        [Moments.from_columns([a])] * 2, [Moments.from_columns([b])] * 2
    ),
    "value counts": lambda a, b: compare_means(ValueCounts.from_values(a), b),
    "trimmed": compare_trimmed_means,
    "capped": lambda a, b: compare_capped_means(a, b, quantile=0.9),
    "ratios": lambda a, b: compare_ratios((a, GOOD), (b, GOOD)),
    "ratio of totals": lambda a, b: ratio_of_totals((a, GOOD)),
    "covariates": lambda a, b: compare_means(GOOD, GOOD, covariates=(a, b)),
    "many arms": lambda a, b: compare_arms(a, {"t": b}),
    "pooled arms": lambda a, b: compare_arms(a, {"t": b}, variance="pooled"),
    "doses": lambda a, b: compare_ordered_means([a, b, b], [0, 1, 2]),
    "factorial": lambda a, b: compare_factorial(a, b, a, b),
    "strata": lambda a, b: compare_stratified_means(a, b, strata=(SIDES, SIDES)),
    "margins": lambda a, b: equivalence(a, b, margin=0.1),
}


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e-160])
def test_what_varies_by_too_little_is_too_small(name, scale):
    with pytest.raises(NotEstimable) as caught:
        COMPARISONS[name](GOOD * scale, GOOD[::-1] * scale * 2.0)
    assert caught.value.code == "too_small"


@pytest.mark.parametrize("scale", [1e-140, 1e-100, 1e100])
def test_what_can_be_squared_does_not_depend_on_its_unit(scale):
    want = compare_means(GOOD, 1.1 * GOOD)
    got = compare_means(GOOD * scale, 1.1 * GOOD * scale)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.relative.lower == pytest.approx(want.relative.lower, rel=1e-9)


def test_regression_measures_covariates_in_a_unit_of_their_own():
    past = np.random.default_rng(1).normal(size=(2, 10)) + GOOD
    want = compare_adjusted_means(GOOD, GOOD + 1.0, covariates=(past[0], past[1]))
    for scale in (1e-300, 1e-170):
        got = compare_adjusted_means(
            GOOD, GOOD + 1.0, covariates=(past[0] * scale, past[1] * scale)
        )
        assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
        assert got.warnings == want.warnings == ()


def test_small_values_that_do_not_vary_are_constant():
    for pair in (([1e-300] * 5, [1e-300] * 5), ([1e-300] * 5, [2e-300] * 4)):
        with pytest.raises(NotEstimable) as caught:
            compare_means(*pair)
        assert caught.value.code == "constant"


def test_small_values_beside_ordinary_ones_do_not_matter():
    mixed = np.append(GOOD, [1e-200, 0.0])
    plain = np.append(GOOD, [0.0, 0.0])
    want = compare_means(plain, GOOD)
    assert compare_means(mixed, GOOD).p_value == pytest.approx(want.p_value, rel=1e-12)
    parts = Moments.from_columns([mixed[:10]]) + Moments.from_columns([mixed[10:]])
    assert compare_means(parts, GOOD).p_value == pytest.approx(want.p_value, rel=1e-12)


def test_parts_that_are_constant_by_themselves_may_vary_together():
    both = Moments.from_columns([[1e-300, 1e-300]]) + Moments.from_columns([[2e-300, 2e-300]])
    with pytest.raises(NotEstimable) as caught:
        compare_means(both, both)
    assert caught.value.code == "too_small"


def test_sums_about_a_pilot_see_it_too():
    values = SMALL - 1e-300
    sums = Moments.from_pilot_sums(10, [1e-300], [values.sum()], [[(values**2).sum()]])
    with pytest.raises(NotEstimable) as caught:
        compare_means(sums, sums)
    assert caught.value.code == "too_small"
    flat = Moments.from_pilot_sums(10, [1e-300], [0.0], [[0.0]])
    with pytest.raises(NotEstimable) as caught:
        compare_means(flat, flat)
    assert caught.value.code == "constant"


def test_rows_of_tables_have_the_status():
    arms = [Moments.from_columns([GOOD]), Moments.from_columns([SMALL])]
    table = MomentsTable.from_moments(arms)
    for method in ("welch", "student", "z"):
        found = compare_means(table, table, method=method)
        assert found.status.tolist() == ["ok", "too_small"]
        assert math.isnan(found.p_value[1])
    both = [Moments.from_columns([GOOD, column]) for column in (GOOD[::-1], SMALL)]
    table = MomentsTable.from_moments(both)
    assert compare_means(table, table).status.tolist() == ["ok", "too_small"]
    assert compare_ratios(table, table).status.tolist() == ["ok", "too_small"]
    infinite = MomentsTable.from_moments([Moments.from_columns([[1.0, np.inf, 2.0], SMALL[:3]])])
    assert compare_means(infinite, infinite).status.tolist() == ["not_finite"]


def test_the_error_says_what_to_do():
    with pytest.raises(NotEstimable, match="too small to be squared") as caught:
        compare_means(SMALL, SMALL)
    assert "another unit" in caught.value.todo
