import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import Moments, NotEstimable, ValueCounts, compare_factorial, compare_means

GOOD = [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 3.0, 4.0], [8.0, 9.0, 10.0]]
cells = st.lists(
    st.lists(st.integers(0, 30), min_size=2, max_size=8).filter(lambda v: len(set(v)) > 1),
    min_size=4,
    max_size=4,
)


def test_effects_and_interaction_agree_with_r(reference):
    for case in reference("factorial")["cases"]:
        rel = 1e-6 if "large" in case["name"] else 1e-9
        got = compare_factorial(*case["cells"])
        for name in ("first", "second"):
            found, want = getattr(got, name), case[name]
            assert found.absolute.estimate == pytest.approx(want["estimate"], rel=rel)
            assert found.df == pytest.approx(want["df"], rel=rel)
            assert found.p_value == pytest.approx(want["p_value"], rel=rel)
            assert found.absolute.lower == pytest.approx(want["lower"], rel=rel)
            robust = case["emmeans"][name]
            assert found.absolute.estimate == pytest.approx(robust["estimate"], rel=rel)
            assert abs(found.absolute.estimate / found.statistic) == pytest.approx(
                robust["se"], rel=rel
            )
        want, robust = case["interaction"], case["emmeans"]["interaction"]
        assert got.interaction.effect.estimate == pytest.approx(want["estimate"], rel=10 * rel)
        assert got.interaction.df == pytest.approx(want["df"], rel=rel)
        assert got.interaction.p_value == pytest.approx(want["p_value"], rel=10 * rel)
        error = abs(got.interaction.effect.estimate / got.interaction.statistic)
        assert error == pytest.approx(robust["se"], rel=10 * rel)


def test_relative_main_effects_are_against_the_mean_without_the_change():
    got = compare_factorial(*GOOD).first
    assert got.control_value == pytest.approx((2 + 10 / 3) / 2)
    assert got.relative.estimate == pytest.approx(got.absolute.estimate / got.control_value)
    assert (got.n_control, got.n_treatment) == (6, 6)


def test_unequal_cells_do_not_mix_one_change_with_the_other():
    """The first change does nothing; pooled over units it would seem to."""
    rng = np.random.default_rng(1)
    arms = [rng.normal(level, 1.0, n) for level, n in ((0, 900), (0, 100), (5, 100), (5, 900))]
    assert compare_factorial(*arms).first.p_value > 0.001
    pooled = compare_means(np.append(arms[0], arms[2]), np.append(arms[1], arms[3]))
    assert pooled.p_value < 1e-10


@given(cells, st.sampled_from(["two-sided", "greater", "less"]))
def test_p_and_intervals_are_one_test_and_arms_may_trade_places(arms, alternative):
    got = compare_factorial(*arms, alternative=alternative)
    for found in (got.first, got.second):
        lower, upper = found.interval
        outside = (lower is not None and lower > 0) or (upper is not None and upper < 0)
        assert outside == (found.p_value < 0.05)
    together = got.interaction
    outside = together.effect.lower > 0 or together.effect.upper < 0
    assert outside == (together.p_value < 0.05)
    swapped = compare_factorial(arms[0], arms[2], arms[1], arms[3], alternative=alternative)
    assert swapped.first.p_value == pytest.approx(got.second.p_value, rel=1e-9)
    assert swapped.interaction.p_value == pytest.approx(together.p_value, rel=1e-9)
    for form in (lambda v: Moments.from_columns([v]), ValueCounts.from_values):
        same = compare_factorial(*(form(arm) for arm in arms), alternative=alternative)
        assert same.interaction.p_value == pytest.approx(together.p_value, rel=1e-9)
        assert same.first.p_value == pytest.approx(got.first.p_value, rel=1e-9)


@given(cells, st.floats(0.01, 100.0), st.integers(-1000, 1000))
def test_shift_and_scale_change_no_p_value(arms, scale, shift):
    want = compare_factorial(*arms)
    got = compare_factorial(*([scale * (v + shift) for v in arm] for arm in arms))
    assert got.first.p_value == pytest.approx(want.first.p_value, rel=1e-6)
    assert got.interaction.p_value == pytest.approx(want.interaction.p_value, rel=1e-6)


def test_it_shows_itself_and_can_be_stored():
    got = compare_factorial(*GOOD, alternative="greater")
    assert str(got).startswith("First change +3.833 (95% interval ")
    assert str(got).count("95% interval") == 3
    assert "(each one-sided: with it above without it)" in str(got)
    assert json.loads(json.dumps(got.to_dict()))["n"]["both"] == 3
    assert "neither" in got._repr_mimebundle_()[0]["text/html"]


def test_a_cell_that_does_not_vary_is_warned_of():
    got = compare_factorial(GOOD[0], [2, 2, 2], GOOD[2], GOOD[3])
    assert got.first.warnings == got.second.warnings == ("constant_arm",)
    assert str(got).endswith("Warnings: constant_arm.")


def test_nulls_are_counted_on_their_side():
    got = compare_factorial([*GOOD[0], None], GOOD[1], GOOD[2], [*GOOD[3], math.nan, None])
    assert (got.first.nulls_control, got.first.nulls_treatment) == (1, 2)
    assert str(got).endswith("Units without a value, left out: 3.")


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([1.0, math.inf], "not_finite"),
        ([1e300, -1e300], "not_finite"),
    ],
)
def test_cells_that_cannot_answer_say_why(place, cell, code):
    arms = list(GOOD)
    arms[place] = cell
    with pytest.raises(NotEstimable) as caught:
        compare_factorial(*arms)
    assert caught.value.code == code


def test_cells_without_variation_have_no_test():
    with pytest.raises(NotEstimable) as caught:
        compare_factorial(*([float(v)] * 3 for v in range(4)))
    assert caught.value.code == "constant"
    assert compare_factorial([1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 6.0]).first.df == 1.0


@pytest.mark.parametrize(
    "bad", [{"alternative": "more"}, {"confidence_level": 0.0}, {"confidence_level": True}]
)
def test_impossible_arguments_are_refused(bad):
    with pytest.raises(UsageError):
        compare_factorial(*GOOD, **bad)
    with pytest.raises(UsageError):
        compare_factorial(["a", "b"], *GOOD[1:])
