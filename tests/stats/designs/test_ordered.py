import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    ValueCounts,
    compare_means,
    compare_ordered_means,
    compare_ordered_proportions,
    compare_proportions,
)

GOOD = [[1.0, 2.0, 3.0], [3.0, 4.0, 6.0], [4.0, 4.0, 5.0]]


def trials(cells):
    return [Moments.from_counts(n, x) for x, n in cells]


def agree(got, want, rel=1e-8):
    assert got.effect.estimate == pytest.approx(want["estimate"], rel=rel)
    assert got.df == pytest.approx(want["df"], rel=rel)
    assert got.p_value == pytest.approx(want["p_value"], rel=rel)
    assert got.effect.lower == pytest.approx(want["lower"], rel=rel, abs=1e-12)
    assert got.effect.upper == pytest.approx(want["upper"], rel=rel, abs=1e-12)


def test_contrasts_over_doses_agree_with_r(reference):
    for case in reference("ordered_means")["cases"]:
        rel = 1e-6 if "large" in case["name"] else 1e-8
        got = compare_ordered_means(case["arms"], case["doses"])
        agree(got.linear, case["linear"], rel)
        if "quadratic" in case:
            agree(got.quadratic, case["quadratic"], rel * 10)
        else:
            assert got.quadratic is None
        if "t_test" in case:
            assert got.linear.p_value == pytest.approx(case["t_test"]["p_value"], rel=1e-9)
        greater = compare_ordered_means(case["arms"], case["doses"], alternative="greater")
        assert greater.linear.p_value == pytest.approx(case["linear"]["greater"], rel=rel)
        assert greater.linear.effect.upper is None


def test_two_arms_are_welch(reference):
    case = next(c for c in reference("ordered_means")["cases"] if "t_test" in c)
    got = compare_ordered_means(case["arms"], case["doses"]).linear
    want = compare_means(*case["arms"])
    assert got.effect.lower * 2.0 == pytest.approx(want.absolute.lower)  # doses 0 and 2
    assert got.df == pytest.approx(want.df)


@given(
    st.lists(
        st.lists(st.integers(0, 20), min_size=3, max_size=9).filter(lambda v: len(set(v)) > 1),
        min_size=3,
        max_size=6,
    ),
    st.sampled_from([0.5, 3.0, -2.0]),
    st.integers(-50, 50),
    st.randoms(),
)
def test_doses_and_outcomes_in_other_units_and_order(arms, scale, shift, random):
    doses = np.cumsum([random.choice([1.0, 2.0, 5.0]) for _ in arms])
    want = compare_ordered_means(arms, doses)
    order = random.sample(range(len(arms)), len(arms))
    got = compare_ordered_means(
        [[3.0 * v + 7.0 for v in arms[i]] for i in order], [doses[i] * scale + shift for i in order]
    )
    factor = 3.0 / scale
    assert got.linear.effect.estimate == pytest.approx(
        want.linear.effect.estimate * factor, rel=1e-6, abs=1e-9
    )
    assert got.linear.p_value == pytest.approx(want.linear.p_value, rel=1e-6)
    assert got.quadratic.p_value == pytest.approx(want.quadratic.p_value, rel=1e-6)
    for one in (want.linear, want.quadratic):
        outside = one.effect.lower > 0 or one.effect.upper < 0
        assert outside == (one.p_value < 0.05)
        assert one.effect.lower <= one.effect.estimate <= one.effect.upper
    for form in (lambda v: Moments.from_columns([v]), ValueCounts.from_values):
        same = compare_ordered_means([form(arm) for arm in arms], doses)
        assert same.linear.p_value == pytest.approx(want.linear.p_value, rel=1e-9)


def test_a_straight_line_has_no_bend_and_an_inverted_u_bends_downward():
    rng = np.random.default_rng(1)
    doses = [0, 1, 3, 7]
    straight = [rng.normal(2.0 * d, 1.0, 400) for d in doses]
    assert abs(compare_ordered_means(straight, doses).quadratic.statistic) < 3
    bent = [rng.normal(d * (7 - d), 1.0, 400) for d in doses]
    got = compare_ordered_means(bent, doses)
    assert got.quadratic.effect.estimate == pytest.approx(-1.0, abs=0.05)
    assert "bends downward" in str(got)


