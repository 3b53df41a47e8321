"""Which covariates of two arms an estimate may use, and what a reader should know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abtest.stats import Moments
from abtest.stats.adjustment.missingness import MissingShares
from abtest.stats.moments import Floats
from abtest.stats.results import WarningCode


@dataclass(frozen=True, eq=False)
class UsableCovariates:
    """Two arms with the covariates that an estimate may use.

    Attributes
    ----------
    arms
        Moments of (values, covariates, indicators) of both arms, by phase and stratum.
    adjusted
        Whether a covariate is left.
    missing
        Whether a unit misses one that is left.
    differs
        Whether a covariate was left out because it is missing more often in one arm.
    """

    arms: tuple[tuple[Moments, ...], tuple[Moments, ...]]
    adjusted: bool
    missing: bool
    differs: bool

    def codes(self, *, used: bool) -> tuple[WarningCode, ...]:
        """Return the warnings, given whether the estimate used covariates."""
        missing: tuple[WarningCode, ...] = ("covariate_missing",) if used and self.missing else ()
        return (*missing, "covariate_missing_differs") if self.differs else missing


def usable_covariates(
    arms: Sequence[Sequence[Moments]],
    *,
    values: int,
    covariates: int,
    indicated: Sequence[int],
) -> UsableCovariates:
    """Return both arms without covariates that are missing more often in one of them.

    As `abtest.stats.columns.filled_covariates` does with columns: the shares are compared within
    phases and strata. Indicators that say nothing of their own are left out too: one without two
    gaps, or two values, in both arms (its slope would rest on a unit), or one that repeats
    another (the same units miss both). Those are no covariates that a reader lost. A ratio needs
    both parts of its own past, or none.

    Parameters
    ----------
    arms
        Moments of (values, covariates, indicators) of control and of treatment.
    values, covariates
        How many variables are which.
    indicated
        The positions, among covariates, of those with an indicator, in the order of these.
    """
    first = values + covariates
    units = np.array([[part.n for part in arm] for arm in arms], dtype=np.float64)
    totals = np.array([[part.n * part.mean[first:] for part in arm] for arm in arms])
    gaps = totals.round()
    gone = {
        place for i, place in enumerate(indicated) if MissingShares.of(gaps[:, :, i], units).differs
    }
    if values > 1 and any(place < values for place in gone):
        gone = set(range(covariates))
    kept = [*range(values), *(values + place for place in range(covariates) if place not in gone)]
    adjusted = len(kept) > values
    left = [i for i, place in enumerate(indicated) if place not in gone]
    sums, every = gaps.sum(axis=1), units.sum(axis=1)
    spreads = [np.sum([part.m2 for part in arm], axis=0) for arm in arms]
    telling: list[int] = []
    for i in left:
        told = ((sums[:, i] >= 2) & (sums[:, i] <= every - 2)).all()
        if told and not any(_repeats(spreads, first + i, other) for other in telling):
            telling.append(first + i)
    return UsableCovariates(
        (_only(arms[0], kept + telling), _only(arms[1], kept + telling)),
        adjusted,
        bool(sums[:, left].any()),
        bool(gone),
    )


def _repeats(spreads: Sequence[Floats], one: int, other: int) -> bool:
    return all(s[one, one] == s[one, other] == s[other, other] for s in spreads)


def _only(arm: Sequence[Moments], places: list[int]) -> tuple[Moments, ...]:
    """Return moments of some of the variables."""
    if all(len(part.mean) == len(places) for part in arm):
        return tuple(arm)
    rows = np.ix_(places, places)
    return tuple(Moments(part.n, part.mean[places], part.m2[rows], part.nulls) for part in arm)
