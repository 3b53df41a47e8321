"""Plans for quantiles: the power of exact limits, melded, and the steps of atoms."""

import math

import numpy as np
import pytest
from scipy import special

from abtest.errors import UsageError
from abtest.stats import (
    Clusters,
    NotEstimable,
    QuantileDesign,
    ValueCounts,
    compare_quantiles,
    minimum_detectable_effect,
    power,
    sample_size,
)

SHARES = (np.arange(20_000) + 0.5) / 20_000
SHAPES = {
    "exponential": -np.log1p(-SHARES),
    "normal": special.ndtri(SHARES),
    "logistic": special.logit(SHARES),
    "uniform": SHARES,
}
SMOOTH = ValueCounts.from_values(60.0 * SHAPES["exponential"])
ROUNDS = ValueCounts.from_table([0, 1, 2, 3, 5, 8], [30, 40, 50, 40, 30, 10])


def keeps(share, promised, runs, extra):
    return abs(share - promised) <= 4 * math.sqrt(promised * (1 - promised) / runs) + extra


def shown(plan, draw, seed, runs, quantile=0.5):
    rng = np.random.Generator(np.random.PCG64(seed))
    n0, n1 = plan.units_by_arm
    effect = plan.absolute_effect
    return (
        sum(
            compare_quantiles(draw(rng, n0), draw(rng, n1) + effect, quantile=quantile).p_value
            < 0.05
            for _ in range(runs)
        )
        / runs
    )


def test_dense_values_need_what_the_density_says(reference):
    # a tenth of the effect, so that the density hardly changes between the limits
    for case in reference("power_kinds")["quantiles"]:
        pilot = ValueCounts.from_values(SHAPES[case["shape"]])
        effect, direction = case["effect"] / 10, "increase" if case["effect"] > 0 else "decrease"
        design = QuantileDesign(pilot, case["quantile"], direction=direction)
        got = sample_size(design, effect=effect)
        assert got.units_exact / 2 == pytest.approx(100 * case["per_arm"], rel=0.01), case["source"]


@pytest.mark.parametrize(
    ("effect", "allocation", "runs"), [(60.0, (1, 1), 800), (30.0, (1, 2), 300)]
)
def test_the_median_of_dense_values_has_the_promised_power(effect, allocation, runs):
    plan = sample_size(QuantileDesign(SMOOTH, allocation=allocation), effect=effect)
    found = shown(plan, lambda rng, n: rng.exponential(60.0, n), 1, runs)
    assert keeps(found, plan.power, runs, extra=0.04 if effect > 50 else 0.02)


def test_the_median_of_atoms_has_the_promised_power():
    plan = sample_size(QuantileDesign(ROUNDS), effect=1.0)
    assert plan.warnings == ("tied_quantile",)
    shares = ROUNDS.counts / ROUNDS.n
    found = shown(plan, lambda rng, n: rng.choice(ROUNDS.values, n, p=shares), 2, 800)
    assert keeps(found, plan.power, 800, extra=0.02)


def test_a_quantile_that_is_an_atom_moves_by_steps_alone():
    design = QuantileDesign(ROUNDS)
    assert design.value == 2.0
    found = minimum_detectable_effect(design, units=500)
    assert found.effect == 1.0
    assert found.power > 0.8
    assert "whole steps" in str(found)
    # more units find the next value more surely, and no smaller step
    assert minimum_detectable_effect(design, units=50_000).effect == 1.0
    assert minimum_detectable_effect(design, units=100).effect == 3.0
    down = minimum_detectable_effect(QuantileDesign(ROUNDS, direction="decrease"), units=1000)
    assert down.effect == -1.0
    for effect in (0.5, 2.0, 7.0):
        with pytest.raises(UsageError) as refusal:
            sample_size(design, effect=effect)
        assert refusal.value.code == "out_of_range"
    with pytest.raises(UsageError) as refusal:
        minimum_detectable_effect(design, units=10)
    assert refusal.value.code == "unreachable"
    curve = minimum_detectable_effect(design, units=[10.0, 100.0, 1000.0])
    assert curve.status.tolist() == ["unreachable", "ok", "ok"]


