"""The description of a test that power, sample size and detectable effect share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_alternative, require_one_of
from abtest.stats.moments import Floats
from abtest.stats.results import Alternative, Measure
from abtest.stats.sizing.contradictions import (
    direction_of,
    refuse_other_rule,
    refuse_unreachable_margin,
)
from abtest.stats.sizing.formulas import Formula, Judge, TestKind, formula_of
from abtest.stats.sizing.numbers import Truths, is_row, number_or_row, one_number
from abtest.stats.sizing.settings import checked_allocation, checked_margin, checked_reduction
from abtest.stats.sizing.sharing import Clusters, DecisionRule

_SHARED_NUMBERS = ("alpha", "power", "variance_reduction")


@dataclass(frozen=True, eq=False)
class DesignRows:
    """A design in which some numbers are rows of numbers; made by ``design.over``."""

    design: Design


@dataclass(frozen=True, kw_only=True)
class Design(ABC):
    """How a metric will be judged; its kinds add what is measured.

    Attributes
    ----------
    alpha
        Error probability of the whole decision: two-sided, except for one-sided `alternative`
        and for each of the two tests of equivalence. Non-inferiority tests one-sided at alpha / 2,
        the limit of the two-sided interval, as experiments judge.
    power
        Probability that is wanted, of the test or, with a `rule`, of the decision.
    test
        ``superiority``, ``non_inferiority`` or ``equivalence`` (two one-sided tests).
    alternative
        Of a superiority test: ``two-sided``, ``greater`` or ``less``.
    direction
        Which way is good, ``increase`` or ``decrease``: the side of a non-inferiority margin, and
        the sign of a detectable effect where the test is two-sided. Left out it is that of the
        alternative, else ``increase``; one that contradicts the alternative is refused.
    margin
        Of non-inferiority: the loss, above 0, to be excluded. Of equivalence: one number above 0,
        or (fall, rise), both above 0. A treatment must be able to exceed it: no fall of a
        proportion by all of its baseline, no rise to 1.
    relative
        Whether effects and margins are shares of the baseline. A relative margin m is tested on
        the contrast treatment - (1 - m) control (Fieller 1954), whose variance is
        v_t / n_t + (1 - m)^2 v_c / n_c: the baseline's own noise counts.
    allocation
        Weights of the arms, control first; 1:1 by default. Treatments are planned for the
        smallest of them.
    alpha_share
        This test's part of alpha. Default: superiority shares equally over the success metrics
        of the rule and the treatments, other tests use all of it.
    variance_reduction
        Share of the variance that covariates remove, R^2. Power counts the error of one slope per
        arm, as experiments estimate it.
    correlation
        Of one covariate with the metric, instead of `variance_reduction`, which is its square.
    clusters
        Where units are assigned in clusters.
    rule
        The decision of several metrics that this one is part of: a success metric where it is
        tested for superiority, else a guardrail. The rule must have some of its kind.
    """

    alpha: float = 0.05
    power: float = 0.8
    test: TestKind = "superiority"
    alternative: Alternative = "two-sided"
    direction: str | None = None
    margin: float | tuple[float, float] | None = None
    relative: bool = False
    allocation: Sequence[float] = (1.0, 1.0)
    alpha_share: float | None = None
    variance_reduction: float = 0.0
    correlation: float | None = None
    clusters: Clusters | None = None
    rule: DecisionRule | None = None

    numbers: ClassVar[tuple[str, ...]] = ()
    """Numbers of this kind that `over` may vary, besides those all kinds share."""

    # what a kind must say -----------------------------------------------------------------

    @property
    @abstractmethod
    def judge(self) -> Judge:
        """How the estimate is judged."""

    @property
    @abstractmethod
    def value(self) -> Floats | float | None:
        """The metric in control; None where it is not known."""

    @abstractmethod
    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return variances of (control, treatment) per unit when the arms differ by this."""

    # what a kind may say ------------------------------------------------------------------

    @property
    def measure(self) -> Measure:
        """The quantity of one arm."""
        return "mean"

    @property
    def formula(self) -> Formula:
        """Name of the formula."""
        return formula_of(self.judge, self.test)

    def rejection(self, control: Floats, treatment: Floats, difference: Floats) -> Floats | None:
        """Return the power of two arms of so many units; None where variances say it.

        For kinds whose estimate is not treatment - control with a variance per unit of each arm.
        """
        del control, treatment, difference
        return None

    def rarer(self, difference: Floats) -> tuple[Floats, Floats] | None:
        """Return events (or failures, if fewer) per unit of (control, treatment), or None."""
        del difference
        return None

    def details(self, units_by_arm: Floats, difference: Floats) -> dict[str, Floats]:
        """Return further numbers of a plan by name, shape (r,), from units of shape (r, arms)."""
        del units_by_arm, difference
        return {}

    @property
    def steps(self) -> Floats | None:
        """The only differences that a treatment can have, rising; None where any is possible."""
        return None

    def null_variances(
        self, difference: Floats, bound: float, treated: Floats
    ) -> tuple[Floats, Floats] | None:
        """Return the variances per unit that the test uses; None for those of the alternative.

        `bound` is the hypothesis on the design's scale, `treated` the share of the treatment arm
        among the two that are compared.
        """
        del difference, bound, treated  # of no matter where variances do not depend on them
        return None

    def possible(self, difference: Floats) -> Truths:
        """Return for each difference whether a treatment can have it."""
        return np.isfinite(difference)

    @property
    def limits(self) -> tuple[Floats | float, Floats | float]:
        """The lowest and highest difference that are possible."""
        return -np.inf, np.inf

    # settings ---------------------------------------------------------------------------

    def __post_init__(self) -> None:
        self._check_kinds()
        require_one_of(self.test, get_args(TestKind), "test")
        require_alternative(self.alternative)
        if self.direction is not None:
            require_one_of(self.direction, ("increase", "decrease"), "direction")
        if self.test != "superiority" and self.alternative != "two-sided":
            raise UsageError(
                "An alternative belongs to a superiority test",
                given=f"test {self.test!r} with alternative {self.alternative!r}",
                todo="Say which way is good with direction instead.",
            )
        self._set(direction=direction_of(self.direction, self.alternative))
        self._set(alpha=number_or_row(self.alpha, "alpha", 0.0, 1.0))
        self._set(power=number_or_row(self.power, "power", 0.0, 1.0))
        self._set(allocation=checked_allocation(self.allocation))
        reduction = checked_reduction(self.variance_reduction, self.correlation)
        self._set(variance_reduction=reduction, correlation=None)
        falls = self.direction == "increase" or self.test == "equivalence"
        margin = checked_margin(self.margin, self.test, whole=self.relative and falls)
        self._set(margin=margin)
        refuse_unreachable_margin(self)
        refuse_other_rule(self)
        if self.alpha_share is not None:
            share = one_number(self.alpha_share, "alpha_share", 0.0, 1.0 + 1e-12)
            self._set(alpha_share=min(share, 1.0))
        if np.any(np.asarray(self.level) / self.sides >= 0.5):
            raise UsageError(
                "A one-sided test has a level below 0.5",
                given=f"level {self.level}",
                todo="Give a smaller alpha, such as 0.05.",
            )
        if np.any(np.asarray(self.target_power) <= np.asarray(self.level)):
            raise UsageError(
                "The power must be above the level of the test, which no units at all would give",
                given=f"power {self.target_power}, level {self.level}",
                todo="Ask for more power, such as 0.8, or a smaller alpha.",
            )

    @property
    def sides(self) -> int:
        """2 where the test has two tails, else 1."""
        return 2 if self.test == "superiority" and self.alternative == "two-sided" else 1

    @property
    def level(self) -> float:
        """The level of this test: what it gets of alpha."""
        share = self.alpha_share
        if self.test == "superiority":
            successes = max(self.rule.successes, 1) if self.rule else 1
            return self.alpha * (share or 1.0 / (successes * self.treatments))
        part = self.alpha * (share or 1.0)
        return part / 2.0 if self.test == "non_inferiority" else part

    @property
    def target_power(self) -> float:
        """The power that this test needs."""
        if self.rule is None:
            return self.power
        if not is_row(self.power):
            return self.rule.metric_power(self.power)
        row: Any = np.array([self.rule.metric_power(power) for power in np.atleast_1d(self.power)])
        return row  # type: ignore[no-any-return]  # a row of numbers, see `over`

    @property
    def treatments(self) -> int:
        """Number of treatment arms."""
        return len(self.allocation) - 1

    @property
    def shares(self) -> tuple[float, ...]:
        """Parts of all units by arm."""
        total = sum(self.allocation)
        return tuple(weight / total for weight in self.allocation)

    @property
    def bounds(self) -> tuple[float, ...]:
        """The hypotheses on the design's scale: one, or lower and upper of equivalence."""
        if self.test == "superiority" or self.margin is None:
            return (0.0,)
        if self.test == "non_inferiority":
            assert not isinstance(self.margin, tuple)
            return (-self.margin if self.direction == "increase" else self.margin,)
        fall, rise = self.margin if isinstance(self.margin, tuple) else (self.margin,) * 2
        return -fall, rise

    @property
    def sign(self) -> float:
        """1 where the test looks for an increase, -1 for a decrease."""
        return 1.0 if self.direction == "increase" else -1.0

    @property
    def unit_size(self) -> float:
        """Units per independent observation: those of a cluster, or 1."""
        return self.clusters.mean_size if self.clusters else 1.0

    @property
    def variance_factor(self) -> Floats | float:
        """What covariates and clusters make of a variance."""
        effect = self.clusters.design_effect if self.clusters else 1.0
        return (1.0 - self.variance_reduction) * effect

    @property
    def is_adjusted(self) -> bool:
        """Whether covariates remove some of the variance."""
        return bool(np.any(np.asarray(self.variance_reduction) > 0.0))

    @property
    def units_lost(self) -> Floats:
        """Degrees of freedom that an arm loses: one for its mean, one for a slope."""
        return np.where(np.asarray(self.variance_reduction) > 0.0, 2.0, 1.0)

    @property
    def slope_error(self) -> Floats | None:
        """1 where the error of a covariate's slope adds to an arm's variance, 0 where not.

        None where there are no covariates at all.
        """
        return np.asarray(self.units_lost) - 1.0 if self.is_adjusted else None

    def over(self, **rows: Any) -> DesignRows:
        """Return the design with some numbers replaced by rows of them, for a curve.

        All rows are answered by one formula.

        Parameters
        ----------
        **rows
            Arrays of one length for alpha, power, variance_reduction, or the numbers of this kind
            of design, such as ``baseline``.

        Raises
        ------
        UsageError
            If a name is not a number of this design, or a row holds what it cannot be.
        """
        allowed = {*_SHARED_NUMBERS, *self.numbers}
        for name in rows:
            require_one_of(name, allowed, "number of this design")
        return DesignRows(replace(self, **rows))

    @property
    def rows(self) -> dict[str, Floats]:
        """The numbers that are rows, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if is_row(value)}

    # checks -------------------------------------------------------------------------------

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _check_kinds(self) -> None:
        for name, kind in (("clusters", Clusters), ("rule", DecisionRule)):
            given = getattr(self, name)
            if given is not None and not isinstance(given, kind):
                raise UsageError(
                    f"{name} must be {kind.__name__}(...)", given=repr(given), todo="See its help."
                )
        if not isinstance(self.relative, bool | np.bool_):
            raise UsageError(
                "relative is a truth value",
                given=repr(self.relative),
                todo="Give True for shares of the baseline.",
            )
