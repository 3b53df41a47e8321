import math

import numpy as np
import pytest
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, MomentsTable, ValueCounts, compare_proportions
from abtest.stats.proportions.hybrid import HybridPair
from abtest.stats.proportions.score import ScorePair
from abtest.stats.proportions.two_by_two import TwoByTwo
from abtest.stats.proportions.wald import AddedPair, wald_pair

METHODS = ("agresti_caffo", "newcombe", "pooled_z", "score", "wald", "welch")
ALTERNATIVES = ("two-sided", "greater", "less")
PAIRS = {
    "agresti_caffo": AddedPair,
    "newcombe": HybridPair,
    "pooled_z": lambda *counts: ScorePair(*counts, method="pooled_z"),
    "wald": lambda *counts: wald_pair(TwoByTwo(*counts)),
}


@st.composite
def tables(draw, largest=200):
    n0, n1 = draw(st.integers(2, largest)), draw(st.integers(2, largest))
    return draw(st.integers(0, n0)), n0, draw(st.integers(0, n1)), n1


def compared(counts, method, **options):
    x0, n0, x1, n1 = counts
    # two methods have no answer where there is no variance
    if method in ("wald", "welch") and x0 in (0, n0) and x1 in (0, n1):
        reject()
    arms = Moments.from_counts(n0, x0), Moments.from_counts(n1, x1)
    return compare_proportions(*arms, method=method, **options)


def ends(interval):
    low = -math.inf if interval.lower is None else interval.lower
    high = math.inf if interval.upper is None else interval.upper
    return low, high


def test_limits_and_p_values_are_those_of_an_independent_computation(reference):
    for case in reference("two_proportions")["computed"]:
        (x0, n0), (x1, n1) = case["control"], case["treatment"]
        got = compared((x0, n0, x1, n1), case["method"])
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-9), case
        assert got.statistic == pytest.approx(case["statistic"], rel=1e-9), case
        for name in ("lower", "upper"):
            if case[name] is not None:
                assert getattr(got.absolute, name) == pytest.approx(case[name], abs=1e-9), case
            if case[f"ratio_{name}"] is not None and case["method"] != "wald":
                value = getattr(got.relative, name) + 1.0
                want = max(case[f"ratio_{name}"], 0.0)  # Fieller's set, cut off at no share
                assert value == pytest.approx(want, rel=1e-9, abs=1e-9), case


def test_limits_are_the_published_ones(reference):
    for case in reference("two_proportions")["published"]:
        (x0, n0), (x1, n1) = case["control"], case["treatment"]
        got = compared((x0, n0, x1, n1), case["method"])
        for name in ("lower", "upper"):
            if name in case:
                value = getattr(got.absolute, name)
                assert value == pytest.approx(case[name], abs=0.51e-4), case
            if f"ratio_{name}" in case:
                value = getattr(got.relative, name) + 1.0
                assert value == pytest.approx(case[f"ratio_{name}"], abs=0.51e-4), case


def test_pooled_z_is_chi_square_and_wald_the_interval_of_prop_test(reference):
    for case in reference("two_proportions")["prop_test"]:
        (x0, n0), (x1, n1) = case["control"], case["treatment"]
        counts = x0, n0, x1, n1
        assert compared(counts, "pooled_z").p_value == pytest.approx(case["p_value"], rel=1e-9)
        wald = compared(counts, "wald").absolute
        assert wald.lower == pytest.approx(case["lower"], abs=1e-12)
        assert wald.upper == pytest.approx(case["upper"], abs=1e-12)


