"""The BG/NBD model against integrals over its two distributions, and against buyers it made."""

import itertools

import numpy as np
import pytest
from scipy import integrate, special, stats

from abtest.errors import UsageError
from abtest.stats import NotEstimable, fit_bg_nbd
from abtest.stats.buying import bg_nbd_formulas as formulas

CDNOW = (0.2426, 4.4135, 0.7929, 2.4258)
TRUTHS = [CDNOW, (2.0, 5.0, 1.0, 3.0), (0.5, 0.3, 0.2, 0.5), (1.0, 2.0, 4.0, 1.5)]
"""a = 1 and a + b < 1 among them, where the paper's formulas divide 0 by 0 or have a pole."""


def mean_over(distribution, function):
    """Return the mean of a function of a number with this distribution."""
    found, _ = integrate.quad(
        lambda u: function(max(float(distribution.ppf(u)), 1e-300)),
        0.0, 1.0, epsabs=0.0, epsrel=1e-10, limit=500,
    )  # fmt: skip
    return found


def paper_nine(t, r, alpha, a, b):
    """Equation 9 as printed."""
    from scipy.special import hyp2f1

    z = t / (alpha + t)
    power = (alpha / (alpha + t)) ** r
    return (a + b - 1) / (a - 1) * (1 - power * hyp2f1(r, b, a + b - 1, z))


def paper_ten(t, history, parameters):
    """Equation 10 as printed."""
    from scipy.special import hyp2f1

    (x, last, whole), (r, alpha, a, b) = history, parameters
    z = t / (alpha + whole + t)
    power = ((alpha + whole) / (alpha + whole + t)) ** (r + x)
    above = (a + b + x - 1) / (a - 1) * (1 - power * hyp2f1(r + x, b + x, a + b + x - 1, z))
    left = a / (b + x - 1) * ((alpha + whole) / (alpha + last)) ** (r + x) if x else 0.0
    return above / (1 + left)


def bought(parameters, units, seed):
    """Return histories of simulated units, purchase by purchase."""
    r, alpha, a, b = parameters
    random = np.random.default_rng(seed)
    rate, chance = random.gamma(r, 1.0 / alpha, units), random.beta(a, b, units)
    age = random.uniform(20.0, 40.0, units)
    x, last = np.zeros(units), np.zeros(units)
    buying = np.ones(units, dtype=bool)
    while buying.any():
        following = last + random.exponential(size=units) / rate
        buying &= following <= age
        x, last = x + buying, np.where(buying, following, last)
        buying &= random.random(units) >= chance
    return x, last, age


def fitted(parameters):
    """A fit that has these parameters."""
    from abtest.stats import BgNbdFit

    return BgNbdFit(*parameters, log_likelihood=0.0, covariance=None, n=100)


@pytest.mark.parametrize("parameters", TRUTHS[:2])
@pytest.mark.parametrize(("x", "last", "whole"), [(0, 0.0, 5.0), (1, 2.0, 5.0), (3, 4.5, 5.0)])
def test_the_likelihood_is_the_mean_over_rates_and_chances(parameters, x, last, whole):
    r, alpha, a, b = parameters
    rate, chance = stats.gamma(r, scale=1.0 / alpha), stats.beta(a, b)
    # eq. 3, of which rate and chance are independent
    stays = mean_over(chance, lambda p: (1 - p) ** x)
    density = stays * mean_over(rate, lambda k: k**x * np.exp(-k * whole))
    if x:
        leaves = mean_over(chance, lambda p: p * (1 - p) ** (x - 1))
        density += leaves * mean_over(rate, lambda k: k**x * np.exp(-k * last))
    value, _ = formulas.log_likelihood(
        np.array([float(x)]), np.array([last]), np.array([whole]), np.array([1.0]),
        np.array(parameters),
    )  # fmt: skip
    assert np.exp(value) == pytest.approx(density, rel=1e-8)


