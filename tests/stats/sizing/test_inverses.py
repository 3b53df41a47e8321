"""Power, sample size and detectable effect are each the inverse of the others."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    Clusters,
    DecisionRule,
    MeansDesign,
    ProportionsDesign,
    RateDesign,
    RatioDesign,
    minimum_detectable_effect,
    power,
    sample_size,
)


@st.composite
def shared_settings(draw, tests=("superiority", "non_inferiority", "equivalence")):
    test = draw(st.sampled_from(tests))
    shared = {
        "test": test,
        "alpha": draw(st.sampled_from([0.001, 0.05, 0.2])),
        "power": draw(st.floats(0.5, 0.99)),
        "allocation": draw(st.sampled_from([(1, 1), (9, 1), (2, 1, 1.5)])),
        "relative": draw(st.booleans()),
        "direction": draw(st.sampled_from(["increase", "decrease"])),
    }
    if test == "superiority" and draw(st.booleans()):
        shared["alternative"] = "greater" if shared["direction"] == "increase" else "less"
    return shared


@st.composite
def designs(draw):
    shared = draw(shared_settings())
    extras = draw(
        st.sampled_from(
            [{}, {"correlation": 0.6}, {"clusters": Clusters(mean_size=7.5, icc=0.05, cv=0.4)}]
        )
    )
    kind = draw(st.sampled_from(["means", "proportions", "ratios", "rates"]))
    value = draw(st.sampled_from([0.02, 0.3, 0.6]))
    if shared["test"] != "superiority":
        margin = draw(st.sampled_from([0.1, 0.25])) * (1.0 if shared["relative"] else value)
        shared["margin"] = margin
        if shared["test"] == "equivalence" and draw(st.booleans()):
            shared["margin"] = (margin, 1.3 * margin)
    if kind == "proportions":
        return ProportionsDesign(value, **shared, **extras)
    if kind == "rates":
        return RateDesign(value, dispersion=1.7, **shared, **extras)
    if kind == "ratios":
        return RatioDesign(value * 5.0, 5.0, 1.0, 9.0, 1.2, **shared, **extras)
    sign = draw(st.sampled_from([1.0, -1.0]))
    treatment = draw(st.sampled_from([None, 0.4]))
    return MeansDesign(mean=sign * value, sd=0.9, sd_treatment=treatment, **shared, **extras)


def an_effect(design, part):
    """Return an effect that the design can show; `part` in (0, 1)."""
    if design.test == "superiority":
        size = 0.4 * part if design.relative else 0.4 * part * abs(design.value)
        return design.sign * size
    low, high = (*design.bounds, 0.0)[:2] if design.test == "non_inferiority" else design.bounds
    return low * 0.8 * part if part < 0.5 else 0.3 * high * part


@settings(max_examples=150, deadline=None)
@given(designs(), st.floats(0.1, 0.9))
def test_they_are_inverses_to_six_digits(design, part):
    effect = an_effect(design, part)
    plan = sample_size(design, effect=effect)
    assume("smallest_possible" not in plan.warnings)
    back = power(design, units=plan.units_exact, effect=effect)
    assert back.power == pytest.approx(design.target_power, abs=1e-6)
    assert plan.power >= design.target_power - 1e-9
    assert all(float(units).is_integer() for units in plan.units_by_arm)
    if design.test == "equivalence":
        return
    found = minimum_detectable_effect(design, units=plan.units_exact)
    if design.test == "superiority" and design.sides == 2 and effect * design.sign < 0:
        effect = -effect
    assert found.effect == pytest.approx(effect, rel=1e-6, abs=1e-9)
    again = sample_size(design, effect=found.effect)
    assert again.units_exact == pytest.approx(plan.units_exact, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(shared_settings(tests=("equivalence",)), st.floats(0.05, 0.9))
def test_the_largest_effect_that_is_still_equivalent_is_an_inverse_too(shared, part):
    design = MeansDesign(mean=2.0, sd=1.0, margin=0.3, **shared)
    effect = design.sign * 0.3 * part
    units = sample_size(design, effect=effect).units_exact
    found = minimum_detectable_effect(design, units=units)
    assert found.power == pytest.approx(design.target_power, abs=1e-6)
    if found.effect != pytest.approx(effect, rel=1e-6, abs=1e-9):
        # relative margins are not symmetric: next to 0 a larger loss can be easier to show
        assert design.relative
        assert found.effect < effect < 0.0


@pytest.mark.parametrize("method", ["welch", "student", "z"])
def test_the_fewest_units_for_no_effect_are_equivalent_at_no_effect_alone(method):
    design = MeansDesign(sd=1.0, test="equivalence", margin=0.4, method=method)
    units = sample_size(design, effect=0.0).units_exact
    found = minimum_detectable_effect(design, units=units)
    assert found.effect == pytest.approx(0.0, abs=1e-4)  # power is flat at its top
    assert found.power == pytest.approx(0.8, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(designs(), st.floats(0.1, 0.9), st.floats(1.05, 30.0))
def test_more_units_mean_more_power(design, part, factor):
    effect = an_effect(design, part)
    units = sample_size(design, effect=effect).units
    less, more = (power(design, units=n, effect=effect).power for n in (units, factor * units))
    assert more >= less - 1e-12
    assert 0.0 <= less <= 1.0
    assert more <= 1.0


@settings(max_examples=60, deadline=None)
@given(designs(), st.floats(20.0, 1e6))
def test_at_the_hypothesis_the_power_is_the_level(design, units):
    assume(units * min(design.shares) > 4 * design.unit_size)
    if isinstance(design, (ProportionsDesign, RateDesign)):
        assume(
            all(
                design.possible(np.array([b * (design.value if design.relative else 1.0)]))
                for b in design.bounds
            )
        )
    for bound in design.bounds:
        found = power(design, units=units, effect=bound).power
        if design.test == "equivalence":
            assert found <= design.level + 1e-9
        elif design.slope_error is None or not design.slope_error:
            assert found == pytest.approx(design.level, rel=1e-7)
        else:  # the test counts the noise of estimated slopes, of the order 1 / n
            n = units * min(design.shares) / design.unit_size
            assert (1.0 - 10.0 / n) * design.level <= found <= design.level


@pytest.mark.parametrize("scale", [1e-100, 1e-3, 1e5, 1e120])
def test_the_unit_of_a_mean_does_not_matter(scale):
    one = sample_size(MeansDesign(sd=2.0, sd_treatment=3.0), effect=0.7)
    other = sample_size(MeansDesign(sd=2.0 * scale, sd_treatment=3.0 * scale), effect=0.7 * scale)
    assert other.units_exact == pytest.approx(one.units_exact, rel=1e-12)


def test_the_sign_of_an_effect_does_not_matter_to_a_two_sided_test_of_means():
    design = MeansDesign(sd=1.0)
    up, down = (power(design, units=100, effect=effect).power for effect in (0.3, -0.3))
    assert up == pytest.approx(down, rel=1e-14)


def test_turning_a_metric_over_changes_nothing():
    kept = ProportionsDesign(0.2, test="non_inferiority", margin=0.03)
    lost = ProportionsDesign(0.8, test="non_inferiority", margin=0.03, direction="decrease")
    assert sample_size(kept, effect=-0.01).units_exact == pytest.approx(
        sample_size(lost, effect=0.01).units_exact, rel=1e-12
    )


def test_a_relative_effect_is_that_share_of_the_size_of_the_baseline():
    share = sample_size(MeansDesign(mean=-4.0, sd=1.0, relative=True), effect=0.1)
    plain = sample_size(MeansDesign(mean=-4.0, sd=1.0), effect=0.4)
    assert share.units_exact == pytest.approx(plain.units_exact, rel=1e-12)
    assert (share.absolute_effect, plain.relative_effect) == pytest.approx((0.4, 0.1))


@pytest.mark.parametrize("solve", ["power", "sample_size", "effect"])
def test_a_curve_is_its_rows(solve):
    design = ProportionsDesign(0.1, relative=True)
    baselines = [0.05, 0.1, 0.4]
    rows = design.over(baseline=baselines, alpha=[0.05, 0.01, 0.1])
    singles = [
        ProportionsDesign(p, relative=True, alpha=a)
        for p, a in zip(baselines, [0.05, 0.01, 0.1], strict=True)
    ]
    ask = {
        "power": lambda given: power(given, units=5000, effect=0.2),
        "sample_size": lambda given: sample_size(given, effect=0.2),
        "effect": lambda given: minimum_detectable_effect(given, units=5000),
    }[solve]
    curve = ask(rows)
    for index, single in enumerate(singles):
        got, alone = curve[index], ask(single)
        assert got.power == pytest.approx(alone.power, rel=1e-10)
        assert got.units_exact == pytest.approx(alone.units_exact, rel=1e-10)
        assert got.effect == pytest.approx(alone.effect, rel=1e-10)


def test_rows_of_settings_are_those_settings():
    rule = DecisionRule(1, 2)
    rows = MeansDesign(sd=1.0, rule=rule).over(
        power=[0.8, 0.9], variance_reduction=[0.0, 0.5], sd=[1.0, 2.0]
    )
    curve = sample_size(rows, effect=0.5)
    for index, (wanted, reduction, sd) in enumerate(((0.8, 0.0, 1.0), (0.9, 0.5, 2.0))):
        alone = MeansDesign(sd=sd, rule=rule, power=wanted, variance_reduction=reduction)
        assert curve[index] == sample_size(alone, effect=0.5)


def test_the_power_of_many_arms_is_that_of_the_smallest_treatment():
    many = power(MeansDesign(sd=1.0, allocation=(5, 2, 3), alpha_share=1.0), units=1000, effect=0.2)
    two = power(MeansDesign(sd=1.0, allocation=(5, 2)), units=700, effect=0.2)
    assert many.power == pytest.approx(two.power, rel=1e-12)


def test_small_effects_need_no_more_than_can_be_counted():
    assert sample_size(MeansDesign(sd=1.0), effect=1e-6).units > 1e13
    with pytest.raises(UsageError, match="too small"):
        sample_size(MeansDesign(sd=1.0), effect=1e-9)


@pytest.mark.parametrize(
    ("design", "effect"),
    [
        (ProportionsDesign(0.02, relative=True, power=0.95, alpha=1e-12,
                           variance_reduction=0.999999, clusters=Clusters(20, 1.0)), -0.78),
        (RateDesign(1e7, exposure=1e-3, relative=True, alpha=1e-12, power=0.999,
                    clusters=Clusters(20, 1.0), alpha_share=0.1), -0.69),
    ],
)  # fmt: skip
def test_an_effect_is_found_where_a_larger_one_leaves_too_few_degrees_of_freedom(design, effect):
    design = replace(design, direction="decrease")
    units = sample_size(design, effect=effect).units_exact
    assert power(design, units=units, effect=-1.0).power < design.target_power
    found = minimum_detectable_effect(design, units=units)
    assert effect - 1e-9 <= found.effect < 0.0
    assert found.power == pytest.approx(design.target_power, abs=1e-6)


@pytest.mark.parametrize("baseline", [1e-9, 1e-7, 1e-4, 1.0 - 1e-7])
@pytest.mark.parametrize(
    "settings", [{}, {"test": "non_inferiority", "margin": 0.3}, {"test": "equivalence",
                                                                  "margin": 0.4}]
)  # fmt: skip
def test_rare_events_are_planned_with_all_digits(baseline, settings):
    rarer = min(baseline, 1.0 - baseline)
    settings = {**settings, "margin": settings["margin"] * rarer} if settings else settings
    design = ProportionsDesign(baseline, alpha=1e-6, power=0.9, **settings)
    effect = 0.2 * rarer
    units = sample_size(design, effect=effect).units_exact
    assert power(design, units=units, effect=effect).power == pytest.approx(0.9, abs=1e-9)
    found = minimum_detectable_effect(design, units=units)
    assert found.effect == pytest.approx(effect, rel=1e-6)


@pytest.mark.parametrize("wanted", [0.5, 0.999, 0.999999])
def test_the_most_power_of_equivalence_is_found_at_extreme_powers(wanted):
    rule = DecisionRule(successes=1, guardrails=5)
    for design in (
        ProportionsDesign(1e-7, method="welch", alpha=1e-6, power=wanted, test="equivalence",
                          margin=(2e-9, 2e-9), allocation=(99, 1), rule=rule),
        MeansDesign(sd=1.0, power=wanted, test="equivalence", margin=0.1, variance_reduction=0.99),
    ):  # fmt: skip
        units = sample_size(design, effect=0.0).units_exact
        found = minimum_detectable_effect(design, units=units)
        assert found.power == pytest.approx(design.target_power, abs=1e-6)
