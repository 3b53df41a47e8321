import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from abtest.stats import (
    ArmPair,
    Interval,
    Moments,
    ScorePair,
    adjust,
    estimate_means,
    heterogeneity,
    heterogeneity_by_dimension,
)

EFFECTS = st.lists(st.tuples(st.floats(-50, 50), st.floats(0.01, 100)), min_size=2, max_size=8)


def test_q_tau2_and_i2_agree_with_r(reference):
    for case in reference("heterogeneity")["cases"]:
        arguments = case["estimates"], case["variances"]
        for method in ("dersimonian_laird", "paule_mandel", "reml"):
            got = heterogeneity(*arguments, method=method)
            size = max(case["variances"])
            assert got.tau2.estimate == pytest.approx(case[method], rel=1e-6, abs=1e-9 * size)
            key = {"dersimonian_laird": "dl", "paule_mandel": "pm"}.get(method, method)
            assert got.average.estimate == pytest.approx(case[f"random_{key}"][0], rel=1e-5)
        assert got.q == pytest.approx(case["q"], rel=1e-10)
        assert got.p_value == pytest.approx(case["p"], rel=1e-7, abs=1e-300)
        assert got.i_squared.estimate == pytest.approx(case["i2"], rel=1e-9)
        empty = stats.chi2.cdf(case["q"], len(case["estimates"]) - 1) < 0.025
        assert got.spread_set == ("empty" if empty else "bounded")
        if empty:
            assert got.i_squared == got.tau2 == Interval(0.0, None, None)
            continue
        if case["q"] < 1e4:  # R's own series of the noncentral chi-square ends near there
            limits = (got.i_squared.lower, got.i_squared.upper)
            assert limits == pytest.approx((case["i2_lower"], case["i2_upper"]), abs=1e-8)
        limits = (got.tau2.lower, got.tau2.upper)
        expected = (case["tau2_lower"], case["tau2_upper"])
        assert limits == pytest.approx(expected, rel=1e-6, abs=1e-9 * size)
        mean, error = case["common"]
        assert got.common.estimate == pytest.approx(mean, rel=1e-9)
        assert got.common.upper == pytest.approx(mean + 1.959963985 * error, rel=1e-8)


def test_statsmodels_gives_the_same(reference):
    for case in reference("heterogeneity")["cases"]:
        if "statsmodels" in case:
            theirs = case["statsmodels"]
            for method in ("dersimonian_laird", "paule_mandel"):
                got = heterogeneity(case["estimates"], case["variances"], method=method)
                # its iteration for Paule and Mandel's stops after five digits
                assert got.tau2.estimate == pytest.approx(theirs[method], rel=1e-5, abs=1e-12)
            assert got.q == pytest.approx(theirs["q"], rel=1e-9)
            assert got.common.estimate == pytest.approx(theirs["common"], rel=1e-9)


def test_published_analyses_are_reproduced(reference):
    values = reference("heterogeneity")
    cases = {case["name"]: case for case in values["cases"]}
    bcg, published = cases["bcg"], values["published"]["bcg"]
    got = heterogeneity(bcg["estimates"], bcg["variances"], method="reml")
    assert got.q == pytest.approx(published["q"], abs=5e-5)
    assert got.tau2.estimate == pytest.approx(published["reml"], abs=5e-5)
    assert got.tau2.lower == pytest.approx(published["tau2_lower"], abs=5e-5)
    assert got.tau2.upper == pytest.approx(published["tau2_upper"], abs=5e-5)
    assert got.average.estimate == pytest.approx(published["average"], abs=5e-5)
    assert got.i_squared.estimate == pytest.approx(published["i2"], abs=5e-5)
    schools = cases["eight_schools"]
    got = heterogeneity(schools["estimates"], schools["variances"])
    assert round(got.common.estimate, 1) == values["published"]["eight_schools"]["common"]
    assert got.tau2.estimate == 0.0


