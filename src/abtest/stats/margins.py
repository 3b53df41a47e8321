"""Tests against a margin: non-inferiority, and equivalence by two one-sided tests."""

from __future__ import annotations

import math
from typing import Any, TypeAlias, get_args, overload

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of, require_share
from abtest.stats.margin_results import Direction, Equivalence, MarginScale, NonInferiority
from abtest.stats.margin_rows import equivalence_rows, non_inferiority_rows
from abtest.stats.margin_tables import EquivalenceTable, NonInferiorityTable
from abtest.stats.moments import Floats
from abtest.stats.moments_table import MomentsTable, mixed_tables
from abtest.stats.results import Alternative, PairEstimate, Test
from abtest.stats.samples import PairMeasure, Sample, estimate_arms

Margin: TypeAlias = float | Floats
"""One margin, or with tables an array of one per row."""
_Nulls: TypeAlias = tuple[int | None, int | None]
_DIRECTIONS = frozenset(get_args(Direction))


@overload
def non_inferiority(
    control: MomentsTable,
    treatment: MomentsTable,
    *,
    margin: Margin | None = ...,
    margin_absolute: Margin | None = ...,
    direction: Direction = ...,
    measure: PairMeasure = ...,
    alpha: float = ...,
) -> NonInferiorityTable: ...


@overload
def non_inferiority(
    control: Sample | PairEstimate,
    treatment: Sample | None = ...,
    *,
    margin: float | None = ...,
    margin_absolute: float | None = ...,
    direction: Direction = ...,
    measure: PairMeasure = ...,
    covariates: tuple[Any, Any] | None = ...,
    alpha: float = ...,
) -> NonInferiority: ...


def non_inferiority(
    control: Sample | PairEstimate | MomentsTable,
    treatment: Sample | MomentsTable | None = None,
    *,
    margin: Margin | None = None,
    margin_absolute: Margin | None = None,
    direction: Direction = "increase",
    measure: PairMeasure = "mean",
    covariates: tuple[Any, Any] | None = None,
    alpha: float = 0.025,
) -> NonInferiority | NonInferiorityTable:
    """Return whether treatment is not worse than control by a margin.

    The null hypothesis is that it is worse by the margin or more, so that little data speak
    against the treatment; a difference that is not significant shows nothing.

    Parameters
    ----------
    control, treatment
        Two samples as `estimate_samples` takes them; or an estimated pair alone, such as
        `estimate_means` returns, or a `ScorePair`. Two `MomentsTable` are compared row by row in
        one pass: of means (with covariates adjusted as `compare_means` does), of proportions
        without covariates, or of (numerator, denominator).
    margin
        The loss that is still acceptable as a share of |control|, above 0: 0.02 is 2%. With
        tables also an array of one margin per row.
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
        If there is no number, or no proportion can reach the bound. In tables such a row has a
        status instead.

    Notes
    -----
    A relative margin is tested on treatment - control + margin |control|, whose variance counts
    control as estimated: the linear form of Fieller (1954, JRSS B 16, 175), for non-inferiority
    Laster & Johnson (2003, Stat. Med. 22, 187). A margin times the observed control, taken as
    known, would be too easy. The p-value is below alpha exactly when the one-sided interval
    leaves the bound out. Pairs are estimated from moments, which tell nothing of skewness:
    `compare_means` of the values warns of it (``skewed_unequal_arms``).

    Examples
    --------
    >>> from abtest.stats import Moments
    >>> control, treatment = Moments.from_counts(5000, 1000), Moments.from_counts(5000, 990)
    >>> found = non_inferiority(control, treatment, margin=0.1, measure="proportion")
    >>> found.non_inferior, round(found.p_value, 4)
    (True, 0.0088)

    >>> from abtest.stats import MomentsTable
    >>> arms = (MomentsTable.from_columns([5000, 400], [10.0, mean], [9.0, 8.0]) for mean in (8, 9))
    >>> non_inferiority(*arms, margin=np.array([0.02, 0.05])).non_inferior.tolist()
    [True, True]
    """
    require_one_of(direction, _DIRECTIONS, "direction")
    level = _level(alpha)
    scale, size = _margin(margin, margin_absolute)
    tables = _tables(control, treatment, covariates)
    if tables is not None:
        losses = _margins(size, scale, len(tables[0]), fall=direction == "increase")
        return non_inferiority_rows(*tables, losses, scale, direction, measure, float(alpha))
    loss = require_margin(size, scale, fall=direction == "increase")
    pair, nulls = _pair(control, treatment, measure, covariates)
    bound = -loss if direction == "increase" else loss
    alternative: Alternative = "greater" if direction == "increase" else "less"
    test = _against(pair, bound, scale, upwards=direction == "increase")
    return NonInferiority(
        **_effects(pair, nulls, scale, float(alpha), level, alternative),
        p_value=test.p_value,
        log10_p=test.log10_p,
        margin=loss,
        bound=bound,
        direction=direction,
        statistic=test.statistic,
        df=test.df,
        non_inferior=test.p_value < alpha,
    )


@overload
def equivalence(
    control: MomentsTable,
    treatment: MomentsTable,
    *,
    margin: Margin | tuple[Margin, Margin] | None = ...,
    margin_absolute: Margin | tuple[Margin, Margin] | None = ...,
    measure: PairMeasure = ...,
    alpha: float = ...,
) -> EquivalenceTable: ...


