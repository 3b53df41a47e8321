import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from abtest.errors import UsageError
from abtest.stats import Moments, ValueCounts, adjust_comparisons, compare_arms, estimate_means
from abtest.stats.multiplicity.dunnett_distribution import critical_of, exceedance


def test_probabilities_agree_with_quadrature_in_r_and_with_mvtnorm(reference):
    for case in reference("dunnett")["exceedance"]:
        got = exceedance(
            case["critical"], np.array(case["loadings"]), case["df"], two_sided=case["two_sided"]
        )
        assert got == pytest.approx(case["integrate"], rel=1e-8)
        if case["mvtnorm"] is not None:
            assert got == pytest.approx(case["mvtnorm"], abs=2e-6)


def test_critical_values_are_those_of_dunnetts_tables(reference):
    for arms, df, two_sided, printed in reference("dunnett")["tables"]["cases"]:
        got = critical_of(0.05, np.full(arms, math.sqrt(0.5)), df, two_sided=two_sided)
        assert round(got, 2) == printed


def test_studies_agree_with_r(reference):
    for study in reference("dunnett")["studies"]:
        control, *rest = study["groups"].values()
        arms = dict(zip(list(study["groups"])[1:], rest, strict=True))
        if study["name"] == "blood":  # jsonlite sorts by level: control, A, B
            assert list(arms) == ["A", "B"]
        both = compare_arms(control, arms, variance="pooled")
        less = compare_arms(control, arms, variance="pooled", alternative="less")
        assert [r.adjusted_p_value for r in both.rows] == pytest.approx(
            study["p_two_sided"], rel=1e-8
        )
        assert [r.adjusted_p_value for r in less.rows] == pytest.approx(study["p_less"], rel=1e-8)
        assert [r.absolute.lower for r in both.rows] == pytest.approx(study["lower"], rel=1e-8)
        assert [r.absolute.upper for r in both.rows] == pytest.approx(study["upper"], rel=1e-8)
        assert [r.adjusted_p_value for r in both.rows] == pytest.approx(
            study["multcomp_two_sided"], abs=1e-4
        )
        assert [r.absolute.upper for r in both.rows] == pytest.approx(
            study["multcomp_upper"], abs=5e-3
        )
        if "scipy" in study:  # drawn at random: right to about a hundredth
            assert [r.adjusted_p_value for r in both.rows] == pytest.approx(
                study["scipy"], rel=0.02
            )


@given(
    critical=st.floats(0, 30),
    loading=st.floats(0, 0.999),
    df=st.one_of(st.none(), st.floats(1, 1e6)),
    two_sided=st.booleans(),
)
def test_one_treatment_is_students_t(critical, loading, df, two_sided):
    single = stats.norm.sf(critical) if df is None else stats.t.sf(critical, df)
    got = exceedance(critical, np.array([loading]), df, two_sided=two_sided)
    expected = (2.0 if two_sided else 1.0) * single
    assert got == pytest.approx(expected, rel=1e-8, abs=1e-290)


@given(m=st.integers(1, 6), critical=st.floats(0.1, 8), two_sided=st.booleans())
def test_independent_normals_are_sidak(m, critical, two_sided):
    tail = (2.0 if two_sided else 1.0) * stats.norm.sf(critical)
    got = exceedance(critical, np.zeros(m), None, two_sided=two_sided)
    assert got == pytest.approx(-math.expm1(m * math.log1p(-tail)), rel=1e-10)


@settings(max_examples=40)
@given(
    error=st.floats(1e-6, 0.5),
    shares=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5),
    df=st.one_of(st.none(), st.floats(1, 1e4)),
    two_sided=st.booleans(),
)
def test_critical_values_invert_probabilities_and_lie_below_bonferronis(
    error, shares, df, two_sided
):
    loadings = np.sqrt(shares)
    got = critical_of(error, loadings, df, two_sided=two_sided)
    assert exceedance(got, loadings, df, two_sided=two_sided) == pytest.approx(error, rel=1e-8)
    tail = error / (2 if two_sided else 1) / len(shares)
    bonferroni = stats.norm.isf(tail) if df is None else stats.t.isf(tail, df)
    assert got <= bonferroni + 1e-8 * (1 + abs(bonferroni))


def test_constant_treatments_do_not_stop_the_quadrature():
    control = Moments.from_columns([[1.0, 2.0, 3.0, 4.0]])
    constant = Moments.from_columns([[5.0, 5.0, 5.0]])
    family = compare_arms(control, {"a": constant, "b": constant})
    single = family.rows[0].p_value  # the two differences are one and the same
    assert single <= family.rows[0].adjusted_p_value <= single * 1.01


@settings(max_examples=15)
@given(
    st.lists(
        st.lists(st.integers(-50, 50), min_size=3, max_size=8).filter(lambda v: len(set(v)) > 1),
        min_size=2,
        max_size=4,
    ),
    st.sampled_from(["two-sided", "greater", "less"]),
    st.sampled_from(["by_arm", "pooled"]),
)
def test_intervals_and_p_values_say_the_same(samples, alternative, variance):
    control, *rest = [np.array(sample, dtype=float) for sample in samples]
    arms = {str(i): sample for i, sample in enumerate(rest)}
    family = compare_arms(control, arms, alternative=alternative, variance=variance)
    for row in family.rows:
        low = -math.inf if row.absolute.lower is None else row.absolute.lower
        high = math.inf if row.absolute.upper is None else row.absolute.upper
        assert low < row.absolute.estimate < high
        if min(abs(low), abs(high)) > 1e-7:
            assert (row.adjusted_p_value < 0.05) == (not low <= 0.0 <= high)
        assert row.p_value <= row.adjusted_p_value <= min(1.0, len(arms) * row.p_value)


