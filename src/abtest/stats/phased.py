"""Estimates of two arms within phases of allocation, as one estimate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.pairs import ArmPair
from abtest.stats.results import WarningCode
from abtest.stats.value_counts import ValueCounts


class HasUnits(Protocol):
    """A sample that knows its units."""

    @property
    def n(self) -> int:
        """Units in it."""


S = TypeVar("S", bound=HasUnits)
_PRIOR_UNITS = 2.0
"""Units by which shares of phases are drawn to the share of all."""


def by_phase(
    control: Sequence[S],
    treatment: Sequence[S],
    estimate: Callable[[S, S], ArmPair],
    *,
    may_fail: frozenset[str] = frozenset(),
    enough: int = 0,
) -> ArmPair:
    """Return the pair of two arms that are compared within phases of constant allocation.

    A phase weighs its share of the units of both arms; the sampling error of these shares counts
    (as in `JointMeans.propagate`). Phases with fewer than two units in an arm, and those in which
    the estimate fails for one of the reasons in `may_fail`, are left out with the warning
    ``phase_dropped``: nothing can be compared within them.

    Parameters
    ----------
    control, treatment
        A sample per phase.
    estimate
        The independent pair of two samples.
    may_fail
        Codes of `NotEstimable` that concern one phase, as long as another one has an estimate.
    enough
        Units of an arm below which there is the warning ``few_units``. A phase with few of them
        that weighs much leaves an arm with few: what counts is 1 / sum of w_p^2 / n_p.

    Raises
    ------
    NotEstimable
        ``too_few_units``, or as the estimate.
    UsageError
        If the arms differ in phases.
    """
    pairs = phases_of(control, treatment)
    kept = [pair for pair in pairs if min(pair[0].n, pair[1].n) >= 2]
    if not kept:
        raise too_few_units(sum(one.n for one in control), sum(one.n for one in treatment))
    found: list[ArmPair] = []
    failure: NotEstimable | None = None
    for first, second in kept:
        try:
            found.append(estimate(first, second))
        except NotEstimable as error:
            if error.code not in may_fail:
                raise
            failure = error
    if not found:
        assert failure is not None  # all that were kept have failed
        raise failure
    empty = sum(1 for first, second in pairs if first.n == second.n == 0)
    pair = found[0] if len(found) == 1 else _combined(found)
    dropped = len(pairs) - empty - len(found)
    few = min(_units_that_count(found)) < enough
    return pair.with_warnings(
        *(("phase_dropped",) if dropped else ()), *(("few_units",) if few else ())
    )


def _units_that_count(pairs: Sequence[ArmPair]) -> Floats:
    """Return each arm's units that a mean with these weights of phases rests on (Kish 1965)."""
    units = np.array([[pair.n_control, pair.n_treatment] for pair in pairs], dtype=np.float64)
    weights = units.sum(axis=1) / units.sum()
    return np.asarray(1.0 / (weights**2 @ (1.0 / units)))


def phases_of(control: Sequence[S], treatment: Sequence[S]) -> list[tuple[S, S]]:
    """Return the samples of both arms by phase.

    Raises
    ------
    UsageError
        If there are not as many of each, or none.
    """
    if len(control) != len(treatment) or not control:
        raise UsageError(
            "Both arms need samples of the same phases",
            given=f"{len(control)} control, {len(treatment)} treatment phases",
            todo="Give one sample per phase and arm; an arm without units there as an empty one.",
        )
    return list(zip(control, treatment, strict=True))


def _combined(pairs: Sequence[ArmPair]) -> ArmPair:
    units = np.array([[pair.n_control, pair.n_treatment] for pair in pairs], dtype=np.float64)
    weights = units.sum(axis=1) / units.sum()
    values = np.array([[pair.control_value, pair.treatment_value] for pair in pairs])
    covariance = np.einsum("p,pij->ij", weights**2, np.array([pair.covariance for pair in pairs]))
    middle = weights @ values
    apart = values - middle
    covariance = covariance + (apart.T * weights) @ apart / units.sum()
    warnings: dict[WarningCode, None] = {}
    for pair in pairs:
        warnings |= dict.fromkeys(pair.warnings)
    methods = dict.fromkeys(pair.method for pair in pairs)
    return ArmPair(
        float(middle[0]),
        float(middle[1]),
        (
            (float(covariance[0, 0]), float(covariance[0, 1])),
            (float(covariance[1, 0]), float(covariance[1, 1])),
        ),
        df=None,
        n_control=int(units[:, 0].sum()),
        n_treatment=int(units[:, 1].sum()),
        method=list(methods)[-1],
        warnings=tuple(warnings),
        difference_variance=_difference_variance(pairs, weights, apart, float(units.sum())),
    )


