"""Resampling of real data: the rounds that players of Cookie Cats played."""

import duckdb
import pytest

from abtest.stats import SampleQuantile, ValueCounts, bootstrap, compare_means


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


def test_one_player_of_49854_rounds_makes_half_the_interval(rounds):
    gate_30, gate_40 = rounds
    assert gate_30.values[-1] == 49_854
    without = ValueCounts(gate_30.values[:-1], gate_30.counts[:-1])
    found = {
        name: bootstrap(arm, gate_40, seed=1, method="bca", replicates=2_000)
        for name, arm in (("with", gate_30), ("without", without))
    }
    widths = {name: got.interval[1] - got.interval[0] for name, got in found.items()}
    assert found["with"].estimate == pytest.approx(-1.1575, abs=1e-4)
    assert found["without"].estimate == pytest.approx(-0.0433, abs=1e-4)
    assert widths["with"] > 1.1 * widths["without"]
    welch = compare_means(without, gate_40).interval
    assert found["without"].interval == pytest.approx(welch, abs=0.15)


def test_the_median_of_cookie_cats_by_the_bootstrap(rounds):
    got = bootstrap(*rounds, seed=1, statistic=SampleQuantile(0.5))
    assert (got.estimate, got.interval) == (-1.0, (-1.0, 0.0))
