"""One effect in words and numbers: values, intervals in all their states, margins, sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any, cast

from abtest.show.numbers import (
    MINUS,
    MISSING,
    days,
    decimals_for,
    number,
    p_phrase,
    percent,
)
from abtest.show.words import readable

Row = Mapping[str, Any]
"""One row of `verdict.json`: an effect, a check, a reason; or a metric's note."""

RELATIVE_DECIMALS = (1, 3)
"""Fewest and most decimals of a relative effect in per cent."""


def as_row(note: object) -> Row:
    """Return a note as a mapping, whether it is one or a dataclass."""
    if is_dataclass(note) and not isinstance(note, type):
        return asdict(note)
    return cast("Row", note)


def labels_of(notes: Iterable[object]) -> dict[str, str]:
    """Return metric -> name for readers."""
    rows = [as_row(note) for note in notes]
    return {str(row["metric"]): str(row.get("label") or row["metric"]) for row in rows}


def label_of(metric: str | None, labels: Mapping[str, str]) -> str:
    """Return a metric's name for readers, made from its id where there is none."""
    return labels.get(metric, readable(metric)) if metric else ""


def is_share(effect: Row) -> bool:
    """Return whether the metric is a share of units, shown in per cent and points."""
    return effect.get("kind") == "proportion"


def value(effect: Row, side: str) -> str:
    """Return the value of one arm; `side` is ``control`` or ``treatment``."""
    shown: float | None = effect[f"{side}_value"]
    if is_share(effect):
        return percent(shown, _absolute_decimals(effect))
    return number(shown, max(_absolute_decimals(effect), 0))


def absolute(effect: Row, *, minus: str = MINUS) -> str:
    """Return the absolute effect with its sign: ``+1.8 points`` for shares."""
    text = _absolute_number(effect, sign=True, minus=minus)(effect["absolute"]["estimate"])
    return f"{text} points" if is_share(effect) and text != MISSING else text


def absolute_interval(effect: Row, *, minus: str = MINUS) -> str:
    """Return the interval of the absolute effect: ``−1.33 to −0.31``."""
    show = _absolute_number(effect, sign=True, minus=minus)
    return _interval(effect["absolute"]["lower"], effect["absolute"]["upper"], show)


def has_relative(effect: Row) -> bool:
    """Return whether a relative effect says anything about the row.

    A net promoter score runs from -100 to 100 and passes 0, near which a small change is many
    times the score: it is told in points, unless the experiment was sized or judged by a share.

    Examples
    --------
    >>> has_relative({"method": "nps_wald", "margin": None, "mde": None})
    False
    >>> has_relative({"method": "nps_wald", "margin": 0.1, "mde": None})
    True
    """
    is_nps = str(effect.get("method")).startswith("nps_")
    return not is_nps or any(effect.get(key) is not None for key in ("margin", "mde"))


def relative(effect: Row, *, minus: str = MINUS) -> str:
    """Return the relative effect with its sign; a dash where it says nothing."""
    if not has_relative(effect):
        return MISSING
    return _relative_number(effect, minus)(effect["relative"]["estimate"])


def relative_interval(effect: Row, *, minus: str = MINUS) -> str:
    """Return the confidence set of the relative effect, whichever of its five states it has."""
    if not has_relative(effect):
        return ""
    bounds = effect["relative"]
    status = bounds.get("status")
    show = _relative_number(effect, minus)
    low, high = bounds["lower"], bounds["upper"]
    if status == "undefined":
        return "not defined: the control value is 0"
    if status == "unbounded":
        return "no limits: the control value is too uncertain"
    if status == "two_rays":
        return f"below {show(low)} or above {show(high)}"
    return _interval(low, high, show)


def margin(effect: Row) -> str:
    """Return what the row was asked to show: its margin or the effect it was sized for."""
    worse = "fall" if effect["direction"] == "increase" else "rise"
    if effect.get("margin") is not None:
        return f"may {worse} by less than {_share(effect['margin'])}"
    if effect.get("margin_absolute") is not None:
        amount = effect["margin_absolute"]
        shown = _trimmed(amount * 100 if is_share(effect) else amount)
        unit = "" if not is_share(effect) else " point" if shown == "1" else " points"
        return f"may {worse} by less than {shown}{unit}"
    if effect.get("mde") is not None:
        better = "+" if effect["direction"] == "increase" else MINUS
        return f"sized for {better}{_share(effect['mde'])}"
    return ""


def level(effect: Row) -> str:
    """Return the confidence level in per cent: ``95%``."""
    shown = effect.get("confidence_level")
    return "" if shown is None else f"{_trimmed(round(shown * 100, 4))}%"


