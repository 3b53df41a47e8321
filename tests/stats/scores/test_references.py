"""Scores against R, statsmodels and SciPy, and by hand."""

import math

import pytest

from abtest.stats import ValueCounts, compare_scores, nps

STEPS = {1: 0, 2: 10, 3: 40, 4: 80, 5: 100}


def counts(numbers, first=0):
    return ValueCounts.from_table(range(first, first + len(numbers)), numbers)


def test_net_promoter_scores_agree_with_r_and_statsmodels(reference):
    found = reference("scores")
    for case in found["cases"]:
        arms = counts(case["control"]), counts(case["treatment"])
        want = case["nps"]
        got = compare_scores(*arms, confidence_level=found["confidence_level"])
        assert (got.warnings == ("counts_added",)) == want["added"], case["name"]
        assert got.statistic == pytest.approx(want["statistic"], rel=1e-9)
        assert got.p_value == pytest.approx(want["p_value"], rel=1e-9)
        assert (got.absolute.lower, got.absolute.upper) == pytest.approx(
            (want["lower"], want["upper"]), rel=1e-9
        )
        greater = compare_scores(*arms, alternative="greater")
        assert greater.p_value == pytest.approx(want["p_greater"], rel=1e-9)
        assert got.statistic == pytest.approx(case["statsmodels"]["nps_statistic"], rel=1e-9)
        assert got.p_value == pytest.approx(case["statsmodels"]["nps_p_value"], rel=1e-9)
        for arm, one in zip(arms, case["one"], strict=True):
            single = nps(arm, confidence_level=found["confidence_level"])
            assert single.estimate == pytest.approx(one["raw"], rel=1e-12)
            assert single.lower == pytest.approx(one["lower"], rel=1e-9)
            assert single.upper == pytest.approx(max(one["upper"], one["raw"]), rel=1e-9)


def test_shares_of_the_top_answers_agree_with_r_and_statsmodels(reference):
    for case in reference("scores")["cases"]:
        if "top_box" not in case:
            continue
        arms = (counts(case["ordinal"][arm], 1) for arm in ("control", "treatment"))
        got = compare_scores(*arms, kind="top_box")
        want = case["top_box"]
        assert got.control_value == want["top"][0] / sum(case["control"])
        assert got.statistic**2 == pytest.approx(want["statistic2"], rel=1e-9)
        assert got.p_value == pytest.approx(want["p_value"], rel=1e-9)
        assert got.p_value == pytest.approx(case["statsmodels"]["top_box_p_value"], rel=1e-8)
        assert got.measure == "top_box"


def test_ordinal_scores_agree_with_r_and_scipy(reference):
    found = reference("scores")
    for case in found["cases"]:
        if "ordinal" not in case:
            continue
        want = case["ordinal"]
        arms = (counts(want[arm], 1) for arm in ("control", "treatment"))
        got = compare_scores(
            *arms, kind="ordinal", scores=STEPS, confidence_level=found["confidence_level"]
        )
        assert got.p_value == pytest.approx(want["p_value"], rel=1e-9), case["name"]
        assert got.df == pytest.approx(want["df"], rel=1e-9)
        assert got.absolute.lower == pytest.approx(want["lower"], rel=1e-9)
        assert got.absolute.upper == pytest.approx(want["upper"], rel=1e-9)
        assert got.p_value == pytest.approx(case["statsmodels"]["ordinal_p_value"], rel=1e-9)
        assert got.measure == "ordinal_score"


def test_a_score_by_hand():
    """120 promoters, 50 passives, 30 detractors: 0.45, variance (0.75 - 0.2025) / 200."""
    got = nps(counts([30, 0, 0, 0, 0, 0, 0, 50, 0, 0, 120]))
    assert got.estimate == 45.0
    width = 1.959963984540054 * math.sqrt(0.5475 / 200)
    assert (got.lower, got.upper) == pytest.approx((100 * (0.45 - width), 100 * (0.45 + width)))
    assert got.details == {"promoters": 120.0, "passives": 50.0, "detractors": 30.0}


def test_three_answers_are_added_to_few():
    """12 promoters alone: 12.75, 1.5 and 0.75 of 15 answers (Rocks 2016)."""
    got = nps([10] * 12)
    middle, variance = 0.8, (0.9 - 0.64) / 15
    assert got.estimate == 100.0
    assert got.lower == pytest.approx(100 * (middle - 1.959963984540054 * math.sqrt(variance)))
    assert (got.upper, got.method) == (100.0, "nps_adjusted_wald")
