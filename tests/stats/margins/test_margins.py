import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.stats import (
    Moments,
    RatePair,
    ScorePair,
    ValueCounts,
    compare_means,
    equivalence,
    estimate_means,
    estimate_proportions,
    estimate_ratios,
    non_inferiority,
)

SAMPLES = st.lists(st.integers(-20, 60), min_size=3, max_size=15).filter(lambda v: len(set(v)) > 1)


def test_absolute_margins_agree_with_r_and_statsmodels(reference):
    for case in reference("margins")["absolute"]:
        arms, margin = (case["control"], case["treatment"]), case["margin"]
        up = non_inferiority(*arms, margin_absolute=margin)
        down = non_inferiority(*arms, margin_absolute=margin, direction="decrease")
        both = equivalence(*arms, margin_absolute=margin)
        assert up.p_value == pytest.approx(case["p_greater"], rel=1e-9), case["name"]
        assert down.p_value == pytest.approx(case["p_less"], rel=1e-9)
        assert (up.statistic, up.df) == pytest.approx((case["statistic"], case["df"]), rel=1e-9)
        assert both.p_value == pytest.approx(case["tost"], rel=1e-9)
        assert both.p_value == pytest.approx(case["statsmodels_tost"], rel=1e-6)
        got = (both.absolute.lower, both.absolute.upper)
        assert got == pytest.approx(case["tost_interval"], rel=1e-8)


def test_relative_margins_count_control_as_estimated(reference):
    for case in reference("margins")["relative"]:
        arms, margin = (case["control"], case["treatment"]), case["margin"]
        up = non_inferiority(*arms, margin=margin)
        down = non_inferiority(*arms, margin=margin, direction="decrease")
        assert up.statistic == pytest.approx(case["statistic"], rel=1e-8), case["name"]
        assert up.p_value == pytest.approx(case["p_greater"], rel=1e-8)
        assert down.p_value == pytest.approx(case["p_less"], rel=1e-8)
        assert equivalence(*arms, margin=margin).p_value == pytest.approx(case["tost"], rel=1e-8)


def test_proportions_are_judged_by_the_score_statistic(reference):
    for case in reference("margins")["proportions"]:
        x0, n0, x1, n1 = case["counts"]
        arms = Moments.from_counts(n0, x0), Moments.from_counts(n1, x1)
        absolute = {"margin_absolute": case["margin_absolute"], "measure": "proportion"}
        relative = {"margin": case["margin"], "measure": "proportion"}
        up = non_inferiority(*arms, **absolute)
        assert up.method == "miettinen_nurminen"
        assert up.statistic == pytest.approx(case["statistic"], rel=1e-6)
        assert up.p_value == pytest.approx(case["p_greater"], rel=1e-6)
        assert up.statistic == pytest.approx(case["scipy_statistic"], rel=1e-6)
        for direction, key in (("increase", "greater"), ("decrease", "less")):
            got = non_inferiority(*arms, **absolute, direction=direction).p_value
            assert got == pytest.approx(case[f"p_{key}"], rel=1e-6)
            got = non_inferiority(*arms, **relative, direction=direction).p_value
            assert got == pytest.approx(case[f"p_relative_{key}"], rel=1e-6)


def test_ratios_agree_with_r(reference):
    data = {case["name"]: case for case in reference("ratios")["cases"]}
    for case in reference("margins")["ratios"]:
        arms = [
            (data[case["name"]][arm]["y"], data[case["name"]][arm]["x"])
            for arm in ("control", "treatment")
        ]
        absolute = {"margin_absolute": case["margin_absolute"], "measure": "ratio"}
        relative = {"margin": case["margin"], "measure": "ratio"}
        up = non_inferiority(*arms, **absolute)
        assert (up.statistic, up.df) == pytest.approx((case["statistic"], case["df"]), rel=1e-8)
        assert up.p_value == pytest.approx(case["p_greater"], rel=1e-8), case["name"]
        for direction, key in (("increase", "greater"), ("decrease", "less")):
            got = non_inferiority(*arms, **absolute, direction=direction).p_value
            assert got == pytest.approx(case[f"p_{key}"], rel=1e-8), case["name"]
            got = non_inferiority(*arms, **relative, direction=direction).p_value
            assert got == pytest.approx(case[f"p_relative_{key}"], rel=1e-8), case["name"]


def test_rates_are_judged_by_the_score_statistic(reference):
    for case in reference("margins")["rates"]:
        x0, t0, x1, t1 = case["counts"]
        pair = RatePair(x0, t0, x1, t1)
        up = non_inferiority(pair, margin=case["margin"])
        down = non_inferiority(pair, margin=case["margin"], direction="decrease")
        assert up.statistic == pytest.approx(case["statistic"], rel=1e-8)
        assert up.p_value == pytest.approx(case["p_greater"], rel=1e-8)
        assert down.p_value == pytest.approx(case["p_less"], rel=1e-8)