@settings(max_examples=15)
@given(st.floats(-100, 100), st.floats(0.1, 100))
def test_shift_and_scale_change_no_p_value(shift, scale):
    control, a, b = np.array([1.0, 2, 4]), np.array([2.0, 5, 7, 4]), np.array([0.0, 3, 1])
    first = compare_arms(control, {"a": a, "b": b})
    second = compare_arms(shift + scale * control, {"a": shift + scale * a, "b": shift + scale * b})
    for one, other in zip(first.rows, second.rows, strict=True):
        assert other.adjusted_p_value == pytest.approx(one.adjusted_p_value, rel=1e-7)


def test_arrays_moments_and_value_counts_give_the_same():
    rng = np.random.default_rng(1)
    samples = [rng.poisson(3, 40).astype(float) for _ in range(3)]
    forms = [list, lambda v: Moments.from_columns([v]), ValueCounts.from_values]
    answers = [
        compare_arms(form(samples[0]), {"a": form(samples[1]), "b": form(samples[2])})
        for form in forms
    ]
    for answer in answers[1:]:
        for one, other in zip(answers[0].rows, answer.rows, strict=True):
            assert other.adjusted_p_value == pytest.approx(one.adjusted_p_value, rel=1e-9)
            assert other.absolute.upper == pytest.approx(one.absolute.upper, rel=1e-9)


def test_moments_merge_in_any_partition():
    rng = np.random.default_rng(2)
    samples = [rng.normal(size=20) for _ in range(3)]
    merged = [
        Moments.from_columns([v[:7]])
        + Moments.from_columns([v[7:9]])
        + Moments.from_columns([v[9:]])
        for v in samples
    ]
    whole = compare_arms(samples[0], {"a": samples[1], "b": samples[2]})
    parts = compare_arms(merged[0], {"a": merged[1], "b": merged[2]})
    for one, other in zip(whole.rows, parts.rows, strict=True):
        assert other.adjusted_p_value == pytest.approx(one.adjusted_p_value, rel=1e-9)


def test_underflowing_p_values_keep_a_logarithm():
    moments = [Moments(10_000, np.array([m]), np.array([[10_000.0]])) for m in (0.0, 1.0, 0.6)]
    family = adjust_comparisons(
        [estimate_means([moments[0]], [m], adjusted=False) for m in moments[1:]], method="dunnett"
    )
    row = family.rows[0]
    assert row.adjusted_p_value == 0.0
    single = estimate_means([moments[0]], [moments[1]], adjusted=False).test()
    assert row.adjusted_log10_p == pytest.approx(single.log10_p + math.log10(2.0))


def test_intervals_cover_all_differences_together_with_unequal_variances():
    rng, runs, covered = np.random.default_rng(5), 150, 0
    for _ in range(runs):
        control = rng.normal(0, 1, 30)
        arms = {"a": rng.normal(0, 2, 20), "b": rng.normal(0, 3, 40), "c": rng.normal(0, 1, 30)}
        rows = compare_arms(control, arms).rows
        covered += all(row.absolute.lower <= 0.0 <= row.absolute.upper for row in rows)
    assert covered / runs == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / runs) ** 0.5)


def test_dunnett_wants_one_control():
    rng = np.random.default_rng(4)
    control, a, b = (Moments.from_columns([rng.normal(0, 1, n)]) for n in (50, 40, 60))
    fewer = Moments.from_columns([rng.normal(0, 1, 49)])
    other = Moments(control.n, control.mean + 0.01, control.m2)
    one = estimate_means([control], [a], adjusted=False)
    adjust_comparisons([one, estimate_means([control], [b], adjusted=False)], method="dunnett")
    for wrong in (fewer, other):
        pairs = {"a": one, "b": estimate_means([wrong], [b], adjusted=False)}
        with pytest.raises(UsageError) as caught:
            adjust_comparisons(pairs, method="dunnett")
        assert "b: " in caught.value.given
        adjust_comparisons(pairs, method="bonferroni")


def test_covariates_and_phases_may_move_the_value_of_the_one_control():
    rng = np.random.default_rng(5)

    def arm(n, shift):
        x = rng.normal(0, 1, n)
        return Moments.from_columns([x + shift + rng.normal(0, 1, n), x])

    control, a, b = arm(50, 0), arm(40, 0.2), arm(60, 0.1)
    adjusted = [estimate_means([control], [t], adjusted=True) for t in (a, b)]
    assert adjusted[0].control_value != adjusted[1].control_value
    adjust_comparisons(adjusted, method="dunnett")
    fewer = Moments.from_columns([rng.normal(0, 1, 49)])
    wrong = estimate_means([Moments.from_columns([[1.0, 2.0, 3.0]])], [fewer], adjusted=False)
    with pytest.raises(UsageError):
        adjust_comparisons([*adjusted, wrong], method="dunnett")

    def phases(first, second):
        cells = ((first, 0.0), (second, 1.0))
        return [Moments.from_columns([rng.normal(level, 1, n)]) for n, level in cells]

    both = phases(100, 100)
    phased = [
        estimate_means(both, phases(*sizes), adjusted=False) for sizes in ((50, 150), (150, 60))
    ]
    assert phased[0].control_value != phased[1].control_value
    adjust_comparisons(phased, method="dunnett")
