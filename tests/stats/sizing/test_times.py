"""Plans for times to an event: hazard ratios, restricted means, shares without the event."""

import math

import numpy as np
import pytest

from abtest.errors import UsageError
from abtest.stats import (
    Clusters,
    EventTimes,
    ExponentialTimes,
    HazardDesign,
    NotEstimable,
    SurvivalDesign,
    compare_survival,
    log_rank_test,
    minimum_detectable_effect,
    power,
    sample_size,
)

TIMES = ExponentialTimes(0.1, follow_up=10.0, accrual=5.0, drop_out=0.02)


def times_of(case):
    return ExponentialTimes(
        case["hazard"], case["follow_up"], case.get("accrual", 0.0), case.get("drop_out", 0.0)
    )


def drawn(rng, n, times, ratio=1.0):
    event = rng.exponential(1.0 / (times.hazard * ratio), n)
    end = times.follow_up + times.accrual * rng.random(n)
    if times.drop_out:
        end = np.minimum(end, rng.exponential(1.0 / times.drop_out, n))
    return EventTimes.from_values(np.minimum(event, end), event <= end)


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def keeps(share, promised, runs, extra):
    return abs(share - promised) <= 4 * math.sqrt(promised * (1 - promised) / runs) + extra


def pilot(n=4000, times=TIMES):
    return drawn(generator(0), n, times)


def test_hazard_ratios_are_planned_as_by_independent_programs(reference):
    for case in reference("power_hazards")["cases"]:
        one_sided = "units" in case
        side = "less" if case["ratio"] < 1.0 else "greater"
        design = HazardDesign(
            times_of(case),
            method=case["method"],
            alpha=case["alpha"] / 2.0 if one_sided else case["alpha"],
            alternative=side if one_sided else "two-sided",
            power=case.get("power", 0.8),
            allocation=case["allocation"],
        )
        effect = case["ratio"] - 1.0
        if one_sided:
            plan = sample_size(design, effect=effect)
            assert plan.units_exact == pytest.approx(case["units"], rel=1e-9), case["source"]
            found = minimum_detectable_effect(design, units=case["units"]).effect
            assert found == pytest.approx(effect, rel=1e-6), case["source"]
        else:
            got = power(design, units=case["at"], effect=effect).power
            assert got == pytest.approx(case["at_power"], abs=2e-7), case["source"]


def test_numbers_of_events_are_the_published_ones(reference):
    for case in reference("power_hazards")["published"]:
        design = HazardDesign(power=case["power"])
        plan = sample_size(design, effect=case["ratio"] - 1.0)
        if "subjects" in case:
            subjects = plan.units / case["event_share"]  # events are rounded up by arm
            assert subjects == case["subjects"], case["source"]
        else:
            assert plan.units_exact == pytest.approx(case["events"], rel=2e-3), case["source"]


def test_expected_events_are_the_shares_seen_of_both_arms():
    plan = sample_size(HazardDesign(TIMES, allocation=(2, 1)), effect=-0.3)
    shares = TIMES.event_share(np.array([1.0, 0.7]))
    assert plan.details["events"] == pytest.approx(float(shares @ plan.units_by_arm))
    all_watched = ExponentialTimes(0.1, follow_up=3.0)
    share = float(all_watched.event_share(np.ones(1))[0])
    assert share == pytest.approx(1.0 - math.exp(-0.3), rel=1e-13)
    rare = ExponentialTimes(1e-10, follow_up=2.0, accrual=2.0)
    assert float(rare.event_share(np.ones(1))[0]) == pytest.approx(3e-10, rel=1e-9)


@pytest.mark.parametrize(
    ("times", "ratio", "allocation", "schoenfeld"),
    [
        (ExponentialTimes(0.05, 1.0), 2.0, (1, 4), 0.65),
        (ExponentialTimes(0.5, 2.0, 1.0, 0.1), 0.5, (1, 4), 0.88),
        (ExponentialTimes(0.5, 2.0, 1.0, 0.1), 0.5, (4, 1), 0.71),
        (ExponentialTimes(1.0, 20.0), 0.6, (1, 1), 0.82),
    ],
)
def test_the_log_rank_test_has_the_promised_power_where_formulas_by_events_do_not(
    times, ratio, allocation, schoenfeld
):
    runs = 1000
    plan = sample_size(HazardDesign(times, allocation=allocation), effect=ratio - 1.0)
    rng = generator(1)
    shown = sum(
        log_rank_test(
            drawn(rng, plan.units_by_arm[0], times), drawn(rng, plan.units_by_arm[1], times, ratio)
        ).p_value
        < 0.05
        for _ in range(runs)
    )
    assert keeps(shown / runs, plan.power, runs, extra=0.015)
    # what a size by events alone has, says the sum
    by_events = HazardDesign(times, method="schoenfeld", allocation=allocation)
    units = sample_size(by_events, effect=ratio - 1.0).units
    found = power(HazardDesign(times, allocation=allocation), units=units, effect=ratio - 1.0).power
    assert found == pytest.approx(schoenfeld, abs=0.015)