@overload
def equivalence(
    control: Sample | PairEstimate,
    treatment: Sample | None = ...,
    *,
    margin: float | tuple[float, float] | None = ...,
    margin_absolute: float | tuple[float, float] | None = ...,
    measure: PairMeasure = ...,
    covariates: tuple[Any, Any] | None = ...,
    alpha: float = ...,
) -> Equivalence: ...


def equivalence(
    control: Sample | PairEstimate | MomentsTable,
    treatment: Sample | MomentsTable | None = None,
    *,
    margin: Margin | tuple[Margin, Margin] | None = None,
    margin_absolute: Margin | tuple[Margin, Margin] | None = None,
    measure: PairMeasure = "mean",
    covariates: tuple[Any, Any] | None = None,
    alpha: float = 0.05,
) -> Equivalence | EquivalenceTable:
    """Return whether treatment differs from control by less than a margin either way.

    Two one-sided tests (TOST; Schuirmann 1987, J. Pharmacokin. Biopharm. 15, 657), each at
    alpha: the effect is above the lower bound, and it is below the upper one. The p-value is the
    larger of theirs, and it is below alpha exactly when the interval of level 1 - 2 alpha lies
    within the bounds.

    Parameters
    ----------
    control, treatment
        Two samples, an estimated pair alone, or two `MomentsTable`; see `non_inferiority`.
    margin
        Largest difference that does not matter as a share of |control|, above 0; or (fall,
        rise), both above 0, such as (0.2, 0.25) for a ratio of 80% to 125%. With tables each may
        be an array of one per row.
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
    tables = _tables(control, treatment, covariates)
    if tables is not None:
        falls = _margins(fall, scale, len(tables[0]), fall=True)
        rises = _margins(rise, scale, len(tables[0]), fall=False)
        return equivalence_rows(*tables, (-falls, rises), scale, measure, float(alpha))
    bounds = -require_margin(fall, scale, fall=True), require_margin(rise, scale, fall=False)
    pair, nulls = _pair(control, treatment, measure, covariates)
    lower = _against(pair, bounds[0], scale, upwards=True)
    upper = _against(pair, bounds[1], scale, upwards=False)
    worse = max(lower, upper, key=lambda test: test.log10_p)
    return Equivalence(
        **_effects(pair, nulls, scale, float(alpha), level, "two-sided"),
        p_value=worse.p_value,
        log10_p=worse.log10_p,
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


def _margins(value: Any, scale: MarginScale, rows: int, *, fall: bool) -> Floats:
    """Return one margin per row, from one for all or an array."""
    by_row = isinstance(value, np.ndarray) or hasattr(value, "to_numpy")
    margins = np.asarray(value).tolist() if by_row else [value] * rows
    if not isinstance(margins, list) or len(margins) != rows:
        raise UsageError(
            "Margins by row need one for each row",
            given=f"an array of shape {np.shape(value)}, {rows} rows",
            todo="Give one number for all rows, or an array as long as the tables.",
        )
    return np.array([require_margin(margin, scale, fall=fall) for margin in margins])


def _tables(
    control: Any, treatment: Any, covariates: Any
) -> tuple[MomentsTable, MomentsTable] | None:
    """Return two tables, or None if neither sample is one."""
    if isinstance(control, MomentsTable) and isinstance(treatment, MomentsTable):
        if covariates is not None:
            raise mixed_tables("covariates")
        return control, treatment
    if isinstance(control, MomentsTable) or isinstance(treatment, MomentsTable):
        raise mixed_tables("one sample")
    return None


def _pair(
    control: Any, treatment: Any, measure: PairMeasure, covariates: tuple[Any, Any] | None
) -> tuple[PairEstimate, _Nulls]:
    """Return the pair that was given or that of two samples, and the units without a value."""
    estimated = callable(getattr(control, "test", None)) and hasattr(control, "control_value")
    if estimated != (treatment is None) or (estimated and covariates is not None):
        raise UsageError(
            "Give two samples, or one estimated pair alone",
            given=f"{type(control).__name__} and {type(treatment).__name__}"
            + (", covariates" if covariates is not None else ""),
            todo="Adjust a pair for covariates when it is estimated.",
        )
    if estimated:
        return control, (None, None)  # it has what a pair has
    pair, arms = estimate_arms(
        control, treatment, measure=measure, covariates=covariates, score=measure == "proportion"
    )
    return pair, (arms[0].nulls, arms[1].nulls)


def _effects(
    pair: PairEstimate,
    nulls: _Nulls,
    scale: MarginScale,
    alpha: float,
    level: float,
    alternative: Alternative,
) -> dict[str, Any]:
    """Return the fields that both answers take from the pair."""
    return {
        "scale": scale,
        "absolute": pair.absolute(level, alternative),
        "relative": pair.relative(level, alternative),
        "alpha": alpha,
        "confidence_level": level,
        "n_control": pair.n_control,
        "n_treatment": pair.n_treatment,
        "nulls_control": nulls[0],
        "nulls_treatment": nulls[1],
        "control_value": pair.control_value,
        "treatment_value": pair.treatment_value,
        "method": pair.method,
        "variance_reduction": pair.variance_reduction,
        "warnings": pair.warnings,
    }


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
