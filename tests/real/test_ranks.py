"""Ranks on real data: the rounds that players of Cookie Cats played."""

import duckdb
import pytest

from abtest.stats import ValueCounts, compare_ranks


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


def test_cookie_cats_rounds_by_rank(rounds):
    # R 4.2.2: wilcox.test(gate_40, gate_30, correct = FALSE); SciPy 1.17: brunnermunzel
    mann_whitney = compare_ranks(*rounds, method="mann_whitney")
    assert mann_whitney.p_value == pytest.approx(0.0502087927119, rel=1e-9)
    assert mann_whitney.u == 1_009_027_049.5
    result = compare_ranks(*rounds)
    assert (result.n_control, result.n_treatment) == (44_700, 45_489)
    assert result.p_value == pytest.approx(0.05020498937892658, rel=1e-9)
    assert result.index.lower < 0.5 < result.index.upper
    assert (result.shift.estimate, result.shift.lower, result.shift.upper) == (0.0, 0.0, 0.0)
    assert result.warnings == ("tied_shift",)