def test_a_pilot_on_whole_days_keeps_its_promise():
    days = ExponentialTimes(0.35, follow_up=4.0)

    def whole(rng, n, ratio=1.0):
        event = np.ceil(rng.exponential(1.0 / (days.hazard * ratio), n))
        return EventTimes.from_values(np.minimum(event, 4.0), event <= 4.0)

    past = whole(generator(2), 20_000)
    plan = sample_size(HazardDesign(past, allocation=(1, 2)), effect=0.4)
    rng, runs = generator(3), 1000
    shown = sum(
        log_rank_test(
            whole(rng, plan.units_by_arm[0]), whole(rng, plan.units_by_arm[1], 1.4)
        ).p_value
        < 0.05
        for _ in range(runs)
    )
    assert keeps(shown / runs, plan.power, runs, extra=0.02)


def test_restricted_means_are_planned_as_by_integrals(reference):
    for case in reference("power_kinds")["exponential_means"]:
        design = SurvivalDesign(
            times_of(case), case["horizon"], power=case["power"], alpha=0.025,
            alternative="greater",
        )  # fmt: skip
        assert design.value == pytest.approx(case["value"], rel=1e-12), case["source"]
        control, _ = design.unit_variances(np.zeros(1))
        assert control[0] == pytest.approx(case["variance"], rel=2e-6), case["source"]
        got = sample_size(design, effect=case["effect"]).units_exact / 2
        assert got == pytest.approx(case["per_arm"], rel=2e-6), case["source"]


def test_a_pilot_has_the_variance_of_its_analysis(reference):
    for case in reference("power_kinds")["pilot_means"]:
        times = EventTimes.from_values(case["time"], case["observed"])
        mean = SurvivalDesign(times, case["horizon"])
        share = SurvivalDesign(times, case["horizon"], "survival")
        assert mean.value == pytest.approx(case["value"], rel=1e-9), case["source"]
        assert share.value == pytest.approx(case["share"], rel=1e-9), case["source"]
        for design, variance in ((mean, "variance"), (share, "share_variance")):
            control, treatment = design.unit_variances(np.array([0.0, 1e-9 * design.value]))
            assert control[0] == pytest.approx(case[variance], rel=1e-9), case["source"]
            assert treatment[1] == pytest.approx(case[variance], rel=1e-5)


@pytest.mark.parametrize(("compared", "effect"), [("rmst", 1.5), ("survival", 0.15)])
def test_restricted_means_and_shares_have_the_promised_power(compared, effect):
    runs = 800
    design = SurvivalDesign(TIMES, 10.0, compared, allocation=(2, 1))
    plan = sample_size(design, effect=effect)
    ratio = float(np.exp(design.restricted.ratio_for(np.array([design.value + effect])))[0])
    rng = generator(4)
    shown = sum(
        compare_survival(
            drawn(rng, plan.units_by_arm[0], TIMES),
            drawn(rng, plan.units_by_arm[1], TIMES, ratio),
            horizon=10.0,
            measure=compared,
        ).p_value
        < 0.05
        for _ in range(runs)
    )
    assert keeps(shown / runs, plan.power, runs, extra=0.015)


