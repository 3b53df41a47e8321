"""What posteriors promise over many experiments, and what they do not; seeds are fixed."""

import math

import numpy as np
import pytest

from abtest.stats import BetaPrior, GammaPrior, Moments, NormalPrior, bayes_compare
from abtest.stats.bayesian.arms import BetaArm, GammaArm
from abtest.stats.bayesian.best import NormalFamily
from abtest.stats.bayesian.effects import ArmsEffect
from abtest.stats.bayesian.normal_model import NormalModel

REPETITIONS = 2000
ROOM = 4.0 * math.sqrt(0.05 * 0.95 / REPETITIONS)


def arm(mean, error, n=1000):
    return Moments(n, np.array([mean]), np.array([[error * error * n * (n - 1)]]))


@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_intervals_hold_effects_that_are_drawn_from_the_prior(scale):
    rng = np.random.default_rng(20)
    prior = NormalPrior(0.1, 0.2, "absolute") if scale == "absolute" else NormalPrior(0.01, 0.02)
    held = 0
    for _ in range(REPETITIONS):
        drawn = rng.normal(prior.mean, prior.sd)
        effect = drawn if scale == "absolute" else 10.0 * drawn
        control, treatment = rng.normal([10.0, 10.0 + effect], [0.15, 0.1])
        low, high = bayes_compare(
            arm(control, 0.15), arm(treatment, 0.1), prior=prior, scale=scale
        ).interval
        held += low <= drawn <= high
    assert held / REPETITIONS == pytest.approx(0.95, abs=ROOM)


def test_intervals_of_several_treatments_hold_effects_that_are_drawn_from_the_prior():
    rng = np.random.default_rng(21)
    errors = np.array([0.1, 0.3, 0.15])
    places = []
    for _ in range(REPETITIONS):
        drawn = rng.normal(0.05, 0.2, 3)
        estimates = drawn + rng.normal(0.0, errors) - rng.normal(0.0, 0.2)
        family = NormalFamily(estimates, errors, 0.2, (0.05, 0.2))
        places.append(
            [
                (value - effect.mean) / effect.sd
                for (effect, _), value in zip(family.effects(), drawn, strict=True)
            ]
        )
    held = np.mean(np.abs(places) < 1.959964, axis=0)
    assert held == pytest.approx([0.95] * 3, abs=ROOM)


@pytest.mark.parametrize("model", ["beta", "gamma"])
@pytest.mark.parametrize("scale", ["absolute", "relative"])
def test_posteriors_of_arms_hold_what_is_drawn_from_the_prior(model, scale):
    rng = np.random.default_rng(22)
    beta, gamma = BetaPrior(2.0, 18.0), GammaPrior(3.0, 1.5)
    below = []
    for _ in range(600):
        if model == "beta":
            x = rng.beta(beta.successes, beta.failures, 2)
            found = rng.binomial([60, 40], x)
            control, treatment = (
                BetaArm(beta.successes + k, beta.failures + n - k)
                for k, n in zip(found, (60, 40), strict=True)
            )
        else:
            x = rng.gamma(gamma.events, 1.0 / gamma.exposure, 2)
            found = rng.poisson(x * np.array([5.0, 3.0]))
            control, treatment = (
                GammaArm(gamma.events + k, gamma.exposure + time)
                for k, time in zip(found, (5.0, 3.0), strict=True)
            )
        drawn = float(x[1] - x[0] if scale == "absolute" else x[1] / x[0] - 1.0)
        below.append(math.exp(ArmsEffect(control, treatment, scale).log_tails(drawn)[0]))
    # the place of the truth in its posterior is uniform, so that every interval is right
    ordered = np.sort(below)
    assert np.max(np.abs(ordered - np.arange(0.5, 600.0) / 600.0)) < 1.63 / math.sqrt(600.0)
    assert np.mean((ordered > 0.025) & (ordered < 0.975)) == pytest.approx(0.95, abs=0.036)


@pytest.mark.parametrize("model", ["beta", "gamma", "normal"])
def test_expected_losses_are_right_on_average_over_the_prior(model):
    rng = np.random.default_rng(25)
    units = np.array([60, 40])
    gaps = []
    for _ in range(REPETITIONS if model == "normal" else 300):
        if model == "beta":
            true = rng.beta(2.0, 18.0, 2)
            found = rng.binomial(units, true)
            arms = [BetaArm(2.0 + k, 18.0 + n - k) for k, n in zip(found, units, strict=True)]
            effect = ArmsEffect(arms[0], arms[1], "absolute")
        elif model == "gamma":
            true = rng.gamma(3.0, 2.0, 2)
            found = rng.poisson(true * units)
            rates = [GammaArm(3.0 + k, 0.5 + n) for k, n in zip(found, units, strict=True)]
            effect = ArmsEffect(rates[0], rates[1], "absolute")
        else:
            true = 10.0 + np.array([0.0, rng.normal(0.1, 0.2)])
            pair = [arm(mean, 0.15) for mean in rng.normal(true, 0.15)]
            built = NormalModel.of(
                pair[0], {"b": pair[1]}, measure="mean", covariates=None, scale="absolute"
            )
            effect = built.effects(NormalPrior(0.1, 0.2, "absolute"))[0]
        lost = np.maximum([true[0] - true[1], true[1] - true[0]], 0.0)
        gaps.append(np.exp(effect.log_losses()) - lost)
    error = np.std(gaps, axis=0) / math.sqrt(len(gaps))
    assert np.all(np.abs(np.mean(gaps, axis=0)) < 4.0 * error)


def test_a_flat_prior_calls_one_of_twenty_useless_changes_better():
    rng = np.random.default_rng(23)
    called = 0
    for _ in range(REPETITIONS):
        control, treatment = rng.normal(10.0, [0.1, 0.2])
        called += bayes_compare(arm(control, 0.1), arm(treatment, 0.2)).p_better > 0.95
    assert called / REPETITIONS == pytest.approx(0.05, abs=ROOM)


def test_ten_looks_at_a_flat_posterior_call_one_of_six_useless_changes_better():
    rng = np.random.default_rng(24)
    called = 0
    for _ in range(400):
        means = np.cumsum(rng.normal(0.0, 1.0, (2, 10)), axis=1) / np.arange(1, 11)
        for look, (control, treatment) in enumerate(means.T, start=1):
            error = 1.0 / math.sqrt(look)
            if bayes_compare(arm(control, error), arm(treatment, error)).p_better > 0.95:
                called += 1
                break
    assert called / 400 == pytest.approx(0.1717, abs=4.0 * math.sqrt(0.1717 * 0.8283 / 400))


def test_shares_under_a_flat_prior_err_as_often_as_is_said():
    n, p = 100, 0.1
    weights = np.array([math.comb(n, k) * p**k * (1.0 - p) ** (n - k) for k in range(n + 1)])
    called = 0.0
    for x in range(25):
        low, high = x, x + 30  # the fewest successes of treatment that are called better
        while low < high:
            y = (low + high) // 2
            arms = BetaArm(1.0 + x, 101.0 - x), BetaArm(1.0 + y, 101.0 - y)
            better = math.exp(ArmsEffect(*arms, "absolute").log_tails(0.0)[1]) > 0.95
            low, high = (low, y) if better else (y + 1, high)
        called += weights[x] * weights[low:].sum()
    assert called == pytest.approx(0.0487, abs=1e-4)
