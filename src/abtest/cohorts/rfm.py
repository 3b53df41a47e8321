"""RFM: when units bought last, how often and for how much, as scores and named segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack, get_args

from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.cohorts.rfm_scores import NO_PURCHASE, Compare, Question, scored_units
from abtest.cohorts.rfm_tables import (
    arm_table,
    cell_table,
    counted_cells,
    outcome_differences,
    segment_table,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from abtest.show.drawing import Chart

SEGMENT_ROWS: Mapping[int, tuple[str, str, str, str, str]] = {
    5: ("new", "potential loyalists", "potential loyalists", "champions", "champions"),
    4: ("promising", "potential loyalists", "potential loyalists", "loyal", "loyal"),
    3: ("about to sleep", "about to sleep", "need attention", "loyal", "loyal"),
    2: ("hibernating", "hibernating", "at risk", "at risk", "cannot lose"),
    1: ("hibernating", "hibernating", "at risk", "at risk", "cannot lose"),
}
"""Common names: per score of recency those of the scores of frequency from 1 to 5."""
SEGMENTS: Mapping[tuple[int, int], str] = {
    (recency, frequency): name
    for recency, names in SEGMENT_ROWS.items()
    for frequency, name in enumerate(names, start=1)
}
"""Segment by scores of recency and frequency."""


@dataclass(frozen=True, eq=False, repr=False)
class Rfm(CohortResult):
    """Recency, frequency and value, as `rfm` returns them.

    Attributes
    ----------
    table
        One row per cell, the best first: recency_score, frequency_score, segment, units, share (of
        units with a purchase), mean_recency_days, mean_frequency, mean_value, total_value.
    differences
        With `outcome`, treatment minus control in the share of units with it, one row per cell or
        segment, with Holm's p-values over those of a treatment; units without a purchase in the
        window are one of the rows. None without `outcome`.
    segments
        As `table` by segment, largest first, with that of units without a purchase if there are
        arms.
    arms
        Units and share of each segment per arm; None without arms.
    units
        One row per unit, in the engine: unit, arm, recency_days, frequency, value, the three
        scores and the segment. With arms they rest on what was before exposure alone, so that
        they can be segments of an experiment.
    """

    segments: pd.DataFrame
    arms: pd.DataFrame | None
    units: ir.Table
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" of {', '.join(self.asked.purchase)}" if self.asked.purchase else ""
        days = self.asked.days
        return f"Recency and frequency{of} in {days:g} day{'' if days == 1 else 's'}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the grid of units by scores.

        Parameters
        ----------
        arm
            A treatment: then the grid of its differences in the outcome.
        """
        from abtest.cohorts.rfm_picture import counts_grid, differences_grid

        return counts_grid(self) if arm is None else differences_grid(self, arm)


