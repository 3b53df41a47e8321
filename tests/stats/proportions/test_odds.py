import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, ValueCounts, compare_odds, compare_proportions
from abtest.stats.proportions.fisher import FisherPair
from abtest.stats.proportions.score import ScorePair

FISHER = ("fisher", "fisher_central", "fisher_midp")
METHODS = ("pooled_z", "score", *FISHER)
ALTERNATIVES = ("two-sided", "greater", "less")


@st.composite
def tables(draw, largest=60):
    n0, n1 = draw(st.integers(2, largest)), draw(st.integers(2, largest))
    return draw(st.integers(0, n0)), n0, draw(st.integers(0, n1)), n1


def compared(counts, method, **options):
    x0, n0, x1, n1 = counts
    arms = Moments.from_counts(n0, x0), Moments.from_counts(n1, x1)
    return compare_odds(*arms, method=method, **options)


def ends(interval):
    low = -1.0 if interval.lower is None else interval.lower
    high = math.inf if interval.upper is None else interval.upper
    return low, high


def exact_p_value(counts, alternative, method="fisher"):
    """Fisher's p-value in whole numbers."""
    x0, n0, x1, n1 = counts
    m = x0 + x1
    support = range(max(0, m - n0), min(n1, m) + 1)
    weights = {k: math.comb(n1, k) * math.comb(n0, m - k) for k in support}
    if alternative == "two-sided":
        extreme = [w for w in weights.values() if w <= weights[x1]]
    else:
        extreme = [
            w for k, w in weights.items() if (k >= x1 if alternative == "greater" else k <= x1)
        ]
    alone = len(weights) == 1  # says nothing, mid-p or not
    half = Fraction(weights[x1], 2) if method == "fisher_midp" and not alone else 0
    return float(Fraction(sum(extreme) - half, sum(weights.values())))


def same(got, want, **tolerance):
    assert got == (None if want is None else pytest.approx(want, **tolerance))


def test_p_values_and_estimates_are_those_of_r(reference):
    for case in reference("odds")["fisher"]:
        counts = (*case["control"], *case["treatment"])
        got = compared(counts, "fisher")
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-9), case
        for side in ("greater", "less"):
            one = compared(counts, "fisher", alternative=side)
            assert one.p_value == pytest.approx(case[side], rel=1e-9), case
        midp = compared(counts, "fisher_midp")
        assert midp.p_value == pytest.approx(case["midp"], rel=1e-9), case
        if case["estimate"] is None:
            assert got.estimate is None
        else:
            assert got.details["odds_ratio"] == pytest.approx(case["estimate"], rel=2e-4, abs=1e-9)


def test_central_and_one_sided_limits_are_those_of_r(reference):
    for case in reference("odds")["fisher"]:
        counts = (*case["control"], *case["treatment"])
        central = compared(counts, "fisher_central").relative
        assert central.lower + 1 == pytest.approx(case["central_lower"], rel=1e-2, abs=1e-9)
        upper = None if central.upper is None else central.upper + 1
        same(upper, case["central_upper"], rel=1e-2)
        greater = compared(counts, "fisher", alternative="greater").relative
        assert greater.upper is None
        assert greater.lower + 1 == pytest.approx(case["greater_lower"], rel=1e-2, abs=1e-9)
        less = compared(counts, "fisher", alternative="less").relative
        same(None if less.upper is None else less.upper + 1, case["less_upper"], rel=1e-2)


def test_limits_of_the_two_sided_test_are_those_of_a_fine_grid(reference):
    for case in reference("odds")["fisher"]:
        counts = (*case["control"], *case["treatment"])
        for method, name in (("fisher", ""), ("fisher_midp", "midp_")):
            low, high = ends(compared(counts, method).relative)
            if case[f"{name}lower"] is not None:
                assert low + 1 == pytest.approx(case[f"{name}lower"], rel=1e-8), case
            if case[f"{name}upper"] is not None:
                assert high + 1 == pytest.approx(case[f"{name}upper"], rel=1e-8), case


