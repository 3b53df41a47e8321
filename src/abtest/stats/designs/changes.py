"""Units seen several times: means of independent groups, compared by weighted sums of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.designs.contrast import ContrastEstimate, one_or_two_sided
from abtest.stats.floats import as_floats
from abtest.stats.moments import Floats, Moments, too_small_squares
from abtest.stats.not_estimable import NotEstimable, not_finite, too_small
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative, Method, WarningCode
from abtest.stats.tails import critical_value, tail_test

_EPSILON = float(np.finfo(np.float64).eps)


def changes(sample: Any, size: int, name: str, *, reference: int = 0) -> Moments:
    """Return the moments of (value at the reference, every other value minus it) of units.

    Differences are taken unit by unit, so that what is small beside the values keeps its digits;
    from moments it is as good as these are. Differences that are all rounding do not vary.

    Parameters
    ----------
    sample
        Columns of the same units, one for each condition; or `Moments` of them.
    size
        How many conditions there are.
    name
        Whose they are, for messages.
    reference
        The condition that the others are compared with.

    Raises
    ------
    UsageError
        If they are not as many columns of equal length, or not numbers.
    NotEstimable
        ``too_few_units`` (fewer than two with a value in every condition), ``not_finite``,
        ``too_small``.

    Examples
    --------
    >>> changes(([1.0, 2.0], [4.0, 7.0]), 2, "units").mean.tolist()
    [1.5, 4.0]
    """
    if isinstance(sample, Moments):
        found = _turned(sample, size, name, reference)
    else:
        found = _of_columns(sample, size, name, reference)
    if found.n < 2:
        raise NotEstimable(
            "too_few_units",
            "Fewer than two units have a value in every condition",
            given=f"{found.n} units of {name}, {found.nulls} without a value somewhere",
            todo="Wait for more units, or look at why values are missing.",
        )
    if not (np.isfinite(found.mean).all() and np.isfinite(found.m2).all()):
        raise not_finite()
    if too_small_squares(np.diag(found.m2)[1:]).any():
        raise too_small()
    return found


def _of_columns(sample: Any, size: int, name: str, reference: int) -> Moments:
    if not (isinstance(sample, list | tuple) and len(sample) == size):
        given = len(sample) if isinstance(sample, list | tuple) else type(sample).__name__
        raise UsageError(
            f"The units of {name} have one column for each of {size} conditions",
            given=f"{given}" if isinstance(given, str) else f"{given} columns",
            todo="Give a tuple of columns, in the order of the conditions, or Moments of them.",
        )
    columns = [as_floats(column, name) for column in sample]
    if any(np.isinf(column).any() for column in columns):
        raise not_finite()
    if len({column.size for column in columns}) != 1:
        raise UsageError(
            f"The columns of {name} must be of the same units, in the same order",
            given=f"lengths {[column.size for column in columns]}",
            todo="Join them by unit; a missing value is NaN.",
        )
    first = columns[reference]
    with np.errstate(over="ignore", invalid="ignore"):  # infinite differences are judged later
        others = [column - first for place, column in enumerate(columns) if place != reference]
    found = Moments.from_columns([first, *others])
    if found.n:
        plain = Moments.from_columns(columns)
        sizes = _lengths(plain)
        with np.errstate(over="ignore", invalid="ignore"):
            noise = 4.0 * _EPSILON * (sizes[reference] + np.delete(sizes, reference))
            _settle(found, np.sqrt(np.diag(found.m2)[1:]) <= noise)
    return found


def _turned(sample: Moments, size: int, name: str, reference: int) -> Moments:
    if len(sample.mean) != size:
        raise UsageError(
            f"The moments of {name} have one variable for each of {size} conditions",
            given=f"{len(sample.mean)} variables",
            todo="Sum the columns of all conditions into one Moments, unit by unit.",
        )
    turn = np.insert(np.delete(np.eye(size), reference, axis=0), 0, np.eye(size)[reference], axis=0)
    turn[1:, reference] = -1.0
    with np.errstate(over="ignore", invalid="ignore"):  # infinite values are judged later
        found = Moments(sample.n, turn @ sample.mean, turn @ sample.m2 @ turn.T, sample.nulls)
        squares = np.diag(sample.m2)
        noise = _EPSILON * max(16.0, sample.n**0.5)
        others = squares[reference] + np.delete(squares, reference)
        _settle(found, np.diag(found.m2)[1:] <= noise * others)
    return found


def _lengths(moments: Moments) -> Floats:
    """Return the root of each variable's sum of squares about 0, which may be very large."""
    spread = np.sqrt(np.diag(moments.m2))
    return np.asarray(np.hypot(spread, math.sqrt(moments.n) * np.abs(moments.mean)))


