import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, compare_means, compare_ratios, estimate_means, estimate_ratios


def test_lin_agrees_with_regressions(reference):
    for case in reference("lin")["cases"]:
        covariates = (case["control_covariate"], case["treatment_covariate"])
        got = compare_means(case["control"], case["treatment"], covariates=covariates)
        arms = [
            Moments.from_columns([case[arm], case[f"{arm}_covariate"]])
            for arm in ("control", "treatment")
        ]
        pair = estimate_means([arms[0]], [arms[1]], adjusted=True)
        control, treatment = case["arms"]
        assert got.method == "welch_cuped"
        assert got.absolute.estimate == pytest.approx(case["estimate"], rel=1e-9)
        assert pair.control_value == pytest.approx(control["value"], rel=1e-10)
        assert pair.treatment_value == pytest.approx(treatment["value"], rel=1e-10)

        shared = case["covariate_variance"] / (got.n_control + got.n_treatment)
        (v_c, v_ct), (_, v_t) = pair.covariance
        assert v_c == pytest.approx(control["se"] ** 2 + control["slope"] ** 2 * shared)
        assert v_t == pytest.approx(treatment["se"] ** 2 + treatment["slope"] ** 2 * shared)
        assert v_ct == pytest.approx(control["slope"] * treatment["slope"] * shared)


def test_standard_error_is_close_to_hc2_where_slopes_are_equal(reference):
    case = reference("lin")["cases"][0]
    covariates = (case["control_covariate"], case["treatment_covariate"])
    got = compare_means(case["control"], case["treatment"], covariates=covariates)
    se = got.absolute.estimate / got.statistic
    assert se == pytest.approx(case["se_hc2"], rel=0.05)


def test_degrees_of_freedom_lose_one_unit_per_arm():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(2, 30))
    y = x + rng.normal(size=(2, 30))
    y[0] = np.polyfit(x[1], y[1], 1)[0] * x[0]  # no residual here: the other arm's n - 2 are left
    assert compare_means(y[0], y[1], covariates=(x[0], x[1])).df == pytest.approx(28.0)


def test_variance_reduction_is_the_squared_correlation_and_near_zero_for_noise():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(2, 20_000))
    y = 0.8 * x + 0.6 * rng.normal(size=(2, 20_000))
    useful = compare_means(y[0], y[1], covariates=(x[0], x[1]))
    assert useful.variance_reduction == pytest.approx(0.64, abs=0.02)
    useless = compare_means(y[0], y[1], covariates=tuple(rng.normal(size=(2, 20_000))))
    assert useless.variance_reduction == pytest.approx(0.0, abs=0.001)


@pytest.mark.parametrize(
    ("control_x", "treatment_x", "warning"),
    [
        ([0.0] * 4, [0.0] * 4, "covariate_constant"),
        ([0.0] * 4, [0.0, 1.0, 2.0, 3.0], "covariate_constant"),
        ([1.0, 3.0, 2.0, 7.0], [2.0, 4.0, 1.0, 9.0], "covariate_is_outcome"),
    ],
)
def test_a_covariate_that_cannot_help_gives_the_unadjusted_result_and_a_warning(
    control_x, treatment_x, warning
):
    y = ([1.0, 3.0, 2.0, 7.0], [2.0, 4.0, 1.0, 9.0])
    plain = compare_means(*y)
    got = compare_means(*y, covariates=(control_x, treatment_x))
    assert got.warnings == (warning,)
    assert (got.method, got.p_value, got.variance_reduction) == ("welch", plain.p_value, None)


def test_two_units_are_too_few_for_a_slope():
    got = compare_means([1.0, 3.0], [2.0, 4.0, 9.0], covariates=([1.0, 2.0], [1.0, 2.0, 4.0]))
    assert got.warnings == ("covariate_too_few_units",)


def test_a_missing_covariate_costs_no_unit():
    nan = float("nan")
    got = compare_means(
        [1.0, 3.0, 2.0, 5.0], [2.0, 4.0, 9.0, 6.0], covariates=([1, nan, 2, 4], [1, 2, 4, nan])
    )
    assert (got.n_control, got.n_treatment) == (4, 4)
    assert "covariate_missing" in got.warnings