def test_false_alarms_are_as_many_as_promised():
    rng = np.random.default_rng(2)
    hits = np.zeros(2)
    for _ in range(1000):
        arms = [Moments.from_columns([rng.normal(0, s, n)]) for s, n in ((1, 10), (3, 25), (2, 8))]
        got = compare_ordered_means(arms, [0, 1, 5])
        hits += [got.linear.p_value < 0.05, got.quadratic.p_value < 0.05]
    assert hits / 1000 == pytest.approx(np.full(2, 0.05), abs=4 * (0.05 * 0.95 / 1000) ** 0.5)


def test_results_show_themselves_and_can_be_stored():
    one = compare_ordered_means(GOOD, [0, 1, 3], alternative="less")
    two = compare_ordered_proportions([[0, 1, 0], [1, 1, 0], [1, 1, 1]], [0, 1, 2])
    for got in (one, two):
        assert json.loads(json.dumps(got.to_dict()))["doses"] == list(got.doses)
        assert "dose" in got._repr_mimebundle_()[0]["text/html"]
    assert "or less" in str(one)
    assert "departure" in str(two)


def test_trends_of_shares_agree_with_r(reference):
    for case in reference("trend")["cases"]:
        arms = [
            Moments.from_counts(n, x)
            for x, n in zip(case["successes"], case["trials"], strict=True)
        ]
        got = compare_ordered_proportions(arms, case["doses"])
        assert got.linear.statistic**2 == pytest.approx(case["chi_square"], rel=1e-9)
        units = sum(case["trials"])  # statsmodels has the variance of given margins
        want = case["statsmodels"] * units / (units - 1)
        assert got.linear.statistic**2 == pytest.approx(want, rel=1e-9)
        assert got.linear.p_value == pytest.approx(case["p_value"], rel=1e-8)
        assert got.linear.effect.estimate == pytest.approx(case["slope"], rel=1e-8)
        assert got.linear.effect.lower == pytest.approx(case["lower"], rel=1e-7)
        assert got.linear.effect.upper == pytest.approx(case["upper"], rel=1e-7)
        assert got.departure.statistic == pytest.approx(case["departure"]["statistic"], rel=1e-6)
        assert got.departure.p_value == pytest.approx(case["departure"]["p_value"], rel=1e-6)


def test_limits_of_small_arms_agree_with_r(reference):
    for case in reference("trend")["small"]:
        arms = trials(zip(case["successes"], case["trials"], strict=True))
        got = compare_ordered_proportions(arms, case["doses"]).linear
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-8)
        assert got.effect.lower == pytest.approx(case["lower"], rel=1e-6)
        assert got.effect.upper == pytest.approx(case["upper"], rel=1e-6)
        assert got.effect.lower < got.effect.upper


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=5).filter(
        lambda cells: (
            all(x + y for x, y in cells) and any(x for x, _ in cells) and any(y for _, y in cells)
        )
    ),
    st.sampled_from([0.8, 0.95, 0.99]),
)
def test_the_interval_of_a_trend_says_what_its_test_says(cells, level):
    arms = trials((x, x + y) for x, y in cells)
    got = compare_ordered_proportions(arms, range(len(arms)), confidence_level=level)
    effect = got.linear.effect
    assert effect.lower <= effect.estimate <= effect.upper
    assert effect.lower < effect.upper
    if "set_has_gaps" not in got.warnings and abs(got.linear.p_value - (1.0 - level)) > 1e-9:
        assert (effect.lower > 0 or effect.upper < 0) == (got.linear.p_value < 1.0 - level)
    turned = compare_ordered_proportions(arms[::-1], range(len(arms)), confidence_level=level)
    assert turned.linear.effect.lower == pytest.approx(-effect.upper, rel=1e-7, abs=1e-12)
    assert turned.linear.effect.upper == pytest.approx(-effect.lower, rel=1e-7, abs=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 20), st.integers(1, 300), st.integers(2, 20), st.integers(1, 300))
