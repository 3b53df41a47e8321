"""What cannot be is refused with what is wrong, what was given and what to do."""

import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Clusters,
    DecisionRule,
    MeansDesign,
    Moments,
    ProportionsDesign,
    RateDesign,
    RatioDesign,
    minimum_detectable_effect,
    power,
    sample_size,
)

MEANS = MeansDesign(sd=1.0)
NOT_NUMBERS = [
    None, "1", b"1", True, math.nan, math.inf, -math.inf, 1e300, 1j, [], {}, object(),
    np.ma.masked, pd.NA, pd.NaT, np.datetime64("2020-01-01"),
    [[1.0, 2.0]], [0.1, [0.2]], [True, False], ["a"], [0.1, math.nan],
    np.ma.array([0.1, 0.2], mask=[False, True]), np.array([0.1, None], dtype=object),
    pd.array([0.1, None], dtype="Float64"),
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "use",
    [
        lambda v: sample_size(MEANS, effect=v),
        lambda v: power(MEANS, units=v, effect=0.1),
        lambda v: power(MEANS, units=100, effect=v),
        lambda v: minimum_detectable_effect(MEANS, units=v),
        lambda v: MeansDesign(sd=v),
        lambda v: MeansDesign(sd=1.0, alpha=v),
        lambda v: MeansDesign(sd=1.0, power=v),
        lambda v: MeansDesign(sd=1.0, variance_reduction=v),
        lambda v: MeansDesign(sd=1.0, test="non_inferiority", margin=v),
        lambda v: MeansDesign(sd=1.0, allocation=v),
        lambda v: MeansDesign(sd=1.0, allocation=(1, v)),
        ProportionsDesign,
        RateDesign,
        lambda v: RateDesign(1.0, exposure=v),
        lambda v: RatioDesign(v, 1.0, 1.0, 1.0, 0.0),
        lambda v: RatioDesign(1.0, 2.0, v, 1.0, 0.0),
        lambda v: Clusters(v, 0.1),
        lambda v: Clusters(3.0, v),
        DecisionRule,
        lambda v: DecisionRule(1, 1, v),
        lambda v: sample_size(MEANS, effect=0.5).days(v),
        lambda v: sample_size(MEANS, effect=0.5).days(10, maturity=v),
        MeansDesign.from_moments,
        lambda v: MeansDesign(sd=1.0, relative=v) if v is not True else MeansDesign(sd=v),
        lambda v: MeansDesign(sd=1.0, test=v),
        lambda v: MeansDesign(sd=1.0, method=v),
    ],
)
def test_what_is_no_number_is_refused(use, value):
    with pytest.raises(UsageError) as refusal:
        use(value)
    assert refusal.value.given
    assert refusal.value.todo


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 1.0}, "alpha"),
        ({"alpha": 5}, "alpha"),
        ({"power": 0.0}, "power"),
        ({"power": 1.0}, "power"),
        ({"power": 0.04}, "above the level"),
        ({"alpha": 0.6, "alternative": "greater"}, "below 0.5"),
        ({"alpha": 0.5, "test": "equivalence", "margin": 0.1}, "below 0.5"),
        ({"alternative": "both"}, "alternative"),
        ({"direction": "up"}, "direction"),
        ({"margin": 0.1}, "margin"),
        ({"test": "non_inferiority"}, "margin"),
        ({"test": "non_inferiority", "margin": -0.1}, "margin"),
        ({"test": "non_inferiority", "margin": 0.0}, "margin"),
        ({"test": "non_inferiority", "margin": (0.1, 0.1)}, "margins"),
        ({"test": "equivalence", "margin": (-0.1, 0.2)}, "part of a margin"),
        ({"test": "equivalence", "margin": (0.1, 0.1, 0.2)}, "margins"),
        ({"test": "non_inferiority", "margin": 2.0, "relative": True, "mean": 1.0}, "below 1"),
        ({"test": "equivalence", "margin": 0.1, "alternative": "less"}, "alternative"),
        ({"relative": True}, "baseline"),
        ({"relative": True, "mean": 0.0}, "baseline"),
        ({"allocation": (1,)}, "two arms"),
        ({"allocation": (1, 0)}, "weight"),
        ({"allocation": (1, -1)}, "weight"),
        ({"variance_reduction": 1.0}, "variance_reduction"),
        ({"variance_reduction": -0.1}, "variance_reduction"),
        ({"correlation": 1.0}, "correlation"),
        ({"correlation": 0.5, "variance_reduction": 0.2}, "same thing"),
        ({"clusters": 5}, "Clusters"),
        ({"rule": (1, 2)}, "DecisionRule"),
        ({"rule": DecisionRule(1, 1, deterioration_alpha=0.2)}, "no room"),
        ({"method": "student", "sd_treatment": 2.0}, "two"),
        ({"variance": 1.0}, "exactly one"),
        ({"sd_treatment": 0.0}, "sd_treatment"),
        ({"sd_treatment": 1e-300}, "sd_treatment"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(UsageError) as refusal:
        MeansDesign(sd=1.0, **settings)
    assert words in f"{refusal.value.what} {refusal.value.todo}"


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: sample_size(MEANS, effect=0.0), "no_effect"),
        (lambda: sample_size(MeansDesign(sd=1, alternative="greater"), effect=-1),
         "wrong_direction"),
        (lambda: sample_size(MeansDesign(sd=1, alternative="less"), effect=1), "wrong_direction"),
        (lambda: sample_size(ProportionsDesign(0.6), effect=0.5), "out_of_range"),
        (lambda: sample_size(ProportionsDesign(0.6), effect=-0.7), "out_of_range"),
        (lambda: sample_size(ProportionsDesign(0.6, relative=True), effect=0.7), "out_of_range"),
        (lambda: sample_size(RateDesign(0.6), effect=-0.7), "out_of_range"),
        (lambda: power(ProportionsDesign(0.6), units=100, effect=0.5), "out_of_range"),
        (lambda: sample_size(loss(0.02), effect=-0.02), "margin_not_met"),
        (lambda: sample_size(loss(0.02), effect=-0.03), "margin_not_met"),
        (lambda: sample_size(loss(0.02, direction="decrease"), effect=0.03), "margin_not_met"),
        (lambda: sample_size(loss(0.02, test="equivalence"), effect=0.02), "margin_not_met"),
        (lambda: sample_size(loss(0.02, test="equivalence"), effect=-0.5), "margin_not_met"),
        (lambda: sample_size(MEANS, effect=1e-9), "too_many_units"),
        (lambda: sample_size(MEANS, effect=1e-140), "too_many_units"),
        (lambda: sample_size(MeansDesign(sd=1, allocation=(1e15, 1e-14)), effect=1),
         "too_many_units"),
        (lambda: sample_size(MeansDesign(sd=1, clusters=Clusters(1e12, 1), allocation=(1, 1e6)),
                             effect=9), "too_many_units"),
        (lambda: power(MEANS, units=3, effect=1), "too_few_units"),
        (lambda: power(MeansDesign(sd=1, correlation=0.5), units=5, effect=1), "too_few_units"),
        (lambda: minimum_detectable_effect(MEANS, units=1), "too_few_units"),
        (lambda: minimum_detectable_effect(ProportionsDesign(0.5), units=8), "unreachable"),
        (lambda: minimum_detectable_effect(RateDesign(0.1, alternative="less"), units=20),
         "unreachable"),
        (lambda: minimum_detectable_effect(loss(0.02, test="equivalence"), units=100),
         "unreachable"),
        (lambda: sample_size(MEANS, effect=0.5).days([10, 20]), "not_enough_traffic"),
        (lambda: sample_size(MEANS, effect=0.5).days(0), "not_enough_traffic"),
    ],
)  # fmt: skip
def test_impossible_requests_say_why(ask, code):
    with pytest.raises(UsageError) as refusal:
        ask()
    assert refusal.value.code == code
    assert "f(a)" not in str(refusal.value)


