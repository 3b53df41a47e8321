import numpy as np
import pandas as pd
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, compare_means, compare_ratios, estimate_means, estimate_ratios
from abtest.stats.adjustment.slopes import pooled_slopes

NAN = float("nan")


def arrays(case):
    outcomes = [np.array(case[arm]) for arm in ("control", "treatment")]
    covariates = [np.array(case[f"{arm}_covariates"]) for arm in ("control", "treatment")]
    return outcomes, covariates


def by_phase(case):
    outcomes, covariates = arrays(case)
    arms = []
    for side, arm in enumerate(("control", "treatment")):
        phase = np.array(case[f"{arm}_phases"])
        arms.append(
            [
                Moments.from_columns([outcomes[side][phase == p], *covariates[side][:, phase == p]])
                for p in range(3)
            ]
        )
    return arms


def sample(seed, sizes=(40, 30), k=2, noise=1.0):
    rng = np.random.default_rng(seed)
    x = [rng.normal(size=(k, n)) for n in sizes]
    y = [part.sum(axis=0) + noise * rng.normal(size=part.shape[1]) for part in x]
    return y, x


def test_every_arm_is_its_own_regression_predicted_at_the_overall_means(reference):
    for case in reference("covariates")["cases"]:
        if "arms" not in case:
            continue
        y, x = arrays(case)
        pair = estimate_means(
            [Moments.from_columns([y[0], *x[0]])],
            [Moments.from_columns([y[1], *x[1]])],
            adjusted=True,
        )
        values = [arm["value"] for arm in case["arms"]]
        assert [pair.control_value, pair.treatment_value] == pytest.approx(values, rel=1e-9)
        assert pair.contrast.difference == pytest.approx(case["lin"]["estimate"], rel=1e-7)
        units = [len(arm) for arm in y]
        spread = sum(n * np.cov(part) for n, part in zip(units, x, strict=True)) / sum(units) ** 2
        slopes = np.array([arm["slopes"] for arm in case["arms"]])
        shared = slopes @ np.atleast_2d(spread) @ slopes.T
        own = np.diag([arm["se"] ** 2 for arm in case["arms"]])
        assert np.array(pair.covariance) == pytest.approx(own + shared, rel=1e-7), case["name"]


def test_pooled_slopes_are_those_of_analysis_of_covariance(reference):
    for case in reference("covariates")["cases"]:
        y, x = arrays(case)
        arms = (
            by_phase(case)
            if "control_phases" in case
            else [[Moments.from_columns([y[side], *x[side]])] for side in (0, 1)]
        )
        want = case["ancova"]
        pair = estimate_means(arms[0], arms[1], adjusted=True, slopes="pooled")
        assert pair.contrast.difference == pytest.approx(want["estimate"], rel=1e-7)
        assert pooled_slopes(*arms) == pytest.approx(want["slopes"], rel=1e-7)


def test_the_error_with_pooled_slopes_is_near_that_of_robust_analysis_of_covariance():
    import statsmodels.api as sm

    y, x = sample(1, (400, 300))
    design = np.column_stack([np.ones(700), np.repeat([0, 1], [400, 300]), np.hstack(x).T])
    theirs = sm.OLS(np.concatenate(y), design).fit(cov_type="HC2")
    got = compare_means(*y, covariates=tuple(x[side].T for side in (0, 1)), slopes="pooled")
    assert got.absolute.estimate == pytest.approx(theirs.params[1], rel=1e-9)
    assert got.absolute.estimate / got.statistic == pytest.approx(theirs.bse[1], rel=0.01)


def test_fixed_slopes_are_a_difference_of_adjusted_values_without_further_error():
    y, x = sample(2)
    got = compare_means(*y, covariates=tuple(part.T for part in x), slopes=[1.0, 0.5])
    plain = compare_means(*(y[side] - x[side][0] - 0.5 * x[side][1] for side in (0, 1)))
    assert got.absolute.estimate == pytest.approx(plain.absolute.estimate)
    assert got.absolute.lower == pytest.approx(plain.absolute.lower)
    assert got.df == pytest.approx(plain.df)


def test_looks_with_the_same_slopes_differ_by_new_units_alone():
    y, x = sample(3, (60, 60))
    arms = [[Moments.from_columns([y[side], *x[side]])] for side in (0, 1)]
    slopes = pooled_slopes(*arms)
    last = estimate_means(*arms, adjusted=True, slopes=slopes)
    pooled = estimate_means(*arms, adjusted=True, slopes="pooled")
    assert last.contrast.difference == pytest.approx(pooled.contrast.difference)


