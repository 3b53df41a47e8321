"""What holds for every bootstrap comparison."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.stats import SampleQuantile, ValueCounts, WeightedStatistic, bootstrap

ARM = st.lists(st.integers(0, 9), min_size=6, max_size=25).filter(lambda arm: len(set(arm)) > 2)
METHODS = ["percentile", "basic", "bca", "studentized", "poisson"]
CALLS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(METHODS),
        "alternative": st.sampled_from(["two-sided", "greater", "less"]),
        "confidence_level": st.sampled_from([0.8, 0.9, 0.95]),
        "seed": st.integers(0, 5),
        "replicates": st.sampled_from([199, 999, 1000]),
    }
)


def leaves_out(interval, value):
    lower, upper = interval.lower, interval.upper
    return (lower is not None and lower > value) or (upper is not None and upper < value)


@given(ARM, ARM, CALLS)
@settings(max_examples=150)
def test_p_agrees_with_the_interval(control, treatment, call):
    got = bootstrap(control, treatment, **call)
    rejected = got.p_value < 1.0 - call["confidence_level"]
    assert leaves_out(got.absolute, 0.0) == rejected
    if call["method"] in ("percentile", "poisson") and min(control) > 0:
        assert leaves_out(got.relative, 0.0) == rejected
    assert (got.seed, got.replicates) == (call["seed"], call["replicates"])


@given(ARM, ARM, CALLS, st.integers(1, 5))
@settings(max_examples=60)
def test_value_counts_in_any_partition_are_the_arrays(control, treatment, call, cut):
    got = bootstrap(control, treatment, **call)
    parts = [
        ValueCounts.from_values(arm[:cut][::-1]) + ValueCounts.from_values(arm[cut:])
        for arm in (control, treatment)
    ]
    assert bootstrap(*parts, **call) == got


@given(ARM, ARM, CALLS)
@settings(max_examples=60)
def test_shifted_and_scaled_values_keep_the_test(control, treatment, call):
    got = bootstrap(control, treatment, **call)
    moved = bootstrap(*([8.0 * x + 1000.0 for x in arm] for arm in (control, treatment)), **call)
    for limit, other in zip(got.interval, moved.interval, strict=True):
        assert (limit is None) == (other is None)
        assert limit is None or other == pytest.approx(8.0 * limit, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_answer_and_another_seed_another(method):
    rng = np.random.default_rng(1)
    arms = rng.lognormal(size=50), rng.lognormal(size=60)
    first, again, other = (
        bootstrap(*arms, method=method, replicates=999, seed=seed) for seed in (7, 7, 8)
    )
    assert first == again
    assert first.interval != other.interval


@pytest.mark.parametrize("method", METHODS)
def test_a_function_of_weights_is_the_built_in_mean(method):
    rng = np.random.default_rng(2)
    arms = rng.poisson(3, 80), rng.poisson(4, 70)

    def mean(values, weights):
        return (weights * values).sum(axis=-1) / weights.sum(axis=-1)

    def error(values, weights):
        n = weights.sum(axis=-1)
        centred = values - np.expand_dims(mean(values, weights), -1)
        return np.sqrt((weights * centred**2).sum(axis=-1) / (n - 1) / n)

    want = bootstrap(*arms, method=method, replicates=999, seed=3)
    for vectorized in (False, True):
        own = WeightedStatistic(mean, error, vectorized)
        got = bootstrap(*arms, method=method, replicates=999, seed=3, statistic=own)
        assert got.measure == "statistic"
        assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
        assert got.interval == pytest.approx(want.interval, rel=1e-9)
        assert got.relative.upper == pytest.approx(want.relative.upper, rel=1e-9)


def test_memory_is_bounded_by_chunks(monkeypatch):
    from abtest.stats.resampling import statistic as module

    rng = np.random.default_rng(4)
    arms = rng.poisson(3, 80), rng.poisson(4, 70)
    rows = []
    seen = WeightedStatistic(
        lambda values, weights: rows.append(weights.shape) or weights @ values, vectorized=True
    )
    monkeypatch.setattr(module, "_CELLS", 1_000)
    bootstrap(*arms, seed=1, statistic=seen, replicates=999)
    assert max(np.prod(shape) for shape in rows) <= 1_000
    assert sum(shape[0] for shape in rows) == 2 * 999 + 2


def test_a_control_near_0_has_no_relative_limits():
    arms = [-3, -2, -1, 0, 1, 2, 4] * 5, [-3, 0, 1, 2, 5] * 8
    got = bootstrap(*arms, seed=1, replicates=999)
    assert got.relative.status == "unbounded"
    assert bootstrap([0, 0, 0], [0, 1, 2], seed=1).relative.status == "undefined"


def test_tied_quantiles_are_named():
    arms = [0] * 80 + [1] * 20, [0] * 75 + [1] * 25
    got = bootstrap(*arms, seed=1, statistic=SampleQuantile(0.5))
    assert (got.interval, got.p_value, got.warnings) == ((0.0, 0.0), 1.0, ("tied_quantile",))
    assert got.details == {"quantile": 0.5}


def test_studentized_covers_skewed_means_better_than_percentiles():
    rng = np.random.default_rng(6)
    runs, held = 300, {"studentized": 0, "percentile": 0}
    for run in range(runs):
        arms = rng.lognormal(sigma=1.2, size=25), rng.lognormal(sigma=0.3, size=25)
        truth = np.exp(0.045) - np.exp(0.72)
        for method in held:
            got = bootstrap(*arms, seed=run, method=method, replicates=399)
            held[method] += not leaves_out(got.absolute, truth)
    assert held["studentized"] / runs > 0.88
    assert held["studentized"] > held["percentile"]
