"""Bayesian comparisons against exact fractions, R, mpmath and published numbers."""

import math

import numpy as np
import pytest

from abtest.stats import (
    ArmPair,
    BetaPrior,
    GammaPrior,
    Moments,
    NormalPrior,
    bayes_compare,
)
from abtest.stats.bayesian.best import NormalFamily
from abtest.stats.bayesian.normal_model import NormalModel


def counts(pair):
    return Moments.from_counts(pair[1], pair[0])


def close(value, tolerance=1e-9):
    return pytest.approx(value, rel=tolerance, abs=0.0)


@pytest.fixture(scope="module")
def cases(reference):
    return reference("bayes")


def test_shares_are_those_of_exact_fractions(cases):
    assert len(cases["beta_exact"]) >= 5
    for case in cases["beta_exact"]:
        got = bayes_compare(
            counts(case["control"]), counts(case["treatment"]), model="beta_binomial"
        )
        for name in ("p_better", "p_worse", "loss_ship", "loss_keep"):
            assert getattr(got, name) == close(case[name], 1e-11), (case, name)
        for name in ("log10_p_worse", "log10_loss_ship"):
            assert getattr(got, name) == close(case[name], 1e-11)


def test_shares_under_other_priors_are_those_of_r(cases):
    assert len(cases["beta"]) >= 5
    for case in cases["beta"]:
        prior = BetaPrior(*case["prior"])
        arms = counts(case["control"]), counts(case["treatment"])
        got = bayes_compare(*arms, model="beta_binomial", prior=prior, rope=tuple(case["rope"]))
        for name in ("p_worse", "loss_ship", "loss_keep", "estimate", "rope_probability"):
            assert getattr(got, name) == close(case[name]), name
        assert got.interval == pytest.approx(case["interval"], abs=1e-9)
        relative = bayes_compare(*arms, model="beta_binomial", prior=prior, scale="relative")
        assert relative.interval == pytest.approx(case["relative_interval"], rel=1e-8)
        control = got.control_value
        assert relative.loss_ship == close(case["loss_ship"] / control)
        assert relative.estimate == close(case["estimate"] / control)


def test_large_arms_need_no_normal_approximation(cases):
    assert len(cases["beta_large"]) >= 3
    for case in cases["beta_large"]:
        got = bayes_compare(
            counts(case["control"]), counts(case["treatment"]), model="beta_binomial"
        )
        assert got.p_worse == close(case["p_worse"])
        assert got.log10_p_worse == close(case["log10_p_worse"])


def test_the_best_of_many_shares_is_that_of_r(cases):
    assert len(cases["beta_best"]) >= 5
    for case in cases["beta_best"]:
        control, *others = (counts(arm) for arm in case["arms"])
        named = {str(i): arm for i, arm in enumerate(others)}
        got = bayes_compare(control, named, model="beta_binomial")
        assert [arm.p_best for arm in got.arms] == pytest.approx(case["p_best"], rel=1e-9)
        assert [arm.loss for arm in got.arms] == pytest.approx(case["loss"], rel=1e-8)


def test_rates_are_those_of_r(cases):
    assert len(cases["gamma"]) >= 5
    for case in cases["gamma"]:
        (events0, time0), (events1, time1) = case["control"], case["treatment"]
        options = {
            "exposure": (time0, time1),
            "model": "gamma_poisson",
            "prior": GammaPrior(*case["prior"]),
        }
        got = bayes_compare(events0, events1, **options)
        for name in ("p_worse", "p_better", "log10_p_worse", "loss_ship", "loss_keep"):
            assert getattr(got, name) == close(case[name], 1e-11 if "loss" in name else 1e-10), name
        relative = bayes_compare(
            events0, events1, scale="relative", rope=tuple(case["rope"]), **options
        )
        assert relative.interval == pytest.approx(case["relative_interval"], rel=1e-9)
        assert relative.rope_probability == close(case["rope_probability"])


def test_the_best_of_many_rates_is_that_of_r(cases):
    for case in cases["gamma_best"]:
        control, *others = case["arms"]
        got = bayes_compare(
            control[0],
            {str(i): arm[0] for i, arm in enumerate(others)},
            exposure=(control[1], {str(i): arm[1] for i, arm in enumerate(others)}),
            model="gamma_poisson",
            prior=GammaPrior(*case["prior"]),
        )
        assert [arm.p_best for arm in got.arms] == pytest.approx(case["p_best"], rel=1e-9)
        assert [arm.loss for arm in got.arms] == pytest.approx(case["loss"], rel=1e-8)