def _difference_variance(
    pairs: Sequence[ArmPair], weights: Floats, apart: Floats, units: float
) -> float:
    """Return the variance of the difference by itself: levels of phases may lie far apart."""
    own = np.array([pair.contrast.difference_variance for pair in pairs])
    noise = weights @ (apart[:, 1] - apart[:, 0]) ** 2 / units
    return float(weights**2 @ own + noise)


def weighted_counts(
    control: Sequence[ValueCounts], treatment: Sequence[ValueCounts], quantile: float
) -> tuple[ValueCounts, ValueCounts, bool]:
    """Return each arm's value counts with phases weighing the same in both, and if one was left.

    In an arm the units of phase p weigh w_p / n_p, with w_p the share of the phase in the units
    of both arms. The sample counts as many units as give the share q of units at or below its
    quantile the variance q (1 - q) / n that it has within phases, sum of w_p^2 F_p (1 - F_p) /
    n_p, with F_p the share of phase p at or below (binomial limits with an effective number of
    units: Korn & Graubard 1998, Survey Methodology 24, 193). F_p has q added to it as of two
    units, so that a phase with all units on one side has a variance too, and units with the very
    value of the quantile are split in each phase alike. Phases with one distribution count
    1 / sum of w_p^2 / n_p units (Kish 1965, Survey Sampling, 11.7): all, where allocation does
    not change. Weighted units are rounded to whole ranks.

    Raises
    ------
    NotEstimable
        ``too_few_units`` if no phase has two units in each arm.
    UsageError
        If the arms differ in phases.
    """
    pairs = phases_of(control, treatment)
    kept = [pair for pair in pairs if min(pair[0].n, pair[1].n) >= 2]
    if not kept:
        raise too_few_units(sum(one.n for one in control), sum(one.n for one in treatment))
    empty = sum(1 for first, second in pairs if first.n == second.n == 0)
    dropped = len(pairs) - empty - len(kept) > 0
    if len(kept) == 1:
        return (*kept[0], dropped)
    units = np.array([[first.n, second.n] for first, second in kept], dtype=np.float64)
    weights = units.sum(axis=1) / units.sum()
    arms = [
        _weighted([pair[arm] for pair in kept], units[:, arm], weights, quantile) for arm in (0, 1)
    ]
    return arms[0], arms[1], dropped


def _weighted(
    phases: Sequence[ValueCounts], units: Floats, weights: Floats, quantile: float
) -> ValueCounts:
    values = np.concatenate([phase.values for phase in phases])
    shares = np.concatenate(
        [
            phase.counts * (weight / n)
            for phase, weight, n in zip(phases, weights, units, strict=True)
        ]
    )
    distinct, place = np.unique(values, return_inverse=True)
    reached = np.cumsum(np.bincount(place, weights=shares))
    reached = reached / reached[-1]
    value = float(distinct[np.searchsorted(reached, quantile)])
    variance = _variance_of_share(phases, units, weights, value, quantile)
    effective = max(round(quantile * (1.0 - quantile) / variance), 2)
    ranks = np.round(reached * effective).astype(np.int64)
    nulls = sum(phase.nulls for phase in phases)
    found = ValueCounts.from_table(distinct, np.diff(ranks, prepend=0))
    return ValueCounts(found.values, found.counts, nulls)


def _variance_of_share(
    phases: Sequence[ValueCounts], units: Floats, weights: Floats, value: float, quantile: float
) -> float:
    """Return the variance within phases of the weighted share of units up to a quantile.

    Units with the quantile's `value` are split so that the share is `quantile`.
    """
    below = np.array([phase.counts[phase.values < value].sum() for phase in phases]) / units
    equal = np.array([phase.counts[phase.values == value].sum() for phase in phases]) / units
    part = (quantile - float(weights @ below)) / float(weights @ equal)
    shares = below + min(max(part, 0.0), 1.0) * equal
    shares = (shares * units + _PRIOR_UNITS * quantile) / (units + _PRIOR_UNITS)
    return float((weights**2 * shares * (1.0 - shares) / units).sum())