def test_no_margin_in_sight_is_the_ordinary_test():
    control, treatment = [1.0, 2.0, 4.0, 3.0], [2.0, 3.0, 5.0, 6.0]
    tiny = non_inferiority(control, treatment, margin_absolute=1e-12)
    plain = compare_means(control, treatment, alternative="greater")
    assert tiny.p_value == pytest.approx(plain.p_value, rel=1e-9)


@settings(max_examples=80)
@given(SAMPLES, SAMPLES, st.floats(0.01, 50), st.floats(0.001, 0.4))
def test_p_and_interval_agree_on_absolute_margins(control, treatment, margin, alpha):
    up = non_inferiority(control, treatment, margin_absolute=margin, alpha=alpha)
    assume(abs(up.p_value / alpha - 1) > 1e-9)
    assert up.non_inferior == (up.absolute.lower > -margin)
    assert up.absolute.upper is None
    down = non_inferiority(
        control, treatment, margin_absolute=margin, alpha=alpha, direction="decrease"
    )
    assume(abs(down.p_value / alpha - 1) > 1e-9)
    assert down.non_inferior == (down.absolute.upper < margin)
    both = equivalence(control, treatment, margin_absolute=margin, alpha=alpha)
    within = both.absolute.lower > -margin and both.absolute.upper < margin
    assert both.equivalent == within == (up.non_inferior and down.non_inferior)


@settings(max_examples=80)
@given(SAMPLES, SAMPLES, st.floats(0.01, 0.99), st.floats(0.001, 0.4))
def test_p_and_interval_agree_on_relative_margins(control, treatment, margin, alpha):
    assume(sum(control) != 0)
    both = equivalence(control, treatment, margin=margin, alpha=alpha)
    assume(abs(both.p_value / alpha - 1) > 1e-9)
    interval = both.relative
    within = interval.status == "bounded" and interval.lower > -margin and interval.upper < margin
    assert both.equivalent == within


@settings(max_examples=50)
@given(
    st.integers(2, 60),
    st.integers(2, 60),
    st.data(),
    st.floats(0.02, 0.6),
    st.sampled_from(["margin", "margin_absolute"]),
)
def test_p_and_interval_agree_for_score_pairs(n0, n1, data, size, scale):
    pair = ScorePair(data.draw(st.integers(0, n0)), n0, data.draw(st.integers(0, n1)), n1)
    both = equivalence(pair, **{scale: size})
    assume(abs(both.p_value - 0.05) > 1e-6)
    interval = both.effect
    low = -math.inf if interval.lower is None else interval.lower
    high = math.inf if interval.upper is None else interval.upper
    assume(min(abs(low + size), abs(high - size)) > 1e-7)
    assert both.equivalent == (low > -size and high < size)


@given(SAMPLES, SAMPLES, st.floats(0.01, 50))
def test_turning_the_metric_and_its_direction_changes_nothing(control, treatment, margin):
    one = non_inferiority(control, treatment, margin_absolute=margin)
    other = non_inferiority(
        [-v for v in control],
        [-v for v in treatment],
        margin_absolute=margin,
        direction="decrease",
    )
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9)


@given(SAMPLES, SAMPLES, st.floats(0.01, 0.9), st.floats(0.1, 1000))
def test_relative_margins_know_no_unit(control, treatment, margin, scale):
    one = equivalence(control, treatment, margin=margin)
    other = equivalence([scale * v for v in control], [scale * v for v in treatment], margin=margin)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6, abs=1e-300)


def test_margins_of_two_sizes_are_a_fall_and_a_rise():
    arms = [10.0, 11.0, 9.0, 10.5, 9.5, 10.2], [10.4, 11.6, 9.7, 10.9, 10.1, 10.0]
    both = equivalence(*arms, margin=(0.2, 0.25))
    assert both.bounds == (-0.2, 0.25)
    up = non_inferiority(*arms, margin=0.2, alpha=0.05)
    down = non_inferiority(*arms, margin=0.25, alpha=0.05, direction="decrease")
    assert both.lower_test.p_value == up.p_value
    assert both.upper_test.p_value == down.p_value
    assert both.p_value == max(up.p_value, down.p_value)


def test_every_effect_with_a_pair_has_margins():
    rng = np.random.default_rng(8)
    past = rng.gamma(3.0, size=(2, 300))
    now = past + rng.normal(0, 0.5, (2, 300))
    adjusted = non_inferiority(now[0], now[1], margin=0.1, covariates=(past[0], past[1]))
    plain = non_inferiority(now[0], now[1], margin=0.1)
    assert adjusted.method == "welch_cuped"
    assert adjusted.p_value < plain.p_value
    arms = [Moments.from_columns([now[i], past[i]]) for i in range(2)]
    pair = estimate_means([arms[0]], [arms[1]], adjusted=True)
    assert non_inferiority(pair, margin=0.1).p_value == pytest.approx(adjusted.p_value, rel=1e-9)
    ratio = equivalence((now[0], past[0]), (now[1], past[1]), margin=0.1, measure="ratio")
    moments = [Moments.from_columns([now[i], past[i]]) for i in range(2)]
    by_pair = equivalence(estimate_ratios([moments[0]], [moments[1]], adjusted=False), margin=0.1)
    assert (ratio.method, ratio.p_value) == ("delta", by_pair.p_value)
    many = [Moments.from_counts(5000, 500), Moments.from_counts(5000, 490)]
    welch = non_inferiority(estimate_proportions([many[0]], [many[1]], adjusted=False), margin=0.1)
    assert welch.method == "welch"


