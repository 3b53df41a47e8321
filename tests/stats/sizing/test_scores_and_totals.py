"""Plans for scores of answers, which not all give, and for mean cumulative functions."""

import math

import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Clusters,
    CumulativeDesign,
    Moments,
    NotEstimable,
    ProportionsDesign,
    RateDesign,
    RepeatedEvents,
    ScoreDesign,
    ValueCounts,
    compare_cumulative_means,
    compare_scores,
    cumulative_mean,
    minimum_detectable_effect,
    power,
    sample_size,
)

ANSWERS = ValueCounts.from_table([3, 6, 7, 8, 9, 10], [40, 60, 80, 70, 50, 30])
STARS = ValueCounts.from_table([1, 2, 3, 4, 5], [5, 10, 25, 35, 25])
WORTH = {1: 0, 2: 25, 3: 50, 4: 75, 5: 100}


def keeps(share, promised, runs, extra):
    return abs(share - promised) <= 4 * math.sqrt(promised * (1 - promised) / runs) + extra


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def test_promoter_scores_are_planned_as_by_tilted_shares(reference):
    for case in reference("power_kinds")["nps"]:
        answers = ValueCounts.from_table(case["answers"], case["counts"])
        effect = case["effect"]
        side = "greater" if effect > 0 else "less"
        design = ScoreDesign(
            answers, case["response"], power=case["power"], alpha=0.025, alternative=side
        )
        variances = design.unit_variances(np.array([float(effect)]))
        expected = case["control_variance"], case["treatment_variance"]
        for got, wanted in zip(variances, expected, strict=True):
            assert got[0] * case["response"] == pytest.approx(wanted, rel=1e-8), case["source"]
        got = sample_size(design, effect=effect).units_exact
        assert got == pytest.approx(case["units"], rel=1e-8), case["source"]


def test_shares_of_top_answers_are_planned_as_by_r(reference):
    for case in reference("power_kinds")["top_box"]:
        top = round(1000 * case["baseline"])
        answers = ValueCounts.from_table([1, 5], [1000 - top, top])
        side = "greater" if case["effect"] > 0 else "less"
        design = ScoreDesign(
            answers, case["response"], "top_box", power=case["power"], alpha=0.025,
            alternative=side,
        )  # fmt: skip
        got = sample_size(design, effect=case["effect"])
        assert got.units_exact == pytest.approx(case["units"], rel=1e-4), case["source"]
        assert got.details["answers"] == pytest.approx(got.units * case["response"])


def test_a_fifth_that_answers_needs_five_times_the_units():
    for settings, effect in (({}, 6.0), ({"kind": "ordinal", "scores": WORTH}, 3.0)):
        answers = ANSWERS if not settings else STARS
        every, fifth = (
            sample_size(ScoreDesign(answers, share, **settings), effect=effect)
            for share in (1.0, 0.2)
        )
        assert fifth.units_exact == pytest.approx(5 * every.units_exact, rel=1e-9)
        assert every.details["answers"] == every.units
        assert fifth.details["answers"] == pytest.approx(every.units, abs=2)


def test_all_answering_is_a_plan_for_proportions():
    answers = ValueCounts.from_table([1, 5], [800, 200])
    for settings in (
        {},
        {"relative": True},
        {"test": "non_inferiority", "margin": 0.05},
        {"test": "equivalence", "margin": 0.04},
        {"clusters": Clusters(4, 0.1)},
    ):
        effect = 0.05 if settings.get("test") is None else 0.0
        score = sample_size(ScoreDesign(answers, kind="top_box", **settings), effect=effect)
        share = sample_size(ProportionsDesign(0.2, **settings), effect=effect)
        assert score.units_exact == pytest.approx(share.units_exact, rel=1e-9)
    clustered = ScoreDesign(answers, 0.25, "top_box", clusters=Clusters(4, 0.1))
    plain = sample_size(ProportionsDesign(0.2, clusters=Clusters(4, 0.1)), effect=0.05)
    assert sample_size(clustered, effect=0.05).clusters_by_arm == plain.clusters_by_arm


