"""Clusters against clubSandwich, lme4, dense matrices, and published formulas."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from abtest.stats import (
    ClusterTable,
    compare_clustered_means,
    compare_means,
    compare_means_of_clusters,
    compare_ratios,
    intraclass_correlation,
)

CASES = range(10)
SIDES = ("control", "treatment")


def rows(case):
    return [(case[side]["v"], case[side]["c"]) for side in SIDES]


def assert_same(got, want):
    assert got.estimate == pytest.approx(want["estimate"], rel=1e-10)
    assert got.estimate / got.statistic == pytest.approx(want["error"], rel=1e-10)
    assert got.df == pytest.approx(want["df"], rel=1e-9)
    assert got.p_value == pytest.approx(want["p"], rel=1e-9)
    assert got.interval == pytest.approx((want["lower"], want["upper"]), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("place", CASES)
def test_robust_means_are_those_of_clubsandwich(reference, place):
    case = reference("clusters_r")["cases"][place]
    got = compare_clustered_means(*rows(case))
    assert_same(got, case["plain"])
    assert got.method == "cr2"


@pytest.mark.parametrize("place", CASES)
@pytest.mark.parametrize(("kind", "columns"), [("rows", "x"), ("both", "xw"), ("constant", "w")])
def test_adjusted_means_are_those_of_clubsandwich(reference, place, kind, columns):
    case = reference("clusters_r")["cases"][place]
    if kind not in case:
        assert case["name"].startswith("two clusters")
        return
    covariates = tuple([case[side][column] for column in columns] for side in SIDES)
    got = compare_clustered_means(*rows(case), covariates=covariates)
    assert_same(got, case[kind])
    assert got.method == "cr2_adjusted"
    plain = case["plain"]["error"]
    saved = 1.0 - (case[kind]["error"] / plain) ** 2
    assert got.variance_reduction == pytest.approx(saved, rel=1e-9)


@pytest.mark.parametrize("place", CASES)
def test_fieller_uses_the_variances_of_both_arms(reference, place):
    case = reference("clusters_r")["cases"][place]
    got = compare_clustered_means(*rows(case))
    if got.relative.status != "bounded":
        return
    # each limit is where treatment - (1 + b) control is as many errors from 0 as the quantile
    first, second = case["arm_variances"]
    quantile = scipy_stats.t.isf(0.025, case["plain"]["df"])
    for limit in (got.relative.lower, got.relative.upper):
        apart = got.treatment_value - (1.0 + limit) * got.control_value
        error = np.sqrt(second + (1.0 + limit) ** 2 * first)
        assert abs(apart) == pytest.approx(quantile * error, rel=1e-9)


@pytest.mark.parametrize("place", CASES)
@pytest.mark.parametrize("weights", ["equal", "size"])
def test_tests_of_clusters_are_those_of_r(reference, place, weights):
    case = reference("clusters_r")["cases"][place]
    got = compare_means_of_clusters(*rows(case), weights=weights)
    assert_same(got, case[weights])
    assert got.measure == ("cluster_mean" if weights == "equal" else "mean")


@pytest.mark.parametrize("place", CASES)
def test_correlations_are_those_of_analysis_of_variance(reference, place):
    case = reference("clusters_r")["cases"][place]
    if "icc" not in case:
        assert case["name"] == "clusters of one row"
        return
    want, got = case["icc"], intraclass_correlation(*rows(case))
    assert got.estimate == pytest.approx(want["estimate"], rel=1e-10)
    assert got.interval == pytest.approx((want["lower"], want["upper"]), rel=1e-8)
    assert got.variance_within == pytest.approx(want["msw"], rel=1e-10)
    between = (want["msb"] - want["msw"]) / want["n0"]
    assert got.variance_between == pytest.approx(between, rel=1e-10)
    assert got.size_by_row == pytest.approx(want["effect_size"], rel=1e-10)
    if "reml" in case:  # restricted maximum likelihood, by an optimiser
        assert got.estimate == pytest.approx(case["reml"], rel=1e-6)


@pytest.mark.parametrize("confidence_level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("seed", range(5))
def test_limits_for_equal_sizes_are_those_of_searle(seed, confidence_level):
    rng = np.random.default_rng(seed)
    clusters, size = 6 + seed, 2 + seed
    values = rng.normal(size=(clusters, 1)) * seed / 3 + rng.normal(size=(clusters, size))
    got = intraclass_correlation(
        (values.ravel(), np.repeat(np.arange(clusters), size)), confidence_level=confidence_level
    )
    within = values.var(axis=1, ddof=1).mean()
    ratio = size * values.mean(axis=1).var(ddof=1) / within
    df = clusters - 1, clusters * (size - 1)
    ends = [ratio / scipy_stats.f.ppf(0.5 + side * confidence_level / 2, *df) for side in (1, -1)]
    want = [(end - 1.0) / (end + size - 1.0) for end in ends]
    assert got.interval == pytest.approx(want, rel=1e-9, abs=1e-12)


def dense(values, clusters, design, contrast):
    """Return estimate, error and degrees of freedom by the definition, with matrices of rows."""
    inverse = np.linalg.inv(design.T @ design)
    left = np.eye(len(values)) - design @ inverse @ design.T
    residuals = left @ values
    sums, parts = [], []
    for cluster in np.unique(clusters):
        inside = clusters == cluster
        size, vectors = np.linalg.eigh(left[np.ix_(inside, inside)])
        root = vectors @ np.diag(size**-0.5) @ vectors.T
        aim = root @ design[inside] @ inverse @ contrast
        sums.append(aim @ residuals[inside])
        parts.append(left[:, inside] @ aim)
    products = np.array(parts) @ np.array(parts).T
    df = np.trace(products) ** 2 / (products**2).sum()
    return contrast @ inverse @ design.T @ values, np.sqrt(np.sum(np.square(sums))), df


@pytest.mark.parametrize("covariates", [0, 1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_sums_of_clusters_tell_what_matrices_of_rows_do(seed, covariates):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, 7 + seed), rng.integers(1, 5, 9)
    arm = np.repeat([0, 1], [sizes[0].sum(), sizes[1].sum()])
    clusters = np.repeat(np.arange(16 + seed), np.concatenate(sizes))
    extra = rng.normal(size=(arm.size, covariates)) + rng.normal(size=(16 + seed, 1))[clusters]
    values = 5 + arm + extra.sum(axis=1) + rng.normal(size=16 + seed)[clusters]
    values += rng.normal(size=arm.size)
    design = np.column_stack([1 - arm, arm, extra])
    contrast = np.zeros(2 + covariates)
    contrast[:2] = -1, 1
    want = dense(values, clusters, design, contrast)
    got = compare_clustered_means(
        *((values[arm == side], clusters[arm == side]) for side in (0, 1)),
        covariates=(extra[arm == 0], extra[arm == 1]) if covariates else None,
    )
    found = got.estimate, got.estimate / got.statistic, got.df
    assert found == pytest.approx(want, rel=1e-9)


def test_three_treated_among_thirty_have_few_degrees_of_freedom():
    # with clusters of one row: (n_c + n_t)^2 (n_c - 1)(n_t - 1) / (n_c^2 (n_c - 1) + n_t^2 ...)
    rng = np.random.default_rng(1)
    control, treatment = rng.normal(size=27), rng.normal(size=3)
    got = compare_clustered_means((control, range(27)), (treatment, range(50, 53)))
    assert got.df == pytest.approx(30**2 * 2 * 26 / (3**2 * 2 + 27**2 * 26), rel=1e-12)


@pytest.mark.parametrize("sizes", [(5, 9), (2, 2), (40, 3), (12, 12), (100, 60)])
def test_clusters_of_one_row_have_the_variance_of_welch(sizes):
    rng = np.random.default_rng(sum(sizes))
    control, treatment = rng.normal(3, 1, sizes[0]), rng.normal(3, 2, sizes[1])
    arms = (control, range(sizes[0])), (treatment, range(1000, 1000 + sizes[1]))
    got, want = compare_clustered_means(*arms), compare_means(control, treatment)
    assert got.statistic == pytest.approx(want.statistic, rel=1e-12)
    # Welch's degrees of freedom for equal variances
    a, b = 1 / sizes[0], 1 / sizes[1]
    df = (a + b) ** 2 / (a**2 / (sizes[0] - 1) + b**2 / (sizes[1] - 1))
    assert got.df == pytest.approx(df, rel=1e-12)
    for weights in ("equal", "size"):
        level = compare_means_of_clusters(*arms, weights=weights)
        assert level.p_value == pytest.approx(want.p_value, rel=1e-9)
        assert level.interval == pytest.approx(want.interval, rel=1e-9)
    assert got.details["design_effect_control"] == pytest.approx(1.0)


def test_size_weights_are_the_ratio_of_totals_to_rows(reference):
    case = reference("clusters_r")["cases"][1]
    tables = [ClusterTable.from_rows(*arm) for arm in rows(case)]
    want = compare_ratios(*((table.n * table.means[:, 0], table.n) for table in tables))
    got = compare_means_of_clusters(*tables, weights="size")
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.relative.lower == pytest.approx(want.relative.lower, rel=1e-9)


def test_balanced_clusters_are_students_test_of_their_means(reference):
    case = reference("clusters_r")["cases"][0]
    means = [ClusterTable.from_rows(*arm).means[:, 0] for arm in rows(case)]
    got = compare_clustered_means(*rows(case))
    assert got.p_value == pytest.approx(scipy_stats.ttest_ind(*means).pvalue, rel=1e-9)
    assert got.df == pytest.approx(6.0, rel=1e-12)
