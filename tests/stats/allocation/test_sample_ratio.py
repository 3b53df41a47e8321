import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from abtest.errors import UsageError
from abtest.stats import NotEstimable, sample_ratio, sample_ratio_by_segment

SMALL = st.lists(st.integers(0, 12), min_size=2, max_size=4).filter(any)


def test_exact_tests_agree_with_r(reference):
    values = reference("sample_ratio")
    for name in ("binomial", "multinomial"):
        for case in values[name]:
            got = sample_ratio(case["counts"], case["shares"])
            assert got.method == f"exact_{name}"
            assert got.p_value == pytest.approx(case["p_value"], rel=1e-7), case


def test_phases_are_tested_together_by_their_joint_probability(reference):
    for case in reference("sample_ratio")["phases"]:
        got = sample_ratio(case["counts"], case["shares"])
        assert got.method == "exact_multinomial"
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-9)
        first, *rest = zip(case["counts"], case["shares"], strict=True)
        turned = [*rest, first]
        again = sample_ratio([c for c, _ in turned], [s for _, s in turned])
        assert again.p_value == pytest.approx(got.p_value, rel=1e-9)


def test_many_units_are_tested_by_chi_square(reference):
    for case in reference("sample_ratio")["chi_square"]:
        got = sample_ratio(case["counts"], case["shares"])
        assert got.method == "chi_square"
        assert got.p_value == pytest.approx(case["p_value"], rel=1e-9)
        assert got.statistic == pytest.approx(case["statistic"], rel=1e-9)


def test_segments_agree_with_r(reference):
    for case in reference("sample_ratio")["segments"]:
        got = sample_ratio_by_segment(case["segments"], case["shares"])
        assert [one.p_value for one in got.segments] == pytest.approx(case["p_values"], rel=1e-7)
        adjusted = [one.adjusted_p_value for one in got.segments]
        assert adjusted == pytest.approx(case["holm"], rel=1e-7)
        assert [one.mismatch for one in got.segments] == [p <= 0.001 for p in case["holm"]]
        same = None if got.homogeneity is None else got.homogeneity.p_value
        assert same == (case["homogeneity"] and pytest.approx(case["homogeneity"], rel=1e-8))


@settings(max_examples=60)
@given(st.integers(0, 400), st.integers(1, 400), st.floats(0.01, 0.99))
def test_two_arms_are_scipys_binomial_test(control, treatment, share):
    got = sample_ratio([control, treatment], [share, 1 - share])
    expected = stats.binomtest(control, control + treatment, share).pvalue
    assert got.p_value == pytest.approx(expected, rel=1e-6)


@settings(max_examples=60)
@given(SMALL, st.data())
def test_the_order_of_the_arms_does_not_matter(counts, data):
    weights = data.draw(st.lists(st.integers(1, 9), min_size=len(counts), max_size=len(counts)))
    order = data.draw(st.permutations(range(len(counts))))
    one = sample_ratio(counts, weights)
    other = sample_ratio([counts[i] for i in order], [weights[i] for i in order])
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)
    assert other.statistic == pytest.approx(one.statistic, rel=1e-9, abs=1e-9)


@settings(max_examples=30)
@given(SMALL, st.floats(1e-300, 1e300))
def test_shares_have_no_unit(counts, unit):
    shares = np.arange(1.0, len(counts) + 1)
    one, other = sample_ratio(counts, shares), sample_ratio(counts, unit * shares)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)


def test_the_error_of_the_exact_test_is_at_most_alpha():
    for units, share in ((20, 0.5), (45, 0.3), (12, 0.05)):
        chances = stats.binom.pmf(np.arange(units + 1), units, share)
        p = [sample_ratio([x, units - x], [share, 1 - share]).p_value for x in range(units + 1)]
        for alpha in (0.001, 0.01, 0.05):
            assert chances[np.array(p) <= alpha].sum() <= alpha + 1e-12


def test_exact_and_chi_square_meet_in_large_samples():
    for counts, shares in (([50_200, 49_800], [1, 1]), ([330, 360, 310], [1, 1, 1])):
        exact = sample_ratio(counts, shares, method="exact").p_value
        rough = sample_ratio(counts, shares, method="chi_square").p_value
        assert exact == pytest.approx(rough, rel=0.05)


