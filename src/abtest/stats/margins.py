"""Tests against a margin: non-inferiority, and equivalence by two one-sided tests."""

from __future__ import annotations

import math
from typing import Any, get_args

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of, require_share
from abtest.stats.margin_results import Direction, Equivalence, MarginScale, NonInferiority
from abtest.stats.results import Alternative, PairEstimate, Test
from abtest.stats.samples import PairMeasure, Sample, estimate_samples

_DIRECTIONS = frozenset(get_args(Direction))


def non_inferiority(
    control: Sample | PairEstimate,
    treatment: Sample | None = None,
    *,
    margin: float | None = None,
    margin_absolute: float | None = None,
    direction: Direction = "increase",
    measure: PairMeasure = "mean",
    covariates: tuple[Any, Any] | None = None,
    alpha: float = 0.025,
) -> NonInferiority:
    """Return whether treatment is not worse than control by a margin.

    The null hypothesis is that it is worse by the margin or more, so that little data speak
    against the treatment; a difference that is not significant shows nothing.

    Parameters
    ----------
    control, treatment
        Two samples as `estimate_samples` takes them; or an estimated pair alone, such as
        `estimate_means` returns, or a `ScorePair`.
    margin
        The loss that is still acceptable as a share of |control|, above 0: 0.02 is 2%.
    margin_absolute
        The same in the unit of the metric; one of the two is given.
    direction
        ``increase`` if more is good: the loss is a fall. ``decrease`` if less is: it is a rise.
    measure
        Of samples: ``mean``, ``proportion`` (the score statistic; with covariates adjusted
        means) or ``ratio``.
    covariates
        Of samples: pre-exposure values of (control, treatment).
    alpha
        One-sided error. The default is half of a two-sided 5%.

    Raises
    ------
    UsageError
        If there is not exactly one margin, it is not above 0, a relative loss is 1 or more,
        alpha is not between 0 and 0.5, or the samples do not fit.
    NotEstimable
        If there is no number, or no proportion can reach the bound.

    Notes
    -----
    A relative margin is tested on treatment - control + margin |control|, whose variance counts
    control as estimated (Fieller's linear form); a margin times the observed control, taken as
    known, would be too easy. The p-value is below alpha exactly when the one-sided interval
    leaves the bound out.

    Examples
    --------
    >>> from abtest.stats import Moments
    >>> control, treatment = Moments.from_counts(5000, 1000), Moments.from_counts(5000, 990)
    >>> found = non_inferiority(control, treatment, margin=0.1, measure="proportion")
    >>> found.non_inferior, round(found.p_value, 4)
    (True, 0.0088)
    """
    require_one_of(direction, _DIRECTIONS, "direction")
    level = _level(alpha)
    scale, size = _margin(margin, margin_absolute)
    loss = require_margin(size, scale, fall=direction == "increase")
    pair = _pair(control, treatment, measure, covariates)
    bound = -loss if direction == "increase" else loss
    alternative: Alternative = "greater" if direction == "increase" else "less"
    test = _against(pair, bound, scale, upwards=direction == "increase")
    return NonInferiority(
        scale=scale,
        absolute=pair.absolute(level, alternative),
        relative=pair.relative(level, alternative),
        alpha=float(alpha),
        confidence_level=level,
        p_value=test.p_value,
        log10_p=test.log10_p,
        n_control=pair.n_control,
        n_treatment=pair.n_treatment,
        control_value=pair.control_value,
        treatment_value=pair.treatment_value,
        method=pair.method,
        variance_reduction=pair.variance_reduction,
        warnings=pair.warnings,
        margin=loss,
        bound=bound,
        direction=direction,
        statistic=test.statistic,
        df=test.df,
        non_inferior=test.p_value < alpha,
    )


