"""What holds for every Bayesian comparison, whatever the data."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abtest.stats import (
    BetaPrior,
    GammaPrior,
    Moments,
    NormalPrior,
    ValueCounts,
    bayes_compare,
    compare_means,
)
from abtest.stats.bayesian.arms import BetaArm, GammaArm
from abtest.stats.bayesian.best import rank_arms
from abtest.stats.bayesian.effects import ArmsEffect

shares = st.integers(2, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
priors = st.builds(BetaPrior, st.floats(0.1, 50.0), st.floats(0.1, 50.0))
rates = st.tuples(st.integers(0, 5000), st.floats(0.5, 1e5))
arms = st.tuples(st.floats(-5.0, 20.0), st.floats(0.05, 4.0), st.integers(30, 5000))


def of_share(arm):
    return Moments.from_counts(arm[1], arm[0])


def of_normal(arm):
    mean, sd, n = arm
    return Moments(n, np.array([mean]), np.array([[sd * sd * (n - 1)]]))


def logs(result):
    return [result.log10_p_better, result.log10_p_worse]


@settings(max_examples=15, deadline=None)
@given(shares, shares, priors)
def test_shares_keep_the_identities(control, treatment, prior):
    options = {"model": "beta_binomial", "prior": prior}
    got = bayes_compare(of_share(control), of_share(treatment), **options)
    assert got.p_better + got.p_worse == pytest.approx(1.0, abs=1e-10)
    assert got.loss_ship - got.loss_keep == pytest.approx(-got.estimate, rel=1e-9, abs=1e-12)
    assert got.interval[0] < got.estimate < got.interval[1]
    assert min(got.loss_ship, got.loss_keep) >= 0.0
    # 0 is outside the interval exactly where one side has less than its tail
    assert (got.interval[0] > 0.0) == (got.p_worse < 0.025)
    assert (got.interval[1] < 0.0) == (got.p_better < 0.025)
    swapped = bayes_compare(of_share(treatment), of_share(control), **options)
    assert logs(swapped) == pytest.approx(logs(got)[::-1], rel=1e-8, abs=1e-10)
    assert swapped.interval == pytest.approx([-end for end in got.interval[::-1]], abs=1e-8)
    other = bayes_compare(of_share(control), of_share(treatment), direction="decrease", **options)
    assert (other.p_better, other.loss_ship) == (got.p_worse, got.loss_keep)


@settings(max_examples=15, deadline=None)
@given(rates, rates, st.floats(0.2, 20.0), st.floats(0.1, 100.0))
def test_rates_keep_the_identities(control, treatment, events, exposure):
    def answer(first, second, **more):
        return bayes_compare(
            first[0],
            second[0],
            exposure=(first[1], second[1]),
            model="gamma_poisson",
            prior=GammaPrior(events, exposure),
            **more,
        )

    got = answer(control, treatment)
    size = got.control_value + got.treatment_value
    assert got.p_better + got.p_worse == pytest.approx(1.0, abs=1e-10)
    assert got.loss_ship - got.loss_keep == pytest.approx(-got.estimate, rel=1e-9, abs=1e-11 * size)
    assert logs(answer(treatment, control)) == pytest.approx(logs(got)[::-1], rel=1e-8, abs=1e-10)
    # in another unit of exposure everything is the same
    scaled = bayes_compare(
        control[0],
        treatment[0],
        exposure=(1e3 * control[1], 1e3 * treatment[1]),
        model="gamma_poisson",
        prior=GammaPrior(events, 1e3 * exposure),
    )
    assert scaled.p_better == pytest.approx(got.p_better, rel=1e-9)
    assert 1e3 * scaled.loss_ship == pytest.approx(got.loss_ship, rel=1e-8)
    # the difference and the ratio agree on which is larger
    assert logs(answer(control, treatment, scale="relative")) == pytest.approx(logs(got))


@settings(max_examples=60, deadline=None)
@given(arms, arms, st.none() | st.builds(NormalPrior, st.floats(-2, 2), st.floats(0.01, 5.0)))
def test_normal_arms_keep_the_identities(control, treatment, prior):
    if prior is not None and control[0] == 0.0:
        return
    first, second = of_normal(control), of_normal(treatment)
    got = bayes_compare(first, second, prior=prior)
    scale = abs(got.estimate) + got.interval[1] - got.interval[0]
    assert got.p_better + got.p_worse == pytest.approx(1.0, abs=1e-12)
    assert got.loss_ship - got.loss_keep == pytest.approx(-got.estimate, abs=1e-12 * scale)
    assert got.interval[0] < got.estimate < got.interval[1]
    named = bayes_compare(first, {"t": second}, prior=prior)
    assert named.comparisons["t"] == got
    assert named["t"].p_best == got.p_better
    assert (named["t"].loss, named["control"].loss) == (got.loss_ship, got.loss_keep)


@settings(max_examples=15, deadline=None)
@given(arms, arms)
def test_a_flat_prior_gives_the_one_sided_p_value(control, treatment):
    first, second = of_normal(control), of_normal(treatment)
    test = compare_means(first, second, method="z", alternative="greater")
    got = bayes_compare(first, second)
    assert got.p_worse == pytest.approx(test.p_value, rel=1e-10)
    assert got.log10_p_worse == pytest.approx(test.log10_p, rel=1e-10)
    both = compare_means(first, second, method="z")
    assert got.interval == pytest.approx(both.interval)


@settings(max_examples=10, deadline=None)
@given(st.lists(shares, min_size=3, max_size=5), st.booleans())
def test_one_of_many_shares_is_the_best(found, rises):
    control, *others = (of_share(arm) for arm in found)
    direction = "increase" if rises else "decrease"
    named = {str(i): arm for i, arm in enumerate(others)}
    got = bayes_compare(control, named, model="beta_binomial", direction=direction)
    assert sum(arm.p_best for arm in got.arms) == pytest.approx(1.0, abs=1e-10)
    # differences of losses are those of the means, since the best of all is the same
    sign = 1.0 if rises else -1.0
    sums = [arm.loss + sign * arm.value for arm in got.arms]
    assert sums == pytest.approx([sums[0]] * len(sums), rel=1e-9)
    for name, comparison in got.comparisons.items():
        assert got[name].p_best <= comparison.p_better + 1e-10
        assert got[name].loss >= comparison.loss_ship - 1e-12
    (one, *_) = others
    two = bayes_compare(control, {"0": one}, model="beta_binomial", direction=direction)
    alone = bayes_compare(control, one, model="beta_binomial", direction=direction)
    assert two["0"].p_best == pytest.approx(alone.p_better, rel=1e-10)
    assert two["0"].loss == pytest.approx(alone.loss_ship, rel=1e-9)
    assert two["control"].loss == pytest.approx(alone.loss_keep, rel=1e-9)
    # lines of other priors are centred at the rate of all arms
    assert replace(got.comparisons["0"], sensitivity=()) == replace(alone, sensitivity=())


@pytest.mark.parametrize("prior", [None, NormalPrior(0.01, 0.05), NormalPrior(0.2, 1, "absolute")])
@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_one_of_several_normal_arms_is_the_best(prior, direction):
    control = of_normal((10.0, 4.0, 1000))
    others = {"a": of_normal((10.2, 4.0, 900)), "b": of_normal((9.9, 2.0, 1100))}
    got = bayes_compare(control, others, prior=prior, direction=direction)
    assert sum(arm.p_best for arm in got.arms) == pytest.approx(1.0, abs=1e-10)
    sign = 1.0 if direction == "increase" else -1.0
    first = got["control"].loss
    for name, comparison in got.comparisons.items():
        expected = first - sign * comparison.estimate
        assert got[name].loss == pytest.approx(expected, abs=1e-11)


def test_a_sceptical_prior_draws_to_no_effect():
    control, treatment = Moments.from_counts(1000, 100), Moments.from_counts(1000, 130)
    for model in ("normal", "beta_binomial", "gamma_poisson"):
        lines = bayes_compare(control, treatment, model=model).sensitivity
        assert [line.name for line in lines] == [
            "sceptical",
            "cautious",
            "weakly_informative",
            "flat",
        ]
        chances = [line.p_better for line in lines]
        assert chances == sorted(chances)
        assert 0.5 < chances[0] < 0.75 < chances[-1]


def test_priors_on_either_scale_are_the_same_prior():
    control, treatment = of_normal((-20.0, 4.0, 1000)), of_normal((-19.5, 4.0, 900))
    for scale in ("absolute", "relative"):
        one = bayes_compare(control, treatment, scale=scale, prior=NormalPrior(0.01, 0.02))
        two = bayes_compare(
            control, treatment, scale=scale, prior=NormalPrior(0.2, 0.4, "absolute")
        )
        assert one.estimate == pytest.approx(two.estimate, rel=1e-12)
        assert one.p_better == pytest.approx(two.p_better, rel=1e-12)
    narrow = bayes_compare(control, treatment, prior=NormalPrior(0.0, 1e-3, "absolute"))
    assert abs(narrow.estimate) < 1e-4


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=8, max_size=60), st.integers(1, 7))
def test_any_form_and_partition_of_the_data_give_the_same(values, cut):
    control = np.array([0, 1, 1, 2, 5, 0, 3] * 5, dtype=float)
    for model in ("normal", "gamma_poisson"):
        whole = bayes_compare(control, np.array([*values, 0.0, 1.0]), model=model)
        parts = [[*values[:cut]], [*values[cut:], 0.0, 1.0]]
        counts = ValueCounts.from_values(parts[0]) + ValueCounts.from_values(parts[1])
        moments = Moments.from_columns([parts[0]]) + Moments.from_columns([parts[1]])
        for form in (counts, moments):
            got = bayes_compare(ValueCounts.from_values(control), form, model=model)
            assert logs(got) == pytest.approx(logs(whole), rel=1e-9)
            assert got.interval == pytest.approx(whole.interval, rel=1e-9, abs=1e-9)
            assert got.n_treatment == whole.n_treatment


def test_far_tails_keep_their_size():
    got = bayes_compare(
        Moments.from_counts(10**6, 10**5),
        Moments.from_counts(10**6, 2 * 10**5),
        model="beta_binomial",
    )
    assert got.p_worse == 0.0
    assert got.log10_p_worse == pytest.approx(-8659.36529188387, rel=1e-12)  # Miller's sum
    assert -9000.0 < got.log10_loss_ship < got.log10_p_worse
    assert "probability above 0.9999" in str(got)
    assert "1e-8" in str(
        bayes_compare(
            Moments.from_counts(10**6, 2 * 10**5),
            Moments.from_counts(10**6, 10**5),
            model="beta_binomial",
        )
    )


def test_a_region_of_equivalence_has_the_probability_of_its_interval():
    control, treatment = Moments.from_counts(1000, 100), Moments.from_counts(1000, 130)
    for model in ("normal", "beta_binomial", "gamma_poisson"):
        for scale in ("absolute", "relative"):
            interval = bayes_compare(control, treatment, model=model, scale=scale).interval
            got = bayes_compare(control, treatment, model=model, scale=scale, rope=interval)
            assert got.rope_probability == pytest.approx(0.95, abs=1e-9)


def test_answers_show_themselves():
    control, treatment = Moments.from_counts(1000, 100), Moments.from_counts(1000, 130)
    got = bayes_compare(control, treatment, model="beta_binomial", rope=0.01)
    assert str(got).startswith("Treatment is better with probability 0.982 (beta_binomial")
    assert "sceptical" in str(got)
    assert got.to_dict()["interval"] == list(got.interval)
    page = got._repr_mimebundle_()[0]
    assert "<table" in page["text/html"]
    assert page["text/plain"] == str(got)
    ranking = bayes_compare(control, {"new": treatment, "<b>": control}, model="beta_binomial")
    assert ranking.best.name == "new"
    assert "new has the smallest expected loss" in str(ranking)
    assert "<b>" not in ranking._repr_mimebundle_()[0]["text/html"]
    assert [arm["name"] for arm in ranking.to_dict()["arms"]] == ["control", "new", "<b>"]
    assert math.isclose(sum(arm.p_best for arm in ranking.arms), 1.0)


@pytest.mark.parametrize(
    ("arm", "sds", "expected"),
    [
        # Abramowitz & Stegun 1964, 6.5.29 and 26.4.21, with 40 digits; SciPy has 1.86e-7 for 1e8
        (GammaArm(1e6, 1e6), -5.0, 2.7495804e-7),
        (GammaArm(1e8, 1e8), -5.0, 2.8546421e-7),
        (GammaArm(1e8, 1e8), 5.0, 2.8784297e-7),
        (GammaArm(1e4, 1e4), 6.0, 1.9621925e-9),
    ],
)
def test_tails_of_large_arms_are_those_of_many_digits(arm, sds, expected):
    place = np.array([arm.mode + math.log1p(sds / math.sqrt(arm.a))])
    tail = min(float(side[0]) for side in arm.log_tails(place))
    assert math.exp(tail) == pytest.approx(expected, rel=3e-8)


def test_arms_without_events_under_priors_worth_nothing_keep_their_digits():
    # the ratio of two gamma variables is F distributed: mpmath 1.4.1, betainc with 30 digits
    control = GammaArm(8.195994207159964e-05, 13239.928749651062)
    treatment = GammaArm(0.004042723156318389, 1252.5107845102982)
    got = ArmsEffect(control, treatment, "absolute").log_tails(0.0)
    assert got == pytest.approx((-3.9280479393720418, -0.019878326917914402), rel=1e-11)


@pytest.mark.parametrize("k", [2, 7, 50])
@pytest.mark.parametrize("arm", [BetaArm(1.0, 1e8 + 1.0), BetaArm(1e-6, 9.0), GammaArm(3.0, 2.0)])
def test_equal_arms_are_equally_likely_to_be_the_best(arm, k):
    found = rank_arms([arm] * k, largest=True)
    assert np.exp(found.log_best) * k == pytest.approx(np.ones(k), rel=1e-10)


def test_whether_treatment_is_better_does_not_depend_on_the_scale():
    control, treatment = of_normal((1.0, 4.0, 1000)), of_normal((1.2, 4.0, 900))
    for prior in (None, NormalPrior(0.1, 0.2), NormalPrior(0.1, 0.2, "absolute")):
        one = bayes_compare(control, treatment, prior=prior)
        two = bayes_compare(control, treatment, prior=prior, scale="relative")
        assert (two.p_better, two.p_worse) == (one.p_better, one.p_worse)
        assert two.loss_ship * two.control_value == pytest.approx(one.loss_ship, rel=1e-12)


def test_a_flat_relative_interval_is_that_of_fieller():
    control, treatment = of_normal((10.0, 4.0, 1000)), of_normal((-3.0, 4.0, 900))
    for first, second in ((control, treatment), (of_normal((-10.0, 4.0, 1000)), treatment)):
        fieller = compare_means(first, second, method="z").relative
        got = bayes_compare(first, second, scale="relative").interval
        assert got == pytest.approx((fieller.lower, fieller.upper), rel=1e-9)
