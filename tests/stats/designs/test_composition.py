import json
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    compare_compositions,
    compare_proportions,
    compare_ratios,
)

COUNTS = {"a": 30, "b": 20, "c": 10}
AMOUNTS = {"a": [1.0, 2.0, 0.0, 4.0], "b": [3.0, 1.0, 1.0, 0.0], "c": [0.0, 1.0, 2.0, 2.0]}


def test_shares_of_units_agree_with_r(reference):
    for case in reference("composition")["counts"]:
        got = compare_compositions(case["control"], case["treatments"])
        assert got.family == case["family"]
        for row, want in zip(got.rows, case["rows"], strict=True):
            assert (row.treatment, row.category) == (want["treatment"], want["category"])
            assert row.p_value == pytest.approx(want["p_value"], rel=1e-7)
            assert row.adjusted_p_value == pytest.approx(want["adjusted"], rel=1e-7)
        for found, want in zip(got.omnibus.values(), case["omnibus"], strict=True):
            assert found.statistic == pytest.approx(want["statistic"], rel=1e-9)
            assert (found.df, found.df_denominator) == (want["df"], None)
            assert found.p_value == pytest.approx(want["p_value"], rel=1e-7)


def test_shares_of_amounts_agree_with_r(reference):
    for case in reference("composition")["amounts"]:
        got = compare_compositions(case["control"], {"t": case["treatment"]})
        for row, want in zip(got.rows, case["rows"], strict=True):
            assert row.difference.estimate == pytest.approx(want["difference"], rel=1e-8)
            assert row.p_value == pytest.approx(want["p_value"], rel=1e-7)
            assert row.difference.lower == pytest.approx(want["lower"], rel=1e-7)
            assert row.difference.upper == pytest.approx(want["upper"], rel=1e-7)
        found, want = got.omnibus["t"], case["omnibus"]
        assert found.statistic == pytest.approx(want["statistic"], rel=1e-7)
        assert (found.df, found.df_denominator) == pytest.approx(
            (want["df"], want["df_denominator"]), rel=1e-7
        )
        assert found.p_value == pytest.approx(want["p_value"], rel=1e-6)


def test_shares_of_amounts_agree_with_the_survey_package(reference):
    for case in reference("composition")["amounts"]:
        got, want = compare_compositions(case["control"], {"t": case["treatment"]}), case["survey"]
        for row, other in zip(got.rows, want["rows"], strict=True):
            found = (row.difference.estimate, row.difference.lower, row.difference.upper)
            expected = (other["difference"], other["lower"], other["upper"])
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), case["name"]
            assert row.p_value == pytest.approx(other["p_value"], rel=1e-9)
        omnibus = got.omnibus["t"]
        nu = omnibus.df + omnibus.df_denominator - 1.0
        squared = omnibus.statistic * nu * omnibus.df / omnibus.df_denominator
        assert squared == pytest.approx(want["t_squared"], rel=1e-9)


def test_the_jackknife_says_much_the_same_of_amounts(reference):
    for case in reference("composition")["amounts"]:
        got, want = compare_compositions(case["control"], {"t": case["treatment"]}), case["survey"]
        few = min(len(column) for column in (case["control"]["c1"], case["treatment"]["c1"])) < 20
        for row, other in zip(got.rows, want["rows"], strict=True):
            reach = abs(row.difference.estimate / other["jackknife_error"])
            normal = NormalDist().inv_cdf(1.0 - row.p_value / 2.0)
            assert reach == pytest.approx(normal, rel=0.25 if few else 0.05, abs=0.01)


def test_each_share_is_its_own_comparison_at_the_level_of_the_family():
    treatment = {"a": 45, "b": 12, "c": 13}
    got = compare_compositions(COUNTS, {"t": treatment}, alpha=0.06)
    for row in got.rows:
        one = compare_proportions(
            Moments.from_counts(60, COUNTS[row.category]),
            Moments.from_counts(70, treatment[row.category]),
            confidence_level=0.98,
        )
        assert row.difference == one.absolute
        assert row.relative == one.relative
        assert row.p_value == one.p_value


