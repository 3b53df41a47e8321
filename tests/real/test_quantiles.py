"""Quantiles of real data: the rounds that players of Cookie Cats played."""

import duckdb
import pytest

from abtest.stats import ValueCounts, compare_quantiles


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
