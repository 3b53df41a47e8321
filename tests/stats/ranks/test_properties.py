"""What must hold for every comparison by ranks."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.stats import ValueCounts, compare_ranks
from abtest.stats.ranks.shift import Differences

TIED = st.lists(st.integers(-3, 3), min_size=2, max_size=14)
LONG = st.lists(st.integers(0, 40), min_size=50, max_size=60)
ARMS = st.one_of(st.tuples(TIED, TIED), st.tuples(LONG, LONG))
FLOATS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20)
CALLS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["brunner_munzel", "mann_whitney"]),
        "alternative": st.sampled_from(["two-sided", "greater", "less"]),
        "confidence_level": st.sampled_from([0.5, 0.8, 0.95, 0.99]),
        "exact": st.booleans(),
        "continuity": st.booleans(),
    }
)
MIRRORED = {"two-sided": "two-sided", "greater": "less", "less": "greater"}


def compared(arms, **call):
    control, treatment = arms
    assume(len({*control, *treatment}) > 1)
    return compare_ranks(control, treatment, **call)


def leaves_out(interval, value):
    lower, upper = interval.lower, interval.upper
    return (lower is not None and lower > value) or (upper is not None and upper < value)


@given(ARMS, CALLS)
@settings(max_examples=60)
def test_swapped_arms_mirror_the_answer(arms, call):
    got = compared(arms, **call)
    swapped = compared(arms[::-1], **{**call, "alternative": MIRRORED[call["alternative"]]})
    assert swapped.p_value == pytest.approx(got.p_value, rel=1e-9)
    assert swapped.index.estimate == pytest.approx(1.0 - got.index.estimate, abs=1e-12)
    assert swapped.shift.estimate == -got.shift.estimate
    for side, other in (("lower", "upper"), ("upper", "lower")):
        limit, mirror = getattr(got.index, side), getattr(swapped.index, other)
        assert (limit is None) == (mirror is None)
        assert limit is None or mirror == pytest.approx(1.0 - limit, abs=1e-12)
        limit, mirror = getattr(got.shift, side), getattr(swapped.shift, other)
        assert mirror == (None if limit is None else -limit)


@given(ARMS, CALLS)
@settings(max_examples=60)
def test_index_and_p_depend_on_order_alone_and_the_shift_moves_with_the_values(arms, call):
    got = compared(arms, **call)
    cubed = compared([[x**3 for x in arm] for arm in arms], **call)
    assert (cubed.index, cubed.p_value, cubed.u) == (got.index, got.p_value, got.u)
    moved = compared((arms[0], [x + 100 for x in arms[1]]), **{**call, "method": "mann_whitney"})
    scaled = compared([[4 * x for x in arm] for arm in arms], **call)
    for side in ("estimate", "lower", "upper"):
        limit = getattr(got.shift, side)
        assert getattr(moved.shift, side) == (None if limit is None else limit + 100)
        assert getattr(scaled.shift, side) == (None if limit is None else 4 * limit)


@given(ARMS, CALLS)
@settings(max_examples=100)
def test_intervals_hold_their_estimates_and_agree_with_their_tests(arms, call):
    got = compared(arms, **call)
    assert not leaves_out(got.index, got.index.estimate)
    assert not leaves_out(got.shift, got.shift.estimate)
    alpha = 1.0 - call["confidence_level"]
    if abs(got.p_value - alpha) < 1e-9:
        return  # the limit is 0.5 up to rounding: p of two units against two is often 0.5 itself
    rejected = got.p_value < alpha
    if call["method"] == "brunner_munzel":
        assert leaves_out(got.index, 0.5) == rejected
    elif leaves_out(got.shift, 0.0):
        assert rejected


@given(FLOATS, FLOATS, CALLS)
@settings(max_examples=100)
def test_without_ties_the_shift_inverts_mann_whitney(control, treatment, call):
    assume(len({*control, *treatment}) == len(control) + len(treatment))
    got = compare_ranks(control, treatment, **{**call, "method": "mann_whitney"})
    assert leaves_out(got.shift, 0.0) == (got.p_value < 1.0 - call["confidence_level"])


@given(ARMS, CALLS, st.integers(1, 10))
@settings(max_examples=60)
def test_value_counts_in_any_partition_are_the_arrays(arms, call, cut):
    got = compared(arms, **call)
    parts = [
        ValueCounts.from_values(arm[:cut][::-1]) + ValueCounts.from_values(arm[cut:])
        for arm in arms
    ]
    assert compare_ranks(*parts, **call) == got


@given(FLOATS, FLOATS, st.lists(st.integers(1, 5), min_size=40, max_size=40))
@settings(max_examples=100)
def test_order_statistics_are_those_of_all_differences(control, treatment, counts):
    arms = [
        ValueCounts.from_table(values, counts[start : start + len(values)])
        for values, start in ((control, 0), (treatment, 20))
    ]
    values = [np.repeat(arm.values, arm.counts) for arm in arms]
    everything = np.sort((values[1][:, None] - values[0]).ravel())
    differences = Differences(*arms)
    for rank in {1, len(everything) // 3 + 1, len(everything) // 2 + 1, len(everything)}:
        assert differences.ranked(rank) == everything[rank - 1]
    assert differences.median == pytest.approx(np.median(everything), rel=1e-12, abs=1e-300)


def test_order_statistics_survive_rounding():
    # differences of values far larger than their steps are rounded, and tie
    rng = np.random.default_rng(5)
    control = 1e16 + 2.0 * rng.integers(0, 400, 700)
    treatment = rng.random(300) * 5.0
    everything = np.sort((treatment[:, None] - control).ravel())
    differences = Differences(*map(ValueCounts.from_values, (control, treatment)))
    for rank in (1, 17, 100_000, 105_001, 210_000):
        assert differences.ranked(rank) == everything[rank - 1]


def test_ten_million_units_are_as_exact_as_their_distinct_values():
    rng = np.random.default_rng(8)
    counts = [rng.multinomial(5_000_000, rng.dirichlet(np.ones(1000))) for _ in range(2)]
    values = np.sort(rng.lognormal(size=(2, 1000)))
    got = compare_ranks(*map(ValueCounts.from_table, values, counts))
    shares = [units[units > 0] / 5e6 for units in counts]
    kept = [value[units > 0] for value, units in zip(values, counts, strict=True)]
    signs = np.sign(kept[1][:, None] - kept[0])
    assert got.index.estimate == pytest.approx(shares[1] @ (signs + 1.0) @ shares[0] / 2, rel=1e-9)
    flat = (kept[1][:, None] - kept[0]).ravel()
    order = np.argsort(flat)
    reached = np.cumsum(np.outer(shares[1], shares[0]).ravel()[order])
    assert got.shift.estimate == pytest.approx(flat[order[np.searchsorted(reached, 0.5)]], abs=1e-6)


@pytest.mark.parametrize(("level", "m"), [(0.95, 5), (0.95, 6), (0.95, 7), (0.5, 2), (0.99, 8)])
def test_separated_arms_have_the_limit_of_their_pairs(level, m):
    control, treatment = [float(x) for x in range(m)], [10.5 + x for x in range(m + 20)]
    got = compare_ranks(control, treatment, confidence_level=level)
    assert got.warnings == ("separated_arms",)
    assert (got.statistic, got.df, got.index.estimate, got.index.upper) == (None, None, 1.0, 1.0)
    assert got.p_value == 2.0 * 0.5**m
    assert got.index.lower**m == pytest.approx((1.0 - level) / 2.0)
    assert leaves_out(got.index, 0.5) == (got.p_value < 1.0 - level)
    one = compare_ranks(treatment, control, alternative="less", confidence_level=level)
    assert (one.p_value, one.index.estimate, one.index.lower) == (0.5**m, 0.0, None)
    other = compare_ranks(treatment, control, alternative="greater")
    assert (other.p_value, other.log10_p, other.index.lower) == (1.0, 0.0, 0.0)


def test_many_separated_units_keep_their_logarithm():
    arms = [ValueCounts.from_table([float(x)], [5000]) for x in (0, 1)]
    got = compare_ranks(*arms)
    assert got.p_value == 0.0
    assert got.log10_p == pytest.approx(-4999 * np.log10(2.0))
    assert "p = 1e-1505" in str(got)


def test_brunner_munzel_keeps_its_level_where_spreads_differ_and_mann_whitney_does_not():
    rng = np.random.default_rng(3)
    runs, rejections = 800, {"brunner_munzel": 0, "mann_whitney": 0}
    for _ in range(runs):
        arms = rng.normal(size=90), rng.normal(scale=5.0, size=30)
        for method in rejections:
            rejections[method] += compare_ranks(*arms, method=method, exact=False).p_value < 0.05
    assert 0.03 < rejections["brunner_munzel"] / runs < 0.07
    assert rejections["mann_whitney"] / runs > 0.09


def test_the_shift_covers_a_shift_of_tied_counts():
    rng = np.random.default_rng(4)
    runs, held = 400, 0
    for _ in range(runs):
        arms = rng.poisson(3.0, 60), rng.poisson(3.0, 70) + 2
        held += not leaves_out(compare_ranks(*arms).shift, 2.0)
    assert held / runs > 0.93
