"""Where the units of one arm stand among those of the other: the probabilistic index."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.value_counts import ValueCounts


@dataclass(frozen=True)
class Placements:
    """The probabilistic index of two arms with what its tests need.

    Attributes
    ----------
    u
        Pairs of a control and a treatment unit in which treatment is larger, ties as half: the
        Mann-Whitney statistic of treatment.
    index
        `u` over all pairs: an estimate of P(T > C) + P(T = C) / 2.
    control_variance, treatment_variance
        Parts of the index's variance: variance of the placements of an arm's units over the
        number of those units.
    rank_variance
        Variance of `u` when both arms have one distribution, given the ties.
    n_control, n_treatment
        Units.
    ties
        Units of both arms together with each distinct value, in rising order.
    separated
        Whether the largest value of one arm lies below the smallest of the other.
    """

    u: float
    index: float
    control_variance: float
    treatment_variance: float
    rank_variance: float
    n_control: int
    n_treatment: int
    ties: tuple[int, ...]
    separated: bool

    @property
    def pairs(self) -> float:
        """Pairs of a control and a treatment unit."""
        return float(self.n_control) * float(self.n_treatment)

    @property
    def standard_error(self) -> float:
        """Standard error of the index, for any two distributions."""
        return math.sqrt(self.control_variance + self.treatment_variance)

    @property
    def df(self) -> float:
        """Degrees of freedom of the standard error, by Satterthwaite's approximation."""
        whole = self.control_variance + self.treatment_variance
        control, treatment = self.control_variance / whole, self.treatment_variance / whole
        return 1.0 / (control**2 / (self.n_control - 1) + treatment**2 / (self.n_treatment - 1))


def placements(control: ValueCounts, treatment: ValueCounts) -> Placements:
    """Return the placements of two arms of at least two units each.

    The placement of a unit is the share of the other arm below it, ties as half (Brunner &
    Munzel 2000, Biometrical Journal 42, 17, there in ranks). The variance of `u` under equal
    distributions is that of midranks drawn without replacement (Lehmann 1975, Nonparametrics,
    section 1.4), as a sum of squares: the usual correction for ties subtracts.

    Examples
    --------
    >>> arms = (ValueCounts.from_values([1.0, 2.0, 2.0]), ValueCounts.from_values([2.0, 3.0]))
    >>> found = placements(*arms)
    >>> found.u, round(found.index, 6), found.ties
    (5.0, 0.833333, (1, 3, 1))
    """
    n0, n1 = float(control.n), float(treatment.n)
    below_treatment = _placed(treatment.values, control) / n0
    below_control = _placed(control.values, treatment) / n1
    u = float(_placed(treatment.values, control) @ treatment.counts.astype(np.float64))
    index = u / (n0 * n1)
    both = control + treatment
    units = both.counts.astype(np.float64)
    midranks = np.cumsum(units) - units / 2.0  # less 1/2, which moves their mean alike
    spread = float(units @ (midranks - (n0 + n1) / 2.0) ** 2)
    return Placements(
        u=u,
        index=index,
        control_variance=_variance_of_mean(below_control, control, 1.0 - index),
        treatment_variance=_variance_of_mean(below_treatment, treatment, index),
        rank_variance=n0 / (n0 + n1) * (n1 / (n0 + n1 - 1.0)) * spread,
        n_control=control.n,
        n_treatment=treatment.n,
        ties=tuple(both.counts.tolist()),
        separated=bool(
            control.values[-1] < treatment.values[0] or treatment.values[-1] < control.values[0]
        ),
    )


def _placed(values: Floats, others: ValueCounts) -> Floats:
    """Return how many units of the other arm are below each value, ties as half."""
    units = np.concatenate([[0.0], np.cumsum(others.counts, dtype=np.float64)])
    below = units[np.searchsorted(others.values, values, side="left")]
    not_above = units[np.searchsorted(others.values, values, side="right")]
    return np.asarray((below + not_above) / 2.0)


def _variance_of_mean(placed: Floats, arm: ValueCounts, mean: float) -> float:
    squares = float(arm.counts.astype(np.float64) @ (placed - mean) ** 2)
    return squares / (arm.n - 1) / arm.n
