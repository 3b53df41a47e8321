"""Many tests against margins in one call say what each says alone."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stats.row_by_row import every_row_agrees

from abtest.errors import UsageError
from abtest.stats import (
    EquivalenceTable,
    Moments,
    MomentsTable,
    NonInferiorityTable,
    compare_means,
    compare_proportions,
    equivalence,
    non_inferiority,
)


@st.composite
def mean_arms(draw):
    n = draw(st.integers(0, 400))
    mean = round(draw(st.floats(-50, 50)), 3)
    variance = draw(st.sampled_from([0.0, 0.3, 4.0, 900.0]))
    return Moments(n, np.array([mean]), np.array([[variance * max(n - 1, 0)]]))


@st.composite
def proportion_arms(draw):
    n = draw(st.integers(0, 300))
    moments = Moments.from_counts(n, draw(st.integers(0, n)))
    if draw(st.integers(0, 9)) == 0:  # now and then no proportion
        return Moments(n, moments.mean + 0.3, moments.m2)
    return moments


@st.composite
def ratio_arms(draw):
    n = draw(st.integers(0, 40))
    whole = st.lists(st.integers(0, 9), min_size=n, max_size=n)
    return Moments.from_columns([draw(whole), draw(whole)])


ARMS = {"mean": mean_arms(), "proportion": proportion_arms(), "ratio": ratio_arms()}


@pytest.mark.parametrize("measure", ARMS)
@settings(max_examples=60)
@given(
    data=st.data(),
    scale=st.sampled_from(["margin", "margin_absolute"]),
    direction=st.sampled_from(["increase", "decrease"]),
)
def test_every_row_is_what_a_single_test_says(measure, data, scale, direction):
    rows = data.draw(st.lists(st.tuples(ARMS[measure], ARMS[measure]), min_size=1, max_size=6))
    largest = 0.9 if scale == "margin" else 1.2  # no proportions differ by more than 1
    sizes = data.draw(
        st.lists(
            st.floats(0.01, largest).map(lambda x: round(x, 3)),
            min_size=len(rows),
            max_size=len(rows),
        )
    )
    tables = [MomentsTable.from_moments(arm) for arm in zip(*rows, strict=True)]
    margins = {scale: np.array(sizes)}
    every_row_agrees(
        non_inferiority(*tables, **margins, direction=direction, measure=measure),
        rows,
        lambda a, b, i: non_inferiority(
            a, b, **{scale: sizes[i]}, direction=direction, measure=measure
        ),
    )
    every_row_agrees(
        equivalence(*tables, **margins, measure=measure),
        rows,
        lambda a, b, i: equivalence(a, b, **{scale: sizes[i]}, measure=measure),
    )


def adjusted_arms(seed, count):
    rng = np.random.default_rng(seed)
    arms = []
    for _ in range(count):
        past = rng.gamma(3.0, size=(2, 50))
        arms.append(Moments.from_columns([past[0] + rng.normal(5.0, 0.5, 50), *past]))
    return arms


def test_tables_with_covariates_are_adjusted():
    control, treatment = adjusted_arms(1, 12), adjusted_arms(2, 12)
    tables = MomentsTable.from_moments(control), MomentsTable.from_moments(treatment)
    for margin in ({"margin": 0.02}, {"margin_absolute": 0.1}):
        table, both = non_inferiority(*tables, **margin), equivalence(*tables, **margin)
        assert table.method == "welch_cuped"
        for row, pair in enumerate(zip(control, treatment, strict=True)):
            want, want_both = non_inferiority(*pair, **margin), equivalence(*pair, **margin)
            assert table[row].p_value == pytest.approx(want.p_value, rel=1e-8)
            assert table.lower[row] == pytest.approx(want.absolute.lower, rel=1e-8)
            assert both[row].p_value == pytest.approx(want_both.p_value, rel=1e-8)
            assert both.relative_upper[row] == pytest.approx(want_both.relative.upper, rel=1e-8)
            assert bool(both.equivalent[row]) == want_both.equivalent


def test_one_margin_serves_all_rows_and_a_fall_and_a_rise_may_differ():
    rows = MomentsTable.from_columns([900, 800, 900], [10.0, 5.0, -4.0], [9.0, 4.0, 2.0])
    other = MomentsTable.from_columns([950, 700, 900], [9.9, 5.1, -4.1], [9.0, 4.0, 3.0])
    same_for_all = non_inferiority(rows, other, margin=0.03)
    by_row = non_inferiority(rows, other, margin=pd.Series([0.03, 0.03, 0.03]))
    assert same_for_all.p_value.tolist() == by_row.p_value.tolist()
    both = equivalence(rows, other, margin=(0.05, np.array([0.03, 0.04, 0.05])))
    assert both.lower_bound.tolist() == [-0.05] * 3
    assert both.upper_bound.tolist() == [0.03, 0.04, 0.05]
    up = non_inferiority(rows, other, margin=0.05, alpha=0.05)
    assert both.lower_statistic.tolist() == up.statistic.tolist()
    assert (both.status == "ok").all()


def test_decisions_are_those_of_the_intervals():
    rng = np.random.default_rng(4)
    n = rng.integers(50, 500, (2, 2000))
    means = rng.normal(10.0, 0.3, (2, 2000))
    variances = rng.uniform(1.0, 5.0, (2, 2000))
    tables = [MomentsTable.from_columns(n[a], means[a], variances[a]) for a in (0, 1)]
    up = non_inferiority(*tables, margin=0.02)
    assert (up.non_inferior == (up.relative_lower > -0.02)).all()
    assert 100 < up.non_inferior.sum() < 1900
    assert np.isposinf(up.upper).all()
    both = equivalence(*tables, margin_absolute=0.5)
    assert (both.equivalent == ((both.lower > -0.5) & (both.upper < 0.5))).all()
    assert 100 < both.equivalent.sum() < 1900


def test_rows_without_a_number_have_a_status_and_no_decision():
    good = Moments.from_columns([[1.0, 2.0, 4.0]])
    bad = {
        "too_few_units": Moments.from_columns([[1.0]]),
        "not_finite": Moments.from_columns([[1.0, np.inf, 2.0]]),
        "constant": Moments.from_columns([[1.0, 1.0]]),
    }
    control = MomentsTable.from_moments([good, *bad.values()])
    treatment = MomentsTable.from_moments([good, good, good, bad["constant"]])
    for table, decision in (
        (non_inferiority(control, treatment, margin=0.5), "non_inferior"),
        (equivalence(control, treatment, margin=0.5), "equivalent"),
    ):
        assert table.status.tolist() == ["ok", *bad]
        assert not getattr(table, decision)[1:].any()
        assert np.isnan(table.p_value[1:]).all()
        assert np.isnan(table.relative_estimate[1:]).all()


def test_bounds_that_no_proportion_reaches_have_a_status():
    arms = MomentsTable.from_moments([Moments.from_counts(50, 20)] * 2)
    table = equivalence(
        arms, arms, margin_absolute=np.array([0.2, 1.5]), measure="proportion", alpha=0.1
    )
    assert table.status.tolist() == ["ok", "bound_out_of_range"]
    assert table.n_control.tolist() == [50.0, 50.0]
    assert table.relative_status.tolist() == ["bounded", "undefined"]


def test_the_tables_show_themselves():
    arms = MomentsTable.from_columns([900, 1], [10.0, 5.0], [9.0, 4.0])
    table = non_inferiority(arms, arms, margin=0.1)
    assert isinstance(table, NonInferiorityTable)
    assert repr(table) == "NonInferiorityTable(2 comparisons, 1 non-inferior, welch)"
    assert table.table["non_inferior"].tolist() == [True, False]
    assert table.to_dict()["status"] == ["ok", "too_few_units"]
    both = equivalence(arms, arms, margin=0.1)
    assert isinstance(both, EquivalenceTable)
    assert repr(both) == "EquivalenceTable(2 comparisons, 1 equivalent, welch)"
    assert "non-inferior" in str(table[0])
    assert "<table" in both._repr_html_()


@pytest.mark.parametrize("test", [non_inferiority, equivalence])
def test_arguments_that_do_not_fit_are_refused(test):
    arms = MomentsTable.from_columns([90, 80], [10.0, 5.0], [9.0, 4.0])
    shorter = MomentsTable.from_columns([90], [10.0], [9.0])
    with pytest.raises(UsageError, match="row by row"):
        test(arms, Moments.from_counts(10, 3), margin=0.1)
    with pytest.raises(UsageError, match="row by row"):
        test(arms, margin=0.1)
    with pytest.raises(UsageError, match="row by row"):
        test(arms, arms, margin=0.1, covariates=([1.0], [1.0]))
    with pytest.raises(UsageError, match="number of rows"):
        test(arms, shorter, margin=0.1)
    with pytest.raises(UsageError, match="measure"):
        test(arms, arms, margin=0.1, measure="median")
    with pytest.raises(UsageError, match="numerator"):
        test(arms, arms, margin=0.1, measure="ratio")
    for margin in (
        np.array([0.1]),
        np.array([0.1, np.nan]),
        np.array([0.1, -0.1]),
        np.array([0.1, 1.0]),
        np.array([True, True]),
        np.array(0.1),
        np.array([[0.1], [0.2]]),
        np.array(["0.1", "0.2"]),
        pd.Series([0.1, None], dtype="Float64"),
        [0.1],
        -0.1,
        math.inf,
    ):
        with pytest.raises(UsageError):
            test(arms, arms, margin=margin)


def test_proportions_with_covariates_are_compared_as_means():
    rng = np.random.default_rng(5)
    hits, past = rng.integers(0, 2, (2, 60)), rng.normal(size=(2, 60))
    one, other = (Moments.from_columns([hits[a], past[a]]) for a in (0, 1))
    tables = MomentsTable.from_moments([one]), MomentsTable.from_moments([other])
    with pytest.raises(UsageError, match="as means"):
        non_inferiority(*tables, margin=0.1, measure="proportion")
    with pytest.raises(UsageError, match="covariate"):
        compare_proportions(*tables, method="newcombe")
    for method in ("score", "welch"):
        table = compare_proportions(*tables, method=method)
        assert table.method == "welch_cuped"
        assert table.p_value[0] == pytest.approx(compare_means(one, other).p_value, rel=1e-9)
