"""How alpha is shared: superiority tests divide it, everything that must pass uses all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from abtest.metrics import MetricDefinition


@dataclass(frozen=True)
class Level:
    """The share of alpha of one row and how its interval is to be read."""

    alpha: float
    interval: Literal["simultaneous", "individual"]

    @property
    def confidence(self) -> float:
        """Confidence level of the row's two-sided interval."""
        return 1.0 - self.alpha


def row_levels(metrics: Sequence[MetricDefinition], arms: int, alpha: float) -> Mapping[str, Level]:
    """Return the level of every metric's rows, one per treatment arm.

    Superiority primaries share alpha by weight and then equally over the arms
    (Bonferroni). Guardrails and non-inferiority primaries use all of it, because all of
    them must pass (intersection-union test; Berger 1982). Rows that do not decide get
    intervals of their own at 1 - alpha.
    """
    from abtest.stats import alpha_shares

    shared = [m for m in metrics if m.role == "primary" and m.test == "superiority"]
    weights = [metric.weight for metric in shared for _ in range(arms)]
    shares = alpha_shares(weights, alpha) if weights else ()
    own = {metric.id: shares[index * arms] for index, metric in enumerate(shared)}
    return {
        metric.id: Level(own[metric.id], "simultaneous")
        if metric.id in own
        else Level(alpha, "individual")
        for metric in metrics
    }
