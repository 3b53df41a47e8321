"""The six experiments of the demo come out as their worlds say they must."""

import math
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.simulate.kinds_by_hand import judged, true_effect

import abtest
from abtest.data import measure
from abtest.experiment.requests import metric_requests
from abtest.experiment.resolve import resolve
from abtest.experiment.ruling import rule
from abtest.simulate import DEMO_SEED, demo_worlds, simulate, write_duckdb

ROOT = Path(__file__).resolve().parents[2]
WORLDS = demo_worlds()
OTHER_SEEDS = range(1, 51)

RIGHT = {
    "onboarding_steps": "ship",
    "push_dose": "do_not_ship",
    "gamification": "keep_running",
    "signup_friction": "invalid",
    "feature_removal": "ship",
    "loyalty_programme": "inconclusive",
}
SHIPPED = {"onboarding_steps": "two_steps", "feature_removal": "without_feature"}
AT_LEAST = {
    "onboarding_steps": 48,
    "push_dose": 48,
    "gamification": 50,
    "signup_friction": 50,
    "feature_removal": 48,
    "loyalty_programme": 43,
}
"""In how many of the 50 other draws the verdict must be right."""
HELD_AT_LEAST = 43
"""In how many of the 50 other draws the 95% interval of a metric shown beside holds the truth:
fewer would be an accident of one in 250."""


def without_segments(spec):
    return spec.model_copy(update={"analysis": spec.analysis.model_copy(update={"segments": ()})})


def of_moments(spec):
    """The experiment without quantiles, times, scores and cumulative means."""
    kept = [m for m in spec.metrics if metric_requests(spec)[m.id].statistic == "moments"]
    return spec.model_copy(update={"metrics": tuple(kept)})


def others(spec):
    """The metrics that `of_moments` leaves out."""
    kept = {metric.id for metric in of_moments(spec).metrics}
    return [metric for metric in spec.metrics if metric.id not in kept]


def distances_from_truth(rows, truth):
    """Standard errors between each estimate and the truth."""
    distances = {}
    for row in rows:
        assert row.pair is not None, row.effect.reason
        interval = row.pair.absolute(0.95)
        se = (interval.upper - interval.lower) / (2 * 1.96)
        true = truth[row.metric.id, row.variant].absolute
        distances[row.metric.id, row.variant] = (interval.estimate - true) / se
    return distances


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with the experiments of this repository and the data that the demo ships."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(ROOT / "experiments", folder / "experiments")
    simulated = {name: simulate(world, DEMO_SEED) for name, world in WORLDS.items()}
    write_duckdb(folder / "data" / "demo.duckdb", simulated)
    return folder, simulated


def test_every_world_has_an_experiment_and_a_right_verdict():
    assert set(WORLDS) == set(RIGHT)
    for name, world in WORLDS.items():
        spec = resolve(name, root=ROOT).spec
        assert (spec.variants.control, *spec.variants.treatments) == world.arms
        assert (spec.experiment.start, spec.experiment.end) == (world.start, world.end)
        assert resolve(name, root=ROOT).warnings == ()


@pytest.mark.parametrize("name", RIGHT)
def test_the_shipped_data_give_the_right_verdict_and_the_truth(project, name, directly):
    folder, simulated = project
    analysis = abtest.load(name, root=folder).analyze()
    assert analysis.verdict.decision == RIGHT[name], analysis.verdict.headline
    assert analysis.verdict.recommended_variant == SHIPPED.get(name)
    spec = analysis.experiment.resolved.spec
    truth = {**directly(simulated[name], metric_requests(of_moments(spec))).truth}
    for metric in others(spec):
        truth |= true_effect(simulated[name], metric)
    whole = [row for row in analysis.ruled.rows if row.effect.segment is None]
    distances = distances_from_truth(whole, truth)
    assert len(distances) == len(spec.metrics) * len(spec.variants.treatments)
    assert max(map(abs, distances.values())) < 4, distances
    deciding = [distances[row.metric.id, row.variant] for row in whole if row.metric.decides]
    assert max(map(abs, deciding)) < 1.96  # an ordinary draw: intervals hold the truth
    for row in whole:
        if row.metric in others(spec):
            interval = row.pair.absolute(0.95)
            true = truth[row.metric.id, row.variant].absolute
            assert interval.lower < true < interval.upper, (row.metric.id, interval, true)
            assert not row.metric.decides