@pytest.mark.parametrize("kind", ["nps", "ordinal", "top_box"])
def test_scores_of_those_that_answer_have_the_promised_power(kind):
    settings = {"kind": kind, **({"scores": WORTH} if kind == "ordinal" else {})}
    answers = ANSWERS if kind == "nps" else STARS
    effect = {"nps": 15.0, "ordinal": 6.0, "top_box": 0.12}[kind]
    design = ScoreDesign(answers, 0.4, **settings)
    plan = sample_size(design, effect=effect)
    worth = {"nps": None, "ordinal": WORTH, "top_box": dict.fromkeys(range(1, 6), 0)}[kind]
    points = np.array(
        [100 * (int(v >= 9) - int(v <= 6)) for v in answers.values]
        if kind == "nps"
        else [v >= 4 for v in answers.values]
        if kind == "top_box"
        else [worth[v] for v in answers.values],
        dtype=float,
    )
    shares = answers.counts / answers.n
    low, high = -1.0, 1.0
    for _ in range(60):  # the tilt by which the score rises by the effect
        tilt = (low + high) / 2
        tilted = shares * np.exp(tilt * points / np.ptp(points) * 8)
        tilted /= tilted.sum()
        low, high = (low, tilt) if (tilted - shares) @ points > effect else (tilt, high)
    rng, runs = generator(5), 250

    def arm(n, p):
        return ValueCounts.from_table(answers.values, rng.multinomial(rng.binomial(n, 0.4), p))

    found = 0
    for _ in range(runs):
        arms = arm(plan.units_by_arm[0], shares), arm(plan.units_by_arm[1], tilted)
        found += compare_scores(*arms, **settings).p_value < 0.05
    assert keeps(found / runs, plan.power, runs, extra=0.015)


def test_mean_totals_are_planned_as_by_rpact(reference):
    for case in reference("power_kinds")["cumulative"]:
        side = "greater" if case["effect"] > 0 else "less"
        design = CumulativeDesign(
            case["mean"], case["variance"], power=case["power"], allocation=case["allocation"],
            alpha=0.025, alternative=side,
        )  # fmt: skip
        got = sample_size(design, effect=case["effect"]).units_exact
        assert got == pytest.approx(case["units"], rel=1e-9), case["source"]


def test_counts_with_a_dispersion_are_rates():
    totals = CumulativeDesign(0.5, 0.85, relative=True)
    rates = RateDesign(0.5, dispersion=1.7, method="z", relative=True)
    assert sample_size(totals, effect=0.2).units == sample_size(rates, effect=0.2).units


def repeated(rng, n, rate, early):
    """Return units with events of their own pace, some of them watched for less than 28 days."""
    end = np.where(rng.random(n) < early, np.ceil(28 * rng.random(n)), 28.0)
    counts = rng.poisson(rate * rng.gamma(1.0, 1.0, n) * end)
    unit = np.repeat(np.arange(n), counts)
    return RepeatedEvents.from_values(end, unit, np.ceil(rng.random(unit.size) * end[unit]))


def test_a_pilot_of_repeated_events_has_the_variance_of_its_analysis():
    pilot = repeated(generator(6), 500, 0.05, 0.3)
    design = CumulativeDesign.from_repeated_events(pilot, horizon=28)
    curve = cumulative_mean(pilot)
    assert design.mean == pytest.approx(float(curve.mean[-1]), rel=1e-12)
    assert design.variance == pytest.approx(float(curve.error[-1]) ** 2 * 500, rel=1e-12)
    totals = np.array([0.0, 1.0, 4.0, 4.0, 11.0])
    design = CumulativeDesign.from_moments(Moments.from_columns([totals]))
    assert (design.mean, design.variance) == pytest.approx((4.0, totals.var(ddof=1)))


def test_mean_totals_have_the_promised_power_under_censoring():
    pilot = repeated(generator(7), 20_000, 0.05, 0.3)
    design = CumulativeDesign.from_repeated_events(
        pilot, horizon=28, relative=True, variance_power=1.6
    )  # events and their variation by unit both grow: between 1 and 2
    plan = sample_size(design, effect=0.5)
    rng, runs = generator(8), 300
    found = sum(
        compare_cumulative_means(
            repeated(rng, plan.units_by_arm[0], 0.05, 0.3),
            repeated(rng, plan.units_by_arm[1], 0.075, 0.3),
            horizon=28,
        ).p_value
        < 0.05
        for _ in range(runs)
    )
    assert keeps(found / runs, plan.power, runs, extra=0.015)


