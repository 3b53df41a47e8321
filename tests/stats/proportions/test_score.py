import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize

from abtest.stats import Moments, NotEstimable, ScorePair, compare_proportions, estimate_proportions
from abtest.stats.proportions.score import difference_statistic, ratio_statistic


@st.composite
def tables(draw):
    n0, n1 = draw(st.integers(2, 200)), draw(st.integers(2, 200))
    return ScorePair(draw(st.integers(0, n0)), n0, draw(st.integers(0, n1)), n1)


def test_difference_limits_are_the_published_ones(reference):
    for case in reference("score")["difference"]:
        got = ScorePair(*case["control"], *case["treatment"]).absolute(0.95)
        assert round(got.lower, case["decimals"]) == round(case["lower"], case["decimals"])
        assert round(got.upper, case["decimals"]) == round(case["upper"], case["decimals"])


def test_ratio_limits_are_the_published_ones(reference):
    for case in reference("score")["ratio"]:
        got = ScorePair(*case["control"], *case["treatment"]).relative(0.95)
        assert got.lower + 1 == pytest.approx(case["lower"], abs=10 ** -case["decimals"])
        assert got.upper + 1 == pytest.approx(case["upper"], abs=10 ** -case["decimals"])


def log_likelihood(pair, p0, p1):
    from scipy.special import xlog1py, xlogy

    return (
        xlogy(pair.successes_control, p0)
        + xlog1py(pair.n_control - pair.successes_control, -p0)
        + xlogy(pair.successes_treatment, p1)
        + xlog1py(pair.n_treatment - pair.successes_treatment, -p1)
    )


@pytest.mark.parametrize("counts", [(3, 40, 9, 50), (0, 30, 4, 30), (48, 50, 30, 35)])
@pytest.mark.parametrize("bound", [-0.2, 0.05, 0.3])
def test_restricted_proportions_maximise_the_likelihood(counts, bound):
    pair = ScorePair(*counts)
    low, high = max(0.0, -bound), min(1.0, 1.0 - bound)
    best = optimize.minimize_scalar(
        lambda p: -log_likelihood(pair, p, p + bound),
        bounds=(low + 1e-12, high - 1e-12),
        method="bounded",
        options={"xatol": 1e-12},
    ).x
    n0, n1 = pair.n_control, pair.n_treatment
    n = n0 + n1
    variance = n / (n - 1) * (best * (1 - best) / n0 + (best + bound) * (1 - best - bound) / n1)
    expected = (pair.treatment_value - pair.control_value - bound) / variance**0.5
    assert difference_statistic(pair, bound) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("ratio", [0.5, 1.3, 4.0])
def test_restricted_risks_maximise_the_likelihood(ratio):
    pair = ScorePair(3, 40, 9, 50)
    best = optimize.minimize_scalar(
        lambda p: -log_likelihood(pair, p, p * ratio),
        bounds=(1e-12, min(1.0, 1.0 / ratio) - 1e-12),
        method="bounded",
        options={"xatol": 1e-12},
    ).x
    variance = (
        90 / 89 * (best * ratio * (1 - best * ratio) / 50 + ratio**2 * best * (1 - best) / 40)
    )
    expected = (pair.treatment_value - ratio * pair.control_value) / variance**0.5
    assert ratio_statistic(pair, ratio) == pytest.approx(expected, rel=1e-5)


@given(tables(), st.floats(-0.9, 0.9), st.sampled_from(["two-sided", "greater", "less"]))
def test_the_interval_leaves_out_exactly_what_the_test_rejects(pair, bound, alternative):
    p_value = pair.test(absolute=bound, alternative=alternative).p_value
    assume(abs(p_value - 0.05) > 1e-6)
    interval = pair.absolute(0.95, alternative)
    low = -1.0 if interval.lower is None else interval.lower
    high = 1.0 if interval.upper is None else interval.upper
    assert (low <= bound <= high) == (p_value > 0.05)


