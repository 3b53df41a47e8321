"""What one row and one arm have come to, by the tables of the pre-registered rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from abtest.experiment.document import ArmOutcome, RowOutcome
from abtest.metrics import MetricDefinition
from abtest.stats import NotEstimable

if TYPE_CHECKING:
    from abtest.stats.results import PairEstimate, Test


def bound_test(metric: MetricDefinition, pair: PairEstimate, bound: float) -> Test:
    """Test that the effect is better than a loss of `bound` relative to control.

    `bound` is turned so that up is good: -0.02 is a loss of 2%. The contrast
    treatment - (1 + b) control is tested, so that the control's noise counts.
    """
    if metric.direction == "increase":
        return pair.test(relative=bound, alternative="greater")
    return pair.test(relative=-bound, alternative="less")


def margin_test(metric: MetricDefinition, pair: PairEstimate) -> Test:
    """Return the one-sided test of non-inferiority against the metric's margin."""
    if metric.margin is not None:
        return bound_test(metric, pair, -metric.margin)
    assert metric.margin_absolute is not None
    if metric.direction == "increase":
        return pair.test(absolute=-metric.margin_absolute, alternative="greater")
    return pair.test(absolute=metric.margin_absolute, alternative="less")


def row_test(metric: MetricDefinition, pair: PairEstimate) -> Test:
    """Return the test that a row's p-value comes from."""
    return margin_test(metric, pair) if metric.test == "non_inferiority" else pair.test()


def row_outcome(metric: MetricDefinition, pair: PairEstimate, alpha: float) -> RowOutcome:
    """Return the outcome of a deciding row at its share of alpha.

    A two-sided interval at 1 - alpha has a bound on the good side of a value exactly
    when the one-sided test of that value has p < alpha / 2, so tests decide: they hold
    where a ratio has no interval.
    """
    half = alpha / 2
    # A loss in per cent of nothing, or of a debt, means nothing: such a bound never passes.
    relative = pair.control_value > 0
    worse = pair.test(alternative="less" if metric.direction == "increase" else "greater")
    if metric.test == "non_inferiority":
        testable = metric.margin is None or relative
        if testable and margin_test(metric, pair).p_value < half:
            return "within_margin"
        return "harmed" if worse.p_value < half else "unclear"
    better = pair.test(alternative="greater" if metric.direction == "increase" else "less")
    if better.p_value < half:
        return "improved"
    if worse.p_value < half:
        return "harmed"
    if metric.mde is not None and relative and _below(metric, pair, metric.mde, half):
        return "excluded"
    return "unclear"


def _below(metric: MetricDefinition, pair: PairEstimate, mde: float, half: float) -> bool:
    """Whether the effect is smaller than the one the experiment was sized for."""
    if metric.direction == "increase":
        try:
            return pair.test(relative=mde, alternative="less").p_value < half
        except NotEstimable:  # values near the largest number cannot be moved by the effect
            return False
    try:
        return pair.test(relative=-mde, alternative="greater").p_value < half
    except NotEstimable:  # a proportion cannot fall by more than all of it
        return True


@dataclass(frozen=True)
class DecidingRow:
    """A deciding metric in one arm, as far as the rule needs it."""

    metric: str
    role: Literal["primary", "guardrail", "secondary", "diagnostic"]
    test: Literal["superiority", "non_inferiority"]
    variant: str
    outcome: RowOutcome


def arm_outcome(rows: Sequence[DecidingRow]) -> ArmOutcome:
    """Return what became of an arm, from the rows of its deciding metrics."""
    outcomes = [row.outcome for row in rows]
    superiority = [
        row.outcome for row in rows if row.role == "primary" and row.test == "superiority"
    ]
    margins = [row.outcome for row in rows if row.test == "non_inferiority"]
    if "harmed" in outcomes:
        return "harmed"
    safe = all(outcome == "within_margin" for outcome in margins)
    gains = "improved" in superiority if superiority else True
    if safe and gains:
        return "ships"
    if superiority and all(outcome == "excluded" for outcome in superiority):
        return "no_gain"
    return "open"
