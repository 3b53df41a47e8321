import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.stats.tails import (
    chi_square_test,
    critical_value,
    f_tail,
    log_upper_tail,
    tail_test,
    upper_tail,
)


def test_log_tails_agree_with_high_precision_values(reference):
    for case in reference("tails")["student_and_normal"]:
        got = log_upper_tail(case["statistic"], case["df"]) / math.log(10)
        assert got == pytest.approx(case["log10_upper_tail"], rel=1e-11), case


def test_log_chi_square_tails_agree_with_high_precision_values(reference):
    for case in reference("tails")["chi_square"]:
        got = chi_square_test(case["statistic"], case["df"]).log10_p
        assert got == pytest.approx(case["log10_p"], rel=1e-11), case


def test_log_f_tails_agree_with_high_precision_values_and_with_r(reference):
    for case in reference("tails")["f"]:
        p_value, log10_p = f_tail(case["statistic"], case["df1"], case["df2"])
        assert log10_p == pytest.approx(case["log10_p"], rel=1e-12), case
        assert log10_p == pytest.approx(case["r_log10_p"], rel=1e-12), case
        assert p_value == pytest.approx(10.0**log10_p, rel=1e-9, abs=1e-280)


@given(st.floats(0.5, 1e5), st.floats(0.5, 1e7), st.floats(0.1, 1e6))
def test_the_f_tail_falls_without_a_step_where_the_method_changes(df1, df2, statistic):
    log10_p = f_tail(statistic, df1, df2)[1]
    further = f_tail(statistic * 1.01, df1, df2)[1]
    assert further <= log10_p
    assert math.isfinite(further)


def test_log_p_stays_finite_where_p_underflows():
    test = tail_test(500.0, 5000.0, "two-sided")
    assert test.p_value == 0.0
    assert math.isfinite(test.log10_p)
    assert test.log10_p < -300


@given(st.floats(0.5, 1e7), st.floats(0.0, 100.0))
def test_log_tail_falls_without_a_step_where_the_method_changes(df, x):
    assert log_upper_tail(x * 1.01 + 1e-6, df) < log_upper_tail(x, df)


@pytest.mark.parametrize("df", [3.0, 50.5, 1e6, 1e9])
def test_series_and_library_agree_where_both_work(df):
    from abtest.stats import tails

    x = critical_value(1 - 1e-12, df, two_sided=False)
    assert tails._log_student_tail(x, df) == pytest.approx(math.log(upper_tail(x, df)), rel=1e-9)


@given(st.floats(0.6, 1e6), st.floats(0.5, 0.9999))
def test_quantiles_and_tails_are_inverse(df, level):
    outside = 2 * upper_tail(critical_value(level, df, two_sided=True), df)
    assert outside == pytest.approx(1 - level, rel=1e-9)


@given(st.floats(-50, 50), st.floats(1, 1e4))
def test_one_sided_tests_point_opposite_ways(statistic, df):
    greater = tail_test(statistic, df, "greater").p_value
    less = tail_test(statistic, df, "less").p_value
    assert greater + less == pytest.approx(1.0)
    two_sided = tail_test(statistic, df, "two-sided").p_value
    assert two_sided == pytest.approx(min(1.0, 2 * min(greater, less)), rel=1e-9)