def test_limits_and_p_values_are_the_published_ones(reference):
    for case in reference("odds")["published"]:
        got = ends(compared((*case["control"], *case["treatment"]), case["method"]).relative)
        want = case["lower"], case["upper"]
        assert (1 + got[0], 1 + got[1]) == pytest.approx(want, rel=case["rel"], abs=1e-9), case
    for case in reference("odds")["book"]:
        got = compared((*case["control"], *case["treatment"]), case["method"])
        assert got.p_value == pytest.approx(case["p_value"], abs=0.51e-5)


def test_score_limits_are_those_of_an_independent_computation(reference):
    for case in reference("odds")["score"]:
        low, high = ends(compared((*case["control"], *case["treatment"]), case["method"]).relative)
        if case["odds_lower"] is not None:
            assert low + 1 == pytest.approx(case["odds_lower"], rel=1e-8), case
        if case["odds_upper"] is not None:
            assert high + 1 == pytest.approx(case["odds_upper"], rel=1e-8), case


@given(counts=tables(), alternative=st.sampled_from(ALTERNATIVES))
def test_p_values_are_those_of_whole_numbers(counts, alternative):
    for method in ("fisher", "fisher_midp"):
        got = compared(counts, method, alternative=alternative)
        assert got.p_value == pytest.approx(exact_p_value(counts, alternative, method), rel=1e-9)


@given(counts=tables(), alternative=st.sampled_from(ALTERNATIVES))
def test_p_values_are_those_of_scipy(counts, alternative):
    from scipy.stats import fisher_exact

    x0, n0, x1, n1 = counts
    want = fisher_exact([[x1, n1 - x1], [x0, n0 - x0]], alternative=alternative)
    got = compared(counts, "fisher", alternative=alternative)
    assert got.p_value == pytest.approx(want.pvalue, rel=1e-7)


@pytest.mark.parametrize("method", METHODS)
@given(
    counts=tables(),
    log_ratio=st.floats(-4, 4),
    alternative=st.sampled_from(ALTERNATIVES),
    level=st.floats(0.6, 0.99),
)
def test_no_odds_ratio_outside_the_interval_is_kept(method, counts, log_ratio, alternative, level):
    pair = (
        FisherPair(*counts, method=method)
        if method in FISHER
        else ScorePair(*counts, method="miettinen_nurminen" if method == "score" else method)
    )
    low, high = ends(pair.odds(level, alternative))
    p_value = pair.odds_test(math.exp(log_ratio), alternative).p_value
    assume(abs(p_value - (1 - level)) > 1e-7)
    inside = low <= math.expm1(log_ratio) <= high
    assert inside or p_value < 1 - level
    if method not in ("fisher", "fisher_midp") or alternative != "two-sided":
        assert inside == (p_value > 1 - level)  # sets of these tests have no gaps


@pytest.mark.parametrize("method", METHODS)
@given(counts=tables(), level=st.floats(0.6, 0.99))
def test_p_is_below_alpha_where_the_interval_excludes_1_or_a_gap_is_said(method, counts, level):
    got = compared(counts, method, confidence_level=level)
    assume(abs(got.p_value - (1 - level)) > 1e-7)
    low, high = ends(got.relative)
    excluded = low > 0 or high < 0 or "set_has_gaps" in got.warnings
    assert excluded == (got.p_value < 1 - level)


def test_the_table_of_the_gap_says_so():
    got = compared((7, 262, 30, 494), "fisher")
    assert got.p_value < 0.05
    assert got.relative.lower < 0 < got.relative.upper
    assert got.warnings == ("set_has_gaps",)
    assert compared((7, 262, 30, 494), "fisher_central").warnings == ()


@pytest.mark.parametrize("method", METHODS)
@given(counts=tables())
def test_swapping_arms_or_successes_turns_the_odds_ratio_over(method, counts):
    x0, n0, x1, n1 = counts
    got = compared(counts, method)
    low, high = ends(got.relative)
    for mirror in ((x1, n1, x0, n0), (n0 - x0, n0, n1 - x1, n1)):
        other = compared(mirror, method)
        assert other.p_value == pytest.approx(got.p_value, rel=1e-9)
        turned = ends(other.relative)
        assert turned[0] + 1 == pytest.approx(1 / (1 + high), rel=1e-7, abs=1e-12)
        if low > -1:
            assert turned[1] + 1 == pytest.approx(1 / (1 + low), rel=1e-7)


