import numpy as np
import pytest
from scipy.stats import binom

from abtest.stats import MomentsTable, compare_proportions


def rows(n0, n1):
    """Every table of two arms as two tables of moments."""
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(n0 + 1.0), np.arange(n1 + 1.0)))
    found = []
    for x, n in ((a, n0), (b, n1)):
        variance = x * (n - x) / n / (n - 1)
        found.append(MomentsTable.from_columns(np.full(x.shape, float(n)), x / n, variance))
    return a, b, found


@pytest.mark.parametrize(
    ("method", "lowest", "mean"),
    [
        ("score", 0.925, (0.945, 0.962)),
        ("pooled_z", 0.915, (0.94, 0.96)),
        ("newcombe", 0.915, (0.948, 0.968)),
        ("agresti_caffo", 0.92, (0.948, 0.97)),
    ],
)
def test_intervals_cover_the_difference_by_enumeration(method, lowest, mean):
    n0, n1 = 30, 40
    a, b, arms = rows(n0, n1)
    table = compare_proportions(*arms, method=method)
    shares = np.linspace(0.02, 0.98, 25)
    coverage = []
    for p0 in shares:
        for p1 in shares:
            holds = (table.lower <= p1 - p0) & (p1 - p0 <= table.upper)
            coverage.append(float((binom.pmf(a, n0, p0) * binom.pmf(b, n1, p1) * holds).sum()))
    assert min(coverage) > lowest
    assert mean[0] < np.mean(coverage) < mean[1]


def test_the_score_test_is_close_to_its_level_by_enumeration():
    n0, n1 = 60, 20
    a, b, arms = rows(n0, n1)
    table = compare_proportions(*arms)
    sizes = [
        float((binom.pmf(a, n0, p) * binom.pmf(b, n1, p) * (table.p_value < 0.05)).sum())
        for p in np.linspace(0.05, 0.95, 37)
    ]
    assert 0.04 < np.mean(sizes) < 0.055
    assert max(sizes) < 0.07


def test_the_risk_ratio_of_the_score_method_is_covered_by_enumeration():
    n0, n1 = 40, 40
    a, b, arms = rows(n0, n1)
    table = compare_proportions(*arms)
    coverage = []
    for p0, p1 in ((0.1, 0.1), (0.1, 0.25), (0.3, 0.3), (0.5, 0.2), (0.05, 0.5)):
        ratio = p1 / p0 - 1.0
        holds = (table.relative_lower <= ratio) & (ratio <= table.relative_upper)
        coverage.append(float((binom.pmf(a, n0, p0) * binom.pmf(b, n1, p1) * holds).sum()))
    assert min(coverage) > 0.93
