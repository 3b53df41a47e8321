"""What holds for all rates: order, partition, swapped arms, p and interval, tables, far tails."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.stats import (
    Moments,
    MomentsTable,
    NotEstimable,
    RatePair,
    ValueCounts,
    compare_rates,
)

ALTERNATIVES = ("two-sided", "greater", "less")
POISSON = ("score", "exact", "mid_p")
METHODS = (*POISSON, "quasi_poisson", "negative_binomial")
totals = st.tuples(st.integers(0, 60), st.sampled_from([0.5, 3.0, 10.0, 1234.5]))
samples = st.lists(st.integers(0, 9), min_size=3, max_size=15).filter(lambda v: len(set(v)) > 1)
methods = st.sampled_from(METHODS)
alternatives = st.sampled_from(ALTERNATIVES)


def of_totals(a, b, **arguments):
    return compare_rates(a[0], b[0], exposure=(a[1], b[1]), **arguments)


@settings(deadline=None)
@given(totals, totals, st.sampled_from(POISSON), alternatives, st.sampled_from([0.9, 0.95, 0.999]))
def test_p_and_interval_of_totals_are_one_test(a, b, method, alternative, level):
    got = of_totals(a, b, method=method, alternative=alternative, confidence_level=level)
    alpha = 1 - level
    assume(abs(got.p_value - alpha) > 1e-9)
    for interval in (got.relative, got.absolute)[: 2 if method == "score" else 1]:
        lower, upper = interval.lower, interval.upper
        outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
        assert outside == (got.p_value < alpha), interval
        if interval.estimate is not None:
            assert lower is None or lower <= interval.estimate + 1e-9
            assert upper is None or interval.estimate <= upper + 1e-9


@settings(deadline=None)
@given(samples, samples, methods, alternatives, st.sampled_from(["robust", "model"]))
def test_p_and_interval_of_units_are_one_test(a, b, method, alternative, variance):
    variance = "robust" if method in POISSON else variance
    got = compare_rates(a, b, method=method, alternative=alternative, variance=variance)
    assume(abs(got.p_value - 0.05) > 1e-9)
    lower, upper = got.relative.lower, got.relative.upper
    outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert outside == (got.p_value < 0.05)


@settings(deadline=None)
@given(totals, totals, st.sampled_from(POISSON))
def test_swapping_the_arms_turns_the_ratio(a, b, method):
    forward, backward = (of_totals(*arms, method=method) for arms in ((a, b), (b, a)))
    assert forward.p_value == pytest.approx(backward.p_value, rel=1e-9)
    if forward.relative.upper is not None and backward.relative.status != "unbounded":
        assert 1 + backward.relative.lower == pytest.approx(1 / (1 + forward.relative.upper))
    if method == "score":
        assert forward.absolute.lower == pytest.approx(-backward.absolute.upper, rel=1e-6)
    one_sided = of_totals(a, b, method=method, alternative="greater").p_value
    assert of_totals(b, a, method=method, alternative="less").p_value == pytest.approx(one_sided)


@settings(deadline=None)
@given(totals, totals, st.sampled_from(POISSON), st.sampled_from([1e-6, 24.0, 1e9]))
def test_the_unit_of_exposure_changes_no_ratio(a, b, method, scale):
    before = of_totals(a, b, method=method)
    after = of_totals((a[0], scale * a[1]), (b[0], scale * b[1]), method=method)
    assert after.p_value == pytest.approx(before.p_value, rel=1e-9)
    assert after.relative.lower == (
        before.relative.lower
        if before.relative.lower is None
        else pytest.approx(before.relative.lower, rel=1e-9, abs=1e-12)
    )
    if method == "score":
        assert scale * after.absolute.lower == pytest.approx(before.absolute.lower, rel=1e-6)


@settings(deadline=None, max_examples=50)
@given(samples, samples, methods, st.randoms())
def test_order_partition_and_form_of_the_data_change_nothing(a, b, method, random):
    want = compare_rates(a, b, method=method)
    shuffled = list(a)
    random.shuffle(shuffled)
    counts = ValueCounts.from_values(shuffled[:2]) + ValueCounts.from_values(shuffled[2:])
    forms = [(shuffled, b), (counts, ValueCounts.from_values(b))]
    if method != "negative_binomial":
        moments = Moments.from_columns([shuffled[:2]]) + Moments.from_columns([shuffled[2:]])
        forms.append((moments, Moments.from_columns([b])))
        forms.append((moments, b))
    for one, other in forms:
        got = compare_rates(one, other, method=method)
        assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
        for limit in ("lower", "upper"):
            theirs, ours = getattr(want.relative, limit), getattr(got.relative, limit)
            assert ours == (theirs if theirs is None else pytest.approx(theirs, rel=1e-9, abs=1e-9))
        assert got.warnings == want.warnings
        assert got.details == pytest.approx(want.details, rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(totals, totals), min_size=1, max_size=6),
    st.sampled_from(POISSON),
    alternatives,
)
def test_every_row_of_a_table_is_what_one_comparison_says(rows, method, alternative):
    def moments(events, exposure):
        # two units with half the exposure each
        return Moments(
            2,
            np.array([events / 2, exposure / 2]),
            np.array([[events**2 / 2.0, 0.0], [0.0, 0.0]]),
        )

    pairs = [(moments(*a), moments(*b)) for a, b in rows]
    tables = [MomentsTable.from_moments([pair[i] for pair in pairs]) for i in (0, 1)]
    table = compare_rates(*tables, method=method, alternative=alternative)
    for index, pair in enumerate(pairs):
        want = compare_rates(*pair, method=method, alternative=alternative)
        got = table[index]
        assert got.p_value == pytest.approx(want.p_value, rel=1e-12)
        assert (got.absolute, got.scale) == (want.absolute, want.scale)
        assert got.relative == want.relative


def test_rows_without_a_number_have_a_status():
    def one(n, mean):
        return Moments(n, np.array([mean]), np.array([[float(n)]]))

    control = MomentsTable.from_moments([one(10, 0.5), *[one(10, 1.0)] * 4, one(1, 3.0)])
    treatment = MomentsTable.from_moments(
        [one(10, 0.7), one(0, 0.0), one(10, 0.25), one(10, -1.0), one(10, 0.0), one(10, 1.0)]
    )
    status = ["ok", "too_few_units", "not_a_count", "not_a_count", "ok", "ok"]
    for method in POISSON:
        table = compare_rates(control, treatment, method=method)
        assert table.status.tolist() == status
        assert np.isnan(table.p_value[1:4]).all()
    status[4:] = ["no_events", "too_few_units"]
    for variance in ("robust", "model"):
        table = compare_rates(control, treatment, method="quasi_poisson", variance=variance)
        assert table.status.tolist() == status
        assert table.scale == "ratio"
        want = compare_rates(one(10, 0.5), one(10, 0.7), method="quasi_poisson", variance=variance)
        assert table[0].p_value == pytest.approx(want.p_value, rel=1e-12)


@given(totals, totals, st.floats(-0.9, 5), st.floats(-2, 2))
def test_a_pair_tests_every_bound_as_its_intervals_say(a, b, relative, absolute):
    pair = RatePair(a[0], a[1], b[0], b[1])
    for interval, test, bound in (
        (pair.relative(0.9), pair.test(relative=relative), relative),
        (pair.absolute(0.9), pair.test(absolute=absolute), absolute),
    ):
        assume(abs(test.p_value - 0.1) > 1e-6)
        inside = (interval.lower is None or interval.lower <= bound) and (
            interval.upper is None or bound <= interval.upper
        )
        assert inside == (test.p_value > 0.1)


def test_a_pair_has_no_bound_of_everything():
    with pytest.raises(NotEstimable) as caught:
        RatePair(3, 10.0, 5, 10.0).test(relative=-1.0)
    assert caught.value.code == "bound_out_of_range"


@pytest.mark.parametrize("method", POISSON)
def test_far_tails_keep_a_logarithm(method):
    got = compare_rates(10, 6000, exposure=(1000, 1000), method=method)
    assert got.p_value == 0.0
    # the chance of so few, to leading order: log10 of choose(6010, 10) / 2^6010
    leading = (math.lgamma(6011) - math.lgamma(11) - math.lgamma(6001)) / math.log(10)
    if method == "score":
        assert -1500 < got.log10_p < -1200
    else:
        assert got.log10_p == pytest.approx(leading - 6010 * math.log10(2) + 0.3, abs=0.5)
    near = compare_rates(10, 900, exposure=(1000, 1000), method=method)
    assert near.log10_p == pytest.approx(math.log10(near.p_value))


def test_logarithms_of_exact_tails_join_where_the_series_takes_over():
    from abtest.stats.rates import exact

    for k, rest in ((300.0, 5.0), (1000.0, 400.0), (500.0, 0.0)):
        p = 0.3
        direct = math.log(float(exact._beta_tail(*map(np.array, (k, rest, p, 0.7)))))
        assert exact._log_upper(k, rest, p, 0.7) == pytest.approx(direct, rel=1e-11)


def test_overdispersed_counts_are_named_and_poisson_counts_are_not():
    rng = np.random.default_rng(6)
    users = rng.negative_binomial(0.3, 0.1, (2, 400))
    for method in POISSON:
        assert compare_rates(*users, method=method).warnings == ("overdispersed",)
    got = compare_rates(*users, method="quasi_poisson")
    assert got.warnings == ()
    assert got.details["dispersion"] > 5
    warned = sum(bool(compare_rates(*rng.poisson(0.05, (2, 300))).warnings) for _ in range(150))
    assert warned <= 3
    assert compare_rates(900, 1000, exposure=(10, 10)).warnings == ()


def test_quasi_poisson_holds_its_level_where_poisson_does_not():
    rng = np.random.default_rng(12)
    arms = rng.negative_binomial(0.5, 0.2, (2, 1000, 300)).astype(float)
    tables = [
        MomentsTable.from_columns(np.full(1000, 300), arm.mean(axis=1), arm.var(axis=1, ddof=1))
        for arm in arms
    ]
    rejected = {
        method: int((compare_rates(*tables, method=method).p_value < 0.05).sum())
        for method in ("exact", "quasi_poisson")
    }
    assert rejected["exact"] > 250
    assert 30 <= rejected["quasi_poisson"] <= 70


def test_no_events_at_all_exclude_no_ratio():
    for method in POISSON:
        got = of_totals((0, 10), (0, 20), method=method)
        assert (got.p_value, got.relative.status) == (1.0, "unbounded")
        assert got.relative.estimate is None
    score = of_totals((0, 10), (0, 20)).absolute
    z2 = 1.959963984540054**2
    assert (score.lower, score.upper) == pytest.approx((-z2 / 10, z2 / 20))


def test_a_control_without_events_has_a_half_line():
    for method in POISSON:
        got = of_totals((0, 10), (7, 10), method=method)
        assert (got.relative.status, got.relative.estimate) == ("half_line", None)
        assert got.relative.lower > -1


def test_exact_limits_of_one_lonely_arm_have_a_closed_form():
    got = of_totals((5, 10), (0, 10), method="mid_p")
    odds = 0.05 ** (1 / 5)
    assert 1 + got.relative.upper == pytest.approx((1 - odds) / odds)
    got = of_totals((5, 10), (0, 10), method="exact")
    odds = 0.025 ** (1 / 5)
    assert 1 + got.relative.upper == pytest.approx((1 - odds) / odds)