@pytest.mark.parametrize(
    ("method", "compare"),
    [("newcombe", "newcomb"), ("agresti_caffo", "agresti-caffo"), ("wald", "wald")],
)
def test_intervals_are_those_of_statsmodels(method, compare):
    from statsmodels.stats.proportion import confint_proportions_2indep

    for x0, n0, x1, n1 in [(48, 80, 56, 70), (3, 10, 9, 10), (1, 34, 7, 34), (5, 900, 40, 1000)]:
        lower, upper = confint_proportions_2indep(x1, n1, x0, n0, method=compare)
        got = compared((x0, n0, x1, n1), method).absolute
        assert (got.lower, got.upper) == pytest.approx((lower, upper), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(counts=tables(), alternative=st.sampled_from(ALTERNATIVES), level=st.floats(0.5, 0.999))
def test_p_is_below_alpha_exactly_where_the_intervals_exclude_no_effect(
    method, counts, alternative, level
):
    got = compared(counts, method, alternative=alternative, confidence_level=level)
    assume(abs(got.p_value - (1 - level)) > 1e-7)
    low, high = ends(got.absolute)
    assert (low > 0 or high < 0) == (got.p_value < 1 - level)
    if got.relative.status == "undefined":
        return
    low, high = ends(got.relative)
    excluded = low < 0 < high if got.relative.status == "two_rays" else low > 0 or high < 0
    assert excluded == (got.p_value < 1 - level)


@pytest.mark.parametrize("method", sorted(PAIRS))
@given(counts=tables(), bound=st.floats(-0.9, 0.9), alternative=st.sampled_from(ALTERNATIVES))
def test_a_bound_is_rejected_exactly_where_the_intervals_leave_it_out(
    method, counts, bound, alternative
):
    x0, n0, x1, n1 = counts
    assume(not (method == "wald" and x0 in (0, n0) and x1 in (0, n1)))
    pair = PAIRS[method](*counts)
    p_value = pair.test(absolute=bound, alternative=alternative).p_value
    assume(abs(p_value - 0.1) > 1e-7)
    low, high = ends(pair.absolute(0.9, alternative))
    assert (low <= bound <= high) == (p_value > 0.1)
    relative = pair.relative(0.9, alternative)
    assume(relative.status in ("bounded", "half_line"))
    p_value = pair.test(relative=bound, alternative=alternative).p_value
    assume(abs(p_value - 0.1) > 1e-7)
    low, high = ends(relative)
    assert (low <= bound <= high) == (p_value > 0.1)


@pytest.mark.parametrize("method", METHODS)
@given(counts=tables())
def test_swapping_arms_or_successes_mirrors_difference_and_p(method, counts):
    x0, n0, x1, n1 = counts
    got = compared(counts, method)
    low, high = ends(got.absolute)
    for mirror in ((x1, n1, x0, n0), (n0 - x0, n0, n1 - x1, n1)):
        other = compared(mirror, method)
        assert other.p_value == pytest.approx(got.p_value, rel=1e-7)
        assert ends(other.absolute) == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize("method", ["score", "pooled_z", "newcombe"])
@given(counts=tables())
def test_swapping_arms_turns_the_ratio_over(method, counts):
    x0, n0, x1, n1 = counts
    assume(0 < x0 < n0 and 0 < x1 < n1)
    low, high = ends(compared(counts, method).relative)
    other = ends(compared((x1, n1, x0, n0), method).relative)
    assert other == pytest.approx((1 / (1 + high) - 1, 1 / (1 + low) - 1), rel=1e-7)


@pytest.mark.parametrize("method", METHODS)
@given(counts=tables())
def test_the_estimate_lies_in_its_interval(method, counts):
    got = compared(counts, method)
    low, high = ends(got.absolute)
    assert low - 1e-12 <= got.absolute.estimate <= high + 1e-12
    if got.relative.status == "bounded" and method != "agresti_caffo":
        low, high = ends(got.relative)
        assert low - 1e-9 <= got.relative.estimate <= high + 1e-9


@pytest.mark.parametrize("method", METHODS)
@given(values=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=60))
def test_arrays_moments_and_value_counts_answer_the_same(method, values):
    control, treatment = (np.array(arm, dtype=float) for arm in zip(*values, strict=True))
    counts = int(control.sum()), control.size, int(treatment.sum()), treatment.size
    want = compared(counts, method).to_dict()
    cut = control.size // 2
    parts = [
        (Moments.from_columns([arm[:cut]]) + Moments.from_columns([arm[cut:]]))
        for arm in (control, treatment)
    ]
    for arms in (
        (control, treatment),
        (control[::-1].astype(bool), list(treatment[::-1])),
        parts,
        (ValueCounts.from_values(control), ValueCounts.from_values(treatment)),
    ):
        got = compare_proportions(*arms, method=method).to_dict()
        assert got["method"] == want["method"]
        assert got["p_value"] == pytest.approx(want["p_value"], rel=1e-9)
        for name in ("absolute", "relative"):
            for end in ("lower", "upper", "estimate"):
                wanted = want[name][end]
                assert got[name][end] == (
                    None if wanted is None else pytest.approx(wanted, rel=1e-9, abs=1e-12)
                )