def test_limits_of_i2_are_near_the_logarithmic_ones_of_higgins_and_thompson(reference):
    for case in reference("heterogeneity")["cases"]:
        k, q = len(case["estimates"]), case["q"]
        if k < q < 1e4:
            error = (
                0.5 * (math.log(q) - math.log(k - 1)) / (math.sqrt(2 * q) - math.sqrt(2 * k - 3))
            )
            log_h = 0.5 * math.log(q / (k - 1))
            limits = [1 - math.exp(-2 * (log_h + z * error)) for z in (-1.96, 1.96)]
            got = heterogeneity(case["estimates"], case["variances"]).i_squared
            assert (got.lower, got.upper) == pytest.approx(limits, abs=0.1)


def test_shrunken_effects_are_those_of_morris(reference):
    for case in reference("heterogeneity")["cases"]:
        got = heterogeneity(case["estimates"], case["variances"])
        if "morris" not in case:
            assert all(segment.shrunken is None for segment in got.segments)
            continue
        expected = case["morris"]
        for i, segment in enumerate(got.segments):
            size = math.sqrt(case["variances"][i])
            assert segment.shrinkage == pytest.approx(expected["shrinkage"][i], rel=1e-5)
            assert segment.shrunken.estimate == pytest.approx(
                expected["estimate"][i], rel=1e-6, abs=1e-6 * size
            )
            half = (segment.shrunken.upper - segment.shrunken.lower) / 2
            assert half == pytest.approx(1.959963985 * expected["se"][i], rel=1e-5)


def test_pairs_with_few_units_are_judged_by_welchs_f(reference):
    """With a constant control the effects are the means of the groups."""
    for case in reference("heterogeneity")["welch"]:
        pairs = []
        for group in case["groups"]:
            values = np.array(group, dtype=float)
            spread = values.var(ddof=1) / len(values)
            covariance = ((0.0, 0.0), (0.0, spread))
            pairs.append(
                ArmPair(0.0, values.mean(), covariance, len(values) - 1.0, 9, len(values), "welch")
            )
        got = heterogeneity(pairs)
        assert got.test == "welch_f"
        assert got.statistic == pytest.approx(case["f"], rel=1e-10)
        assert got.df_denominator == pytest.approx(case["df2"], rel=1e-10)
        assert got.p_value == pytest.approx(case["p"], rel=1e-9)


@settings(max_examples=60)
@given(EFFECTS, st.integers(0, 100))
def test_the_order_of_segments_does_not_matter(effects, seed):
    order = np.random.default_rng(seed).permutation(len(effects))
    y, v = map(list, zip(*effects, strict=True))
    one = heterogeneity(y, v)
    other = heterogeneity([y[i] for i in order], [v[i] for i in order])
    assert other.q == pytest.approx(one.q, rel=1e-9, abs=1e-9)
    assert other.tau2.estimate == pytest.approx(one.tau2.estimate, rel=1e-6, abs=1e-8)


@settings(max_examples=60)
@given(EFFECTS, st.floats(-100, 100), st.floats(0.01, 100))
def test_shift_and_scale_change_no_share(effects, shift, scale):
    y, v = map(np.array, zip(*effects, strict=True))
    one, other = heterogeneity(y, v), heterogeneity(shift + scale * y, scale * scale * v)
    assert other.q == pytest.approx(one.q, rel=1e-6, abs=1e-6)
    assert other.i_squared.estimate == pytest.approx(one.i_squared.estimate, abs=1e-6)
    assert other.tau2.estimate == pytest.approx(
        scale**2 * one.tau2.estimate, rel=1e-5, abs=1e-6 * scale**2
    )


