"""Cox's model of two arms: the hazard ratio, with covariates, and whether it is one ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.results import Alternative, Interval, Test, WarningCode
from abtest.stats.survival.cox import Partial, maximised, separated
from abtest.stats.survival.event_times import EventTimes, arm_event_times
from abtest.stats.survival.hazard_rows import ArmRows, arm_rows, joined, summed_rows
from abtest.stats.survival.proportionality import Transform, proportionality_tests
from abtest.stats.tails import critical_value, tail_test

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

FEW = 10
"""Events of an arm below which the normal approximation is rough."""
DOUBTFUL = 0.05
"""A test of proportional hazards below this is a warning."""


@dataclass(frozen=True)
class CovariateHazard:
    """What a covariate does to the hazard, with the others and the arm held fixed.

    Attributes
    ----------
    name
        Of the covariate.
    hazard_ratio
        Of units that differ by 1 in it, with its two-sided interval.
    test
        Whether it is 1.
    proportionality
        Whether it is the same at all times.
    """

    name: str
    hazard_ratio: Interval
    test: Test
    proportionality: Test


@dataclass(frozen=True)
class HazardComparison(Answer):
    """Treatment's hazard over control's by Cox's model.

    Attributes
    ----------
    hazard_ratio
        Treatment over control among units with equal covariates, with Wald's interval. Below 1
        the event comes later in treatment.
    p_value, log10_p
        Wald's test that the ratio is 1.
    statistic
        z, positive where the event comes later in treatment.
    df
        None: z is normal.
    error
        Standard error of the ratio's logarithm.
    proportionality
        The test whether treatment's ratio is the same at all times (Grambsch & Therneau): with
        a small p it is not, and the ratio is an average over time that depends on follow-up.
    all_proportional
        The same of arm and covariates together.
    transform
        The scale of time in these tests: ``km`` or ``identity``.
    covariates
        One entry per covariate.
    events_control, events_treatment
        Events of the arms.
    alternative
        ``two-sided``, ``greater`` (times of treatment are longer) or ``less``; the interval is
        of the same kind.
    confidence_level
        Of the intervals.
    n_control, n_treatment
        Units used.
    nulls_control, nulls_treatment
        Units left out because something about them was null.
    warnings
        ``few_events`` below ten events in an arm, ``hazards_not_proportional`` where treatment's
        `proportionality` has p < 0.05.
    method
        ``cox``.
    """

    hazard_ratio: Interval
    p_value: float
    log10_p: float
    statistic: float
    df: None
    error: float
    proportionality: Test
    all_proportional: Test
    transform: Transform
    covariates: tuple[CovariateHazard, ...]
    events_control: int
    events_treatment: int
    alternative: Alternative
    confidence_level: float
    n_control: int
    n_treatment: int
    nulls_control: int
    nulls_treatment: int
    warnings: tuple[WarningCode, ...] = ()
    method: str = "cox"

    @property
    def estimate(self) -> float | None:
        """Estimate of the hazard ratio."""
        return self.hazard_ratio.estimate

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper limit of the hazard ratio; None where it has no end."""
        return self.hazard_ratio.lower, self.hazard_ratio.upper

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        from abtest.stats.display import p_value, span, warned

        level = f"{100 * self.confidence_level:.6g}% interval"
        given = f", given {', '.join(part.name for part in self.covariates)}"
        return (
            f"Hazard of treatment over control{given if self.covariates else ''}: "
            f"{self.hazard_ratio.estimate:.4g} ({level} {span(self.hazard_ratio)}); "
            f"p = {p_value(self)} (cox). Same ratio at all times: "
            f"p = {p_value(self.proportionality)}.{warned(self.warnings)}"
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the ratios, for notebooks."""
        from abtest.stats.display import p_value, span

        arm = ("treatment", self.hazard_ratio, p_value(self), p_value(self.proportionality))
        parts = [
            (part.name, part.hazard_ratio, p_value(part.test), p_value(part.proportionality))
            for part in self.covariates
        ]
        rows = [
            (name, f"{ratio.estimate:.4g}", span(ratio), p, same)
            for name, ratio, p, same in (arm, *parts)
        ]
        level = f"{100 * self.confidence_level:.6g}% interval"
        heading = ("of", "hazard ratio", level, "p", "p of one ratio at all times")
        return listing(str(self), heading, rows)


def compare_hazards(
    control: EventTimes | tuple[Values, ...],
    treatment: EventTimes | tuple[Values, ...],
    *,
    covariates: tuple[Values, Values] | None = None,
    units: tuple[Values, Values] | None = None,
    names: Sequence[str] | None = None,
    transform: Transform = "km",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> HazardComparison:
    """Return treatment's hazard over control's by Cox's model, and whether it is one ratio.

    log hazard = baseline + b arm + c covariates (Cox 1972, JRSS B 34, 187), with Efron's
    treatment of ties. The ratio is not easy to read: it is no ratio of times or of shares, it is
    conditional on the covariates (a ratio without them is nearer to 1 even under randomisation),
    and where hazards are not proportional it depends on how long units are watched. Where
    `proportionality` is doubtful, and for most decisions, see `compare_survival`.

    Parameters
    ----------
    control, treatment
        ``(time, observed)`` or ``(time, observed, entry)``, one row per unit; without covariates
        also `EventTimes`: the answer is the same. All follow-up is used.
    covariates
        Of control and treatment, known before exposure: one column, several of them, or a table.
        Units with a null are left out and counted.
    units
        With covariates: how many units each row of control and of treatment stands for, such as
        counts by day, country and arm; 1 unless given.
    names
        Of the covariates; numbered unless given.
    transform
        Scale of time on which `proportionality` looks for a trend of the ratio: ``km`` (one minus
        the Kaplan-Meier curve just before each time, as R) or ``identity``.
    alternative
        ``two-sided``, ``greater`` (times of treatment are longer: a ratio below 1) or ``less``.
    confidence_level
        Of the intervals; that of the ratio leaves out 1 exactly when p < 1 - level.

    Raises
    ------
    UsageError
        If an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``no_events`` (an arm has none),
        ``constant`` (the arms were never at risk together), ``separated`` (a ratio is 0 or
        infinite), ``covariates_unusable``, ``not_finite``, ``not_a_count`` (of units), or as
        `EventTimes.from_values`.

    Notes
    -----
    Equal to R's ``coxph`` and ``cox.zph``. The errors are those of the model; where hazards are
    not proportional they are not quite those of the estimate. The tests of proportional hazards
    are score tests of a coefficient that moves with the transformed time (Grambsch & Therneau
    1994, Biometrika 81, 515).

    Examples
    --------
    Weeks of remission with placebo and 6-mercaptopurine (Freireich et al. 1963, Blood 21, 699):

    >>> placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    >>> drug = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    >>> result = compare_hazards((placebo, [1] * 21), (drug, [1] * 9 + [0] * 12))
    >>> round(math.log(result.estimate), 5), round(result.error, 5)
    (-1.57213, 0.4124)
    """
    require_interval(confidence_level, alternative)
    require_one_of(transform, ("km", "identity"), "transform")
    arms = _arms(control, treatment, covariates, units)
    named = _names(names, arms[0].covariates.shape[1])
    if min(arms[0].n, arms[1].n) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    if not (arms[0].events and arms[1].events):
        raise NotEstimable(
            "no_events",
            "An arm without events has no hazard to compare",
            given=f"{arms[0].events} events in control, {arms[1].events} in treatment",
            todo="Wait until units of both arms have had the event.",
        )
    rows, scale = joined(arms)
    coefficients, found = maximised(rows)
    errors = _errors(found)
    tests = proportionality_tests(rows, found, transform)
    coefficients, errors = coefficients / scale, errors / scale
    test = tail_test(-float(coefficients[0] / errors[0]), None, alternative)
    warnings: list[WarningCode] = ["few_events"] if min(a.events for a in arms) < FEW else []
    if tests[0].p_value < DOUBTFUL:
        warnings.append("hazards_not_proportional")
    return HazardComparison(
        hazard_ratio=_ratio(coefficients[0], errors[0], confidence_level, alternative),
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=test.statistic,
        df=None,
        error=float(errors[0]),
        proportionality=tests[0],
        all_proportional=tests[-1],
        transform=transform,
        covariates=tuple(
            CovariateHazard(
                name,
                _ratio(coefficients[place], errors[place], confidence_level, "two-sided"),
                tail_test(float(coefficients[place] / errors[place]), None, "two-sided"),
                tests[place],
            )
            for place, name in enumerate(named, start=1)
        ),
        events_control=arms[0].events,
        events_treatment=arms[1].events,
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        warnings=tuple(warnings),
    )


def _arms(control: Any, treatment: Any, covariates: Any, units: Any) -> tuple[ArmRows, ArmRows]:
    """Return the rows of both arms, with or without covariates."""
    if covariates is None:
        if units is not None:
            raise UsageError(
                "Without covariates, units are counted by EventTimes",
                given="units without covariates",
                todo="Give EventTimes.from_table(times, events, censored).",
            )
        return (
            summed_rows(arm_event_times(control, "control")),
            summed_rows(arm_event_times(treatment, "treatment")),
        )
    sides = _sides(covariates, "Covariates")
    counts = (None, None) if units is None else _sides(units, "Units")
    arms = (
        arm_rows(control, sides[0], counts[0], "control"),
        arm_rows(treatment, sides[1], counts[1], "treatment"),
    )
    if len({arm.covariates.shape[1] for arm in arms}) != 1:
        raise UsageError(
            "Both arms must have the same covariates",
            given=f"{[arm.covariates.shape[1] for arm in arms]} covariates",
            todo="Give the same columns for both.",
        )
    return arms


def _sides(given: Any, what: str) -> Any:
    """Return what is given for control and for treatment."""
    if not (isinstance(given, tuple | list) and len(given) == 2):
        raise UsageError(
            f"{what} are those of control and those of treatment",
            given=type(given).__name__,
            todo="Give a pair: (of_control, of_treatment).",
        )
    return given


def _names(names: Sequence[str] | None, covariates: int) -> list[str]:
    """Return the names of the covariates."""
    if names is None:
        return [f"covariate {place}" for place in range(1, covariates + 1)]
    if isinstance(names, str) or len(names) != covariates:
        raise UsageError(
            "Every covariate has one name",
            given=f"names {names!r} of {covariates} covariates",
            todo="Give one name per covariate, or none.",
        )
    return [str(name) for name in names]


def _errors(found: Partial) -> Floats:
    """Return the standard errors of the coefficients, refusing those beyond all measure."""
    with np.errstate(all="ignore"):
        errors = np.sqrt(np.diagonal(np.linalg.inv(found.information.sum(axis=0))))
    if not ((errors > 0.0) & (errors < 1e4)).all():  # of values with a standard deviation of 1
        raise separated()
    return np.asarray(errors)


def _ratio(logarithm: float, error: float, level: float, alternative: Alternative) -> Interval:
    """Return the hazard ratio with the interval that inverts the test."""
    width = critical_value(level, None, two_sided=alternative == "two-sided") * error
    lower, upper = logarithm - width, logarithm + width
    return Interval(
        math.exp(logarithm),
        None if alternative == "greater" else math.exp(max(lower, -700.0)),
        None if alternative == "less" or upper > 700.0 else math.exp(upper),
    )
