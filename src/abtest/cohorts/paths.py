"""Paths: what units do after what, where they end, and how arms differ in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack, get_args

import numpy as np

from abtest.cohorts.choices import Choice, level_choice, refuse
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.path_numbers import (
    exit_table,
    negative_differences,
    negative_table,
    step_differences,
    step_table,
    top_table,
    transition_differences,
    transition_table,
)
from abtest.cohorts.path_steps import (
    ALL,
    END,
    OTHER,
    START,
    By,
    Counted,
    Question,
    counted,
    reserved,
)
from abtest.cohorts.result import CohortResult
from abtest.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

DAYS = 28.0


@dataclass(frozen=True, eq=False, repr=False)
class Paths(CohortResult):
    """Paths of units or sessions, as `paths` returns them.

    Attributes
    ----------
    table
        Transitions, one row per arm (``all`` without arms), source and target: count, units (that
        made it), p (of the target, given the source; the rows of a source sum to 1), share (of all
        transitions), median_seconds. Paths begin with ``path_start`` and end with ``path_end``.
    differences
        Treatment minus control of p, by unit; `p_adjusted` holds down the share of false
        discoveries among the cells (Benjamini-Hochberg). None without arms.
    steps
        Share of paths at each event by step; a step's shares sum to 1, and what has ended stays at
        ``path_end``.
    step_differences
        Treatment minus control of these shares, by unit; None without arms.
    top
        The most frequent paths up to their first steps.
    exits
        How often paths end after each event: count, units, p.
    negative
        Share of units with each of the `negative` events, with Wilson's limits.
    negative_differences
        Treatment minus control of these; None without arms or such events.
    """

    steps: pd.DataFrame
    step_differences: pd.DataFrame | None
    top: pd.DataFrame
    exits: pd.DataFrame
    negative: pd.DataFrame
    negative_differences: pd.DataFrame | None
    asked: Question
    found: Counted
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        return f"Paths of {'units' if self.asked.by == 'unit' else 'sessions'}"

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms, control first."""
        return tuple(self.found.units)

    def plot(self, arm: str | None = None) -> Chart:
        """Return the first steps as streams from event to event.

        Parameters
        ----------
        arm
            Whose; left out: all units, or control.
        """
        from abtest.cohorts.paths_picture import streams

        return streams(self, arm)

    def plot_matrix(self, arm: str | None = None) -> Chart:
        """Return what follows what; with arms the differences of a treatment from control.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.paths_picture import matrix

        return matrix(self, arm)


def paths(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    *,
    by: By = "unit",
    names: str | Sequence[str] | None = None,
    collapse: bool = True,
    steps: int = 6,
    top: int = 10,
    days: float | None = None,
    negative: str | Sequence[str] | None = None,
    gap_minutes: float = 30.0,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Paths:
    """Return what units do after what, where their paths end, and how arms differ in it.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    by
        ``unit``: one path for each; ``session``: one for each session, by the log's session ids or
        by pauses of more than `gap_minutes`.
    names
        Events that are on paths; left out: all.
    collapse
        Whether an event that repeats in a row is one step.
    steps
        How many first steps the step matrix, the streams and the frequent paths show.
    top
        How many events have names of their own, by frequency; the others are ``other``. As many
        frequent paths are listed.
    days
        Days from exposure; left out: 28. With exposures only, of units whose days are over.
    negative
        Events that show displeasure, such as unsubscribing or uninstalling: the share of units with
        each is compared beside the paths.
    gap_minutes
        Of sessions where the log has no ids.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be.
    DataError
        ``unknown_event``; ``reserved_name`` for events called path_start, path_end or other; and
        what `open_log` raises.

    Notes
    -----
    Events at one moment stand in the order of their names. Transitions of one unit are alike and
    are no sample: p is a ratio of two totals over units, compared by the delta method with
    Fieller's limits (Deng, Knoblich & Lu 2018, KDD), which a test of transitions as if they were
    independent is not. The cells are many and depend on each other, so that false discoveries
    among them are held down (Benjamini & Hochberg 1995).

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2, 2],
    ...         "event": ["view", "view", "buy", "view", "leave"],
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05 10:00", "2026-01-05 10:01", "2026-01-05 10:02"]
    ...             + ["2026-01-05 11:00", "2026-01-05 11:05"]
    ...         ),
    ...     }
    ... )
    >>> found = paths(log)
    >>> after = found.table[found.table["source"] == "view"]
    >>> after[["target", "count", "p"]].values.tolist()
    [['buy', 1, 0.5], ['leave', 1, 0.5]]
    """
    log = open_log(events, **options)
    arms = log.arms is not None
    asked = Question(
        by=by,
        names=names_of(names),
        collapse=collapse,
        steps=steps,
        top=top,
        days=DAYS if arms and days is None else days,
        negative=names_of(negative),
        gap=gap_minutes,
    )
    refuse([*_choices(asked, arms=arms), level_choice(confidence_level)])
    log.require(names, negative)
    taken = reserved(log, (START, END, OTHER))
    if taken:
        raise DataError(
            "Events are called like the ends of paths",
            given=f"{', '.join(map(repr, taken))} in {log.label}",
            todo=f"rename them: {START}, {END} and {OTHER} have a meaning here",
            code="reserved_name",
        )
    found = counted(log, asked)
    names_of_arms = tuple(found.units)
    table = transition_table(found)
    by_arm = transition_differences(found, names_of_arms, confidence_level) if arms else None
    return Paths(
        table=table,
        differences=by_arm,
        notes=_notes(log, asked, found),
        steps=step_table(found, names_of_arms, asked),
        step_differences=step_differences(found, names_of_arms, asked, confidence_level)
        if arms
        else None,
        top=top_table(found, names_of_arms, asked),
        exits=exit_table(table),
        negative=negative_table(found, names_of_arms, asked, confidence_level),
        negative_differences=negative_differences(found, names_of_arms, asked, confidence_level)
        if arms
        else None,
        asked=asked,
        found=found,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, *, arms: bool) -> Iterator[Choice]:
    yield asked.by not in get_args(By), "by", asked.by, "unit or session"
    yield not 2 <= asked.steps <= 20, "steps", asked.steps, "2 to 20 steps"
    yield not 1 <= asked.top <= 50, "top", asked.top, "1 to 50 events"
    wrong = asked.days is not None and not (np.isfinite(asked.days) and asked.days > 0)
    yield wrong, "days", asked.days, "more than 0 days"
    yield asked.days is not None and not arms, "days", asked.days, "it with exposures only"
    wrong = not (np.isfinite(asked.gap) and asked.gap > 0)
    yield wrong, "gap_minutes", asked.gap, "more than 0 minutes"


def _notes(log: EventLog, asked: Question, found: Counted) -> tuple[str, ...]:
    notes = [
        "Events at one moment stand in the order of their names. "
        + (
            "Repeats in a row are one step."
            if asked.collapse
            else "Repeats are steps of their own."
        ),
        f"{OTHER} are all but the {asked.top} most frequent events.",
    ]
    if asked.names:
        notes.append(f"Only these events are on paths: {', '.join(asked.names)}.")
    if log.arms is not None:
        notes += [
            f"The first {asked.days:g} days from exposure, of units whose days have ended; "
            f"{found.waiting:,} units still wait.",
            "Differences are by unit. What follows an event is of units that got there, whom the "
            "treatment may change; shares of all exposed units by step are comparable.",
        ]
        if log.arms.crossover:
            notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if ALL in found.units:
        notes.append("A path ends where the log does: the last event need not be the last one.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