def change_phrase(effect: Row, label: str, *, minus: str = "-") -> str:
    """Return what happened to the metric, with its interval, without a full stop.

    Numbers have a hyphen for minus, as in documents that machines search; pass
    ``minus=MINUS`` for pages.
    """
    estimate = effect["absolute"]["estimate"]
    if effect["status"] != "ok" or estimate is None:
        return f"{label} could not be computed"
    size = _absolute_number(effect, sign=False, minus=minus)(abs(estimate))
    unit = " points" if is_share(effect) else ""
    moved = "rose" if estimate > 0 else "fell" if estimate < 0 else "did not move"
    by = f" by {size}{unit}" if estimate else ""
    interval = absolute_interval_plain(effect, minus=minus)
    interval += "" if estimate else unit  # said once: by the size, or here
    return f"{label} {moved}{by} ({level(effect)} interval {interval})"


def absolute_interval_plain(effect: Row, *, minus: str = "-") -> str:
    """Return the interval of the absolute effect without plus signs, for sentences."""
    show = _absolute_number(effect, sign=False, minus=minus)
    return _interval(effect["absolute"]["lower"], effect["absolute"]["upper"], show)


def effect_sentence(effect: Row, label: str, *, minus: str = MINUS) -> str:
    """Return one sentence about an effect that knows which direction is good."""
    subject = f"{label} in {effect['variant']}"
    if effect["status"] != "ok":
        return f"{subject} could not be computed: {not_computed_reason(effect.get('reason'))}."
    phrase = change_phrase(effect, subject, minus=minus)
    good = "higher is better" if effect["direction"] == "increase" else "lower is better"
    judged = {
        "improved": f"an improvement, {good}",
        "harmed": f"harm, {good}",
        "within_margin": "within its margin",
        "excluded": "the gain it was sized for is ruled out",
        "unclear": "not shown to stay within its margin"
        if effect["test"] == "non_inferiority"
        else "it may be chance",
    }.get(effect.get("outcome") or "", good)
    # the p-value of a margin is about the margin: it says nothing about harm
    is_about = effect["test"] == "superiority" or effect.get("outcome") == "within_margin"
    p = p_phrase(effect.get("p_value")) if is_about else ""
    return f"{phrase}{', ' + p if p else ''}: {judged}."


NOT_COMPUTED: Mapping[str, str] = {
    "all_null": "every value is missing",
    "answer_out_of_range": "there are answers off the scale",
    "bound_out_of_range": "its margin is beyond what a share can reach",
    "constant": "every unit of an arm has the same value",
    "covariates_unusable": "its covariates cannot be used",
    "empty_outcomes": "some days have no outcome yet",
    "horizon_too_far": "too few units have been seen for as long as its horizon",
    "impossible_times": "there are times before the start, or exits before entries",
    "infinite_values": "a value is infinite",
    "missing_column": "a column is missing from the data",
    "negative_variance": "a variance in the data is negative",
    "no_events": "an arm has no events",
    "no_such_event": "the log has no such event",
    "no_value_column": "[data.events] names no value column",
    "not_a_count": "a count in the data is not a whole number",
    "not_binary": "there are values other than 0 and 1",
    "not_finite": "values are too large to compute with",
    "not_numeric": "a column holds text where numbers are needed",
    "not_positive": "there are values of 0 or below",
    "not_reached": "too few units have had the event yet",
    "numerical_failure": "the numbers do not allow a computation",
    "separated": "events come only on one side of what is compared",
    "strata_unbalanced": "a stratum is almost empty in one arm, more than chance allows",
    "successes_above_trials": "there are more successes than trials",
    "too_few_units": "too few units have a value",
    "too_small": "values are too small to compute with",
    "values_too_large": "values are too large to compute with",
    "zero_denominator": "the denominator is 0",
}
"""Why a row has no numbers, by reason code."""

