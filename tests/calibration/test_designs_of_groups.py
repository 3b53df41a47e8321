"""What is drawn of clusters, pairs and periods has the truths that are claimed for it."""

from __future__ import annotations

import numpy as np
import pytest
from calibration.cell import Observed
from calibration.clusters import MEAN, ROWS, Clusters, _plain, _with_covariate
from calibration.switchback import CYCLE, Periods, Switchback, _felt
from calibration.tally import Tally
from calibration.two_arms import noncentrality
from calibration.within_units import ALIKE, Values
from statsmodels.stats.power import TTestPower

from abtest.stats import (
    Interval,
    NotEstimable,
    SwitchbackTable,
    compare_clustered_means,
    compare_switchback,
    intraclass_correlation,
)
from calibration import clusters


@pytest.mark.parametrize("df", [3.0, 8.0, 18.0, 48.0, 998.0])
def test_the_effect_of_power_is_that_of_statsmodels(df):
    errors = noncentrality(df)
    # one sample of df + 1 units and standard deviation 1
    power = TTestPower().power(errors / np.sqrt(df + 1.0), nobs=df + 1.0, alpha=0.05)
    assert power == pytest.approx(0.8, abs=1e-7)


@pytest.mark.parametrize("correlation", [0.0, 0.3])
@pytest.mark.parametrize("unequal", [False, True])
def test_clusters_have_their_mean_their_variance_and_their_correlation(correlation, unequal):
    many = Clusters(correlation, unequal)
    arm = many.draw(np.random.default_rng(3), 60_000, MEAN + 0.5, 0)
    n = arm[1]
    assert n.mean() == pytest.approx(ROWS + 0.5 * unequal, abs=0.35)
    assert unequal == (n.std() > 1.0)
    table = _plain(arm)
    assert table.n @ table.means[:, 0] / n.sum() == pytest.approx(MEAN + 0.5, abs=0.015)
    found = intraclass_correlation(table)
    assert found.lower <= correlation <= found.upper
    assert found.upper - found.lower < 0.02
    assert found.variance_between + found.variance_within == pytest.approx(1.0, abs=0.02)
    if not unequal:
        assert table.means[:, 0].var() == pytest.approx(many.variance(), rel=0.02)


def test_a_cluster_of_one_row_has_no_squares_within():
    arm = Clusters(0.3, True).draw(np.random.default_rng(1), 3_000, MEAN, 0)
    table = _plain(arm)
    assert (table.n == 1.0).any()
    assert (table.m2[table.n == 1.0] == 0.0).all()


def test_a_covariate_of_clusters_is_the_same_for_its_rows_and_explains_half():
    rng = np.random.default_rng(5)
    half = [Clusters(0.3, False).draw(rng, 4_000, MEAN, first) for first in (0, 4_000)]
    tables = [_with_covariate(arm) for arm in half]
    assert np.abs(tables[0].m2[:, 1, :]).max() < 1e-9
    plain = compare_clustered_means(*(_plain(arm) for arm in half)).absolute
    adjusted = compare_clustered_means(*tables).absolute
    shorter = (adjusted.upper - adjusted.lower) ** 2 / (plain.upper - plain.lower) ** 2
    share = 0.3 / Clusters(0.3, False).variance()
    assert shorter == pytest.approx(1.0 - clusters.EXPLAINED**2 * share, abs=0.03)


@pytest.mark.parametrize("skewed", [False, True])
def test_values_of_a_unit_are_alike_and_of_variance_one(skewed):
    values = Values(skewed)
    drawn = values.draw(np.random.default_rng(7), 2, 200_000)
    assert drawn.mean(axis=1) == pytest.approx([values.mean] * 2, abs=0.01)
    assert np.cov(drawn) == pytest.approx(np.array([[1.0, ALIKE], [ALIKE, 1.0]]), abs=0.02)
    other = values.other(np.random.default_rng(7), 2, 200_000)
    assert np.cov(other) == pytest.approx(np.eye(2), abs=0.02)


def test_periods_are_alike_and_follow_a_cycle():
    alike = Periods(0.9, 0.0).means(np.random.default_rng(2), 400_000)
    assert alike.var() == pytest.approx(0.05, abs=0.003)
    assert np.corrcoef(alike[1:], alike[:-1])[0, 1] == pytest.approx(0.9, abs=0.01)
    cycle = Periods(0.0, 2.0).means(np.random.default_rng(2), 100 * CYCLE).reshape(100, CYCLE)
    assert cycle.mean(axis=0).var() == pytest.approx(2.0, rel=0.01)  # half the square of 2


def test_half_of_an_effect_is_felt_for_as_long_as_the_wash_out():
    treated = np.array([1, 1, 1, 0, 0, 0, 1, 0, 0])
    assert _felt(treated, 0).tolist() == treated.tolist()
    assert _felt(treated, 1).tolist() == [1, 1, 1, 0.5, 0, 0, 0.5, 0.5, 0]
    assert _felt(treated, 2).tolist() == [1, 1, 1, 0.5, 0.5, 0, 0.5, 0.5, 0.5]


def test_wash_out_finds_the_whole_effect():
    drawn = Switchback(Periods(0.0, 0.0), (2_000, 2_000), 0.4, 4, 1)
    table = drawn._drawn(np.random.default_rng(4))
    assert isinstance(table, SwitchbackTable)
    whole = compare_switchback(table, washout=1).absolute
    assert whole.lower < 0.4 < whole.upper
    assert compare_switchback(table, washout=0).absolute.upper < 0.37  # half, after switches


def test_an_interval_of_a_difference_is_counted():
    tally = Tally({"one": (0.5, float("nan"))}, powered=True)

    def nothing():
        raise NotEstimable("no_events", "nothing", todo="wait")

    tally.difference("one", lambda: (0.01, Interval(0.4, 0.1, 0.7)))
    tally.difference("one", lambda: (0.2, Interval(0.4, None, 0.45)))
    tally.difference("one", nothing)
    assert tally.observed() == [
        Observed("one", "power", 0.8, 1, 2, 1),
        Observed("one", "coverage", 0.95, 1, 2, 1),
    ]
