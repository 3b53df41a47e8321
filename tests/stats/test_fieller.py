import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.stats import ArmPair, Moments, MomentsTable, compare_means
from abtest.stats.fieller import Contrast, relative_interval


def pair(control, treatment, a, b, both=0.0, df=1e6):
    return ArmPair(control, treatment, ((a, both), (both, b)), df, 50, 50, "welch")


def textbook_limits(m_c, m_t, a, b, v12, q):
    """Fieller's limits of m_t / m_c with covariance, in the form with g (Finney 1978, 4.24)."""
    r, g = m_t / m_c, q * q * a / (m_c * m_c)
    root = q / m_c * math.sqrt(b - 2 * r * v12 + r * r * a - g * (b - v12 * v12 / a))
    centre = r - g * v12 / a
    return sorted(((centre - root) / (1 - g), (centre + root) / (1 - g)))


@pytest.mark.parametrize("v12", [0.0, 0.03, -0.05])
@pytest.mark.parametrize("treatment", [11.0, 9.0, 0.0, -3.0])
def test_bounded_limits_are_those_of_the_textbook_form(treatment, v12):
    contrast = pair(10.0, treatment, 0.25, 0.16, v12).contrast
    low, high = textbook_limits(10.0, treatment, 0.25, 0.16, v12, 2.0)
    interval = relative_interval(contrast, 2.0)
    assert interval.status == "bounded"
    assert interval.lower == pytest.approx(low - 1, abs=1e-12)
    assert interval.upper == pytest.approx(high - 1, abs=1e-12)


def test_limits_solved_by_hand():
    # |12 - r 10| <= 2 sqrt(0.5 + 0.25 r^2): 99 r^2 - 240 r + 142 = 0
    interval = relative_interval(pair(10.0, 12.0, 0.25, 0.5).contrast, 2.0)
    assert interval.lower == pytest.approx((120 - math.sqrt(14400 - 99 * 142)) / 99 - 1)
    assert interval.upper == pytest.approx((120 + math.sqrt(14400 - 99 * 142)) / 99 - 1)
    assert interval.estimate == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("contrast", "status"),
    [
        (Contrast(1.0, 10.0, 0.5, 0.25, -0.25), "bounded"),
        (Contrast(1.0, 1.0, 0.5, 0.25, -0.25), "half_line"),  # baseline exactly 2 standard errors
        (Contrast(5.0, 0.1, 0.5, 0.25, -0.25), "two_rays"),
        (Contrast(0.1, 0.1, 0.5, 0.25, -0.25), "unbounded"),
        (Contrast(1.0, 0.0, 0.5, 0.0, 0.0), "undefined"),
        (Contrast(5.0, 0.0, 0.5, 0.25, -0.25), "two_rays"),
        (Contrast(0.1, 0.0, 0.5, 0.25, -0.25), "unbounded"),
    ],
)
def test_every_state_has_its_case(contrast, status):
    interval = relative_interval(contrast, 2.0)
    assert interval.status == status
    assert (interval.estimate is None) == (contrast.baseline == 0.0)
    missing = [interval.lower, interval.upper].count(None)
    assert missing == {"bounded": 0, "two_rays": 0, "half_line": 1}.get(status, 2)


def test_a_baseline_without_variance_only_scales_the_absolute_interval():
    estimate = pair(4.0, 5.0, 0.0, 0.09)
    absolute, relative = estimate.absolute(0.95), estimate.relative(0.95)
    assert relative.lower == pytest.approx(absolute.lower / 4)
    assert relative.upper == pytest.approx(absolute.upper / 4)


def test_a_baseline_below_zero_keeps_the_sign_of_the_effect():
    relative = pair(-10.0, -9.0, 0.04, 0.04).relative(0.95)
    mirrored = pair(10.0, 9.0, 0.04, 0.04).relative(0.95)
    assert relative.estimate == pytest.approx(0.1)
    assert relative.lower > 0
    assert (relative.lower, relative.upper) == pytest.approx((-mirrored.upper, -mirrored.lower))


