"""What holds for competing risks: sums, merging, relabelling, sides; and what is refused."""

import math
import re
import time

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    CompetingTimes,
    NotEstimable,
    compare_incidence,
    compare_survival,
    cumulative_incidence,
    gray_test,
)

units = st.tuples(st.integers(0, 9), st.integers(0, 3))
arms = st.lists(units, min_size=3, max_size=30)
GOOD = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 2, 1, 0, 2, 1])


def columns(rows):
    return np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])


def direct_variance(curve, share, row):
    """Return the variance of the share at a row by the formula as printed, term by term."""
    n = curve.at_risk[: row + 1].astype(float)
    mine = curve.events[: row + 1]
    every = mine + curve.competing[: row + 1]
    before = np.concatenate([[1.0], np.cumprod(1 - every / n)[:-1]])
    rest = share[row] - share[: row + 1]
    left = np.where(n > every, n - every, np.inf)
    return (
        rest**2 * every / (n * left)
        + before**2 * mine * (n - mine) / n**3
        - 2 * rest * before * mine / n**2
    ).sum()


@given(arms)
def test_shares_add_up_to_1_and_errors_are_those_of_the_formula(rows):
    sample = CompetingTimes.from_values(*columns(rows))
    total = np.zeros(sample.times.size)
    for cause in (1, 2, 3):
        curve = cumulative_incidence(sample, cause=cause)
        total += curve.incidence
        for row in range(curve.times.size):
            want = direct_variance(curve, curve.incidence, row)
            assert curve.error[row] ** 2 == pytest.approx(want, rel=1e-7, abs=1e-15)
        assert (curve.lower <= curve.incidence + 1e-12).all()
        assert (curve.incidence <= curve.upper + 1e-12).all()
        assert (curve.lower >= 0).all()
        assert (curve.upper <= 1).all()
        assert np.isfinite(curve.error).all()
    any_event = sample.any_event
    survival = np.cumprod(1 - any_event.events / any_event.at_risk)
    assert total + survival == pytest.approx(np.ones(total.size))


@given(st.lists(units, max_size=30), st.data())
def test_any_partition_merges_exactly(rows, data):
    whole = CompetingTimes.from_values(*columns(rows))
    cut = data.draw(st.integers(0, len(rows)))
    parts = [CompetingTimes.from_values(*columns(part)) for part in (rows[:cut], rows[cut:])]
    for merged in (parts[0] + parts[1], parts[1] + parts[0]):
        assert merged.times.tolist() == whole.times.tolist()
        assert merged.events.tolist() == whole.events.tolist()
        assert merged.censored.tolist() == whole.censored.tolist()
    again = CompetingTimes.from_table(whole.times, list(whole.events.T), whole.censored)
    assert again.events.tolist() == whole.events.tolist()


@given(arms, arms, st.sampled_from(["two-sided", "greater", "less"]), st.sampled_from([0.8, 0.95]))
def test_swapped_arms_turn_the_sign_and_p_and_intervals_are_one_test(
    first, second, alternative, level
):
    pair = columns(first), columns(second)
    turned = {"greater": "less", "less": "greater"}.get(alternative, alternative)
    asked = {"horizon": 4.0, "confidence_level": level}
    try:
        got = compare_incidence(*pair, alternative=alternative, **asked)
    except NotEstimable:
        return
    back = compare_incidence(*pair[::-1], alternative=turned, **asked)
    assert back.estimate == pytest.approx(-got.estimate, abs=1e-12)
    assert back.p_value == pytest.approx(got.p_value, rel=1e-7)
    table = compare_incidence(
        *(CompetingTimes.from_values(*arm) for arm in pair), alternative=alternative, **asked
    )
    assert table.to_dict() == got.to_dict()
    if got.gray is not None:
        assert back.gray.statistic == pytest.approx(-got.gray.statistic, abs=1e-9)
        expected = got.gray.expected_control + got.gray.expected_treatment
        assert expected == pytest.approx(got.gray.events_control + got.gray.events_treatment)
    assume(abs(got.p_value - (1 - level)) > 1e-9)
    lower, upper = got.interval
    outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert outside == (got.p_value < 1 - level)


