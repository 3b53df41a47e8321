"""Paths: what units do next, step by step, where they leave, and where arms differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack, get_args

from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.differences import LEAST_UNITS
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.path_differences import (
    negative_differences,
    step_differences,
    transition_differences,
)
from abtest.cohorts.path_steps import END, OTHER, START, By, Question, Walks, walks
from abtest.cohorts.path_tables import (
    cells,
    exit_table,
    negative_table,
    places,
    sizes,
    step_table,
    top_table,
    transition_table,
)
from abtest.cohorts.result import CohortResult

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment

_DAYS = 7.0
_GAP = 30.0
MOST_STEPS, MOST_EVENTS = 20, 50


@dataclass(frozen=True, eq=False, repr=False)
class Paths(CohortResult):
    """Paths of units or sessions, as `paths` returns them; ``all`` is the one arm without arms.

    Attributes
    ----------
    table
        One row per arm and transition: arm, source, target, count, units (with one), p (of all
        that follows the source; sums to 1), lower and upper (of p; Fieller by unit, cut at 0 and 1;
        null where all units are alike), share (of all transitions), median_seconds between the two
        events (null beside path_start and path_end).
    differences
        Treatment minus control of p per transition, by unit; None without arms. units_control and
        units are those that came to the source; `p_adjusted` is Benjamini & Hochberg's over all
        transitions of a treatment.
    steps
        The step matrix: arm, step (from 1), event, count, share of all paths, lower, upper
        (Wilson; by session Fieller by unit). Every step sums to 1: who has left stays at path_end.
    step_differences
        The same differences of the shares of `steps`; None without arms.
    top
        The most frequent paths of all arms together, by arm: path (its first steps), steps, ended
        (whether it ends there), count, units, share.
    exits
        P(end | event): arm, event, visits, units, ends, p_end, lower, upper as in `table`.
    negative
        Events that nobody wants: arm, event, exposed (units), units (with one), share, lower, upper
        (Wilson), count, per_unit. Empty if none are named.
    negative_differences
        Treatment minus control of their shares, Holm over the events; None without arms or events.
    sizes
        One row per arm: arm, units, empty (units without an event, that go straight to path_end),
        paths.
    """

    steps: pd.DataFrame
    step_differences: pd.DataFrame | None
    top: pd.DataFrame
    exits: pd.DataFrame
    negative: pd.DataFrame
    negative_differences: pd.DataFrame | None
    sizes: pd.DataFrame
    flows: pd.DataFrame
    asked: Question
    nodes: tuple[str, ...]
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        return f"Paths of {'units' if self.asked.by == 'unit' else 'sessions'}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the first steps as flows, with those who leave.

        Parameters
        ----------
        arm
            Whose paths; left out: control, or all.
        """
        from abtest.cohorts.paths_picture import flows_picture

        return flows_picture(self, arm)

    def fragment(self) -> Fragment:
        """Return figures, notes and tables as HTML, Markdown and text."""
        from abtest.show.fragment import folded, join
        from abtest.show.frame_table import frame_table, notes

        charts = [self.plot(), self.plot_matrix()]
        if self.step_differences is not None:
            charts.append(self.plot_steps())
        parts = [*(chart.fragment() for chart in charts), notes(self.notes)]
        tables = {
            "Most frequent paths": self.top,
            "Exits": self.exits,
            "Negative events": self.negative,
            "Transitions": self.table,
            "Step matrix": self.steps,
            "Differences of negative events": self.negative_differences,
            "Differences of transitions": self.differences,
            "Differences of the step matrix": self.step_differences,
        }
        for name, table in tables.items():
            if table is not None and len(table):
                parts.append(folded(name, frame_table(table, f"{self.title}: {name.lower()}")))
        return join(parts)

    def plot_matrix(self, arm: str | None = None) -> Chart:
        """Return what follows each event: shares, or with arms their differences.

        Parameters
        ----------
        arm
            The treatment that is compared; left out: the first.
        """
        from abtest.cohorts.paths_picture import matrix_picture

        return matrix_picture(self, arm)

    def plot_steps(self, arm: str | None = None) -> Chart:
        """Return the step matrix: shares of all paths, or with arms their differences.

        Parameters
        ----------
        arm
            The treatment that is compared; left out: the first.
        """
        from abtest.cohorts.step_matrix_picture import steps_picture

        return steps_picture(self, arm)


