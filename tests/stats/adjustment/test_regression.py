import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, ValueCounts, compare_adjusted_means, compare_means

ARMS = ("control", "treatment")


def arguments(case):
    covariates = tuple(np.array(case[f"{arm}_covariates"]).T for arm in ARMS)
    return case["control"], case["treatment"], covariates


def draw(seed, n, slopes=(1.0, 1.0)):
    rng = np.random.default_rng(seed)
    x = [rng.exponential(size=(size, 2)) for size in (n, n)]
    y = [
        s * part[:, 0] + rng.normal(size=n) * part[:, 1] for s, part in zip(slopes, x, strict=True)
    ]
    return y, x


@pytest.mark.parametrize("errors", ["hc2", "hc3"])
def test_lin_with_robust_errors_agrees_with_r(reference, errors):
    for case in reference("covariates")["cases"]:
        if "lin" not in case:
            continue
        control, treatment, covariates = arguments(case)
        got = compare_adjusted_means(
            control, treatment, covariates=covariates, errors=errors, target="units"
        )
        want, robust = case["lin"], case["lin"][errors.upper()]
        assert got.method == f"lin_{errors}"
        assert got.df == want["df"]
        assert got.absolute.estimate == pytest.approx(want["estimate"], rel=1e-7)
        assert got.p_value == pytest.approx(robust["p_value"], rel=1e-6)
        assert got.absolute.lower == pytest.approx(robust["lower"], rel=1e-6)
        assert got.absolute.upper == pytest.approx(robust["upper"], rel=1e-6)
        assert got.details["largest_leverage"] == pytest.approx(want["largest_leverage"])
        greater = compare_adjusted_means(
            control,
            treatment,
            covariates=covariates,
            errors=errors,
            target="units",
            alternative="greater",
        )
        assert greater.p_value == pytest.approx(robust["greater"], rel=1e-6)
        assert greater.absolute.upper is None


@pytest.mark.parametrize("errors", ["HC2", "HC3"])
def test_lin_with_robust_errors_agrees_with_statsmodels(errors):
    import statsmodels.api as sm

    y, x = draw(1, 120, (1.0, 2.0))
    both, arm = np.vstack(x), np.repeat([0.0, 1.0], 120)
    centred = both - both.mean(axis=0)
    design = np.column_stack([np.ones(240), arm, centred, arm[:, None] * centred])
    theirs = sm.OLS(np.concatenate(y), design).fit(cov_type=errors, use_t=True)
    got = compare_adjusted_means(*y, covariates=tuple(x), errors=errors.lower(), target="units")
    assert got.absolute.estimate == pytest.approx(theirs.params[1], rel=1e-9)
    assert got.p_value == pytest.approx(theirs.pvalues[1], rel=1e-7)
    covariance = theirs.cov_params()
    # a relative effect: both values with their joint covariance, as a linear contrast
    bound = got.relative.lower
    contrast = np.zeros(6)
    contrast[:2] = -bound, 1.0
    statistic = contrast @ theirs.params / np.sqrt(contrast @ covariance @ contrast)
    from scipy import stats

    assert statistic == pytest.approx(stats.t.ppf(0.975, 234), rel=1e-6)


def test_a_population_adds_the_noise_of_the_overall_means():
    y, x = draw(2, 300, (0.0, 3.0))
    units = compare_adjusted_means(*y, covariates=tuple(x), target="units")
    population = compare_adjusted_means(*y, covariates=tuple(x))
    slopes = [
        np.linalg.lstsq(np.c_[np.ones(300), a], b, rcond=None)[0][1:]
        for a, b in zip(x, y, strict=True)
    ]
    gap = slopes[1] - slopes[0]
    spread = (np.cov(x[0].T) + np.cov(x[1].T)) / 2 / 600
    added = (population.absolute.estimate / population.statistic) ** 2 - (
        units.absolute.estimate / units.statistic
    ) ** 2
    assert population.absolute.estimate == units.absolute.estimate
    assert added == pytest.approx(gap @ spread @ gap, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "hc2", "hc3"), [(30, 0.1, 0.2), (300, 0.02, 0.03), (3000, 0.003, 0.004)]
)
def test_moments_and_regression_agree_as_n_grows(n, hc2, hc3):
    """Estimates are the same; errors come closer, here with a variance that depends on x."""
    for errors, tolerance in (("hc2", hc2), ("hc3", hc3)):
        apart = []
        for seed in range(15):
            y, x = draw(seed, n, (1.0, 0.5))
            moments = compare_means(*y, covariates=tuple(x))
            got = compare_adjusted_means(*y, covariates=tuple(x), errors=errors)
            assert got.absolute.estimate == pytest.approx(moments.absolute.estimate, rel=1e-9)
            apart.append(abs(got.statistic / moments.statistic - 1.0))
        assert np.median(apart) < tolerance