@given(arms, arms)
def test_one_cause_alone_is_the_share_of_a_survival_curve(first, second):
    pair = [
        (moments, (causes > 0).astype(int)) for moments, causes in map(columns, (first, second))
    ]
    try:
        got = compare_incidence(*pair, horizon=4.0)
    except NotEstimable as error:
        with pytest.raises(NotEstimable, match=re.escape(error.what[:13])):
            compare_survival(*pair, horizon=4.0, measure="survival")
        return
    want = compare_survival(*pair, horizon=4.0, measure="survival")
    assert got.estimate == pytest.approx(-want.estimate, abs=1e-12)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-6)


def test_another_unit_of_time_changes_no_test():
    rng = np.random.default_rng(2)
    pair = [(rng.integers(1, 20, 80), rng.integers(0, 3, 80)) for _ in range(2)]
    scaled = [(moments * 86400.0, causes) for moments, causes in pair]
    assert gray_test(*scaled).to_dict() == gray_test(*pair).to_dict()


def test_ten_million_units_on_days_cost_what_the_days_cost():
    rng = np.random.default_rng(5)
    share = np.full(400, 1 / 400)
    made = [
        CompetingTimes.from_table(
            np.arange(400.0),
            [rng.multinomial(1_500_000, share), rng.multinomial(1_500_000, share)],
            rng.multinomial(2_000_000, share),
        )
        for _ in range(2)
    ]
    started = time.perf_counter()
    result = compare_incidence(*made, horizon=180.0)
    for arm in made:
        cumulative_incidence(arm)
    assert time.perf_counter() - started < 0.1
    assert result.gray.p_value > 1e-6


def test_gray_keeps_its_level_with_ties_and_unequal_censoring():
    rng = np.random.default_rng(7)
    runs, rejected = 400, 0
    for _ in range(runs):
        pair = []
        for lost in (1.5, 4.0):
            days = np.ceil(rng.exponential(1.5, 200))
            last = np.floor(3 * rng.exponential(lost, 200))
            cause = np.where(days <= last, rng.integers(1, 3, 200), 0)
            pair.append((np.minimum(days, last), cause))
        rejected += gray_test(*pair).p_value < 0.05
    assert 3 <= rejected <= 0.05 * runs + 4 * math.sqrt(0.0475 * runs)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (([-1.0, 2.0], [1, 1]), "impossible_times"),
        (([1.0, math.inf], [1, 0]), "not_finite"),
        (([1.0, 2.0], [1, -1]), "not_a_count"),
        (([1.0, 2.0], [1, 0.5]), "not_a_count"),
        (([1.0, 2.0], [1, 101]), "not_a_count"),
        (([1.0, 2.0], [1, math.inf]), "not_a_count"),
    ],
)
def test_rows_that_cannot_be_are_refused(rows, code):
    for use in (
        lambda: cumulative_incidence(rows),
        lambda: gray_test(GOOD, rows),
        lambda: compare_incidence(rows, GOOD, horizon=2.0),
    ):
        with pytest.raises(NotEstimable) as error:
            use()
        assert error.value.code == code


@pytest.mark.parametrize(
    "rows",
    [
        ([1.0, 2.0], [1]),
        (["a", "b"], [1, 1]),
        ([1.0, 2.0], ["paid", "left"]),
        ([[1.0], [2.0]], [1, 1]),
        (GOOD[0],),
        GOOD[0],
        None,
        (*GOOD, GOOD[1]),
    ],
)
def test_what_is_no_times_and_causes_is_refused(rows):
    for use in (
        lambda: cumulative_incidence(rows),
        lambda: gray_test(GOOD, rows),
        lambda: compare_incidence(rows, GOOD, horizon=2.0),
    ):
        with pytest.raises(UsageError):
            use()


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (([1.0], [[-1]], [0]), "not_a_count"),
        (([1.0], [[1]], [0.5]), "not_a_count"),
        (([-1.0], [[1]], [0]), "impossible_times"),
        (([math.inf], [[1]], [0]), "not_finite"),
    ],
)
def test_tables_that_cannot_be_are_refused(columns, code):
    with pytest.raises(NotEstimable) as error:
        CompetingTimes.from_table(*columns)
    assert error.value.code == code


