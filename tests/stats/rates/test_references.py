"""Rates against R, MASS, sandwich and statsmodels."""

import math

import numpy as np
import pytest

from abtest.stats import Moments, compare_rates

METHODS = ("score", "exact", "mid_p")


def limits(got):
    return [None if end is None else 1 + end for end in (got.relative.lower, got.relative.upper)]


def test_poisson_rates_agree_with_r(reference):
    for case in reference("rates")["poisson"]:
        for method in METHODS:
            for alternative, want in case.get(method, {}).items():
                got = compare_rates(
                    case["control"],
                    case["treatment"],
                    exposure=(case["t_control"], case["t_treatment"]),
                    method=method,
                    alternative=alternative,
                )
                assert got.p_value == pytest.approx(want["p_value"], rel=1e-9), (method, case)
                lower, upper = limits(got)
                if alternative == "less":
                    assert lower is None
                else:
                    assert lower == pytest.approx(want["lower"], rel=1e-7, abs=1e-12)
                if want["upper"] is None:
                    assert upper is None
                elif alternative != "greater":
                    assert upper == pytest.approx(want["upper"], rel=1e-7)
                if method == "score":
                    assert got.statistic == pytest.approx(want["statistic"], rel=1e-7, abs=1e-9)


def test_the_difference_of_rates_agrees_with_a_numerical_likelihood_in_r(reference):
    for case in reference("rates")["poisson"]:
        if "difference" not in case:
            continue
        got = compare_rates(
            case["control"],
            case["treatment"],
            exposure=(case["t_control"], case["t_treatment"]),
        ).absolute
        want = case["difference"]
        size = want["upper"] - want["lower"]
        assert got.estimate == pytest.approx(want["estimate"], abs=1e-12)
        assert got.lower == pytest.approx(want["lower"], abs=1e-5 * size), case
        assert got.upper == pytest.approx(want["upper"], abs=1e-5 * size), case


def test_poisson_rates_agree_with_statsmodels(reference):
    for case in reference("rates")["poisson"]:
        want = case.get("statsmodels")
        if want is None:
            continue
        arguments = {"exposure": (case["t_control"], case["t_treatment"])}
        arms = (case["control"], case["treatment"])
        score = compare_rates(*arms, **arguments)
        assert score.statistic == pytest.approx(want["score_statistic"], rel=1e-9)
        assert score.statistic == pytest.approx(want["difference_statistic"], rel=1e-9)
        assert score.p_value == pytest.approx(want["score_p_value"], rel=1e-9)
        # its limits come from a root search that stops at 1e-8
        assert limits(score)[0] == pytest.approx(want["score_lower"], rel=1e-6)
        assert limits(score)[1] == pytest.approx(want["score_upper"], rel=1e-6)
        for method in ("exact", "mid_p"):
            got = compare_rates(*arms, **arguments, method=method, alternative="greater")
            assert got.p_value == pytest.approx(want[f"{method}_greater_p_value"], rel=1e-9)


def test_exact_two_sided_p_values_are_those_of_the_interval(reference):
    """poisson.test and statsmodels sum small probabilities; that can contradict their interval."""
    for case in reference("rates")["poisson"]:
        if "exact" not in case or "statsmodels" not in case:
            continue
        theirs = case["exact"]["two-sided"]["poisson_test_p_value"]
        assert theirs == pytest.approx(case["statsmodels"]["exact_two_sided_p_value"], rel=1e-6)
        ours = compare_rates(
            case["control"],
            case["treatment"],
            exposure=(case["t_control"], case["t_treatment"]),
            method="exact",
        )
        assert ours.p_value >= theirs * (1 - 1e-9)
        excludes = not limits(ours)[0] <= 1 <= limits(ours)[1]
        assert excludes == (ours.p_value < 0.05)


def test_the_published_example_of_r():
    got = compare_rates(6 + 8 + 7, 11, exposure=(1083 + 1050 + 878, 800), method="exact")
    assert [round(end, 7) for end in limits(got)] == [0.8584264, 4.2772659]
    assert round(1 + got.relative.estimate, 6) == 1.971488


def arms_of(case):
    exposure = None if case.get("t0") is None else (case["t0"], case["t1"])
    return (case["y0"], case["y1"]), exposure


