"""Quantiles of real data: the rounds that players of Cookie Cats played."""

import duckdb
import pytest

from abtest.stats import ValueCounts, compare_many_quantiles, compare_quantiles


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
    # the gate is at 40 instead of 30 rounds: around the median players stop a little earlier
    result = compare_many_quantiles(*rounds)
    assert [effect.estimate for effect in result.effects] == [0, -1, 0, -1, -1, -1, 0, 2, -1]
    assert result.p_value == pytest.approx(0.3458, abs=1e-3)
    for effect, band in zip(result.effects, result.band, strict=True):
        assert band.lower <= effect.absolute.lower
        assert band.upper >= effect.absolute.upper
