"""A covariate that is missing more often in one arm, wherever covariates are taken."""

import itertools

import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Moments,
    compare_adjusted_means,
    compare_capped_means,
    compare_cupac_means,
    compare_means,
    compare_proportions,
    compare_ratios,
    compare_stratified_means,
    diagnose_adjustment,
    non_inferiority,
)
from abtest.stats.adjustment.missingness import MissingShares, missing_p_value

NAN = float("nan")
DIFFERS = ("covariate_missing_differs",)


def lost_high(seed, n=1_000):
    """Return outcomes without an effect, and a past that treatment lost where it was high."""
    random = np.random.default_rng(seed)
    x = random.normal(10.0, 3.0, (2, n))
    y = x + random.normal(0.0, 1.0, (2, n))
    return y, (x[0], np.where(x[1] > 12.0, NAN, x[1]))


def test_the_test_of_missing_shares_agrees_with_r(reference):
    for case in reference("missing_shares")["cases"]:
        got = missing_p_value(np.array(case["gaps"], float), np.array(case["units"], float))
        assert got == pytest.approx(case["p_value"], rel=1e-8), case["name"]


def test_the_exact_test_counts_what_random_assignment_does():
    """All ways to deal 3 gaps and 6 values out to arms of 4 and 5."""
    dealt = [len({0, 1, 2} & set(arm)) for arm in itertools.combinations(range(9), 4)]
    chances = {gaps: dealt.count(gaps) / len(dealt) for gaps in range(4)}
    for gaps, chance in chances.items():
        want = sum(other for other in chances.values() if other <= chance + 1e-12)
        got = missing_p_value(np.array([[gaps], [3.0 - gaps]]), np.array([[4.0], [5.0]]))
        assert got == pytest.approx(want, rel=1e-12)


def test_shares_that_cannot_differ_have_no_p_value():
    for gaps in ([0, 0], [5, 6]):
        shares = MissingShares.of(gaps, [5, 6])
        assert (shares.p_value, shares.differs) == (None, False)
    assert MissingShares.of([0, 0], [0, 3]).control == 0.0


def test_phases_with_shares_of_their_own_are_no_difference():
    gaps, units = [[900, 100], [50, 50]], [[9000, 1000], [5000, 5000]]
    by_phase = MissingShares.of(np.transpose(gaps), np.transpose(units))
    assert not by_phase.differs
    assert MissingShares.of(np.sum(gaps, axis=0), np.sum(units, axis=0)).differs


@pytest.mark.parametrize("seed", range(3))
def test_a_covariate_lost_in_one_arm_does_not_make_an_effect(seed):
    y, x = lost_high(seed)
    plain = compare_means(*y)
    assert plain.p_value > 0.01
    for compare in (compare_means, compare_adjusted_means):
        got = compare(*y, covariates=x)
        assert (got.method, got.warnings) == ("welch", DIFFERS)
        assert (got.p_value, got.absolute) == (plain.p_value, plain.absolute)


def test_it_is_said_wherever_covariates_are_taken():
    y, x = lost_high(3)
    ones = (y > 10.0).astype(float)
    strata = (np.arange(1_000) % 2,) * 2
    answers = [
        compare_capped_means(*y, covariates=x),
        compare_stratified_means(*y, strata=strata, covariates=x),
        compare_proportions(*ones, covariates=x),
        compare_proportions(*ones, covariates=x, method="welch"),
        non_inferiority(*y, margin=0.5, direction="increase", covariates=x),
        non_inferiority(
            *ones, margin_absolute=0.1, direction="increase", covariates=x, measure="proportion"
        ),
    ]
    for got in answers:
        assert "covariate_missing_differs" in got.warnings
        assert "cuped" not in got.method


def test_the_other_covariates_stay():
    y, x = lost_high(4)
    random = np.random.default_rng(5)
    other = [
        np.where(random.random(1_000) < 0.1, NAN, arm + random.normal(size=1_000)) for arm in y
    ]
    got = compare_means(*y, covariates=tuple(zip(x, other, strict=True)))
    want = compare_means(*y, covariates=tuple(other))
    assert got.warnings == ("covariate_missing", *DIFFERS)
    assert (got.method, got.p_value) == ("welch_cuped", want.p_value)


def test_fixed_slopes_stay_with_their_covariates():
    y, x = lost_high(6)
    other = [arm / 2.0 for arm in y]
    holed = [np.where(np.arange(1_000) % 50 == 0, NAN, arm) for arm in other]
    both = tuple(zip(x, holed, strict=True))
    got = compare_means(*y, covariates=both, slopes=[0.9, 0.5])
    assert got.p_value == compare_means(*y, covariates=tuple(holed), slopes=[0.5]).p_value
    assert got.method == "welch_cuped"
    none = compare_means(*y, covariates=x, slopes=[0.9])
    assert (none.method, none.p_value) == ("welch", compare_means(*y).p_value)
    with pytest.raises(UsageError, match="one finite number per covariate"):
        compare_means(*y, covariates=both, slopes=[0.9])


