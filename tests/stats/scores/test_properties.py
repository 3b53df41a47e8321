"""What holds for all answers, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, ValueCounts, compare_scores, nps

ALTERNATIVES = ("two-sided", "greater", "less")
answers = st.lists(st.integers(0, 10), min_size=3, max_size=120)
KINDS = {
    "nps": {},
    "top_box": {"scale": (0, 10), "top": 3},
    "ordinal": {"scores": {k: k * k for k in range(11)}},
}
kinds = st.sampled_from(sorted(KINDS))


def answer(kind, a, b, **arguments):
    try:
        return compare_scores(a, b, kind=kind, **KINDS[kind], **arguments)
    except NotEstimable as error:
        assume(error.code != "constant")
        raise


@settings(deadline=None)
@given(kinds, answers, answers, st.randoms())
def test_order_partition_and_form_of_the_answers_change_nothing(kind, a, b, random):
    want = answer(kind, a, b)
    shuffled = list(a)
    random.shuffle(shuffled)
    parts = ValueCounts.from_values(shuffled[:2]) + ValueCounts.from_values(shuffled[2:])
    for got in (answer(kind, shuffled, b), answer(kind, parts, ValueCounts.from_values(b))):
        assert got.p_value == pytest.approx(want.p_value, rel=1e-9)
        assert got.absolute.lower == pytest.approx(want.absolute.lower, rel=1e-9, abs=1e-9)
        assert got.details == want.details


@settings(deadline=None)
@given(kinds, answers, answers)
def test_swapping_the_arms_turns_the_effect(kind, a, b):
    forward, backward = answer(kind, a, b), answer(kind, b, a)
    assert forward.p_value == pytest.approx(backward.p_value, rel=1e-7)
    assert forward.absolute.estimate == pytest.approx(-backward.absolute.estimate)
    assert forward.absolute.lower == pytest.approx(-backward.absolute.upper, abs=1e-7)


@settings(deadline=None)
@given(kinds, answers, answers, st.sampled_from(ALTERNATIVES))
def test_p_and_interval_are_one_test(kind, a, b, alternative):
    got = answer(kind, a, b, alternative=alternative)
    assume(abs(got.p_value - 0.05) > 1e-9)
    lower, upper = got.interval
    outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
    assert outside == (got.p_value < 0.05)


@given(answers, st.sampled_from(ALTERNATIVES), st.sampled_from([0.5, 0.95, 0.999]))
def test_the_interval_of_a_score_contains_it_and_stays_on_its_scale(a, alternative, level):
    got = nps(a, alternative=alternative, confidence_level=level)
    assert got.lower is None or -100 <= got.lower <= got.estimate
    assert got.upper is None or got.estimate <= got.upper <= 100
    assert sum(got.details.values()) == got.n == len(a)


@given(answers)
def test_turning_the_groups_around_turns_the_score(a):
    mirrored = [{0: 10, 1: 8, 2: 0}[0 if v <= 6 else 1 if v <= 8 else 2] for v in a]
    one, other = nps(a), nps(mirrored)
    assert one.estimate == -other.estimate
    assert one.lower == pytest.approx(-other.upper)


def test_small_samples_are_covered():
    rng = np.random.default_rng(3)
    shares = np.array([0.5, 0.3, 0.2])
    outside = 0
    for first, second in zip(
        rng.multinomial(20, shares, 1000), rng.multinomial(35, shares, 1000), strict=True
    ):
        arms = [ValueCounts.from_table([10, 8, 0], groups) for groups in (first, second)]
        outside += compare_scores(*arms).p_value < 0.05
    assert 20 <= outside <= 75


@pytest.mark.parametrize(
    ("arguments", "values", "named"),
    [
        ({}, [1, 11, 11, -1, 7.5], "-1 (1 times), 7.5 (1 times), 11 (2 times)"),
        ({"kind": "top_box"}, [1, 0, 6, 6], "0 (1 times), 6 (2 times)"),
        ({"kind": "ordinal", "scores": {1: 0, 2: 1}}, [1, 2, 3], "3 (1 times)"),
        ({}, [*range(99, 89, -1)], "and 5 more"),
    ],
)
def test_answers_off_the_scale_are_named(arguments, values, named):
    for arms in ((values, [1, 2, 2]), ([1, 2, 2], values)):
        with pytest.raises(NotEstimable) as caught:
            compare_scores(*arms, **arguments)
        assert caught.value.code == "answer_out_of_range"
        assert named in caught.value.given
    if not arguments:
        with pytest.raises(NotEstimable, match="from 0 to 10"):
            nps(values)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "too_few_units"),
        ([9], "too_few_units"),
        ([None, math.nan, 3], "too_few_units"),
        ([1, 2, math.inf], "not_finite"),
    ],
)
def test_data_that_cannot_answer_say_why(kind, values, code):
    for arms in ((values, [1, 9, 7]), ([1, 9, 7], values)):
        with pytest.raises(NotEstimable) as caught:
            compare_scores(*arms, kind=kind, **KINDS[kind])
        assert caught.value.code == code


@pytest.mark.parametrize("values", [[], [None, math.nan]])
def test_a_score_needs_an_answer(values):
    with pytest.raises(NotEstimable, match="no answer"):
        nps(values)


def test_answers_all_alike_are_judged_with_those_added():
    got = compare_scores([9] * 100, [10] * 100)
    assert (got.absolute.estimate, got.p_value) == (0.0, 1.0)
    assert got.warnings == ("counts_added",)
    with pytest.raises(NotEstimable) as caught:
        compare_scores([1, 1], [2, 2], kind="ordinal", scores={1: 3, 2: 3})
    assert caught.value.code == "constant"


def test_a_score_of_zero_has_no_relative_effect():
    got = compare_scores([10, 8, 0] * 30, [10, 8, 9] * 30)
    assert got.relative.estimate is None
    assert "relative" in str(got)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([9, 10, 3, 7, None], dtype="Int64"),
        np.ma.masked_array([9, 10, 3, 7, 99], mask=[0, 0, 0, 0, 1]),
        np.array([9, 10, 3, 7, None], dtype=object),
    ],
)
def test_arrays_of_every_library_give_one_answer(values):
    got = compare_scores(values, [1, 10, 9])
    want = compare_scores([9, 10, 3, 7], [1, 10, 9])
    assert (got.p_value, got.nulls_control) == (want.p_value, 1)
    assert nps(values).nulls == 1
    assert compare_scores(values, [1, 10, 9], kind="top_box", scale=(0, 10)).nulls_control == 1


@pytest.mark.parametrize(
    "values", [["9", "10"], [[1, 2]], [1j], None, 5, [object()], Moments.from_counts(10, 3)]
)
def test_what_is_no_column_of_numbers_is_refused(values):
    with pytest.raises(UsageError):
        compare_scores(values, [1, 2, 3])
    with pytest.raises(UsageError):
        nps(values)


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "csat"},
        {"kind": None},
        {"scale": (1, 5)},
        {"top": 2},
        {"scores": {1: 1}},
        {"kind": "top_box", "scores": {1: 1}},
        {"kind": "top_box", "scale": (5, 1)},
        {"kind": "top_box", "scale": 5},
        {"kind": "top_box", "scale": (1, 5.5)},
        {"kind": "top_box", "scale": (1, math.inf)},
        {"kind": "top_box", "scale": (True, 5)},
        {"kind": "top_box", "top": 5},
        {"kind": "top_box", "top": 0},
        {"kind": "top_box", "top": 1.5},
        {"kind": "ordinal"},
        {"kind": "ordinal", "scores": {}},
        {"kind": "ordinal", "scores": [1, 2, 3]},
        {"kind": "ordinal", "scores": {1: "a"}},
        {"kind": "ordinal", "scores": {1: math.nan, 2: 1}},
        {"kind": "ordinal", "scores": {1: True, 2: 1}},
        {"confidence_level": 1.0},
        {"confidence_level": 0.0},
        {"alternative": "better"},
    ],
)
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(UsageError):
        compare_scores([1, 2, 3, 3], [3, 4, 5, 5], **arguments)


def test_a_score_reads_as_a_sentence():
    assert str(nps([10, 9, 3, 8] * 20)).startswith("Net promoter score 25 (95% interval ")