def paths(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    *,
    by: By = "unit",
    names: str | Sequence[str] | None = None,
    start: str | Sequence[str] | None = None,
    end: str | Sequence[str] | None = None,
    collapse: bool = True,
    steps: int = 6,
    top: int = 10,
    within_days: float | None = None,
    negative: str | Sequence[str] | None = None,
    gap_minutes: float = _GAP,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Paths:
    """Return what comes after what on the paths of units or sessions, and how arms differ in it.

    Without `exposures` the whole log counts; with them the events of `within_days` days from each
    unit's exposure, and only units whose days are over.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    by
        ``unit``: one path per unit. With exposures a unit without an event has a path too: it goes
        straight from path_start to path_end. ``session``: one path per session, by the log's
        session ids or by runs without a pause of more than `gap_minutes`; sessions are made of all
        events, before `names` chooses.
    names
        Events of paths; others are as if they were not there. Left out: all. Several are also the
        order in which events of one moment come.
    start
        Paths begin with the first of these events; what never has one has no path (with exposures
        and by unit: one without an event).
    end
        Paths end with the first of these events after their beginning.
    collapse
        Whether repeats in a row are one step, at the time of the first; also repeats of ``other``.
    steps
        Steps of the step matrix, and of whole paths.
    top
        So many events are shown, the most frequent of all arms together, beside those of `start`
        and `end`. What is less frequent is ``other``, and so is an event that is called so.
    within_days
        Days from exposure; left out: 7. With exposures only.
    negative
        Events that nobody wants, such as to unsubscribe, delete, downgrade or mute. They count
        whether or not they are on a path.
    gap_minutes
        Of sessions where the log has no ids.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be, or do not go together.
    DataError
        ``unknown_event``; ``reserved_event`` for events that are called path_start or path_end;
        and what `open_log` raises.

    Notes
    -----
    Events of one moment are in the order of `names`, or where these are left out in that of the
    alphabet: no engine keeps the order of rows. Rows that are repeated exactly are one event.

    P(j | i) of an arm is sum_u n_uij / sum_u n_ui., a ratio of two totals over units u: the
    transitions of one unit are alike, so that they are no sample, and a test that counts them (a
    chi-squared test of the matrix) finds differences where there are none. Intervals of differences
    are those of the delta method by unit (Deng, Knoblich & Lu 2018, KDD). A p-value is the larger
    of that method's and of the permutation test of units in its form for many units (Student's t
    test of n_uij - R n_ui., R the ratio of both arms together): the first errs in small or unequal
    arms, the second where these differ in spread; the larger errs to the safe side. Both need five
    sums per cell from the engine. Drawn permutations would not do: of 999 the smallest p is 0.001,
    and of a hundred cells none could then be found alone. A ratio is tested where at least 10 units
    of the two arms are in the cell and 10 are not, and each arm has 10 at the source; others have
    the status ``few_units`` and are no part of the family. Shares of units at a step are tested by
    Miettinen & Nurminen's score test.

    Over all cells of a treatment the false discovery rate is controlled (Benjamini & Hochberg 1995,
    JRSS B 57, 289): of the cells with `p_adjusted` up to 0.05, at most 5% are expected to be false.
    What follows an event is of those who came there, whom a treatment may change; the step matrix
    by unit is of all exposed units.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2, 2],
    ...         "event": ["home", "search", "buy", "home", "search"],
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05 10:00", "2026-01-05 10:01", "2026-01-05 10:05"]
    ...             + ["2026-01-05 11:00", "2026-01-05 11:03"]
    ...         ),
    ...     }
    ... )
    >>> found = paths(log)
    >>> after = found.table[found.table["source"] == "search"]
    >>> after[["target", "count", "p", "median_seconds"]].fillna(0).values.tolist()
    [['buy', 1, 0.5, 240.0], ['path_end', 1, 0.5, 0.0]]
    """
    log = open_log(events, **options)
    arms = log.arms is not None
    asked = Question(
        by=by,
        names=names_of(names),
        starts=names_of(start),
        ends=names_of(end),
        collapse=collapse,
        steps=steps,
        top=top,
        within_days=_DAYS if arms and within_days is None else within_days,
        negative=tuple(dict.fromkeys(names_of(negative))),
        gap_minutes=gap_minutes,
    )
    refuse([*_choices(asked, arms=arms), level_choice(confidence_level)])
    log.require(names, start, end, negative)
    found = walks(log, asked)
    size = sizes(found, empty=arms and by == "unit")
    cell, at = cells(found, size), places(found, size, asked)
    by_session = by == "session"
    table = transition_table(cell, found.units, confidence_level)
    unwanted = negative_table(found, asked.negative, confidence_level)
    return Paths(
        table=table,
        differences=transition_differences(cell, found.units, confidence_level) if arms else None,
        notes=_notes(log, asked, found, size),
        steps=step_table(at, size, confidence_level, by_session=by_session),
        step_differences=step_differences(at, size, confidence_level, by_session=by_session)
        if arms
        else None,
        top=top_table(found, size, asked),
        exits=exit_table(table, cell),
        negative=unwanted,
        negative_differences=negative_differences(unwanted, confidence_level)
        if arms and asked.negative
        else None,
        sizes=size[["units", "empty", "paths"]].rename_axis("arm").reset_index(),
        flows=found.flows,
        asked=asked,
        nodes=found.nodes,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, *, arms: bool) -> Iterator[Choice]:
    yield asked.by not in get_args(By), "by", asked.by, "unit or session"
    both = set(asked.starts) & set(asked.ends)
    yield bool(both), "end", asked.ends, "events that do not begin paths"
    for name, given in (("start", asked.starts), ("end", asked.ends)):
        missing = bool(asked.names) and not set(given) <= set(asked.names)
        yield missing, name, given, "events that are among names"
    odd = not isinstance(asked.steps, int) or not 1 <= asked.steps <= MOST_STEPS
    yield odd, "steps", asked.steps, f"a whole number from 1 to {MOST_STEPS}"
    odd = not isinstance(asked.top, int) or not 1 <= asked.top <= MOST_EVENTS
    yield odd, "top", asked.top, f"a whole number from 1 to {MOST_EVENTS}"
    days = asked.within_days
    yield days is not None and not arms, "within_days", days, "it with exposures only"
    yield days is not None and not is_above(days), "within_days", days, "more than 0 days"
    gap = asked.gap_minutes
    yield not is_above(gap), "gap_minutes", gap, "more than 0 minutes"


def _notes(log: EventLog, asked: Question, found: Walks, size: pd.DataFrame) -> tuple[str, ...]:
    things = "units" if asked.by == "unit" else "sessions"
    notes = [
        f"A path is what one of the {things} did, in order of time; events of one moment are in "
        f"the order of {'`names`' if len(asked.names) > 1 else 'the alphabet'}; "
        f"{found.tied:,} step{' shares its' if found.tied == 1 else 's share their'} moment with "
        "the step before."
    ]
    said = {
        "Repeats in a row are one step, at the time of the first.": asked.collapse,
        f"Only these events are on paths: {', '.join(asked.names)}.": asked.names,
        f"{OTHER}: all events but the {len(found.nodes) - 1} that are named.": OTHER in found.nodes,
        f"Paths begin with the first of: {', '.join(asked.starts)}.": asked.starts,
        f"Paths end with the first of these after it: {', '.join(asked.ends)}.": asked.ends,
        f"{found.without_id:,} events without a session id are left out.": found.without_id,
    }
    notes += [sentence for sentence, holds in said.items() if holds]
    if found.without_path and not (log.arms and asked.by == "unit"):
        notes.append(f"{found.without_path:,} {things} have no event of a path: left out.")
    if log.arms:
        notes += _notes_of_arms(log, asked, found, int(size["empty"].sum()))
    else:
        notes.append(
            f"{END} is the last event before {log.until}: who is not seen after it "
            "need not have left."
        )
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)


def _notes_of_arms(log: EventLog, asked: Question, found: Walks, empty: int) -> list[str]:
    assert log.arms is not None
    notes = [
        f"Events of the first {asked.within_days:g} days from exposure, of units whose days have "
        f"ended; {found.waiting:,} units still wait. {END} is the last event in these days."
    ]
    if log.arms.crossover:
        notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if asked.by == "unit":
        notes.append(f"{empty:,} units have no event of a path: they go from {START} to {END}.")
    shares = (
        "Shares of the step matrix are of all exposed units."
        if asked.by == "unit"
        else "So are shares of sessions: the treatment may change how many there are."
    )
    return [
        *notes,
        "What follows an event is of those who came there, whom the treatment may change: it shows "
        f"where arms part, and is no effect on all units. {shares}",
        "Differences are by unit; their p-values are adjusted for the false discovery rate over "
        f"all cells. Ratios with fewer than {LEAST_UNITS} units in a cell are not tested.",
    ]
