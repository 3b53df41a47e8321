"""Adjustment against numbers that R computed."""

import numpy as np
import pytest

from abtest.stats import compare_means, compare_ratios, diagnose_adjustment


def samples(case):
    """Return outcomes and covariates of both arms; what is missing is NaN."""
    arms = ("control", "treatment")
    outcomes = [np.array(case[arm], dtype=float) for arm in arms]
    covariates = [np.array(case[f"{arm}_covariates"], dtype=float) for arm in arms]
    return outcomes, covariates


def test_missing_values_cost_what_r_says(reference):
    cases = reference("missing_covariates")["cases"]
    assert len(cases) >= 5
    for case in cases:
        outcomes, covariates = samples(case)
        got = compare_means(*outcomes, covariates=tuple(list(part) for part in covariates))
        assert "covariate_missing" in got.warnings
        assert got.absolute.estimate == pytest.approx(case["estimate"], rel=1e-8), case["name"]
        assert got.absolute.estimate / got.statistic == pytest.approx(case["se"], rel=1e-8)
        assert got.control_value == pytest.approx(case["control_value"], rel=1e-9)


def test_covariates_save_what_r_says(reference):
    cases = [case for case in reference("covariates")["cases"] if "saved" in case]
    assert len(cases) >= 5
    for case in cases:
        outcomes, covariates = samples(case)
        got = diagnose_adjustment(*outcomes, covariates=tuple(list(part) for part in covariates))
        want = case["saved"]
        assert got.saved_together == pytest.approx(want["together"], rel=1e-7), case["name"]
        alone = [one.saved_alone for one in got.covariates]
        assert alone == pytest.approx(want["alone"], rel=1e-7), case["name"]


def test_one_coefficient_agrees_with_r(reference):
    for case in reference("ratio_cuped_two")["cases"]:
        control, treatment, want = case["control"], case["treatment"], case["one"]
        got = compare_ratios(
            tuple(control[:2]),
            tuple(treatment[:2]),
            covariates=(tuple(control[2:]), tuple(treatment[2:])),
        )
        assert got.absolute.estimate == pytest.approx(want["estimate"], rel=1e-8), case["name"]
        assert got.absolute.estimate / got.statistic == pytest.approx(want["se"], rel=1e-8)
        assert (got.df, got.p_value) == pytest.approx((want["df"], want["p_value"]), rel=1e-7)
        if "lm_theta" in want:
            assert want["theta"] == pytest.approx(want["lm_theta"], rel=1e-9)