def equivalence(
    control: Sample | PairEstimate,
    treatment: Sample | None = None,
    *,
    margin: float | tuple[float, float] | None = None,
    margin_absolute: float | tuple[float, float] | None = None,
    measure: PairMeasure = "mean",
    covariates: tuple[Any, Any] | None = None,
    alpha: float = 0.05,
) -> Equivalence:
    """Return whether treatment differs from control by less than a margin either way.

    Two one-sided tests (TOST; Schuirmann 1987, J. Pharmacokin. Biopharm. 15, 657), each at
    alpha: the effect is above the lower bound, and it is below the upper one. The p-value is the
    larger of theirs, and it is below alpha exactly when the interval of level 1 - 2 alpha lies
    within the bounds.

    Parameters
    ----------
    control, treatment
        Two samples, or an estimated pair alone; see `non_inferiority`.
    margin
        Largest difference that does not matter as a share of |control|, above 0; or (fall,
        rise), both above 0, such as (0.2, 0.25) for a ratio of 80% to 125%.
    margin_absolute
        The same in the unit of the metric; one of the two is given.
    measure, covariates
        Of samples: see `non_inferiority`.
    alpha
        Of each test, and of the whole.

    Raises
    ------
    UsageError, NotEstimable
        As `non_inferiority`.

    Examples
    --------
    >>> found = equivalence([1.0, 2.0, 3.0, 4.0], [1.2, 2.1, 3.0, 4.1], margin_absolute=3.0)
    >>> found.equivalent, round(found.p_value, 4), found.confidence_level
    (True, 0.0089, 0.9)
    """
    _level(alpha)
    level = 1.0 - 2.0 * alpha
    scale, size = _margin(margin, margin_absolute)
    fall, rise = size if isinstance(size, tuple | list) and len(size) == 2 else (size, size)
    bounds = -require_margin(fall, scale, fall=True), require_margin(rise, scale, fall=False)
    pair = _pair(control, treatment, measure, covariates)
    lower = _against(pair, bounds[0], scale, upwards=True)
    upper = _against(pair, bounds[1], scale, upwards=False)
    worse = max(lower, upper, key=lambda test: test.log10_p)
    return Equivalence(
        scale=scale,
        absolute=pair.absolute(level),
        relative=pair.relative(level),
        alpha=float(alpha),
        confidence_level=level,
        p_value=worse.p_value,
        log10_p=worse.log10_p,
        n_control=pair.n_control,
        n_treatment=pair.n_treatment,
        control_value=pair.control_value,
        treatment_value=pair.treatment_value,
        method=pair.method,
        variance_reduction=pair.variance_reduction,
        warnings=pair.warnings,
        bounds=bounds,
        lower_test=lower,
        upper_test=upper,
        equivalent=worse.p_value < alpha,
    )


def require_margin(value: Any, scale: MarginScale, *, fall: bool) -> float:
    """Return a margin as a float above 0.

    Raises
    ------
    UsageError
        If it is not a finite number above 0, or a relative fall of 1 or more: everything.
    """
    name = "margin" if scale == "relative" else "margin_absolute"
    number = math.nan
    if not isinstance(value, bool | str | bytes | complex):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
    if not 0.0 < number < math.inf:
        raise UsageError(
            f"{name} must be a number above 0",
            given=repr(value),
            todo="Give the size of the loss that is acceptable; direction says which way it goes.",
        )
    if scale == "relative" and fall and number >= 1.0:
        raise UsageError(
            "A relative margin of 1 or more accepts the loss of everything",
            given=repr(value),
            todo="Give it as 0.05, not 5; in the metric's unit it is margin_absolute.",
        )
    return number


def _margin(margin: Any, margin_absolute: Any) -> tuple[MarginScale, Any]:
    if (margin is None) == (margin_absolute is None):
        raise UsageError(
            "A test against a margin needs exactly one",
            given=f"margin={margin!r}, margin_absolute={margin_absolute!r}",
            todo="Give margin as a share of control, or margin_absolute in the metric's unit.",
        )
    return ("relative", margin) if margin_absolute is None else ("absolute", margin_absolute)


def _pair(
    control: Any, treatment: Any, measure: PairMeasure, covariates: tuple[Any, Any] | None
) -> PairEstimate:
    """Return the estimated pair that was given, or that of two samples."""
    estimated = callable(getattr(control, "test", None)) and hasattr(control, "control_value")
    if estimated != (treatment is None) or (estimated and covariates is not None):
        raise UsageError(
            "Give two samples, or one estimated pair alone",
            given=f"{type(control).__name__} and {type(treatment).__name__}"
            + (", covariates" if covariates is not None else ""),
            todo="Adjust a pair for covariates when it is estimated.",
        )
    if estimated:
        return control  # type: ignore[no-any-return]  # it has what a pair has
    return estimate_samples(
        control, treatment, measure=measure, covariates=covariates, score=measure == "proportion"
    )


def _against(pair: PairEstimate, bound: float, scale: MarginScale, *, upwards: bool) -> Test:
    """Return the one-sided test that the effect is above (or below) a bound."""
    alternative: Alternative = "greater" if upwards else "less"
    if scale == "relative":
        return pair.test(relative=bound, alternative=alternative)
    return pair.test(absolute=bound, alternative=alternative)


def _level(alpha: float) -> float:
    """Return the level of a one-sided interval."""
    require_share(alpha, "alpha", "0.025")
    if alpha >= 0.5:
        raise UsageError(
            "A one-sided alpha lies below 0.5",
            given=repr(alpha),
            todo="Give the probability of a wrong yes, such as 0.025.",
        )
    return 1.0 - alpha
