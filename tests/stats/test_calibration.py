"""What the methods promise: errors and coverage at their nominal rates, by seeded simulation.

Tolerances are 4 standard errors of the simulated share, plus where stated a known small-sample
deviation of the method.
"""

import math

import numpy as np
import pytest

from abtest.stats import (
    Moments,
    NotEstimable,
    estimate_means,
    estimate_proportions,
    estimate_ratios,
)

RUNS = 3000
LEVEL = 0.95


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def shares(pairs, difference, relative):
    """Shares of runs in which p < 0.05 and the absolute and relative sets hold the truth."""
    rejected = covered = covered_relative = 0
    for pair in pairs:
        rejected += pair.test().p_value < 1 - LEVEL
        covered += pair.test(absolute=difference).p_value >= 1 - LEVEL
        covered_relative += pair.test(relative=relative).p_value >= 1 - LEVEL
    return np.array([rejected, covered, covered_relative]) / len(pairs)


def near(share, nominal, extra=0.0, runs=RUNS):
    return abs(share - nominal) <= 4 * math.sqrt(nominal * (1 - nominal) / runs) + extra


@pytest.mark.parametrize("effect", [0.0, 0.4])
def test_welch_keeps_its_level_with_unequal_sizes_and_variances(moments_of_runs, effect):
    rng = generator(1)
    control = moments_of_runs(rng.normal(5.0, 3.0, (RUNS, 15)))
    treatment = moments_of_runs(rng.normal(5.0 + effect, 1.0, (RUNS, 60)))
    pairs = [
        estimate_means([c], [t], adjusted=False) for c, t in zip(control, treatment, strict=True)
    ]
    rejected, covered, relative = shares(pairs, effect, effect / 5.0)
    assert near(covered, LEVEL)
    assert near(relative, LEVEL, extra=0.005)
    if effect == 0.0:
        assert near(rejected, 1 - LEVEL)


def test_fieller_covers_where_the_baseline_is_noise(moments_of_runs):
    rng = generator(2)
    control = moments_of_runs(rng.normal(0.2, 1.0, (RUNS, 100)))
    treatment = moments_of_runs(rng.normal(0.3, 1.0, (RUNS, 100)))
    pairs = [
        estimate_means([c], [t], adjusted=False) for c, t in zip(control, treatment, strict=True)
    ]
    intervals = [pair.relative(LEVEL) for pair in pairs]
    held = 0
    for interval in intervals:
        low = -math.inf if interval.lower is None else interval.lower
        high = math.inf if interval.upper is None else interval.upper
        inside = low <= 0.5 <= high
        held += not inside if interval.status == "two_rays" else inside
    assert near(held / RUNS, LEVEL)
    assert {"bounded", "two_rays", "unbounded"} == {interval.status for interval in intervals}


@pytest.mark.parametrize(
    ("slopes", "effect"), [((1.0, 1.0), 0.0), ((0.5, 2.0), 0.3)], ids=["null", "unequal slopes"]
)
def test_lin_covers_the_population_with_unequal_split_and_slopes(moments_of_runs, slopes, effect):
    rng = generator(3)
    x_c, x_t = rng.gamma(2.0, 1.0, (RUNS, 120)), rng.gamma(2.0, 1.0, (RUNS, 60))
    y_c = 4.0 + slopes[0] * (x_c - 2.0) + rng.normal(0, 1.0, x_c.shape)
    y_t = 4.0 + effect + slopes[1] * (x_t - 2.0) + rng.normal(0, 1.5, x_t.shape)
    pairs = [
        estimate_means([c], [t], adjusted=True)
        for c, t in zip(moments_of_runs(y_c, x_c), moments_of_runs(y_t, x_t), strict=True)
    ]
    rejected, covered, relative = shares(pairs, effect, effect / 4.0)
    assert near(covered, LEVEL, extra=0.003)
    assert near(relative, LEVEL, extra=0.003)
    if effect == 0.0:
        assert near(rejected, 1 - LEVEL)


def test_lin_in_arms_of_ten_units_keeps_its_level(moments_of_runs):
    rng = generator(4)
    x = rng.normal(0.0, 1.0, (2, RUNS, 10))
    y = 3.0 + x + rng.normal(0, 1.0, x.shape)
    pairs = [
        estimate_means([c], [t], adjusted=True)
        for c, t in zip(moments_of_runs(y[0], x[0]), moments_of_runs(y[1], x[1]), strict=True)
    ]
    assert near(shares(pairs, 0.0, 0.0)[0], 1 - LEVEL)


