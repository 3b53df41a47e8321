"""Plans ask for the sizes of their cells, for populations that have the truths of the design."""

from dataclasses import replace

import numpy as np
import pytest
from calibration.page import broken
from calibration.plans import CLUSTERED, CORRELATION, CUPED, RATIOS, SHARE_WELCH
from calibration.sizing_power import GRID, Planned, cells

from calibration import worlds

RUNS = 4_000
KINDS = [(kind, totals[-1]) for kind, totals in GRID]


@pytest.mark.parametrize(("kind", "total"), KINDS, ids=[kind.title for kind, _ in KINDS])
def test_the_population_has_the_variances_and_the_effect_of_the_design(kind, total):
    design, plan = Planned(kind, total).plan()
    arms = kind.arms(design, plan.absolute_effect)
    if design.measure == "ratio":
        return  # arms of parts: below
    assert arms[1].value - arms[0].value == pytest.approx(plan.absolute_effect, abs=1e-12)
    if design.clusters:
        return  # below
    if design.value is not None:
        assert arms[0].value == pytest.approx(design.value)
    stated = design.unit_variances(np.array(plan.absolute_effect))
    assert [arm.variance for arm in arms] == pytest.approx([float(v) for v in stated])


def test_a_cell_has_the_sizes_that_are_asked_for():
    for cell in cells():
        if isinstance(cell.simulate, Planned):
            assert cell.simulate.plan()[1].units_by_arm == cell.sizes, cell.key


def test_the_ratio_of_a_plan_varies_as_its_draws_do():
    design, plan = Planned(RATIOS, 1_000).plan()
    for arm in RATIOS.arms(design, plan.absolute_effect):
        drawn = worlds.moments(arm, np.random.default_rng(5), RUNS, 1_000)
        ratios = drawn.mean[:, 0] / drawn.mean[:, 1]
        variance = float(design.unit_variances(np.array(0.0))[0])
        assert ratios.var() * 1_000 == pytest.approx(variance, rel=0.1)


def test_clusters_have_means_that_vary_by_the_design_effect():
    design, plan = Planned(CLUSTERED, 1_000).plan()
    arm = CLUSTERED.arms(design, plan.absolute_effect)[0]
    # 10 units of sd 2 with an intraclass correlation of 0.1
    assert arm.variance == pytest.approx(4.0 * (0.1 + 0.9 / 10))
    assert plan.clusters_by_arm == (50, 50)


def test_moments_of_normal_values_are_those_of_single_units():
    arm = CUPED.arms(None, 0.5)[1]  # means 5 + 0.5 and 0
    drawn = arm.summed(np.random.default_rng(6), RUNS, 12)
    units = worlds.moments(replace(arm, summed=None), np.random.default_rng(7), RUNS, 12)
    shared = CORRELATION * 2.0
    for found in (drawn, units):
        expected = 11.0 * np.array([[4.0, shared], [shared, 1.0]])
        assert found.m2.mean(axis=0) == pytest.approx(expected, rel=0.05)
        assert found.m2[:, 0, 0].var() == pytest.approx(2 * 11 * 16.0, rel=0.2)
        assert found.mean.mean(axis=0) == pytest.approx([5.5, 0.0], abs=0.05)


def test_a_plan_that_falls_short_is_seen_and_one_that_does_not_is_not():
    few, many = (
        Planned(SHARE_WELCH, total, (0.9, 0.1))(np.random.default_rng(9), RUNS)[0]
        for total in (100, 10_000)
    )
    assert few.quantity == "promised_power"
    assert broken(few)
    assert not broken(many)