def of_effect(estimate, error):
    """Return the model of an effect that is known by itself."""
    covariance = ((0.0, 0.0), (0.0, error * error))
    return NormalModel([ArmPair(0.0, estimate, covariance, None, 99, 99, "z")], [0, 0], "absolute")


def test_normal_effects_are_those_of_many_digits(cases):
    assert len(cases["normal"]) >= 5
    for case in cases["normal"]:
        prior = case["prior"] and NormalPrior(*case["prior"], "absolute")
        (effect,) = of_effect(case["estimate"], case["error"]).effects(prior)
        assert effect.mean == close(case["mean"], 1e-13)
        assert effect.sd == close(case["sd"], 1e-13)
        got = np.array([*effect.log_tails(0.0), *effect.log_losses()]) / math.log(10.0)
        names = ("log10_p_worse", "log10_p_better", "log10_loss_ship", "log10_loss_keep")
        assert got == pytest.approx([case[name] for name in names], rel=1e-12, abs=1e-14)


def test_the_best_of_several_normal_arms_is_that_of_the_joint_posterior(cases):
    assert len(cases["normal_best"]) >= 5
    for case in cases["normal_best"]:
        values, errors = np.array(case["values"]), np.array(case["errors"])
        prior = None if not case["prior"] else tuple(case["prior"])
        family = NormalFamily(values[1:] - values[0], errors[1:], errors[0], prior)
        assert [effect.mean for effect, _ in family.effects()] == pytest.approx(case["mean"])
        assert [effect.sd for effect, _ in family.effects()] == pytest.approx(case["sd"])
        got = [math.exp(best) for best in family.ranking().log_best]
        assert got == pytest.approx(case["p_best"], abs=2e-8)  # that of Miwa's grid


def test_relative_effects_are_those_of_the_joint_posterior_with_control(cases):
    assert len(cases["normal_relative"]) >= 5
    for case in cases["normal_relative"]:
        n = 400
        control, *others = (
            Moments(n, np.array([value]), np.array([[error * error * n * (n - 1)]]))
            for value, error in zip(case["values"], case["errors"], strict=True)
        )
        got = bayes_compare(
            control,
            {str(i): arm for i, arm in enumerate(others)},
            prior=case["prior"] and NormalPrior(*case["prior"], case["scale"]),
            scale="relative",
            rope=(-0.01, 0.02),
        )
        for answer, expected in zip(got.comparisons.values(), case["effects"], strict=True):
            for name, number in expected.items():
                if name != "rope":
                    found = getattr(answer, name)
                    assert found == pytest.approx(number, rel=1e-9), (name, case)
        if len(others) == 1:
            (one,) = others
            prior = case["prior"] and NormalPrior(*case["prior"], case["scale"])
            alone = bayes_compare(control, one, prior=prior, scale="relative", rope=(-0.01, 0.02))
            (expected,) = case["effects"]
            assert alone.interval == pytest.approx(expected["interval"], rel=1e-9)


def test_published_numbers_come_out():
    got = bayes_compare(counts((49, 100)), counts((51, 100)), model="beta_binomial")
    assert (round(got.loss_keep, 5), round(got.loss_ship, 5)) == (0.03872, 0.01912)
    assert got.p_better == pytest.approx(0.61052, abs=3e-4)  # their normal approximation
    control = Moments(10, np.array([10.0]), np.array([[0.25 * 9]]))
    treatment = Moments(10, np.array([10.5]), np.array([[1.0 * 9]]))
    got = bayes_compare(control, treatment)
    assert (round(got.loss_keep, 5), round(got.loss_ship, 5)) == (0.51256, 0.01256)
    (effect,) = of_effect(0.12, 0.06).effects(NormalPrior(0.0, 0.07, "absolute"))
    assert (round(effect.mean, 2), round(effect.sd, 2)) == (0.07, 0.05)
    within = 1.0 - math.exp(effect.log_tails(-0.05)[0]) - math.exp(effect.log_tails(0.05)[1])
    assert within == pytest.approx(0.34, abs=0.01)  # theirs from the rounded posterior