def rfm(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    *,
    purchase: str | Sequence[str] | None = None,
    days: float = 365.0,
    scores: int = 5,
    segments: Mapping[tuple[int, int], str] | None = None,
    outcome: str | Sequence[str] | None = None,
    outcome_days: float = 28.0,
    compare: Compare = "cell",
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Rfm:
    """Return how recently, how often and for how much units bought, as scores and segments.

    The window is the same for all units and ends at `as_of`; with `exposures` it ends before the
    exposure of each unit, so that no treatment can have moved anything in it.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    purchase
        Events that are purchases; left out: any event.
    days
        Length of the window.
    scores
        The best score; the worst is 1.
    segments
        Names by scores of recency and frequency; left out: `SEGMENTS` for five scores, else
        ``R3 F2`` and the like. Cells without a name are ``other``.
    outcome
        With exposures: events of which one within `outcome_days` from exposure is looked for.
    outcome_days
        Days after exposure; units count whose days have ended.
    compare
        Whether arms are compared per ``cell`` or per ``segment``.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that do not go together.
    DataError
        ``unknown_event`` and what `open_log` raises.

    Notes
    -----
    Recency are whole days of 24 hours from the last purchase to the end of the window, frequency
    the purchases (exact repeats of a row are one), value the sum of their values, refunds
    included, rounded to millionths.

    The class of a number is 1 + floor(scores x share of units with a smaller one): a cut at the
    quantiles of the units with a purchase, of all arms together, in which equal numbers stay
    together. It is the score of frequency and of value; that of recency is scores + 1 less the
    class of the days. Where half of the units bought once, all of them have the score 1, and none
    has 2.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 2, 3],
    ...         "event": "buy",
    ...         "time": ["2026-01-02T10:00Z", "2026-01-08T10:00Z", "2026-01-05T10:00Z",
    ...                  "2026-01-05T11:00Z"],
    ...         "value": [10.0, 5.0, 7.0, 30.0],
    ...     }
    ... )
    >>> found = rfm(log, days=30, scores=2, as_of="2026-01-10")
    >>> found.units.order_by("unit").to_pyarrow().select([2, 3, 4, 5, 6, 7]).to_pylist()[0]
    {'recency_days': 1, 'frequency': 2, 'value': 15.0, 'recency_score': 2, 'frequency_score': 2, \
'value_score': 1}
    """
    log = open_log(events, **options)
    refuse(_choices(days, scores, segments, outcome, outcome_days, compare, log))
    refuse([level_choice(confidence_level)])
    asked = Question(
        purchase=None if purchase is None else names_of(purchase),
        days=days,
        scores=scores,
        segments=_names(scores) if segments is None else segments,
        outcome=names_of(outcome),
        outcome_days=outcome_days,
        compare=compare,
    )
    log.require(purchase, outcome)
    units = scored_units(log, asked)
    counted = counted_cells(log, units)
    return Rfm(
        table=cell_table(counted, asked),
        differences=outcome_differences(log, units, asked, confidence_level) if outcome else None,
        notes=_notes(log, asked, counted),
        segments=segment_table(counted),
        arms=None if log.arms is None else arm_table(counted, log.arms.names),
        units=units,
        asked=asked,
        confidence_level=confidence_level,
    )


def _names(scores: int) -> Mapping[tuple[int, int], str]:
    if scores == 5:
        return SEGMENTS
    ahead = range(1, scores + 1)
    return {(r, f): f"R{r} F{f}" for r in ahead for f in ahead}


def _choices(
    days: float,
    scores: int,
    segments: Mapping[tuple[int, int], str] | None,
    outcome: object,
    outcome_days: float,
    compare: str,
    log: EventLog,
) -> Iterator[Choice]:
    for name, number in (("days", days), ("outcome_days", outcome_days)):
        yield not is_above(number), name, number, "more than 0 days"
    whole = isinstance(scores, int) and not isinstance(scores, bool) and 2 <= scores <= 10
    yield not whole, "scores", scores, "a whole number from 2 to 10"
    yield compare not in get_args(Compare), "compare", compare, "cell or segment"
    yield outcome is not None and log.arms is None, "outcome", outcome, "it with exposures only"
    ahead = range(1, scores + 1) if whole else range(0)
    odd = [key for key in segments or {} if not (len(key) == 2 and {*key} <= {*ahead})]
    todo = f"names by pairs of scores from 1 to {scores}: recency, frequency"
    yield bool(odd), "segments", odd, todo
    reserved = NO_PURCHASE in (segments or {}).values()
    yield reserved, "segments", NO_PURCHASE, "another name: that of units without a purchase"


def _notes(log: EventLog, asked: Question, counted: pd.DataFrame) -> tuple[str, ...]:
    end = "the exposure of each unit" if log.arms is not None else log.until
    found = [
        f"The window is the {asked.days:g} days before {end}; exact repeats of a row are one "
        "purchase.",
        f"Scores are 1 to {asked.scores}, the best {asked.scores}, cut at quantiles of the units "
        "with a purchase"
        + (", all arms together" if log.arms is not None else "")
        + ". Equal values have equal scores, so that scores need not be equally frequent.",
    ]
    if "value" not in log.events.columns:
        found.append("The log has no values: there is no mean value and no score of it.")
    covered = (log.clock - log.facts.first).total_seconds() / 86_400.0
    if log.arms is None and covered < asked.days:
        found.append(
            f"The log covers {covered:.0f} of the {asked.days:g} days: what was before it is not "
            "known."
        )
    if log.arms is not None:
        bought = counted["segment"] != NO_PURCHASE
        none = int(counted.loc[~bought, "units"].sum())
        found.append(
            f"Only what was before exposure counts. {none:,} units without a purchase in it have "
            "no scores."
        )
        if asked.outcome:
            found.append(
                f"The outcome is {' or '.join(asked.outcome)} within {asked.outcome_days:g} days "
                "from exposure, of units whose days have ended. p_adjusted is Holm's over all "
                f"{asked.compare}s of a treatment: many are looked at, and the largest difference "
                "is large by chance."
            )
        if log.arms.crossover:
            found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
