import math
import time

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, compare_proportions
from abtest.stats.proportions.barnard import BarnardPair
from abtest.stats.proportions.boschloo import BoschlooPair
from abtest.stats.proportions.fisher import FisherPair
from abtest.stats.proportions.nuisance import log_size
from abtest.stats.proportions.score_statistics import difference_scores, ratio_scores

PAIRS = {"barnard": BarnardPair, "boschloo": BoschlooPair}
ALTERNATIVES = ("two-sided", "greater", "less")


@st.composite
def tables(draw, largest=25):
    n0, n1 = draw(st.integers(2, largest)), draw(st.integers(2, largest))
    return draw(st.integers(0, n0)), n0, draw(st.integers(0, n1)), n1


def compared(counts, method, **options):
    x0, n0, x1, n1 = counts
    arms = Moments.from_counts(n0, x0), Moments.from_counts(n1, x1)
    return compare_proportions(*arms, method=method, **options)


def ends(interval, low=-1.0, high=math.inf):
    return (
        low if interval.lower is None else interval.lower,
        high if interval.upper is None else interval.upper,
    )


def size(region, share):
    """Probability of a region under a common share, term by term."""
    n0, n1 = region.shape[0] - 1, region.shape[1] - 1
    return sum(
        math.comb(n0, a) * math.comb(n1, b) * share ** (a + b) * (1 - share) ** (n0 + n1 - a - b)
        for a, b in np.argwhere(region)
    )


def test_p_values_are_those_of_a_brute_force_search(reference):
    for case in reference("unconditional")["p_values"]:
        counts = (*case["control"], *case["treatment"])
        for name, alternative in (("", "two-sided"), ("_greater", "greater"), ("_less", "less")):
            got = compared(counts, "barnard", alternative=alternative).p_value
            assert got == pytest.approx(case[f"barnard{name}"], rel=1e-8), case
        sides = [case["boschloo_greater"], case["boschloo_less"]]
        for alternative, want in zip(ALTERNATIVES[1:], sides, strict=True):
            got = compared(counts, "boschloo", alternative=alternative).p_value
            assert got == pytest.approx(want, rel=1e-8), case
        got = compared(counts, "boschloo").p_value
        assert got == pytest.approx(min(1.0, 2 * min(sides)), rel=1e-8), case


def test_limits_are_those_of_a_brute_force_search(reference):
    for case in reference("unconditional")["barnard"]:
        got = compared((*case["control"], *case["treatment"]), "barnard").absolute
        assert ends(got) == pytest.approx((case["lower"], case["upper"]), abs=2e-6), case
    for case in reference("unconditional")["boschloo"]:
        got = compared((*case["control"], *case["treatment"]), "boschloo")
        assert ends(got.absolute) == pytest.approx((case["lower"], case["upper"]), abs=1e-6), case
        want = case["ratio_lower"], case["ratio_upper"]
        for value, wanted in zip(ends(got.relative), want, strict=True):
            if wanted is not None:
                assert value + 1 == pytest.approx(wanted, rel=1e-5), case


def test_p_values_of_known_examples(reference):
    for case in reference("unconditional")["examples"]:
        counts = (*case["control"], *case["treatment"])
        got = compared(counts, case["method"], alternative=case["alternative"]).p_value
        assert got == pytest.approx(case["p_value"], abs=0.51 * 10 ** -case["decimals"]), case


@settings(max_examples=5)
@given(counts=tables(12))
def test_boschloo_is_that_of_scipy_and_barnard_never_below_it(counts):
    from scipy.stats import barnard_exact, boschloo_exact

    x0, n0, x1, n1 = counts
    assume(0 < x0 + x1 < n0 + n1)
    table = [[x1, x0], [n1 - x1, n0 - x0]]
    for alternative in ALTERNATIVES:
        want = boschloo_exact(table, alternative=alternative).pvalue
        got = compared(counts, "boschloo", alternative=alternative).p_value
        assert got == pytest.approx(want, rel=1e-5)
        # SciPy drops tables with the same statistic, and can only be too small
        scipy = barnard_exact(table, alternative=alternative).pvalue
        assert compared(counts, "barnard", alternative=alternative).p_value > scipy - 1e-7


@settings(max_examples=30)
@given(
    n=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    seed=st.integers(0, 10_000),
    share=st.floats(0.0, 0.7),
)
def test_the_maximum_over_the_nuisance_parameter_is_certain(n, seed, share):
    region = np.random.default_rng(seed).random((n[0] + 1, n[1] + 1)) < share
    found = math.exp(log_size(region))
    grid = [size(region, p) for p in np.linspace(0.0, 1.0, 401)]
    assert found >= max(grid) * (1 - 1e-9)
    # and it is a probability that is reached, not only a bound
    best = int(np.argmax(grid))
    around = np.linspace(max(best - 1, 0) / 400, min(best + 1, 400) / 400, 2001)
    assert found <= max(*grid, *(size(region, p) for p in around)) * (1 + 1e-4) + 1e-15