@pytest.mark.parametrize("slopes", ["arm", "pooled"])
@pytest.mark.parametrize(
    ("third", "kept"),
    [
        (lambda x: np.zeros(x.shape[1]), 2),
        (lambda x: x[0] + 2.0 * x[1] + 5.0, 2),
        (lambda x: x[1] * 1e9, 2),
    ],
)
def test_a_covariate_that_says_nothing_of_its_own_is_left_out_and_said(slopes, third, kept):
    y, x = sample(4)
    more = [np.vstack([part, third(part)]) for part in x]
    got = compare_means(*y, covariates=tuple(more_part.T for more_part in more), slopes=slopes)
    want = compare_means(*y, covariates=tuple(part.T for part in x), slopes=slopes)
    assert got.warnings == ("covariate_dropped",)
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.df == pytest.approx(want.df, rel=1e-9)


def test_covariates_without_any_variation_leave_the_plain_result():
    y, _ = sample(5)
    flat = tuple([np.zeros(len(arm)), np.ones(len(arm))] for arm in y)
    got = compare_means(*y, covariates=flat)
    assert got.warnings == ("covariate_constant",)
    assert got.p_value == pytest.approx(compare_means(*y).p_value)


def test_more_covariates_than_units_allow_leave_the_plain_result():
    y, x = sample(6, (6, 40), k=5)
    got = compare_means(*y, covariates=tuple(part.T for part in x))
    assert got.warnings == ("covariate_too_few_units",)


def test_columns_that_add_up_to_the_outcome_are_the_outcome():
    y, x = sample(7, noise=0.0)
    got = compare_means(*y, covariates=tuple(part.T for part in x))
    assert got.warnings == ("covariate_is_outcome",)


def test_a_missing_covariate_is_the_mean_with_an_indicator():
    y, x = sample(8, (50, 60), k=1)
    absent = [np.arange(len(arm)) % 7 == 0 for arm in y]
    holes = [np.where(absent[side], NAN, x[side][0]) for side in (0, 1)]
    mean = np.concatenate([hole[~np.isnan(hole)] for hole in holes]).mean()
    by_hand = tuple(
        [np.where(absent[side], mean, x[side][0]), absent[side].astype(float)] for side in (0, 1)
    )
    got = compare_means(*y, covariates=tuple(holes))
    want = compare_means(*y, covariates=by_hand)
    assert got.warnings == ("covariate_missing",)
    assert (got.p_value, got.df) == (want.p_value, want.df)
    # what stands in for a missing value does not matter beside an indicator
    other = tuple([np.where(part[1] == 1, 99.0, part[0]), part[1]] for part in by_hand)
    assert compare_means(*y, covariates=other).p_value == pytest.approx(got.p_value, rel=1e-9)


def test_covariates_missing_in_the_same_units_share_one_indicator():
    y, x = sample(9)
    absent = [np.arange(len(arm)) < 5 for arm in y]
    holes = tuple(np.where(absent[side], NAN, x[side]).T for side in (0, 1))
    got = compare_means(*y, covariates=holes)
    assert got.warnings == ("covariate_missing",)
    assert got.method == "welch_cuped"


def test_a_covariate_missing_in_one_arm_alone_needs_no_indicator():
    y, x = sample(10, k=1)
    holes = (np.where(np.arange(len(y[0])) < 3, NAN, x[0][0]), x[1][0])
    assert compare_means(*y, covariates=holes).warnings == ("covariate_missing",)


def test_covariates_come_as_columns_arrays_or_frames():
    y, x = sample(11)
    forms = [
        tuple(list(part) for part in x),
        tuple(tuple(column.tolist() for column in part) for part in x),
        tuple(part.T for part in x),
        tuple(pd.DataFrame(part.T, columns=["a", "b"]) for part in x),
        tuple(pd.DataFrame(part.T, columns=["a", "b"]).convert_dtypes() for part in x),
    ]
    moments = [Moments.from_columns([y[side], *x[side]]) for side in (0, 1)]
    want = compare_means(*moments).p_value
    for form in forms:
        assert compare_means(*y, covariates=form).p_value == pytest.approx(want, rel=1e-9)


