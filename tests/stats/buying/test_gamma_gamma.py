"""The Gamma-Gamma model against an integral over its distributions, and against its own data."""

import numpy as np
import pytest
from scipy import integrate, stats

from abtest.errors import UsageError
from abtest.stats import GammaGammaFit, NotEstimable, fit_gamma_gamma
from abtest.stats.buying.gamma_gamma import _log_likelihood

CDNOW = (6.25, 3.74, 15.44)


def spent(parameters, units, seed):
    p, q, v = parameters
    random = np.random.default_rng(seed)
    x = random.geometric(0.4, units)
    rate = random.gamma(q, 1.0 / v, units)
    return x, random.gamma(p * x) / rate / x


@pytest.mark.parametrize(("x", "z"), [(1, 10.0), (3, 40.0), (20, 25.0)])
def test_the_likelihood_is_the_mean_over_rates(x, z):
    p, q, v = CDNOW
    # the mean of x values is gamma with shape p x and rate rate x
    density = integrate.quad(
        lambda rate: (
            stats.gamma(p * x, scale=1 / (rate * x)).pdf(z) * stats.gamma(q, scale=1 / v).pdf(rate)
        ),
        0.0, 5.0, epsabs=0.0, epsrel=1e-10, limit=500,
    )[0]  # fmt: skip
    value, _ = _log_likelihood(
        np.array([float(x)]), np.array([z]), np.array([1.0]), np.array(CDNOW)
    )
    assert np.exp(value) == pytest.approx(density, rel=1e-8)


def test_slopes_are_those_of_the_likelihood():
    columns = np.array([1.0, 2.0, 9.0]), np.array([3.0, 40.0, 8.0]), np.array([1.0, 4.0, 2.0])
    _, slopes = _log_likelihood(*columns, np.array(CDNOW))
    for place in range(3):
        step = np.zeros(3)
        step[place] = 1e-5
        up, down = (_log_likelihood(*columns, np.array(CDNOW) + s * step)[0] for s in (1, -1))
        assert slopes[place] == pytest.approx((up - down) / 2e-5, rel=1e-6)


def test_truths_are_found_within_their_errors():
    fit = fit_gamma_gamma(*spent(CDNOW, 8_000, seed=5))
    assert np.abs((fit.parameters - CDNOW) / fit.standard_errors).max() < 3.0
    assert (fit.standard_errors / fit.parameters).max() < 0.15


def test_errors_hold_what_they_promise():
    away = []
    for seed in range(50):
        fit = fit_gamma_gamma(*spent(CDNOW, 1_000, seed))
        away.append(np.log(fit.parameters / CDNOW) / (fit.standard_errors / fit.parameters))
    assert np.std(away, axis=0) == pytest.approx(np.ones(3), abs=3.0 / np.sqrt(100.0))


def test_expected_values_lie_between_ones_own_and_everybodys():
    fit = GammaGammaFit(*CDNOW, log_likelihood=0.0, covariance=None, n=10)
    everybody = 6.25 * 15.44 / 2.74
    assert fit.mean_value == pytest.approx(everybody)
    found = fit.expected_mean_value([0, 1, 5, 500], [np.nan, 80.0, 80.0, 80.0])
    assert found[0] == pytest.approx(everybody)
    assert (np.diff(found) > 0.0).all()
    assert found[1] == pytest.approx(6.25 * (15.44 + 80.0) / (6.25 + 3.74 - 1.0))  # eq. 5
    assert found[-1] == pytest.approx(80.0, rel=2e-3)


def test_the_unit_of_money_changes_only_v():
    x, z = spent(CDNOW, 500, seed=8)
    dollars, cents = fit_gamma_gamma(x, z), fit_gamma_gamma(x, 100 * z)
    assert cents.parameters == pytest.approx(dollars.parameters * [1, 1, 100], rel=1e-5)
    assert cents.log_likelihood == pytest.approx(dollars.log_likelihood - 500 * np.log(100.0))


def test_weights_stand_for_so_many_rows_and_rows_without_purchases_for_none():
    x, z = [1, 2, 3, 1, 0], [10.0, 24.0, 18.0, 40.0, 0.0]
    told = fit_gamma_gamma(x, z, [3, 2, 1, 4, 9])
    spelled = fit_gamma_gamma([1] * 3 + [2] * 2 + [3] + [1] * 4, [10.0] * 3 + [24.0] * 2 + [18.0]
                              + [40.0] * 4)  # fmt: skip
    assert told.log_likelihood == pytest.approx(spelled.log_likelihood, rel=1e-9)
    assert told.n == 10


def test_tails_without_a_mean_are_said():
    fit = GammaGammaFit(2.0, 0.9, 3.0, log_likelihood=0.0, covariance=None, n=10)
    with pytest.raises(UsageError) as caught:
        _ = fit.mean_value
    assert caught.value.code == "infinite_mean"
    with pytest.raises(UsageError):
        fit.expected_mean_value([1], [2.0])


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (([0, 0], [1.0, 2.0]), "too_few_units"),
        (([1], [1.0]), "too_few_units"),
        (([], []), "too_few_units"),
        (([1, 1], [5.0, 0.0]), "not_positive"),
        (([1, 1], [5.0, -1.0]), "not_positive"),
        (([1, 2], [5.0, 5.0]), "constant"),
        (([1, 2.5], [5.0, 6.0]), "not_a_count"),
        (([1, 2], [5.0, np.inf]), "not_finite"),
    ],
)
def test_values_that_tell_nothing_are_refused(columns, code):
    with pytest.raises(NotEstimable) as caught:
        fit_gamma_gamma(*columns)
    assert caught.value.code == code
