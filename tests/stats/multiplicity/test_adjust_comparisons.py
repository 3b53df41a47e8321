import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    ArmPair,
    Moments,
    NotEstimable,
    ScorePair,
    adjust,
    adjust_comparisons,
    compare_arms,
    estimate_means,
)


def pair(mean, n=100, spread=1.0):
    control = Moments(n, np.array([10.0]), np.array([[(n - 1) * spread]]))
    treatment = Moments(n, np.array([10.0 + mean]), np.array([[(n - 1) * spread]]))
    return estimate_means([control], [treatment], adjusted=False)


def test_bonferroni_intervals_have_the_level_of_their_share():
    family = adjust_comparisons(
        {"revenue": pair(0.3), "retention": pair(0.1)},
        method="bonferroni",
        weights={"revenue": 4, "retention": 1},
    )
    assert [row.confidence_level for row in family.rows] == pytest.approx([0.96, 0.99])
    assert family["revenue"].absolute == pair(0.3).absolute(family["revenue"].confidence_level)
    assert family["revenue"].relative == pair(0.3).relative(family["revenue"].confidence_level)
    assert {row.interval for row in family.rows} == {"simultaneous"}


def test_adjusted_intervals_and_p_values_agree_with_r(reference):
    for case in reference("adjusted_intervals")["cases"]:
        control = Moments.from_columns([case["control"]])
        pairs = [
            estimate_means([control], [Moments.from_columns([arm])], adjusted=False)
            for arm in case["treatments"]
        ]
        family = adjust_comparisons(
            pairs,
            method=case["method"],
            weights=case["weights"] if case["method"] == "bonferroni" else None,
            alternative=case["alternative"].replace(".", "-"),
            alpha=case["alpha"],
        )
        for row, want in zip(family.rows, case["rows"], strict=True):
            assert row.adjusted_p_value == pytest.approx(want["adjusted_p_value"], rel=1e-9)
            for side in ("lower", "upper"):
                limit = getattr(row.absolute, side)
                assert limit == (want[side] and pytest.approx(want[side], rel=1e-9)), case["name"]


def test_sidak_intervals_have_the_level_of_the_product():
    family = adjust_comparisons([pair(0.3), pair(0.1), pair(0.2)], method="sidak")
    assert family.rows[0].confidence_level == pytest.approx(0.95 ** (1 / 3))
    assert [row.name for row in family.rows] == ["1", "2", "3"]


@pytest.mark.parametrize("method", ["holm", "hochberg", "hommel", "benjamini_hochberg"])
def test_methods_without_simultaneous_intervals_label_theirs(method):
    family = adjust_comparisons([pair(0.3), pair(0.1)], method=method)
    for row, one in zip(family.rows, [pair(0.3), pair(0.1)], strict=True):
        assert row.interval == "individual"
        assert row.absolute == one.absolute(0.95)
    singles = [one.test().p_value for one in (pair(0.3), pair(0.1))]
    assert [r.adjusted_p_value for r in family.rows] == list(
        adjust(singles, method=method).adjusted
    )


@settings(max_examples=40)
@given(
    effects=st.lists(st.floats(-1, 1), min_size=1, max_size=5),
    method=st.sampled_from(["bonferroni", "sidak", "dunnett"]),
    alternative=st.sampled_from(["two-sided", "greater", "less"]),
)
def test_simultaneous_intervals_leave_0_out_exactly_when_rejected(effects, method, alternative):
    family = adjust_comparisons(
        [pair(effect) for effect in effects], method=method, alternative=alternative
    )
    for row in family.rows:
        low, high = row.absolute.lower, row.absolute.upper
        inside = (low is None or low <= 0.0) and (high is None or high >= 0.0)
        if abs(row.adjusted_p_value - 0.05) > 1e-9:
            assert row.rejected == (not inside)


def test_score_pairs_are_adjusted_but_not_by_dunnett():
    pairs = [ScorePair(1, 50, 9, 50), ScorePair(1, 50, 3, 50)]
    assert adjust_comparisons(pairs, method="holm").rows[0].pair_method == "miettinen_nurminen"
    with pytest.raises(UsageError, match="variance of the control"):
        adjust_comparisons(pairs, method="dunnett")