def loss(margin, **settings):
    return MeansDesign(sd=1.0, margin=margin, **{"test": "non_inferiority", **settings})


def test_an_impossible_row_of_a_curve_has_a_status_and_no_number():
    curve = sample_size(ProportionsDesign(0.6), effect=[0.0, 0.1, 0.5, 1e-13])
    assert curve.status.tolist() == ["no_effect", "ok", "out_of_range", "too_many_units"]
    assert np.isnan(curve.units).tolist() == [True, False, True, True]
    assert np.isnan(curve.power).tolist() == [True, False, True, True]
    with pytest.raises(UsageError, match="found with the probability alpha"):
        curve[0]


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(UsageError, match="different lengths"):
        power(MEANS, units=[10, 20], effect=[0.1, 0.2, 0.3])


def test_only_numbers_of_the_design_can_vary():
    with pytest.raises(UsageError, match="number of this design"):
        MEANS.over(baseline=[0.1, 0.2])


def test_rows_and_moments_of_other_shapes_are_refused():
    with pytest.raises(UsageError, match="Power is asked of a design"):
        power({"sd": 1}, units=10, effect=1)
    with pytest.raises(UsageError, match="Moments of 1 or 2"):
        MeansDesign.from_moments(Moments.from_columns([[1.0, 2.0]] * 3))
    with pytest.raises(UsageError, match="two units"):
        RatioDesign.from_moments(Moments.from_columns([[1.0], [2.0]]))
    with pytest.raises(UsageError, match="variance must be"):
        MeansDesign.from_moments(Moments.from_columns([[3.0, 3.0]]))
    with pytest.raises(UsageError, match="denominator"):
        RatioDesign.from_moments(Moments.from_columns([[1.0, 2.0], [0.0, 0.0]]))


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        ((1.0, 0.0, 1.0, 1.0, 0.0), "baseline"),
        ((1.0, 2.0, 1.0, 1.0, 2.0), "covariance"),
        ((1.0, 2.0, -1.0, 1.0, 0.0), "numerator_variance"),
        ((1.0, 2.0, 1.0, 4.0, 2.0), "does not vary"),
    ],
)
def test_ratios_that_cannot_be_are_refused(ratio, words):
    with pytest.raises(UsageError, match=words):
        RatioDesign(*ratio)