def test_each_share_of_amounts_is_a_ratio_of_totals():
    rng = np.random.default_rng(1)
    arms = [{k: rng.exponential(size=n) for k in "abc"} for n in (40, 50)]
    got = compare_compositions(arms[0], {"t": arms[1]}, alpha=0.06)
    for row in got.rows:
        one = compare_ratios(
            *((arm[row.category], sum(arm.values())) for arm in arms), confidence_level=0.98
        )
        assert row.p_value == pytest.approx(one.p_value, rel=1e-9)
        assert row.relative.upper == pytest.approx(one.relative.upper, rel=1e-9)


def test_two_parts_are_one_question():
    rng = np.random.default_rng(2)
    arms = [{k: rng.exponential(size=n) for k in "ab"} for n in (40, 50)]
    got = compare_compositions(arms[0], {"t": arms[1]})
    assert got.family == 1
    assert got.rows[0].p_value == pytest.approx(got.rows[1].p_value, rel=1e-7)
    assert got.omnibus["t"].p_value == pytest.approx(got.rows[0].p_value, rel=1e-7)


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=3, max_size=6),
    st.sampled_from([0.05, 0.2]),
)
def test_adjusted_p_and_interval_say_the_same(cells, alpha):
    control = {str(i): cell[0] for i, cell in enumerate(cells)}
    treatment = {str(i): cell[1] for i, cell in enumerate(cells)}
    got = compare_compositions(control, {"t": treatment}, alpha=alpha)
    for row in got.rows:
        assert row.difference.lower <= row.difference.estimate <= row.difference.upper
        if abs(row.adjusted_p_value - alpha) > 1e-6:
            outside = row.difference.lower > 0 or row.difference.upper < 0
            assert outside == (row.adjusted_p_value < alpha)
    assert sum(row.difference.estimate for row in got.rows) == pytest.approx(0.0, abs=1e-12)
    back = compare_compositions(treatment, {"t": control}, alpha=alpha)
    for row, other in zip(got.rows, back.rows, strict=True):
        assert other.p_value == pytest.approx(row.p_value, rel=1e-9)
    turned = dict(reversed(list(control.items())))
    again = compare_compositions(turned, {"t": treatment}, alpha=alpha)
    assert {(r.category, r.p_value) for r in again.rows} == {
        (r.category, r.p_value) for r in got.rows
    }


def test_the_family_errs_as_rarely_as_promised():
    rng = np.random.default_rng(3)
    names = "abcde"
    wrong = 0
    for _ in range(500):
        arms = [
            dict(
                zip(names, rng.multinomial(300, [0.4, 0.3, 0.15, 0.1, 0.05]).tolist(), strict=True)
            )
            for _ in range(2)
        ]
        got = compare_compositions(arms[0], {"t": arms[1]})
        wrong += any(row.adjusted_p_value < 0.05 for row in got.rows)
    assert wrong / 500 <= 0.05 + 4 * (0.05 * 0.95 / 500) ** 0.5


def test_a_category_that_an_arm_lacks_counts_none_there():
    got = compare_compositions({"a": 30, "b": 20, "gone": 0}, {"t": {"a": 20, "b": 20, "new": 10}})
    assert [row.category for row in got.rows] == ["a", "b", "new"]
    new = got.rows[2]
    assert (new.control_share, new.relative.estimate) == (0.0, None)
    assert new.adjusted_p_value < 0.01


def test_units_without_an_amount_are_counted():
    rng = np.random.default_rng(6)
    control = {k: [*rng.exponential(size=30), 1.0] for k in "abc"}
    treatment = {"a": [None, 1.0, *rng.exponential(size=30)]}
    treatment |= {k: [2.0, math.nan, *rng.exponential(size=30)] for k in "bc"}
    got = compare_compositions(control, {"t": treatment})
    assert got.n == {"control": 31, "t": 30}
    assert got.nulls == {"control": 0, "t": 2}
    assert got.to_dict()["nulls"] == got.nulls
    assert "All shares at once: p = " in str(got)
    assert " (F = " in str(got)
    assert str(got).endswith("Units without a value, left out: 2.")
    assert compare_compositions(COUNTS, {"t": COUNTS}).nulls == {"control": 0, "t": 0}


