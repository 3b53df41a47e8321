"""The truths of the populations of times, quantiles and resampling, and how calls are tallied."""

from __future__ import annotations

import numpy as np
import pytest
from calibration.cell import Observed
from calibration.incidence import Competing, Repeated
from calibration.quantiles import SHARES, Durations, Events, Lognormal
from calibration.resampling import Clusters, Correlated, OnceDrawn
from calibration.survival import EXPONENTIAL, FALLING, HORIZON, Arm, Weibull, crossing
from calibration.tally import Tally

from abtest.stats import (
    Interval,
    NotEstimable,
    ValueCounts,
    bootstrap,
    compare_cumulative_means,
    compare_incidence,
    compare_survival,
    compare_survival_quantiles,
)
from calibration import (
    clusters,
    incidence,
    quantiles,
    resampling,
    survival,
    switchback,
    within_units,
)

UNITS = 200_000
GROUPS = [quantiles, resampling, survival, incidence, clusters, within_units, switchback]


@pytest.mark.parametrize("days", [False, True])
@pytest.mark.parametrize("times", [EXPONENTIAL, FALLING, crossing(EXPONENTIAL), Weibull(1.5, 9.0)])
def test_many_units_have_the_times_of_their_population(times, days):
    rng = np.random.default_rng(21)
    arm = Arm(times, (4.0, 28.0), days)
    drawn = [arm.draw(rng, UNITS if days else 20_000) for _ in range(2)]
    error = 4.0 / np.sqrt(drawn[0].n)
    for measure, truth, scale in (
        ("rmst", arm.restricted_mean(), 4.0),
        ("survival", float(times.survival(HORIZON)), 0.7),
    ):
        found = compare_survival(*drawn, horizon=HORIZON, measure=measure)
        assert found.control_value == pytest.approx(truth, abs=scale * error)
        assert found.treatment_value == pytest.approx(truth, abs=scale * error)
    middle = compare_survival_quantiles(*drawn, share=0.3)
    assert middle.control_value == pytest.approx(arm.time_of(0.3), abs=0.0 if days else 0.5)
    if not days:
        seen = drawn[0].events.sum() / drawn[0].n
        assert seen == pytest.approx(times.seen((4.0, 28.0)), abs=error)


def test_crossing_hazards_have_one_mean_up_to_the_horizon_and_other_shares():
    times = crossing(EXPONENTIAL)
    assert times.restricted_mean(HORIZON) == pytest.approx(EXPONENTIAL.restricted_mean(HORIZON))
    assert abs(times.survival(HORIZON) - EXPONENTIAL.survival(HORIZON)) > 0.1
    ratio = Weibull(2.0, 5.0).faster(3.0)
    assert ratio.survival(2.0) == pytest.approx(Weibull(2.0, 5.0).survival(2.0) ** 3.0)


@pytest.mark.parametrize("days", [False, True])
def test_many_units_pay_and_order_as_their_population_does(days):
    rng = np.random.default_rng(22)
    drawn = Competing((20_000, 20_000), 1.4, days)
    arms = drawn.draw(rng, 20_000, 1.0), drawn.draw(rng, 20_000, 1.4)
    found = compare_incidence(*arms, horizon=HORIZON)
    assert found.control_value == pytest.approx(drawn.share(1.0), abs=0.015)
    assert found.treatment_value == pytest.approx(drawn.share(1.4), abs=0.015)
    orders = Repeated((50_000, 50_000), 0.5, money=days)
    samples = [orders.draw(rng, 50_000, rate) for rate in (orders.rate, 1.5 * orders.rate)]
    means = compare_cumulative_means(*samples, horizon=HORIZON)
    assert means.control_value == pytest.approx(orders.rate * HORIZON, rel=0.05)
    assert means.relative.estimate == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize(
    "values", [Lognormal(), Lognormal(2.0, 3.0), Lognormal(zeros=0.85), Events(), Events(6.0)]
)
def test_a_quantile_is_the_smallest_value_that_its_share_does_not_exceed(values):
    drawn = values.draw(np.random.default_rng(23), UNITS)
    for share in SHARES:
        at = values.quantile(share)
        error = 4.0 * np.sqrt(share * (1.0 - share) / UNITS)
        assert (drawn <= at).mean() > share - error
        assert (drawn < at).mean() < share + error


def test_the_error_of_a_quantile_is_that_of_many_samples():
    rng = np.random.default_rng(24)
    for values in (Lognormal(), Lognormal(zeros=0.85)):
        found = np.quantile(values.draw(rng, 1_000 * 400).reshape(1_000, 400), 0.9, axis=1)
        assert found.std() == pytest.approx(values.error(0.9, 400), rel=0.15)


@pytest.mark.parametrize("seconds", [False, True])
def test_many_events_have_the_mean_and_the_quantiles_of_their_population(seconds):
    durations = Durations(slower=1.3, seconds=seconds)
    values, units = durations.draw(np.random.default_rng(25), UNITS)
    assert len(np.unique(units)) == UNITS
    for share in (0.5, 0.9):
        at = durations.quantile(share)
        assert (values <= at).mean() > share - 0.005
        assert (values < at).mean() < share + 0.005
    if not seconds:
        assert values.mean() == pytest.approx(durations.mean, rel=0.02)


def test_clusters_have_the_variance_that_their_effect_is_planned_for():
    values, clusters = Correlated().draw(np.random.default_rng(26), 50_000)
    means = np.bincount(clusters.astype(int), values) / 5.0
    assert means.var() == pytest.approx(Correlated().variance, rel=0.03)
    truths = Clusters((Correlated(), Correlated(6.0)), 10).truths
    assert truths["basic, mean"] == pytest.approx((1.0, 0.2))


def test_samples_that_are_drawn_once_are_those_of_every_method():
    rng = np.random.default_rng(27)
    arms = [ValueCounts.from_values(rng.exponential(size=30)) for _ in range(2)]
    once = OnceDrawn()
    for method in resampling.METHODS:
        kept = bootstrap(*arms, seed=5, statistic=once, method=method, replicates=199)
        drawn = bootstrap(*arms, seed=5, method=method, replicates=199)
        assert kept.interval == drawn.interval
        assert kept.p_value == drawn.p_value
    assert len(once.drawn) == 4  # two arms, with and without Poisson weights


def test_a_limit_at_the_truth_holds_it_and_what_has_no_number_is_missing():
    tally = Tally({"one": (0.0, 1.0 / 3.0), "other": (1.0, float("nan"))})

    def nothing():
        raise NotEstimable("no_events", "nothing", todo="wait")

    tally.test("one", lambda: (0.01, Interval(1.5, 4.0 / 3.0, 2.0)))
    tally.test("one", lambda: (0.5, Interval(1.5, 1.4, None)))
    tally.test("one", nothing)
    tally.test("other", lambda: (0.01, None))
    assert tally.observed() == [
        Observed("one", "type_i", 0.05, 1, 2, 1),
        Observed("one", "relative_coverage", 0.95, 1, 2, 1),
    ]


@pytest.mark.parametrize("module", GROUPS)
def test_cells_have_names_of_their_own_and_say_what_was_observed(module):
    cells = list(module.cells())
    keys = [cell.key for cell in cells]
    assert len(set(keys)) == len(keys)
    assert any(cell.reduced for cell in cells)
    for cell in cells:
        if sum(cell.sizes) > 120:
            continue
        found = cell.run(1, 2)
        assert found, cell.key
        names = [(one.method, one.quantity) for one in found]
        assert len(set(names)) == len(names)
        assert all(0 <= one.count <= one.runs for one in found)