def test_steps_are_shares_of_a_relative_effect():
    found = minimum_detectable_effect(QuantileDesign(ROUNDS, relative=True), units=500)
    assert (found.effect, found.absolute_effect) == (0.5, 1.0)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"quantile": 0.9, "power": 0.9},
        {"alternative": "less", "allocation": (1, 3)},
        {"relative": True, "change": "scale"},
        {"test": "non_inferiority", "margin": 8.0},
        {"test": "non_inferiority", "margin": 0.2, "relative": True, "direction": "decrease"},
        {"test": "equivalence", "margin": 12.0},
    ],
)
def test_power_size_and_effect_are_inverses_and_power_rises(settings):
    design = QuantileDesign(SMOOTH, **settings)
    size = 0.2 if design.relative else 10.0
    effect = design.sign * size if design.test == "superiority" else 0.0
    plan = sample_size(design, effect=effect)
    assert power(design, units=plan.units_exact, effect=effect).power == pytest.approx(
        design.target_power, abs=1e-6
    )
    found = minimum_detectable_effect(design, units=plan.units_exact).effect
    if design.test == "equivalence":
        assert found == pytest.approx(effect, abs=0.05)
    else:
        assert found == pytest.approx(effect, rel=1e-5, abs=1e-4)
    powers = power(design, units=plan.units * np.array([0.5, 1.0, 2.0]), effect=effect).power
    assert (np.diff(powers) > 0.0).all()
    if design.test == "superiority":
        over = power(design, units=plan.units, effect=effect * np.array([0.0, 0.5, 1.0, 2.0])).power
        assert (np.diff(over) > 0.0).all()
        assert over[0] < 0.05 + 1e-6
        stricter = sample_size(design.over(alpha=[0.1, 0.01]), effect=effect).units_exact
        assert stricter[1] > stricter[0]


def test_turning_values_over_changes_nothing():
    turned = ValueCounts(-SMOOTH.values[::-1], SMOOTH.counts[::-1])
    up = sample_size(QuantileDesign(SMOOTH, 0.9), effect=12.0).units_exact
    down = sample_size(QuantileDesign(turned, 0.1, direction="decrease"), effect=-12.0).units_exact
    assert up == pytest.approx(down, rel=1e-6)


def test_the_unit_of_values_and_their_origin_do_not_matter():
    moved = ValueCounts(1000.0 * SMOOTH.values + 5e6, SMOOTH.counts)
    one = sample_size(QuantileDesign(SMOOTH), effect=9.0).units_exact
    other = sample_size(QuantileDesign(moved), effect=9000.0).units_exact
    assert other == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: QuantileDesign([1.0, 2.0]), "pilot"),
        (lambda: QuantileDesign(None), "pilot"),
        (lambda: QuantileDesign(ValueCounts.from_values(np.arange(10.0))), "50 units"),
        (lambda: QuantileDesign(ValueCounts.from_table([3.0], [100])), "do not vary"),
        (lambda: QuantileDesign(ROUNDS, 0.0), "quantile"),
        (lambda: QuantileDesign(ROUNDS, 1.0), "quantile"),
        (lambda: QuantileDesign(ROUNDS, math.nan), "quantile"),
        (lambda: QuantileDesign(ROUNDS, "0.5"), "quantile"),
        (lambda: QuantileDesign(ROUNDS, change="stretch"), "change"),
        (lambda: QuantileDesign(ROUNDS, clusters=Clusters(4, 0.1)), "clusters"),
        (lambda: QuantileDesign(ROUNDS, variance_reduction=0.1), "covariates"),
        (lambda: QuantileDesign(ROUNDS, 0.1, relative=True), "above 0"),
        (
            lambda: QuantileDesign(ValueCounts.from_values(np.arange(-60.0, 90)), relative=True),
            "at least 0",
        ),
        (lambda: sample_size(QuantileDesign(SMOOTH), effect=0.0), "effect of 0"),
    ],
)
def test_what_cannot_be_is_refused(build, words):
    with pytest.raises(UsageError) as refusal:
        build()
    assert words in f"{refusal.value.what} {refusal.value.todo} {refusal.value.given}"


def test_values_too_far_apart_are_refused():
    pilot = ValueCounts.from_table([-1.7e308, 0.0, 1.7e308], [30, 30, 30])
    with pytest.raises(NotEstimable) as refusal:
        QuantileDesign(pilot)
    assert refusal.value.code == "not_finite"


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_values_whose_squares_are_no_numbers_are_refused(scale):
    with pytest.raises(UsageError, match="another unit"):
        QuantileDesign(ValueCounts.from_values(scale * np.arange(1.0, 101.0)))


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_large_and_small_values_are_planned(scale):
    pilot = ValueCounts.from_values(scale * np.arange(1.0, 101.0))
    plan = sample_size(QuantileDesign(pilot), effect=10.0 * scale)
    known = sample_size(QuantileDesign(ValueCounts.from_values(np.arange(1.0, 101.0))), effect=10.0)
    assert plan.units == known.units