DESIGNS = {
    "nps": (ScoreDesign(ANSWERS, 0.3), 8.0),
    "nps down": (ScoreDesign(ANSWERS, 0.3, direction="decrease", allocation=(1, 4)), -8.0),
    "ordinal": (ScoreDesign(STARS, 0.3, "ordinal", scores=WORTH, relative=True), 0.05),
    "top": (ScoreDesign(STARS, 0.3, "top_box", top=1), 0.05),
    "nps not worse": (ScoreDesign(ANSWERS, 0.3, test="non_inferiority", margin=5.0), 0.0),
    "totals": (CumulativeDesign(1.8, 7.5, relative=True), 0.1),
    "totals not worse": (CumulativeDesign(1.8, 7.5, test="non_inferiority", margin=0.2), 0.0),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_power_size_and_effect_are_inverses_and_power_rises(name):
    design, effect = DESIGNS[name]
    plan = sample_size(design, effect=effect)
    assert power(design, units=plan.units_exact, effect=effect).power == pytest.approx(
        design.target_power, abs=1e-6
    )
    found = minimum_detectable_effect(design, units=plan.units_exact).effect
    assert found == pytest.approx(effect, rel=1e-5, abs=1e-5)
    powers = power(design, units=plan.units * np.array([0.5, 1.0, 2.0]), effect=effect).power
    assert (np.diff(powers) > 0.0).all()
    if effect:
        over = power(design, units=plan.units, effect=effect * np.array([0.5, 1.0, 1.5])).power
        assert (np.diff(over) > 0.0).all()
        stricter = sample_size(design.over(alpha=[0.1, 0.05, 0.01]), effect=effect).units_exact
        assert (np.diff(stricter) > 0.0).all()


@pytest.mark.parametrize("effect", [-93.9, -50.0, 0.0, 50.0, 106.0])
def test_effects_up_to_the_end_of_the_scale_have_a_variance(effect):
    design = ScoreDesign(ANSWERS)
    assert 0.0 <= power(design, units=40, effect=effect).power <= 1.0
    ends = design.unit_variances(np.array(design.limits))[1]
    assert ends == pytest.approx([0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ScoreDesign([9, 10]), "ValueCounts"),
        (lambda: ScoreDesign(ValueCounts.from_table([9, 10], [5, 5])), "same score"),
        (lambda: ScoreDesign(ANSWERS, 0.0), "response"),
        (lambda: ScoreDesign(ANSWERS, 1.5), "response"),
        (lambda: ScoreDesign(ANSWERS, math.nan), "response"),
        (lambda: ScoreDesign(ANSWERS, "0.5"), "response"),
        (lambda: ScoreDesign(ANSWERS, kind="csat"), "kind"),
        (lambda: ScoreDesign(ANSWERS, top=2), "top_box"),
        (lambda: ScoreDesign(STARS, kind="ordinal"), "score"),
        (lambda: ScoreDesign(STARS, kind="top_box", top=5), "top"),
        (
            lambda: ScoreDesign(ValueCounts.from_table([3, 9], [5, 5]), relative=True),
            "baseline",
        ),
        (lambda: sample_size(ScoreDesign(ANSWERS), effect=150.0), "impossible"),
        (lambda: CumulativeDesign(0.0, 1.0), "mean"),
        (lambda: CumulativeDesign(-1.0, 1.0), "mean"),
        (lambda: CumulativeDesign(1.0, 0.0), "variance"),
        (lambda: CumulativeDesign(1.0, math.inf), "variance"),
        (lambda: CumulativeDesign(1.0, 1.0, -1.0), "variance_power"),
        (lambda: CumulativeDesign(1.0, None), "variance"),
        (lambda: CumulativeDesign(1.0, 1.0, clusters=Clusters(3, 0.1)), "clusters"),
        (lambda: CumulativeDesign(1.0, 1.0, variance_reduction=0.2), "covariates"),
        (lambda: CumulativeDesign.from_moments([1.0, 2.0]), "Moments"),
        (lambda: CumulativeDesign.from_repeated_events([1.0], 3), "RepeatedEvents"),
        (
            lambda: CumulativeDesign.from_repeated_events(
                RepeatedEvents.from_values([5, 5], [], []), 3
            ),
            "do not vary",
        ),
        (lambda: sample_size(CumulativeDesign(1.0, 1.0), effect=-2.0), "impossible"),
    ],
)
def test_what_cannot_be_is_refused(build, words):
    with pytest.raises(UsageError) as refusal:
        build()
    assert words in f"{refusal.value.what} {refusal.value.todo} {refusal.value.given}"


def test_what_the_analysis_would_refuse_is_refused():
    with pytest.raises(NotEstimable) as refusal:
        ScoreDesign(ValueCounts.from_table([0, 11], [5, 5]))
    assert refusal.value.code == "answer_out_of_range"
    with pytest.raises(NotEstimable) as refusal:
        CumulativeDesign.from_repeated_events(repeated(generator(9), 50, 0.1, 0.0), 40)
    assert refusal.value.code == "horizon_too_far"
