"""Bootstraps against R's boot, SciPy, and the exact distribution where it can be listed."""

import numpy as np
import pytest

from abtest.stats import (
    SampleQuantile,
    ValueCounts,
    WeightedStatistic,
    bootstrap,
    compare_means,
)

REPLICATES = 100_000


def near(got, want, error, tolerance=0.05):
    # Monte Carlo error of a limit: about 0.01 standard errors of the effect in both programs
    assert got == pytest.approx(want, abs=tolerance * error)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("method", ["percentile", "basic", "bca", "studentized"])
def test_intervals_of_means_agree_with_boot(reference, method, place):
    case = reference("resampling_r")["cases"][place]
    got = bootstrap(
        case["control"], case["treatment"], seed=3, method=method, replicates=REPLICATES
    )
    for limit, want in zip(got.interval, case["limits"][method], strict=True):
        near(limit, want, case["error"], 0.12 if method == "studentized" else 0.05)
    assert got.method == f"bootstrap_{method}"


def test_percentiles_agree_with_the_exact_distribution(reference):
    found = reference("resampling_r")
    arms = {case["name"]: case for case in found["cases"]}
    for want in found["exact"]["cases"]:
        case = arms[want["name"]]
        got = bootstrap(case["control"], case["treatment"], seed=8, replicates=400_000)
        near(got.absolute.lower, want["lower"], case["error"], 0.03)
        near(got.absolute.upper, want["upper"], case["error"], 0.03)
        one = bootstrap(
            case["control"], case["treatment"], seed=8, replicates=400_000, alternative="greater"
        )
        assert one.p_value == pytest.approx(want["at_or_below_0"], abs=0.003)


STATISTICS = {
    "sd": WeightedStatistic(
        lambda values, weights: np.sqrt(
            (weights @ values**2) / weights.sum(axis=1)
            - ((weights @ values) / weights.sum(axis=1)) ** 2
        ),
        vectorized=True,
    ),
    "second over first moment": WeightedStatistic(
        lambda values, weights: (weights @ values**2) / (weights @ values), vectorized=True
    ),
    "quantile 0.9": SampleQuantile(0.9),
}


@pytest.mark.parametrize("place", range(9))
def test_any_statistic_agrees_with_scipy(reference, place):
    case = reference("resampling_scipy")["cases"][place]
    for method, limits in case["limits"].items():
        got = bootstrap(
            case["control"],
            case["treatment"],
            seed=4,
            statistic=STATISTICS[case["statistic"]],
            method=method,
            replicates=50_000,
        )
        tolerance = 0.2 if "quantile" in case["statistic"] else 0.06
        for limit, want in zip(got.interval, limits, strict=True):
            near(limit, want, case["error"], tolerance)


def test_poisson_weights_of_the_mean_have_their_known_spread():
    # each unit counts Poisson(1) times: the mean's variance is that of the sample, nearly
    rng = np.random.default_rng(3)
    arms = rng.gamma(1.0, size=400), rng.gamma(1.0, size=500)
    got = bootstrap(*arms, seed=2, method="poisson", replicates=REPLICATES)
    error = np.hypot(*(arm.std() / np.sqrt(arm.size) for arm in arms))
    width = got.absolute.upper - got.absolute.lower
    assert width == pytest.approx(2 * 1.96 * error, rel=0.02)


@pytest.mark.parametrize("statistic", ["mean", SampleQuantile(0.9)])
@pytest.mark.parametrize("method", ["poisson", "percentile"])
def test_ten_million_units_agree_with_drawing_every_value(statistic, method):
    rng = np.random.default_rng(1)
    shares = 1.0 / (1.0 + np.arange(200)) ** 1.2
    arms = [
        ValueCounts.from_table(np.arange(200.0), rng.multinomial(5_000_000, shares / shares.sum()))
        for _ in range(2)
    ]
    got = bootstrap(*arms, seed=2, statistic=statistic, method=method)

    def drawn(values, weights):
        if statistic == "mean":
            return (weights @ values) / weights.sum(axis=1)
        reached = np.cumsum(weights, axis=1)
        return values[(reached < 0.9 * reached[:, -1:]).sum(axis=1)]

    slow = bootstrap(
        *arms,
        seed=5,
        statistic=WeightedStatistic(drawn, vectorized=True),
        method=method,
        replicates=2_000,
    )
    if statistic == "mean":
        error = (compare_means(*arms).interval[1] - compare_means(*arms).estimate) / 1.96
        near(got.absolute.lower, slow.absolute.lower, error, 0.2)
        near(got.absolute.upper, slow.absolute.upper, error, 0.2)
        assert got.p_value == pytest.approx(compare_means(*arms).p_value, abs=0.02)
    else:
        assert got.absolute.lower == pytest.approx(slow.absolute.lower, abs=1.0)
        assert got.absolute.upper == pytest.approx(slow.absolute.upper, abs=1.0)


def test_values_far_out_are_drawn_one_by_one():
    # one unit holds a quarter of the total: the bootstrap of the mean has three humps
    counts = [3_000_000, 2_000_000, 1]
    arm = ValueCounts.from_table([0.0, 1.0, 700_000.0], counts)
    same = ValueCounts.from_table([0.0, 1.0], counts[:2])
    got = bootstrap(same, arm, seed=1, method="poisson")
    spread = 700_000.0 / 5_000_000.0
    assert got.absolute.lower == pytest.approx(0.0, abs=0.05 * spread)
    assert got.absolute.upper == pytest.approx(3 * spread, rel=0.02)