@given(tables(), st.floats(-0.9, 5.0), st.sampled_from(["two-sided", "greater", "less"]))
def test_the_relative_set_leaves_out_exactly_what_the_test_rejects(pair, bound, alternative):
    p_value = pair.test(relative=bound, alternative=alternative).p_value
    assume(abs(p_value - 0.05) > 1e-6)
    interval = pair.relative(0.95, alternative)
    low = -2.0 if interval.lower is None else interval.lower
    high = 1e9 if interval.upper is None else interval.upper
    assert (low <= bound <= high) == (p_value > 0.05)


@given(tables())
def test_no_difference_and_no_relative_difference_are_one_test(pair):
    assert pair.test(relative=0.0).statistic == pytest.approx(pair.test().statistic, abs=1e-9)


@given(tables())
def test_swapping_arms_or_successes_mirrors_the_interval(pair):
    lower, upper = pair.absolute(0.9).lower, pair.absolute(0.9).upper
    a, m, b, n = pair.successes_control, pair.n_control, pair.successes_treatment, pair.n_treatment
    swapped = ScorePair(b, n, a, m).absolute(0.9)
    failures = ScorePair(m - a, m, n - b, n).absolute(0.9)
    for mirrored in (swapped, failures):
        assert (mirrored.lower, mirrored.upper) == pytest.approx((-upper, -lower), abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "status", "estimate"),
    [
        ((0, 40, 0, 50), "unbounded", None),
        ((0, 40, 20, 50), "half_line", None),
        ((5, 40, 0, 50), "bounded", -1.0),
        ((40, 40, 50, 50), "bounded", 0.0),
    ],
)
def test_empty_cells_have_a_relative_state(counts, status, estimate):
    got = ScorePair(*counts).relative(0.95)
    assert (got.status, got.estimate) == (status, estimate)


def test_nobody_in_either_arm_still_has_an_interval():
    got = compare_proportions(Moments.from_counts(200, 0), Moments.from_counts(200, 0))
    assert (got.p_value, got.statistic) == (1.0, 0.0)
    assert got.absolute.lower < 0 < got.absolute.upper


@pytest.mark.parametrize(
    ("control", "treatment", "method"),
    [
        ((100, 10), (100, 90), "welch"),
        ((100, 9), (100, 50), "miettinen_nurminen"),
        ((100, 91), (100, 50), "miettinen_nurminen"),
        ((100, 50), (100, 0), "miettinen_nurminen"),
    ],
)
def test_experiments_take_the_score_method_below_ten_successes_or_failures(
    control, treatment, method
):
    arms = [Moments.from_counts(*control)], [Moments.from_counts(*treatment)]
    assert estimate_proportions(*arms, adjusted=False).method == method


def test_few_events_in_several_phases_are_said_and_leave_a_covariate_out():
    rare, other = Moments.from_counts(50, 2), Moments.from_counts(60, 30)
    got = estimate_proportions([rare, rare], [rare, other], adjusted=False)
    assert (got.method, got.warnings) == ("welch", ("few_events",))
    empty = Moments.from_counts(0, 0)
    got = estimate_proportions([rare, empty], [rare, empty], adjusted=False)
    assert got.method == "miettinen_nurminen"
    both = Moments.from_columns([[1.0] * 3 + [0.0] * 7, [float(v) for v in range(10)]])
    got = estimate_proportions([both], [both], adjusted=True)
    assert (got.method, got.warnings) == ("miettinen_nurminen", ("covariate_not_used",))


@pytest.mark.parametrize("values", [[0.0, 2.0, 1.0], [0.5, 0.5, 1.0], [-1.0, 0.0, 1.0]])
def test_other_values_than_zero_and_one_are_not_a_proportion(values):
    with pytest.raises(NotEstimable) as error:
        compare_proportions(values, [0.0, 1.0, 1.0])
    assert error.value.code == "not_binary"


def test_too_few_units_and_unreachable_bounds_say_why():
    with pytest.raises(NotEstimable, match="fewer than two"):
        compare_proportions([1.0], [0.0, 1.0])
    for bound in ({"absolute": 1.0}, {"absolute": -1.5}, {"relative": -1.0}):
        with pytest.raises(NotEstimable) as error:
            ScorePair(3, 10, 4, 10).test(**bound)
        assert error.value.code == "bound_out_of_range"
