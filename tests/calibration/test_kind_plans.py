"""Plans from pilots: cells have their sizes, and populations the effects that are promised."""

import numpy as np
import pytest
from calibration.kind_plans import ANSWERS, DENSE, promises


def of(title):
    return [one for one in promises((0.5, 0.5)) if one.title.startswith(title)]


def test_a_plan_has_the_units_and_the_promise_of_its_cell():
    for one in promises((0.9, 0.1)):
        assert one.sizes == (0.9 * one.total, 0.1 * one.total), one.title
        assert one.plan.power == pytest.approx(0.8, abs=1e-6) or "atom" in one.title


def test_populations_have_the_effects_of_their_plans():
    rng = np.random.default_rng(1)
    (score, _) = of("NPS")
    draw = score.population(score.plan.effect)
    points = np.array([-100, -100, 0, 0, 100, 100])
    means = []
    for treated in (False, True):
        sample = draw(rng, 2_000_000, treated)
        assert sample.values.tolist() == ANSWERS.values.tolist()
        means.append(float(points @ sample.counts) / sample.n)
    assert means[1] - means[0] == pytest.approx(score.plan.effect, abs=0.4)
    (median, _) = of("quantile 0.5")
    values = [median.population(median.plan.effect)(rng, 400_000, t) for t in (False, True)]
    assert np.median(values[0]) == pytest.approx(float(np.median(DENSE.values)), rel=0.01)
    gap = float(np.median(values[1]) - np.median(values[0]))
    assert gap == pytest.approx(median.plan.effect, rel=0.03)
    share, _ = of("share")
    times = [share.population(share.plan.effect)(rng, 30_000, t) for t in (False, True)]
    seen = [one.events.sum() / one.n for one in times]
    assert seen[0] > seen[1]
    assert share.plan.details["events"] == pytest.approx(500 * sum(seen), rel=0.02)


def test_few_draws_keep_the_promise():
    rng = np.random.default_rng(2)
    for title in ("hazard ratio, rare", "restricted", "median, an atom"):
        promise = of(title)[0]
        (found,) = promise(rng, 60)
        assert found.method == promise.plan.formula
        assert abs(found.rate - found.promised) <= 5 * found.error + 0.02
