"""What covariates are worth, and whether arms were alike before exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from abtest.errors import UsageError
from abtest.stats.adjustment.balance import (
    Balance,
    JointBalance,
    covariate_balance,
    joint_balance,
)
from abtest.stats.adjustment.missingness import MissingShares
from abtest.stats.adjustment.slopes import (
    CovariateStatus,
    covariate_status,
    held_by_one,
    variables,
)
from abtest.stats.answer import Answer
from abtest.stats.columns import Covariates, arm_moments, filled_covariates
from abtest.stats.display import warned
from abtest.stats.floats import Values
from abtest.stats.joint import JointMeans
from abtest.stats.listing import listing
from abtest.stats.means.compare import joint_means_pair
from abtest.stats.moments import Moments
from abtest.stats.results import WarningCode

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

ALARM = 0.001
"""A difference before exposure with a smaller p-value is a fault of assignment, not chance."""


@dataclass(frozen=True)
class CovariateDiagnosis:
    """One covariate.

    Attributes
    ----------
    name
        As given.
    status
        ``used``, ``constant`` (no variation in an arm), ``collinear`` (a linear function of
        those before it), ``one_unit`` (of 0 and 1, with a single unit of one of them in an arm)
        or ``missing_differs`` (missing more often in one arm, so that it is not used).
    saved_alone
        Share of the variance of the difference that it saves by itself; None where it cannot be
        used. Slightly below 0 where it explains nothing.
    balance
        Its means in both arms and their comparison, missing values at the mean of the others.
    alarm
        Whether the arms differ at p < 0.001, or differ without any variation, or the shares of
        missing values differ at p < 0.001.
    missing
        Shares of missing values in both arms and the test of their difference; None for
        indicators, and where samples came as `Moments`, which do not tell.
    """

    name: str
    status: CovariateStatus | Literal["missing_differs"]
    saved_alone: float | None
    balance: Balance
    alarm: bool
    missing: MissingShares | None = None


@dataclass(frozen=True)
class AdjustmentDiagnosis(Answer):
    """What covariates save, and whether they are balanced.

    Attributes
    ----------
    covariates
        One entry per covariate, indicators of missing values included.
    saved_together
        Share of the variance of the difference that all save together, which is also the share
        of units that the same precision can do without; None where they cannot be used.
    balance
        The test of no difference in any covariate used; None where none can be used, or there
        are too few units for so many.
    alarm
        Whether a covariate, its share of missing values, or all covariates together, differ
        between arms at p < 0.001: what should have been random was not, or the covariate is not
        from before exposure. Effects are not to be
        trusted until the reason is known. With a dozen units in the smaller arm a skewed
        covariate alarms more often than that by chance (see docs/calibration.md).
    n_control, n_treatment
        Units used.
    warnings
        Codes of what a reader should know, as of the adjusted comparison.
    """

    covariates: tuple[CovariateDiagnosis, ...]
    saved_together: float | None
    balance: JointBalance | None
    alarm: bool
    n_control: int
    n_treatment: int
    warnings: tuple[WarningCode, ...] = ()

    def __str__(self) -> str:
        """Return what was found, in words."""
        used = [one for one in self.covariates if one.status == "used"]
        count = f"{len(used)} covariate{'' if len(used) == 1 else 's'}"
        if self.saved_together is None:
            saved = "The covariates cannot be used"
        else:
            saved = f"{count} save{'s' if len(used) == 1 else ''} {self.saved_together:.1%} of the"
            saved += " variance"
        return f"{saved}; {self._balance_words()}.{warned(self.warnings)}"

    def _balance_words(self) -> str:
        p = "" if self.balance is None else f" (p = {self.balance.p_value:.3g} together)"
        if not self.alarm and self.balance is None:
            return "whether arms were alike before exposure could not be tested"
        if not self.alarm:
            return f"arms are alike before exposure{p}"
        apart = [one.name for one in self.covariates if _values_differ(one)]
        gone = [one.name for one in self.covariates if _missing_differs(one)]
        found = []
        if apart or not gone:
            found.append(f"arms differ before exposure{_in(apart)}{p}")
        if gone:
            found.append(f"values are missing more often in one arm{_in(gone)}")
        return f"alarm: {' and '.join(found)}, so look into assignment and measurement first"

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        heading = (
            *("covariate", "state", "saved alone", "control", "treatment", "std. diff.", "p"),
            *("missing in control", "in treatment", "p of missing"),
        )
        rows = [
            (
                one.name,
                one.status,
                "" if one.saved_alone is None else f"{one.saved_alone:.1%}",
                f"{one.balance.control_mean:.4g}",
                f"{one.balance.treatment_mean:.4g}",
                _shown(one.balance.standardised_difference, "+.3f"),
                _shown(one.balance.p_value, ".3g") + (" (alarm)" if _values_differ(one) else ""),
                *_missing_cells(one),
            )
            for one in self.covariates
        ]
        return listing(str(self), heading, rows)


def diagnose_adjustment(
    control: Values | Moments | Sequence[Moments],
    treatment: Values | Moments | Sequence[Moments],
    *,
    covariates: tuple[Values, Values] | None = None,
    names: Sequence[str] | None = None,
) -> AdjustmentDiagnosis:
    """Return what covariates save of the variance of a difference, and whether arms are alike.

    Parameters
    ----------
    control, treatment
        One outcome per unit, with `covariates`; or `Moments` of (outcome, covariates...), one or
        a list by phase of allocation.
    covariates
        Pre-exposure values of the same units, as in `compare_means`; where some are missing, the
        indicator of that is a covariate too, named "... missing". A covariate that is missing
        more often in one arm is an alarm and is not used. In `Moments` an indicator is a
        covariate like others: its own balance is what tells.
    names
        Of the covariates; 1, 2 ... where left out.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If the arguments do not fit together, or there are no covariates.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> past = rng.normal(size=(2, 500))
    >>> now = past + rng.normal(size=(2, 500))
    >>> print(diagnose_adjustment(*now, covariates=tuple(past), names=["past"]))
    1 covariate saves 50.3% of the variance; arms are alike before exposure (p = 0.553 together).
    """
    before = None if covariates is None else filled_covariates(covariates, with_mean=True)
    arms = _arms(control, treatment, before)
    size = variables(*arms)
    plain, joint = JointMeans.of(*arms, 1), JointMeans.of(*arms, size)
    labels = _names(names, size - 1, () if before is None else before.indicators)
    shares: list[MissingShares | None] = [*(() if before is None else before.shares)]
    shares += [None] * (len(labels) - len(shares))
    kept = [place for place, one in enumerate(shares, 1) if one is None or not one.differs]
    status = dict(zip(kept, _status(_only(joint, kept)), strict=True))
    rows = [
        _row(plain, joint, place, (labels[place - 1], shares[place - 1], status.get(place)))
        for place in range(1, size)
    ]
    together = joint_means_pair(plain, _only(joint, kept) if kept else None)
    balance = joint_balance(joint, [place for place in kept if status[place] == "used"])
    all_alarm = balance is not None and balance.p_value < ALARM
    return AdjustmentDiagnosis(
        covariates=tuple(rows),
        saved_together=together.variance_reduction,
        balance=balance,
        alarm=all_alarm or any(row.alarm for row in rows),
        n_control=together.n_control,
        n_treatment=together.n_treatment,
        warnings=(*together.warnings, *(() if before is None else before.codes)),
    )


def _row(
    plain: JointMeans,
    joint: JointMeans,
    place: int,
    known: tuple[str, MissingShares | None, CovariateStatus | None],
) -> CovariateDiagnosis:
    """Return what there is to say of one covariate; without status its missing shares differ."""
    name, shares, status = known
    balance = covariate_balance(joint, place)
    apart = balance.p_value is None and balance.control_mean != balance.treatment_mean
    alarm = apart or (balance.p_value is not None and balance.p_value < ALARM)
    if status is None:
        return CovariateDiagnosis(name, "missing_differs", None, balance, True, shares)
    saved = joint_means_pair(plain, _only(joint, [place])).variance_reduction
    return CovariateDiagnosis(name, status, saved, balance, alarm, shares)


def _status(joint: JointMeans) -> tuple[CovariateStatus, ...]:
    """Return what becomes of each covariate, as `fit_slopes` decides."""
    equations = np.einsum("ap,apij->aij", joint.mean_weights, joint.covariances)
    return covariate_status(equations[:, 1:, 1:], held_by_one(joint, shared=False)[1:])


def _arms(
    control: Any, treatment: Any, before: Covariates | None
) -> tuple[list[Moments], list[Moments]]:
    """Return both arms by phase, with all covariates and then the indicators."""
    extra = () if before is None else (*before.pairs, *(pair for _, pair in before.indicators))
    arms: list[list[Moments]] = []
    for side, values in enumerate((control, treatment)):
        in_phases = isinstance(values, list | tuple) and any(
            isinstance(part, Moments) for part in values
        )
        if in_phases and before is None:
            arms.append([arm_moments((part,), (), "an arm") for part in values])
        else:
            columns = [pair[side] for pair in extra]
            arms.append([arm_moments((values,), columns, ("control", "treatment")[side])])
    if min(len(moments.mean) for arm in arms for moments in arm) < 2:
        raise UsageError(
            "There are no covariates to look at",
            given="outcomes alone",
            todo="Give covariates, or Moments of (outcome, covariates...).",
        )
    return arms[0], arms[1]


def _names(
    names: Sequence[str] | None, count: int, indicators: Sequence[tuple[int, Any]]
) -> list[str]:
    given = count - len(indicators)
    labels = [str(i + 1) for i in range(given)] if names is None else [str(name) for name in names]
    if isinstance(names, str) or len(labels) != given or len(set(labels)) != given:
        raise UsageError(
            "Covariates have one name each",
            given=f"{names!r} for {given} covariates",
            todo="Give as many different names.",
        )
    return labels + [f"{labels[place]} missing" for place, _ in indicators]


def _only(joint: JointMeans, places: Sequence[int]) -> JointMeans:
    """Return the joint means of the outcome and some covariates."""
    kept = [0, *places]
    return replace(
        joint, means=joint.means[..., kept], covariances=joint.covariances[:, :, kept][..., kept]
    )


def _missing_differs(one: CovariateDiagnosis) -> bool:
    return one.status == "missing_differs"


def _values_differ(one: CovariateDiagnosis) -> bool:
    """Return whether the values of a covariate alarm: those of one not used are not judged."""
    return one.alarm and not _missing_differs(one)


def _missing_cells(one: CovariateDiagnosis) -> tuple[str, str, str]:
    if one.missing is None:
        return "", "", ""
    alarm = " (alarm)" if _missing_differs(one) else ""
    p = _shown(one.missing.p_value, ".3g") + alarm
    return f"{one.missing.control:.1%}", f"{one.missing.treatment:.1%}", p


def _in(names: Sequence[str]) -> str:
    return f" in {', '.join(names)}" if names else ""


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
