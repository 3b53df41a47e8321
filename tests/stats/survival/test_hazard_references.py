"""Cox's model against R's coxph and cox.zph, statsmodels, and published numbers."""

import math

import numpy as np
import pytest

from abtest.stats import EventTimes, compare_hazards


@pytest.fixture(scope="module")
def cases(reference):
    return reference("survival_cox")["cases"]


def asked(case):
    arm = np.array(case["arm"]) == 1
    columns = [case["time"], case["observed"], *([case["entry"]] if "entry" in case else [])]
    arms = [tuple(np.array(column)[side] for column in columns) for side in (~arm, arm)]
    given = {}
    if case["names"]:
        given["covariates"] = tuple(
            [np.array(column)[side] for column in case["covariates"]] for side in (~arm, arm)
        )
        given["names"] = case["names"]
    return arms, given


def test_coefficients_agree_with_coxph(cases):
    for case in cases:
        arms, given = asked(case)
        got = compare_hazards(*arms, **given)
        assert math.log(got.estimate) == pytest.approx(case["coef"][0], rel=1e-9), case["name"]
        assert got.error == pytest.approx(case["se"][0], rel=1e-9)
        assert got.p_value == pytest.approx(case["p"][0], rel=1e-8)
        width = 1.959963984540054 * case["se"][0]
        limits = math.exp(case["coef"][0] - width), math.exp(case["coef"][0] + width)
        assert got.interval == pytest.approx(limits, rel=1e-9)
        for part, name, coefficient, error, p_value in zip(
            got.covariates,
            case["names"],
            case["coef"][1:],
            case["se"][1:],
            case["p"][1:],
            strict=True,
        ):
            assert part.name == name
            assert math.log(part.hazard_ratio.estimate) == pytest.approx(coefficient, rel=1e-9)
            upper = coefficient + 1.959963984540054 * error
            assert math.log(part.hazard_ratio.upper) == pytest.approx(upper, rel=1e-9)
            assert part.test.p_value == pytest.approx(p_value, rel=1e-6)


def test_tests_of_proportional_hazards_agree_with_cox_zph(cases):
    for case in cases:
        arms, given = asked(case)
        for want in case["zph"]:
            got = compare_hazards(*arms, transform=want["transform"], **given)
            terms = [got.proportionality, *(part.proportionality for part in got.covariates)]
            found = [test.statistic for test in terms]
            if case["names"]:
                found.append(got.all_proportional.statistic)
                assert got.all_proportional.p_value == pytest.approx(want["p"][-1], rel=1e-8)
            assert found == pytest.approx(want["terms"][: len(found)], rel=1e-8), case["name"]
            assert terms[0].p_value == pytest.approx(want["p"][0], rel=1e-8)


def test_freireich_is_as_published():
    # Klein & Moeschberger and many others: 1.572 with error 0.412 by Efron's ties
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    drug = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    arms = (placebo, [1] * 21), (drug, [1] * 9 + [0] * 12)
    got = compare_hazards(*arms)
    assert (round(math.log(got.estimate), 3), round(got.error, 3)) == (-1.572, 0.412)
    summed = compare_hazards(*(EventTimes.from_values(*arm) for arm in arms))
    assert summed.estimate == pytest.approx(got.estimate, rel=1e-12)


def test_coefficients_agree_with_statsmodels(cases):
    regression = pytest.importorskip("statsmodels.duration.hazard_regression")
    for case in cases:
        if "entry" in case:
            continue
        values = np.column_stack([case["arm"], *case["covariates"]]).astype(float)
        time, seen = np.array(case["time"], float), np.array(case["observed"])
        fit = regression.PHReg(time, values, seen, ties="efron").fit(disp=0)
        arms, given = asked(case)
        got = compare_hazards(*arms, **given)
        assert math.log(got.estimate) == pytest.approx(fit.params[0], rel=1e-5)
        assert got.error == pytest.approx(fit.bse[0], rel=1e-4)