def test_a_relative_margin_means_the_same_below_zero():
    # a loss of 5% of |-10| is far inside a margin of 20%
    estimate = pair(-10.0, -10.5, 0.01, 0.01)
    assert estimate.test(relative=-0.2, alternative="greater").p_value < 1e-6
    assert estimate.test(relative=-0.01, alternative="greater").p_value > 0.5


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e150])
def test_extreme_units_do_not_overflow(scale):
    got = pair(10.0 * scale, 11.0 * scale, 0.25 * scale**2, 0.16 * scale**2).relative(0.95)
    same = pair(10.0, 11.0, 0.25, 0.16).relative(0.95)
    assert (got.lower, got.upper) == pytest.approx((same.lower, same.upper))


pairs = st.builds(
    lambda c, t, sa, sb, rho, df: pair(c, t, sa * sa, sb * sb, rho * sa * sb, df),
    st.floats(-10, 10).filter(lambda v: v == 0 or abs(v) > 1e-3),
    st.floats(-10, 10),
    st.floats(0.01, 10),
    st.floats(0.01, 10),
    st.floats(-0.9, 0.9),
    st.floats(2, 1e5),
)


def contains(interval, bound):
    low = -math.inf if interval.lower is None else interval.lower
    high = math.inf if interval.upper is None else interval.upper
    if interval.status == "two_rays":
        return not low < bound < high
    return low <= bound <= high


@given(pairs, st.floats(-5, 5), st.sampled_from(["two-sided", "greater", "less"]))
def test_the_relative_test_rejects_exactly_what_the_set_leaves_out(estimate, bound, alternative):
    p_value = estimate.test(relative=bound, alternative=alternative).p_value
    assume(abs(p_value - 0.05) > 1e-7)
    interval = estimate.relative(0.95, alternative)
    assert contains(interval, bound) == (p_value > 0.05), interval


@given(pairs, st.floats(-5, 5), st.sampled_from(["two-sided", "greater", "less"]))
def test_the_absolute_test_rejects_exactly_what_the_interval_leaves_out(
    estimate, bound, alternative
):
    p_value = estimate.test(absolute=bound, alternative=alternative).p_value
    assume(abs(p_value - 0.1) > 1e-7)
    interval = estimate.absolute(0.9, alternative)
    low = -math.inf if interval.lower is None else interval.lower
    high = math.inf if interval.upper is None else interval.upper
    assert (low <= bound <= high) == (p_value > 0.1)


@given(pairs)
def test_intervals_contain_their_estimates(estimate):
    absolute, relative = estimate.absolute(0.95), estimate.relative(0.95)
    assert absolute.lower < absolute.estimate < absolute.upper
    if relative.estimate is not None:
        assert contains(relative, relative.estimate)


def test_a_treatment_of_zeros_against_noise_has_no_gap_that_is_only_rounding():
    """Its relative effect is -100% exactly, and any other value is possible too."""
    for control in (-0.3, -0.1, 0.1, 0.7 / 3):
        for variance in (0.3, 2.0 / 3.0, 0.11):
            got = pair(control, 0.0, variance, 0.0, df=30.0).relative(0.95)
            assert got.status == "unbounded"


def test_a_control_that_is_the_rounding_of_a_mean_of_0_is_0_in_any_unit():
    control = np.array([-0.6, -0.9, 0.2, -0.7, 0.5, -0.4, 0.1, -0.8, 1.8, 0.9, -0.1])
    treatment = np.array([3.4, 4.3, -5.1, 0.9, 10.8, 1.5, -1.4, 3.5, 9.7, -1.6, -1.5])
    sets = [
        compare_means(unit * control, unit * treatment, confidence_level=0.8).relative
        for unit in (1.0, 1e6, 1e-3)
    ]
    assert 0.0 < abs(control.mean()) < 1e-16
    assert all(one.estimate is None and one.status == "two_rays" for one in sets)
    assert [one.lower for one in sets] == pytest.approx([sets[0].lower] * 3)
    assert [one.upper for one in sets] == pytest.approx([sets[0].upper] * 3)
    arms = [MomentsTable.from_moments([Moments.from_columns([x])]) for x in (control, treatment)]
    row = compare_means(*arms, confidence_level=0.8)[0].relative
    assert (row.estimate, row.lower, row.upper) == pytest.approx(
        (None, sets[0].lower, sets[0].upper)
    )
