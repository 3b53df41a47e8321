import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, compare_means, compare_ratios


def arms(seed, n=60):
    rng = np.random.default_rng(seed)
    views = rng.poisson(3.0, (2, n)).astype(float)
    clicks = rng.binomial(views.astype(int), 0.3).astype(float)
    return (clicks[0], views[0]), (clicks[1], views[1])


def test_variance_is_that_of_each_arms_influence_values():
    control, treatment = arms(1)

    def influence(clicks, views):
        return (clicks - clicks.sum() / views.sum() * views) / views.mean()

    got = compare_ratios(control, treatment)
    by_influence = compare_means(influence(*control), influence(*treatment))
    se = got.absolute.estimate / got.statistic
    assert se == pytest.approx(
        (by_influence.absolute.upper - by_influence.absolute.lower)
        / 2
        / ((got.absolute.upper - got.absolute.lower) / 2 / se)
    )
    assert got.df == pytest.approx(by_influence.df)
    assert got.control_value == pytest.approx(control[0].sum() / control[1].sum())


def test_units_without_views_stay_in():
    control, treatment = arms(2)
    assert (control[1] == 0).any()
    got = compare_ratios(control, treatment)
    assert (got.n_control, got.n_treatment) == (60, 60)


def test_a_denominator_of_ones_is_the_mean():
    control, treatment = arms(3)
    ones = np.ones(60)
    ratio = compare_ratios((control[0], ones), (treatment[0], ones))
    mean = compare_means(control[0], treatment[0])
    assert ratio.p_value == pytest.approx(mean.p_value, rel=1e-10)
    assert ratio.relative.upper == pytest.approx(mean.relative.upper, rel=1e-10)


def test_swapping_arms_and_scaling_units_keep_the_p_value():
    control, treatment = arms(4)
    p_value = compare_ratios(control, treatment).p_value
    assert compare_ratios(treatment, control).p_value == pytest.approx(p_value)
    scaled = [(1000 * clicks, 0.01 * views) for clicks, views in (control, treatment)]
    assert compare_ratios(*scaled).p_value == pytest.approx(p_value, rel=1e-9)


def test_moments_and_columns_agree():
    control, treatment = arms(5)
    moments = [Moments.from_columns(arm) for arm in (control, treatment)]
    assert compare_ratios(*moments).p_value == compare_ratios(control, treatment).p_value


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [
        (([0.0, 0.0], [0.0, 0.0]), ([1.0, 2.0], [3.0, 3.0]), "zero_denominator"),
        (([1.0, 2.0], [2.0, 4.0]), ([1.0, 3.0], [2.0, 6.0]), "constant"),
        (([0.1, 0.3], [0.3, 0.9]), ([0.7, 2.3], [2.1, 6.9]), "constant"),
        (([1.0], [2.0]), ([1.0, 3.0], [2.0, 6.0]), "too_few_units"),
    ],
)
def test_what_cannot_be_estimated_says_why(control, treatment, code):
    with pytest.raises(NotEstimable) as error:
        compare_ratios(control, treatment)
    assert error.value.code == code


def test_missing_past_counts_as_zero_of_zero():
    control, treatment = arms(6)
    nan = float("nan")
    past = [tuple(np.where(np.arange(60) < 5, nan, part) for part in arm) for arm in arms(7)]
    zeros = [tuple(np.nan_to_num(part) for part in arm) for arm in past]
    got = compare_ratios(control, treatment, covariates=tuple(past))
    assert got.warnings == ("covariate_missing",)
    assert got.p_value == compare_ratios(control, treatment, covariates=tuple(zeros)).p_value


def test_numerator_and_denominator_must_be_equally_long():
    with pytest.raises(UsageError, match="equally long"):
        compare_ratios(([1.0, 2.0], [1.0]), ([1.0, 2.0], [1.0, 3.0]))


def test_an_arm_in_which_numerator_and_denominator_are_equal_has_no_variance():
    """The terms of its variance cancel to something like -1e-34: no number to take a root of."""
    same = np.repeat([0.0, 1.0, 2.0], [18, 3, 2])
    control = Moments.from_columns([same, same])
    rng = np.random.default_rng(5)
    treatment = Moments.from_columns([rng.poisson(1.0, 23), 1.0 + rng.poisson(1.0, 23)])
    for scale in np.geomspace(0.01, 100.0, 41):
        scaled = Moments.from_columns([scale * same, scale * same])
        result = compare_ratios(scaled, treatment)
        assert result.relative.status == "bounded"
    swapped = compare_ratios(treatment, control)
    assert swapped.p_value == pytest.approx(result.p_value)