def test_quasi_poisson_agrees_with_r_sandwich_and_statsmodels(reference):
    for case in reference("rates")["regressions"]:
        arms, exposure = arms_of(case)
        want = case["quasi"]
        model = compare_rates(*arms, exposure=exposure, method="quasi_poisson", variance="model")
        assert math.log1p(model.relative.estimate) == pytest.approx(want["log_ratio"], rel=1e-8)
        error = math.log1p(model.relative.estimate) / model.statistic
        assert error == pytest.approx(want["se"], rel=1e-6), case["name"]
        assert model.p_value == pytest.approx(want["p_value"], rel=1e-5)
        assert model.details["dispersion"] == pytest.approx(want["dispersion"], rel=1e-6)
        assert error == pytest.approx(case["statsmodels"]["quasi_se"], rel=1e-6)
        robust = compare_rates(*arms, exposure=exposure, method="quasi_poisson")
        error = math.log1p(robust.relative.estimate) / robust.statistic
        n = [len(arm) for arm in arms]
        if exposure is None:  # then the sandwich with n / (n - 1) is HC2
            assert error == pytest.approx(want["hc2"], rel=1e-8), case["name"]
        else:
            smallest, largest = (math.sqrt(k / (k - 1)) for k in (max(n), min(n)))
            assert smallest <= error / want["hc0"] <= largest
        assert case["statsmodels"]["hc0"] == pytest.approx(want["hc0"], rel=1e-8)


def test_negative_binomial_agrees_with_mass_and_statsmodels(reference):
    for case in reference("rates")["regressions"]:
        want = case.get("nb")
        if want is None:
            continue
        arms, exposure = arms_of(case)
        model = compare_rates(
            *arms, exposure=exposure, method="negative_binomial", variance="model"
        )
        log_ratio = math.log1p(model.relative.estimate)
        assert log_ratio == pytest.approx(want["log_ratio"], rel=1e-7), case["name"]
        assert 1 / model.details["dispersion"] == pytest.approx(want["theta"], rel=1e-6)
        assert log_ratio / model.statistic == pytest.approx(want["se"], rel=1e-6)
        theirs = case["statsmodels"]
        assert log_ratio == pytest.approx(theirs["nb_log_ratio"], rel=1e-6)
        assert model.details["dispersion"] == pytest.approx(theirs["nb_alpha"], rel=1e-5)
        robust = compare_rates(*arms, exposure=exposure, method="negative_binomial")
        error = math.log1p(robust.relative.estimate) / robust.statistic
        n = [len(arm) for arm in arms]
        smallest, largest = (math.sqrt(k / (k - 1)) for k in (max(n), min(n)))
        assert smallest - 1e-9 <= error / want["hc0"] <= largest + 1e-9
        assert want["hc0"] == pytest.approx(want["sandwich"], rel=1e-6)


def test_without_exposures_both_robust_regressions_are_one():
    rng = np.random.default_rng(4)
    arms = rng.negative_binomial(1, 0.3, 50), rng.negative_binomial(1, 0.25, 70)
    first, second = (
        compare_rates(*arms, method=method) for method in ("quasi_poisson", "negative_binomial")
    )
    assert first.p_value == pytest.approx(second.p_value, rel=1e-9)
    assert first.relative.upper == pytest.approx(second.relative.upper, rel=1e-9)


def test_counts_that_vary_less_than_poisson_have_no_dispersion(reference):
    case = next(c for c in reference("rates")["regressions"] if c["name"] == "under-dispersed")
    got = compare_rates(case["y0"], case["y1"], method="negative_binomial", variance="model")
    assert got.details["dispersion"] == 0.0
    error = math.log1p(got.relative.estimate) / got.statistic
    assert error == pytest.approx(math.sqrt(1 / sum(case["y0"]) + 1 / sum(case["y1"])))


def test_moments_carry_all_that_quasi_poisson_needs():
    rng = np.random.default_rng(5)
    days = rng.integers(1, 20, (2, 60)).astype(float)
    events = rng.poisson(0.4 * days)
    want = compare_rates(*events, exposure=tuple(days), method="quasi_poisson")
    moments = [Moments.from_columns([y, t]) for y, t in zip(events, days, strict=True)]
    got = compare_rates(*moments, method="quasi_poisson")
    assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
    assert got.relative.lower == pytest.approx(want.relative.lower, rel=1e-9)
