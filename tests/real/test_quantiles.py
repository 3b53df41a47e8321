"""Quantiles of real data: rounds of Cookie Cats, seconds on a step of Vanguard's process."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from abtest.stats import (
    ValueCounts,
    compare_event_quantiles,
    compare_many_quantiles,
    compare_quantiles,
)


@pytest.fixture(scope="module")
def rounds(shared_data):
    """Value counts of rounds, of gate_30 and gate_40."""
    found = duckdb.sql(
        "select version, sum_gamerounds, count(*) from read_csv($file) group by all",
        params={"file": str(shared_data / "cookie_cats.csv.gz")},
    ).fetchall()
    return [
        ValueCounts.from_table(*zip(*[row[1:] for row in found if row[0] == arm], strict=True))
        for arm in ("gate_30", "gate_40")
    ]


def test_the_median_player_of_cookie_cats_played_one_round_less(rounds):
    result = compare_quantiles(*rounds)
    assert (result.control_value, result.treatment_value) == (17.0, 16.0)
    assert result.interval == (-1.0, 0.0)
    assert 0.05 < result.p_value < 1.0
    assert result.relative.estimate == pytest.approx(-1 / 17)
    assert result.relative.upper == 0.0


def test_no_quantile_of_cookie_cats_stands_out_in_the_band(rounds):
    # the gate is at level 40 instead of 30: around the median players stop a little earlier
    result = compare_many_quantiles(*rounds)
    assert [effect.estimate for effect in result.effects] == [0, -1, 0, -1, -1, -1, 0, 2, -1]
    assert result.p_value == pytest.approx(0.3458, abs=1e-3)
    for effect, band in zip(result.effects, result.band, strict=True):
        assert band.lower <= effect.absolute.lower
        assert band.upper >= effect.absolute.upper


PERCENTILES = [share / 100 for share in range(1, 100)]


@pytest.fixture(scope="module")
def curve(rounds):
    """The effect along the whole distribution of rounds."""
    return compare_many_quantiles(*rounds, quantiles=PERCENTILES)


def test_the_curve_of_cookie_cats_is_that_of_its_players(curve, shared_data):
    players = pd.read_csv(shared_data / "cookie_cats.csv.gz")
    control, treatment = (
        np.quantile(
            players.loc[players["version"] == arm, "sum_gamerounds"],
            PERCENTILES,
            method="inverted_cdf",
        )
        for arm in ("gate_30", "gate_40")
    )
    assert [effect.control_value for effect in curve.effects] == control.tolist()
    assert [effect.estimate for effect in curve.effects] == (treatment - control).tolist()
    # with the later gate a round less, if anything, from the 20th to the 67th percentile, two
    # more from the 74th to the 81st; nowhere more than chance
    assert set((treatment - control)[19:67]) == {-1.0, 0.0}
    assert set((treatment - control)[73:81]) == {2.0}
    assert curve.p_value == pytest.approx(0.693, abs=1e-3)
    assert all(band.lower <= 0.0 <= band.upper for band in curve.band)
    assert curve.warnings == ("tied_quantile",)


def test_the_band_holds_whole_curves_of_resampled_players(curve, rounds):
    """Of resampled curves 95% or more lie in it, though far fewer in the single intervals."""
    rng = np.random.default_rng(1)
    resampled = []
    for arm in rounds:
        ranks = np.ceil(np.array(PERCENTILES) * arm.n - 1e-6)
        reached = np.cumsum(rng.multinomial(arm.n, arm.counts / arm.n, size=1_000), axis=1)
        places = [(reached < rank).sum(axis=1) for rank in ranks]
        resampled.append(arm.values[np.stack(places, axis=1)])
    curves = resampled[1] - resampled[0]

    def held(limits):
        lower, upper = np.array([(each.lower, each.upper) for each in limits]).T
        return ((curves >= lower) & (curves <= upper)).all(axis=1).mean()

    assert 0.95 <= held(curve.band) < 0.99
    assert held([effect.absolute for effect in curve.effects]) < 0.75


STEPS = """
with steps as (
    select Variation as arm, client_id, process_step as step,
        lead(process_step) over visit as next_step,
        epoch(lead(date_time) over visit) - epoch(date_time) as seconds
    from read_csv($events) as events join read_csv($clients) as arms using (client_id)
    where Variation in ('Test', 'Control')
    window visit as (partition by visit_id order by date_time, process_step)
)
select arm, client_id, seconds from steps where step = 'step_1' and next_step = 'step_2'
"""


def test_the_new_process_of_vanguard_holds_the_median_first_step_up_by_seven_seconds(shared_data):
    found = duckdb.sql(
        STEPS,
        params={
            "events": str(shared_data / "vanguard_web_events_part1.csv.gz"),
            "clients": str(shared_data / "vanguard_experiment_clients.csv"),
        },
    ).fetchnumpy()
    arms = [
        (found["seconds"][chosen], found["client_id"][chosen])
        for chosen in (found["arm"] == "Control", found["arm"] == "Test")
    ]
    median = compare_event_quantiles(*arms)
    assert (median.control_value, median.treatment_value) == (18.0, 25.0)
    assert median.interval == (7.0, 8.0)
    assert (median.n_control, median.n_treatment) == (13_946, 17_996)
    assert 1.0 < median.details["design_effect_treatment"] < 1.2
    slowest = compare_event_quantiles(*arms, quantile=0.9)
    assert slowest.interval == (-5.0, 0.0)
    assert slowest.p_value == pytest.approx(0.0693, abs=1e-4)
