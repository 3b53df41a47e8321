"""Many quantiles at once: the band against mvtnorm and Pocock, its level, bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from abtest.errors import UsageError
from abtest.stats import NotEstimable, ValueCounts, compare_many_quantiles, compare_quantiles
from abtest.stats.quantiles.crossing import crossing

ARM = st.lists(st.integers(0, 30), min_size=5, max_size=60)


def leaves_out(interval, value):
    lower, upper = interval.lower, interval.upper
    return (lower is not None and lower > value) or (upper is not None and upper < value)


@pytest.mark.parametrize("place", range(6))
def test_chances_of_the_largest_deviation_agree_with_mvtnorm(reference, place):
    found = reference("quantiles_band")
    case = found["cases"][place]
    for two_sided in (True, False):
        chances = crossing(tuple(case["quantiles"]), two_sided=two_sided)
        side = "two" if two_sided else "one"
        for z, want in zip(found[f"z_{side}"], case[side], strict=True):
            tail = (2.0 if two_sided else 1.0) * special.ndtr(-z)
            if want is not None:
                assert chances.chance(tail) == pytest.approx(want, abs=2e-5), (side, z)
    if place == 5:
        # two of its quantiles, by quadrature of one conditional distribution
        pair = crossing((0.5, 0.51), two_sided=True)
        assert pair.chance(2 * special.ndtr(-4.0)) == pytest.approx(8.407612114773755e-05, rel=1e-6)


def test_odds_of_whole_numbers_are_the_looks_of_pocock(reference):
    want = reference("quantiles_band")["pocock"]
    for looks, constant in zip(want["looks"], want["constants"], strict=True):
        level = crossing(tuple(k / (k + 1) for k in range(1, looks + 1)), two_sided=True).level(
            0.05
        )
        assert -special.ndtri(level / 2.0) == pytest.approx(constant, abs=6e-4)


@pytest.mark.parametrize("two_sided", [True, False])
def test_chances_rise_with_the_tail_and_lie_between_one_and_all(two_sided):
    chances = crossing((0.1, 0.2, 0.5, 0.7, 0.75), two_sided=two_sided)
    tails = np.logspace(-20, -0.01, 300)
    found = [chances.chance(tail) for tail in tails]
    # where tails are added up, below 1e-12, they step up a little
    assert (np.diff(found)[tails[1:] > 1e-11] > -1e-9).all()
    for tail, chance in zip(tails, found, strict=True):
        assert tail <= chance <= min(5.0001 * tail, 1.0)
    for outside in (0.5, 0.05, 1e-6, 1e-15):
        assert chances.chance(chances.level(outside)) == pytest.approx(outside, rel=1e-6)


@given(
    ARM,
    ARM,
    st.sampled_from([(0.5,), (0.25, 0.5, 0.75), (0.1, 0.5, 0.9, 0.95)]),
    st.sampled_from(["two-sided", "greater", "less"]),
    st.sampled_from([0.8, 0.95]),
)
@settings(max_examples=80)
def test_the_band_agrees_with_adjusted_p_and_holds_each_interval(
    control, treatment, quantiles, alternative, level
):
    call = {"alternative": alternative, "confidence_level": level}
    got = compare_many_quantiles(control, treatment, quantiles=quantiles, **call)
    assert got.quantiles == quantiles
    assert got.p_value == min(got.adjusted_p_values)
    for share, effect, band, relative, p_value in zip(
        quantiles, got.effects, got.band, got.relative_band, got.adjusted_p_values, strict=True
    ):
        assert effect == compare_quantiles(control, treatment, quantile=share, **call)
        assert effect.p_value <= p_value
        assert leaves_out(band, 0.0) == (p_value < 1.0 - level)
        if relative.estimate is not None:
            assert leaves_out(relative, 0.0) == (p_value < 1.0 - level)
        for side, wider in (("lower", np.less_equal), ("upper", np.greater_equal)):
            mine, own = getattr(band, side), getattr(effect.absolute, side)
            assert mine is None or wider(mine, own)
    if len(quantiles) == 1:
        assert got.p_value == pytest.approx(got.effects[0].p_value, rel=1e-6)


def test_the_band_covers_all_deciles_at_once():
    rng = np.random.default_rng(8)
    runs, held, pointwise = 40, 0, 0
    for _ in range(runs):
        got = compare_many_quantiles(rng.normal(size=400), rng.normal(size=500))
        held += not any(leaves_out(band, 0.0) for band in got.band)
        pointwise += not any(leaves_out(effect.absolute, 0.0) for effect in got.effects)
    assert held / runs > 0.9
    assert pointwise < held


def test_value_counts_in_any_partition_are_the_arrays():
    rng = np.random.default_rng(9)
    arms = rng.poisson(4, 300), rng.poisson(5, 300)
    parts = [ValueCounts.from_values(arm[:99]) + ValueCounts.from_values(arm[99:]) for arm in arms]
    assert compare_many_quantiles(*parts) == compare_many_quantiles(*arms)


def test_far_apart_arms_keep_their_logarithm():
    arms = [ValueCounts.from_table([x, x + 0.5, x + 2.0], [900, 900, 900]) for x in (0.0, 9.0)]
    got = compare_many_quantiles(*arms)
    assert got.p_value == 0.0
    assert -1000.0 < got.log10_p < -280.0
    assert "p = 1e-" in str(got)


def test_the_answer_shows_itself():
    got = compare_many_quantiles(range(100), [x + 40 * (x > 60) for x in range(100)])
    assert "differ at 0.8, 0.9" in str(got)
    plain = got.to_dict()
    assert len(plain["effects"]) == len(plain["band"]) == 9
    assert plain["band"][0]["estimate"] == 0.0
    shown = got._repr_mimebundle_()[0]
    assert "adjusted p" in shown["text/html"]
    same = compare_many_quantiles([1.0, 1.0, 2.0] * 9, [1.0, 1.0, 2.0] * 9)
    assert "are not told apart" in str(same)
    assert same.warnings == ("tied_quantile",)


@pytest.mark.parametrize(
    "quantiles",
    [
        [],
        [0.5, 0.4],
        [0.5, 0.5],
        [0.0, 0.5],
        [50],
        ["0.5"],
        0.5,
        None,
        "0.5",
        [math.nan],
        np.linspace(0.001, 0.999, 400),
    ],
)
def test_what_is_no_list_of_rising_shares_is_refused(quantiles):
    with pytest.raises(UsageError) as caught:
        compare_many_quantiles([1, 2, 3], [2, 3, 4], quantiles=quantiles)
    assert caught.value.todo


def test_data_that_cannot_answer_say_why():
    for values in ([], [1.0], [1.0, math.inf], [-1.7e308, 1.7e308]):
        with pytest.raises(NotEstimable):
            compare_many_quantiles(values, [1.0, 2.0, 3.0])
