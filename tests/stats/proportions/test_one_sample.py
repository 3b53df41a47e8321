import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import NotEstimable, proportion_interval, proportion_test

INTERVALS = ("agresti_coull", "clopper_pearson", "jeffreys", "mid_p", "wald", "wilson")
PAIRED = ("clopper_pearson", "mid_p", "wilson")
TESTS = (*PAIRED, "minimum_likelihood")
ALTERNATIVES = ("two-sided", "greater", "less")
samples = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def ends(found):
    return (
        0.0 if found.lower is None else found.lower,
        1.0 if found.upper is None else found.upper,
    )


def test_limits_and_p_values_are_those_of_r(reference):
    for case in reference("one_proportion")["r"]:
        x, n, share = case["successes"], case["n"], case["share"]
        for method in INTERVALS:
            got = proportion_interval(x, n, method=method)
            assert got.interval == pytest.approx(case[method], rel=1e-8, abs=1e-12), (case, method)
        for method, name in (
            ("clopper_pearson", "clopper_pearson_p"),
            ("mid_p", "mid_p_p"),
            ("minimum_likelihood", "minimum_likelihood"),
            ("wilson", "wilson_p"),
        ):
            got = proportion_test(x, n, share, method=method).p_value
            assert got == pytest.approx(case[name], rel=1e-9), (case, method)
        for side in ("greater", "less"):
            got = proportion_test(x, n, share, method="clopper_pearson", alternative=side)
            assert got.p_value == pytest.approx(case[side], rel=1e-9), case


def test_limits_and_p_values_are_the_published_ones(reference):
    book = reference("one_proportion")["book"]
    for method, want in book["intervals"].items():
        got = proportion_interval(13, 16, method=method).interval
        assert got == pytest.approx(want, abs=0.51e-4)
    for method, want in book["p_values"].items():
        assert proportion_test(13, 16, 0.5, method=method).p_value == pytest.approx(
            want, abs=0.51e-5
        )
    for case in reference("one_proportion")["newcombe"]:
        for method in ("wald", "wilson", "clopper_pearson"):
            if method in case:
                got = proportion_interval(case["successes"], case["n"], method=method)
                assert got.interval == pytest.approx(case[method], abs=0.51e-4), case


@given(sample=samples, share=st.floats(0.001, 0.999), alternative=st.sampled_from(ALTERNATIVES))
def test_p_values_are_those_of_scipy(sample, share, alternative):
    from scipy.stats import binomtest

    x, n = sample
    want = binomtest(x, n, share, alternative=alternative).pvalue
    got = proportion_test(x, n, share, method="minimum_likelihood", alternative=alternative)
    assert got.p_value == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("method", PAIRED)
@given(
    sample=samples,
    share=st.floats(0.001, 0.999),
    level=st.floats(0.5, 0.999),
    alternative=st.sampled_from(ALTERNATIVES),
)
def test_the_interval_leaves_out_exactly_what_the_test_rejects(
    method, sample, share, level, alternative
):
    x, n = sample
    p_value = proportion_test(x, n, share, method=method, alternative=alternative).p_value
    assume(abs(p_value - (1 - level)) > 1e-7)
    found = proportion_interval(
        x, n, method=method, confidence_level=level, alternative=alternative
    )
    low, high = ends(found)
    assert (low <= share <= high) == (p_value > 1 - level)


@pytest.mark.parametrize("method", INTERVALS)
@given(sample=samples, level=st.floats(0.5, 0.999))
def test_intervals_hold_the_estimate_lie_in_range_and_mirror(method, sample, level):
    x, n = sample
    low, high = ends(proportion_interval(x, n, method=method, confidence_level=level))
    assert 0.0 <= low <= high <= 1.0
    if method not in ("agresti_coull", "jeffreys"):  # centred elsewhere: not at low levels
        assert low - 1e-12 <= x / n <= high + 1e-12
    mirrored = ends(proportion_interval(n - x, n, method=method, confidence_level=level))
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("method", TESTS)
@given(sample=samples, share=st.floats(0.01, 0.99))
def test_failures_are_tested_against_the_rest(method, sample, share):
    x, n = sample
    got = proportion_test(x, n, share, method=method).p_value
    assert 0.0 <= got <= 1.0
    other = proportion_test(n - x, n, 1 - share, method=method).p_value
    assert other == pytest.approx(got, rel=1e-7)


def test_exact_tests_keep_their_level_for_every_share():
    from scipy.stats import binom

    for n in (1, 5, 17, 40):
        for share in (0.03, 0.2, 0.5, 0.77):
            for method in ("clopper_pearson", "minimum_likelihood"):
                size = sum(
                    binom.pmf(x, n, share)
                    for x in range(n + 1)
                    if proportion_test(x, n, share, method=method).p_value <= 0.05
                )
                assert size <= 0.05 + 1e-12


def test_far_tails_keep_their_logarithm():
    for method in TESTS:
        far = proportion_test(900_000, 1_000_000, 0.5, method=method)
        assert far.p_value == 0.0
        assert -170_000 < far.log10_p < -120_000
    exact = proportion_test(2000, 2000, 0.5, method="clopper_pearson", alternative="greater")
    assert exact.log10_p == pytest.approx(2000 * math.log10(0.5), rel=1e-9)
    less = proportion_test(0, 2000, 0.5, method="clopper_pearson", alternative="less")
    assert less.log10_p == pytest.approx(2000 * math.log10(0.5), rel=1e-9)


def test_the_result_reads_as_a_sentence_and_is_plain():
    got = proportion_interval(81, 263)
    assert str(got) == "Proportion 0.308 (95% interval 0.2553 to 0.3662), 263 units."
    assert got.to_dict()["method"] == "wilson"
    one = proportion_interval(81, 263, alternative="greater")
    assert (one.upper, one.status) == (None, "half_line")


@pytest.mark.parametrize(
    ("successes", "n"),
    [
        (-1, 10),
        (11, 10),
        (1.5, 10),
        (True, 10),
        ("3", 10),
        (None, 10),
        (float("nan"), 10),
        (3, float("inf")),
        (3, -1),
        (1, [10]),
    ],
)
def test_counts_that_are_none_are_refused(successes, n):
    with pytest.raises(UsageError):
        proportion_interval(successes, n)
    with pytest.raises(UsageError):
        proportion_test(successes, n, 0.5)


def test_other_arguments_are_refused_and_no_units_say_why():
    with pytest.raises(NotEstimable) as error:
        proportion_interval(0, 0)
    assert error.value.code == "too_few_units"
    for share in (0.0, 1.0, -0.1, 50, float("nan"), "half", True):
        with pytest.raises(UsageError):
            proportion_test(3, 10, share)
    for level in (0.0, 1.0, 95, float("nan"), None):
        with pytest.raises(UsageError):
            proportion_interval(3, 10, confidence_level=level)
    with pytest.raises(UsageError):
        proportion_interval(3, 10, method="exact")
    with pytest.raises(UsageError):
        proportion_test(3, 10, 0.5, method="jeffreys")
    with pytest.raises(UsageError):
        proportion_test(3, 10, 0.5, alternative="both")
    with pytest.raises(UsageError, match="one-sided"):
        proportion_interval(3, 10, confidence_level=0.3, alternative="less")