@pytest.mark.parametrize("adjusted", [False, True])
def test_ratios_keep_their_level_when_the_denominator_moves(moments_of_runs, adjusted):
    rng = generator(5)
    arms = []
    for lift, more, n in ((0.0, 0.0, 250), (0.03, 1.0, 400)):
        habit = rng.beta(4.0, 6.0, (RUNS, n))
        activity = rng.gamma(4.0, 0.5, (RUNS, n))
        before = rng.poisson(2.0 * activity)
        after = rng.poisson(2.0 * activity + more)
        arms.append(
            moments_of_runs(
                rng.binomial(after, habit + lift).astype(float),
                after.astype(float),
                rng.binomial(before, habit).astype(float),
                before.astype(float),
            )
        )
    pairs = [estimate_ratios([c], [t], adjusted=adjusted) for c, t in zip(*arms, strict=True)]
    assert {pair.method for pair in pairs} == {"delta_cuped" if adjusted else "delta"}
    _, covered, relative = shares(pairs, 0.03, 0.03 / 0.4)
    assert near(covered, LEVEL, extra=0.003)
    assert near(relative, LEVEL, extra=0.003)


@pytest.mark.parametrize(
    ("rates", "sizes"), [((0.02, 0.02), (300, 300)), ((0.01, 0.04), (400, 150))]
)
def test_the_score_method_keeps_its_level_for_rare_events(rates, sizes):
    rng = generator(6)
    counts = [rng.binomial(n, p, RUNS) for n, p in zip(sizes, rates, strict=True)]
    pairs = [
        estimate_proportions(
            [Moments.from_counts(sizes[0], int(c))],
            [Moments.from_counts(sizes[1], int(t))],
            adjusted=False,
        )
        for c, t in zip(*counts, strict=True)
    ]
    assert sum(pair.method == "miettinen_nurminen" for pair in pairs) > 0.9 * RUNS
    difference, relative = rates[1] - rates[0], rates[1] / rates[0] - 1.0
    _, covered, covered_relative = shares(pairs, difference, relative)
    # counts are discrete: the level cannot be hit exactly
    assert near(covered, LEVEL, extra=0.01)
    assert near(covered_relative, LEVEL, extra=0.01)


def test_phases_keep_the_level_where_a_ramp_meets_a_falling_rate():
    rng = generator(7)
    sizes = ((1800, 200), (1000, 1000))
    rates = (0.40, 0.30)
    by_phase, pooled = [], 0
    for _ in range(RUNS):
        control, treatment = (
            [
                Moments.from_counts(sizes[p][arm], int(rng.binomial(sizes[p][arm], rates[p])))
                for p in (0, 1)
            ]
            for arm in (0, 1)
        )
        by_phase.append(estimate_proportions(control, treatment, adjusted=False))
        whole = estimate_proportions(
            [control[0] + control[1]], [treatment[0] + treatment[1]], adjusted=False
        )
        pooled += whole.test().p_value < 1 - LEVEL
    rejected, covered, _ = shares(by_phase, 0.0, 0.0)
    assert near(rejected, 1 - LEVEL)
    assert near(covered, LEVEL)
    assert pooled / RUNS > 0.3


def test_phases_cover_the_population_when_their_shares_and_effects_vary():
    # few units, effects far apart: without the noise of phase shares coverage would be 0.74
    rng = generator(8)
    held, runs = 0, 0
    for _ in range(RUNS):
        sizes = rng.multinomial(60, [0.5, 0.5])
        arms = [
            [rng.normal((0.0, 6.0)[p] * arm, 1.0, (1, int(n) // 2)) for p, n in enumerate(sizes)]
            for arm in (0, 1)
        ]
        try:
            pair = estimate_means(
                *([Moments.from_columns(values) for values in arm] for arm in arms), adjusted=False
            )
        except NotEstimable:
            continue
        runs += 1
        held += pair.test(absolute=3.0).p_value >= 1 - LEVEL
    assert near(held / runs, LEVEL, extra=0.005)
