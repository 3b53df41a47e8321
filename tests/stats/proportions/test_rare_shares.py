"""Score methods of rare events in large arms, against 60 digits; one pair as a table's row."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from abtest.stats import (
    Moments,
    MomentsTable,
    ScorePair,
    compare_proportions,
    non_inferiority,
    proportion_interval,
)
from abtest.stats.proportions.score_statistics import ratio_scores
from abtest.stats.rates.score import RatePair

EXACT = 1e-9


def arms(case):
    return Moments.from_counts(*case["control"]), Moments.from_counts(*case["treatment"])


def as_tables(arms):
    return tuple(MomentsTable.from_moments([arm]) for arm in arms)


def pair_of(case):
    return ScorePair(*case["control"][::-1], *case["treatment"][::-1])


def test_limits_of_the_difference_have_their_digits_in_pairs_and_tables(reference):
    for case in reference("rare_shares")["difference"]:
        level = case["level"]
        single = compare_proportions(*arms(case), confidence_level=level).absolute
        row = compare_proportions(*as_tables(arms(case)), confidence_level=level)[0].absolute
        for got in (single, row):
            expected = (case["lower"], case["upper"])
            assert (got.lower, got.upper) == pytest.approx(expected, rel=EXACT, abs=0.0)


def test_limits_of_the_ratio_have_their_digits_in_pairs_and_tables(reference):
    for case in reference("rare_shares")["ratio"]:
        single = compare_proportions(*arms(case)).relative
        row = compare_proportions(*as_tables(arms(case)))[0].relative
        for got in (single, row):
            expected = (case["lower"], case["upper"])
            assert (got.lower, got.upper) == pytest.approx(expected, rel=EXACT, abs=0.0)


def test_statistics_against_a_margin_have_their_digits(reference):
    for case in reference("rare_shares")["statistic"]:
        pair, bound = pair_of(case), case["bound"]
        assert pair.test(absolute=bound).statistic == pytest.approx(case["difference"], rel=EXACT)
        relative = pair.test(relative=100.0 * bound).statistic
        assert relative == pytest.approx(case["ratio"], rel=EXACT, abs=0.0)


def test_non_inferiority_of_rare_events_is_judged_by_the_right_statistic():
    control, treatment = Moments.from_counts(50_000_000, 2), Moments.from_counts(50_000_000, 0)
    found = non_inferiority(control, treatment, margin_absolute=2e-8, measure="proportion")
    assert found.p_value == pytest.approx(0.841, abs=5e-4)


def test_wilsons_limits_have_their_digits(reference):
    for case in reference("rare_shares")["wilson"]:
        got = proportion_interval(*case["sample"][::-1], method="wilson")
        expected = (case["lower"], case["upper"])
        assert (got.lower, got.upper) == pytest.approx(expected, rel=EXACT, abs=0.0)


def test_rates_of_rare_events_have_their_digits(reference):
    for case in reference("rare_shares")["rate_difference"]:
        (t0, x0), (t1, x1) = case["control"], case["treatment"]
        got = RatePair(x0, float(t0), x1, float(t1)).absolute(0.95)
        expected = (case["lower"], case["upper"])
        assert (got.lower, got.upper) == pytest.approx(expected, rel=EXACT, abs=0.0)
    for case in reference("rare_shares")["statistic"]:
        (t0, x0), (t1, x1) = case["control"], case["treatment"]
        statistic = RatePair(x0, float(t0), x1, float(t1)).test(absolute=case["bound"]).statistic
        assert statistic == pytest.approx(case["rate_difference"], rel=EXACT)
    for case in reference("rare_shares")["rate_statistic"]:  # a rate of control next to 0
        (t0, x0), (t1, x1) = case["control"], case["treatment"]
        statistic = RatePair(x0, float(t0), x1, float(t1)).test(absolute=case["bound"]).statistic
        assert statistic == pytest.approx(case["statistic"], rel=1e-12)


@st.composite
def rare(draw):
    counts = []
    for _ in range(2):
        n = draw(st.one_of(st.integers(2, 1000), st.integers(2, 10**8)))
        few = draw(st.integers(0, min(n, draw(st.sampled_from([0, 1, 5, 100, 10**8])))))
        counts += [n, n - few if draw(st.booleans()) else few]
    return {"control": counts[:2], "treatment": counts[2:]}


@given(rare())
@example({"control": [425438, 0], "treatment": [34647397, 0]})
@example({"control": [2, 2], "treatment": [10**8, 0]})
@example({"control": [10**8, 10**8], "treatment": [2, 0]})
def test_one_pair_is_a_row_of_a_table(case):
    single = compare_proportions(*arms(case))
    row = compare_proportions(*as_tables(arms(case)))[0]
    for one, other in ((single.absolute, row.absolute), (single.relative, row.relative)):
        mine = [np.nan if end is None else end for end in (one.lower, one.upper)]
        table = [np.nan if end is None else end for end in (other.lower, other.upper)]
        assert mine == pytest.approx(table, rel=EXACT, abs=1e-15, nan_ok=True)
    assert single.p_value == pytest.approx(row.p_value, rel=EXACT, abs=1e-300)
    assert single.absolute.lower <= single.absolute.upper


@given(rare())
@example({"control": [51, 0], "treatment": [358, 337]})
def test_the_statistic_at_a_limit_of_the_difference_is_the_critical_value(case):
    pair = pair_of(case)
    interval = pair.absolute(0.95)
    for end in (interval.lower, interval.upper):
        if -1.0 < end < 1.0 and abs(end - pair.difference) > 1e-12:
            assert abs(pair.test(absolute=end).statistic) == pytest.approx(1.959963985, rel=1e-4)


def test_a_ratio_of_one_is_a_difference_of_nothing_next_to_all_successes():
    counts = (10**8 - 3, 10**8, 10**7 - 1, 10**7)
    at_one = float(ratio_scores(counts, 1.0, corrected=True))
    assert at_one == pytest.approx(ScorePair(*counts).test().statistic, rel=EXACT)