def test_a_whole_that_has_no_test_says_so():
    got = compare_compositions({"a": 2, "b": 1}, {"t": {"a": 1, "b": 2}})
    assert got.omnibus == {"t": None}
    assert str(got).endswith("(1 comparison). All shares at once: not computed.")


def test_it_shows_itself_and_can_be_stored():
    several = compare_compositions(COUNTS, {"t": {"a": 5, "b": 20, "c": 40}, "u": COUNTS})
    assert str(several).startswith(
        "Shares that differ from control at family-wise alpha 0.05 (6 comparisons): a in t "
    )
    none = compare_compositions(COUNTS, {"u": COUNTS})
    assert str(none) == (
        "No share is shown to differ from control at family-wise alpha 0.05 (3 comparisons). "
        "All shares at once: p = 1 (chi-square = 0 on 2)."
    )
    assert " All shares at once: t p = " in str(several)
    assert "; u p = 1 (" in str(several)
    page = several._repr_mimebundle_()[0]["text/html"]
    assert "all shares at once" in page
    assert " points" in page
    assert json.loads(json.dumps(several.to_dict()))["n"] == {"control": 60, "t": 65, "u": 60}
    assert "simultaneous" in several._repr_mimebundle_()[0]["text/html"]


@pytest.mark.parametrize(
    ("control", "treatments"),
    [
        (COUNTS, {}),
        (COUNTS, COUNTS),
        (COUNTS, None),
        ([1, 2, 3], {"t": COUNTS}),
        (COUNTS, {"": COUNTS}),
        ({"a": -1, "b": 2}, {"t": COUNTS}),
        ({"a": 1.5, "b": 2}, {"t": COUNTS}),
        ({"a": True, "b": 2}, {"t": COUNTS}),
        ({"a": "many", "b": 2}, {"t": COUNTS}),
        ({"a": math.nan, "b": 2}, {"t": COUNTS}),
        ({"a": None, "b": 2}, {"t": COUNTS}),
        ({"a": 10}, {"t": {"a": 20}}),
        ({}, {"t": {}}),
        (AMOUNTS, {"t": COUNTS}),
        (AMOUNTS, {"t": {"a": [1.0, 2.0]}}),
        (AMOUNTS, {"t": {**AMOUNTS, "a": [1.0]}}),
        (AMOUNTS, {"t": {**AMOUNTS, "a": ["x"] * 4}}),
    ],
)
def test_what_is_no_composition_is_refused(control, treatments):
    with pytest.raises(UsageError):
        compare_compositions(control, treatments)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5, "0.05", math.nan])
def test_impossible_levels_are_refused(alpha):
    with pytest.raises(UsageError):
        compare_compositions(COUNTS, {"t": COUNTS}, alpha=alpha)


@pytest.mark.parametrize(
    ("arm", "code"),
    [
        ({"a": 0, "b": 0, "c": 0}, "too_few_units"),
        ({"a": 1, "b": 0, "c": 0}, "too_few_units"),
    ],
)
def test_arms_without_units_say_so(arm, code):
    with pytest.raises(NotEstimable) as caught:
        compare_compositions(COUNTS, {"t": arm})
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ([1.0, -2.0, 3.0, 1.0], "not_positive"),
        ([1.0, math.inf, 3.0, 1.0], "not_finite"),
        ([1e300, 1.0, 3.0, 1.0], "not_finite"),
        ([math.nan] * 3 + [1.0], "too_few_units"),
    ],
)
def test_amounts_that_cannot_be_divided_say_why(column, code):
    with pytest.raises(NotEstimable) as caught:
        compare_compositions(AMOUNTS, {"t": {**AMOUNTS, "a": column}})
    assert caught.value.code == code


def test_nothing_to_divide_says_so():
    zeros = {k: [0.0] * 4 for k in "abc"}
    with pytest.raises(NotEstimable) as caught:
        compare_compositions(AMOUNTS, {"t": zeros})
    assert caught.value.code == "zero_denominator"
    halves = {"a": [1.0, 2.0], "b": [1.0, 2.0]}
    with pytest.raises(NotEstimable) as caught:
        compare_compositions(halves, {"t": halves})
    assert caught.value.code == "constant"