@pytest.mark.parametrize("method", METHODS)
@given(counts=tables(), level=st.floats(0.6, 0.999))
def test_the_estimate_lies_in_its_interval(method, counts, level):
    got = compared(counts, method, confidence_level=level).relative
    if got.estimate is not None:
        low, high = ends(got)
        assert low - 1e-9 <= got.estimate <= high + 1e-9


@given(counts=tables())
def test_the_score_test_of_odds_is_that_of_the_difference(counts):
    x0, n0, x1, n1 = counts
    arms = Moments.from_counts(n0, x0), Moments.from_counts(n1, x1)
    for method in ("score", "pooled_z"):
        want = compare_proportions(*arms, method=method).p_value
        assert compare_odds(*arms, method=method).p_value == pytest.approx(want, rel=1e-9)


@settings(max_examples=20)
@given(n=st.tuples(st.integers(2, 12), st.integers(2, 12)))
def test_the_exact_tests_keep_their_level_whatever_the_share(n):
    n0, n1 = n
    pairs = [(x0, x1) for x0 in range(n0 + 1) for x1 in range(n1 + 1)]
    tables_of = {pair: FisherPair(pair[0], n0, pair[1], n1) for pair in pairs}
    for alpha in (0.05, 0.2):
        for alternative in ALTERNATIVES:
            rejected = [
                pair
                for pair, table in tables_of.items()
                if table.odds_test(alternative=alternative).p_value <= alpha
            ]
            for share in np.linspace(0.01, 0.99, 33):
                size = sum(
                    math.comb(n0, a)
                    * math.comb(n1, b)
                    * share ** (a + b)
                    * (1 - share) ** (n0 + n1 - a - b)
                    for a, b in rejected
                )
                assert size <= alpha + 1e-12


@pytest.mark.parametrize(
    ("counts", "status", "estimate"),
    [
        ((0, 40, 0, 50), "unbounded", None),
        ((40, 40, 50, 50), "unbounded", None),
        ((0, 40, 20, 50), "half_line", None),
        ((5, 40, 50, 50), "half_line", None),
        ((5, 40, 0, 50), "bounded", -1.0),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_empty_cells_have_a_state(method, counts, status, estimate):
    got = compared(counts, method)
    assert (got.relative.status, got.relative.estimate) == (status, estimate)
    assert got.absolute.estimate is None
    if status == "unbounded":
        assert got.p_value == 1.0


def test_arrays_moments_and_value_counts_answer_the_same():
    control, treatment = [0.0, 1.0, 1.0, 0.0, None, 0.0], [True, True, False, True, True]
    for method in METHODS:
        want = compare_odds(
            Moments.from_counts(5, 2, nulls=1), Moments.from_counts(5, 4), method=method
        ).to_dict()
        assert compare_odds(control, treatment, method=method).to_dict() == want
        counted = [
            ValueCounts.from_values(np.array(arm, dtype=float)) for arm in (control, treatment)
        ]
        assert compare_odds(*counted, method=method).to_dict() == want


def test_fisher_of_proportions_is_the_comparison_of_odds():
    arms = Moments.from_counts(17, 12), Moments.from_counts(18, 6)
    for method in FISHER:
        got = compare_proportions(*arms, method=method)
        assert got == compare_odds(*arms, method=method)
        assert (got.scale, got.measure) == ("ratio", "odds")
    assert "odds: relative -78.11% (95% interval -95.64% to -8.30%)" in str(
        compare_proportions(*arms, method="fisher")
    )
    with pytest.raises(UsageError, match="Welch"):
        compare_proportions(
            [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], method="fisher", covariates=([1, 2, 3], [3, 2, 2])
        )


def test_far_tails_keep_their_logarithm_and_large_tables_an_answer():
    far = compared((1000, 20_000, 19_000, 20_000), "fisher")
    assert far.p_value == 0.0
    assert -20_000 < far.log10_p < -5_000
    large = compared((8502, 44700, 8279, 45489), "fisher")
    score = compared((8502, 44700, 8279, 45489), "score")
    assert ends(large.relative) == pytest.approx(ends(score.relative), rel=2e-2)
    assert large.p_value == pytest.approx(score.p_value, rel=0.05)