@settings(max_examples=60)
@given(EFFECTS, st.sampled_from(["dersimonian_laird", "paule_mandel", "reml"]))
def test_intervals_hold_their_estimates_and_shrinking_goes_towards_the_mean(effects, method):
    y, v = map(list, zip(*effects, strict=True))
    got = heterogeneity(y, v, method=method)
    sets = (got.i_squared,) if got.spread_set == "bounded" else ()
    for interval in (*sets, got.common, got.average):
        assert interval.lower <= interval.estimate <= interval.upper
    if method == "paule_mandel" and got.spread_set == "bounded":
        assert got.tau2.lower <= got.tau2.estimate <= got.tau2.upper * (1 + 1e-9)
    for segment in got.segments:
        if segment.shrunken is not None:
            assert 0.0 <= segment.shrinkage < 1.0
            ends = sorted((segment.effect.estimate, got.average.estimate))
            assert ends[0] - 1e-6 <= segment.shrunken.estimate <= ends[1] + 1e-6


@settings(max_examples=60)
@given(EFFECTS)
def test_limits_above_0_and_the_p_value_of_q_say_the_same(effects):
    y, v = map(list, zip(*effects, strict=True))
    got = heterogeneity(y, v)
    if abs(got.p_value - 0.975) > 1e-9:
        assert (got.p_value > 0.975) == (got.spread_set == "empty")
    if abs(got.p_value - 0.025) > 1e-9 and got.spread_set == "bounded":
        assert (got.p_value < 0.025) == (got.tau2.lower > 0.0) == (got.i_squared.lower > 0.0)


def test_relative_effects_have_the_variance_of_the_delta_method():
    pair = ArmPair(10.0, 11.0, ((0.04, 0.0), (0.0, 0.09)), None, 100, 100, "z")
    other = ArmPair(-10.0, -11.0, ((0.04, 0.0), (0.0, 0.09)), None, 100, 100, "z")
    got = heterogeneity({"a": pair, "b": other}, scale="relative")
    assert [s.effect.estimate for s in got.segments] == pytest.approx([0.1, -0.1])
    expected = 0.09 / 100 + 11**2 * 0.04 / 10**4
    assert [s.variance for s in got.segments] == pytest.approx([expected, expected])


def test_pairs_of_means_and_counts_are_segments():
    control, treatment = Moments.from_columns([[1.0, 2, 3, 4]]), Moments.from_columns([[2.0, 3, 7]])
    mean = estimate_means([control], [treatment], adjusted=False)
    got = heterogeneity([mean, ScorePair(10, 100, 20, 100)], names=["web", "app"])
    assert got["web"].variance == pytest.approx(mean.contrast.difference_variance)
    assert got["app"].variance == pytest.approx(0.1 * 0.9 / 100 + 0.2 * 0.8 / 100)
    assert got["web"].effect.lower == pytest.approx(mean.absolute(0.95).lower)


def test_dimensions_are_judged_together():
    rng = np.random.default_rng(3)

    def pair(effect):
        arms = [Moments.from_columns([rng.normal(m, 1, 200)]) for m in (5.0, 5.0 + effect)]
        return estimate_means([arms[0]], [arms[1]], adjusted=False)

    family = heterogeneity_by_dimension(
        {
            "platform": {"web": pair(0.0), "ios": pair(1.0)},
            "plan": {"free": pair(0.2), "paid": pair(0.2)},
            "country": {"a": pair(0.1), "b": pair(0.1), "c": pair(0.1)},
        }
    )
    singles = [result.p_value for result in family.results]
    assert family.adjusted == adjust(singles).adjusted
    assert family.differs == (True, False, False)
    assert str(family) == "The effect differs by platform of 3 dimensions (alpha 0.05, holm)."
    assert family["plan"].df == 1
    assert family.to_dict()["dimensions"] == ["platform", "plan", "country"]
    assert "platform" in family._repr_mimebundle_()[0]["text/html"]


