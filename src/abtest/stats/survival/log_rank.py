"""Log-rank statistics of two arms with any weight, and the hazard ratio that each implies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.survival.event_times import EventTimes

RankWeight = Literal["log_rank", "gehan", "tarone_ware", "fleming_harrington"]
"""How a rank test weighs the times of events."""


@dataclass(frozen=True)
class RankStatistic:
    """Sums over the times of events in either arm.

    Attributes
    ----------
    score
        Sum of w (observed - expected) events of treatment.
    variance
        Sum of w^2 v, with v the hypergeometric variance.
    information
        Sum of w v.
    observed, expected
        Unweighted events of treatment.
    all_events
        Events of both arms.
    """

    score: float
    variance: float
    information: float
    observed: float
    expected: float
    all_events: int


def rank_statistic(
    arms: tuple[EventTimes, EventTimes], weight: RankWeight, powers: tuple[float, float]
) -> RankStatistic:
    """Return the weighted sums of observed less expected events of treatment.

    At each distinct time with d events among n at risk, n1 of them in treatment, expected are
    e = d n1 / n with variance v = d (n1 / n)(1 - n1 / n)(n - d) / (n - 1) (Klein & Moeschberger
    2003, eq. 7.3.3).
    """
    times = np.union1d(*(arm.times[arm.events > 0] for arm in arms))
    events = [_events_at(arm, times) for arm in arms]
    at_risk = [arm.at_risk_at(times).astype(np.float64) for arm in arms]
    d, n = events[0] + events[1], at_risk[0] + at_risk[1]
    share = at_risk[1] / n
    v = d * share * (at_risk[0] / n) * (n - d) / np.maximum(n - 1.0, 1.0)
    w = _weights(weight, d, n, powers)
    return RankStatistic(
        score=float((w * (events[1] - d * share)).sum()),
        variance=float((w * w * v).sum()),
        information=float((w * v).sum()),
        observed=float(events[1].sum()),
        expected=float((d * share).sum()),
        all_events=int(d.sum()),
    )


def _events_at(arm: EventTimes, times: Floats) -> Floats:
    """Return an arm's events at given times, all of its own among them; 0 where it has none."""
    found = np.zeros(times.shape)
    here = arm.events > 0
    found[np.searchsorted(times, arm.times[here])] = arm.events[here]
    return found


def _weights(weight: RankWeight, d: Floats, n: Floats, powers: tuple[float, float]) -> Floats:
    """Return the weight of each time, at most 1: the tests do not depend on its unit."""
    if weight == "log_rank":
        return np.ones(n.shape)
    if weight == "gehan":
        return np.asarray(n / n.max())
    if weight == "tarone_ware":
        return np.asarray(np.sqrt(n / n.max()))
    # the pooled curve just before each time (Harrington & Fleming 1982, Biometrika 69, 553)
    before = np.concatenate([[1.0], np.cumprod(1.0 - d / n)[:-1]])
    return np.asarray(before ** powers[0] * (1.0 - before) ** powers[1])