def test_moments_with_covariates_are_adjusted_and_refuse_a_second_one():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(2, 50))
    y = x + rng.normal(size=(2, 50))
    arms = [Moments.from_columns([y[i], x[i]]) for i in (0, 1)]
    from_arrays = compare_means(y[0], y[1], covariates=(x[0], x[1]))
    assert compare_means(*arms).p_value == pytest.approx(from_arrays.p_value, rel=1e-9)
    with pytest.raises(UsageError, match="summed up"):
        compare_means(*arms, covariates=(x[0], x[1]))


def test_ratio_adjustment_is_that_of_raw_influence_values(reference):
    for case in reference("ratio_cuped")["cases"]:
        control, treatment = case["control"], case["treatment"]
        plain = compare_ratios(tuple(control[:2]), tuple(treatment[:2]))
        assert plain.control_value == pytest.approx(case["plain"]["control"])
        assert plain.treatment_value == pytest.approx(case["plain"]["treatment"])
        assert plain.absolute.estimate / plain.statistic == pytest.approx(case["plain"]["se"])

        got = compare_ratios(
            tuple(control[:2]),
            tuple(treatment[:2]),
            covariates=(tuple(control[2:]), tuple(treatment[2:])),
        )
        assert got.method == "delta_cuped"
        assert got.absolute.estimate == pytest.approx(case["estimate"], rel=1e-10)
        assert got.absolute.estimate / got.statistic == pytest.approx(case["se"], rel=1e-10)


def test_a_treatment_that_moves_the_denominator_keeps_its_effect():
    # the pre-period ratio has its own denominator: with the later one the effect would vanish
    rng = np.random.default_rng(7)
    sessions = rng.poisson(5.0, (2, 20_000)) + 1.0
    before = rng.poisson(5.0, (2, 20_000)) + 1.0
    sessions[1] += 1.0
    habit = rng.beta(5, 5, (2, 20_000))
    clicks, clicks_before = habit * sessions, habit * before
    clicks[1] *= 1.05
    control, treatment = ((clicks[i], sessions[i]) for i in (0, 1))
    covariates = tuple((clicks_before[i], before[i]) for i in (0, 1))
    plain = compare_ratios(control, treatment)
    got = compare_ratios(control, treatment, covariates=covariates)
    assert got.variance_reduction > 0.7
    assert got.absolute.estimate == pytest.approx(0.025, abs=4 * 0.025 / abs(got.statistic))
    assert abs(got.statistic) > abs(plain.statistic)


@pytest.mark.parametrize(
    ("before", "warning"),
    [
        (([0.0] * 4, [0.0] * 4), "covariate_zero_denominator"),
        (([2.0] * 4, [4.0] * 4), "covariate_constant"),
        (([2.0, 1.0, 4.0, 3.0], [4.0, 2.0, 8.0, 6.0]), "covariate_constant"),
    ],
)
def test_a_pre_period_that_cannot_help_gives_the_unadjusted_ratio(before, warning):
    control, treatment = ([1.0, 0.0, 2.0, 1.0], [4.0, 0, 5, 3]), ([2.0, 1, 3, 0], [4.0, 2, 5, 1])
    got = compare_ratios(control, treatment, covariates=(before, before))
    assert got.warnings == (warning,)
    assert got.p_value == compare_ratios(control, treatment).p_value


def test_the_ratio_itself_as_its_past_is_seen():
    control, treatment = ([1.0, 0.0, 2.0, 1.0], [4.0, 0, 5, 3]), ([2.0, 1, 3, 0], [4.0, 2, 5, 1])
    got = compare_ratios(control, treatment, covariates=(control, treatment))
    assert got.warnings == ("covariate_is_outcome",)


def test_unadjusted_estimates_ignore_further_variables():
    rng = np.random.default_rng(8)
    four = [Moments.from_columns(1 + rng.random((4, 30))) for _ in range(2)]
    two = [Moments(m.n, m.mean[:2], m.m2[:2, :2]) for m in four]
    assert estimate_ratios([four[0]], [four[1]], adjusted=False) == estimate_ratios(
        [two[0]], [two[1]], adjusted=False
    )