@pytest.mark.parametrize(
    "parameters",
    [
        *TRUTHS,
        (2.0, 1.2, 19.9, 8000.0),
        (2.0, 1.2, 20.1, 8000.0),
        (2.0, 1.2, 641.0, 8103.0),
        (0.5, 1.2, 8103.0, 20.0),
    ],
)
@pytest.mark.parametrize("time", [0.1, 4.0, 60.0])
def test_expected_purchases_are_the_mean_over_rates_and_chances(parameters, time):
    r, alpha, a, b = parameters
    # eq. 7: (1 - exp(-rate p t)) / p, which over rates is (1 - (alpha / (alpha + p t))^r) / p
    mean = mean_over(stats.beta(a, b), lambda p: -np.expm1(-r * np.log1p(p * time / alpha)) / p)
    assert fitted(parameters).expected_purchases([time])[0] == pytest.approx(mean, rel=1e-7)


@pytest.mark.parametrize("parameters", [CDNOW, TRUTHS[3]])
@pytest.mark.parametrize("time", [1.0, 39.0, 300.0])
def test_expected_purchases_are_the_papers_equations(parameters, time):
    fit = fitted(parameters)
    printed = paper_nine(time, *parameters)
    assert fit.expected_purchases([time])[0] == pytest.approx(printed, rel=1e-10)
    for x, last, whole in [(0, 0.0, 30.0), (1, 2.0, 30.0), (12, 29.0, 30.0)]:
        printed = paper_ten(time, (x, last, whole), parameters)
        found = fit.conditional_expected_purchases(time, [x], [last], [whole])[0]
        assert found == pytest.approx(printed, rel=1e-9)


def test_many_purchases_do_not_overflow():
    found = fitted(CDNOW).conditional_expected_purchases(10.0, [5_000], [99.999], [100.0])[0]
    # such a unit buys 50 in a unit of time, and hardly ever leaves
    assert found == pytest.approx(10.0 * 5_000 / 104.4, rel=0.05)


@pytest.mark.parametrize("time", [0.001, 3.0, 1e3, 1e5])
@pytest.mark.parametrize("r", [0.1, 2.3, 700.0])
@pytest.mark.parametrize(("a", "b"), [(2.0, 300.0), (3.5, 8_103.0), (19.9, 60.0), (19.9, 2e4)])
def test_long_times_are_told_of_buyers_that_hardly_leave(a, b, r, time):
    def bought_by_logit(logit):
        p = special.expit(logit)
        log = a * np.log(p) + b * special.log_expit(-logit) - special.betaln(a, b)
        return np.exp(log) * -np.expm1(-r * np.log1p(p * time)) / p

    mode = np.log(a / b)
    edges = mode + np.array([-40.0, -12.0, -6.0, -3.0, -1.0, 0.0, 1.0, 2.0, 4.0, 10.0])
    mean = sum(
        integrate.quad(bought_by_logit, low, high, epsabs=0.0, epsrel=1e-11, limit=200)[0]
        for low, high in itertools.pairwise(edges)
    )
    found = fitted((r, 1.0, a, b)).expected_purchases([time])[0]
    assert found == pytest.approx(mean, rel=1e-8)


@pytest.mark.parametrize("a", [1e-4, 0.3, 0.8])
@pytest.mark.parametrize("time", [0.5, 40.0, 1e5])
def test_the_rules_for_few_and_many_that_stay_meet(a, time):
    one = (np.array([time]), np.array([0.7]), np.ones(1), a)
    below, above = (formulas.expected(*one, np.array([b]))[0] for b in (50.0, 50.0 + 1e-9))
    assert below == pytest.approx(above, rel=1e-9)


def test_a_unit_of_very_many_purchases_leaves_no_prediction_unknown():
    x, last, age = [0.0, 710.0], [0.0, 28.2], [56.7, 32.7]
    fit = fit_bg_nbd(x, last, age, [3, 3])
    assert fit.b > 1_000.0
    assert np.isfinite(fit.expected_purchases(age)).all()
    assert np.isfinite(fit.conditional_expected_purchases(56.7, x, last, age)).all()