def test_huge_and_rare_samples_keep_their_digits():
    rare = 3, 10**9, 9, 10**9
    got = compared(rare, "score")
    pooled = compared(rare, "pooled_z")
    assert pooled.statistic == pytest.approx(6 / math.sqrt(12 * (1 - 6e-9)), rel=1e-12)
    assert got.statistic == pytest.approx(pooled.statistic, rel=1e-8)
    assert got.absolute.lower < 0 < got.absolute.upper < 3e-8
    far = compared((10**8, 10**9, 2 * 10**8, 10**9), "newcombe")
    assert far.p_value == 0.0
    assert -1e9 < far.log10_p < -1e6


def test_covariates_ask_for_the_adjusted_difference_of_means():
    rng = np.random.default_rng(5)
    past = rng.normal(size=(2, 300))
    outcome = (past + rng.normal(size=(2, 300)) > 0.5).astype(float)
    got = compare_proportions(outcome[0], outcome[1], covariates=(past[0], past[1]))
    assert (got.method, got.measure, got.warnings) == ("welch_cuped", "proportion", ())
    assert got.variance_reduction > 0.1
    rare = compare_proportions(
        [1.0] * 3 + [0.0] * 7,
        [0.0] * 8 + [1.0] * 2,
        covariates=(
            [float(v) for v in range(10)],
            [*range(9), None],
        ),
    )
    assert (rare.method, rare.warnings) == ("welch_cuped", ("few_events", "covariate_missing"))
    with pytest.raises(UsageError, match="Welch"):
        compare_proportions(outcome[0], outcome[1], method="wald", covariates=tuple(past))


def test_the_score_method_is_the_default_for_any_counts():
    for counts in ((1, 100, 9, 100), (8502, 44700, 8279, 45489)):
        assert compared(counts, "score").method == "miettinen_nurminen"
    x0, n0, x1, n1 = 8502, 44700, 8279, 45489
    got = compare_proportions(Moments.from_counts(n0, x0), Moments.from_counts(n1, x1))
    assert (got.method, round(got.p_value, 5)) == ("miettinen_nurminen", 0.00155)
    assert round(compared((x0, n0, x1, n1), "welch").p_value, 5) == 0.00156


@given(counts=tables(40), alternative=st.sampled_from(ALTERNATIVES), level=st.floats(0.5, 0.999))
@example(counts=(1, 3, 0, 3), alternative="two-sided", level=0.95)
@example(counts=(0, 3, 0, 3), alternative="two-sided", level=0.8)
def test_added_units_make_no_share_fall_by_more_than_everything(counts, alternative, level):
    x0, n0, x1, n1 = counts
    options = {"method": "agresti_caffo", "alternative": alternative, "confidence_level": level}
    single = compared(counts, **options).relative
    arms = Moments.from_counts(n0, x0), Moments.from_counts(n1, x1)
    tables = (MomentsTable.from_moments([arm]) for arm in arms)
    row = compare_proportions(*tables, **options)[0].relative
    for got in (single, row):
        assert all(end is None or end >= -1.0 for end in (got.lower, got.upper))
    assert row.status == single.status
    added = TwoByTwo(x0 + 1, n0 + 2, x1 + 1, n1 + 2)
    whole = wald_pair(added).relative(level, alternative)
    if whole.status == "bounded":
        ends = max(whole.lower, -1.0), whole.upper
        assert (single.lower, single.upper) == pytest.approx(ends, rel=1e-12)
