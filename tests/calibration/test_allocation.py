"""Enumerated false alarms against SciPy's distributions."""

import numpy as np
import pytest
from calibration.allocation import Drawn, Enumerated, Segments, _tables
from scipy import stats

from abtest.stats.allocation.exact import log_probabilities

RNG = np.random.default_rng(0)


def rates(observed):
    return {(one.method, one.promised): one.rate for one in observed}


def test_tables_are_enumerated_in_the_order_of_their_probabilities():
    shares = (0.5, 0.3, 0.2)
    tables = list(_tables(6, 3))
    expected = stats.multinomial.pmf(tables, 6, shares)
    assert np.exp(log_probabilities(6, np.array(shares))) == pytest.approx(expected)


def test_false_alarms_of_two_arms_are_sums_of_binomial_probabilities():
    found = rates(Enumerated(30, (0.9, 0.1))(RNG, 1))
    k = np.arange(31)
    p_values = np.array([stats.binomtest(int(one), 30, 0.9).pvalue for one in k])
    expected = stats.binom.pmf(k, 30, 0.9)[p_values <= 0.05].sum()
    assert found["auto, enumerated", 0.05] == pytest.approx(expected)
    chi2 = (k - 27.0) ** 2 * (1 / 27.0 + 1 / 3.0)
    rejected = stats.chi2.sf(chi2, 1) <= 0.05
    expected = stats.binom.pmf(k, 30, 0.9)[rejected].sum()
    assert found["chi_square, enumerated", 0.05] == pytest.approx(expected)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.99, 0.01), (0.8, 0.1, 0.1)])
def test_the_exact_test_keeps_every_level(shares):
    found = rates(Enumerated(20, shares)(RNG, 1))
    assert found["auto, enumerated", 0.05] <= 0.05
    assert found["auto, enumerated, at 0.001", 0.001] <= 0.001


def test_draws_agree_with_the_enumeration():
    shares, runs = (0.8, 0.1, 0.1), 2_000
    exact = rates(Enumerated(30, shares)(RNG, 1))["auto, enumerated", 0.05]
    drawn = rates(Drawn(30, shares)(np.random.default_rng(3), runs))["auto", 0.05]
    assert abs(drawn - exact) < 4 * np.sqrt(exact * (1 - exact) / runs)


def test_segments_without_units_are_no_alarm():
    found = {one.method: one for one in Segments(8, (0.5, 0.5))(np.random.default_rng(4), 50)}
    assert found["any segment"].count <= 8
    assert found["homogeneity"].runs + found["homogeneity"].missing == 50
