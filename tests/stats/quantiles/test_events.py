"""Quantiles of events clustered by unit: against R, their properties, bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    ValueCounts,
    compare_event_quantiles,
    compare_quantiles,
)
from abtest.stats.means.ranks import inverse_quantile

EVENTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=12, max_size=60).filter(
    lambda events: len({unit for _, unit in events}) > 2
)
GOOD = ([3, 4, 3, 9, 8, 1, 2], ["a", "a", "a", "b", "b", "c", "d"])


def pair(case):
    return [(case[arm]["v"], case[arm]["u"]) for arm in ("control", "treatment")]


def two_passes(events, share):
    values, units = np.asarray(events[0], float), np.unique(events[1], return_inverse=True)[1]
    counts = ValueCounts.from_values(values)
    below = values <= inverse_quantile(counts, share)
    return counts, Moments.from_columns([np.bincount(units, below), np.bincount(units)])


@pytest.mark.parametrize("place", range(5))
def test_limits_agree_with_sandwich_and_all_pairs_in_r(reference, place):
    case = reference("quantiles_events")["cases"][place]
    want, share = case["melded"], case["quantile"]
    got = compare_event_quantiles(*pair(case), quantile=share)
    assert got.details["design_effect_control"] == pytest.approx(want["deff_control"], rel=1e-9)
    assert got.details["design_effect_treatment"] == pytest.approx(want["deff_treatment"], rel=1e-9)
    assert got.interval == pytest.approx((want["lower"], want["upper"]), rel=1e-9)
    p_value = min(1.0, 2.0 * min(want["p_greater"], want["p_less"]))
    assert got.p_value == pytest.approx(p_value, rel=1e-8)
    greater = compare_event_quantiles(*pair(case), quantile=share, alternative="greater")
    assert greater.p_value == pytest.approx(want["p_greater"], rel=1e-8)
    assert ("few_clusters" in got.warnings) == (got.n_control < 200)


@pytest.mark.parametrize("place", [2, 3, 4])
def test_many_units_agree_with_drawing_them_in_r(reference, place):
    case = reference("quantiles_events")["cases"][place]
    want = case["bootstrap_quantile"]
    got = compare_event_quantiles(*pair(case), quantile=case["quantile"])
    for limit, other in zip(got.interval, (want["lower"], want["upper"]), strict=True):
        assert limit == pytest.approx(other, abs=0.35 * want["error"])
    assert got.method == "melded_clustered"


def test_few_units_are_resampled_if_a_seed_is_given(reference):
    case = reference("quantiles_events")["cases"][0]
    got = compare_event_quantiles(*pair(case), quantile=0.5, seed=3)
    want = case["bootstrap_quantile"]
    assert (got.method, got.seed) == ("cluster_percentile", 3)
    for limit, other in zip(got.interval, (want["lower"], want["upper"]), strict=True):
        assert limit == pytest.approx(other, abs=0.12 * want["error"])


@given(EVENTS, EVENTS, st.sampled_from([0.25, 0.5, 0.9]), st.sampled_from([0.8, 0.95]))
@settings(max_examples=100)
def test_p_agrees_and_two_passes_are_the_events(control, treatment, share, level):
    arms = [tuple(zip(*events, strict=True)) for events in (control, treatment)]
    call = {"quantile": share, "confidence_level": level}
    got = compare_event_quantiles(*arms, **call)
    lower, upper = got.interval
    out = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert out == (got.p_value < 1.0 - level)
    assert lower is None or lower <= got.estimate
    assert upper is None or upper >= got.estimate
    summed = compare_event_quantiles(*(two_passes(arm, share) for arm in arms), **call)
    assert summed.interval == got.interval
    assert summed.p_value == pytest.approx(got.p_value, rel=1e-9)
    swapped = compare_event_quantiles(*arms[::-1], **call)
    assert swapped.p_value == pytest.approx(got.p_value, rel=1e-9)


def test_units_of_one_event_are_the_exact_comparison():
    rng = np.random.default_rng(4)
    arms = rng.exponential(size=3000), 1.1 * rng.exponential(size=3000)
    got = compare_event_quantiles(*((arm, range(3000)) for arm in arms), quantile=0.75)
    want = compare_quantiles(*arms, quantile=0.75)
    assert got.details["design_effect_control"] == pytest.approx(1.0, abs=0.01)
    assert got.interval == pytest.approx(want.interval, abs=0.005)
    assert got.p_value == pytest.approx(want.p_value, rel=0.1)


def test_the_interval_covers_where_that_of_independent_events_does_not():
    rng = np.random.default_rng(5)
    runs, held = 100, {"units": 0, "events": 0}
    for _ in range(runs):
        arms = []
        for _ in range(2):
            units = np.repeat(np.arange(210), rng.integers(1, 12, 210))
            arms.append((rng.normal(size=210)[units] + rng.normal(size=units.size), units))
        lower, upper = compare_event_quantiles(*arms, quantile=0.75).interval
        held["units"] += lower <= 0.0 <= upper
        lower, upper = compare_quantiles(arms[0][0], arms[1][0], quantile=0.75).interval
        held["events"] += lower <= 0.0 <= upper
    assert held["units"] / runs > 0.9
    assert held["events"] / runs < 0.8


def test_far_tails_keep_a_logarithm():
    units = np.repeat(np.arange(4000), 3)
    values = np.random.default_rng(6).normal(size=12_000)
    got = compare_event_quantiles((values, units), (values + 9.0, units))
    assert -3000.0 < got.log10_p < -280.0
    back = compare_event_quantiles((values + 9.0, units), (values, units))
    assert back.log10_p == pytest.approx(got.log10_p, rel=0.05)


def test_events_that_are_all_alike_count_once_for_each_unit():
    units = np.repeat(np.arange(300), 4)
    got = compare_event_quantiles((np.full(1200, 3.0), units), (np.full(1200, 5.0), units))
    assert got.details["design_effect_control"] == 4.0
    assert (got.interval, got.warnings) == ((2.0, 2.0), ("tied_quantile",))


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (([], []), "too_few_units"),
        (([1.0, 2.0], ["a", "a"]), "too_few_units"),
        (([math.nan, 2.0], ["a", "b"]), "too_few_units"),
        (([1.0, math.inf], ["a", "b"]), "not_finite"),
        (([-1.7e308, 1.7e308], ["a", "b"]), "not_finite"),
        ((ValueCounts.from_values([]), Moments.from_columns([[], []])), "too_few_units"),
    ],
)
def test_data_that_cannot_answer_say_why(events, code):
    for arms in ((events, GOOD), (GOOD, events)):
        with pytest.raises(NotEstimable) as caught:
            compare_event_quantiles(*arms)
        assert caught.value.code == code


@pytest.mark.parametrize(
    "events",
    [
        [1.0, 2.0, 3.0],
        None,
        ([1.0, 2.0], ["a"]),
        ([1.0, 2.0], ["a", None]),
        ValueCounts.from_values([1.0, 2.0]),
        (ValueCounts.from_values([1.0, 2.0]), Moments.from_columns([[1.0, 2.0]])),
        (ValueCounts.from_values([1.0, 2.0]), Moments.from_columns([[9.0, 2.0], [9.0, 3.0]])),
    ],
)
def test_what_is_neither_events_nor_their_sums_is_refused(events):
    for arms in ((events, GOOD), (GOOD, events)):
        with pytest.raises(UsageError) as caught:
            compare_event_quantiles(*arms)
        assert caught.value.todo


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantile": 1.0},
        {"quantile": 50},
        {"quantile": None},
        {"seed": -1},
        {"seed": 0.5},
        {"alternative": "up"},
        {"confidence_level": 95},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UsageError):
        compare_event_quantiles(GOOD, GOOD, **wrong)


def test_sums_cannot_be_resampled():
    arms = [two_passes(GOOD, 0.5)] * 2
    with pytest.raises(UsageError):
        compare_event_quantiles(*arms, seed=1)
