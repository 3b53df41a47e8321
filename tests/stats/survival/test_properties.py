"""What holds for all event times: merging, scale, swapped arms, no censoring, p and interval."""

import math
import re
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.stats import (
    EventTimes,
    NotEstimable,
    compare_means,
    compare_survival,
    log_rank_test,
    survival_curve,
)

WEIGHTS = ("log_rank", "gehan", "tarone_ware", "fleming_harrington")
days = st.integers(0, 12).map(float)
units = st.tuples(days, st.booleans())
arms = st.lists(units, min_size=3, max_size=30)
late_units = st.tuples(st.integers(0, 6).map(float), st.integers(1, 9).map(float), st.booleans())


def columns(rows):
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def same(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("times", "events", "censored", "entries")
    )


def weighted(weight):
    return {"weight": weight, "powers": (0.5, 1.0) if weight == "fleming_harrington" else (0, 0)}


@given(st.lists(late_units, max_size=30), st.data())
def test_any_partition_in_any_order_merges_exactly(rows, data):
    table = np.array([(entry + stay, seen, entry) for entry, stay, seen in rows]).reshape(-1, 3)
    whole = EventTimes.from_values(*table.T)
    assert whole.n == len(rows)
    order = data.draw(st.permutations(range(len(rows))))
    cut = data.draw(st.integers(0, len(rows)))
    parts = [EventTimes.from_values(*table[list(part)].T) for part in (order[:cut], order[cut:])]
    assert same(parts[0] + parts[1], whole)
    assert same(parts[1] + parts[0], whole)
    again = EventTimes.from_table(whole.times, whole.events, whole.censored, whole.entries)
    assert same(again, whole)
    for moment in (0.5, 3.0, 7.0):
        at_risk = ((table[:, 2] < moment) & (moment <= table[:, 0])).sum()
        assert whole.at_risk_at(np.array([moment]))[0] == at_risk


@given(st.lists(days, min_size=2, max_size=40), st.integers(1, 13))
def test_without_censoring_the_curve_is_the_share_above_and_the_mean_a_mean(values, horizon):
    values = np.array(values)
    curve = survival_curve((values, np.ones(values.size)))
    for row, moment in enumerate(curve.times):
        assert curve.survival[row] == pytest.approx((values > moment).mean(), abs=1e-12)
    for share in (0.25, 0.5, 0.9):
        quantile = np.quantile(values, share, method="inverted_cdf")
        assert curve.quantile(share).estimate == quantile
    other = np.array([1.0, 4.0, 6.0])
    kept = [np.minimum(part, horizon) for part in (other, values)]
    assume(any(part.min() < part.max() for part in kept))
    seen = ((other, np.ones(3)), (values, np.ones(values.size)))
    got = compare_survival(*seen, horizon=horizon)
    want = compare_means(*kept, method="z")
    assert got.estimate == pytest.approx(want.estimate, abs=1e-9)
    # a mean's variance has divisor n - 1, the curve's has n
    spread = sum(part.var() / part.size for part in kept)
    assert (got.interval[1] - got.interval[0]) / 2 == pytest.approx(
        1.959963984540054 * math.sqrt(spread), rel=1e-9
    )


@settings(deadline=None)
@given(arms, arms, st.sampled_from([1e-9, 0.5, 7.0, 86400.0, 1e12]))
def test_another_unit_of_time_changes_nothing_else(first, second, factor):
    pair = columns(first), columns(second)
    scaled = [(time * factor, seen) for time, seen in pair]
    try:
        got = compare_survival(*pair, horizon=5.0)
    except NotEstimable as error:
        with pytest.raises(NotEstimable, match=re.escape(error.what)):
            compare_survival(*scaled, horizon=5.0 * factor)
        return
    other = compare_survival(*scaled, horizon=5.0 * factor)
    assert other.p_value == pytest.approx(got.p_value, rel=1e-9)
    assert other.estimate == pytest.approx(got.estimate * factor, rel=1e-9, abs=1e-12 * factor)
    assert other.relative.lower == pytest.approx(got.relative.lower, rel=1e-7, abs=1e-9) or (
        got.relative.status != "bounded"
    )
    assert (other.log_rank is None) == (got.log_rank is None)
    if got.log_rank is not None:
        assert other.log_rank.p_value == pytest.approx(got.log_rank.p_value, rel=1e-12)


@settings(deadline=None)
@given(
    arms,
    arms,
    st.sampled_from(["two-sided", "greater", "less"]),
    st.sampled_from(["rmst", "survival"]),
    st.sampled_from([0.8, 0.95, 0.999]),
)
def test_swapped_arms_turn_the_sign_and_p_and_intervals_are_one_test(
    first, second, alternative, measure, level
):
    pair = columns(first), columns(second)
    turned = {"greater": "less", "less": "greater"}.get(alternative, alternative)
    asked = {"horizon": 5.0, "measure": measure, "confidence_level": level}
    try:
        got = compare_survival(*pair, alternative=alternative, **asked)
    except NotEstimable:
        return
    back = compare_survival(*pair[::-1], alternative=turned, **asked)
    assert back.estimate == pytest.approx(-got.estimate, abs=1e-12)
    assert back.p_value == pytest.approx(got.p_value, rel=1e-9)
    summed = compare_survival(
        *(EventTimes.from_values(*arm) for arm in pair), alternative=alternative, **asked
    )
    assert summed.to_dict() == got.to_dict()
    alpha = 1.0 - level
    assume(abs(got.p_value - alpha) > 1e-9)
    for effect in (got.absolute, got.relative):
        if getattr(effect, "status", "bounded") not in ("bounded", "half_line"):
            continue
        outside = (effect.lower is not None and effect.lower > 0) or (
            effect.upper is not None and effect.upper < 0
        )
        assert outside == (got.p_value < alpha)


