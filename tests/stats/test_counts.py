import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import NotEstimable, homogeneity, sample_ratio


def test_sample_ratio_agrees_with_scipy_and_published_values(reference):
    for case in reference("counts")["sample_ratio"]:
        got = sample_ratio(case["counts"], case["shares"])
        assert got.statistic == pytest.approx(case["statistic"], rel=1e-10)
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-9)
        assert got.df == len(case["counts"]) - 1
    published = [
        sample_ratio(*args).p_value
        for args in (([44700, 45489], [0.5, 0.5]), ([21306, 21387, 21307], [1, 1, 1]))
    ]
    assert published == pytest.approx([0.0086, 0.904], rel=5e-3)


def test_phases_add_their_statistics_and_degrees_of_freedom():
    first, second = sample_ratio([90, 10], [0.9, 0.1]), sample_ratio([40, 60], [0.5, 0.5])
    both = sample_ratio([[90, 10], [40, 60]], [[0.9, 0.1], [0.5, 0.5]])
    assert both.statistic == pytest.approx(first.statistic + second.statistic)
    assert both.df == 2


def test_a_ramp_is_no_mismatch_within_its_phases():
    assert sample_ratio([130, 70], [0.5, 0.5]).p_value < 0.001
    assert sample_ratio([[90, 10], [40, 60]], [[0.9, 0.1], [0.5, 0.5]]).p_value > 0.05


def test_an_arm_that_opens_later_is_left_out_of_the_first_phase():
    got = sample_ratio([[500, 500], [300, 310, 290], [0, 0]], [[1, 1], [1, 1, 1], [1, 1]])
    assert got.df == 3


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([10, 20], [1.0, 0.0]),
        ([10, 20], [1.5, -0.5]),
        ([10, 20], [0.5, float("nan")]),
        ([10, 20], [0.5, 0.25, 0.25]),
        ([10, -1], [0.5, 0.5]),
        ([10, 2.5], [0.5, 0.5]),
    ],
)
def test_impossible_plans_and_counts_are_refused(counts, shares):
    with pytest.raises(UsageError):
        sample_ratio(counts, shares)


def test_no_units_have_no_ratio():
    with pytest.raises(NotEstimable):
        sample_ratio([0, 0], [0.5, 0.5])


def test_homogeneity_agrees_with_scipy(reference):
    for case in reference("counts")["homogeneity"]:
        got = homogeneity(case["table"])
        assert got.statistic == pytest.approx(case["statistic"], rel=1e-12)
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-10)
        assert got.df == case["df"]


def test_empty_rows_and_columns_change_nothing():
    plain = homogeneity([[50, 50], [70, 30]])
    assert homogeneity([[50, 0, 50], [0, 0, 0], [70, 0, 30]]) == plain


def test_sparse_rows_are_pooled_with_the_next_and_the_rest_with_the_last():
    assert homogeneity([[2, 1], [48, 49], [70, 30], [1, 0]]) == homogeneity([[50, 50], [71, 30]])


@pytest.mark.parametrize("table", [[[50, 50]], [[50, 0], [60, 0]], [], [[1, 2], [2, 1]], [[0, 0]]])
def test_a_table_without_two_rows_and_columns_cannot_be_compared(table):
    with pytest.raises(NotEstimable):
        homogeneity(table)


def test_ragged_tables_are_refused():
    with pytest.raises(UsageError, match="equally long"):
        homogeneity([[1, 2], [1, 2, 3]])


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=5), st.integers(2, 50))
def test_counts_exactly_as_planned_are_never_suspicious(weights, factor):
    assert sample_ratio([factor * w for w in weights], weights).p_value == pytest.approx(1.0)
