"""The cluster bootstrap: against R, its properties, bad input."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    NotEstimable,
    SampleQuantile,
    WeightedStatistic,
    bootstrap,
    cluster_bootstrap,
    compare_ratios,
)

GOOD = ([3, 4, 3, 9, 8, 1, 2], ["a", "a", "a", "b", "b", "c", "d"])
OTHER = ([5, 6, 12, 13, 4, 3], ["e", "e", "f", "f", "g", "h"])
EVENTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 7)), min_size=12, max_size=30).filter(
    lambda events: len({unit for _, unit in events}) > 2 and len({v for v, _ in events}) > 1
)


def pair(case):
    return [(case[arm]["v"], case[arm]["u"]) for arm in ("control", "treatment")]


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("kind", ["mean", "quantile"])
def test_intervals_agree_with_drawing_units_in_r(reference, kind, place):
    case = reference("quantiles_events")["cases"][place]
    want = case[f"bootstrap_{kind}"]
    statistic = "mean" if kind == "mean" else SampleQuantile(case["quantile"])
    got = cluster_bootstrap(*pair(case), seed=5, statistic=statistic, replicates=20_000)
    limits = [[want["lower"], want["upper"]]]
    if kind == "mean":
        limits.append(case["boot_mean"])
    for found in limits:
        for limit, other in zip(got.interval, found, strict=True):
            assert limit == pytest.approx(other, abs=0.12 * want["error"])


def test_many_units_agree_with_the_delta_method():
    rng = np.random.default_rng(2)
    arms = []
    for shift in (0.0, 0.1):
        units = np.repeat(np.arange(1500), 1 + rng.poisson(3, 1500))
        pace = rng.normal(size=1500)
        arms.append((shift + pace[units] + rng.normal(size=units.size), units))
    got = cluster_bootstrap(*arms, seed=1, replicates=4_000)
    sums = [(np.bincount(units, values), np.bincount(units)) for values, units in arms]
    want = compare_ratios(*sums)
    width = want.interval[1] - want.interval[0]
    assert got.estimate == pytest.approx(want.estimate, rel=1e-9)
    assert got.interval == pytest.approx(want.interval, abs=0.04 * width)


@given(EVENTS, EVENTS, st.sampled_from([0.1, 0.5, 0.8]), st.integers(0, 3))
@settings(max_examples=60)
def test_the_quantile_is_that_of_a_function_and_p_agrees(control, treatment, share, seed):
    arms = [tuple(zip(*events, strict=True)) for events in (control, treatment)]
    quantile = SampleQuantile(share)
    own = WeightedStatistic(quantile.rows, vectorized=True)
    for method in ("percentile", "basic"):
        got, slow = (
            cluster_bootstrap(*arms, seed=seed, statistic=statistic, replicates=199, method=method)
            for statistic in (quantile, own)
        )
        assert (got.interval, got.p_value) == (slow.interval, slow.p_value)
        lower, upper = got.interval
        assert (lower > 0 or upper < 0) == (got.p_value < 1.0 - 0.95)


@given(EVENTS, EVENTS, st.randoms())
@settings(max_examples=40)
def test_the_order_of_events_does_not_matter(control, treatment, random):
    arms = [tuple(zip(*events, strict=True)) for events in (control, treatment)]
    mixed = []
    for events in (control, treatment):
        # units keep the order in which they are first seen
        firsts = [next(e for e in events if e[1] == u) for u in dict.fromkeys(u for _, u in events)]
        rest = list(events)
        for event in firsts:
            rest.remove(event)
        random.shuffle(rest)
        mixed.append(tuple(zip(*firsts, *rest, strict=True)))
    call = {"seed": 1, "replicates": 199}
    got, want = (cluster_bootstrap(*x, **call) for x in (mixed, arms))
    assert got.interval == pytest.approx(want.interval, abs=1e-9)


def test_units_of_one_event_are_the_plain_bootstrap():
    rng = np.random.default_rng(3)
    arms = rng.normal(size=300), rng.normal(size=300)
    clustered = [(arm, range(300)) for arm in arms]
    got = cluster_bootstrap(*clustered, seed=1, replicates=20_000)
    want = bootstrap(*arms, seed=2, replicates=20_000)
    assert got.interval == pytest.approx(want.interval, abs=0.01)


def test_units_may_be_of_any_kind():
    want = cluster_bootstrap(GOOD, OTHER, seed=1, replicates=199)
    for name in (
        lambda unit: (unit, 1),
        ord,
        lambda unit: pd.Timestamp(2020, 1, ord(unit) - 96),
        lambda unit: None if unit == "never" else unit,
    ):
        arms = [(values, [name(unit) for unit in units]) for values, units in (GOOD, OTHER)]
        got = cluster_bootstrap(*arms, seed=1, replicates=199)
        assert got == want
    frames = [(values, pd.DataFrame({"shop": units, "day": 1})) for values, units in (GOOD, OTHER)]
    assert cluster_bootstrap(*frames, seed=1, replicates=199) == want
    assert (want.n_control, want.n_treatment) == (4, 4)
    assert want.details == {"events_control": 7.0, "events_treatment": 6.0}


def test_null_values_are_left_out_and_counted():
    got = cluster_bootstrap(([*GOOD[0], None], [*GOOD[1], "z"]), OTHER, seed=1, replicates=199)
    assert (got.nulls_control, got.n_control) == (1, 4)
    assert got.interval == cluster_bootstrap(GOOD, OTHER, seed=1, replicates=199).interval


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (([], []), "too_few_units"),
        (([1.0, 2.0], ["a", "a"]), "too_few_units"),
        (([math.nan, 2.0], ["a", "b"]), "too_few_units"),
        (([1.0, math.inf], ["a", "b"]), "not_finite"),
        (([-1.7e308, 1.7e308], ["a", "b"]), "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(events, code):
    for arms in ((events, GOOD), (GOOD, events)):
        with pytest.raises(NotEstimable) as caught:
            cluster_bootstrap(*arms, seed=1, replicates=199)
        assert caught.value.code == code


@pytest.mark.parametrize(
    "events",
    [
        [1.0, 2.0, 3.0],
        None,
        ([1.0, 2.0], ["a"]),
        ([1.0, 2.0], ["a", None]),
        ([1.0, 2.0], [1.0, math.nan]),
        ([1.0, 2.0], 5),
        (["x", "y"], ["a", "b"]),
        ([1.0, 2.0], [{}, {}]),
    ],
)
def test_what_is_no_pair_of_values_and_units_is_refused(events):
    for arms in ((events, GOOD), (GOOD, events)):
        with pytest.raises(UsageError) as caught:
            cluster_bootstrap(*arms, seed=1)
        assert caught.value.todo


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "bca"},
        {"seed": None},
        {"replicates": 3},
        {"statistic": "sum"},
        {"confidence_level": 95},
        {"alternative": "up"},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UsageError):
        cluster_bootstrap(GOOD, OTHER, **{"seed": 1, **wrong})