@settings(deadline=None)
@given(
    arms,
    arms,
    st.sampled_from(WEIGHTS),
    st.sampled_from(["two-sided", "greater", "less"]),
    st.sampled_from([0.8, 0.95, 0.999]),
)
def test_the_hazard_ratio_leaves_out_1_exactly_when_p_is_small(
    first, second, weight, alternative, level
):
    pair = columns(first), columns(second)
    turned = {"greater": "less", "less": "greater"}.get(alternative, alternative)
    try:
        got = log_rank_test(
            *pair, alternative=alternative, confidence_level=level, **weighted(weight)
        )
    except NotEstimable:
        return
    back = log_rank_test(
        *pair[::-1], alternative=turned, confidence_level=level, **weighted(weight)
    )
    assert back.statistic == pytest.approx(-got.statistic, abs=1e-9)
    assert back.estimate == pytest.approx(1 / got.estimate, rel=1e-9)
    assert got.expected_control + got.expected_treatment == pytest.approx(
        got.events_control + got.events_treatment
    )
    lower, upper = got.interval
    assert lower is None or lower <= got.estimate * (1 + 1e-12)
    assert upper is None or upper >= got.estimate * (1 - 1e-12)
    assume(abs(got.p_value - (1 - level)) > 1e-9)
    outside = (lower is not None and lower > 1) or (upper is not None and upper < 1)
    assert outside == (got.p_value < 1 - level)


@settings(deadline=None)
@given(st.lists(late_units, min_size=1, max_size=40), st.sampled_from([0.5, 0.95, 0.9999]))
def test_bands_hold_their_curves_and_stay_where_shares_can_be(rows, level):
    table = np.array([(entry + stay, seen, entry) for entry, stay, seen in rows])
    curve = survival_curve(tuple(table.T), confidence_level=level)
    for lower, middle, upper in (
        (curve.survival_lower, curve.survival, curve.survival_upper),
        (curve.hazard_lower, curve.hazard, curve.hazard_upper),
    ):
        assert np.isfinite([lower, middle, upper]).all()
        assert (lower <= middle + 1e-12).all()
        assert (middle <= upper + 1e-12).all()
        assert (lower >= 0).all()
    assert (curve.survival_upper <= 1).all()
    for share in (0.1, 0.5, 0.8):
        found = curve.quantile(share)
        if found.estimate is not None:
            assert found.lower is None or found.lower <= found.estimate
            assert found.upper is None or found.estimate <= found.upper


def test_delayed_entry_counts_units_only_after_they_came():
    # by hand: at 2 only the first two are at risk, at 4 the third is too
    curve = survival_curve(([2, 5, 4], [1, 0, 1], [0, 0, 2]))
    assert curve.times.tolist() == [2.0, 4.0, 5.0]
    assert curve.at_risk.tolist() == [2, 2, 1]
    assert curve.survival.tolist() == [0.5, 0.25, 0.25]


def test_an_arm_that_is_gone_has_mean_and_variance_of_what_it_lived():
    seen = ([1.0, 1.0, 2.0, 2.0], [1, 1, 1, 1])
    result = compare_survival(([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1]), seen, horizon=100.0)
    assert result.treatment_value == 1.5
    assert result.details["at_risk_treatment"] == 0.0


def test_ten_million_units_on_days_cost_what_the_days_cost():
    rng = np.random.default_rng(5)
    day = np.arange(400.0)
    made = []
    for shift in (0.0, 0.002):
        events = rng.multinomial(3_000_000, np.full(400, 1 / 400)) * (1 - shift)
        left = rng.multinomial(2_000_000, np.full(400, 1 / 400))
        made.append(EventTimes.from_table(day, np.floor(events), left))
    started = time.perf_counter()
    result = compare_survival(*made, horizon=180.0)
    for arm in made:
        survival_curve(arm).quantile()
    assert time.perf_counter() - started < 0.1
    assert result.n_control == 5_000_000
    assert result.log_rank is not None


def test_the_tests_keep_their_level_and_intervals_their_promise():
    rng = np.random.default_rng(11)
    runs, n, horizon = 400, 150, 1.2
    rejected, held, ranked = 0, 0, 0
    truth = 1 - math.exp(-horizon)
    for _ in range(runs):
        pair = []
        for _arm in range(2):
            event, lost = rng.exponential(1.0, n), rng.exponential(4.0, n)
            pair.append((np.minimum(event, lost), event <= lost))
        result = compare_survival(*pair, horizon=horizon)
        rejected += result.p_value < 0.05
        ranked += result.log_rank.p_value < 0.05
        band = survival_curve(pair[0]).at(1.0)
        held += band.lower <= math.exp(-1.0) <= band.upper
        assert abs(result.control_value - truth) < 0.35
    # four standard errors of a share of 0.05 in 400 runs
    assert max(rejected, ranked, runs - held) <= 0.05 * runs + 4 * math.sqrt(0.0475 * runs)
    assert min(rejected, ranked, runs - held) >= 3