def test_two_ordered_shares_have_the_interval_of_the_pooled_score_test(x, y, more, less):
    arms = trials([(x, x + more), (y, y + less)])
    for alternative in ("two-sided", "greater", "less"):
        got = compare_ordered_proportions(arms, [0, 1], alternative=alternative).linear.effect
        want = compare_proportions(*arms, method="pooled_z", alternative=alternative).absolute
        for ours, theirs in ((got.lower, want.lower), (got.upper, want.upper)):
            assert (ours is None) == (theirs is None)
            assert ours is None or ours == pytest.approx(theirs, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize(
    "shares", [(0.1, 0.5), (0.05, 0.95), (0.1, 0.1, 0.1), (0.1, 0.3, 0.5), (0.05, 0.5, 0.95)]
)
def test_intervals_of_small_trends_hold_as_often_as_promised(shares):
    """Exact coverage over all outcomes; the interval from the arms' own shares held in 64%."""
    n, found = 7, {}
    slope = (shares[-1] - shares[0]) / (len(shares) - 1)
    for cells in itertools.product(range(n + 1), repeat=len(shares)):
        chance = math.prod(
            math.comb(n, x) * p**x * (1.0 - p) ** (n - x)
            for x, p in zip(cells, shares, strict=True)
        )
        if chance > 1e-5 and 0 < sum(cells) < n * len(shares):
            arms = trials((x, n) for x in cells)
            effect = compare_ordered_proportions(arms, range(len(arms))).linear.effect
            held = effect.lower - 1e-12 <= slope <= effect.upper + 1e-12
            found[cells] = (chance, chance * held)
    every, held = (sum(column) for column in zip(*found.values(), strict=True))
    assert 0.91 < held / every < 0.995


def test_slopes_between_the_limits_that_the_test_rejects_are_warned_of():
    got = compare_ordered_proportions(trials([(1, 8), (0, 86), (0, 36)]), [0, 1, 2])
    assert got.linear.p_value < 0.05
    assert got.linear.effect.lower < 0.0 < got.linear.effect.upper
    assert got.warnings == ("few_events", "set_has_gaps")
    assert str(got).endswith("Warnings: few_events, set_has_gaps.")
    assert "set_has_gaps" in got._repr_mimebundle_()[0]["text/html"]


def test_an_arm_that_does_not_vary_is_warned_of():
    got = compare_ordered_means([[1, 2, 3], [2, 2, 2], [3, 4, 5]], [0, 1, 2])
    assert got.to_dict()["warnings"] == ["constant_arm"]
    assert str(got).endswith("Warnings: constant_arm.")
    assert compare_ordered_means(GOOD, [0, 1, 2]).warnings == ()


def test_what_was_asked_and_left_out_is_said():
    one = compare_ordered_means([[1, 2, None], [2, 4, 3]], [0, 1], alternative="greater")
    assert "(one-sided: the mean rises with it)" in str(one)
    assert str(one).endswith("Units without a value, left out: 1.")
    two = compare_ordered_proportions(
        [[0, 1, None, 1], [1, 0, 0, None]], [0, 1], alternative="less"
    )
    assert "(one-sided: the share falls with it)" in str(two)
    assert "Units without a value, left out: 2." in str(two)


def test_the_published_trend_of_malformations(reference):
    """Graubard & Korn (1987), Biometrics 43, 471; R's prop.trend.test: 6.5701, p = 0.01037."""
    case = reference("trend")["cases"][0]
    arms = [
        Moments.from_counts(n, x) for x, n in zip(case["successes"], case["trials"], strict=True)
    ]
    got = compare_ordered_proportions(arms, case["doses"])
    assert round(got.linear.statistic**2, 2) == 6.57
    assert got.warnings == ("few_events",)


def test_two_ordered_shares_are_the_pooled_z_test():
    arms = [Moments.from_counts(120, 30), Moments.from_counts(90, 40)]
    got = compare_ordered_proportions(arms, [1, 4])
    want = compare_proportions(*arms, method="pooled_z")
    assert got.linear.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.linear.effect.estimate * 3.0 == pytest.approx(want.absolute.estimate)
    assert got.departure is None


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=3, max_size=6),
    st.sampled_from(["greater", "less"]),
)
def test_turning_doses_or_outcomes_turns_the_trend(cells, alternative):
    arms = [Moments.from_counts(a + b, a) for a, b in cells]
    other = [Moments.from_counts(a + b, b) for a, b in cells]
    doses = list(range(len(arms)))
    want = compare_ordered_proportions(arms, doses, alternative=alternative)
    turned = "less" if alternative == "greater" else "greater"
    for got in (
        compare_ordered_proportions(arms[::-1], doses, alternative=turned),
        compare_ordered_proportions(other, doses, alternative=turned),
    ):
        assert got.linear.p_value == pytest.approx(want.linear.p_value, rel=1e-6)
    raw = [[1] * a + [0] * b for a, b in cells]
    same = compare_ordered_proportions(raw, doses, alternative=alternative)
    assert same.linear == want.linear


