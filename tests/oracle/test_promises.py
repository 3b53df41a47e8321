"""What the rule promises, by simulation: how often an experiment ships that should not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.oracle import estimates

from abtest.experiment.levels import row_levels
from abtest.experiment.outcome import DecidingRow, arm_outcome, row_outcome
from abtest.metrics import MeanMetric, ProportionMetric, RatioMetric
from abtest.stats import Moments, NotEstimable

ALPHA = 0.05
REPEATS = 2000
KINDS = {"mean": MeanMetric, "proportion": ProportionMetric, "ratio": RatioMetric}


def metric(name, kind="mean", **keys):
    columns = {"numerator": "y", "denominator": "x"} if kind == "ratio" else {"value": "y"}
    keys = {"direction": "increase", "role": "primary", **columns, **keys}
    return KINDS[kind].model_validate({"id": name, "kind": kind, **keys})


def arm(rng, n, metrics, *, factors, covariate):
    """Correlated skewed values of `REPEATS` arms: one array (repeats, n) per metric."""
    shared = rng.gamma(2.0, 1.0, (REPEATS, n))
    found = []
    for index in range(metrics):
        own = shared + rng.gamma(2.0, 1.0, (REPEATS, n))
        columns = [own * factors[index]]
        if covariate:
            columns.append(shared + rng.gamma(0.5, 1.0, (REPEATS, n)))
        found.append(np.stack(columns, axis=1))
    return found


def moments(values):
    """Moments of every repetition, from values of shape (repeats, columns, n)."""
    n = values.shape[2]
    mean = values.mean(axis=2)
    centred = values - mean[:, :, None]
    m2 = centred @ centred.transpose(0, 2, 1)
    return [Moments(n, mean[i], m2[i]) for i in range(len(values))]


def shipping(metrics, arms, *, adjusted=False):
    """How many repetitions have an arm that ships; `arms` are control and treatments."""
    levels = row_levels(metrics, len(arms) - 1, ALPHA)
    sums = [[moments(values) for values in each] for each in arms]
    ships = 0
    for repeat in range(REPEATS):
        found = False
        for treated in sums[1:]:
            rows = []
            for index, one in enumerate(metrics):
                pair = one.estimate(
                    [sums[0][index][repeat]], [treated[index][repeat]], adjusted=adjusted
                )
                outcome = row_outcome(one, pair, levels[one.id].alpha)
                rows.append(DecidingRow(one.id, one.role, one.test, "t", outcome))
            found = found or arm_outcome(rows) == "ships"
        ships += found
    return ships


def at_most(count, share):
    """Whether a count is within four standard errors of a promised share."""
    return count <= REPEATS * share + 4 * math.sqrt(REPEATS * share * (1 - share))


GUARDS = [
    metric("kept", role="guardrail", margin=0.2),
    metric("cost", role="guardrail", margin=0.2, direction="decrease"),
]
FLAT = (1.0,) * 4


@pytest.mark.parametrize("adjusted", [False, True])
def test_an_experiment_without_effect_ships_at_most_half_of_alpha(adjusted):
    metrics = [metric("gain"), *GUARDS]
    rng = np.random.default_rng(2024)
    arms = [arm(rng, 300, 3, factors=FLAT, covariate=adjusted) for _ in range(2)]
    ships = shipping(metrics, arms, adjusted=adjusted)
    assert at_most(ships, ALPHA / 2)
    assert ships > 0.3 * REPEATS * ALPHA / 2  # the guardrails have power: the promise is not idle


def test_two_primaries_and_two_arms_share_one_alpha():
    metrics = [metric("gain"), metric("fall", direction="decrease"), *GUARDS]
    rng = np.random.default_rng(7)
    arms = [arm(rng, 200, 4, factors=FLAT, covariate=False) for _ in range(3)]
    ships = shipping(metrics, arms)
    assert at_most(ships, ALPHA / 2)
    assert ships > 0.2 * REPEATS * ALPHA / 2


@pytest.mark.parametrize(("adjusted", "direction"), [(False, "increase"), (True, "decrease")])
def test_a_loss_at_the_margin_ships_at_most_half_of_alpha(adjusted, direction):
    """However large the gain of the primary is."""
    loss = 0.8 if direction == "increase" else 1.2
    metrics = [metric("gain"), metric("kept", role="guardrail", margin=0.2, direction=direction)]
    rng = np.random.default_rng(99)
    control = arm(rng, 300, 2, factors=FLAT, covariate=adjusted)
    treated = arm(rng, 300, 2, factors=(2.0, loss), covariate=adjusted)
    ships = shipping(metrics, [control, treated], adjusted=adjusted)
    assert at_most(ships, ALPHA / 2)
    assert ships > 0.2 * REPEATS * ALPHA / 2


def random_pair(rng):
    """Two arms of a random metric with random direction, test and size."""
    kind = str(rng.choice(["mean", "proportion", "ratio"]))
    keys = {"direction": str(rng.choice(["increase", "decrease"]))}
    keys |= [{"margin": 0.2}, {"margin_absolute": 0.3}, {"mde": 0.25}, {}][rng.integers(4)]
    arms = []
    for _ in range(2):
        n = int(rng.integers(8, 200))
        if kind == "proportion":
            columns = [(rng.random(n) < rng.choice([0.05, 0.4, 0.9])).astype(float)]
        else:
            columns = [rng.normal(rng.choice([-1.0, 0.5, 2.0]), 1.0, n), 1 + rng.poisson(2, n)]
        arms.append(columns[: 1 if kind != "ratio" else 2])
    return metric("m", kind, **keys), arms


def test_outcomes_agree_with_the_intervals_of_the_same_row():
    """Lower above 0, above the margin, upper below 0, below the mde: on random pairs."""
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(3000):
        one, columns = random_pair(rng)
        alpha = float(rng.choice([0.01, 0.05, 0.2]))
        try:
            pair = one.estimate(*[[Moments.from_columns(c)] for c in columns], adjusted=False)
        except NotEstimable:
            continue
        outcome = row_outcome(one, pair, alpha)
        assert outcome == expected(one, pair, alpha)
        seen.add((one.kind_name, outcome))
    for kind in KINDS:
        assert {o for k, o in seen if k == kind} >= {"improved", "within_margin", "harmed"}
    assert {o for _, o in seen} >= {"excluded", "unclear"}


def expected(one, pair, alpha):
    """The table of outcomes, read off the intervals; a set without limits decides nothing.

    Bounds in per cent are decided by the linear contrast where the relative set is no interval.
    """
    sign = 1 if one.direction == "increase" else -1
    absolute, relative = pair.absolute(1 - alpha), pair.relative(1 - alpha)
    lower, upper = sorted((sign * absolute.lower, sign * absolute.upper))
    found = "harmed" if upper < 0 else "unclear"
    bounds = {-one.margin} if one.margin else {one.mde} if one.mde else set()
    low = high = None
    if pair.control_value > 0 and bounds:
        (bound,) = bounds
        low, high = by_contrast(one, pair, sign * bound, alpha)
        if relative.status == "bounded":
            ends = sorted((sign * relative.lower, sign * relative.upper))
            assert (low, high) == (ends[0] > bound, ends[1] < bound)
    if one.test == "non_inferiority":
        inside = low if one.margin else lower > -one.margin_absolute
        return "within_margin" if inside else found
    if lower > 0:
        return "improved"
    return "excluded" if found == "unclear" and high else found


def by_contrast(one, pair, bound, alpha):
    """Whether treatment - (1 + bound) control is better, or worse, than 0 beyond chance."""
    tests = [pair.test(relative=bound, alternative=side) for side in ("greater", "less")]
    better, worse = (test.p_value < alpha / 2 for test in tests)
    return (better, worse) if one.direction == "increase" else (worse, better)


@pytest.mark.parametrize("phases", [1, 3])
def test_adjusted_errors_are_those_of_lins_regression(phases):
    """With HC2 and one phase; over phases those of the adjusted values, up to terms of 1 / n."""
    rng = np.random.default_rng(phases)
    control, treatment = [], []
    for phase in range(phases):
        for found, n, gain in ((control, 1500, 0.0), (treatment, 900 + 600 * phase, 0.3)):
            x = rng.gamma(2.0, 1.0, n) + phase
            y = (0.6 + gain) * x + rng.normal(0, 0.5 + 0.2 * x) + 3 * phase
            found.append(np.c_[y, x])
    one = metric("m")
    arms = [[Moments.from_columns(rows.T) for rows in arm] for arm in (control, treatment)]
    pair = one.estimate(*arms, adjusted=True)
    interval = pair.absolute(0.95)
    half = (interval.upper - interval.lower) / 2 / 1.9602
    if phases == 1:
        estimate, se = estimates.hc2(control[0], treatment[0])
        n = len(control[0]) + len(treatment[0])
        slopes = [np.polyfit(rows[0][:, 1], rows[0][:, 0], 1)[0] for rows in (control, treatment)]
        spread = np.r_[control[0], treatment[0]][:, 1].var()
        se = math.sqrt(se**2 + (slopes[1] - slopes[0]) ** 2 * spread / n)  # xbar is random
    else:
        hand = estimates.adjusted_means(control, treatment)
        estimate, se = hand.contrast()
    assert interval.estimate == pytest.approx(estimate, rel=1e-9)
    assert half == pytest.approx(se, rel=0.03)
