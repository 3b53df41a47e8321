"""What holds for every comparison of quantiles of units."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.stats import ValueCounts, compare_quantiles
from abtest.stats.quantiles import melding

TIED = st.lists(st.integers(0, 6), min_size=2, max_size=40)
FLOATS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)
ARMS = st.one_of(st.tuples(TIED, TIED), st.tuples(FLOATS, FLOATS))
CALLS = st.fixed_dictionaries(
    {
        "quantile": st.sampled_from([0.1, 0.25, 0.5, 0.9]),
        "alternative": st.sampled_from(["two-sided", "greater", "less"]),
        "confidence_level": st.sampled_from([0.8, 0.95, 0.99]),
    }
)
MIRRORED = {"two-sided": "two-sided", "greater": "less", "less": "greater"}


def leaves_out(interval, value):
    lower, upper = interval.lower, interval.upper
    return (lower is not None and lower > value) or (upper is not None and upper < value)


@given(ARMS, CALLS)
@settings(max_examples=150)
def test_interval_holds_the_estimate_and_agrees_with_p(arms, call):
    got = compare_quantiles(*arms, **call)
    assert not leaves_out(got.absolute, got.estimate)
    rejected = got.p_value < 1.0 - call["confidence_level"]
    assert leaves_out(got.absolute, 0.0) == rejected
    if got.relative.estimate is not None:
        assert not leaves_out(got.relative, got.relative.estimate)
        if min(map(min, arms)) >= 0.0:
            assert leaves_out(got.relative, 0.0) == rejected
        elif leaves_out(got.relative, 0.0):
            assert rejected


@given(ARMS, CALLS)
@settings(max_examples=60)
def test_swapped_arms_and_scaled_values_mirror_the_answer(arms, call):
    got = compare_quantiles(*arms, **call)
    swapped = compare_quantiles(
        *arms[::-1], **{**call, "alternative": MIRRORED[call["alternative"]]}
    )
    assert swapped.p_value == pytest.approx(got.p_value, rel=1e-9)
    assert swapped.estimate == -got.estimate
    want = tuple(None if limit is None else -limit for limit in got.interval[::-1])
    for limit, mirror in zip(want, swapped.interval, strict=True):
        assert mirror == (None if limit is None else pytest.approx(limit, rel=1e-12))
    scaled = compare_quantiles(*([4 * x for x in arm] for arm in arms), **call)
    assert scaled.p_value == got.p_value
    assert scaled.interval == tuple(None if limit is None else 4 * limit for limit in got.interval)
    assert scaled.relative.lower == got.relative.lower


@given(ARMS, CALLS, st.integers(1, 10))
@settings(max_examples=60)
def test_value_counts_in_any_partition_are_the_arrays(arms, call, cut):
    got = compare_quantiles(*arms, **call)
    parts = [
        ValueCounts.from_values(arm[:cut][::-1]) + ValueCounts.from_values(arm[cut:])
        for arm in arms
    ]
    assert compare_quantiles(*parts, **call) == got


def distinct_values(size):
    return st.lists(st.floats(0.01, 1e6), min_size=size, max_size=size, unique=True)


# 9 units and an odd number: the median mirrors itself
@given(st.sampled_from([20, 30, 60]).flatmap(distinct_values), CALLS)
@settings(max_examples=40)
def test_negative_values_have_the_relative_effect_of_their_size(values, call):
    arms = values[:9], values[9:]
    call = {**call, "quantile": 0.5}
    got = compare_quantiles(*arms, **call)
    turned = compare_quantiles(
        *([-x for x in arm] for arm in arms),
        **{**call, "alternative": MIRRORED[call["alternative"]]},
    )
    assert turned.relative.estimate == pytest.approx(-got.relative.estimate)
    for side, other in (("lower", "upper"), ("upper", "lower")):
        limit, mirror = getattr(got.relative, side), getattr(turned.relative, other)
        if got.relative.status == turned.relative.status:
            assert mirror == (None if limit is None else pytest.approx(-limit))


def test_searching_and_listing_pairs_find_the_same_limits(monkeypatch):
    rng = np.random.default_rng(9)
    for arms in ((rng.lognormal(size=300), rng.lognormal(size=200)), (rng.poisson(5, (2, 400)))):
        for quantile in (0.1, 0.5, 0.9):
            monkeypatch.setattr(melding, "_LISTED", 10**9)
            listed = compare_quantiles(*arms, quantile=quantile)
            monkeypatch.setattr(melding, "_LISTED", 0)
            assert compare_quantiles(*arms, quantile=quantile) == listed


def test_atoms_are_named_and_no_false_certainty():
    mostly = ValueCounts.from_table([0.0, 1.0, 5.0], [700, 200, 100])
    fewer = ValueCounts.from_table([0.0, 1.0, 5.0], [600, 250, 150])
    same = compare_quantiles(mostly, fewer)
    assert same.warnings == ("tied_quantile",)
    assert (same.interval, same.p_value) == ((0.0, 0.0), 1.0)
    assert (same.relative.status, same.relative.estimate) == ("undefined", None)
    high = compare_quantiles(mostly, fewer, quantile=0.8)
    assert high.relative.status == "half_line" or high.relative.upper is not None


def test_a_control_that_may_be_0_has_no_upper_limit_of_the_relative_effect():
    control = ValueCounts.from_table([0.0, 1.0, 2.0, 9.0], [440, 260, 200, 100])
    treatment = ValueCounts.from_table([0.0, 1.0, 2.0, 9.0], [100, 220, 580, 100])
    got = compare_quantiles(control, treatment)
    assert (got.control_value, got.treatment_value) == (1.0, 2.0)
    assert (got.relative.lower, got.relative.upper, got.relative.status) == (1.0, 1.0, "bounded")
    near = ValueCounts.from_table([0.0, 1.0, 2.0, 9.0], [498, 202, 200, 100])
    open_ = compare_quantiles(near, treatment)
    assert (open_.relative.lower, open_.relative.upper) == (1.0, None)
    assert open_.relative.status == "half_line"


def test_values_of_many_magnitudes_find_their_limits():
    rng = np.random.default_rng(1)
    arms = [10.0 ** rng.uniform(-100, 100, 600) for _ in range(2)]
    got = compare_quantiles(*arms)
    assert got.absolute.lower < got.estimate < got.absolute.upper


def test_intervals_cover_with_and_without_ties():
    rng = np.random.default_rng(6)
    runs, held = 400, {"smooth": 0, "counts": 0}
    for _ in range(runs):
        smooth = rng.exponential(size=60), 1.5 * rng.exponential(size=80)
        truth = 0.5 * np.log(4.0)
        held["smooth"] += not leaves_out(compare_quantiles(*smooth, quantile=0.75).absolute, truth)
        counts = rng.poisson(3.5, 60), rng.poisson(5.5, 60)
        held["counts"] += not leaves_out(compare_quantiles(*counts).absolute, 2.0)
    assert 0.94 < held["smooth"] / runs < 0.99
    assert held["counts"] / runs > 0.96