def test_arms_with_different_covariates_are_refused():
    y, x = sample(12)
    with pytest.raises(UsageError, match="same covariates"):
        compare_means(*y, covariates=(list(x[0]), x[1][0]))
    with pytest.raises(UsageError, match="equally long"):
        compare_means(*y, covariates=(x[0][0][:-1], x[1][0]))


@pytest.mark.parametrize("slopes", ["each", None, [1.0], [[1.0, 2.0]], [1.0, NAN], ["a", "b"]])
def test_slopes_that_are_none_are_refused(slopes):
    y, x = sample(13)
    with pytest.raises(UsageError, match="slopes"):
        compare_means(*y, covariates=tuple(part.T for part in x), slopes=slopes)


def test_phases_with_several_covariates_come_as_moments(reference):
    case = next(c for c in reference("covariates")["cases"] if "control_phases" in c)
    control, treatment = by_phase(case)
    got = compare_means(control, treatment)
    pair = estimate_means(control, treatment, adjusted=True)
    assert got.p_value == pair.test().p_value
    assert (got.n_control, got.n_treatment) == (85, 65)
    with pytest.raises(UsageError, match="phases"):
        compare_means(control, treatment, method="student")
    with pytest.raises(UsageError, match="Phases"):
        compare_means(control, treatment, covariates=([1.0], [1.0]))


def ratio_columns(seed, n=400):
    rng = np.random.default_rng(seed)
    arms = []
    for _ in range(2):
        activity = rng.gamma(3.0, 1.0, n)
        before, after = rng.poisson(3 * activity) + 1.0, rng.poisson(3 * activity) + 1.0
        habit = rng.beta(2, 5, n)
        past, now = rng.binomial(before.astype(int), habit), rng.binomial(after.astype(int), habit)
        arms.append((now.astype(float), after, past.astype(float), before))
    return arms


def test_two_coefficients_agree_with_r(reference):
    for case in reference("ratio_cuped_two")["cases"]:
        control, treatment = case["control"], case["treatment"]
        arguments = {"covariates": (tuple(control[2:]), tuple(treatment[2:]))}
        arms = (tuple(control[:2]), tuple(treatment[:2]))
        got = compare_ratios(*arms, coefficients=2, **arguments)
        assert got.absolute.estimate == pytest.approx(case["estimate"], rel=1e-8)
        assert got.absolute.estimate / got.statistic == pytest.approx(case["se"], rel=1e-8)
        assert got.df == pytest.approx(case["df"], rel=1e-8)
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-7)
        if "lm_theta" in case:
            assert case["theta"] == pytest.approx(case["lm_theta"], rel=1e-9)
        one = compare_ratios(*arms, **arguments)
        assert got.variance_reduction >= one.variance_reduction - 0.03
        moments = [Moments.from_columns(arm) for arm in (control, treatment)]
        same = compare_ratios(*moments, coefficients=2)
        assert same.p_value == pytest.approx(got.p_value, rel=1e-9)


def test_a_ratio_with_further_covariates_is_adjusted_for_them_too():
    arms = ratio_columns(6)
    rng = np.random.default_rng(7)
    noise = [rng.normal(size=400) for _ in arms]
    useful = [Moments.from_columns([*arm, arm[0] / arm[1]]) for arm in arms]
    useless = [Moments.from_columns([*arm, extra]) for arm, extra in zip(arms, noise, strict=True)]
    four = [Moments.from_columns(arm) for arm in arms]
    for coefficients in (1, 2):
        base, more, none = (
            estimate_ratios([a], [b], adjusted=True, coefficients=coefficients)
            for a, b in (four, useful, useless)
        )
        assert more.variance_reduction > base.variance_reduction + 0.1
        assert none.variance_reduction == pytest.approx(base.variance_reduction, abs=0.02)
        assert none.contrast.difference == pytest.approx(base.contrast.difference, abs=0.01)


def test_two_coefficients_need_no_denominator_before_exposure():
    arms = ratio_columns(8)
    past = tuple((arm[2], np.zeros(400)) for arm in arms)
    got = compare_ratios(arms[0][:2], arms[1][:2], covariates=past, coefficients=2)
    assert got.method == "delta_cuped"
    assert got.warnings == ("covariate_dropped",)
    with pytest.raises(UsageError, match="coefficients"):
        compare_ratios(arms[0][:2], arms[1][:2], covariates=past, coefficients=3)