def test_arms_of_proportions_and_ratios_are_compared():
    control = Moments.from_counts(1000, 200)
    arms = {"a": Moments.from_counts(900, 230), "b": Moments.from_counts(1100, 230)}
    shares = compare_arms(control, arms, measure="proportion")
    assert shares["a"].rejected
    assert not shares["b"].rejected
    rng = np.random.default_rng(3)
    clicks, views = rng.poisson(2, (3, 80)).astype(float), 1.0 + rng.poisson(5, (3, 80))
    ratios = compare_arms(
        (clicks[0], views[0]),
        {"a": (clicks[1], views[1]), "b": (clicks[2], views[2])},
        measure="ratio",
        method="bonferroni",
    )
    assert {row.pair_method for row in ratios.rows} == {"delta"}


def test_the_answer_reads_as_a_sentence_and_shows_a_table():
    family = adjust_comparisons({"a": pair(1.0), "b": pair(0.01)}, method="dunnett")
    assert str(family) == "1 of 2 comparisons differ from 0 at alpha 0.05 (dunnett): a (+1)."
    assert family.to_dict()["rows"][0]["absolute"]["estimate"] == pytest.approx(1.0)
    assert "simultaneous" in family._repr_mimebundle_()[0]["text/html"]


def test_warnings_sides_and_tiny_p_values_are_shown():
    family = adjust_comparisons(
        {"a": pair(1.0).with_warnings("skewed_unequal_arms"), "b": pair(0.01)},
        alternative="greater",
    )
    assert str(family) == (
        "1 of 2 comparisons are above 0 at alpha 0.05 (bonferroni): a (+1). "
        "Warnings: skewed_unequal_arms (a)."
    )
    page = family._repr_mimebundle_()[0]["text/html"]
    assert "warnings" in page
    assert "skewed_unequal_arms" in page
    assert "or more" in page
    page = adjust_comparisons({"a": pair(100.0)})._repr_mimebundle_()[0]["text/html"]
    assert "warnings" not in page
    assert page.count("1e-338") == 2
    assert ">0<" not in page


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "tukey"},
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"alpha": float("nan")},
        {"alternative": "both"},
        {"weights": [1, 2]},
        {"method": "dunnett", "weights": [1]},
        {"method": "sidak", "weights": [1]},
    ],
)
def test_wrong_arguments_of_families_are_refused(arguments):
    with pytest.raises(UsageError):
        adjust_comparisons([pair(0.1)], **arguments)


def test_a_family_without_members_is_refused():
    with pytest.raises(UsageError):
        adjust_comparisons([])
    with pytest.raises(UsageError):
        compare_arms([1.0, 2.0], {})
    with pytest.raises(UsageError, match="by name"):
        compare_arms([1.0, 2.0], [[1.0, 2.0]])


@pytest.mark.parametrize(
    ("control", "arm", "code"),
    [
        ([], [1.0, 2.0], "too_few_units"),
        ([1.0], [2.0], "too_few_units"),
        ([1.0, 1.0], [2.0, 2.0], "constant"),
        ([1.0, np.inf], [2.0, 3.0], "not_finite"),
        ([1e300, -1e300], [2.0, 3.0], "not_finite"),
    ],
)
@pytest.mark.parametrize("variance", ["by_arm", "pooled"])
def test_arms_without_a_number_say_why(control, arm, code, variance):
    with pytest.raises(NotEstimable) as caught:
        compare_arms(control, {"a": arm}, variance=variance)
    assert caught.value.code == code


def test_only_means_have_a_pooled_variance():
    with pytest.raises(UsageError, match="one variance"):
        compare_arms([0, 1], {"a": [1, 0]}, measure="proportion", variance="pooled")
    with pytest.raises(UsageError):
        compare_arms([0, 1], {"a": [1, 0]}, variance="equal")


@pytest.mark.parametrize(
    "method", ["bonferroni", "sidak", "holm", "hochberg", "hommel", "benjamini_yekutieli"]
)
def test_p_values_that_underflow_are_adjusted_on_their_logarithms(method):
    pair = ArmPair(0.0, 1.0, ((1e-4, 0.0), (0.0, 1e-4)), None, 9, 9, "z")
    far = ArmPair(0.0, 2.0, ((1e-4, 0.0), (0.0, 1e-4)), None, 9, 9, "z")
    family = adjust_comparisons({"far": far, **dict.fromkeys("abcdefghi", pair)}, method=method)
    single = pair.test(alternative="two-sided").log10_p
    factor = {
        "bonferroni": 10.0,
        "sidak": 10.0,
        "holm": 9.0,
        "benjamini_yekutieli": 2.9289682539682538,
    }
    assert single < -1000.0
    assert family.rows[0].adjusted_p_value == 0.0
    for row in family.rows[1:]:
        assert row.adjusted_log10_p == pytest.approx(
            single + math.log10(factor.get(method, 1.0)), abs=1e-9
        )