def test_the_demo_shows_each_of_the_four_kinds():
    shown = {m.kind for name in RIGHT for m in others(resolve(name, root=ROOT).spec)}
    assert shown == {"quantile", "time_to_event", "score", "cumulative"}


@pytest.mark.parametrize("name", ["onboarding_steps", "loyalty_programme"])
def test_what_is_shown_beside_has_the_size_that_the_demo_states(name):
    """With so many users that chance hardly moves it."""
    simulated = simulate(replace(WORLDS[name], users=400_000), seed=8)
    for metric in others(resolve(name, root=ROOT).spec):
        (effect,) = true_effect(simulated, metric).values()
        control, treatment, relative, within = {
            "days_to_activation": (7 - 14 * 0.36 / 3, 7 - 14 * 0.36 * 1.08 / 3, None, 0.02),
            "ease": (3.64, 3.77, None, 0.015),
            "nps": (30.0, 36.0, None, 1.2),
            "revenue_to_date": (None, None, 0.18, 0.01),
            "high_spend": (None, None, 0.13, 0.01),
        }[metric.id]
        if relative is None:
            assert effect.control == pytest.approx(control, abs=within)
            assert effect.treatment == pytest.approx(treatment, abs=within)
        else:
            assert effect.relative == pytest.approx(relative, abs=within)


@pytest.mark.parametrize("name", RIGHT)
def test_measuring_the_arrays_is_measuring_the_event_log(name, directly):
    """What the test over 50 seeds relies on: the short way gives what the data layer gives."""
    simulated = simulate(replace(WORLDS[name], users=3_000), seed=17)
    whole = without_segments(resolve(name, root=ROOT).spec)
    spec = of_moments(whole)
    requests = metric_requests(spec)
    short = directly(simulated, requests).measured
    asked = metric_requests(whole)
    log = measure(
        spec.data, tuple(asked.values()), spec.design(), root=ROOT, frames=simulated.frames()
    )
    assert log.as_of == short.as_of
    assert log.tally.exposed == short.tally.exposed
    assert log.tally.exposed_by_day == short.tally.exposed_by_day
    assert sum(log.tally.without_events.values()) == 0
    assert log.tally.duplicate_event_rows == log.tally.late_rows == log.tally.future_rows == 0
    assert log.tally.before_start == log.tally.after_end == 0
    for metric in requests:
        for arm in simulated.world.arms:
            ([expected], [got]) = (way.samples(metric, arm) for way in (short, log))
            assert got.n == expected.n
            assert got.mean == pytest.approx(expected.mean, rel=1e-12)
            assert got.m2 == pytest.approx(expected.m2, rel=1e-9, abs=1e-9)
    for metric in others(whole):
        for arm, pair in judged(simulated, metric).items():
            sides = [log.samples(metric.id, one) for one in (simulated.world.arms[0], arm)]
            found, expected = (one.absolute(0.95) for one in (metric.compared(*sides), pair))
            for end in ("estimate", "lower", "upper"):
                assert getattr(found, end) == pytest.approx(getattr(expected, end), rel=1e-9)


@pytest.mark.parametrize("name", RIGHT)
def test_other_draws_of_the_same_world_have_the_same_verdict(name, directly):
    whole = without_segments(resolve(name, root=ROOT).spec)
    spec = of_moments(whole)
    requests = metric_requests(spec)
    verdicts: Counter[str] = Counter()
    held = dict.fromkeys((metric.id for metric in others(whole)), 0)
    distances = []
    for seed in OTHER_SEEDS:
        simulated = simulate(WORLDS[name], seed)
        direct = directly(simulated, requests)
        ruled = rule(spec, "", direct.measured, requests)
        verdicts[ruled.document.verdict] += 1
        distances += distances_from_truth(ruled.rows, direct.truth).values()
        for metric in others(whole):
            truth = true_effect(simulated, metric)
            for arm, pair in judged(simulated, metric).items():
                interval = pair.absolute(0.95)
                true = truth[metric.id, arm].absolute
                held[metric.id] += interval.lower <= true <= interval.upper
    assert verdicts[RIGHT[name]] >= AT_LEAST[name], verdicts
    assert all(count >= HELD_AT_LEAST for count in held.values()), held
    assert np.abs(distances).max() < 4
    # Standard errors are neither too small nor absurdly large: draws differ as they say.
    assert 0.5 < math.sqrt(np.mean(np.square(distances))) < 1.15