def test_arrays_moments_and_value_counts_give_the_same():
    control, treatment = [1.0, 2.0, 2.0, 5.0], [2.0, 2.0, 3.0, 4.0, 4.0]
    answers = [
        non_inferiority(form(control), form(treatment), margin=0.3)
        for form in (list, lambda v: Moments.from_columns([v]), ValueCounts.from_values)
    ]
    for answer in answers[1:]:
        assert answer.p_value == pytest.approx(answers[0].p_value, rel=1e-9)


@given(SAMPLES, SAMPLES, st.integers(1, 14), st.integers(1, 14))
def test_moments_merge_in_any_partition(control, treatment, first, second):
    def merged(values, cut):
        parts = [np.array(part, dtype=float) for part in (values[:cut], values[cut:])]
        return Moments.from_columns([parts[0]]) + Moments.from_columns([parts[1]])

    whole = equivalence(control, treatment, margin_absolute=5.0)
    parts = equivalence(merged(control, first), merged(treatment, second), margin_absolute=5.0)
    assert parts.p_value == pytest.approx(whole.p_value, rel=1e-9, abs=1e-300)


def test_a_noisy_control_decides_although_the_ratio_has_no_interval():
    control, treatment = [-9.0, 10.0, 2.0, -1.0], [30.0, 31.0, 29.0, 30.5]
    found = non_inferiority(control, treatment, margin=0.5)
    assert found.non_inferior
    assert equivalence(control, treatment, margin=0.5).relative.status in (
        "unbounded",
        "two_rays",
    )


def test_the_answers_read_as_sentences():
    arms = [10.0, 11.0, 9.0, 10.5], [10.4, 11.6, 9.7, 10.9]
    assert str(non_inferiority(*arms, margin=0.2)) == (
        "Treatment is non-inferior (bound -20.00%): relative effect +5.19% "
        "(97.5% interval -8.37% or more); p = 0.00145 at one-sided alpha 0.025 (welch)."
    )
    both = equivalence(*arms, margin_absolute=0.1)
    assert str(both).startswith("Treatment is not shown to be equivalent (bounds -0.1 and +0.1)")
    assert both.to_dict()["lower_test"]["alternative"] == "greater"
    assert "one-sided alpha" in both._repr_mimebundle_()[0]["text/html"]


def test_a_set_of_two_rays_is_worded_as_comparisons_word_it():
    rng = np.random.default_rng(1)
    arms = rng.normal(0.05, 1.0, 200), rng.normal(1.5, 1.0, 200)
    found = non_inferiority(*arms, margin=0.1)
    assert found.relative.status == "two_rays"
    assert "(97.5% interval anything but -1235.86% to 1019.98%)" in str(found)
    assert "anything but -1235.86%" in found._repr_mimebundle_()[0]["text/markdown"]


def test_a_control_of_zero_still_has_limits():
    arms = Moments.from_counts(50, 0), Moments.from_counts(60, 9)
    found = non_inferiority(*arms, margin=0.1, measure="proportion")
    assert found.relative.lower == pytest.approx(1.043, abs=1e-3)
    assert "relative effect (97.5% interval 104.30% or more)" in str(found)


@pytest.mark.parametrize("decide", [non_inferiority, equivalence])
def test_margins_say_warnings_nulls_and_what_was_asked(decide):
    rng = np.random.default_rng(2)
    past = [rng.normal(5.0, 1.0, 40) for _ in range(2)]
    arms = [before + rng.normal(0.0, 0.5, 40) for before in past]
    arms[0][:3], past[1][:4] = np.nan, np.nan
    found = decide(*arms, margin=0.1, covariates=tuple(past))
    assert (found.nulls_control, found.nulls_treatment) == (3, 0)
    assert found.to_dict()["nulls_control"] == 3
    assert str(found).endswith("Warnings: covariate_missing.")
    shown = found._repr_mimebundle_()[0]["text/markdown"].replace("\\_", "_")
    asked = ("margin", "direction") if decide is non_inferiority else ("bounds",)
    level = "97.5% interval" if decide is non_inferiority else "90% interval"
    for name in (*asked, level, "covariate_missing", "3 control", "variance saved"):
        assert name in shown
    pair = estimate_means(*([Moments.from_columns([arm])] for arm in arms), adjusted=False)
    assert decide(pair, margin=0.1).nulls_control is None


def test_the_error_at_the_margin_is_alpha():
    rng, runs = np.random.default_rng(12), 2000
    hits = 0
    for _ in range(runs):
        control, treatment = rng.normal(10, 2, 40), rng.normal(9.0, 3, 25)
        hits += non_inferiority(control, treatment, margin=0.1, alpha=0.05).non_inferior
    assert hits / runs == pytest.approx(0.05, abs=4 * (0.05 * 0.95 / runs) ** 0.5)
