"""Competing risks against R: curves of survfit, Gray's test of cmprsk, a published table."""

import numpy as np
import pytest

from abtest.stats import (
    CompetingTimes,
    compare_incidence,
    cumulative_incidence,
    gray_test,
    survival_curve,
)


@pytest.fixture(scope="module")
def cases(reference):
    return reference("survival_competing")["cases"]


def arms_of(case):
    return [(arm["time"], arm["cause"]) for arm in case["arms"]]


def test_curves_and_errors_agree_with_survfit(cases):
    for case in cases:
        for arm in case["arms"]:
            for want in arm["curves"]:
                got = cumulative_incidence((arm["time"], arm["cause"]), cause=want["cause"])
                for row in want["rows"]:
                    place = int(np.searchsorted(got.times, row["time"]))
                    assert got.incidence[place] == pytest.approx(row["F"], rel=1e-10)
                    assert got.error[place] == pytest.approx(row["se"], rel=1e-9), case["name"]


def test_gray_agrees_with_cmprsk(cases):
    for case in cases:
        for want in case["gray"]:
            # no time has both causes
            arms = [
                (np.array(time) + 0.25 * (np.array(cause) == 2), cause)
                for time, cause in arms_of(case)
            ]
            got = gray_test(*arms, cause=want["cause"])
            assert got.statistic**2 == pytest.approx(want["chisq"], rel=1e-9), case["name"]
            assert got.p_value == pytest.approx(want["p"], rel=1e-8)
            greater = gray_test(*arms, cause=want["cause"], alternative="greater")
            half = got.p_value / 2
            assert greater.p_value == pytest.approx(half if got.statistic > 0 else 1 - half)
            # cmprsk leaves out that a unit has one of two causes at one time
            tied = gray_test(*arms_of(case), cause=want["cause"])
            assert tied.statistic**2 == pytest.approx(want["chisq_tied"], rel=0.03)
            assert tied.statistic**2 <= want["chisq_tied"] * (1 + 1e-9)


def test_gray_with_ties_of_both_causes_agrees_with_permutations():
    rng = np.random.default_rng(3)
    n = 600
    days = np.ceil(rng.exponential(1.5, n))
    last = np.floor(rng.exponential(6.0, n))
    cause = np.where(days <= last, rng.integers(1, 3, n), 0)
    days = np.minimum(days, last)
    found = []
    for _ in range(600):
        treated = rng.permutation(n) < n // 2
        test = gray_test((days[~treated], cause[~treated]), (days[treated], cause[treated]))
        found.append(test.statistic)
    # five standard errors of a variance of 600 draws; cmprsk's variance would give 1.27
    assert np.var(found) == pytest.approx(1.0, abs=5 * np.sqrt(2 / 600))
    assert abs(np.mean(found)) < 5 / np.sqrt(600)


def test_differences_at_a_horizon_agree_with_survfit(cases):
    for case in cases:
        for want in case["compare"]:
            got = compare_incidence(*arms_of(case), horizon=want["horizon"], cause=want["cause"])
            assert got.estimate == pytest.approx(want["difference"], rel=1e-9)
            assert got.interval == pytest.approx((want["lower"], want["upper"]), rel=1e-8)
            assert got.p_value == pytest.approx(want["p"], rel=1e-7)


def test_one_cause_alone_is_a_survival_curve(cases):
    case = next(case for case in cases if case["name"] == "freireich")
    for time, cause in arms_of(case):
        got, want = cumulative_incidence((time, cause)), survival_curve((time, cause))
        assert got.incidence == pytest.approx(1 - want.survival, rel=1e-12)
        assert got.error == pytest.approx(want.survival_error, rel=1e-9)
        assert got.lower == pytest.approx(1 - want.survival_upper, rel=1e-9, abs=1e-12)
        assert got.upper == pytest.approx(1 - want.survival_lower, rel=1e-9)
    table = [CompetingTimes.from_values(*arm) for arm in arms_of(case)]
    assert gray_test(*table).to_dict() == gray_test(*arms_of(case)).to_dict()


def test_without_censoring_the_share_is_a_share_with_its_variance():
    # the binomial variance: any textbook
    rng = np.random.default_rng(4)
    time, cause = rng.integers(0, 9, 400), rng.integers(1, 4, 400)
    for which in (1, 2, 3):
        got = cumulative_incidence((time, cause), cause=which)
        for row, moment in enumerate(got.times):
            share = ((time <= moment) & (cause == which)).mean()
            assert got.incidence[row] == pytest.approx(share, rel=1e-12)
            assert got.error[row] ** 2 == pytest.approx(share * (1 - share) / 400, rel=1e-9)