@pytest.mark.parametrize("method", ["score", "arcsine"])
def test_formulas_without_covariates_and_clusters_say_so(method):
    for extra in ({"correlation": 0.5}, {"clusters": Clusters(10, 0.1)}):
        with pytest.raises(UsageError, match="unpooled"):
            ProportionsDesign(0.2, method=method, **extra)
    with pytest.raises(UsageError, match="unpooled"):
        RateDesign(0.2, method="score", correlation=0.5)
    with pytest.raises(UsageError, match="no margins"):
        ProportionsDesign(0.2, method="arcsine", test="equivalence", margin=0.1)


@pytest.mark.parametrize(
    "build",
    [
        lambda: ProportionsDesign(0.02, test="non_inferiority", margin=0.05),
        lambda: ProportionsDesign(0.9, test="non_inferiority", margin=0.2, direction="decrease"),
        lambda: RateDesign(0.02, test="non_inferiority", margin=0.05),
    ],
)
def test_a_margin_that_no_treatment_can_exceed_is_refused(build):
    with pytest.raises(UsageError, match="show nothing"):
        build()


def test_a_decision_without_metrics_is_refused():
    with pytest.raises(UsageError, match="at least one metric"):
        DecisionRule(0, 0)


@pytest.mark.parametrize("scale", [1e-140, 1e140])
def test_very_large_and_small_values_are_planned(scale):
    plan = sample_size(MeansDesign(sd=scale), effect=0.5 * scale)
    assert plan.units_by_arm == (64, 64)


@pytest.mark.parametrize("baseline", [1e-9, 1e-4, 1 - 1e-9])
def test_proportions_at_the_edge_are_planned(baseline):
    design = ProportionsDesign(baseline, relative=baseline < 0.5, direction="decrease")
    plan = sample_size(design, effect=-0.5)
    assert math.isfinite(plan.units_exact)
    assert plan.power >= 0.8


def test_effects_that_leave_the_treatment_no_variance_have_a_power():
    assert sample_size(ProportionsDesign(0.6), effect=0.4).power >= 0.8
    assert 0.0 < power(ProportionsDesign(0.6), units=20, effect=0.4).power < 1.0
    assert power(RateDesign(0.6), units=100, effect=-0.6).power > 0.99
