"""Survival against R's survival package, its formulas and a textbook's printed statistics."""

import math

import numpy as np
import pytest

from abtest.stats import EventTimes, compare_survival, log_rank_test, survival_curve


def sample(arm):
    columns = arm["time"], arm["observed"]
    return (*columns, arm["entry"]) if "entry" in arm else columns


@pytest.fixture(scope="module")
def cases(reference):
    return reference("survival")["cases"]


def test_curves_agree_with_survfit(cases):
    for case in cases:
        for arm in case["arms"]:
            curve = survival_curve(sample(arm))
            for want in arm["curve"]:
                row = int(np.searchsorted(curve.times, want["time"]))
                got = {
                    "time": curve.times,
                    "n": curve.at_risk,
                    "S": curve.survival,
                    "se": curve.survival_error,
                    "lo": curve.survival_lower,
                    "hi": curve.survival_upper,
                    "H": curve.hazard,
                    "seH": curve.hazard_error,
                }
                for name, column in got.items():
                    assert column[row] == pytest.approx(want[name], rel=1e-9), (case["name"], name)
                factor = math.exp(1.959963984540054 * want["seH"] / want["H"])
                assert curve.hazard_upper[row] == pytest.approx(want["H"] * factor, rel=1e-9)
                assert curve.hazard_lower[row] == pytest.approx(want["H"] / factor, rel=1e-9)


def test_quantiles_agree_with_quantile_survfit(cases):
    for case in cases:
        for arm in case["arms"]:
            curve = survival_curve(sample(arm))
            for want in arm["quantiles"]:
                got = curve.quantile(want["share"])
                if "entry" in arm:  # the band of late entries may rise; R then interpolates in it
                    assert got.estimate == want["est"]
                    assert got.lower <= want["lo"]
                    assert got.upper is None or got.upper >= want["hi"]
                    continue
                for ours, theirs in zip(
                    (got.estimate, got.lower, got.upper),
                    (want.get("est"), want.get("lo"), want.get("hi")),
                    strict=True,
                ):
                    if theirs is None or theirs in arm["time"]:
                        assert ours == theirs, (case["name"], want)
                    else:  # a flat part exactly there: R takes its middle, we where it begins
                        assert 2 * theirs - ours in arm["time"], (case["name"], want)


def test_restricted_means_and_shares_agree_with_survfit(cases):
    for case in cases:
        for want in case["compare"]:
            arms = [sample(arm) for arm in case["arms"]]
            got = compare_survival(*arms, horizon=want["horizon"])
            assert got.control_value == pytest.approx(want["control"], rel=1e-10)
            assert got.treatment_value == pytest.approx(want["treatment"], rel=1e-10)
            assert got.estimate == pytest.approx(want["difference"], rel=1e-9)
            assert got.interval == pytest.approx((want["lower"], want["upper"]), rel=1e-8)
            assert got.p_value == pytest.approx(want["p"], rel=1e-7)
            greater = compare_survival(*arms, horizon=want["horizon"], alternative="greater")
            assert greater.p_value == pytest.approx(want["p_greater"], rel=1e-7)
            if "survival" not in want:  # R has no error where nobody of an arm is left
                continue
            share = compare_survival(*arms, horizon=want["horizon"], measure="survival")
            wanted = want["survival"]
            assert share.estimate == pytest.approx(wanted["difference"], rel=1e-9)
            assert share.interval == pytest.approx((wanted["lower"], wanted["upper"]), rel=1e-8)
            assert share.p_value == pytest.approx(wanted["p"], rel=1e-7)


def test_rank_tests_agree_with_survdiff_and_the_formula(cases):
    for case in cases:
        arms = [sample(arm) for arm in case["arms"]]
        for want in case["rank"]:
            powers = (want["rho"], want["gamma"])
            got = log_rank_test(*arms, weight=want["weight"], powers=powers)
            assert got.statistic**2 == pytest.approx(want["chisq"], rel=1e-9), (case["name"], want)
            if "z" in want:
                assert got.statistic == pytest.approx(want["z"], rel=1e-9)
            if "expected" in want:
                found = (got.expected_control, got.expected_treatment)
                assert found == pytest.approx(tuple(want["expected"]), rel=1e-9)
            if "hazard_ratio" in want:
                assert got.estimate == pytest.approx(want["hazard_ratio"], rel=1e-9)
                width = math.log(got.interval[1] / got.interval[0]) / 2 / 1.959963984540054
                assert width == pytest.approx(want["se_log"], rel=1e-9)


def test_rank_tests_agree_with_a_textbook(reference):
    kidney = reference("survival")["kidney"]

    def arm(events, at_risk):
        left = [
            n - d - after for n, d, after in zip(at_risk, events, [*at_risk[1:], 0], strict=True)
        ]
        return EventTimes.from_table(kidney["time"], events, left)

    arms = arm(**kidney["control"]), arm(**kidney["treatment"])
    for weight, rho, gamma, chi_square in kidney["tests"]:
        got = log_rank_test(*arms, weight=weight, powers=(rho, gamma))
        digits = 3 if chi_square < 0.01 else 2
        assert round(got.statistic**2, digits) == chi_square, (weight, rho, gamma)


def test_the_median_remission_of_freireich_is_as_published(cases):
    # Kleinbaum & Klein 2012, Survival Analysis, chapter 2: 8 and 23 weeks
    control, treatment = (survival_curve(sample(arm)) for arm in cases[0]["arms"])
    assert control.quantile().estimate == 8.0
    assert treatment.quantile().estimate == 23.0


def test_rank_tests_agree_with_statsmodels(cases):
    duration = pytest.importorskip("statsmodels.duration.survfunc")
    names = {"log_rank": None, "gehan": "gb", "tarone_ware": "tw"}
    for case in cases:
        if "entry" in case["arms"][0]:
            continue
        arms = [sample(arm) for arm in case["arms"]]
        time, seen = (np.concatenate([arm[i] for arm in arms]) for i in (0, 1))
        group = np.repeat([0, 1], [len(arm[0]) for arm in arms])
        for weight, name in names.items():
            chi_square, p_value = duration.survdiff(time, seen, group, weight_type=name)
            got = log_rank_test(*arms, weight=weight)
            assert got.statistic**2 == pytest.approx(chi_square, rel=1e-9)
            assert got.p_value == pytest.approx(p_value, rel=1e-7)
