"""Event times that no curve or test can be made of: a typed error, or a stated status."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    EventTimes,
    Moments,
    NotEstimable,
    ValueCounts,
    compare_survival,
    log_rank_test,
    survival_curve,
)

TIMES = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
SEEN = [1, 0, 1, 1, 0, 1]
GOOD = (TIMES, SEEN)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (([-1.0, 2.0], [1, 1]), "impossible_times"),
        (([1.0, math.inf], [1, 0]), "not_finite"),
        (([1.0, 2.0], [1, 2]), "not_binary"),
        (([1.0, 2.0], [1, math.inf]), "not_binary"),
        (([1.0, 2.0], [1, -1]), "not_binary"),
        (([1.0, 2.0], [1, 1], [0, 2]), "impossible_times"),
        (([1.0, 2.0], [1, 1], [0, 3]), "impossible_times"),
        (([1.0, 2.0], [1, 1], [0, -1]), "impossible_times"),
        (([1.0, 2.0], [1, 1], [0, math.inf]), "not_finite"),
    ],
)
def test_rows_that_cannot_be_are_refused(rows, code):
    for use in (
        lambda: EventTimes.from_values(*rows),
        lambda: survival_curve(rows),
        lambda: compare_survival(rows, GOOD, horizon=2.0),
        lambda: log_rank_test(GOOD, rows),
    ):
        with pytest.raises(NotEstimable) as error:
            use()
        assert error.value.code == code


@pytest.mark.parametrize(
    "rows",
    [
        ([1.0, 2.0], [1]),
        ([1.0, 2.0], [1, 1], [0]),
        (["a", "b"], [1, 1]),
        (["1", "2"], [1, 1]),
        ([1.0, 2.0], ["yes", "no"]),
        ([[1.0], [2.0]], [1, 1]),
        (3.0, 1),
        (None, None),
        (pd.date_range("2020-01-01", periods=2), [1, 1]),
    ],
)
def test_what_is_no_column_of_numbers_is_refused(rows):
    with pytest.raises(UsageError):
        EventTimes.from_values(*rows)
    with pytest.raises(UsageError):
        compare_survival(rows, GOOD, horizon=2.0)


@pytest.mark.parametrize(
    "sample",
    [
        TIMES,
        np.array(TIMES),
        ValueCounts.from_values(TIMES),
        Moments.from_columns([TIMES]),
        None,
        "times",
        (TIMES,),
        (TIMES, SEEN, SEEN, SEEN),
        [TIMES, SEEN],
    ],
)
def test_a_sample_without_what_was_observed_is_refused(sample):
    for use in (
        lambda: survival_curve(sample),
        lambda: compare_survival(sample, GOOD, horizon=2.0),
        lambda: log_rank_test(GOOD, sample),
    ):
        with pytest.raises(UsageError, match="observed"):
            use()


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (([1.0], [-1], [0]), "not_a_count"),
        (([1.0], [0.5], [0]), "not_a_count"),
        (([1.0], [math.nan], [0]), "not_a_count"),
        (([1.0], [1], [math.inf]), "not_a_count"),
        (([1.0], [1], [0], [1]), "impossible_times"),
        (([1.0, 2.0], [1, 1], [0, 0], [3, 0]), "impossible_times"),
        (([0.0, 2.0], [0, 1], [0, 0], [1, 0]), "impossible_times"),
        (([math.nan, 2.0], [0, 1], [0, 0], [1, 0]), "impossible_times"),
        (([-2.0], [1], [0]), "impossible_times"),
    ],
)
def test_tables_that_cannot_be_are_refused(columns, code):
    with pytest.raises(NotEstimable) as error:
        EventTimes.from_table(*columns)
    assert error.value.code == code


def test_a_table_of_columns_of_other_lengths_is_refused():
    with pytest.raises(UsageError, match="equally long"):
        EventTimes.from_table([1, 2], [1], [0, 0])


@pytest.mark.parametrize(
    "seen",
    [
        [True, None, False, True],
        pd.array([True, None, False, True], dtype="boolean"),
        np.ma.array([1, 1, 0, 1], mask=[0, 1, 0, 0]),
        pd.Series([1, None, 0, 1], dtype="Int64"),
    ],
)
def test_units_with_a_null_are_left_out_and_counted(seen):
    sample = EventTimes.from_values([1.0, 2.0, 3.0, math.nan], seen)
    assert (sample.n, sample.nulls) == (2, 2)
    result = compare_survival(sample, GOOD, horizon=3.0)
    assert (result.n_control, result.nulls_control) == (2, 2)
    assert EventTimes.from_table([math.nan, 1.0], [2, 1], [3, 1]).nulls == 5


@pytest.mark.parametrize(
    ("control", "treatment", "horizon", "code"),
    [
        (([], []), GOOD, 2.0, "too_few_units"),
        (([1.0], [1]), GOOD, 2.0, "too_few_units"),
        (([math.nan] * 3, [1] * 3), GOOD, 2.0, "too_few_units"),
        ((TIMES, [0] * 6), (TIMES, [0] * 6), 1.0, "no_events"),
        (GOOD, GOOD, 0.5, "no_events"),
        (([1.0] * 9, [1] * 9), ([2.0] * 9, [1] * 9), 3.0, "constant"),
        (([0.0] * 9, [1] * 9), ([0.0] * 9, [1] * 9), 3.0, "constant"),
        ((TIMES, [0] * 6), GOOD, 6.5, "horizon_too_far"),
        (([1e299, 1e300, 2e300], [1] * 3), ([1e300, 2e300, 3e300], [1] * 3), 1e300, "not_finite"),
        (([1e-299, 1e-300], [1] * 2), ([1e-300, 2e-300], [1] * 2), 3e-300, "too_small"),
    ],
)
def test_data_without_an_answer_say_why(control, treatment, horizon, code):
    with pytest.raises(NotEstimable) as error:
        compare_survival(control, treatment, horizon=horizon)
    assert error.value.code == code


@pytest.mark.parametrize("horizon", [0.0, -1.0, math.nan, math.inf, None, "7", True, [7.0], (1, 2)])
def test_a_horizon_is_one_number_above_0(horizon):
    with pytest.raises(UsageError):
        compare_survival(GOOD, GOOD, horizon=horizon)


def test_there_is_no_horizon_unless_one_is_given():
    with pytest.raises(TypeError, match="horizon"):
        compare_survival(GOOD, GOOD)


def test_a_horizon_beyond_what_was_seen_names_the_longest_that_is_not():
    rows = np.arange(1.0, 101.0)
    seen = rows % 2 == 0
    with pytest.raises(NotEstimable, match="up to 91") as error:
        compare_survival((rows, seen), (rows, seen), horizon=91.5)
    assert error.value.code == "horizon_too_far"
    assert compare_survival((rows, seen), (rows, seen), horizon=91.0).estimate == 0.0
    many = np.tile(rows, 10)  # 30 of 1,000 are enough
    pair = [(many, np.tile(seen, 10))] * 2
    assert compare_survival(*pair, horizon=98.0).estimate == 0.0
    with pytest.raises(NotEstimable, match="up to 98"):
        compare_survival(*pair, horizon=99.0)


def test_without_anyone_lost_before_it_every_horizon_is_known():
    rows = np.arange(1.0, 101.0)
    pair = [(rows, rows < 99)] * 2
    assert compare_survival(*pair, horizon=99.0).horizon == 99.0
    with pytest.raises(NotEstimable, match="up to 99"):
        compare_survival(*pair, horizon=99.5)
    everyone = [(rows, np.ones(100))] * 2
    assert compare_survival(*everyone, horizon=1e6).control_value == pytest.approx(rows.mean())


def test_a_thin_start_of_late_entries_is_refused():
    rows = np.arange(10.0, 110.0)
    entry = np.where(rows > 11, 9.5, 0.0)
    thin = (np.concatenate([[1.0, 5.0], rows]), np.ones(102), np.concatenate([[0, 0], entry]))
    with pytest.raises(NotEstimable, match="horizon"):
        compare_survival(thin, (rows, np.ones(100)), horizon=50.0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"measure": "hazard"},
        {"alternative": "larger"},
        {"confidence_level": 95},
        {"confidence_level": 1.0},
        {"confidence_level": 0.3, "alternative": "less"},
    ],
)
def test_arguments_of_comparisons_are_checked(arguments):
    with pytest.raises(UsageError):
        compare_survival(GOOD, GOOD, horizon=3.0, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"weight": "peto"},
        {"weight": "fleming_harrington"},
        {"powers": (1.0, 0.0)},
        {"weight": "gehan", "powers": (0.0, 1.0)},
        {"weight": "fleming_harrington", "powers": (-1.0, 0.0)},
        {"weight": "fleming_harrington", "powers": (math.nan, 0.0)},
        {"weight": "fleming_harrington", "powers": (math.inf, 0.0)},
        {"weight": "fleming_harrington", "powers": 1.0},
        {"weight": "fleming_harrington", "powers": (True, False)},
        {"weight": "fleming_harrington", "powers": ("1", "0")},
        {"alternative": "faster"},
        {"confidence_level": 0.0},
    ],
)
def test_arguments_of_rank_tests_are_checked(arguments):
    with pytest.raises(UsageError):
        log_rank_test(GOOD, GOOD, **arguments)


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [
        (([1.0], [1]), GOOD, "too_few_units"),
        ((TIMES, [0] * 6), (TIMES, [0] * 6), "no_events"),
        (([1.0] * 4, [1] * 4), ([1.0] * 4, [1] * 4), "constant"),
        (([1.0] * 4, [0] * 4), ([2.0] * 4, [1] * 4), "constant"),
    ],
)
def test_rank_tests_without_an_answer_say_why(control, treatment, code):
    with pytest.raises(NotEstimable) as error:
        log_rank_test(control, treatment)
    assert error.value.code == code


def test_a_comparison_without_a_rank_test_has_none():
    result = compare_survival(([2.0] * 8, [0] * 8), ([1.0, 3.0] * 4, [1] * 8), horizon=1.5)
    assert result.log_rank is not None
    gone = compare_survival(
        ([1.0, 1.0], [1, 0]), ([2.0, 3.0], [1, 1]), horizon=1.0, measure="survival"
    )
    assert gone.to_dict()["log_rank"]["warnings"] == ["few_events"]
    assert "Log-rank" in str(gone)


def test_few_events_and_few_units_are_said():
    assert compare_survival(GOOD, GOOD, horizon=3.0).warnings == ("few_units", "few_events")
    many = EventTimes.from_table([1, 2, 3], [20, 10, 0], [0, 0, 20])
    assert compare_survival(many, many, horizon=3.0).warnings == ()
    fewer = EventTimes.from_table([1, 2, 3], [20, 10, 0], [0, 0, 19])
    assert compare_survival(many, fewer, horizon=3.0).warnings == ("few_units",)


@pytest.mark.parametrize("time", [-1.0, math.nan, math.inf, None, "1", True, 6.5])
def test_a_curve_is_asked_only_where_it_is_known(time):
    curve = survival_curve((TIMES, [1, 1, 1, 1, 1, 0]))
    with pytest.raises(UsageError):
        curve.at(time)


def test_a_curve_that_reached_0_stays_there():
    curve = survival_curve((TIMES, [1] * 6))
    found = curve.at(100.0)
    assert found.estimate == found.lower == 0.0
    assert found.upper == curve.survival_upper[-2] > 0.0
    assert curve.at(0.5).estimate == 1.0


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, math.nan, None, "0.5", True])
def test_quantiles_are_of_shares(share):
    with pytest.raises(UsageError):
        survival_curve(GOOD).quantile(share)


def test_curves_of_nobody_are_refused():
    with pytest.raises(NotEstimable) as error:
        survival_curve(([], []))
    assert error.value.code == "too_few_units"


def test_a_curve_without_events_has_the_limits_that_none_of_n_leaves_possible():
    curve = survival_curve(([5.0] * 100, [0] * 100))
    assert curve.at(5.0).lower == pytest.approx(0.025 ** (1 / 100))  # Clopper-Pearson of 0 in 100
    assert curve.at(5.0).upper == 1.0
    assert curve.hazard_upper[0] == pytest.approx(-math.log(0.025) / 100)
    assert curve.quantile().estimate is None
    assert "100.00% are without it" in str(curve)


def test_results_show_themselves():
    curve = survival_curve(GOOD)
    assert "median time 4" in str(curve)
    assert curve.table.columns[0] == "times"
    assert len(curve.table) == curve.times.size
    assert "at risk" in curve._repr_mimebundle_()[0]["text/html"]
    assert all(isinstance(value, float) for value in curve.to_dict()["survival"])
    test = log_rank_test(GOOD, GOOD, weight="gehan")
    assert "hazard ratio 1 " in str(test)
    assert "expected" in test._repr_mimebundle_()[0]["text/html"]
    result = compare_survival(GOOD, GOOD, horizon=3)
    assert str(result).startswith("Mean time without the event up to 3:")
    assert "kaplan_meier" in result._repr_mimebundle_()[0]["text/html"]
    for alternative in ("greater", "less"):
        assert "or " in str(log_rank_test(GOOD, GOOD, alternative=alternative))