def test_small_samples_and_high_leverage_take_the_careful_error():
    y, x = draw(3, 60)
    assert compare_adjusted_means(*y, covariates=tuple(x)).method == "lin_hc3"
    y, x = draw(3, 400)
    assert compare_adjusted_means(*y, covariates=tuple(x)).method == "lin_hc2"
    x[0][0, 0] = 500.0
    got = compare_adjusted_means(*y, covariates=tuple(x))
    assert got.details["largest_leverage"] > 0.9
    assert got.method == "lin_hc3"


def test_a_unit_that_decides_a_slope_alone_leaves_the_plain_result():
    y, _ = draw(4, 20)
    alone = tuple(np.eye(1, 20, 3)[0] for _ in y)
    got = compare_adjusted_means(*y, covariates=alone)
    assert (got.method, got.warnings) == ("welch", ("covariate_too_few_units",))


@pytest.mark.parametrize(
    ("covariate", "warning"),
    [
        (lambda y: np.zeros(len(y)), "covariate_constant"),
        (lambda y: y, "covariate_is_outcome"),
        (lambda y: [y[::-1], y[::-1] * 2.0], "covariate_dropped"),
        (
            lambda y: list(np.random.default_rng(1).normal(size=(30, len(y)))),
            "covariate_too_few_units",
        ),
        (lambda y: np.where(np.arange(len(y)) < 4, np.nan, y[::-1]), "covariate_missing"),
    ],
)
def test_covariates_that_cannot_help_say_why(covariate, warning):
    y, _ = draw(5, 25)
    got = compare_adjusted_means(*y, covariates=tuple(covariate(arm) for arm in y))
    assert got.warnings == (warning,)


def test_units_without_an_outcome_are_left_out_and_counted():
    y, x = draw(6, 50)
    more = [np.append(arm, np.nan) for arm in y]
    got = compare_adjusted_means(*more, covariates=tuple(np.vstack([part, [9, 9]]) for part in x))
    want = compare_adjusted_means(*y, covariates=tuple(x))
    assert (got.nulls_control, got.n_control) == (1, 50)
    assert got.p_value == pytest.approx(want.p_value)


def test_sums_are_refused():
    y, x = draw(7, 20)
    for values in (Moments.from_columns([y[0]]), ValueCounts.from_values(y[0])):
        with pytest.raises(UsageError, match="values of units"):
            compare_adjusted_means(values, y[1], covariates=tuple(x))


@pytest.mark.parametrize("bad", [{"errors": "HC2"}, {"target": "sample"}, {"confidence_level": 1}])
def test_impossible_arguments_are_refused(bad):
    y, x = draw(8, 20)
    with pytest.raises(UsageError):
        compare_adjusted_means(*y, covariates=tuple(x), **bad)


@pytest.mark.parametrize(
    ("scale", "code"), [(1e300, "not_finite"), (np.inf, "not_finite"), (0.0, "constant")]
)
def test_data_that_cannot_answer_say_why(scale, code):
    y, x = draw(9, 20)
    with np.errstate(invalid="ignore"), pytest.raises(NotEstimable) as caught:
        compare_adjusted_means(*(arm * scale for arm in y), covariates=tuple(x))
    assert caught.value.code == code


def test_units_of_outcome_and_covariates_do_not_matter():
    y, x = draw(10, 60)
    want = compare_adjusted_means(*y, covariates=tuple(x))
    for a, b, c in ((1e-150, 1.0, 0.0), (1e100, 1e-120, 0.0), (1.0, 1e100, 0.0), (3.0, 2.0, 1e3)):
        got = compare_adjusted_means(
            *(a * arm for arm in y), covariates=tuple(b * (part + c) for part in x)
        )
        assert got.p_value == pytest.approx(want.p_value, rel=1e-6)
