"""What holds for every sample adjusted for covariates."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.stats import Moments, compare_adjusted_means, compare_means

seeds = st.integers(0, 10_000)
sizes = st.tuples(st.integers(8, 40), st.integers(8, 40))
widths = st.integers(1, 3)
ways = st.sampled_from(["arm", "pooled"])
METHODS = (
    lambda y, x, **k: compare_means(*y, covariates=x, **k),
    lambda y, x, **k: compare_means(*y, covariates=x, slopes="pooled", **k),
    lambda y, x, **k: compare_adjusted_means(*y, covariates=x, **k),
    lambda y, x, **k: compare_adjusted_means(*y, covariates=x, errors="hc2", target="units", **k),
)
methods = st.sampled_from(METHODS)


def draw(seed, size, k):
    rng = np.random.default_rng(seed)
    x = tuple(rng.normal(size=(n, k)) for n in size)
    y = [part.sum(axis=1) + rng.exponential(size=len(part)) + 1.0 for part in x]
    return y, x


def same(got, want):
    assert got.p_value == pytest.approx(want.p_value, rel=1e-6)
    assert got.absolute.lower == pytest.approx(want.absolute.lower, rel=1e-6, abs=1e-9)
    assert got.relative.status == want.relative.status


@given(seeds, sizes, widths, methods)
def test_the_order_of_units_and_the_scale_of_covariates_change_nothing(seed, size, k, method):
    y, x = draw(seed, size, k)
    want = method(y, x)
    order = [np.random.default_rng(seed).permutation(n) for n in size]
    shuffled = [arm[p] for arm, p in zip(y, order, strict=True)]
    moved = tuple(3.0 * part[p] - 7.0 for part, p in zip(x, order, strict=True))
    same(method(shuffled, moved), want)
    mixed = tuple(part @ (np.eye(k) + np.tri(k, k, -1)) for part in x)  # the same linear space
    same(method(y, mixed), want)


@given(seeds, sizes, widths, methods, st.sampled_from([-2.0, 1e-3, 1e4]), st.floats(-100, 100))
def test_the_difference_moves_with_the_outcome(seed, size, k, method, scale, shift):
    y, x = draw(seed, size, k)
    want = method(y, x)
    got = method([scale * arm + shift for arm in y], x)
    assert got.absolute.estimate == pytest.approx(
        scale * want.absolute.estimate, rel=1e-6, abs=1e-9 * (1 + abs(shift))
    )
    assert got.p_value == pytest.approx(want.p_value, rel=1e-5)


@given(seeds, sizes, widths, methods)
def test_swapping_the_arms_turns_the_sign(seed, size, k, method):
    y, x = draw(seed, size, k)
    forward, backward = method(y, x), method(y[::-1], x[::-1])
    assert backward.p_value == pytest.approx(forward.p_value, rel=1e-9)
    assert backward.absolute.lower == pytest.approx(-forward.absolute.upper, rel=1e-9, abs=1e-12)


@given(seeds, sizes, widths, methods, st.sampled_from(["two-sided", "greater", "less"]))
def test_p_and_intervals_are_one_test(seed, size, k, method, alternative):
    y, x = draw(seed, size, k)
    got = method(y, x, alternative=alternative, confidence_level=0.8)
    lower, upper = got.interval
    assert lower is None or lower <= got.estimate
    assert upper is None or got.estimate <= upper
    assume(abs(got.p_value - 0.2) > 1e-9)
    outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert outside == (got.p_value < 0.2)
    if got.relative.status == "bounded":
        assert (got.relative.lower > 0 or got.relative.upper < 0) == (got.p_value < 0.2)


@given(seeds, sizes, widths, ways, st.integers(1, 7))
def test_merged_moments_are_those_of_all_units(seed, size, k, slopes, cut):
    y, x = draw(seed, size, k)
    merged = [
        Moments.from_columns([arm[:cut], *part[:cut].T])
        + Moments.from_columns([arm[cut:], *part[cut:].T])
        for arm, part in zip(y, x, strict=True)
    ]
    want = compare_means(*y, covariates=x, slopes=slopes)
    got = compare_means(*merged, slopes=slopes)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.absolute.lower == pytest.approx(want.absolute.lower, rel=1e-9, abs=1e-9)
    assert got.variance_reduction == pytest.approx(want.variance_reduction, rel=1e-9, abs=1e-9)


@given(seeds, sizes, widths, ways)
def test_no_covariate_worsens_a_large_sample_or_breaks_a_small_one(seed, size, k, slopes):
    y, x = draw(seed, size, k)
    got = compare_means(*y, covariates=x, slopes=slopes)
    assert got.variance_reduction <= 1.0
    assert 0.0 < got.df <= sum(size) - 2 - k
    assert np.isfinite(got.p_value)


def test_false_alarms_are_as_many_as_promised():
    """400 samples of 20 + 20 with two covariates: 5% within four standard errors."""
    hits = {0: 0, 1: 0, 2: 0}
    for seed in range(400):
        y, x = draw(seed, (20, 20), 2)
        for place in hits:
            hits[place] += METHODS[place](y, x).p_value < 0.05
    for count in hits.values():
        assert count / 400 == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / 400) ** 0.5)
