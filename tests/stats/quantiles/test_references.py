"""Quantiles of units against their definition in R, one-sample tests of SciPy, and others."""

from fractions import Fraction
from math import comb, log10

import numpy as np
import pytest

from abtest.stats import ValueCounts, compare_quantiles


def close(expected):
    return None if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("place", range(9))
def test_melded_limits_agree_with_their_definition_in_r(reference, place):
    case = reference("quantiles_r")["cases"][place]
    want, arms = case["want"], (case["control"], case["treatment"])
    got = compare_quantiles(*arms, quantile=case["quantile"])
    assert (got.control_value, got.treatment_value) == (want["control"], want["treatment"])
    assert got.p_value == close(want["p_two"])
    assert got.absolute.lower == close(want.get("lower"))
    assert got.absolute.upper == close(want.get("upper"))
    if min(map(min, arms)) > 0:
        for side in ("lower", "upper"):
            ratio = want.get(f"ratio_{side}")
            relative = None if ratio is None else ratio - 1.0
            assert getattr(got.relative, side) == close(relative)
    greater = compare_quantiles(*arms, quantile=case["quantile"], alternative="greater")
    assert greater.p_value == close(want["p_greater"])
    assert greater.interval == (close(want.get("lower_one")), None)
    less = compare_quantiles(*arms, quantile=case["quantile"], alternative="less")
    assert less.p_value == close(want["p_less"])
    assert less.interval == (None, close(want.get("upper_one")))


@pytest.mark.parametrize("place", range(6))
def test_against_a_known_value_it_is_the_one_sample_test_of_scipy(reference, place):
    case = reference("quantiles_scipy")["cases"][place]

    def against(value, alternative):
        known = ValueCounts.from_table([value], [1_000_000])
        share = case["quantile"]
        return compare_quantiles(known, case["values"], quantile=share, alternative=alternative)

    for alternative, limits in case["intervals"].items():
        assert against(0.0, alternative).interval == tuple(close(limit) for limit in limits)
    for alternative, p_value in case["p_values"].items():
        assert against(case["null"], alternative).p_value == close(p_value)


def test_the_bootstrap_of_r_is_inside_and_nearly_as_wide(reference):
    found = reference("quantiles_r")
    arms = {case["name"]: case for case in found["cases"]}
    for boot in found["bootstrap"]["cases"]:
        case = arms[boot["name"]]
        got = compare_quantiles(case["control"], case["treatment"], quantile=case["quantile"])
        assert got.absolute.lower <= boot["lower"]
        assert got.absolute.upper >= boot["upper"]
        assert got.absolute.upper - got.absolute.lower < 6.0 * boot["error"]


def test_large_samples_agree_with_quantile_regression(reference):
    found = reference("quantiles_r")["quantreg"]
    for want in found["cases"]:
        got = compare_quantiles(found["control"], found["treatment"], quantile=want["quantile"])
        assert got.estimate == pytest.approx(want["estimate"], abs=0.01)
        width = got.absolute.upper - got.absolute.lower
        # quantreg estimates a density, which differs by some per cent between its methods
        assert width == pytest.approx(2 * 1.96 * want["error"], rel=0.12)


@pytest.mark.parametrize(
    ("counts", "quantile"),
    [(([1500, 300, 200], [100, 900, 1000]), 0.4), (([2000, 1, 1], [1, 1, 2000]), 0.5)],
)
def test_p_values_that_underflow_keep_their_logarithm(counts, quantile):
    # the sum of the definition in whole numbers
    share = Fraction(repr(quantile))

    def at_most(k, n):
        top, base = share.numerator, share.denominator
        ways = sum(comb(n, i) * top**i * (base - top) ** (n - i) for i in range(k + 1))
        return Fraction(ways, base**n)

    (control, treatment), n = counts, [sum(arm) for arm in counts]
    starts = [0, control[0], control[0] + control[1], n[0]]
    held = [sum(treatment[: j + 1]) for j in range(3)]
    total = sum(
        (at_most(starts[j + 1] - 1, n[0]) - (at_most(starts[j] - 1, n[0]) if j else 0))
        * at_most(held[j], n[1])
        for j in range(3)
    ) + Fraction(share ** n[0])
    arms = [ValueCounts.from_table([1.0, 2.0, 3.0], arm) for arm in counts]
    got = compare_quantiles(*arms, quantile=quantile)
    scale = 10**2000
    want = log10(2 * int(total * scale)) - 2000
    assert got.log10_p == pytest.approx(want, rel=1e-9)
    if got.p_value > 0.0:
        assert got.p_value == pytest.approx(10**want, rel=1e-6)


def test_log_p_is_smooth_where_the_sums_change():
    rng = np.random.default_rng(2)
    control = ValueCounts.from_values(rng.normal(size=3000))
    logs = []
    for shift in np.linspace(1.2, 1.35, 25):
        moved = ValueCounts(control.values + shift, control.counts)
        logs.append(compare_quantiles(control, moved).log10_p)
        back = compare_quantiles(moved, control)
        assert back.log10_p == pytest.approx(logs[-1], rel=0.02)
    assert logs[0] > -276.0 > -284.0 > logs[-1]
    assert (np.diff(logs) < 0.0).all()