DESIGNS = {
    "log-rank": HazardDesign(TIMES, direction="decrease"),
    "pilot": HazardDesign(pilot(), allocation=(1, 3)),
    "cox": HazardDesign(TIMES, method="cox", power=0.9),
    "events": HazardDesign(),
    "freedman": HazardDesign(TIMES, method="freedman"),
    "lachin": HazardDesign(TIMES, method="lachin_foulkes"),
    "not worse": HazardDesign(TIMES, test="non_inferiority", margin=0.3, direction="decrease"),
    "equivalent": HazardDesign(TIMES, test="equivalence", margin=(0.2, 0.25)),
    "rmst": SurvivalDesign(TIMES, 12.0),
    "relative": SurvivalDesign(pilot(), 9.0, relative=True),
    "survival": SurvivalDesign(pilot(), 9.0, "survival", direction="decrease"),
    "rmst not worse": SurvivalDesign(TIMES, 8.0, test="non_inferiority", margin=0.5),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_power_size_and_effect_are_inverses_and_power_rises(name):
    design = DESIGNS[name]
    effect = 0.0 if design.test != "superiority" else 0.12 * design.sign
    plan = sample_size(design, effect=effect)
    exact = power(design, units=plan.units_exact, effect=effect).power
    assert exact == pytest.approx(design.target_power, abs=1e-6)
    found = minimum_detectable_effect(design, units=plan.units_exact).effect
    assert found == pytest.approx(effect, rel=1e-5, abs=1e-4 if effect == 0.0 else 1e-9)
    powers = power(design, units=plan.units * np.array([0.5, 1.0, 2.0, 50.0]), effect=effect).power
    assert (np.diff(powers) > 0.0).all()
    assert (powers <= 1.0).all()
    if design.test == "superiority":
        over = power(design, units=plan.units, effect=effect * np.array([0.5, 1.0, 1.5])).power
        assert (np.diff(over) > 0.0).all()
        stricter = sample_size(design.over(alpha=[0.1, 0.05, 0.01]), effect=effect).units_exact
        assert (np.diff(stricter) > 0.0).all()
        assert power(design, units=plan.units, effect=0.0).power == pytest.approx(0.05, abs=1e-9)


def test_a_pilot_of_many_units_says_what_its_curve_says():
    known, seen = (
        sample_size(HazardDesign(times), effect=-0.25).units for times in (TIMES, pilot(40_000))
    )
    assert seen == pytest.approx(known, rel=0.02)


def test_the_unit_of_time_does_not_matter():
    hours = ExponentialTimes(0.1 / 24, 240.0, 120.0, 0.02 / 24)
    for build, effect in ((lambda t, _: HazardDesign(t), 0.2), (SurvivalDesign, None)):
        sizes = [
            sample_size(build(times, 12.0 * unit), effect=effect or 0.5 * unit).units_exact
            for times, unit in ((TIMES, 1.0), (hours, 24.0))
        ]
        assert sizes[0] == pytest.approx(sizes[1], rel=1e-9)


def test_few_events_are_said():
    plan = power(HazardDesign(ExponentialTimes(0.001, 1.0)), units=2000, effect=1.0)
    assert plan.warnings == ("few_events",)
    assert "fewer than 10 events" in str(plan)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: HazardDesign(5.0), "pilot"),
        (lambda: HazardDesign([1.0, 2.0]), "pilot"),
        (lambda: HazardDesign(EventTimes.from_values([1.0, 2.0], [0, 0])), "an event"),
        (lambda: HazardDesign(TIMES, method="lakatos"), "method"),
        (lambda: HazardDesign(method="log_rank"), "numbers of events"),
        (lambda: HazardDesign(pilot(50), method="lachin_foulkes"), "exponential"),
        (lambda: HazardDesign(TIMES, relative=False), "ratios"),
        (lambda: HazardDesign(TIMES, clusters=Clusters(3, 0.1)), "clusters"),
        (lambda: HazardDesign(TIMES, variance_reduction=0.3), "covariates"),
        (
            lambda: HazardDesign(TIMES, method="freedman", test="non_inferiority", margin=0.2),
            "logarithm",
        ),
        (lambda: HazardDesign(TIMES, test="equivalence", margin=1.5), "below 1"),
        (lambda: SurvivalDesign(TIMES, 12.0, "median"), "compared"),
        (lambda: SurvivalDesign(TIMES, -1.0), "horizon"),
        (lambda: SurvivalDesign(TIMES, None), "horizon"),
        (lambda: SurvivalDesign("x", 1.0), "pilot"),
        (lambda: SurvivalDesign(TIMES, 12.0, correlation=0.4), "covariates"),
        (lambda: SurvivalDesign(EventTimes.from_table([5.0], [40], [0]), 2.0), "no event"),
        (lambda: ExponentialTimes(0.0, 1.0), "hazard"),
        (lambda: ExponentialTimes(math.nan, 1.0), "hazard"),
        (lambda: ExponentialTimes("1", 1.0), "hazard"),
        (lambda: ExponentialTimes(1.0, -1.0), "follow_up"),
        (lambda: ExponentialTimes(1.0, math.inf), "follow_up"),
        (lambda: ExponentialTimes(1.0, 0.0), "some time"),
        (lambda: ExponentialTimes(1.0, 1.0, accrual=None), "accrual"),
        (lambda: ExponentialTimes(1.0, 1.0, drop_out=True), "drop_out"),
        (lambda: ExponentialTimes.from_median(0.0, 1.0), "median"),
        (lambda: sample_size(HazardDesign(TIMES), effect=-1.5), "impossible"),
        (lambda: sample_size(SurvivalDesign(TIMES, 12.0), effect=7.0), "impossible"),
        (lambda: sample_size(HazardDesign(TIMES), effect=0.0), "effect of 0"),
    ],
)
def test_what_cannot_be_is_refused(build, words):
    with pytest.raises(UsageError) as refusal:
        build()
    assert words in f"{refusal.value.what} {refusal.value.todo} {refusal.value.given}"


@pytest.mark.parametrize("times", [TIMES, pilot()])
def test_a_horizon_that_the_analysis_would_refuse_is_refused(times):
    with pytest.raises(NotEstimable) as refusal:
        SurvivalDesign(times, 14.9)
    assert refusal.value.code == "horizon_too_far"


@pytest.mark.parametrize("effect", [-1.0, -0.999, 50.0])
def test_extreme_hazard_ratios_have_a_power(effect):
    for name in ("log-rank", "pilot", "cox", "events", "freedman", "lachin"):
        assert 0.0 <= power(DESIGNS[name], units=60, effect=effect).power <= 1.0