@pytest.mark.parametrize("events", [[], 3, None, [[1, 2]], [1, 2]])
def test_tables_without_columns_of_causes_are_refused(events):
    with pytest.raises(UsageError):
        CompetingTimes.from_table([1.0], events, [0])


@pytest.mark.parametrize("cause", [0, -1, 1.5, 101, None, "1", True, math.nan])
def test_a_cause_is_a_number_from_1(cause):
    for use in (
        lambda: cumulative_incidence(GOOD, cause=cause),
        lambda: gray_test(GOOD, GOOD, cause=cause),
        lambda: compare_incidence(GOOD, GOOD, horizon=2.0, cause=cause),
    ):
        with pytest.raises(UsageError):
            use()


@pytest.mark.parametrize(
    ("control", "treatment", "cause", "code"),
    [
        (([1.0], [1]), GOOD, 1, "too_few_units"),
        (([], []), GOOD, 1, "too_few_units"),
        (GOOD, GOOD, 3, "no_events"),
        (([1.0] * 3, [1] * 3), ([1.0] * 3, [1] * 3), 1, "constant"),
        (([1.0] * 3, [0] * 3), ([2.0] * 3, [1] * 3), 1, "constant"),
    ],
)
def test_tests_without_an_answer_say_why(control, treatment, cause, code):
    with pytest.raises(NotEstimable) as error:
        gray_test(control, treatment, cause=cause)
    assert error.value.code == code


def test_comparisons_without_an_answer_say_why():
    for arms, horizon, code in (
        (((GOOD[0], [0] * 6), GOOD), 6.5, "horizon_too_far"),
        ((GOOD, GOOD), 0.5, "no_events"),
        ((([1.0] * 4, [1] * 4),) * 2, 2.0, "constant"),
    ):
        with pytest.raises(NotEstimable) as error:
            compare_incidence(*arms, horizon=horizon)
        assert error.value.code == code
    for horizon in (0.0, None, math.nan, [1.0]):
        with pytest.raises(UsageError):
            compare_incidence(GOOD, GOOD, horizon=horizon)


def test_units_with_a_null_are_left_out_and_counted():
    sample = CompetingTimes.from_values([1.0, math.nan, 3.0], [1, 2, None])
    assert (sample.n, sample.nulls) == (1, 2)
    with pytest.raises(NotEstimable, match="no units"):
        cumulative_incidence(([math.nan], [1]))


def test_before_the_first_event_the_limit_is_the_exact_one():
    curve = cumulative_incidence(([5.0] * 60 + [4.0] * 40, [0] * 60 + [2] * 40))
    want = 1 - 0.025 ** (1 / 100)  # Clopper-Pearson of 0 in 100: those with another event count
    assert curve.upper == pytest.approx([want, want])
    assert curve.lower.tolist() == [0.0, 0.0]


def test_a_share_is_asked_only_where_it_is_known():
    curve = cumulative_incidence(([1.0, 2.0, 3.0], [1, 2, 0]))
    assert curve.at(0.5).upper == 0.0
    assert curve.at(2.5).estimate == pytest.approx(1 / 3)
    for moment in (-1.0, 3.5, math.nan, None, True, "1"):
        with pytest.raises(UsageError):
            curve.at(moment)
    assert cumulative_incidence(([1.0, 2.0], [1, 2])).at(9.0).estimate == 0.5
    everyone = cumulative_incidence(([1.0, 2.0], [1, 1])).at(9.0)
    assert everyone.estimate == everyone.upper == 1.0
    assert everyone.lower < 0.5


def test_results_show_themselves():
    curve = cumulative_incidence(GOOD)
    assert "events of cause 1" in str(curve)
    assert "competing" in curve._repr_mimebundle_()[0]["text/html"]
    assert len(curve.table) == len(curve.to_dict()["incidence"]) == 6
    test = gray_test(GOOD, GOOD)
    assert "are expected" in str(test)
    assert "expected" in test._repr_mimebundle_()[0]["text/html"]
    assert test.to_dict()["warnings"] == ["few_events"]
    result = compare_incidence(GOOD, GOOD, horizon=3)
    assert str(result).startswith("Share with event 1 first, up to 3:")
    assert "aalen_johansen" in result._repr_mimebundle_()[0]["text/html"]
    assert result.to_dict()["gray"]["method"] == "gray"