def test_a_method_without_covariates_is_refused_whatever_is_missing():
    y, x = lost_high(7)
    with pytest.raises(UsageError, match="Welch"):
        compare_means(*y, covariates=x, method="student")
    with pytest.raises(UsageError, match="Welch"):
        compare_proportions(*(y > 10.0).astype(float), covariates=x, method="newcombe")


def test_a_past_of_a_ratio_that_one_arm_lost_is_not_used():
    random = np.random.default_rng(8)
    before = random.poisson(5.0, (2, 800)) + 1.0
    views = before + random.poisson(3.0, (2, 800))
    clicks = random.binomial(views.astype(int), 0.3).astype(float)
    past = random.binomial(before.astype(int), 0.3).astype(float)
    arms = [(clicks[side], views[side]) for side in (0, 1)]
    lost = np.where(before[1] > 8.0, NAN, past[1])
    covariates = ((past[0], before[0]), (lost, before[1]))
    got = compare_ratios(*arms, covariates=covariates)
    assert (got.method, got.warnings) == ("delta", DIFFERS)
    assert got.p_value == compare_ratios(*arms).p_value
    margin = non_inferiority(
        *arms, measure="ratio", margin=0.2, direction="increase", covariates=covariates
    )
    assert margin.warnings == DIFFERS


def test_the_diagnosis_alarms_and_shows_the_shares():
    y, x = lost_high(9)
    got = diagnose_adjustment(*y, covariates=x, names=["past"])
    (one,) = got.covariates
    assert (one.status, one.alarm, one.saved_alone) == ("missing_differs", True, None)
    assert (got.alarm, got.balance, got.saved_together) == (True, None, None)
    assert (one.missing.control, one.missing.treatment) == (0.0, np.isnan(x[1]).mean())
    assert got.warnings == DIFFERS
    assert str(got) == (
        "The covariates cannot be used; alarm: values are missing more often in one arm in past, "
        "so look into assignment and measurement first. Warnings: covariate_missing_differs."
    )
    assert "p of missing" in got._repr_mimebundle_()[0]["text/html"]
    gone = diagnose_adjustment(*y, covariates=(x[0], np.full(1_000, NAN)))
    assert gone.alarm
    assert gone.covariates[0].missing.treatment == 1.0


def test_what_could_not_be_tested_is_not_called_alike():
    y, _ = lost_high(10, 50)
    flat = tuple(np.ones(50) for _ in y)
    said = "whether arms were alike before exposure could not be tested."
    assert said in str(diagnose_adjustment(*y, covariates=flat))


@pytest.mark.parametrize(("gaps", "indicators"), [((3, 0), 0), ((1, 2), 0), ((2, 2), 1)])
def test_an_indicator_needs_two_gaps_in_both_arms(gaps, indicators):
    random = np.random.default_rng(11)
    y, x = random.normal(size=(2, 2, 60))
    for side, count in enumerate(gaps):
        x[side, :count] = NAN
    got = diagnose_adjustment(*y, covariates=tuple(x))
    assert len(got.covariates) == 1 + indicators
    assert compare_means(*y, covariates=tuple(x)).warnings == ("covariate_missing",)


def test_gaps_in_one_arm_by_chance_make_no_effect():
    """Filled with one number for both arms; in one run of five or so one arm alone has gaps."""
    random = np.random.default_rng(12)
    rejected, estimates, runs, alone = 0, [], 1_500, 0
    for _ in range(runs):
        x = random.normal(size=100) + random.exponential(1.0, 100)
        y = 2.0 * x + random.normal(size=100)
        holed = np.where((x > 2.5) & (random.random(100) < 0.25), NAN, x)
        order = random.permutation(100)
        one, two = order[:50], order[50:]
        alone += np.isnan(holed[one]).any() != np.isnan(holed[two]).any()
        got = compare_means(y[one], y[two], covariates=(holed[one], holed[two]))
        rejected += got.p_value < 0.05
        estimates.append(got.absolute.estimate)
    assert alone > 150
    assert rejected / runs == pytest.approx(0.05, abs=3.3 * (0.05 * 0.95 / runs) ** 0.5)
    assert abs(np.mean(estimates)) < 3.3 * np.std(estimates) / runs**0.5


def test_moments_with_an_indicator_alarm_by_its_balance():
    y, x = lost_high(13)
    arms = [
        Moments.from_columns([a, np.nan_to_num(b, nan=10.0), np.isnan(b).astype(float)])
        for a, b in zip(y, x, strict=True)
    ]
    assert diagnose_adjustment(*arms).alarm


def test_features_that_one_arm_lost_do_not_predict():
    y, x = lost_high(14, 400)
    got = compare_cupac_means(*y, features=x)
    assert (got.method, got.warnings) == ("welch", ("covariate_constant", *DIFFERS))
    assert got.p_value == pytest.approx(compare_means(*y).p_value, rel=1e-9)
    other = tuple(arm + np.random.default_rng(15).normal(size=400) for arm in y)
    both = compare_cupac_means(*y, features=tuple(zip(x, other, strict=True)))
    want = compare_cupac_means(*y, features=other)
    assert both.warnings == DIFFERS
    assert both.p_value == pytest.approx(want.p_value, rel=1e-9)
