"""Ratios of totals against R, sandwich, statsmodels and arithmetic by hand."""

import math

import pytest
from scipy import special

from abtest.stats import compare_ratios, ratio_of_totals


def test_one_sample_intervals_agree_with_r(reference):
    found = reference("ratios")
    level = found["confidence_level"]
    for case in found["cases"]:
        for arm, want in zip((case["control"], case["treatment"]), case["one"], strict=True):
            values = (arm["y"], arm["x"])
            delta = ratio_of_totals(values, method="delta", confidence_level=level)
            assert delta.estimate == pytest.approx(want["ratio"], rel=1e-12), case["name"]
            assert delta.details["standard_error"] == pytest.approx(want["se"], rel=1e-9)
            if want["hc1"] is not None:
                assert delta.details["standard_error"] == pytest.approx(want["hc1"], rel=1e-9)
            assert delta.lower == pytest.approx(want["delta_lower"], rel=1e-9)
            assert delta.upper == pytest.approx(want["delta_upper"], rel=1e-9)
            fieller = ratio_of_totals(values, confidence_level=level)
            assert (fieller.status == "bounded") == (want["g"] < 1.0)
            if want["g"] < 1.0:
                size = abs(want["ratio"]) + want["se"]
                assert fieller.lower == pytest.approx(want["fieller_lower"], abs=1e-9 * size)
                assert fieller.upper == pytest.approx(want["fieller_upper"], abs=1e-9 * size)


def test_a_small_sample_by_hand(reference):
    hand = reference("ratios")["by_hand"]
    delta = ratio_of_totals((hand["y"], hand["x"]), method="delta")
    assert delta.estimate == pytest.approx(hand["ratio"])
    assert delta.details["standard_error"] == pytest.approx(hand["se"])
    q = special.stdtrit(2, 0.9) ** 2
    a, b, g = 9 - q, 6 - q / 2, 4 - q / 3
    fieller = ratio_of_totals((hand["y"], hand["x"]), confidence_level=0.8)
    root = math.sqrt(b * b - a * g)
    assert (fieller.lower, fieller.upper) == pytest.approx(((b - root) / a, (b + root) / a))


def test_two_arms_agree_with_welch_on_influence_values_in_r(reference):
    found = reference("ratios")
    for case in found["cases"]:
        arms = [(arm["y"], arm["x"]) for arm in (case["control"], case["treatment"])]
        got = compare_ratios(*arms, confidence_level=found["confidence_level"])
        want = case["two"]
        assert got.absolute.estimate == pytest.approx(want["estimate"], rel=1e-9), case["name"]
        assert got.statistic == pytest.approx(want["statistic"], rel=1e-9)
        assert got.df == pytest.approx(want["df"], rel=1e-9)
        assert got.p_value == pytest.approx(want["p_value"], rel=1e-9)
        assert got.absolute.lower == pytest.approx(want["lower"], rel=1e-9)
        assert got.absolute.upper == pytest.approx(want["upper"], rel=1e-9)
        greater = compare_ratios(*arms, alternative="greater")
        assert greater.p_value == pytest.approx(want["p_greater"], rel=1e-9)
