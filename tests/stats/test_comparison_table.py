import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stats.row_by_row import every_row_agrees

from abtest.errors import UsageError
from abtest.stats import Moments, MomentsTable, compare_means

ALTERNATIVES = ("two-sided", "greater", "less")
METHODS = ("welch", "student", "z")
summaries = st.tuples(
    st.integers(0, 400),
    st.floats(-50, 50).map(lambda x: round(x, 3)),
    st.sampled_from([0.0, 0.3, 4.0, 900.0]),
)


def one(n, mean, variance):
    return Moments(n, np.array([mean]), np.array([[variance * max(n - 1, 0)]]))


@given(
    st.lists(st.tuples(summaries, summaries), min_size=1, max_size=8),
    st.sampled_from(ALTERNATIVES),
    st.sampled_from(METHODS),
)
def test_every_row_is_what_a_single_comparison_says(rows, alternative, method):
    control = MomentsTable.from_columns(*zip(*(row[0] for row in rows), strict=True))
    treatment = MomentsTable.from_columns(*zip(*(row[1] for row in rows), strict=True))
    table = compare_means(control, treatment, method=method, alternative=alternative)
    every_row_agrees(
        table,
        rows,
        lambda a, b, _: compare_means(one(*a), one(*b), method=method, alternative=alternative),
    )


def test_the_table_has_one_row_per_comparison():
    moments = MomentsTable.from_columns([100, 1], [1.0, 2.0], [2.0, 1.0])
    table = compare_means(moments, MomentsTable.from_columns([90, 50], [1.5, 2.0], [2.0, 1.0]))
    assert table.table["status"].tolist() == ["ok", "too_few_units"]
    assert len(table.to_dict()["p_value"]) == 2
    assert "2 comparisons" in repr(table)


def test_far_tails_keep_a_logarithm():
    table = compare_means(
        MomentsTable.from_columns([10**8], [0.0], [1.0]),
        MomentsTable.from_columns([10**8], [1.0], [1.0]),
    )
    assert table.p_value[0] == 0.0
    assert -1e8 < table.log10_p[0] < -1e6


def test_tables_of_different_length_are_refused():
    one_row = MomentsTable.from_columns([10], [1.0], [1.0])
    two_rows = MomentsTable.from_columns([10, 10], [1.0, 2.0], [1.0, 1.0])
    with pytest.raises(UsageError, match="number of rows"):
        compare_means(one_row, two_rows)


def test_a_table_is_not_compared_with_one_sample_and_takes_no_covariates():
    table = MomentsTable.from_columns([10], [1.0], [1.0])
    with pytest.raises(UsageError, match="row by row"):
        compare_means(table, Moments.from_counts(10, 3))
    with pytest.raises(UsageError, match="row by row"):
        compare_means(table, table, covariates=([1.0], [1.0]))


@pytest.mark.parametrize(
    ("n", "mean", "variance"),
    [([1, 2], [1.0], [1.0]), ([-1], [1.0], [1.0]), ([1.5], [1.0], [1.0]), ([2], [1.0], [-1.0])],
)
def test_impossible_summaries_are_refused(n, mean, variance):
    with pytest.raises(UsageError):
        MomentsTable.from_columns(n, mean, variance)


def test_rows_of_a_table_need_the_same_variables():
    both = Moments.from_columns([[1.0, 2.0], [1.0, 3.0]])
    with pytest.raises(UsageError, match="same variables"):
        MomentsTable.from_moments([both, Moments.from_counts(3, 1)])
