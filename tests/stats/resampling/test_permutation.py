"""The permutation test: against R, SciPy and a textbook; its properties; bad input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.errors import UsageError
from abtest.stats import (
    NotEstimable,
    SampleQuantile,
    ValueCounts,
    WeightedStatistic,
    compare_means,
    permutation,
)

ALTERNATIVES = ("two-sided", "greater", "less")
SD = WeightedStatistic(
    lambda values, weights: np.sqrt(
        np.clip(
            (weights @ values**2) / weights.sum(axis=1)
            - ((weights @ values) / weights.sum(axis=1)) ** 2,
            0.0,
            None,
        )
    ),
    vectorized=True,
)
STATISTICS = {"mean": "mean", "quantile 0.5": SampleQuantile(0.5), "sd": SD}
ARM = st.lists(st.integers(0, 5), min_size=2, max_size=9)
CALLS = st.fixed_dictionaries(
    {
        "alternative": st.sampled_from(ALTERNATIVES),
        "confidence_level": st.sampled_from([0.8, 0.9, 0.95]),
        "exact": st.booleans(),
        "seed": st.integers(0, 3),
        "replicates": st.sampled_from([199, 999]),
    }
)


def leaves_out(interval, value):
    lower, upper = interval.lower, interval.upper
    return (lower is not None and lower > value) or (upper is not None and upper < value)


@pytest.mark.parametrize("place", range(6))
def test_exact_tests_and_intervals_agree_with_all_deals_in_r(reference, place):
    case = reference("resampling_permutation")["cases"][place]
    want, arms = case["want"], (case["control"], case["treatment"])
    got = permutation(*arms, seed=1)
    assert got.method == "permutation_exact"
    assert got.p_value == pytest.approx(2.0 * min(want["p_greater"], want["p_less"]), rel=1e-9)
    assert got.absolute.lower == pytest.approx(want["lower"], abs=1e-6)
    assert got.absolute.upper == pytest.approx(want["upper"], abs=1e-6)
    if "relative_lower" in want:
        assert got.relative.lower == pytest.approx(want["relative_lower"], abs=1e-6)
        assert got.relative.upper == pytest.approx(want["relative_upper"], abs=1e-6)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("name", STATISTICS)
def test_exact_p_values_agree_with_scipy(reference, name, place):
    case = reference("resampling_permutation")["cases"][place]
    for alternative, p_value in case["scipy"][name].items():
        got = permutation(
            case["control"],
            case["treatment"],
            seed=1,
            statistic=STATISTICS[name],
            alternative=alternative,
            replicates=20_000,
        )
        exact = got.method == "permutation_exact"
        assert exact or name != "mean"
        assert got.p_value == pytest.approx(p_value, **({"rel": 1e-9} if exact else {"abs": 0.02}))


def test_the_mice_of_the_textbook(reference):
    found = reference("resampling_permutation")
    case, want = found["cases"][0], found["published"]["greater"]
    got = permutation(case["control"], case["treatment"], seed=1, alternative="greater")
    assert got.p_value == pytest.approx(want, abs=2 * math.sqrt(want * (1 - want) / 1000))


@given(ARM, ARM, CALLS)
@settings(max_examples=150)
def test_p_agrees_with_the_interval(control, treatment, call):
    if len({*control, *treatment}) == 1 or len(set(control)) + len(set(treatment)) == 2:
        return
    got = permutation(control, treatment, **call)
    rejected = got.p_value < 1.0 - call["confidence_level"]
    assert leaves_out(got.absolute, 0.0) == rejected
    assert not leaves_out(got.absolute, got.estimate)
    if got.relative.estimate is not None:
        assert leaves_out(got.relative, 0.0) == rejected
    assert (got.seed is None) == (got.method == "permutation_exact")


@given(ARM, ARM, CALLS, st.integers(1, 4))
@settings(max_examples=60)
def test_value_counts_in_any_partition_are_the_arrays(control, treatment, call, cut):
    if len(set(control)) + len(set(treatment)) == 2:
        return
    got = permutation(control, treatment, **call)
    parts = [
        ValueCounts.from_values(arm[:cut][::-1]) + ValueCounts.from_values(arm[cut:])
        for arm in (control, treatment)
    ]
    assert permutation(*parts, **call) == got


@pytest.mark.parametrize("name", STATISTICS)
def test_drawn_deals_agree_with_all_deals(name):
    rng = np.random.default_rng(3)
    arms = rng.poisson(2, 12), rng.poisson(4, 11)
    want, got = (
        permutation(*arms, seed=2, statistic=STATISTICS[name], exact=exact, replicates=40_000)
        for exact in (True, False)
    )
    assert want.method == "permutation_exact"
    assert got.method == "permutation"
    assert got.p_value == pytest.approx(want.p_value, abs=0.01)
    if name == "mean":
        assert got.interval == pytest.approx(want.interval, abs=0.2)
    else:
        assert got.interval == want.interval == (None, None)


def test_large_samples_agree_with_welch():
    rng = np.random.default_rng(4)
    counts = [rng.multinomial(1_000_000, np.ones(30) / 30) for _ in range(2)]
    arms = [ValueCounts.from_table(np.arange(30.0), arm) for arm in counts]
    got, want = permutation(*arms, seed=1), compare_means(*arms)
    assert got.p_value == pytest.approx(want.p_value, abs=0.02)
    width = want.interval[1] - want.interval[0]
    assert got.interval == pytest.approx(want.interval, abs=0.04 * width)
    assert got.relative.lower == pytest.approx(want.relative.lower, abs=0.0002)


def test_negative_values_have_no_growth():
    got = permutation([-1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 6.0, 8.0, 9.0], seed=1)
    assert got.relative.status == "unbounded"
    assert permutation([0, 0, 0], [0, 1, 2], seed=1).relative.status == "undefined"


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_extreme_values_have_the_answer_of_others(scale):
    arms = [1, 2, 3, 5], [2, 4, 7, 8, 9]
    got = permutation(*([scale * x for x in arm] for arm in arms), seed=1)
    want = permutation(*arms, seed=1)
    assert got.p_value == want.p_value
    assert got.absolute.upper == pytest.approx(scale * want.absolute.upper, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([], "too_few_units"),
        ([1.0], "too_few_units"),
        ([math.nan, None, 2.0], "too_few_units"),
        ([1.0, 2.0, math.inf], "not_finite"),
        ([-1.7e308, 1.7e308], "not_finite"),
        ([1.0, 1.0], "constant"),
    ],
)
def test_data_that_cannot_answer_say_why(values, code):
    good = [1.0, 1.0] if code == "constant" else [1.0, 2.0, 4.0, 7.0]
    for arms in ((values, good), (good, values)):
        with pytest.raises(NotEstimable) as caught:
            permutation(*arms, seed=1)
        assert caught.value.code == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"seed": None},
        {"seed": 1.5},
        {"exact": 1},
        {"exact": None},
        {"replicates": 10},
        {"replicates": "many"},
        {"statistic": "median"},
        {"alternative": "up"},
        {"confidence_level": 95},
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UsageError) as caught:
        permutation([1, 2, 3], [2, 3, 4], **{"seed": 1, **wrong})
    assert caught.value.todo


def test_the_test_holds_its_level_exactly():
    rng = np.random.default_rng(9)
    pooled = rng.lognormal(size=9)
    p_values = []
    for chosen in np.array(np.meshgrid(*[range(9)] * 3)).reshape(3, -1).T:
        if len(set(chosen)) == 3 and sorted(chosen) == list(chosen):
            arms = np.delete(pooled, chosen), pooled[chosen]
            p_values.append(permutation(*arms, seed=1, alternative="greater").p_value)
    assert len(p_values) == 84
    for level in (0.05, 0.1, 0.5):
        assert np.mean(np.array(p_values) <= level) == math.floor(level * 84) / 84
