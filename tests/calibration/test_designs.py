"""Designs of several arms: what is stated as true is what the estimate is of."""

import numpy as np
import pytest
from calibration.compositions import CASES, Amounts, Divided, holds, holds_relative
from calibration.designs import DOSES, EFFECTS, LINES, Factorial, OrderedMeans
from calibration.runner import grid

from abtest.stats import (
    Interval,
    Moments,
    RelativeInterval,
    compare_factorial,
    compare_ordered_means,
)
from calibration import worlds


def exactly(arm):
    """Moments of an arm whose sample mean is the true one."""
    return Moments(100, np.array([arm.value]), np.array([[1.0]]))


def test_every_cell_of_the_grid_has_a_name_of_its_own():
    keys = [cell.key for cell in grid(["designs", "compositions", "allocation", "sizing_power"])]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("line", LINES)
def test_slope_and_bend_are_those_of_the_true_means(line):
    world, truth = worlds.normal(), LINES[line]
    arms = [exactly(world.treatment(truth.effect(dose), False)) for dose in DOSES]
    found = compare_ordered_means(arms, DOSES)
    base = world.control.value
    assert found.linear.effect.estimate == pytest.approx(base * truth.trend, abs=1e-12)
    assert found.quadratic.effect.estimate == pytest.approx(base * truth.bend, abs=1e-12)


@pytest.mark.parametrize("effect", EFFECTS)
def test_main_effects_and_interaction_are_those_of_the_true_means(effect):
    effects, unequal = EFFECTS[effect]
    drawn = Factorial(worlds.exponential(), effects, unequal, (10,) * 4)
    arms = [drawn.world.treatment(one, False) for one in (0.0, *effects)]
    found = compare_factorial(*map(exactly, arms))
    first, second, together = drawn.truths
    for one, truth in ((found.first, first), (found.second, second)):
        assert one.absolute.estimate == pytest.approx(truth[0], abs=1e-12)
        assert one.relative.estimate == pytest.approx(truth[1], abs=1e-12)
    assert found.interaction.effect.estimate == pytest.approx(together, abs=1e-12)


def test_a_contrast_is_called_a_false_alarm_only_where_it_is_truly_zero():
    drawn = OrderedMeans(worlds.normal(), LINES["rising line, unequal variances"], (5,) * 4)
    found = {(one.method, one.quantity) for one in drawn(np.random.default_rng(1), 20)}
    assert found == {
        ("linear contrast", "coverage"),
        ("quadratic contrast", "type_i"),
        ("quadratic contrast", "coverage"),
    }


def test_amounts_have_their_shares_as_means_and_depend_on_each_other():
    shares = CASES["effect"][1]
    arm = Amounts().arm(np.random.default_rng(2), shares, 400_000)
    columns = np.array(list(arm.values()))
    errors = columns.std(axis=1) / np.sqrt(400_000)
    assert (np.abs(columns.mean(axis=1) - shares) < 4 * errors).all()
    of_units = (columns / columns.sum(axis=0)).mean(axis=1)
    assert np.abs(of_units - shares).max() > 0.02


def test_truths_of_shares_are_differences_and_ratios():
    truths = Divided(Amounts(), *CASES["effect"], (10, 10)).truths
    assert truths["a"] == pytest.approx((-0.1, -1 / 6))
    assert truths["c"] == pytest.approx((0.1, 1.0))


def test_open_ends_and_two_rays_hold_what_they_say():
    assert holds(Interval(1.0, None, 2.0), -1e9)
    assert not holds(Interval(1.0, 0.5, None), 0.4)
    rays = RelativeInterval(0.1, -1.0, 1.0, "two_rays")
    assert holds_relative(rays, 5.0)
    assert not holds_relative(rays, 0.0)
