"""The door of the public functions: values of any array library become floats or moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abtest.errors import UsageError
from abtest.stats.adjustment.missingness import MissingShares
from abtest.stats.adjustment.slopes import fixed_slopes
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import WarningCode
from abtest.stats.value_counts import ValueCounts


def arm_moments(columns: Sequence[Values], covariates: Sequence[Values], name: str) -> Moments:
    """Return the moments of one arm: its own if it came summed up, else those of its columns.

    Raises
    ------
    UsageError
        If moments or value counts come with separate covariates: moments carry them as further
        variables, value counts cannot. If moments come by phase, or for a part of the columns.
    """
    first = columns[0]
    if isinstance(first, Moments | ValueCounts):
        if len(columns) > 1:
            raise _not_by_phase(name)
        if covariates:
            raise UsageError(
                "A sample that is summed up cannot be joined with covariates",
                given=f"{type(first).__name__} of {name} and a separate covariate",
                todo="Sum value and covariate into one Moments, or give arrays for both.",
            )
        return first if isinstance(first, Moments) else first.moments()
    if any(moments_by_phase(column) is not None for column in columns):
        raise _not_by_phase(name)
    return Moments.from_columns([as_floats(column, name) for column in (*columns, *covariates)])


def moments_by_phase(values: Values) -> list[Moments] | None:
    """Return the moments of an arm by phase of allocation, or None if it did not come in phases.

    Raises
    ------
    UsageError
        If the phases differ in their variables.
    """
    if not (isinstance(values, list | tuple) and values):
        return None
    if not all(isinstance(part, Moments) for part in values):
        return None
    if len({len(part.mean) for part in values}) != 1:
        raise UsageError(
            "Phases must have the same variables",
            given=f"phases of {[len(part.mean) for part in values]} variables",
            todo="Sum the same variables in every phase; an empty one as Moments of 0 units.",
        )
    return list(values)


def _not_by_phase(name: str) -> UsageError:
    return UsageError(
        "This takes one sample per arm, not moments by phase",
        given=f"several Moments or ValueCounts for {name}",
        todo="Use compare_means or compare_ratios for phases in both arms; or judge the pair that "
        "estimate_means or estimate_ratios makes of them.",
    )


def phases_with_covariates() -> UsageError:
    """Return the error of moments by phase that come with separate covariates."""
    return UsageError(
        "Phases that are summed up cannot be joined with covariates",
        given="moments by phase and separate covariates",
        todo="Sum value and covariates into one Moments per phase.",
    )


def arm_counts(values: Values | ValueCounts, name: str) -> ValueCounts:
    """Return the value counts of one arm, for methods that need more than moments.

    Raises
    ------
    UsageError
        If it came as `Moments`, or is not one column of numbers.
    NotEstimable
        ``not_finite`` if a value is infinite.
    """
    if isinstance(values, ValueCounts):
        return values
    if isinstance(values, Moments):
        raise UsageError(
            "Moments do not tell this method enough",
            given=f"Moments of {name}",
            todo="Give the values themselves, or ValueCounts.",
        )
    if moments_by_phase(values) is not None:
        raise _not_by_phase(name)
    floats = as_floats(values, name)
    if np.isinf(floats).any():
        raise NotEstimable(
            "not_finite",
            "Values are infinite",
            given=name,
            todo="Look for infinite values in the column.",
        )
    return ValueCounts.from_values(floats)


@dataclass(frozen=True, eq=False)
class Covariates:
    """Covariates of two arms without nulls.

    Attributes
    ----------
    pairs
        (control, treatment) of each covariate.
    shares
        How often each was missing.
    indicators
        Where values were missing: the place of the covariate, and 1 or 0 for each unit of
        (control, treatment). Once for all covariates that are missing in the same units.
    """

    pairs: tuple[tuple[Floats, Floats], ...]
    shares: tuple[MissingShares, ...]
    indicators: tuple[tuple[int, tuple[Floats, Floats]], ...]

    @property
    def kept(self) -> list[int]:
        """Places of the covariates that are missing as often in one arm as in the other."""
        return [place for place, one in enumerate(self.shares) if not one.differs]

    @property
    def codes(self) -> tuple[WarningCode, ...]:
        """Codes of what a reader should know about missing values."""
        found: list[WarningCode] = []
        if any(self.shares[place].control + self.shares[place].treatment for place in self.kept):
            found.append("covariate_missing")
        if len(self.kept) < len(self.shares):
            found.append("covariate_missing_differs")
        return tuple(found)

    @property
    def used(self) -> tuple[tuple[Floats, Floats], ...]:
        """The covariates kept, then the indicators."""
        return (
            *(self.pairs[place] for place in self.kept),
            *(pair for _, pair in self.indicators),
        )

    def with_slopes(self, slopes: Values) -> tuple[tuple[tuple[Floats, Floats], ...], Floats]:
        """Return the covariates kept and their slopes, which were fixed for all beforehand.

        Raises
        ------
        UsageError
            If they are not one number per covariate.
        """
        fixed = fixed_slopes(slopes, len(self.pairs))
        return tuple(self.pairs[place] for place in self.kept), fixed[self.kept]


def filled(
    covariates: tuple[Values, Values] | None, *, with_mean: bool
) -> tuple[tuple[tuple[Floats, Floats], ...], tuple[WarningCode, ...]]:
    """Return covariates of (control, treatment) without nulls, and codes if there were some.

    The result is empty for None and otherwise one entry for each covariate, so that entries can
    be joined. A covariate whose missing share differs between the arms is left out, with the
    code ``covariate_missing_differs``: it may be all of them. See `filled_covariates`.
    """
    if covariates is None:
        return (), ()
    found = filled_covariates(covariates, with_mean=with_mean)
    return found.used, found.codes


def filled_covariates(covariates: tuple[Values, Values], *, with_mean: bool) -> Covariates:
    """Return covariates of (control, treatment) without nulls.

    A missing covariate must not cost a unit (that would select on the past): it becomes the mean
    over both arms and a further covariate says where it was missing (Zhao & Ding 2022,
    arXiv 2108.00152), or it becomes 0 where no past means a count of none. Both are right only
    where assignment does not decide what is missing. A covariate whose missing share differs
    between the arms at p < 0.001 was not measured alike, and units that miss it in one arm are
    not those that miss it in the other: adjusting by it would move the effect. Gaps of fewer than
    two units in an arm, or of all but one, have no indicator: its slope would rest on one unit.
    What is filled with one number for both arms is a covariate from before exposure all the same.

    Parameters
    ----------
    covariates
        Those of control and those of treatment: one value per unit, a sequence of such columns,
        or a table (two-dimensional array or frame) with one row per unit.
    with_mean
        Whether missing values become the mean, with an indicator, or 0.

    Raises
    ------
    UsageError
        If they are no pair, or the arms have different numbers of covariates.
    """
    if not isinstance(covariates, tuple | list) or len(covariates) != 2:
        raise UsageError(
            "Covariates are a pair: those of control and those of treatment",
            given=type(covariates).__name__,
            todo="Give covariates=(control_values, treatment_values).",
        )
    control, treatment = (covariate_columns(part) for part in covariates)
    if len(control) != len(treatment):
        raise UsageError(
            "Both arms need the same covariates",
            given=f"{len(control)} of control, {len(treatment)} of treatment",
            todo="Give the same columns, in the same order, for both arms.",
        )
    pairs: list[tuple[Floats, Floats]] = []
    shares: list[MissingShares] = []
    indicators: dict[bytes, tuple[int, tuple[Floats, Floats]]] = {}
    for place, pair in enumerate(zip(control, treatment, strict=True)):
        absent = (np.isnan(pair[0]), np.isnan(pair[1]))
        gaps = [int(part.sum()) for part in absent]
        shares.append(MissingShares.of(gaps, [len(part) for part in absent]))
        if not any(gaps):
            pairs.append(pair)
            continue
        known = np.concatenate([column[~np.isnan(column)] for column in pair])
        with np.errstate(over="ignore", invalid="ignore"):  # infinite values are judged later
            value = float(known.mean()) if with_mean and known.size else 0.0
        pairs.append((np.where(absent[0], value, pair[0]), np.where(absent[1], value, pair[1])))
        told = all(2 <= gap <= len(part) - 2 for gap, part in zip(gaps, absent, strict=True))
        if with_mean and told and not shares[-1].differs:
            indicator = (absent[0].astype(np.float64), absent[1].astype(np.float64))
            indicators.setdefault(absent[0].tobytes() + absent[1].tobytes(), (place, indicator))
    return Covariates(tuple(pairs), tuple(shares), tuple(indicators.values()))


def covariate_columns(part: Values) -> list[Floats]:
    """Return the covariates of one arm: one column, several of them, or those of a table.

    Raises
    ------
    UsageError
        If they are not numbers.

    Examples
    --------
    >>> [column.tolist() for column in covariate_columns([[1, 2, 3], [0, 1, None]])]
    [[1.0, 2.0, 3.0], [0.0, 1.0, nan]]
    >>> [column.tolist() for column in covariate_columns(np.array([[1, 0], [2, 1], [3, 5]]))]
    [[1.0, 2.0, 3.0], [0.0, 1.0, 5.0]]
    """
    if len(getattr(part, "shape", ())) == 2:
        names = getattr(part, "column_names", getattr(part, "columns", None))
        if names is None:
            return [as_floats(column, "covariates") for column in part.T]
        return [as_floats(part[name], "covariates") for name in names]
    if isinstance(part, list | tuple) and part and all(_is_column(value) for value in part):
        return [as_floats(column, "covariates") for column in part]
    return [as_floats(part, "covariates")]


def _is_column(value: Values) -> bool:
    """Return whether a member of a sequence is itself a column, not a number or text."""
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)
