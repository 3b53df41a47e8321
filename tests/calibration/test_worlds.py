"""The truths that coverage is counted against must be those of what is drawn."""

import numpy as np
import pytest
from calibration.two_arms import MEANS, TwoArms

from calibration import worlds

CASES = [
    (make, unequal)
    for make in (
        worlds.normal,
        worlds.exponential,
        worlds.revenue,
        worlds.rare_event,
        worlds.clicks_per_view,
    )
    for unequal in (False, True)
    if make().unequal or not unequal
]
RUNS, UNITS = 400, 20_000


@pytest.mark.parametrize(("make", "unequal"), CASES)
def test_the_stated_value_and_variance_are_those_of_the_draws(make, unequal):
    arm = make().treatment(0.2, unequal)
    drawn = worlds.moments(arm, np.random.default_rng(11), RUNS, UNITS)
    value = drawn.mean[:, 0]
    if drawn.mean.shape[1] == 2:
        value = value / drawn.mean[:, 1]
    error = np.sqrt(arm.variance / UNITS / RUNS)
    assert abs(value.mean() - arm.value) < 4 * error
    # the sample variance of the values has a relative error of about sqrt(2 / RUNS)
    assert value.var(ddof=1) * UNITS == pytest.approx(arm.variance, rel=4 * np.sqrt(2 / RUNS))


@pytest.mark.parametrize("make", [worlds.normal, worlds.exponential, worlds.clicks_per_view])
def test_another_variance_leaves_the_value_as_it_is(make):
    world = make()
    same, other = world.treatment(0.0, False), world.treatment(0.0, True)
    assert other.value == pytest.approx(same.value, rel=1e-9)
    assert abs(other.variance / same.variance - 1.0) > 0.05


def test_the_effect_of_a_powered_cell_is_found_with_the_power_of_theory():
    cell = TwoArms(worlds.normal(), MEANS[:1], (5_000, 5_000), unequal=False, powered=True)
    control, treatment = cell.arms
    error = np.sqrt((control.variance + treatment.variance) / 5_000)
    assert (treatment.value - control.value) / error == pytest.approx(1.959964 + 0.841621, abs=1e-5)


def test_chunks_do_not_change_what_is_drawn(monkeypatch):
    arm = worlds.normal().control
    whole = worlds.moments(arm, np.random.default_rng(3), 10, 50)
    monkeypatch.setattr(worlds, "CHUNK", 150)
    parts = worlds.moments(arm, np.random.default_rng(3), 10, 50)
    assert parts.m2 == pytest.approx(whole.m2)
    assert len(parts) == 10


@pytest.mark.parametrize("unequal", [False, True])
def test_counts_of_distinct_values_are_those_of_single_units(unequal):
    arm = worlds.clicks_per_view().treatment(0.1, unequal)
    units = 400_000
    values = arm.draw(np.random.default_rng(5), (1, units))[:, 0]
    drawn = worlds.moments(arm, np.random.default_rng(6), 1, units)
    error = values.std(axis=1) / np.sqrt(units)
    assert drawn.mean[0] == pytest.approx(values.mean(axis=1), abs=5 * error.max())
    assert drawn.m2[0] / units == pytest.approx(np.cov(values), rel=0.05)
    ratio, influence = arm.value, (values[0] - arm.value * values[1]) / values[1].mean()
    assert abs(influence.mean()) < 4 * np.sqrt(arm.variance / units)
    assert influence.var() == pytest.approx(arm.variance, rel=0.02)
    assert values[0].sum() / values[1].sum() == pytest.approx(ratio, rel=0.01)
