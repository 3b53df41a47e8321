"""Ranks against R (base, exactRankTests, coin), SciPy and the published example."""

import itertools

import numpy as np
import pytest

from abtest.stats import ValueCounts, compare_ranks
from abtest.stats.ranks.mann_whitney import null_distribution

ALTERNATIVES = ("two-sided", "greater", "less")


def close(expected, rel=1e-9):
    # SciPy takes small p-values as one minus a distribution function
    return None if expected is None else pytest.approx(expected, rel=rel, abs=1e-15)


def limits_agree(interval, want, name):
    assert interval.estimate == close(want["estimate"]), name
    assert interval.lower == close(want.get("lower")), name
    assert interval.upper == close(want.get("upper")), name


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_brunner_munzel_agrees_with_its_rank_form_in_r(reference, alternative):
    found = reference("ranks_r")
    for case in found["cases"]:
        got = compare_ranks(
            case["control"],
            case["treatment"],
            alternative=alternative,
            confidence_level=found["confidence_level"],
        )
        want = case["answers"][alternative]["brunner_munzel"]
        assert got.statistic == close(want["statistic"]), case["name"]
        assert got.df == close(want["df"])
        assert got.p_value == close(want["p_value"])
        limits_agree(got.index, {**want, "estimate": want["index"]}, case["name"])


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("form", ["normal", "corrected", "exact"])
def test_mann_whitney_and_its_shift_agree_with_r(reference, form, alternative):
    found = reference("ranks_r")
    seen = 0
    for case in found["cases"]:
        want = case["answers"][alternative].get(form)
        if want is None:  # arms too large to be exact
            continue
        seen += 1
        got = compare_ranks(
            case["control"],
            case["treatment"],
            method="mann_whitney",
            alternative=alternative,
            confidence_level=found["confidence_level"],
            exact=form == "exact",
            continuity=form == "corrected",
        )
        assert got.method == ("mann_whitney_exact" if form == "exact" else "mann_whitney")
        assert got.p_value == close(want["p_value"]), case["name"]
        if form != "exact":
            assert got.u == want["u"]
        limits_agree(got.shift, want["shift"], case["name"])
    assert seen >= 7


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_value_counts_agree_with_scipy_on_the_units(reference, alternative):
    for case in reference("ranks_scipy")["cases"]:
        arms = [
            ValueCounts.from_table(case["values"], case[arm]) for arm in ("control", "treatment")
        ]
        for form, want in case["answers"][alternative].items():
            got = compare_ranks(
                *arms,
                method="brunner_munzel" if form == "brunner_munzel" else "mann_whitney",
                alternative=alternative,
                exact=form == "exact",
                continuity=form == "corrected",
            )
            assert got.p_value == close(want["p_value"], rel=1e-8), (case["name"], form)
            if form == "brunner_munzel":
                assert got.statistic == close(want["statistic"])
            elif form != "exact":
                assert got.u == want["u"]


def test_the_pain_scores_give_the_published_numbers(reference):
    found = reference("ranks_scipy")
    want, case = found["published"], found["cases"][0]
    first, second = (
        ValueCounts.from_table(case["values"], case[arm]) for arm in ("treatment", "control")
    )
    got = compare_ranks(first, second)
    assert got.statistic == pytest.approx(want["statistic"], rel=1e-12)
    assert got.p_value == pytest.approx(want["p_value"], rel=1e-12)
    assert round(got.df, 3) == want["df"]
    assert round(got.index.estimate, 6) == want["index"]
    assert round(got.index.lower, 7) == want["lower"]
    assert round(got.index.upper, 7) == want["upper"]


def test_far_tails_keep_their_logarithm(reference):
    case = reference("ranks_scipy")["cases"][-1]
    arms = [ValueCounts.from_table(case["values"], case[arm]) for arm in ("control", "treatment")]
    assert compare_ranks(*arms, method="mann_whitney").log10_p == pytest.approx(
        np.log10(6.503372685004015e-283), abs=1e-9
    )
    # R 4.2.2: (log(2) + pnorm(-z, log.p = TRUE)) / log(10) with z by its rank() and table()
    tenfold = [ValueCounts.from_table(arm.values, arm.counts * 10) for arm in arms]
    got = compare_ranks(*tenfold, method="mann_whitney")
    assert got.p_value == 0.0
    assert got.log10_p == pytest.approx(-2808.68516971426, rel=1e-12)


@pytest.mark.parametrize(
    "ties", [(1, 1, 1, 1, 1, 1, 1), (3, 1, 2, 1), (5, 4), (1, 6), (2, 2, 2, 2)]
)
def test_the_null_distribution_is_that_of_all_ways_to_deal(ties):
    values = np.repeat(np.arange(len(ties)), ties)
    for treated in range(1, len(values)):
        doubled = []
        for chosen in itertools.combinations(range(len(values)), treated):
            treatment = values[list(chosen)]
            control = np.delete(values, chosen)
            signs = np.sign(treatment[:, None] - control)
            doubled.append(int((signs + 1).sum()))
        want = np.bincount(doubled, minlength=2 * treated * (len(values) - treated) + 1)
        assert null_distribution(ties, treated) == pytest.approx(want / len(doubled), rel=1e-12)