@pytest.mark.parametrize("parameters", TRUTHS)
def test_chances_of_counts_add_up_to_one_and_to_the_mean(parameters):
    counts = np.arange(40_000.0)
    chances = fitted(parameters).probability_of_purchases(counts, np.full(counts.size, 6.0))
    assert chances.sum() == pytest.approx(1.0, abs=1e-9)
    mean = fitted(parameters).expected_purchases([6.0])[0]
    assert (chances * counts).sum() == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("parameters", TRUTHS)
def test_slopes_are_those_of_the_likelihood(parameters):
    columns = np.array([0.0, 1.0, 7.0]), np.array([0.0, 3.0, 8.0]), np.array([9.0, 4.0, 9.0])
    units = np.array([3.0, 2.0, 1.0])
    _, slopes = formulas.log_likelihood(*columns, units, np.array(parameters))
    for place in range(4):
        step = np.zeros(4)
        step[place] = 1e-6
        up, down = (
            formulas.log_likelihood(*columns, units, np.array(parameters) + sign * step)[0]
            for sign in (1, -1)
        )
        assert slopes[place] == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("parameters", [(0.5, 5.0, 0.8, 2.5), (1.5, 8.0, 1.2, 3.0)])
def test_truths_are_found_within_their_errors(parameters):
    fit = fit_bg_nbd(*bought(parameters, 6_000, seed=11))
    away = (fit.parameters - parameters) / fit.standard_errors
    assert np.abs(away).max() < 3.0
    assert (fit.standard_errors / fit.parameters).max() < 0.35


def test_errors_hold_what_they_promise():
    truth = (0.8, 6.0, 0.9, 2.5)
    away = []
    for seed in range(50):
        fit = fit_bg_nbd(*bought(truth, 900, seed))
        away.append((np.log(fit.parameters / truth)) / (fit.standard_errors / fit.parameters))
    # 50 x 4 standardised errors: their spread is 1, give or take 3 of its own errors
    assert np.std(away, axis=0) == pytest.approx(np.ones(4), abs=3.0 / np.sqrt(100.0))


def test_weights_stand_for_so_many_rows():
    rows = [(0, 0.0, 10.0), (1, 3.0, 10.0), (2, 4.0, 9.0), (6, 9.0, 10.0)]
    weights = [50, 20, 9, 6]
    told = fit_bg_nbd(*zip(*rows, strict=True), weights)
    spelled = [row for row, n in zip(rows, weights, strict=True) for _ in range(n)]
    random = np.random.default_rng(1)
    again = fit_bg_nbd(*zip(*[spelled[i] for i in random.permutation(85)], strict=True))
    assert again.parameters == pytest.approx(told.parameters, rel=1e-5)
    assert again.log_likelihood == pytest.approx(told.log_likelihood, rel=1e-10)
    assert (told.n, again.n) == (85, 85)


def test_the_unit_of_time_changes_only_alpha():
    x, last, whole = bought((0.8, 6.0, 0.9, 2.5), 800, seed=3)
    weeks, days = fit_bg_nbd(x, last, whole), fit_bg_nbd(x, 7 * last, 7 * whole)
    assert days.parameters == pytest.approx(weeks.parameters * [1, 7, 1, 1], rel=1e-5)
    assert days.log_likelihood == pytest.approx(weeks.log_likelihood - x.sum() * np.log(7.0))
    assert days.expected_purchases([70.0])[0] == pytest.approx(
        weeks.expected_purchases([10.0])[0], rel=1e-6
    )


