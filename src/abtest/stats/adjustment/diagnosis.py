"""What covariates are worth, and whether arms were alike before exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.adjustment.balance import (
    Balance,
    JointBalance,
    covariate_balance,
    joint_balance,
)
from abtest.stats.adjustment.slopes import CovariateStatus, covariate_status, variables
from abtest.stats.columns import arm_moments, covariate_columns, filled
from abtest.stats.floats import Values
from abtest.stats.joint import JointMeans
from abtest.stats.listing import listing
from abtest.stats.means.compare import joint_means_pair
from abtest.stats.moments import Moments
from abtest.stats.results import WarningCode

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
        ``used``, ``constant`` (no variation in an arm) or ``collinear`` (a linear function of
        those before it).
    saved_alone
        Share of the variance of the difference that it saves by itself; None where it cannot be
        used. Slightly below 0 where it explains nothing.
    balance
        Its means in both arms and their comparison.
    alarm
        Whether the arms differ at p < 0.001, or differ without any variation.
    """

    name: str
    status: CovariateStatus
    saved_alone: float | None
    balance: Balance
    alarm: bool


@dataclass(frozen=True)
class AdjustmentDiagnosis:
    """What covariates save, and whether they are balanced.

    Attributes
    ----------
    covariates
        One entry per covariate, indicators of missing values included.
    saved_together
        Share of the variance of the difference that all save together, which is also the share
        of units that the same precision can do without; None where they cannot be used.
    balance
        The test of no difference in any covariate used; None where there is none.
    alarm
        Whether a covariate, or all together, differ between arms at p < 0.001: what should have
        been random was not, or the covariate is not from before exposure. Effects are not to be
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

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values."""
        found = asdict(self)
        found["covariates"] = list(found["covariates"])
        found["warnings"] = list(self.warnings)
        if self.balance is not None:
            found["balance"]["df"] = list(self.balance.df)
        return found

    def __str__(self) -> str:
        """Return what was found, in words."""
        used = [one for one in self.covariates if one.status == "used"]
        count = f"{len(used)} covariate{'' if len(used) == 1 else 's'}"
        if self.saved_together is None:
            saved = f"The covariates cannot be used ({', '.join(self.warnings)})"
        else:
            saved = f"{count} save{'s' if len(used) == 1 else ''} {self.saved_together:.1%} of the"
            saved += " variance"
        return f"{saved}; {self._balance_words()}."

    def _balance_words(self) -> str:
        p = "" if self.balance is None else f" (p = {self.balance.p_value:.3g} together)"
        if not self.alarm:
            return f"arms are alike before exposure{p}"
        names = [one.name for one in self.covariates if one.alarm]
        what = f" in {', '.join(names)}" if names else ""
        return f"alarm: arms differ before exposure{what}{p}, so look into assignment first"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the sentence and a table, for notebooks."""
        heading = ("covariate", "state", "saved alone", "control", "treatment", "std. diff.", "p")
        rows = [
            (
                one.name,
                one.status,
                "" if one.saved_alone is None else f"{one.saved_alone:.1%}",
                f"{one.balance.control_mean:.4g}",
                f"{one.balance.treatment_mean:.4g}",
                _shown(one.balance.standardised_difference, "+.3f"),
                _shown(one.balance.p_value, ".3g") + (" (alarm)" if one.alarm else ""),
            )
            for one in self.covariates
        ]
        return listing(str(self), heading, rows)._repr_mimebundle_(include, exclude)


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
        indicator of that is a covariate too, named "... missing".
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
    arms, indicators, codes = _arms(control, treatment, covariates)
    size = variables(*arms)
    plain, joint = JointMeans.of(*arms, 1), JointMeans.of(*arms, size)
    labels = _names(names, size - 1, indicators)
    unadjusted = joint_means_pair(plain)
    equations = np.einsum("ap,apij->aij", joint.mean_weights, joint.covariances)
    status = covariate_status(equations[:, 1:, 1:])
    rows = []
    for place, name in enumerate(labels, start=1):
        pair = joint_means_pair(plain, _only(joint, place))
        balance = covariate_balance(joint, place)
        apart = balance.p_value is None and balance.control_mean != balance.treatment_mean
        alarm = apart or (balance.p_value is not None and balance.p_value < ALARM)
        rows.append(
            CovariateDiagnosis(name, status[place - 1], pair.variance_reduction, balance, alarm)
        )
    together = joint_means_pair(plain, joint)
    used = [place for place, one in enumerate(status, start=1) if one == "used"]
    balance_of_all = joint_balance(joint, used)
    all_alarm = balance_of_all is not None and balance_of_all.p_value < ALARM
    return AdjustmentDiagnosis(
        covariates=tuple(rows),
        saved_together=together.variance_reduction,
        balance=balance_of_all,
        alarm=all_alarm or any(row.alarm for row in rows),
        n_control=unadjusted.n_control,
        n_treatment=unadjusted.n_treatment,
        warnings=(*together.warnings, *codes),
    )


def _arms(
    control: Any, treatment: Any, covariates: tuple[Values, Values] | None
) -> tuple[tuple[list[Moments], list[Moments]], list[int], tuple[WarningCode, ...]]:
    """Return both arms by phase, which covariate each indicator belongs to, and codes."""
    extra, codes = filled(covariates, with_mean=True)
    arms: list[list[Moments]] = []
    for side, values in enumerate((control, treatment)):
        in_phases = isinstance(values, list | tuple) and any(
            isinstance(part, Moments) for part in values
        )
        if in_phases and covariates is None:
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
    indicators: list[int] = []
    if covariates is not None:
        absent = [np.isnan(column) for column in covariate_columns(covariates[0])]
        for first, _ in extra[len(absent) :]:
            indicators.append(
                next(i for i, gap in enumerate(absent) if np.array_equal(gap, first == 1.0))
            )
    return (arms[0], arms[1]), indicators, codes


def _names(names: Sequence[str] | None, count: int, indicators: list[int]) -> list[str]:
    given = count - len(indicators)
    labels = [str(i + 1) for i in range(given)] if names is None else [str(name) for name in names]
    if isinstance(names, str) or len(labels) != given or len(set(labels)) != given:
        raise UsageError(
            "Covariates have one name each",
            given=f"{names!r} for {given} covariates",
            todo="Give as many different names.",
        )
    return labels + [f"{labels[place]} missing" for place in indicators]


def _only(joint: JointMeans, place: int) -> JointMeans:
    """Return the joint means of the outcome and one covariate."""
    two = [0, place]
    return replace(
        joint, means=joint.means[..., two], covariances=joint.covariances[:, :, two][..., two]
    )


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"
