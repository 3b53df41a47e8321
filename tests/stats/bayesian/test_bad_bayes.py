"""Bad input to Bayesian comparisons: a typed error or a stated answer, never silence."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    BetaPrior,
    GammaPrior,
    Moments,
    NormalPrior,
    NotEstimable,
    ValueCounts,
    bayes_compare,
)

GOOD = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0] * 10
MODELS = ("normal", "beta_binomial", "gamma_poisson")


@pytest.mark.parametrize(
    "prior",
    [
        lambda: NormalPrior(0.0, 0.0),
        lambda: NormalPrior(0.0, -1.0),
        lambda: NormalPrior(0.0, math.inf),
        lambda: NormalPrior(0.0, math.nan),
        lambda: NormalPrior(math.nan, 1.0),
        lambda: NormalPrior(math.inf, 1.0),
        lambda: NormalPrior("0", 1.0),
        lambda: NormalPrior(True, 1.0),
        lambda: NormalPrior(0.0, "1"),
        lambda: NormalPrior(0.0, 1.0, "lift"),
        lambda: BetaPrior(0.0, 1.0),
        lambda: BetaPrior(1.0, 0.0),
        lambda: BetaPrior(-1.0, 1.0),
        lambda: BetaPrior(math.inf, 1.0),
        lambda: BetaPrior(None, 1.0),
        lambda: BetaPrior(True, 1.0),
        lambda: BetaPrior(1e-13, 1.0),
        lambda: BetaPrior(1.0, 1e16),
        lambda: GammaPrior(1e-300, 1.0),
        lambda: GammaPrior(0.0, 1.0),
        lambda: GammaPrior(1.0, 0.0),
        lambda: GammaPrior(1.0, math.nan),
        lambda: GammaPrior("1", 1.0),
    ],
)
def test_priors_that_are_not_proper_are_refused(prior):
    with pytest.raises(UsageError) as caught:
        prior()
    assert caught.value.todo


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": "beta"},
        {"model": None},
        {"scale": "log"},
        {"direction": "up"},
        {"credible_level": 95},
        {"credible_level": 0.0},
        {"credible_level": 1.0},
        {"credible_level": True},
        {"credible_level": "0.95"},
        {"prior": 0.3},
        {"prior": BetaPrior()},
        {"prior": NormalPrior(), "model": "beta_binomial"},
        {"prior": BetaPrior(), "model": "gamma_poisson"},
        {"rope": 0.0},
        {"rope": -0.1},
        {"rope": (0.1, 0.1)},
        {"rope": (0.2, 0.1)},
        {"rope": (0.1,)},
        {"rope": (None, 0.1)},
        {"rope": (-math.inf, 0.1)},
        {"rope": "0.1"},
        {"rope": True},
        {"measure": "proportion"},
        {"measure": "ratio", "model": "beta_binomial"},
        {"covariates": (GOOD, GOOD), "model": "gamma_poisson"},
        {"exposure": (1.0, 1.0)},
        {"exposure": 1.0, "model": "gamma_poisson"},
    ],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(UsageError) as caught:
        bayes_compare(GOOD, GOOD, **arguments)
    assert caught.value.todo


@pytest.mark.parametrize(
    ("treatments", "arguments"),
    [
        ({}, {}),
        ({"control": GOOD}, {}),
        ({1: GOOD, "1": GOOD}, {}),
        ({"a": GOOD, "b": GOOD}, {"covariates": (GOOD, GOOD)}),
        ({"a": GOOD}, {"exposure": ([1.0] * 60, {"b": [1.0] * 60}), "model": "gamma_poisson"}),
        ({"a": 3}, {"exposure": (1.0, 1.0), "model": "gamma_poisson"}),
    ],
)
def test_families_that_do_not_fit_are_refused(treatments, arguments):
    control = 3 if "exposure" in arguments else GOOD
    with pytest.raises(UsageError):
        bayes_compare(control, treatments, **arguments)


@pytest.mark.parametrize(
    ("values", "model", "code"),
    [
        ([], "normal", "too_few_units"),
        ([1.0], "normal", "too_few_units"),
        ([math.nan] * 5, "normal", "too_few_units"),
        ([1.0, math.inf], "normal", "not_finite"),
        ([1e300, 2e300], "normal", "not_finite"),
        ([1e-300, 2e-300], "normal", "too_small"),
        ([], "beta_binomial", "too_few_units"),
        ([1.0], "beta_binomial", "too_few_units"),
        ([0.0, 2.0], "beta_binomial", "not_binary"),
        ([0.0, -1.0], "beta_binomial", "not_binary"),
        ([0.0, math.inf], "beta_binomial", "not_finite"),
        ([], "gamma_poisson", "too_few_units"),
        ([1.0, -1.0], "gamma_poisson", "not_a_count"),
        ([0.5, 1.0], "gamma_poisson", "not_a_count"),
        ([math.inf, 1.0], "gamma_poisson", "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(values, model, code):
    for pair in ((values, GOOD), (GOOD, values), (GOOD, {"a": GOOD, "b": values})):
        with pytest.raises(NotEstimable) as caught:
            bayes_compare(*pair, model=model)
        assert caught.value.code == code
        assert caught.value.todo


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "values", [["0", "1"] * 5, np.ones((3, 3)), None, 1 + 2j, pd.date_range("2020", periods=9)]
)
def test_what_is_no_column_of_numbers_is_refused(values, model):
    with pytest.raises(UsageError):
        bayes_compare(values, GOOD, model=model)


def test_arms_without_variation():
    zeros, ones = [0.0] * 40, [1.0] * 40
    with pytest.raises(NotEstimable) as caught:
        bayes_compare(zeros, ones)
    assert caught.value.code == "constant"
    with pytest.raises(NotEstimable) as caught:
        bayes_compare(GOOD, {"a": GOOD, "b": ones})
    assert caught.value.code == "constant"
    one = bayes_compare(zeros, GOOD)  # a constant control has no relative prior, and says so
    assert [line.name for line in one.sensitivity] == ["flat"]
    several = bayes_compare([2.0] * 40, {"a": GOOD, "b": GOOD}, prior=NormalPrior())
    assert several["a"].p_best == pytest.approx(several["b"].p_best, rel=1e-10)
    shares = bayes_compare(zeros, zeros, model="beta_binomial")
    assert shares.p_better == pytest.approx(0.5, abs=1e-12)
    assert [line.name for line in shares.sensitivity] == ["flat"]
    nothing = bayes_compare(zeros, zeros, model="gamma_poisson")
    assert nothing.p_better == pytest.approx(0.5, abs=1e-12)


def test_a_control_of_zero_has_no_relative_effect():
    control = Moments(100, np.array([0.0]), np.array([[50.0]]))
    treatment = Moments(100, np.array([1.0]), np.array([[50.0]]))
    for arguments in ({"scale": "relative"}, {"prior": NormalPrior()}):
        with pytest.raises(NotEstimable) as caught:
            bayes_compare(control, treatment, **arguments)
        assert caught.value.code == "zero_denominator"


def test_what_a_reader_should_know_is_warned_of():
    assert bayes_compare(GOOD[:12], GOOD).warnings == ("few_units",)
    wide = bayes_compare(GOOD, GOOD, scale="relative")
    assert wide.warnings == ("control_uncertain",)
    assert "control_uncertain" in str(wide)


def test_forms_of_values_that_files_hold():
    expected = bayes_compare(GOOD, GOOD[:-3], model="beta_binomial").to_dict()
    for form in (
        pd.array([int(value) for value in GOOD], dtype="Int64"),
        pd.array([bool(value) for value in GOOD], dtype="boolean"),
        np.ma.array(GOOD, mask=[False] * 60),
        [*GOOD, None],
    ):
        got = bayes_compare(form, ValueCounts.from_values(GOOD[:-3]), model="beta_binomial")
        assert {**got.to_dict(), "nulls_control": 0} == expected


@pytest.mark.parametrize("sd", [1e-30, 1e30, 1e300])
def test_priors_of_extreme_width_answer(sd):
    got = bayes_compare(GOOD, GOOD[:-3], prior=NormalPrior(0.0, sd))
    assert all(map(math.isfinite, (got.p_better, got.log10_p_worse, got.loss_ship, *got.interval)))


@pytest.mark.parametrize("scale", [1e-200, 1e-9, 1e9, 1e200])
def test_exposures_of_extreme_units_answer(scale):
    got = bayes_compare(10, 15, exposure=(scale, 1.1 * scale), model="gamma_poisson")
    plain = bayes_compare(10, 15, exposure=(1.0, 1.1), model="gamma_poisson")
    assert got.p_better == pytest.approx(plain.p_better, rel=1e-9)
    assert got.loss_ship * scale == pytest.approx(plain.loss_ship, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-306, 1e306])
def test_exposures_beyond_all_units_say_why(scale):
    with pytest.raises(NotEstimable) as caught:
        bayes_compare(10, 15, exposure=(scale, 1.1 * scale), model="gamma_poisson")
    assert caught.value.code == "not_finite"


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1e6, 1e15])
def test_beta_priors_of_extreme_weight_answer(size):
    got = bayes_compare(GOOD, GOOD[:-3], model="beta_binomial", prior=BetaPrior(size, size))
    assert got.p_better + got.p_worse == pytest.approx(1.0, abs=1e-8)
    relative = bayes_compare(
        [0.0] * 9, [0.0] * 9, model="beta_binomial", prior=BetaPrior(size, 1.0), scale="relative"
    )
    assert relative.interval[0] >= -1.0
    assert str(relative)