def test_two_peaks_of_nearly_the_same_height_are_told_apart():
    region = np.zeros((31, 31), dtype=bool)
    region[3, 2] = region[27, 28] = True
    assert math.exp(log_size(region)) == pytest.approx(size(region, 5 / 60), rel=1e-9)
    region[25, 28] = True
    grid = [size(region, p) for p in np.linspace(0.8, 0.95, 3001)]
    assert math.exp(log_size(region)) == pytest.approx(max(grid), rel=1e-6)


@pytest.mark.parametrize("method", sorted(PAIRS))
def test_the_tests_keep_their_level_whatever_the_share(method):
    for n0, n1 in ((4, 4), (7, 7), (5, 9), (10, 3)):
        every = [(a, b) for a in range(n0 + 1) for b in range(n1 + 1)]
        for alternative in ALTERNATIVES:
            p_values = {
                (a, b): PAIRS[method](a, n0, b, n1).test(alternative=alternative).p_value
                for a, b in every
            }
            for alpha in (0.01, 0.05, 0.2):
                region = np.zeros((n0 + 1, n1 + 1), dtype=bool)
                for table, p_value in p_values.items():
                    region[table] = p_value <= alpha
                assert max(size(region, p) for p in np.linspace(0, 1, 201)) <= alpha + 1e-9


@settings(max_examples=40)
@given(counts=tables(), alternative=st.sampled_from(["greater", "less"]))
def test_boschloo_is_at_least_as_powerful_as_fisher(counts, alternative):
    fisher = FisherPair(*counts).odds_test(alternative=alternative).p_value
    got = BoschlooPair(*counts).test(alternative=alternative).p_value
    assert got <= fisher * (1 + 1e-8)


@pytest.mark.parametrize("method", sorted(PAIRS))
@settings(max_examples=15)
@given(counts=tables(), alternative=st.sampled_from(ALTERNATIVES), level=st.floats(0.6, 0.99))
def test_p_is_below_alpha_where_the_intervals_exclude_no_effect_or_a_gap_is_said(
    method, counts, alternative, level
):
    got = compared(counts, method, alternative=alternative, confidence_level=level)
    assume(abs(got.p_value - (1 - level)) > 1e-5)
    rejected = got.p_value < 1 - level
    said = "set_has_gaps" in got.warnings
    assert not (said and method == "boschloo")
    for interval in (got.absolute, got.relative):
        low, high = ends(interval, low=-math.inf)
        excluded = low > 0 or high < 0
        assert excluded <= rejected
        assert rejected <= (excluded or said)


@pytest.mark.parametrize("method", sorted(PAIRS))
@settings(max_examples=10)
@given(counts=tables(16), bound=st.floats(-0.8, 0.8), alternative=st.sampled_from(ALTERNATIVES))
def test_no_bound_outside_the_interval_is_kept_but_for_islands_of_barnard(
    method, counts, bound, alternative
):
    pair = PAIRS[method](*counts)
    low, high = ends(pair.absolute(0.9, alternative))
    assume(bound < low - 1e-4 or bound > high + 1e-4)
    # an island that is narrower than a step of Barnard's search can be missed: p is just above
    islands = 0.02 if method == "barnard" and alternative == "two-sided" else 1e-5
    assert pair.test(absolute=bound, alternative=alternative).p_value <= 0.1 + islands


@pytest.mark.parametrize("method", sorted(PAIRS))
@settings(max_examples=6)
@given(counts=tables())
def test_swapping_arms_or_successes_mirrors_difference_and_p(method, counts):
    x0, n0, x1, n1 = counts
    got = compared(counts, method)
    low, high = ends(got.absolute)
    for mirror in ((x1, n1, x0, n0), (n0 - x0, n0, n1 - x1, n1)):
        other = compared(mirror, method)
        assert other.p_value == pytest.approx(got.p_value, rel=1e-8)
        if method == "barnard" or (mirror[1] == n0 and mirror[0] == n0 - x0):
            assert ends(other.absolute) == pytest.approx((-high, -low), abs=1e-5)


