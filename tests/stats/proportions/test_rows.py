import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stats.row_by_row import agree, every_row_agrees

from abtest.errors import UsageError
from abtest.stats import Moments, MomentsTable, compare_proportions

METHODS = ("agresti_caffo", "newcombe", "pooled_z", "score", "wald", "welch")
ALTERNATIVES = ("two-sided", "greater", "less")


@st.composite
def arms(draw):
    n = draw(st.integers(0, 300))
    moments = Moments.from_counts(n, draw(st.integers(0, n)))
    if draw(st.integers(0, 9)) == 0:  # now and then no proportion
        return Moments(n, moments.mean + 0.3, moments.m2)
    return moments


@pytest.mark.parametrize("method", METHODS)
@given(
    rows=st.lists(st.tuples(arms(), arms()), min_size=1, max_size=8),
    alternative=st.sampled_from(ALTERNATIVES),
)
def test_every_row_is_what_a_single_comparison_says(method, rows, alternative):
    control, treatment = (MomentsTable.from_moments(arm) for arm in zip(*rows, strict=True))
    table = compare_proportions(control, treatment, method=method, alternative=alternative)
    every_row_agrees(
        table,
        rows,
        lambda a, b, _: compare_proportions(a, b, method=method, alternative=alternative),
    )


@pytest.mark.parametrize("method", METHODS)
def test_large_and_rare_rows_agree_too(method):
    rows = [
        (Moments.from_counts(10**8, 12), Moments.from_counts(10**8, 31)),
        (Moments.from_counts(10**6, 3 * 10**5), Moments.from_counts(10**6, 4 * 10**5)),
        (Moments.from_counts(50, 50), Moments.from_counts(40, 39)),
    ]
    control, treatment = (MomentsTable.from_moments(arm) for arm in zip(*rows, strict=True))
    table = compare_proportions(control, treatment, method=method)
    for index, pair in enumerate(rows):
        agree(table[index].to_dict(), compare_proportions(*pair, method=method).to_dict())


def test_the_tables_that_came_in_are_left_as_they_were():
    control = MomentsTable.from_moments([Moments.from_counts(0, 0), Moments.from_counts(9, 3)])
    before = control.n.copy(), control.mean.copy()
    for method in METHODS:
        compare_proportions(control, control, method=method)
    assert np.array_equal(control.n, before[0])
    assert np.array_equal(control.mean, before[1])


def test_tables_take_no_covariates_and_no_single_sample():
    table = MomentsTable.from_moments([Moments.from_counts(9, 3)])
    with pytest.raises(UsageError, match="row by row"):
        compare_proportions(table, table, covariates=([1.0], [2.0]))
    with pytest.raises(UsageError, match="row by row"):
        compare_proportions(table, Moments.from_counts(9, 3))
    two = MomentsTable.from_moments([Moments.from_counts(9, 3)] * 2)
    with pytest.raises(UsageError, match="number of rows"):
        compare_proportions(table, two)
    with pytest.raises(UsageError, match="confidence level"):
        compare_proportions(table, table, confidence_level=95)


def test_a_part_of_a_table_is_a_table_and_a_row_is_its_sample():
    samples = [Moments.from_counts(20, successes) for successes in range(6)]
    table = MomentsTable.from_moments(samples)
    whole = compare_proportions(table, MomentsTable.from_moments(samples[::-1]))
    part = compare_proportions(table[1:3], MomentsTable.from_moments(samples[::-1])[1:3])
    assert np.array_equal(part.p_value, whole.p_value[1:3])
    chosen = table[np.array([True, False] * 3)]
    assert np.array_equal(chosen.mean, table.mean[::2])
    assert len(MomentsTable(table.n, table.mean, table.m2, 3.0)[2:].nulls) == 4
    assert [row.n for row in table] == [20] * 6
    agree(
        compare_proportions(table[2], table[5]).to_dict(),
        compare_proportions(samples[2], samples[5]).to_dict(),
    )
    with pytest.raises(IndexError):
        table[6]
