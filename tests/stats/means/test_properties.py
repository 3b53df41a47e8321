"""What holds for every sample: of trimmed, capped and geometric means and of the skew warning."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    NotEstimable,
    ValueCounts,
    compare_capped_means,
    compare_geometric_means,
    compare_means,
    compare_trimmed_means,
)
from abtest.stats.means.skewness import skew_warning

ALTERNATIVES = ("two-sided", "greater", "less")
samples = st.lists(st.integers(1, 60), min_size=6, max_size=30).filter(lambda v: len(set(v)) > 4)
FUNCTIONS = (
    compare_trimmed_means,
    lambda a, b, **k: compare_capped_means(a, b, quantile=0.8, **k),
    lambda a, b, **k: compare_capped_means(a, b, threshold=20, **k),
    compare_geometric_means,
)
functions = st.sampled_from(FUNCTIONS)


def answer(function, a, b, **arguments):
    """Return the comparison, or skip samples that have none after trimming or capping."""
    try:
        return function(a, b, **arguments)
    except NotEstimable as error:
        assume(error.code != "constant")
        raise


@given(functions, samples, samples, st.randoms())
def test_order_and_partition_of_the_units_change_nothing(function, a, b, random):
    before = answer(function, a, b)
    shuffled = list(a)
    random.shuffle(shuffled)
    half = len(a) // 2
    parts = ValueCounts.from_values(shuffled[:half]) + ValueCounts.from_values(shuffled[half:])
    for after in (function(shuffled, b), function(parts, ValueCounts.from_values(b))):
        assert after.p_value == pytest.approx(before.p_value, rel=1e-9)
        assert after.effect.lower == pytest.approx(before.effect.lower, rel=1e-9, abs=1e-9)
        assert after.details == before.details


@given(functions, samples, samples)
def test_swapping_the_arms_keeps_the_two_sided_p_value(function, a, b):
    forward, backward = answer(function, a, b), answer(function, b, a)
    assert forward.p_value == pytest.approx(backward.p_value, rel=1e-9)
    if forward.scale == "difference":
        assert forward.absolute.lower == pytest.approx(-backward.absolute.upper, abs=1e-9)
    else:
        assert 1 + forward.relative.lower == pytest.approx(1 / (1 + backward.relative.upper))


@given(functions, samples, samples, st.sampled_from(ALTERNATIVES))
def test_p_and_interval_are_one_test(function, a, b, alternative):
    got = answer(function, a, b, alternative=alternative, confidence_level=0.9)
    lower, upper = got.interval
    assert lower is None or lower <= got.estimate
    assert upper is None or got.estimate <= upper
    assume(abs(got.p_value - 0.1) > 1e-9)
    outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert outside == (got.p_value < 0.1)


@given(samples, samples, st.integers(-100, 100), st.sampled_from([0.01, 3.0, 1e6]))
def test_trimmed_and_capped_differences_move_with_shift_and_scale(a, b, shift, scale):
    for function in FUNCTIONS[:2]:
        before = answer(function, a, b)
        after = function([scale * (v + shift) for v in a], [scale * (v + shift) for v in b])
        assert after.p_value == pytest.approx(before.p_value, rel=1e-6)
        assert after.absolute.lower == pytest.approx(
            scale * before.absolute.lower, rel=1e-6, abs=1e-6 * scale
        )


@given(samples, samples, st.sampled_from([1e-200, 0.5, 1e200]))
def test_a_geometric_ratio_has_no_unit(a, b, scale):
    before = answer(compare_geometric_means, a, b)
    after = compare_geometric_means([scale * v for v in a], [scale * v for v in b])
    assert after.relative.upper == pytest.approx(before.relative.upper, rel=1e-6, abs=1e-9)


@given(samples, samples)
def test_without_trimming_or_a_reached_cap_it_is_welch(a, b):
    welch = compare_means(a, b)
    for got in (
        compare_trimmed_means(a, b, trim=0),
        compare_capped_means(a, b, threshold=60),
    ):
        assert got.p_value == pytest.approx(welch.p_value, rel=1e-9)
        assert got.relative.status == welch.relative.status
    capped = compare_capped_means(a, b, threshold=60)
    assert capped.uncapped == welch
    assert capped.to_dict()["uncapped"] == welch.to_dict()


def test_trimming_leaves_out_units_not_distinct_values():
    control = ValueCounts.from_table([0, 1, 2, 3, 500], [30, 30, 20, 10, 10])
    rows = np.repeat(control.values, control.counts)
    want = np.sort(rows)[20:80].mean()
    assert compare_trimmed_means(control, rows + 1).control_value == pytest.approx(want)


def test_the_cap_is_one_for_both_arms():
    rng = np.random.default_rng(8)
    control, treatment = rng.exponential(1, 400), 3 * rng.exponential(1, 400)
    got = compare_capped_means(control, treatment, quantile=0.9)
    assert got.details["capped_control"] + got.details["capped_treatment"] == 80
    assert got.details["capped_treatment"] > 70
    assert got.uncapped.absolute.estimate > got.absolute.estimate
    assert got.measure == "capped_mean"


def test_capped_values_take_covariates():
    rng = np.random.default_rng(9)
    past = rng.lognormal(1, 1, 300)
    now = past * rng.lognormal(0, 0.3, 300)
    now[5] = math.nan
    arguments = {"covariates": (past[:150], past[150:])}
    got = compare_capped_means(now[:150], now[150:], **arguments)
    limit = got.details["threshold"]
    want = compare_means(np.minimum(now[:150], limit), np.minimum(now[150:], limit), **arguments)
    assert got.method == "welch_cuped"
    assert (got.p_value, got.nulls_control) == (want.p_value, 1)
    assert got.variance_reduction == want.variance_reduction
    assert got.uncapped.method == "welch_cuped"


def test_zeros_and_negative_values_have_no_geometric_mean_and_are_counted():
    with pytest.raises(NotEstimable) as caught:
        compare_geometric_means([1, 0, 0, 3], [2, -1, 4, 0])
    assert caught.value.code == "not_positive"
    assert caught.value.given == "zeros: 2 control, 1 treatment; negative: 0 control, 1 treatment"


def test_a_ratio_reads_as_a_sentence():
    assert str(compare_geometric_means([1.0, 2.0, 4.0], [4.0, 8.0, 18.0])).startswith(
        "Geometric mean of treatment 8.32 against control 2: relative +316.02% (95% interval "
    )


def test_skew_is_named_where_arms_are_unequal_and_small():
    rng = np.random.default_rng(4)
    control, treatment = rng.lognormal(0, 2, 4500), rng.lognormal(0, 2, 500)
    for arms in (
        (control, treatment),
        (ValueCounts.from_values(control), ValueCounts.from_values(treatment)),
    ):
        assert compare_means(*arms).warnings == ("skewed_unequal_arms",)
    assert compare_means(control, rng.lognormal(0, 2, 4500)).warnings == ()
    assert compare_means(rng.normal(0, 1, 4500), rng.normal(0, 1, 500)).warnings == ()
    moments = [Moments.from_columns([arm]) for arm in (control, treatment)]
    assert compare_means(*moments).warnings == ()


def test_the_rule_counts_355_units_per_squared_skewness():
    skewness = 0.98 / math.sqrt(0.01 * 0.99)  # of a share of 1%
    needed = 355 * skewness**2  # of the smaller arm, where the other is endless
    for small, warned in ((0.9 * needed, True), (1.1 * needed, False)):
        ones = round(small / 100)
        arms = [ValueCounts.from_table([0, 1], [99 * k, k]) for k in (10**9, ones)]
        assert (skew_warning(arms) == ("skewed_unequal_arms",)) == warned


def test_the_skew_rule_does_not_overflow():
    one_huge = np.array([1e150, *[0.0] * 40])
    assert skew_warning((one_huge, np.zeros(20))) == ("skewed_unequal_arms",)


def test_noise_in_small_samples_is_no_skew():
    assert compare_means([1.0, 3.0], [2.0, 4.0, 9.0]).warnings == ()
    rng = np.random.default_rng(11)
    warned = sum(
        bool(skew_warning((rng.normal(0, 1, 90), rng.normal(0, 1, 10)))) for _ in range(400)
    )
    assert warned < 40


def test_trimmed_and_geometric_means_hold_their_level():
    rng = np.random.default_rng(21)
    wild = lambda n: rng.standard_t(2, n)  # noqa: E731  two lines of data
    spread = lambda n: np.exp(rng.normal(0, 1 if n == 30 else 2, n))  # noqa: E731
    for function, draw in ((compare_trimmed_means, wild), (compare_geometric_means, spread)):
        rejected = sum(function(draw(30), draw(60)).p_value < 0.05 for _ in range(1500))
        assert 45 <= rejected <= 105


@pytest.mark.parametrize("trim", [0.5, -0.1, 20, True, "0.2", math.nan, None])
def test_an_impossible_share_to_trim_is_refused(trim):
    with pytest.raises(UsageError, match="trim"):
        compare_trimmed_means([1, 2, 3], [2, 3, 4], trim=trim)


@pytest.mark.parametrize(
    "arguments",
    [
        {"quantile": 99},
        {"quantile": 1.0},
        {"threshold": math.inf},
        {"threshold": "1"},
        {"threshold": True},
        {"threshold": 3, "quantile": 0.9},
    ],
)
def test_an_impossible_cap_is_refused(arguments):
    with pytest.raises(UsageError):
        compare_capped_means([1, 2, 3], [2, 3, 4], **arguments)


def test_where_trimming_or_capping_leaves_nothing_it_is_said():
    mostly_zero = [0.0] * 95 + [5.0] * 5
    with pytest.raises(NotEstimable, match="after trimming"):
        compare_trimmed_means(mostly_zero, mostly_zero)
    with pytest.raises(NotEstimable, match="below the threshold"):
        compare_capped_means(mostly_zero, mostly_zero, quantile=0.9)
    with pytest.raises(NotEstimable) as caught:
        compare_trimmed_means([1, 2, 3, 4, 5, 6], [1, 2, 3], trim=0.4)
    assert caught.value.code == "too_few_units"