@pytest.mark.parametrize("method", sorted(PAIRS))
@settings(max_examples=10)
@given(counts=tables(), level=st.floats(0.6, 0.99))
def test_the_estimate_lies_in_its_interval(method, counts, level):
    got = compared(counts, method, confidence_level=level)
    low, high = ends(got.absolute)
    assert low - 1e-9 <= got.absolute.estimate <= high + 1e-9
    if got.relative.estimate is not None:
        low, high = ends(got.relative)
        assert low - 1e-9 <= got.relative.estimate <= high + 1e-9


@settings(max_examples=60)
@given(
    n=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    bound=st.floats(-0.99, 0.99),
    log_ratio=st.floats(-5, 5),
)
@example(n=(3, 28), bound=0.9375, log_ratio=0.0)
@example(n=(27, 4), bound=0.9375, log_ratio=0.0)
def test_score_statistics_rise_with_treatment_and_fall_with_control(n, bound, log_ratio):
    a, b = np.arange(n[0] + 1.0)[:, None], np.arange(n[1] + 1.0)[None, :]
    counts = a, float(n[0]), b, float(n[1])
    for scores in (
        difference_scores(counts, bound, corrected=False),
        ratio_scores(counts, math.exp(log_ratio), corrected=False),
    ):
        bounded = np.clip(scores, -1e6, 1e6)
        assert (np.diff(bounded, axis=1) > -1e-6).all()
        assert (np.diff(bounded, axis=0) < 1e-6).all()


def test_one_side_holds_islands_narrower_than_a_step_and_says_where_0_lies_between(reference):
    for case in reference("unconditional")["islands"]:
        counts = (*case["control"], *case["treatment"])
        options = {"alternative": case["alternative"], "confidence_level": case["level"]}
        got = compared(counts, "barnard", **options)
        limit = getattr(got, case["scale"]).lower
        assert limit == pytest.approx(case["lower"], abs=1e-5), case
        assert ("set_has_gaps" in got.warnings) == case["gap_at_none"]


def test_ties_of_symmetric_designs_are_kept():
    # by hand: z^2 of (0, 3) and (3, 0) tie, and so do all mirror images; p = 2 (1/2)^6 at 1/2
    assert compared((0, 3, 3, 3), "barnard").p_value == pytest.approx(2 * 0.5**6, rel=1e-12)
    assert compared((0, 3, 3, 3), "boschloo").p_value == pytest.approx(2 * 0.5**6, rel=1e-12)


def test_500_units_per_arm_take_less_than_a_second():
    begin = time.perf_counter()
    p_value = BoschlooPair(200, 500, 240, 500).test().p_value
    assert time.perf_counter() - begin < 1.0
    assert p_value == pytest.approx(0.0111755870, rel=1e-7)


def test_far_tails_keep_their_logarithm():
    for pair in PAIRS.values():
        far = pair(0, 700, 700, 700).test()
        assert far.log10_p == pytest.approx(1399 * math.log10(0.5), rel=1e-9)


def test_too_many_tables_are_refused():
    for method in PAIRS:
        with pytest.raises(UsageError, match="every possible table"):
            compared((10, 5000, 20, 5000), method)


@pytest.mark.parametrize("method", sorted(PAIRS))
@pytest.mark.parametrize(
    ("counts", "status", "p_is_one"),
    [
        ((0, 9, 0, 12), "unbounded", True),
        ((9, 9, 12, 12), "bounded", True),
        ((0, 9, 5, 12), "half_line", False),
        ((5, 9, 0, 12), "bounded", False),
    ],
)
def test_empty_cells_have_a_state(method, counts, status, p_is_one):
    got = compared(counts, method)
    assert got.relative.status == status
    assert (got.p_value == 1.0) == p_is_one
    assert got.absolute.lower <= got.absolute.estimate <= got.absolute.upper
    assert (got.statistic is None) == (method == "boschloo")


def test_a_large_effect_leaves_boschloos_interval_narrow_on_both_sides():
    """Next to 1, Fisher's p-values differ by less than their last digit and are no ties."""
    got = compare_proportions(
        Moments.from_counts(500, 100), Moments.from_counts(500, 250), method="boschloo"
    )
    score = compare_proportions(Moments.from_counts(500, 100), Moments.from_counts(500, 250))
    assert got.absolute.lower <= score.absolute.lower < score.absolute.upper <= got.absolute.upper
    assert got.absolute.upper - got.absolute.lower < 1.5 * (
        score.absolute.upper - score.absolute.lower
    )


def test_the_wrong_side_of_a_large_effect_has_a_p_value_next_to_1():
    got = compare_proportions(
        Moments.from_counts(100, 10),
        Moments.from_counts(100, 60),
        method="boschloo",
        alternative="less",
    )
    assert 1 - 1e-9 < got.p_value <= 1