def _settle(moments: Moments, flat: np.typing.NDArray[np.bool_]) -> None:
    """Take away the variation of differences that is rounding."""
    places = 1 + np.flatnonzero(flat)
    moments.m2[places, :] = moments.m2[:, places] = 0.0


@dataclass(frozen=True, eq=False)
class GroupMeans:
    """Means of independent groups of units, each of one or more variables.

    Attributes
    ----------
    groups
        One `Moments` for each group, of at least two units.
    """

    groups: tuple[Moments, ...]

    @property
    def nulls(self) -> int:
        """Units left out because a value was null."""
        return sum(group.nulls for group in self.groups)

    def value(self, weights: Sequence[Floats]) -> float:
        """Return a weighted sum of the means; `weights` has one array for each group."""
        return float(sum(w @ group.mean for w, group in zip(weights, self.groups, strict=True)))

    def parts(self, first: Sequence[Floats], second: Sequence[Floats]) -> Floats:
        """Return the covariance of two weighted sums by group, shape (groups,)."""
        return np.array(
            [
                float(a @ group.m2 @ b) / (group.n - 1.0) / group.n
                for a, b, group in zip(first, second, self.groups, strict=True)
            ]
        )

    def degrees_of_freedom(self, weights: Sequence[Floats]) -> float:
        """Return those of a weighted sum (Satterthwaite 1946, Biometrics Bull. 2, 110).

        Raises
        ------
        NotEstimable
            ``constant`` if it varies in no group.
        """
        parts = self.parts(weights, weights)
        if not parts.max() > 0.0:
            raise NotEstimable(
                "constant",
                "Units do not differ in what is compared, so there is no error to measure it "
                "against",
                given=f"an effect of {self.value(weights):g} with variance 0",
                todo="Check that the metric counts what it should.",
            )
        scaled = parts / parts.max()
        units = np.array([group.n - 1.0 for group in self.groups])
        return float(scaled.sum() ** 2 / (scaled**2 / units).sum())

    def pair(
        self,
        control: Sequence[Floats],
        effect: Sequence[Floats],
        units: tuple[int, int],
        method: Method,
    ) -> ArmPair:
        """Return control and control + effect, both weighted sums of the means, as two arms."""
        df = self.degrees_of_freedom(effect)
        own = self.parts(effect, effect)
        base = float(self.parts(control, control).sum())
        both = float(self.parts(control, effect).sum())
        variance = float(own.sum())
        value, difference = self.value(control), self.value(effect)
        if not math.isfinite(base + 2.0 * both + variance):
            raise not_finite()
        used = np.array([bool(w.any()) for w in effect])
        warnings: tuple[WarningCode, ...] = ("constant_arm",) if (own[used] == 0.0).any() else ()
        return ArmPair(
            control_value=value,
            treatment_value=value + difference,
            covariance=((base, base + both), (base + both, base + 2.0 * both + variance)),
            df=df,
            n_control=units[0],
            n_treatment=units[1],
            method=method,
            warnings=warnings,
            difference_variance=variance,
            known_difference=difference,
        )

    def contrast(
        self,
        name: str,
        weights: Sequence[Floats],
        confidence_level: float,
        alternative: Alternative = "two-sided",
    ) -> ContrastEstimate:
        """Return a weighted sum of the means with its interval and the test that it is 0.

        Raises
        ------
        NotEstimable
            ``constant`` if it varies in no group.
        """
        df = self.degrees_of_freedom(weights)
        error = math.sqrt(float(self.parts(weights, weights).sum()))
        estimate = self.value(weights)
        critical = critical_value(confidence_level, df, two_sided=alternative == "two-sided")
        return ContrastEstimate.of(
            name,
            one_or_two_sided(estimate, critical * error, alternative),
            tail_test(estimate / error, df, alternative),
        )
