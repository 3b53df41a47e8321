"""Funnels: of those who begin, how many take each step, in which time, and where they stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack, get_args

import numpy as np

from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.funnel_numbers import differences_of, step_rows, time_rows
from abtest.cohorts.funnel_steps import (
    HELD,
    By,
    Entry,
    Exclusion,
    Mode,
    Question,
    Reached,
    reached,
)
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

Steps = Sequence[str | Sequence[str]] | Mapping[str, str | Sequence[str]]
DAYS = 7.0
_GAP = 30.0


@dataclass(frozen=True, eq=False, repr=False)
class Funnel(CohortResult):
    """Steps of a funnel, as `funnel` returns them.

    Attributes
    ----------
    table
        One row per arm (``all`` without arms) and step: step (from 1), label, entered (what shares
        are of), reached, share, lower, upper (Wilson by unit; by sessions Fieller's of the ratio of
        two totals over units; none of events), step_share (of the step before; conditional, null
        at the first step), dropped (since the step before), median_seconds (from the entry, among
        those who reached the step; conditional).
    differences
        Treatment minus control of each step's share, by unit; None without arms. `p_adjusted` is
        Holm's over the steps.
    times
        Quantiles of the time from the entry to each step, among those who reached it: arm, step,
        label, quantile, seconds.
    """

    times: pd.DataFrame
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = {"unit": "units", "session": "sessions", "event": "events"}[self.asked.by]
        first, last = self.asked.labels[0], self.asked.labels[-1]
        way = f"{first} to {last}" if len(self.asked.labels) > 1 else first
        return f"Funnel of {of}: {way}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the shares of every step; with arms of control and one treatment.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.funnel_picture import steps_picture

        return steps_picture(self, arm)

    def plot_times(self, step: int | None = None) -> Chart:
        """Return how long it took to a step, among those who reached it.

        Parameters
        ----------
        step
            From 2; left out: the last.

        Raises
        ------
        UsageError
            ``bad_choice``: no such step, or steps that have no times.
        """
        from abtest.cohorts.funnel_picture import times_picture

        chosen = self.asked.count if step is None else step
        todo = f"a step from 2 to {self.asked.count} of an ordered or strict funnel"
        refuse([(not self.asked.timed or not 2 <= chosen <= self.asked.count, "step", step, todo)])
        return times_picture(self, chosen)


def funnel(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    steps: Steps,
    *,
    mode: Mode | None = None,
    within: float | None = None,
    by: By = "unit",
    entry: Entry | None = None,
    exclude: str | Sequence[str] | None = None,
    exclusion: Exclusion = "drop_out",
    hold_constant: str | None = None,
    grace_seconds: float = 0.0,
    gap_minutes: float = _GAP,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Funnel:
    """Return how many take each step of a way.

    Without exposures it is of those who take the first step; with them of all exposed units whose
    window is over, so that arms are comparable at every step.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    steps
        Events, or lists of events of which each is the step; as a mapping they have labels.
    mode
        ``ordered``: one after another, with anything between; the default. ``strict``: each step is
        the very next event. ``any``: any of the steps, then any other, whichever come: step k is
        "k of them". ``any_after_first``: the first, then the others in any order. ``each``: every
        step for itself, whatever else was done: reach, which need not fall from step to step; the
        default and only mode of `by` ``event``.
    within
        Days from the entry in which steps count; the end counts itself after a first step, and not
        after an exposure, as in metrics. Left out: 7 with exposures, else without limit.
    by
        What is counted: ``unit``; ``session``, a way within one session (the log's session ids, or
        runs without a pause of more than `gap_minutes`); ``event``, lines of the log.
    entry
        Where the clock starts: ``exposure``, the only one with exposures; ``best``, the first step
        from which a unit came furthest; ``first``, its first one. Left out: ``best``.
    exclude
        Events that may not lie between the entry and a step; of ordered ways.
    exclusion
        ``drop_out``: the way ends there. ``remove_unit``: the unit, or session, is left out of all
        steps; not with exposures, since the treatment may choose who that is.
    hold_constant
        A column of the log that keeps its value on the way, such as a product; rows without one
        are left out.
    grace_seconds
        A step may lie so much before the one before it: clocks of several senders differ.
    gap_minutes
        Of sessions where the log has no ids.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that do not go together.
    DataError
        ``unknown_event``, ``missing_column``, and what `open_log` raises.

    Notes
    -----
    Of steps at one moment the order of the funnel holds; a moment is never two steps of the same
    event. Of several entries within reach the latest leaves the most time, which needs one running
    maximum per step over the sorted log. Shares of sessions are ratios of two totals over units;
    their differences are by unit (delta method, Fieller). A share of the step before is of those
    who took it, whom a treatment may change: compare `share`.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2, 2, 3],
    ...         "event": ["view", "cart", "buy", "view", "buy", "view"],
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05 10:00", "2026-01-05 10:05", "2026-01-05 10:30"]
    ...             + ["2026-01-05 11:00", "2026-01-05 11:01", "2026-01-06 09:00"]
    ...         ),
    ...     }
    ... )
    >>> found = funnel(log, ["view", "cart", "buy"])
    >>> found.table[["label", "reached", "median_seconds"]].fillna(0).values.tolist()
    [['view', 3, 0.0], ['cart', 1, 300.0], ['buy', 1, 1800.0]]
    """
    if hold_constant is not None and not isinstance(events, EventLog):
        options["property"] = hold_constant
    log = open_log(events, **options)
    named = dict(steps) if isinstance(steps, Mapping) else None
    lists = tuple(
        names_of(step)
        for step in (named.values() if named else [steps] if isinstance(steps, str) else steps)
    )
    labels = tuple(named) if named else tuple(" or ".join(names) for names in lists)
    arms = log.arms is not None
    asked = Question(
        steps=lists,
        labels=labels,
        mode=mode or ("each" if by == "event" else "ordered"),
        by=by,
        entry=entry or ("exposure" if arms else "best"),
        within=DAYS if arms and within is None else within,
        exclude=names_of(exclude),
        exclusion=exclusion,
        hold_constant=hold_constant is not None,
        grace=grace_seconds,
        gap_minutes=gap_minutes,
    )
    refuse([*_choices(asked, arms=arms), level_choice(confidence_level)])
    log.require(*lists, exclude)
    if asked.hold_constant and HELD not in log.events.columns:
        raise DataError(
            "The opened log does not hold this column",
            given=f"hold_constant={hold_constant!r} with an EventLog",
            todo=f"open it with open_log(..., property={hold_constant!r})",
            code="missing_column",
        )
    found = reached(log, asked)
    rows = step_rows(log, found, asked, confidence_level)
    return Funnel(
        table=rows,
        differences=differences_of(log, found, asked, confidence_level) if arms else None,
        notes=_notes(log, asked, found),
        times=time_rows(log, found, asked),
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, *, arms: bool) -> Iterator[Choice]:
    yield not asked.steps, "steps", asked.steps, 'events, such as ["view", "cart", "buy"]'
    todo = "one event or more for each step"
    yield not all(asked.steps), "steps", asked.steps, todo
    known = get_args(Mode)
    yield asked.mode not in known, "mode", asked.mode, ", ".join(known)
    yield asked.by not in get_args(By), "by", asked.by, "unit, session or event"
    yield asked.by == "event" and asked.mode != "each", "mode", asked.mode, 'each, by="event"'
    wrong = asked.within is not None and not is_above(asked.within)
    yield wrong, "within", asked.within, "days above 0"
    todo = "exposure, which starts every clock where there are exposures"
    yield arms and asked.entry != "exposure", "entry", asked.entry, todo
    todo = "best or first: there are no exposures"
    yield not arms and asked.entry not in ("best", "first"), "entry", asked.entry, todo
    todo = "events that are excluded from ordered ways"
    excluded = bool(asked.exclude)
    yield excluded and asked.mode != "ordered", "exclude", asked.exclude, todo
    todo = "events that are no steps"
    in_steps = {name for step in asked.steps for name in step}
    yield bool(in_steps & set(asked.exclude)), "exclude", asked.exclude, todo
    todo = "drop_out or remove_unit"
    yield asked.exclusion not in get_args(Exclusion), "exclusion", asked.exclusion, todo
    todo = "drop_out: with exposures the treatment may choose who is removed"
    yield arms and asked.exclusion == "remove_unit", "exclusion", asked.exclusion, todo
    wrong = not (np.isfinite(asked.grace) and asked.grace >= 0)
    yield wrong, "grace_seconds", asked.grace, "seconds, 0 or more"
    todo = "0: only steps of an ordered funnel may precede"
    yield asked.grace > 0 and asked.mode != "ordered", "grace_seconds", asked.grace, todo
    todo = "steps without an event in common: in any order one event would be two of them"
    total = sum(len(set(step)) for step in asked.steps)
    several = asked.mode in ("any", "any_after_first") and total > len(in_steps)
    yield several, "steps", asked.steps, todo
    wrong = not is_above(asked.gap_minutes)
    yield wrong, "gap_minutes", asked.gap_minutes, "more than 0 minutes"
    todo = "none where lines are counted"
    yield asked.by == "event" and asked.hold_constant, "hold_constant", True, todo


_WORDS: dict[str, str] = {
    "ordered": "Steps count one after another, with anything between; at one moment in the order "
    "of the funnel.",
    "strict": "Each step is the very next event; at one moment steps come in the order of the "
    "funnel, and before anything else.",
    "any": "Steps count in any order: row k is those who took k of them.",
    "any_after_first": "After the first step the others count in any order: row k is those who "
    "took it and k - 1 others.",
    "each": "Every step by itself, whatever else was done: reach, not a way. A later step may have "
    "more than an earlier one.",
}


def _notes(log: EventLog, asked: Question, found: Reached) -> tuple[str, ...]:
    notes = [_WORDS[asked.mode]]
    things = {"unit": "units", "session": "sessions", "event": "events"}[asked.by]
    span = "" if asked.within is None else f" within {asked.within:g} days"
    if log.arms is not None:
        notes.append(
            f"Shares are of all {'exposed units' if asked.by == 'unit' else things} whose"
            f"{' units’' if asked.by != 'unit' else ''} {asked.within:g} days from exposure have "
            f"ended; {found.waiting:,} units still wait."
            if asked.by != "event"
            else f"Lines of the first {asked.within:g} days from exposure, of units whose days "
            f"have ended; {found.waiting:,} units still wait. Shares are of the first step's lines."
        )
        if log.arms.crossover:
            notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
        notes.append(
            "Shares of the step before and times are of those who got there, whom the treatment "
            "may change: they describe, and do not compare."
        )
    else:
        first = "the first step of the log" if asked.entry == "first" else "the best first step"
        if asked.mode != "each":
            notes.append(f"The clock starts with {first}{span}; shares are of {things} with one.")
        if found.waiting:
            notes.append(f"{found.waiting:,} {things} began too late for their window to be over.")
    if asked.exclude:
        names = ", ".join(asked.exclude)
        what = (
            f"{found.removed:,} {things} with one after their first step are left out"
            if asked.exclusion == "remove_unit"
            else "one between the entry and a step ends the way"
        )
        notes.append(f"Excluded: {names}; {what}.")
    if asked.by == "session":
        notes.append("Sessions of one unit are alike: limits and differences are by unit.")
    if asked.by == "event":
        notes.append("Lines are counted, not people: one unit can have many. There are no limits.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