@pytest.mark.parametrize(
    ("counts", "shares", "method"),
    [
        ([500, 499], [1, 1], "exact_binomial"),
        ([500, 500], [1, 1], "chi_square"),
        ([333, 333, 333], [1, 1, 1], "exact_multinomial"),
        ([4, 20_000], [1, 9999], "exact_binomial"),
        ([250, 250, 250, 249], [1, 1, 1, 1], "chi_square"),  # too many tables
        ([[5, 5], [5000, 5000]], [[1, 1], [1, 1]], "chi_square"),
        ([[4, 5], [5000, 5000]], [[1, 1], [1, 1]], "exact_multinomial"),
        ([3, 3_000_000], [1, 999_999], "chi_square"),
    ],
)
def test_the_method_follows_the_counts_and_is_named(counts, shares, method):
    got = sample_ratio(counts, shares)
    assert got.method == method
    assert method in str(got)
    assert got.to_dict()["method"] == method


def test_chi_square_says_when_it_is_rough():
    got = sample_ratio([3, 3_000_000], [1, 999_999])
    assert got.smallest_expected < 5
    assert "roughly" in str(got)


def test_tiny_exact_p_values_keep_a_logarithm():
    got = sample_ratio([999, 0], [1, 1])
    assert got.log10_p == pytest.approx(998 * math.log10(0.5), rel=1e-9)
    got = sample_ratio([0, 900], [999, 1])
    assert got.p_value == 0.0
    assert got.log10_p == pytest.approx(-2700, rel=1e-3)


def test_phases_without_units_change_nothing():
    plain = sample_ratio([[30, 20]], [[1, 1]])
    assert sample_ratio([[30, 20], [0, 0]], [[1, 1], [1, 9]]) == plain


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        (["a", "b"], [1, 1]),
        ([True, False], [1, 1]),
        ([10, None], [1, 1]),
        ([10, float("nan")], [1, 1]),
        ([10, float("inf")], [1, 1]),
        ([10, 10], ["a", "b"]),
        ([10, 10], [1, None]),
        ([10, 10], [1, 1e-300]),
        ([10, 10], [1, 0]),
        ([10, 10], [1]),
        ([[10, 10]], [[1, 1], [1, 1]]),
        ("10", "1"),
        (10, 1),
        (None, [1, 1]),
    ],
)
def test_wrong_counts_and_shares_are_refused(counts, shares):
    with pytest.raises(UsageError):
        sample_ratio(counts, shares)


def test_an_exact_test_of_too_many_tables_is_refused():
    with pytest.raises(UsageError, match="too many tables"):
        sample_ratio([5000, 5000, 5000], [1, 1, 1], method="exact")
    with pytest.raises(UsageError):
        sample_ratio([5, 5], [1, 1], method="fisher")


@pytest.mark.parametrize(
    ("counts", "shares"), [([0, 0], [1, 1]), ([5], [1]), ([], []), ([[]], [[]])]
)
def test_no_units_or_one_arm_have_no_ratio(counts, shares):
    with pytest.raises(NotEstimable) as caught:
        sample_ratio(counts, shares)
    assert caught.value.code == "too_few_units"


def test_the_culprit_is_named():
    found = sample_ratio_by_segment(
        {"web": [5020, 4980], "ios": [3010, 2995], "android": [2400, 2900], "tv": [0, 0]},
        {"control": 0.5, "treatment": 0.5},
    )
    assert found.culprit == ("android", "control")
    assert [s.mismatch for s in found.segments] == [False, False, True, False]
    assert found["tv"].p_value is None
    assert found["android"].residual == pytest.approx(-500 / math.sqrt(5300))
    assert found.homogeneity.p_value < 1e-6
    assert str(found) == (
        "The shares are not as planned in 1 of 4 segments, most of all in android: "
        "too few units in control (adjusted p = 2e-11)."
    )
    assert found.to_dict()["culprit"] == ["android", "control"]
    assert "android" in found._repr_mimebundle_()[0]["text/html"]