WARNINGS: Mapping[str, str] = {
    "answers_differ": "units answer more often in one arm: the answers come from different units",
    "arms_alternate": "arms took turns: what comes and goes with time may count as effect",
    "carry_over": "the order of conditions matters: one may carry over into the period after it",
    "constant_arm": "one arm has the same value in every unit: its error counts as 0",
    "constant_clusters": "rows of a cluster never differ, so that their correlation has no error",
    "control_not_positive": "control is not above 0, so a margin in per cent cannot be judged",
    "control_uncertain": "control is not known well: relative effects and priors are rough",
    "counts_added": "few answers: three were added before estimating",
    "covariate_constant": "not adjusted: nothing varied before exposure",
    "covariate_dropped": "a covariate that adds nothing, or rests on one unit, is left out",
    "covariate_is_outcome": "not adjusted: the covariate is the outcome itself",
    "covariate_missing": "units without a pre-exposure value stay in, at the mean of the others",
    "covariate_missing_differs": "not adjusted by what is missing more often in one arm before "
    "exposure: look into how it was measured",
    "covariate_not_used": "not adjusted: too few events",
    "covariate_too_few_units": "not adjusted: too few units",
    "covariate_zero_denominator": "not adjusted: no denominator before exposure",
    "few_clusters": "few clusters of rows, or a few that hold most of them: the error is uncertain",
    "few_events": "few events: the interval is rough",
    "few_units": "few units: the normal distribution is too sure here",
    "hazards_not_proportional": "the hazard ratio changes over time: it is an average of follow-up",
    "many_folds": "more folds than the units bear: the variance saved is overstated",
    "overdispersed": "events vary more between units than Poisson counts do",
    "phase_dropped": "a phase with fewer than two units in an arm is left out",
    "separated_arms": "no values of the arms overlap, so the index has no measured error",
    "set_has_gaps": "the values that fit have gaps, so the interval may hold what p rejects",
    "skewed_unequal_arms": "values are too skewed for arms of such different size",
    "strata_merged": "strata with fewer than two units in an arm are joined with the next",
    "strata_unbalanced": "the split between arms differs by stratum: look at the assignment",
    "tied_quantile": "so many units share the value of a quantile that it hardly moves",
    "tied_shift": "so many units share a value that the shift has no width",
    "trends_differ": "the groups moved apart already before the change",
    "values_rounded": "more than 10,000 distinct values: taken to four digits",
    "untrustworthy": "a check failed: not to be trusted",
}
"""What a reader should know about a row, by warning code."""


def not_computed_reason(code: str | None, values: Mapping[str, Any] | None = None) -> str:
    """Return why a row has no numbers, with the column that it is about where one is named."""
    if not code:
        return "no reason was recorded"
    said = NOT_COMPUTED.get(code, readable(code).lower())
    facts = values or {}
    column = f' ("{facts["column"]}")' if facts.get("column") else ""
    nearest = f'; did you mean "{facts["nearest"]}"?' if facts.get("nearest") else ""
    return f"{said}{column}{nearest}"


def warning_words(effect: Row) -> tuple[str, ...]:
    """Return what a reader should know about a row, in words."""
    return tuple(WARNINGS.get(code, readable(code).lower()) for code in effect["warnings"])


def window(effect: Row) -> str:
    """Return the days of a row's window in words; "" for values that came finished."""
    return days(effect["window_days"]) if effect.get("window_days") else ""


def _absolute_decimals(effect: Row) -> int:
    bounds = effect["absolute"]
    scale = 100.0 if is_share(effect) else 1.0
    low, high, estimate = bounds["lower"], bounds["upper"], bounds["estimate"]
    spread = (high - low) / 2 * scale if low is not None and high is not None else None
    size = estimate or effect["control_value"] or effect["treatment_value"]
    return decimals_for(spread, None if size is None else size * scale)


def _absolute_number(effect: Row, *, sign: bool, minus: str) -> Callable[[float | None], str]:
    scale = 100.0 if is_share(effect) else 1.0
    decimals = _absolute_decimals(effect)
    return lambda shown: number(
        None if shown is None else shown * scale, decimals, sign=sign, minus=minus
    )


def _relative_number(effect: Row, minus: str) -> Callable[[float | None], str]:
    bounds = effect["relative"]
    low, high = bounds["lower"], bounds["upper"]
    spread = abs(high - low) / 2 * 100 if low is not None and high is not None else None
    fewest, most = RELATIVE_DECIMALS
    decimals = fewest if spread is None else min(most, max(fewest, decimals_for(spread)))
    if spread is not None and spread >= 100:
        decimals = 0
    return lambda shown: percent(shown, decimals, sign=True, minus=minus)


def _interval(low: float | None, high: float | None, show: Callable[[float | None], str]) -> str:
    if low is None and high is None:
        return MISSING
    if high is None:
        return f"{show(low)} or more, no upper limit"
    if low is None:
        return f"{show(high)} or less, no lower limit"
    return f"{show(low)} to {show(high)}"


def _trimmed(shown: float) -> str:
    """Return a number as it was written in the experiment file."""
    return f"{shown:.6g}"


def _share(shown: float) -> str:
    return f"{_trimmed(round(shown * 100, 6))}%"
