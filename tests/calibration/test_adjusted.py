"""The truths of adjusted means and of scores must be those of what is drawn and estimated."""

import numpy as np
import pytest
from calibration.adjusted import (
    EFFECTS,
    Balanced,
    Strata,
    many_features,
    one_past,
    past_of,
    useless_features,
)
from calibration.scores import CASES, NPS, ORDINAL, TOP_BOX, Answered, moved

from abtest.stats import ValueCounts, compare_scores
from calibration import adjusted, scores

UNITS = 1_000_000


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("effects", EFFECTS.values())
def test_strata_have_the_shares_and_the_effect_of_the_population(effects, skewed):
    drawn = Strata((0.5, 0.3, 0.2), (2, 5, 10), effects, (1, 2, 4), skewed, (UNITS, UNITS))
    rng = np.random.default_rng(1)
    control, treatment = (sum_of(drawn.arm(rng, treated)) for treated in (False, True))
    difference, relative = drawn.truth
    error = np.sqrt((control.covariance[0, 0] + treatment.covariance[0, 0]) / UNITS)
    assert treatment.mean[0] - control.mean[0] == pytest.approx(difference, abs=4 * error)
    assert control.mean[0] * relative == pytest.approx(difference, abs=4 * error)
    spread = 0.5 * 1 + 0.3 * 4 + 0.2 * 16 + 0.5 * 2**2 + 0.3 * 5**2 + 0.2 * 10**2 - 4.5**2
    assert control.covariance[0, 0] == pytest.approx(spread, rel=0.02)


def sum_of(arm):
    first, *others = arm.values()
    for other in others:
        first = first + other
    return first


@pytest.mark.parametrize(
    "arm",
    [
        one_past(0.0, growing=False, steeper=False),
        one_past(0.5, growing=True, steeper=True),
        many_features(0.0, 3, steeper=False),
        many_features(0.5, 3, steeper=True),
        useless_features(2),
    ],
)
def test_values_of_units_have_the_mean_and_variance_that_are_stated(arm):
    values = arm.draw(np.random.default_rng(2), (1, UNITS))[0, 0]
    assert values.mean() == pytest.approx(arm.value, abs=4 * np.sqrt(arm.variance / UNITS))
    assert values.var() == pytest.approx(arm.variance, rel=0.01)


def test_units_of_both_arms_have_the_same_past():
    rng = np.random.default_rng(3)
    for one, other in (
        (one_past(0.0, growing=True, steeper=False), one_past(0.5, growing=True, steeper=True)),
        (many_features(0.0, 3, steeper=False), many_features(0.5, 3, steeper=True)),
    ):
        pasts = [arm.draw(rng, (1, UNITS))[1:, 0] for arm in (one, other)]
        assert pasts[0].mean(axis=1) == pytest.approx(pasts[1].mean(axis=1), abs=0.01)
        assert np.cov(pasts[0]) == pytest.approx(np.cov(pasts[1]), abs=0.05)


@pytest.mark.parametrize("kind", [NPS, TOP_BOX, ORDINAL])
@pytest.mark.parametrize(("title", "shares"), [case[:2] for case in CASES])
def test_a_score_is_the_mean_of_its_points(kind, title, shares):
    arms = shares, moved(shares)
    assert [sum(arm) for arm in arms] == pytest.approx([1.0, 1.0])
    assert min(arms[1]) >= 0.0
    drawn = Answered(*arms, (50, 50), kind)
    samples = [ValueCounts.from_table(range(11), np.rint(np.array(arm) * UNITS)) for arm in arms]
    found = kind.compare(*samples)
    assert found.absolute.estimate == pytest.approx(drawn.truth[0], rel=1e-4)
    assert found.relative.estimate == pytest.approx(drawn.truth[1], rel=1e-4)
    assert Answered(shares, shares, (50, 50), kind).truth == (0.0, 0.0)


def test_draws_that_are_the_same_to_a_score_are_judged_alike():
    rng = np.random.default_rng(4)
    counts = rng.multinomial(20, CASES[0][1], 2)
    shuffled = counts.copy()
    shuffled[:, :7] = counts[:, 6::-1]  # other detractors
    assert (counts @ NPS.groups == shuffled @ NPS.groups).all()
    first, second = (
        compare_scores(*(ValueCounts.from_table(range(11), arm) for arm in arms))
        for arms in (counts, shuffled)
    )
    assert first.p_value == second.p_value
    assert first.absolute == second.absolute


def test_draws_without_a_test_of_balance_are_counted_as_missing():
    def constant(rng, size):
        return np.stack([rng.standard_normal(size), np.ones(size)])

    found = Balanced(constant, (4, 2))(np.random.default_rng(5), 10)
    assert [(one.runs, one.missing) for one in found] == [(0, 10), (0, 10)]
    found = Balanced(past_of(3), (8, 4))(np.random.default_rng(5), 10)
    assert [(one.runs, one.missing) for one in found] == [(10, 0), (10, 0)]
    assert [one.promised for one in found] == [0.05, 0.001]


def test_no_two_cells_have_the_same_name():
    keys = [cell.key for module in (adjusted, scores) for cell in module.cells()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("module", [adjusted, scores])
def test_every_cell_says_how_often_its_promise_was_kept(module):
    for cell in module.cells():
        found = cell.run(1, 3)
        assert found, cell.key
        names = [(one.method, one.quantity) for one in found]
        assert len(set(names)) == len(names)
        assert all(0 <= one.count <= one.runs for one in found)
        assert not any(one.quantity == "power" for one in found)