def test_who_never_leaves_has_no_errors_of_the_parameters_but_predictions():
    """Buyers that all stay: a runs to 0, and nothing says how far."""
    random = np.random.default_rng(2)
    x = random.poisson(3.0, 500).astype(float)
    last = np.where(x > 0, 10.0 - 1e-6, 0.0)
    fit = fit_bg_nbd(x, last, np.full(500, 10.0))
    assert fit.covariance is None
    with pytest.raises(UsageError) as caught:
        _ = fit.standard_errors
    assert caught.value.code == "not_identified"
    assert fit.expected_purchases([10.0])[0] == pytest.approx(x.mean(), rel=0.03)
    assert "no standard errors" in str(fit)


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        (([0, 0, 0], [0, 0, 0], [5, 6, 7]), "no_events"),
        (([1], [1], [2]), "too_few_units"),
        (([], [], []), "too_few_units"),
        (([1, 2], [1, 1], [2, 2], [1, 0]), "too_few_units"),
        (([1, None], [1, 1], [2, 2]), "too_few_units"),
        (([1, 1.5], [1, 1], [2, 2]), "not_a_count"),
        (([1, -1], [1, 1], [2, 2]), "not_a_count"),
        (([1, 1], [1, 1], [2, 2], [1, 0.5]), "not_a_count"),
        (([1, 1], [1, 1], [2, 2], [3, None]), "not_a_count"),
        (([1, 1], [1, 3], [2, 2]), "impossible_times"),
        (([1, 0], [1, 1], [2, 2]), "impossible_times"),
        (([1, 2], [1, 0], [2, 2]), "impossible_times"),
        (([1, 2], [-1, 1], [2, 2]), "impossible_times"),
        (([1, 2], [1, 1], [2, np.inf]), "not_finite"),
    ],
)
def test_histories_that_tell_nothing_are_refused(columns, code):
    with pytest.raises(NotEstimable) as caught:
        fit_bg_nbd(*columns)
    assert caught.value.code == code
    assert caught.value.todo


def test_columns_of_different_length_are_refused():
    with pytest.raises(UsageError):
        fit_bg_nbd([1, 2], [1, 1], [2])
    with pytest.raises(UsageError):
        fit_bg_nbd(["a"], [1], [2])


def test_nulls_are_left_out_and_counted():
    whole = fit_bg_nbd([0, 1, 2, 3], [0, 3, 4, 9], [10, 10, 9, 10], [50, 20, 9, 6])
    holes = fit_bg_nbd(
        [0, 1, None, 2, 3], [0, 3, 1, 4, 9], [10, 10, 5, 9, 10], [50, 20, 4, 9, 6]
    )  # fmt: skip
    assert holes.parameters.tolist() == whole.parameters.tolist()
    assert (holes.n, holes.nulls, whole.nulls) == (85, 4, 0)


def test_in_no_time_nobody_buys():
    fit = fitted(CDNOW)
    assert fit.probability_of_purchases([0, 1, 3], [0, 0, 0]).tolist() == [1.0, 0.0, 0.0]
    assert fit.expected_purchases([0.0])[0] == 0.0


def test_a_unit_seen_for_no_time_changes_nothing():
    rows = ([0, 1, 2, 3], [0, 3, 4, 9], [10, 10, 9, 10])
    whole = fit_bg_nbd(*rows, [50, 20, 9, 6])
    more = fit_bg_nbd(*([*column, 0] for column in rows), [50, 20, 9, 6, 30])
    assert more.parameters == pytest.approx(whole.parameters, rel=1e-5)


def test_alive_falls_with_silence_and_is_certain_after_one_purchase():
    fit = fitted(CDNOW)
    found = fit.probability_alive([0, 4, 4, 4], [0, 30, 20, 10], [38, 38, 38, 38])
    assert found[0] == 1.0
    assert (np.diff(found[1:]) < 0.0).all()
    assert fit.probability_alive([4], [38], [38])[0] == pytest.approx(1 / (1 + 0.7929 / 5.4258))


def test_it_shows_itself():
    fit = fit_bg_nbd([0, 1, 2, 3], [0, 3, 4, 9], [10, 10, 9, 10], [50, 20, 9, 6])
    shown, _ = fit._repr_mimebundle_()
    assert "alpha" in shown["text/html"]
    assert str(fit).startswith("85 units: r = ")
    assert fit.to_dict()["n"] == 85
