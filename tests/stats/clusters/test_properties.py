"""Clusters: invariances, partitions, and p-values that agree with intervals."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.stats import (
    ClusterTable,
    MeansDesign,
    NotEstimable,
    compare_clustered_means,
    compare_means_of_clusters,
    intraclass_correlation,
    sample_size,
)

ROWS = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(0, 6), st.integers(-3, 3)), min_size=8, max_size=40
).filter(lambda rows: len({cluster for _, cluster, _ in rows}) > 2)
METHODS = ["robust", "adjusted", "equal", "size"]


def arms_of(control, treatment):
    """Return columns (values, clusters, covariates) of two arms with clusters of their own."""
    found = []
    for side, rows in (("c", control), ("t", treatment)):
        values, clusters, covariate = (np.array(column) for column in zip(*rows, strict=True))
        found.append((values.astype(float), [(side, int(c)) for c in clusters], covariate * 1.0))
    return found


def compare(arms, method, **options):
    rows = [arm[:2] for arm in arms]
    if method == "robust":
        return compare_clustered_means(*rows, **options)
    if method == "adjusted":
        return compare_clustered_means(*rows, covariates=(arms[0][2], arms[1][2]), **options)
    return compare_means_of_clusters(*rows, weights=method, **options)


def answer(arms, method, **options):
    """Return the comparison; data without one are not what is tested."""
    try:
        return compare(arms, method, **options)
    except NotEstimable:
        assume(False)


def close(got, want, scale=1.0, shift=0.0):
    assert got.estimate == pytest.approx(scale * want.estimate, rel=1e-8, abs=1e-9 * abs(scale))
    assert got.p_value == pytest.approx(want.p_value, rel=1e-6, abs=1e-9)
    assert got.df == pytest.approx(want.df, rel=1e-7)
    limits = sorted(scale * limit for limit in want.interval)
    assert got.interval == pytest.approx(limits, rel=1e-7, abs=1e-8 * abs(scale))
    assert got.control_value == pytest.approx(
        scale * want.control_value + shift, rel=1e-8, abs=1e-8 * abs(scale)
    )


@given(ROWS, ROWS, st.sampled_from(METHODS))
@settings(max_examples=150)
def test_p_is_below_alpha_exactly_where_the_interval_leaves_0_out(control, treatment, method):
    for alternative in ("two-sided", "greater", "less"):
        got = answer(arms_of(control, treatment), method, alternative=alternative)
        lower, upper = got.interval
        assert lower is None or lower <= got.estimate
        assert upper is None or got.estimate <= upper
        if abs(got.p_value - 0.05) > 1e-9:
            left_out = (lower is not None and lower > 0) or (upper is not None and upper < 0)
            assert left_out == (got.p_value < 0.05)
            if got.relative.status == "bounded" and got.control_value:
                low, high = got.relative.lower, got.relative.upper
                assert left_out == ((low or -1.0) > 0 or (1.0 if high is None else high) < 0)


@given(ROWS, ROWS, st.sampled_from(METHODS), st.randoms())
@settings(max_examples=100)
def test_the_order_of_rows_and_the_names_of_clusters_do_not_matter(
    control, treatment, method, random
):
    arms = arms_of(control, treatment)
    want = answer(arms, method)
    mixed = []
    for values, clusters, covariate in arms:
        order = random.sample(range(len(values)), len(values))
        names = [f"shop {clusters[place]}" for place in order]
        mixed.append((values[order], names, covariate[order]))
    close(compare(mixed, method), want)


@given(ROWS, ROWS, st.sampled_from(METHODS))
@settings(max_examples=100)
def test_arms_swapped_turn_the_sign(control, treatment, method):
    arms = arms_of(control, treatment)
    want, got = answer(arms, method), answer(arms[::-1], method)
    assert got.estimate == pytest.approx(-want.estimate, rel=1e-8, abs=1e-9)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-6)
    assert (got.n_control, got.n_treatment) == (want.n_treatment, want.n_control)


@given(ROWS, ROWS, st.sampled_from(METHODS), st.sampled_from([-7.0, 0.001, 1e6]))
@settings(max_examples=100)
def test_units_of_values_and_covariates_do_not_matter(control, treatment, method, scale):
    arms = arms_of(control, treatment)
    want = answer(arms, method)
    moved = [(scale * (v + 5.0), clusters, 1e5 - 300.0 * x) for v, clusters, x in arms]
    close(compare(moved, method), want, scale, 5.0 * scale)


@given(ROWS, ROWS, st.sampled_from(METHODS[:1] + METHODS[2:]), st.integers(1, 4), st.randoms())
@settings(max_examples=100)
def test_tables_of_any_partition_are_the_rows(control, treatment, method, size, random):
    arms = arms_of(control, treatment)
    want = answer(arms, method)
    tables = []
    for values, clusters, _ in arms:
        part = np.array([random.randrange(size) for _ in clusters])
        table = None
        for which in range(size):
            chosen = np.flatnonzero(part == which)
            piece = ClusterTable.from_rows(values[chosen], [clusters[place] for place in chosen])
            table = piece if table is None else table + piece
        tables.append((table, None, None))
    options = {} if method == "robust" else {"weights": method}
    call = compare_clustered_means if method == "robust" else compare_means_of_clusters
    close(call(tables[0][0], tables[1][0], **options), want)


@given(ROWS, ROWS, st.integers(1, 3), st.randoms())
@settings(max_examples=80)
def test_sums_with_covariates_are_the_rows_also_in_parts(control, treatment, size, random):
    arms = arms_of(control, treatment)
    want = answer(arms, "adjusted")
    icc = intraclass_correlation(*(arm[:2] for arm in arms))
    tables = []
    for values, clusters, covariate in arms:
        rows = np.column_stack([values, covariate]) - 0.5
        lines = {}
        for row, cluster in zip(rows, clusters, strict=True):
            line = lines.setdefault((cluster, random.randrange(size)), [0, 0.0, 0.0])
            line[0] += 1
            line[1] = line[1] + row
            line[2] = line[2] + np.outer(row, row)
        counts, sums, squares = (
            np.array([line[place] for line in lines.values()]) for place in range(3)
        )
        names = [cluster for cluster, _ in lines]
        tables.append(ClusterTable.from_sums(names, counts, sums, squares, pilot=0.5))
    close(compare_clustered_means(*tables), want)
    again = intraclass_correlation(*tables)
    assert again.estimate == pytest.approx(icc.estimate, rel=1e-9, abs=1e-12)
    assert again.interval == pytest.approx(icc.interval, rel=1e-6, abs=1e-9)


@given(ROWS, ROWS)
@settings(max_examples=80)
def test_the_correlation_does_not_see_arms_and_units(control, treatment):
    arms = arms_of(control, treatment)
    try:
        want = intraclass_correlation(*(arm[:2] for arm in arms))
    except NotEstimable:
        assume(False)
    moved = intraclass_correlation(
        (arms[1][0] * -3.0, arms[1][1]), (arms[0][0] * -3.0 + 100.0, arms[0][1])
    )
    assert moved.estimate == pytest.approx(want.estimate, rel=1e-9, abs=1e-12)
    if want.lower is not None:
        assert moved.interval == pytest.approx(want.interval, rel=1e-6, abs=1e-9)
        assert -1.0 <= want.lower <= want.upper <= 1.0
    assert want.estimate <= 1.0
    assert want.design_effect >= 1.0


def test_values_far_from_0_keep_their_digits():
    rng = np.random.default_rng(5)
    places = np.repeat(np.arange(12), 30)
    near = [(rng.normal(size=12)[places] * 5 + rng.normal(0, 50, 360)).round(3) for _ in "ct"]
    for call in (compare_clustered_means, compare_means_of_clusters):
        want = call((near[0], places), (near[1], places + 100))
        got = call((near[0] + 1.7e9, places), (near[1] + 1.7e9, places + 100))
        assert got.p_value == pytest.approx(want.p_value, rel=1e-7)
        sums = [np.bincount(places, values) for values in near]
        squares = [np.bincount(places, values**2) for values in near]
        tables = [
            ClusterTable.from_sums(
                np.arange(12) + 100 * arm, np.full(12, 30), sums[arm], squares[arm], pilot=1.7e9
            )
            for arm in (0, 1)
        ]
        summed = call(*tables)
        error = want.estimate / want.statistic
        assert summed.estimate / summed.statistic == pytest.approx(error, rel=1e-9)
    assert intraclass_correlation(*tables).estimate == pytest.approx(
        intraclass_correlation((near[0], places), (near[1], places + 100)).estimate, rel=1e-9
    )


def test_names_of_any_kind_are_the_same_clusters():
    rng = np.random.default_rng(8)
    shops, days = rng.integers(0, 4, 60), rng.integers(0, 3, 60)
    values = rng.normal(size=60)
    sides = np.arange(60) % 2
    # an arm is (shop, day) with the arm in the day, so that none is in both
    days = days * 2 + sides
    want = None
    for name in (
        lambda s, d: [(int(a), int(b)) for a, b in zip(s, d, strict=True)],
        lambda s, d: pd.DataFrame({"shop": s, "day": d}),
        lambda s, d: np.column_stack([s, d]),
        lambda s, d: [s, d],
        lambda s, d: (pd.Series(s), pd.Series(d)),
        lambda s, d: [f"{a}-{b}" for a, b in zip(s, d, strict=True)],
        lambda s, d: pd.Categorical(s * 100 + d),
        lambda s, d: pd.to_datetime(s * 100 + d, unit="D"),
        lambda s, d: pd.array(s * 100 + d, dtype="Int64"),
        lambda s, d: s * 100.0 + d,
    ):
        arms = [(values[sides == k], name(shops[sides == k], days[sides == k])) for k in (0, 1)]
        got = compare_clustered_means(*arms)
        want = want or got
        assert (got.p_value, got.n_control) == (pytest.approx(want.p_value, rel=1e-9), 10)


def test_names_are_not_joined_as_text():
    names = [(1, 11), (11, 1), (1, 11), (111, ""), (11, 1)]
    table = ClusterTable.from_rows([1.0, 2.0, 3.0, 4.0, 5.0], names)
    assert table.clusters == ((1, 11), (11, 1), (111, ""))
    assert len(ClusterTable.from_rows([1.0, 2.0], [1, "1"])) == 2


def test_null_values_are_left_out_and_counted():
    arms = ([1.0, 2.0, 4.0, 3.0], list("aabb")), ([2.0, 5.0, 4.0, 9.0], list("ccdd"))
    want = compare_clustered_means(*arms)
    got = compare_clustered_means(([None, *arms[0][0], math.nan], ["z", *arms[0][1], "a"]), arms[1])
    assert (got.nulls_control, got.n_control, got.interval) == (2, 2, want.interval)
    assert intraclass_correlation(([*arms[0][0], None], [*arms[0][1], "a"]), arms[1]).nulls == 1


def test_missing_covariates_cost_no_row():
    rng = np.random.default_rng(3)
    places = np.repeat(np.arange(10), 6)
    arms = [(rng.normal(size=60) + rng.normal(size=10)[places], places + 50 * k) for k in (0, 1)]
    covariates = [rng.normal(size=60) for _ in "ct"]
    covariates[0][[3, 20, 40]] = math.nan
    covariates[1][[9, 30]] = math.nan
    got = compare_clustered_means(*arms, covariates=tuple(covariates))
    assert "covariate_missing" in got.warnings
    assert got.details["rows_control"] == 60.0
    filled = [np.where(np.isnan(x), np.nanmean(np.concatenate(covariates)), x) for x in covariates]
    absent = [np.isnan(x) * 1.0 for x in covariates]
    want = compare_clustered_means(
        *arms, covariates=tuple(list(pair) for pair in zip(filled, absent, strict=True))
    )
    assert got.p_value == pytest.approx(want.p_value, rel=1e-12)


def test_a_warning_comes_with_few_clusters_or_few_that_count():
    rng = np.random.default_rng(4)

    def few(*sizes):
        arms = [
            (rng.normal(size=sum(size)), np.repeat(np.arange(len(size)) + 1000 * k, size))
            for k, size in enumerate(sizes)
        ]
        return ["few_clusters" in compare(arms, method).warnings for method in METHODS[::2]]

    assert few([3] * 12, [4] * 11) == [False, False]
    assert few([3] * 12, [4] * 9) == [True, True]
    assert few([3] * 50, [400, *[4] * 40]) == [True, False]


def test_a_sample_size_takes_what_past_clusters_tell():
    rng = np.random.default_rng(6)
    sizes = rng.integers(5, 40, 60)
    places = np.repeat(np.arange(60), sizes)
    found = intraclass_correlation(
        (rng.normal(0, 0.4, 60)[places] + rng.normal(size=places.size), places)
    )
    planned = found.planned()
    assert planned.design_effect == pytest.approx(found.design_effect, rel=1e-12)
    assert planned.mean_size == pytest.approx(sizes.mean())
    alone = sample_size(MeansDesign(sd=1.0), effect=0.2)
    together = sample_size(MeansDesign(sd=1.0, clusters=planned), effect=0.2)
    assert together.units / alone.units == pytest.approx(found.design_effect, rel=0.05)
    assert found.planned(found.upper).design_effect > planned.design_effect


def test_limits_of_the_correlation_cover_as_often_as_they_say():
    rng = np.random.default_rng(12)
    sizes = np.array([1, 2, 30, 4, 5, 6, 3, 12, 2, 8])
    places = np.repeat(np.arange(10), sizes)
    inside = 0
    for _ in range(400):
        values = 0.5 * rng.normal(size=10)[places] + math.sqrt(0.75) * rng.normal(size=places.size)
        got = intraclass_correlation((values, places), confidence_level=0.9)
        inside += got.lower <= 0.25 <= got.upper
    assert 0.9 - 0.05 < inside / 400 < 0.9 + 0.05


def test_relative_effects_count_the_error_of_the_covariates_means():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(400):
        arms, covariates = [], []
        for k in (0, 1):
            sizes = rng.integers(2, 12, 30)
            places = np.repeat(np.arange(30), sizes)
            past = rng.normal(size=30)[places] + 0.5 * rng.normal(size=places.size)
            noise = 0.5 * rng.normal(size=30)[places] + rng.normal(size=places.size)
            arms.append((4.0 * (1 + k) + 2.0 * past + noise, places + 100 * k))
            covariates.append(past)
        got = compare_clustered_means(*arms, covariates=tuple(covariates))
        inside += got.relative.lower <= 1.0 <= got.relative.upper
    # without that error these intervals cover in five of six runs
    assert 0.92 < inside / 400 < 0.98


def test_robust_tests_keep_their_level_with_few_clusters_of_equal_size():
    rng = np.random.default_rng(13)
    places = np.repeat(np.arange(5), 4)
    rejected = 0
    for _ in range(1000):
        arms = [(rng.normal(size=5)[places] + rng.normal(size=20), places + 10 * k) for k in (0, 1)]
        rejected += compare_clustered_means(*arms).p_value < 0.05
    assert 0.03 < rejected / 1000 < 0.07