def test_a_mismatch_that_is_everywhere_is_said_to_concern_all():
    found = sample_ratio_by_segment({"a": [500, 600], "b": [520, 610], "c": [505, 602]}, [1, 1])
    assert found.overall.p_value < 0.001
    assert found.homogeneity.p_value > 0.5
    assert "concerns all" in str(found)


def test_segments_as_planned_have_no_culprit():
    found = sample_ratio_by_segment({"a": {"c": 510, "t": 95}, "b": {"c": 7}}, {"c": 5, "t": 1})
    assert found.culprit is None
    assert found["b"].counts == (7, 0)
    assert found["b"].method == "exact_binomial"
    assert str(found) == "No mismatch is shown in any of 2 segments."


def test_adjusted_p_values_are_holms_over_segments_with_units():
    table = {"a": [30, 60], "b": [55, 45], "c": [0, 0], "d": [200, 260]}
    found = sample_ratio_by_segment(table, [1, 1], arms=["c", "t"])
    singles = [sample_ratio(table[name], [1, 1]).p_value for name in ("a", "b", "d")]
    ordered = sorted(singles)
    holm, running = {}, 0.0
    for place, p in enumerate(ordered):
        running = max(running, min(1.0, (3 - place) * p))
        holm[p] = running
    got = [found[name].adjusted_p_value for name in ("a", "b", "d")]
    assert got == pytest.approx([holm[p] for p in singles])


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=1, max_size=5))
def test_the_order_of_segments_does_not_matter(rows):
    table = {str(i): list(row) for i, row in enumerate(rows)}
    if not any(map(any, rows)):
        with pytest.raises(NotEstimable):
            sample_ratio_by_segment(table, [1, 2])
        return
    one = sample_ratio_by_segment(table, [1, 2])
    other = sample_ratio_by_segment(dict(reversed(table.items())), [1, 2])
    for segment in one.segments:
        twin = other[segment.name]
        assert twin.adjusted_p_value == segment.adjusted_p_value
        assert (twin.arm, twin.mismatch) == (segment.arm, segment.mismatch)
    assert (one.homogeneity is None) == (other.homogeneity is None)
    assert one.homogeneity == other.homogeneity


@pytest.mark.parametrize(
    ("table", "shares", "arguments"),
    [
        ([[1, 2]], [1, 1], {}),
        ({}, [1, 1], {}),
        ({"a": [1, 2, 3]}, [1, 1], {}),
        ({"a": [1, -2]}, [1, 1], {}),
        ({"a": [1.5, 2]}, [1, 1], {}),
        ({"a": {"c": 1, "x": 2}}, {"c": 1, "t": 1}, {}),
        ({"a": [1, 2]}, [1, 0], {}),
        ({"a": [1]}, [1], {}),
        ({"a": [1, 2]}, [1, 1], {"arms": ["c"]}),
        ({"a": [1, 2]}, [1, 1], {"arms": ["c", "c"]}),
        ({"a": [1, 2]}, {"c": 1, "t": 1}, {"arms": ["c", "t"]}),
        ({"a": [1, 2]}, [1, 1], {"alpha": 0}),
        ({"a": [1, 2]}, [1, 1], {"correction": "tukey"}),
        ({"a": "12"}, [1, 1], {}),
        ({"a": None}, [1, 1], {}),
    ],
)
def test_wrong_tables_are_refused(table, shares, arguments):
    with pytest.raises(UsageError):
        sample_ratio_by_segment(table, shares, **arguments)


def test_segments_that_differ_are_told_though_none_stands_out():
    sides = [150 if place % 2 else -150 for place in range(20)]
    table = {f"s{place}": [10_000 + x, 10_000 - x] for place, x in enumerate(sides)}
    found = sample_ratio_by_segment(table, [1, 1])
    assert found.culprit is None
    assert found.homogeneity.p_value < 1e-10
    assert str(found).startswith("The shares differ between segments (p = 3.3e-11)")
    assert f"{found.homogeneity.p_value:.3g}" in found._repr_mimebundle_()[0]["text/html"]
