"""Clusters: what cannot be answered, says so."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    ClusterTable,
    NotEstimable,
    compare_clustered_means,
    compare_means_of_clusters,
    intraclass_correlation,
)

GOOD = [3.0, 4.0, 3.0, 9.0, 8.0, 1.0, 2.0, 5.0], list("aaabbccd")
OTHER = [5.0, 6.0, 12.0, 13.0, 4.0, 3.0], list("eeffgh")
COMPARISONS = {
    "robust": compare_clustered_means,
    "equal": compare_means_of_clusters,
    "size": lambda a, b, **o: compare_means_of_clusters(a, b, weights="size", **o),
}
ALL = {**COMPARISONS, "icc": intraclass_correlation}


@pytest.mark.parametrize("call", ALL.values(), ids=ALL)
@pytest.mark.parametrize(
    ("arm", "code"),
    [
        (([], []), "too_few_units"),
        (([1.0, 2.0], ["x", "x"]), "too_few_units"),
        (([1.0, 2.0, None], ["x", "x", "y"]), "too_few_units"),
        (([1.0, math.inf, 3.0], ["x", "y", "y"]), "not_finite"),
        (([1e300, -1e300, 3.0], ["x", "y", "y"]), "not_finite"),
        (([-1.7e308, 1.7e308, 1.7e308], ["x", "y", "y"]), "not_finite"),
        (([1e-170, 2e-170, 4e-170], ["x", "y", "y"]), "too_small"),
        (([0.0, 0.0, 5e-324], ["x", "y", "y"]), "too_small"),
    ],
)
def test_arms_that_cannot_answer_say_why(call, arm, code):
    for arms in ((arm, OTHER), (OTHER, arm)):
        with pytest.raises(NotEstimable) as caught:
            call(*arms)
        assert caught.value.code == code


@pytest.mark.parametrize("call", COMPARISONS.values(), ids=COMPARISONS)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0.1] * 8, [0.1] * 6),
        ([0.1] * 8, [0.3] * 6),
        ([0.0] * 8, [1e9 + 0.1] * 6),
        # rows vary, means of clusters do not, however they round
        ([0.1, 0.3, 0.2, 0.1, 0.3, 0.3, 0.1, 0.2], [0.7] * 6),
    ],
)
def test_clusters_whose_means_do_not_vary_have_no_error(call, first, second):
    with pytest.raises(NotEstimable) as caught:
        call((first, GOOD[1]), (second, OTHER[1]))
    assert caught.value.code == "constant"


@pytest.mark.parametrize("call", COMPARISONS.values(), ids=COMPARISONS)
def test_one_arm_without_error_leaves_the_other_to_judge(call):
    flat = ([0.1] * 8, GOOD[1])
    for arms in ((flat, OTHER), (OTHER, flat)):
        got = call(*arms)
        assert "constant_arm" in got.warnings
        assert got.df <= 3.0 + 1e-9
        assert 0.0 < got.p_value < 1.0


@pytest.mark.parametrize("call", ALL.values(), ids=ALL)
@pytest.mark.parametrize(
    "arm",
    [
        [1.0, 2.0, 3.0],
        None,
        5,
        "ab",
        ([1.0, 2.0, 3.0], ["x", "y"]),
        ([1.0, 2.0, 3.0], ["x", "y", None]),
        ([1.0, 2.0, 3.0], [1.0, 2.0, math.nan]),
        ([1.0, 2.0, 3.0], ["x", "y", pd.NA]),
        ([1.0, 2.0, 3.0], [("x", 1), ("y", None), ("z", 2)]),
        ([1.0, 2.0, 3.0], [("x", 1), ("y", math.nan), ("z", 2)]),
        ([1.0, 2.0, 3.0], pd.DataFrame({"shop": [1, 2, 3], "day": [1, None, 2]})),
        ([1.0, 2.0, 3.0], pd.to_datetime(["2020-01-01", None, "2020-01-02"])),
        ([1.0, 2.0, 3.0], np.ma.array([1, 2, 3], mask=[0, 1, 0])),
        ([1.0, 2.0, 3.0], pd.array([1, None, 2], dtype="Int64")),
        ([1.0, None, 3.0], ["x", None, "y"]),
        ([1.0, 2.0, 3.0], [np.array([1, 2, 3]), np.array([1, 2])]),
        ([1.0, 2.0, 3.0], np.ones((3, 1, 1))),
        ([1.0, 2.0, 3.0], [{}, {}, {}]),
        ([1.0, 2.0, 3.0], "xyz"),
        ([1.0, 2.0, 3.0], {"x": 1, "y": 2, "z": 3}),
        ([1.0, 2.0, 3.0], 7),
        (["1", "2", "3"], ["x", "y", "z"]),
        ([1 + 2j, 2, 3], ["x", "y", "z"]),
        (np.ones((3, 2)), ["x", "y", "z"]),
    ],
)
def test_what_is_no_pair_of_values_and_clusters_is_refused(call, arm):
    for arms in ((arm, OTHER), (OTHER, arm)):
        with pytest.raises(UsageError) as caught:
            call(*arms)
        assert caught.value.todo


@pytest.mark.parametrize("call", ALL.values(), ids=ALL)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (GOOD, GOOD),
        (GOOD, (OTHER[0], list("eeffga"))),
        (([1.0, 2.0, 3.0], [1, 2, 3]), ([1.0, 2.0, 3.0], [3.0, 4.0, 5.0])),
        (([1.0, 2.0], [("x", 1), ("y", 1)]), ([1.0, 2.0], [["x", 1], ["z", 1]])),
        (
            ([1.0, 2.0], pd.to_datetime(["2020-01-01", "2020-01-02"])),
            ([1.0, 2.0], np.array(["2020-01-01", "2020-01-03"], dtype="M8[D]")),
        ),
        (ClusterTable.from_rows(*GOOD), ([1.0, 2.0], ["d", "e"])),
    ],
)
def test_a_cluster_in_both_arms_is_refused(call, first, second):
    with pytest.raises(UsageError, match="whole") as caught:
        call(first, second)
    assert caught.value.given.startswith(("1 ", "4 "))


@pytest.mark.parametrize("call", COMPARISONS.values(), ids=COMPARISONS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence_level": 95},
        {"confidence_level": 0},
        {"confidence_level": 1.0},
        {"alternative": "up"},
        {"alternative": "less", "confidence_level": 0.4},
    ],
)
def test_wrong_arguments_are_refused(call, wrong):
    with pytest.raises(UsageError):
        call(GOOD, OTHER, **wrong)


def test_other_wrong_arguments_are_refused():
    for wrong in ("n", None, 3):
        with pytest.raises(UsageError):
            compare_means_of_clusters(GOOD, OTHER, weights=wrong)
    for wrong in (([1.0] * 8,), ([1.0] * 7, [1.0] * 6), [[1.0] * 8], 5, (["a"] * 8, ["b"] * 6)):
        with pytest.raises(UsageError):
            compare_clustered_means(GOOD, OTHER, covariates=wrong)
    with pytest.raises(UsageError):
        intraclass_correlation()
    with pytest.raises(UsageError):
        intraclass_correlation(GOOD[0], GOOD[1])
    with pytest.raises(UsageError):
        intraclass_correlation(GOOD, confidence_level=95)


TABLE = {"clusters": ["a", "b"], "counts": [2, 3], "sums": [3.0, 4.0], "squares": [5.0, 7.0]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"counts": [2, -3]},
        {"counts": [2, 3.5]},
        {"counts": [2, math.nan]},
        {"counts": [2, math.inf]},
        {"counts": [2]},
        {"counts": ["2", "3"]},
        {"clusters": ["a", None]},
        {"clusters": ["a"]},
        {"sums": [3.0]},
        {"sums": 3.0},
        {"sums": [[3.0, 1.0], [4.0, 1.0]]},
        {"sums": [[[3.0]], [[4.0]]]},
        {"sums": ["x", "y"]},
        {"squares": [5.0, 4.0]},
        {"squares": [5.0, -7.0]},
        {"squares": [[5.0], [7.0]]},
        {"nulls": -1},
        {"nulls": 0.5},
        {"pilot": "x"},
        {"pilot": [1.0, 2.0]},
        {"pilot": []},
    ],
)
def test_a_table_that_does_not_fit_is_refused(wrong):
    with pytest.raises(UsageError) as caught:
        ClusterTable.from_sums(**{**TABLE, **wrong})
    assert caught.value.todo


@pytest.mark.parametrize(
    "wrong", [{"sums": [math.nan, 1.0]}, {"squares": [math.inf, 9.0]}, {"pilot": math.nan}]
)
def test_a_table_that_is_not_finite_says_so(wrong):
    with pytest.raises(NotEstimable) as caught:
        ClusterTable.from_sums(**{**TABLE, **wrong})
    assert caught.value.code == "not_finite"


def test_clusters_without_rows_are_left_out_of_tables():
    table = ClusterTable.from_sums(["a", "b", "c"], [2, 0, 1], [3.0, math.nan, 1.0], [5.0, 0, 1.0])
    assert table.clusters == ("a", "c")
    assert ClusterTable.from_sums([], [], [], []).rows == 0
    rows = ClusterTable.from_rows([1.0, None, 3.0], ["a", "b", "c"])
    assert (rows.clusters, rows.nulls) == (("a", "c"), 1)


def test_tables_come_with_the_same_variables_in_both_arms():
    wide = ClusterTable.from_rows(*GOOD, covariates=[GOOD[0][::-1]])
    with pytest.raises(UsageError):
        compare_clustered_means(wide, OTHER)
    with pytest.raises(UsageError):
        compare_clustered_means(
            ClusterTable.from_rows(*GOOD), OTHER, covariates=(GOOD[0], OTHER[0])
        )
    with pytest.raises(UsageError):
        wide + ClusterTable.from_rows(*OTHER)
    with pytest.raises(UsageError):
        intraclass_correlation((*GOOD, [1.0]))


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ([1.0] * 8, [1.0] * 6, "covariate_constant"),
        ([1.0] * 8, [2.0] * 6, "covariate_constant"),
        ([0.1] * 8, [0.1 * 3 / 3] * 6, "covariate_constant"),
        (GOOD[0], OTHER[0], "covariate_is_outcome"),
        ([GOOD[0][::-1], [2 * x for x in GOOD[0][::-1]]], [OTHER[0][::-1]] * 2, None),
        ([1e300, 2e300, 0, 0, 0, 0, 0, 0], [0.0] * 6, "covariate_constant"),
        # varies in one cluster alone, which so decides its slope
        ([0, 0, 0, 0, 0, 0, 0, 7.0], [0.0] * 6, "covariate_too_few_units"),
        ([*np.random.default_rng(1).normal(size=(6, 8))],
         [*np.random.default_rng(2).normal(size=(6, 6))], "covariate_too_few_units"),
    ],
)  # fmt: skip
def test_covariates_that_cannot_be_used_leave_the_plain_answer(first, second, code):
    got = compare_clustered_means(GOOD, OTHER, covariates=(first, second))
    want = compare_clustered_means(GOOD, OTHER)
    if code is None:
        assert got.method == "cr2_adjusted"
        return
    assert code in got.warnings
    assert (got.method, got.p_value, got.interval) == ("cr2", want.p_value, want.interval)


def test_a_covariate_that_repeats_another_is_left_out():
    first, second = GOOD[0][::-1], OTHER[0][::-1]
    got = compare_clustered_means(
        GOOD, OTHER, covariates=([first, [2 * x for x in first]], [second, [2 * x for x in second]])
    )
    want = compare_clustered_means(GOOD, OTHER, covariates=(first, second))
    assert "covariate_dropped" in got.warnings
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)


def test_correlations_without_an_answer_say_why():
    for values, clusters, code in (
        ([1.0, 2.0, 3.0], ["a", "b", "c"], "too_few_units"),
        ([0.1] * 6, list("aabbcc"), "constant"),
    ):
        with pytest.raises(NotEstimable) as caught:
            intraclass_correlation((values, clusters))
        assert caught.value.code == code
    alike = intraclass_correlation(([0.1, 0.1, 0.7, 0.7, 0.3], list("aabbc")))
    assert (alike.estimate, alike.interval) == (1.0, (None, None))
    assert alike.warnings == ("few_clusters", "constant_clusters")
    assert alike.design_effect_interval == (None, None)
    unlike = intraclass_correlation(([1.0, 3.0, 1.0, 3.0, 1.0, 3.0], list("aabbcc")))
    assert unlike.estimate == pytest.approx(-1.0)
    assert unlike.design_effect == 1.0
    assert unlike.lower == pytest.approx(-1.0)


def test_results_read_as_sentences_and_are_plain_values():
    got = compare_clustered_means(GOOD, OTHER)
    assert "cr2" in str(got)
    assert got.counted == "clusters"
    assert "<th" in got._repr_mimebundle_()[0]["text/html"]
    means = compare_means_of_clusters(GOOD, OTHER)
    assert str(means).startswith("Mean of clusters of treatment")
    found = intraclass_correlation((GOOD[0] + [None], GOOD[1] + ["a"]), OTHER)
    assert "Rows without a value, left out: 1." in str(found)
    assert "few_clusters" in str(found)
    assert "Correlation within clusters" in found._repr_mimebundle_()[0]["text/html"]
    for result in (got, means, found):
        json.dumps(result.to_dict(), allow_nan=False)
    assert found.to_dict()["effective_rows"] == pytest.approx(14 / found.design_effect)
    # no name of a cluster leaves the table
    assert "clusters" not in repr(ClusterTable.from_rows(*GOOD)).split("(")[1].split("=")[0]
