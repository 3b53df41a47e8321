"""Two arms as four counts: what every method of proportions works on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from abtest.stats.moments import Moments
from abtest.stats.not_estimable import NotEstimable, not_finite, too_few_units
from abtest.stats.results import WarningCode


@dataclass(frozen=True)
class TwoByTwo:
    """Successes and units of two arms.

    Attributes
    ----------
    successes_control, n_control, successes_treatment, n_treatment
        Counts.
    warnings
        Codes of what a reader should know.
    variance_reduction
        None: counts have no covariates.

    Examples
    --------
    >>> table = TwoByTwo(3, 10, 9, 10)
    >>> table.control_value, table.treatment_value, table.successes
    (0.3, 0.9, 12)
    """

    successes_control: int
    n_control: int
    successes_treatment: int
    n_treatment: int
    warnings: tuple[WarningCode, ...] = ()
    variance_reduction: float | None = None

    @property
    def control_value(self) -> float:
        """Share of successes in control."""
        return self.successes_control / self.n_control

    @property
    def treatment_value(self) -> float:
        """Share of successes in treatment."""
        return self.successes_treatment / self.n_treatment

    @property
    def difference(self) -> float:
        """Treatment - control."""
        return self.treatment_value - self.control_value

    @property
    def ratio(self) -> float | None:
        """Treatment over control, minus 1; None where control has no success."""
        if self.successes_control == 0:
            return None
        return self.treatment_value / self.control_value - 1.0

    @property
    def n(self) -> int:
        """Units of both arms."""
        return self.n_control + self.n_treatment

    @property
    def successes(self) -> int:
        """Successes of both arms."""
        return self.successes_control + self.successes_treatment

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Successes and units of control, then of treatment."""
        return (
            self.successes_control,
            self.n_control,
            self.successes_treatment,
            self.n_treatment,
        )

    def with_warnings(self, *codes: WarningCode) -> Self:
        """Return the same pair with further warning codes."""
        return replace(self, warnings=(*self.warnings, *codes)) if codes else self


def successes_of(moments: Moments) -> int:
    """Return the ones among values of 0 and 1."""
    return round(moments.n * float(moments.mean[0])) if moments.n else 0


def require_binary(moments: Moments) -> None:
    """Refuse values other than 0 and 1: for those alone m2 = n p (1 - p) with a whole n p.

    Raises
    ------
    NotEstimable
        ``not_binary`` or ``not_finite``.
    """
    if moments.n == 0:
        return
    n, p, m2 = moments.n, float(moments.mean[0]), float(moments.m2[0, 0])
    if not abs(p) + abs(m2) < float("inf"):
        raise not_finite()
    whole = abs(n * p - round(n * p)) <= 1e-9 * n
    if whole and -1e-12 <= p <= 1.0 + 1e-12 and abs(m2 - n * p * (1.0 - p)) <= 1e-9 * n:
        return
    raise NotEstimable(
        "not_binary",
        "A proportion needs values of 0 and 1",
        given=f"mean {p:g}, variance {m2 / n:g} over {n} units",
        todo="Use a mean metric, or say which values count as a success.",
    )


def counts_of(control: Moments, treatment: Moments) -> tuple[int, int, int, int]:
    """Return successes and units of control and treatment from their moments.

    Raises
    ------
    NotEstimable
        ``not_binary``, ``not_finite``, or ``too_few_units`` below two units in an arm.
    """
    for arm in (control, treatment):
        require_binary(arm)
    if min(control.n, treatment.n) < 2:
        raise too_few_units(control.n, treatment.n)
    return successes_of(control), control.n, successes_of(treatment), treatment.n


def require_reachable(absolute: float, relative: float | None) -> None:
    """Refuse a bound by which no two proportions differ.

    Raises
    ------
    NotEstimable
        ``bound_out_of_range``.
    """
    reachable = -1.0 < absolute < 1.0 if relative is None else relative > -1.0
    if not reachable:
        raise NotEstimable(
            "bound_out_of_range",
            "No two proportions differ by this bound",
            given=f"{absolute if relative is None else relative:g}",
            todo="An absolute bound lies between -1 and 1, a relative one above -1.",
        )
