"""Quantiles over phases of changed allocation: how much a weighted sample says of a share."""

import numpy as np
import pytest

from abtest.stats import ValueCounts, estimate_quantiles
from abtest.stats.phased import weighted_counts


def arm(rng, phases):
    """Return value counts of phases of (units, mean)."""
    return [ValueCounts.from_values(np.round(rng.normal(mean, 1.0, n), 3)) for n, mean in phases]


def kish(weights, units):
    return 1.0 / (np.asarray(weights) ** 2 / np.asarray(units)).sum()


@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_phases_of_one_distribution_count_as_many_units_as_kish_says(quantile):
    rng = np.random.default_rng(1)
    control = arm(rng, [(8_000, 0.0), (2_000, 0.0)])
    treatment = arm(rng, [(2_000, 0.0), (8_000, 0.0)])
    first, second, dropped = weighted_counts(control, treatment, quantile)
    want = kish([0.5, 0.5], [8_000, 2_000])
    assert first.n == pytest.approx(want, rel=0.02)
    assert second.n == pytest.approx(want, rel=0.02)
    assert not dropped


def test_a_phase_that_holds_all_of_a_tail_counts_with_the_units_it_has():
    # all of the highest tenth is of the second phase, where control has 150 of 750 units
    rng = np.random.default_rng(2)
    quantile, shares, seen = 0.9, [], []
    truth = 100.0 + 0.4307272992954576  # 2/3 of the second phase lies below
    for _ in range(400):
        control = arm(rng, [(350, 0.0), (30, 100.0)])
        treatment = arm(rng, [(350, 0.0), (270, 100.0)])
        first, _, _ = weighted_counts(control, treatment, quantile)
        below = [(one.counts[one.values <= truth]).sum() / one.n for one in control]
        shares.append(0.7 * below[0] + 0.3 * below[1])
        seen.append(first.n)
    variance = quantile * (1.0 - quantile) / np.var(shares)
    assert np.mean(shares) == pytest.approx(quantile, abs=0.005)
    assert np.mean(seen) == pytest.approx(variance, rel=0.15)
    assert kish([0.7, 0.3], [350, 30]) > 1.5 * variance  # with it up to 8% false alarms


def test_a_quantile_between_phases_has_a_variance():
    rng = np.random.default_rng(3)
    control = arm(rng, [(80, 0.0), (20, 100.0)])
    treatment = arm(rng, [(20, 0.0), (80, 100.0)])
    pair = estimate_quantiles(control, treatment, quantile=0.5)
    found = pair.absolute(0.95)
    assert found.lower < 0.0 < found.upper
    assert pair.contrast.difference_variance > 0.0


def test_one_value_in_all_phases_is_that_value_and_no_more():
    phases = [ValueCounts.from_table([4.0], [30]), ValueCounts.from_table([4.0], [10])]
    others = [ValueCounts.from_table([4.0], [10]), ValueCounts.from_table([4.0], [30])]
    pair = estimate_quantiles(phases, others, quantile=0.25)
    assert (pair.control_value, pair.treatment_value) == (4.0, 4.0)
    assert pair.control.n == pair.treatment.n == round(kish([0.5, 0.5], [30, 10]))
    assert pair.test().p_value == 1.0
