"""What surrounds one test: the metrics that decide with it, and units that come in clusters."""

from __future__ import annotations

from dataclasses import dataclass

from abtest.errors import UsageError
from abtest.stats.arguments import require_count
from abtest.stats.sizing.numbers import one_number


@dataclass(frozen=True)
class DecisionRule:
    """Ship if one of the success metrics is superior and all guardrails are non-inferior.

    Success metrics share alpha; guardrails use all of it, because all must pass; every metric is
    powered at 1 - beta / (guardrails + 1), or beta / guardrails without a success metric, so that
    the decision has power 1 - beta under any dependence (Schultzberg, Ankargren & Franberg 2024,
    arXiv 2402.11609).

    Attributes
    ----------
    successes, guardrails
        Metrics of each kind, the one that is planned among them.
    deterioration_alpha, quality_alpha
        Total levels of further tests that may stop a shipment; they take their part of beta.

    Raises
    ------
    UsageError
        If there is no metric, a count is not whole, or a level is not between 0 and 1.

    Examples
    --------
    >>> round(DecisionRule(successes=2, guardrails=3).metric_power(0.8), 3)
    0.95
    """

    successes: int = 1
    guardrails: int = 0
    deterioration_alpha: float = 0.0
    quality_alpha: float = 0.0

    def __post_init__(self) -> None:
        for name, what in (("successes", "success metrics"), ("guardrails", "guardrails")):
            one_number(getattr(self, name), f"The number of {what}", 0.0, 1e6, closed=True)
            count = require_count(getattr(self, name), f"The number of {what}")
            object.__setattr__(self, name, count)
        if self.successes + self.guardrails == 0:
            raise UsageError(
                "A decision needs at least one metric",
                given="0 success metrics and 0 guardrails",
                todo="Count the metric that is planned.",
            )
        for name in ("deterioration_alpha", "quality_alpha"):
            level = one_number(getattr(self, name), name, 0.0, 1.0, closed=True)
            object.__setattr__(self, name, level)

    def metric_power(self, power: float) -> float:
        """Return the power that each metric needs for this power of the decision.

        Raises
        ------
        UsageError
            If the further tests alone use up 1 - power.
        """
        beta = 1.0 - power - self.deterioration_alpha - self.quality_alpha
        if beta <= 0.0:
            raise UsageError(
                "The further tests leave no room for the errors of the metrics",
                given=f"power {power:g}, further levels "
                f"{self.deterioration_alpha + self.quality_alpha:g}",
                todo="Lower the power of the decision or the levels of the further tests.",
            )
        return 1.0 - beta / (self.guardrails + (1 if self.successes else 0))


@dataclass(frozen=True)
class Clusters:
    """Units that are assigned together, such as classes, households or hours.

    The variance of a mean grows by the design effect 1 + ((1 + cv^2) m - 1) icc, with m the mean
    size and cv the coefficient of variation of sizes (Eldridge, Ashby & Kerry 2006, Int. J.
    Epidemiol. 35, 1292); degrees of freedom count clusters.

    Attributes
    ----------
    mean_size
        Units per cluster.
    icc
        Intraclass correlation, 0 to 1.
    cv
        Standard deviation of the sizes over their mean.

    Examples
    --------
    >>> Clusters(mean_size=21, icc=0.05).design_effect
    2.0
    """

    mean_size: float
    icc: float
    cv: float = 0.0

    def __post_init__(self) -> None:
        limits = {"mean_size": (1.0, 1e12), "icc": (0.0, 1.0), "cv": (0.0, 1e6)}
        for name, (low, high) in limits.items():
            value = one_number(getattr(self, name), name, low, high, closed=True)
            object.__setattr__(self, name, value)

    @property
    def design_effect(self) -> float:
        """By how much clusters multiply the variance."""
        return 1.0 + ((1.0 + self.cv * self.cv) * self.mean_size - 1.0) * self.icc