def test_segments_more_alike_than_chance_have_no_limits_of_their_spread():
    got = heterogeneity([1.0, 1.001, 0.999, 1.0], [1.0, 2.0, 1.0, 1.0])
    assert got.spread_set == "empty"
    assert got.i_squared == Interval(0.0, None, None)
    assert got.tau2 == Interval(0.0, None, None)
    assert str(got).endswith(
        "I2 = 0% (95% interval empty: the segments are more alike than chance would have them)."
    )
    assert got.to_dict()["spread_set"] == "empty"

    def pair(effect):
        return ArmPair(1.0, 1.0 + effect, ((1.0, 0.0), (0.0, 1.0)), None, 99, 99, "z")

    family = heterogeneity_by_dimension({"plan": {"free": pair(0.1), "paid": pair(0.1001)}})
    assert "empty" in family._repr_mimebundle_()[0]["text/html"]
    assert family.to_dict()["results"][0]["tau2"]["upper"] is None


def test_relative_effects_are_called_so():
    pair = ArmPair(10.0, 11.0, ((0.04, 0.0), (0.0, 0.09)), None, 100, 100, "z")
    got = heterogeneity({"a": pair, "b": pair}, scale="relative")
    assert got.to_dict()["scale"] == "relative"
    assert str(got).startswith("The relative effect is not shown to differ")
    page = got._repr_mimebundle_()[0]["text/html"]
    assert "relative effect" in page
    assert "+10.00%" in page
    family = heterogeneity_by_dimension({"plan": {"a": pair, "b": pair}}, scale="relative")
    assert str(family).startswith("The relative effect is not shown")


def test_a_table_of_few_segments_has_no_empty_columns():
    page = heterogeneity([0.1, 0.9], [0.01, 0.01])._repr_mimebundle_()[0]["text/html"]
    assert "shrunken" not in page
    assert "(average)" in page


def test_the_answer_reads_as_a_sentence():
    got = heterogeneity({"a": 0.1, "b": 0.9}, {"a": 0.01, "b": 0.01})
    assert str(got) == (
        "The effect differs between 2 segments: p = 1.54e-08 (cochran_q, Q = 32 on 1); "
        "I2 = 97% (95% interval 93% to 98%)."
    )
    assert got.to_dict()["segments"][0]["name"] == "a"
    four = heterogeneity([0.1, 0.9, 0.4, 0.2], [0.01, 0.01, 0.01, 0.01])
    assert "shrunken" in four._repr_mimebundle_()[0]["text/html"]


def test_underflowing_p_values_keep_a_logarithm():
    pairs = [
        ArmPair(0.0, mean, ((0.0, 0.0), (0.0, 1.0)), 5000.0, 9, 9, "welch") for mean in (0.0, 200.0)
    ]
    got = heterogeneity(pairs)
    assert got.p_value == 0.0
    # with two segments F is the square of a t statistic
    expected = stats.t.logsf(math.sqrt(got.statistic), got.df_denominator) + math.log(2)
    if math.isfinite(expected):
        assert got.log10_p == pytest.approx(expected / math.log(10), rel=1e-9)
    assert -3500 < got.log10_p < -1000


def test_shrunken_intervals_cover_on_average_where_naive_ones_do_not():
    rng, runs, hits, naive, count = np.random.default_rng(6), 600, 0, 0, 0
    for _ in range(runs):
        true = rng.normal(0, 0.7, 6)
        variances = np.array([0.3, 0.5, 1.0, 1.0, 1.5, 2.0])
        got = heterogeneity(rng.normal(true, np.sqrt(variances)), variances)
        for value, segment in zip(true, got.segments, strict=True):
            hits += segment.shrunken.lower <= value <= segment.shrunken.upper
            share = segment.variance / (segment.variance + got.tau2.estimate)
            centre = segment.effect.estimate + share * (
                got.average.estimate - segment.effect.estimate
            )
            naive += abs(value - centre) <= 1.96 * math.sqrt(segment.variance * (1 - share))
            count += 1
    assert naive / count < 0.85
    assert hits / count > 0.94
