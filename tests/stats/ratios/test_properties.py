"""What holds for every sample of a ratio, in one arm, two arms and tables of arms."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    MomentsTable,
    NotEstimable,
    ValueCounts,
    compare_ratios,
    ratio_of_totals,
)

ALTERNATIVES = ("two-sided", "greater", "less")
units = st.tuples(st.integers(-3, 20), st.integers(0, 15))
samples = st.lists(units, min_size=3, max_size=20)


def columns(sample):
    return tuple(np.array(column, dtype=float) for column in zip(*sample, strict=True))


def one(sample, **arguments):
    try:
        return ratio_of_totals(columns(sample), **arguments)
    except NotEstimable:
        assume(False)
        raise


@given(samples, st.randoms(), st.sampled_from(["fieller", "delta"]))
def test_order_and_partition_change_nothing(sample, random, method):
    before = one(sample, method=method)
    shuffled = list(sample)
    random.shuffle(shuffled)
    y, x = columns(shuffled)
    half = len(y) // 2
    parts = Moments.from_columns([y[:half], x[:half]]) + Moments.from_columns([y[half:], x[half:]])
    after = ratio_of_totals(parts, method=method)
    assert after.estimate == pytest.approx(before.estimate, rel=1e-9, abs=1e-12)
    assert after.details == pytest.approx(before.details, rel=1e-6)


@given(samples, st.sampled_from([0.001, 7.0]), st.sampled_from([-100.0, 0.1]))
def test_scaling_numerator_and_denominator_scales_the_ratio(sample, by_y, by_x):
    before = one(sample)
    assume(before.status == "bounded")
    y, x = columns(sample)
    after = ratio_of_totals((by_y * y, by_x * x))
    factor = by_y / by_x
    want = sorted((factor * before.lower, factor * before.upper))
    size = abs(factor) * (abs(before.lower) + abs(before.upper))
    assert (after.lower, after.upper) == pytest.approx(want, rel=1e-6, abs=1e-6 * size)


@given(samples, st.floats(-3, 3))
def test_a_fieller_set_leaves_out_what_the_t_test_rejects(sample, ratio):
    got = one(sample, confidence_level=0.9)
    y, x = columns(sample)
    rest = y - ratio * x
    assume(np.ptp(rest) > 1e-9)
    from scipy import stats

    p_value = stats.ttest_1samp(rest, 0.0).pvalue
    assume(abs(p_value - 0.1) > 1e-6)
    inside = {
        "bounded": lambda: got.lower <= ratio <= got.upper,
        "two_rays": lambda: not got.lower < ratio < got.upper,
        "unbounded": lambda: True,
    }
    assert inside[got.status]() == (p_value > 0.1)


@given(samples, st.sampled_from(["fieller", "delta"]), st.sampled_from(ALTERNATIVES))
def test_the_interval_contains_the_estimate(sample, method, alternative):
    got = one(sample, method=method, alternative=alternative)
    assume(got.status in ("bounded", "half_line"))
    tolerance = 1e-9 * (1 + abs(got.estimate))
    assert got.lower is None or got.lower <= got.estimate + tolerance
    assert got.upper is None or got.estimate <= got.upper + tolerance


@given(st.lists(st.tuples(samples, samples), min_size=1, max_size=5), st.sampled_from(ALTERNATIVES))
def test_every_row_of_a_table_is_what_one_comparison_says(rows, alternative):
    pairs = [[Moments.from_columns(columns(arm)) for arm in row] for row in rows]
    tables = [MomentsTable.from_moments([pair[arm] for pair in pairs]) for arm in (0, 1)]
    table = compare_ratios(*tables, alternative=alternative)
    for index, pair in enumerate(pairs):
        try:
            want = compare_ratios(*pair, alternative=alternative)
        except NotEstimable as error:
            why = error.code
        else:
            why = "ok"
        assert table.status[index] == why
        if why != "ok":
            continue
        got = table[index]
        assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
        assert got.df == pytest.approx(want.df, rel=1e-9)
        assert got.relative.status == want.relative.status
        for name in ("absolute", "relative"):
            for limit in ("estimate", "lower", "upper"):
                a, b = (getattr(getattr(result, name), limit) for result in (got, want))
                assert a == (b if b is None else pytest.approx(b, rel=1e-8, abs=1e-10))


def test_rows_without_a_number_have_a_status():
    good = Moments.from_columns([[1.0, 2.0, 4.0], [2.0, 3.0, 5.0]])
    none = Moments.from_columns([[1.0, 2.0], [0.0, 0.0]])
    few = Moments.from_columns([[1.0], [1.0]])
    same = Moments.from_columns([[1.0, 2.0], [2.0, 4.0]])
    infinite = Moments(5, np.array([math.inf, 1.0]), np.full((2, 2), math.inf))
    table = compare_ratios(
        MomentsTable.from_moments([good, good, good, same, infinite]),
        MomentsTable.from_moments([good, none, few, same, good]),
    )
    assert table.status.tolist() == [
        "ok",
        "zero_denominator",
        "too_few_units",
        "constant",
        "not_finite",
    ]
    assert table[0].measure == "ratio"
    assert np.isnan(table.p_value[1:]).all()


def test_fieller_says_when_the_denominator_may_be_zero():
    rng = np.random.default_rng(3)
    x = rng.normal(0.1, 2, 20)
    got = ratio_of_totals((5 + rng.normal(0, 0.1, 20), x))
    assert got.status == "two_rays"
    assert "anything but" in str(got)
    assert ratio_of_totals((rng.normal(0, 2, 20), x)).status == "unbounded"


def test_an_estimate_reads_as_a_sentence_and_shows_in_notebooks():
    got = ratio_of_totals(([1.0, 0.0, 2.0, 1.0, None], [4.0, 1.0, 5.0, 3.0, 2.0]))
    assert str(got) == "Ratio 0.3077 (95% interval -0.5067 to 0.4274), 4 units."
    page, _ = got._repr_mimebundle_()
    assert "units without a value" in page["text/html"]
    assert got.to_dict()["status"] == "bounded"
    one_sided = ratio_of_totals(([1.0, 0.0, 2.0, 1.0], [4.0, 3.0, 5.0, 3.0]), alternative="greater")
    assert one_sided.interval[1] is None
    assert "or more" in str(one_sided)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (([], []), "too_few_units"),
        (([1.0], [2.0]), "too_few_units"),
        (([1.0, None], [2.0, 3.0]), "too_few_units"),
        (([1.0, 2.0], [0.0, 0.0]), "zero_denominator"),
        (([1.0, 2.0], [1.0, -1.0]), "zero_denominator"),
        (([0.0, 0.0], [1.0, 2.0]), "constant"),
        (([1.0, 2.0, 3.0], [3.0, 6.0, 9.0]), "constant"),
        (([1.0, math.inf], [1.0, 2.0]), "not_finite"),
        (([1e300, 2e300], [1.0, 2.0]), "not_finite"),
        (([1e300, 1e300], [1e-300, 1e-300]), "not_finite"),
        (([1e-300, 2e-300], [1.0, 1.0]), "too_small"),
    ],
)
def test_what_cannot_be_estimated_says_why(values, code):
    with pytest.raises(NotEstimable) as caught:
        ratio_of_totals(values)
    assert caught.value.code == code
    with pytest.raises(NotEstimable):
        compare_ratios(values, values)


@pytest.mark.parametrize(
    "values",
    [
        ([1.0, 2.0],),
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
        ([1.0, 2.0], [1.0]),
        (["1", "2"], [1.0, 2.0]),
        ([[1.0, 2.0]], [[1.0, 2.0]]),
        Moments.from_counts(10, 3),
        ValueCounts.from_values([1.0, 2.0]),
        (ValueCounts.from_values([1.0, 2.0]), ValueCounts.from_values([1.0, 2.0])),
        (None, None),
        None,
        5.0,
        "ab",
    ],
)
def test_what_is_no_numerator_and_denominator_is_refused(values):
    good = ([1.0, 2.0, 4.0], [2.0, 3.0, 5.0])
    with pytest.raises(UsageError):
        ratio_of_totals(values)
    for arms in ((values, good), (good, values)):
        with pytest.raises(UsageError):
            compare_ratios(*arms)


@pytest.mark.parametrize(
    "covariates", [5, (1, 2), "ab", (([1.0], [1.0]),), (([1.0, 2.0],), ([1.0, 2.0],))]
)
def test_the_past_of_a_ratio_is_a_pair_of_pairs(covariates):
    good = ([1.0, 2.0, 4.0], [2.0, 3.0, 5.0])
    with pytest.raises(UsageError):
        compare_ratios(good, good, covariates=covariates)


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "bootstrap"},
        {"confidence_level": 1.0},
        {"confidence_level": 0},
        {"alternative": "up"},
    ],
)
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(UsageError):
        ratio_of_totals(([1.0, 2.0, 4.0], [2.0, 3.0, 5.0]), **arguments)


def test_tables_need_two_variables_and_take_no_covariates():
    table = MomentsTable.from_columns([10], [1.0], [1.0])
    with pytest.raises(UsageError, match="numerator and denominator"):
        compare_ratios(table, table)
    both = MomentsTable.from_moments([Moments.from_columns([[1.0, 2.0], [2.0, 3.0]])])
    with pytest.raises(UsageError, match="row by row"):
        compare_ratios(both, both, covariates=((1, 2), (1, 2)))
    with pytest.raises(UsageError, match="row by row"):
        compare_ratios(both, ([1.0, 2.0], [2.0, 3.0]))
