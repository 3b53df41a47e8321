"""The integrals, restricted estimates and roots that power is made of."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from abtest.stats import ScorePair
from abtest.stats.proportions.score import difference_statistic, ratio_statistic
from abtest.stats.sizing.noncentral import below_line, below_two_lines, scale_below
from abtest.stats.sizing.restricted import (
    proportions_apart,
    proportions_in_ratio,
    rates_apart,
    rates_in_ratio,
)
from abtest.stats.sizing.roots import rising_root
from abtest.stats.sizing.slope_error import estimate_factor, judged_factor


def row(*values):
    return np.array(values, dtype=float)


@pytest.mark.parametrize("df", [1.0, 1.3, 2.0, 5.0, 30.0, 1e3, 1e6])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 0.01, 2.5, 30.0])
@pytest.mark.parametrize("tail", [0.2, 0.025, 0.0005])
def test_the_noncentral_t_is_that_of_scipy(df, shift, tail):
    q = stats.t.isf(tail, df)
    got = below_line(row(shift), row(q), row(df))[0]
    assert got == pytest.approx(stats.nct.sf(q, df, shift), abs=2e-9)


@given(st.floats(1.0, 1e7), st.floats(1e-6, 0.4))
def test_without_an_effect_it_is_student(df, tail):
    q = -float(special.stdtrit(df, tail))
    assert below_line(row(0.0), row(q), row(df))[0] == pytest.approx(tail, rel=1e-6, abs=1e-12)


def test_infinite_degrees_of_freedom_are_the_limit_of_many():
    near = below_line(row(2.0), row(1.9), row(1e12))[0]
    assert near == pytest.approx(below_line(row(2.0), row(1.9), row(math.inf))[0], abs=1e-9)


@given(st.floats(1.0, 1e5), st.floats(0.2, 5.0), st.floats(0.5, 20.0), st.floats(0.5, 10.0))
def test_a_limit_of_the_scale_cuts_the_integral(df, limit, shift, slope):
    whole = below_line(row(shift), row(slope), row(df))[0]
    part = below_line(row(shift), row(slope), row(df), row(limit))[0]
    assert part <= min(whole, scale_below(row(limit), row(df))[0]) + 1e-9


def test_two_correlated_lines_are_integrated_as_scipy_does():
    for df, rho in ((4.0, -0.5), (20.0, -0.999), (20.0, -0.9999999), (200.0, 0.3)):
        shifts, slopes = (2.2, 3.0), (1.8, 1.9)

        def inside(s, df=df, rho=rho, shifts=shifts, slopes=slopes):
            points = [a - b * s for a, b in zip(shifts, slopes, strict=True)]
            joint = stats.multivariate_normal.cdf(points, cov=[[1, rho], [rho, 1]])
            return joint * 2 * s * df * stats.chi2.pdf(s * s * df, df)

        corner = sum(shifts) / sum(slopes)
        expected = integrate.quad(inside, 0.0, 8.0, limit=500, points=[corner, 1.0])[0]
        got = below_two_lines(
            (row(shifts[0]), row(shifts[1])), (row(slopes[0]), row(slopes[1])), row(rho), row(df)
        )
        assert got[0] == pytest.approx(expected, abs=1e-8)


@given(st.integers(1, 99), st.integers(1, 99), st.integers(1, 9), st.floats(-0.3, 0.3))
def test_restricted_proportions_are_those_of_the_score_test(x0, x1, weight, bound):
    n0, n1 = 100, 100 * weight
    pair = ScorePair(x0, n0, weight * x1, n1)
    p0, p1, treated = row(x0 / 100), row(x1 / 100), row(n1 / (n0 + n1))
    scale = (n0 + n1) / (n0 + n1 - 1.0)
    q0 = proportions_apart(p0, p1, treated, bound)[0]
    q1 = q0 + bound
    variance = scale * (q0 * (1 - q0) / n0 + q1 * (1 - q1) / n1)
    if variance > 1e-9:
        expected = (p1[0] - p0[0] - bound) / math.sqrt(variance)
        assert difference_statistic(pair, bound) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    ratio = 1.0 + bound
    q0 = proportions_in_ratio(p0, p1, treated, ratio)[0]
    q1 = min(ratio * q0, 1.0)
    variance = scale * (q1 * (1 - q1) / n1 + ratio**2 * q0 * (1 - q0) / n0)
    if variance > 1e-9:
        expected = (p1[0] - ratio * p0[0]) / math.sqrt(variance)
        assert ratio_statistic(pair, ratio) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(st.floats(0.01, 50.0), st.floats(0.01, 50.0), st.floats(0.05, 0.95), st.floats(-0.9, 3.0))
def test_restricted_rates_maximise_the_likelihood(r0, r1, treated, bound):
    def slope(q0, q1, weight):
        return (1 - treated) * (r0 / q0 - 1) + treated * weight * (r1 / q1 - 1)

    ratio = 1.0 + bound
    q0 = rates_in_ratio(row(r0), row(r1), row(treated), ratio)[0]
    assert slope(q0, ratio * q0, ratio) == pytest.approx(0.0, abs=1e-9 * (1 + r0 / q0))
    apart = bound * r0
    q0 = rates_apart(row(r0), row(r1), row(treated), apart)[0]
    if q0 + apart > 1e-6:
        assert slope(q0, q0 + apart, 1.0) == pytest.approx(
            0.0, abs=1e-6 * (1 + r1 / (q0 + apart) + r0 / q0)
        )


def test_a_root_is_found_wherever_it_lies():
    places = row(1.0, 3.0, 1e6, 0.5, 20.0)
    found = rising_root(
        lambda x: np.cbrt(x - places), np.ones(5), np.full(5, 2.0), row(9, 9, 1e9, 9, 10)
    )
    assert found[:4] == pytest.approx([1.0, 3.0, 1e6, 1.0], rel=1e-9)
    assert math.isnan(found[4])


@pytest.mark.parametrize("units", [3.0, 3.7, 5.0, 10.0, 300.0])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_what_slopes_cost_is_the_mean_over_the_imbalance(units, share):
    def mean(power):
        def inside(t):
            return (1.0 + share * t * t / (units - 1.0)) ** power * stats.t.pdf(t, units - 1.0)

        return 2.0 * integrate.quad(inside, 0.0, math.inf, epsabs=1e-12, limit=500)[0]

    assert estimate_factor(row(units), row(share))[0] == pytest.approx(mean(-0.5) ** -2, abs=1e-9)
    assert judged_factor(row(units), row(share))[0] == pytest.approx(mean(0.5) ** 2, abs=1e-8)


@pytest.mark.parametrize("share", [1e-9, 0.01, 0.5, 0.99, 1.0 - 1e-12])
@pytest.mark.parametrize("factor", [estimate_factor, judged_factor])
def test_what_slopes_cost_falls_with_the_units(factor, share):
    units = np.concatenate([np.logspace(0.48, 15.0, 3000), 3e3 + np.linspace(-1.0, 1.0, 200)])
    units = np.sort(units)
    costs = factor(units, np.full(units.shape, share))
    assert (costs >= 1.0 - 1e-10).all()
    assert (np.diff(units / costs) > 0.0).all()