@pytest.mark.parametrize("function", [compare_ordered_means, compare_ordered_proportions])
@pytest.mark.parametrize(
    ("doses", "arguments"),
    [
        ([0, 1], {}),
        ([0, 1, 1], {}),
        ([0, 1, math.nan], {}),
        ([0, 1, math.inf], {}),
        (["a", "b", "c"], {}),
        ([0, 1e-300, 2e-300], {}),
        ([0, 1, 2], {"alternative": "up"}),
        ([0, 1, 2], {"confidence_level": 1.0}),
    ],
)
def test_doses_and_arguments_that_do_not_fit_are_refused(function, doses, arguments):
    with pytest.raises(UsageError):
        function([[0, 1, 1], [1, 0, 0], [1, 1, 0]], doses, **arguments)


@pytest.mark.parametrize("function", [compare_ordered_means, compare_ordered_proportions])
@pytest.mark.parametrize(
    "arms", [Moments.from_counts(3, 1), 5.0, "abc", [["a"], ["b"]], [[[1, 0]], [[0, 1]]], [[0, 1]]]
)
def test_what_are_no_arms_are_refused(function, arms):
    with pytest.raises(UsageError):
        function(arms, list(range(len(arms) if hasattr(arms, "__len__") else 1)))


@pytest.mark.parametrize(
    ("arm", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([None, math.nan, 1.0], "too_few_units"),
        ([1.0, math.inf], "not_finite"),
        ([1e300, -1e300], "not_finite"),
    ],
)
def test_arms_that_cannot_answer_say_why(arm, code):
    with pytest.raises(NotEstimable) as caught:
        compare_ordered_means([*GOOD[:2], arm], [0, 1, 2])
    assert caught.value.code == code


def test_arms_without_variation_have_no_trend():
    with pytest.raises(NotEstimable) as caught:
        compare_ordered_means([[1, 1], [2, 2], [4, 4]], [0, 1, 2])
    assert caught.value.code == "constant"
    # the middle arm has no weight in the slope: nothing else varies
    with pytest.raises(NotEstimable) as caught:
        compare_ordered_means([[1, 1], [2, 3], [4, 4]], [0, 1, 2])
    assert caught.value.code == "constant"
    for arms in ([[0, 0], [0, 0]], [[1, 1], [1, 1]]):
        with pytest.raises(NotEstimable) as caught:
            compare_ordered_proportions(arms, [0, 1])
        assert caught.value.code == "constant"
    with pytest.raises(NotEstimable) as caught:
        compare_ordered_proportions([[0, 1], [0, 2]], [0, 1])
    assert caught.value.code == "not_binary"
    with pytest.raises(NotEstimable) as caught:
        compare_ordered_proportions([[0, 1], []], [0, 1])
    assert caught.value.code == "too_few_units"


def test_no_bend_is_claimed_where_none_is_shown():
    got = compare_ordered_means([[1, 2, 3], [2, 3, 4], [3, 4, 5]], [0, 1, 2])
    assert str(got).endswith("the curve is not shown to bend (p = 1).")
