import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, association, compare_proportions

METHODS = ("chi_square", "chi_square_yates", "g")
tables = st.integers(2, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.integers(1, 80), min_size=columns, max_size=columns), min_size=2, max_size=5
    )
)


def test_statistics_and_p_values_are_those_of_r(reference):
    for case in reference("association")["r"]:
        got = association(case["table"], method=case["method"])
        assert got.statistic == pytest.approx(case["statistic"], rel=1e-9, abs=1e-12), case
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-9), case
        assert got.df == case["df"]


def test_p_values_are_those_of_the_textbook(reference):
    for case in reference("association")["book"]:
        got = association(case["table"], method=case["method"])
        assert got.p_value == pytest.approx(case["p_value"], abs=0.51e-5)
        assert got.statistic == pytest.approx(case["statistic"], abs=0.51e-3)


@pytest.mark.parametrize(
    ("method", "power", "correction"),
    [
        ("chi_square", "pearson", False),
        ("chi_square_yates", "pearson", True),
        ("g", "log-likelihood", False),
    ],
)
@given(table=tables)
def test_p_values_are_those_of_scipy(method, power, correction, table):
    from scipy.stats import chi2_contingency

    table = np.array(table)[:2, :2] if correction else table
    want = chi2_contingency(table, correction=correction, lambda_=power)
    got = association(table, method=method)
    assert got.statistic == pytest.approx(want.statistic, rel=1e-9, abs=1e-9)
    assert got.p_value == pytest.approx(want.pvalue, rel=1e-7)


@pytest.mark.parametrize("method", ["chi_square", "g"])
@given(table=tables, seed=st.integers(0, 100))
def test_order_of_arms_and_outcomes_and_their_exchange_do_not_matter(method, table, seed):
    rng = np.random.default_rng(seed)
    counts = np.array(table)
    want = association(table, method=method).statistic
    mixed = rng.permutation(rng.permutation(counts, axis=0), axis=1)
    for other in (mixed, counts.T):
        assert association(other, method=method).statistic == pytest.approx(want, abs=1e-9)


@given(
    n=st.tuples(st.integers(2, 300), st.integers(2, 300)),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_chi_square_of_two_arms_is_the_pooled_z_test(n, shares):
    x = [round(units * share) for units, share in zip(n, shares, strict=True)]
    assume(0 < sum(x) < sum(n))
    got = association([[x[0], n[0] - x[0]], [x[1], n[1] - x[1]]])
    arms = [Moments.from_counts(units, successes) for units, successes in zip(n, x, strict=True)]
    want = compare_proportions(*arms, method="pooled_z")
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.statistic == pytest.approx(want.statistic**2, rel=1e-9, abs=1e-9)


@given(table=tables)
def test_empty_arms_and_outcomes_say_nothing(table):
    wider = [[*row, 0] for row in table] + [[0] * (len(table[0]) + 1)]
    assert association(wider).p_value == pytest.approx(association(table).p_value, rel=1e-12)


def test_small_differences_of_huge_tables_keep_their_digits():
    table = [[10**12, 10**12], [10**12 + 10**6, 10**12 - 10**6]]
    chi_square = association(table).statistic
    assert association(table, method="g").statistic == pytest.approx(chi_square, rel=1e-5)
    far = association([[10**9, 0], [0, 10**9]])
    assert far.p_value == 0.0
    assert -1e9 < far.log10_p < -1e6


@pytest.mark.parametrize(
    "table",
    [
        [[1, 2], [3]],
        [[1, -2], [3, 4]],
        [[1, 0.5], [3, 4]],
        [[1, float("nan")], [3, 4]],
        [[1, float("inf")], [3, 4]],
        [[1, None], [3, 4]],
        [["1", "2"], ["3", "4"]],
        [[True, False], [True, True]],
        [1, 2, 3],
        [[[1, 2], [3, 4]]],
        [],
        "table",
        [[1e300, 1.0], [1.0, 2.0]],
    ],
)
def test_what_is_no_table_of_counts_is_refused(table):
    with pytest.raises(UsageError, match="whole numbers"):
        association(table)


def test_tables_without_comparison_say_why():
    for table, code in (
        ([[1, 2], [0, 0]], "too_few_units"),
        ([[0, 0], [0, 0]], "too_few_units"),
        ([[1, 2]], "too_few_units"),
        ([[5, 0], [7, 0]], "constant"),
    ):
        with pytest.raises(NotEstimable) as error:
            association(table)
        assert error.value.code == code
    with pytest.raises(UsageError, match="Yates"):
        association([[1, 2, 3], [4, 5, 6]], method="chi_square_yates")
    with pytest.raises(UsageError, match="no such method"):
        association([[1, 2], [3, 4]], method="pearson")
