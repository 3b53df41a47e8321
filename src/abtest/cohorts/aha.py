"""Aha moments: what units do in their first days that goes with coming back later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Unpack, get_args

import numpy as np

from abtest.cohorts.aha_counts import HALVES, Counted, Question, RankBy, counted
from abtest.cohorts.aha_ranking import best_of, candidates_of, window_text
from abtest.cohorts.aha_text import metric_text, notes_of
from abtest.cohorts.choices import Choice, level_choice, refuse
from abtest.cohorts.log import LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.data.source import nearest_of
from abtest.errors import DataError, UsageError
from abtest.stats import proportion_interval

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment

Role = Literal["primary", "secondary", "diagnostic"]


@dataclass(frozen=True, eq=False, repr=False)
class Aha(CohortResult):
    """Behaviours that go with coming back, as `aha` returns them: association, not effect.

    Attributes
    ----------
    table
        The best behaviour of each event, by rank: rank, behaviour, event, count (k), days (d);
        explored_reach, explored_phi and explored_difference in the half in which it was chosen;
        in the other half units, retained, did, both, the measures of `measures_of`, strength
        (negligible, weak, moderate, strong: phi from .2, .3, .4), and lower, upper, p_value and
        p_adjusted (Holm over the rows) of the difference.
    differences
        None: units chose what they did, so that there are no arms to compare.
    candidates
        Every behaviour with the same columns, score, and flag; rank is null where it is flagged
        or goes with staying away.
    cells
        Counts of units by event, days, half and exact count (0 too; the largest is that or more):
        units and retained.
    """

    candidates: pd.DataFrame
    cells: pd.DataFrame
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        landmark = self.asked.landmark
        first = "first day" if landmark == 1 else f"first {landmark:g} days"
        return (
            f"{first.capitalize()} and coming back on {window_text(self.asked.window)}: association"
        )

    def by_count(self, event: str | None = None, days: float | None = None) -> pd.DataFrame:
        """Return the share that came back by how often units did something, with Wilson's limits.

        Of the half in which behaviours were not chosen: count, units, retained, share, lower,
        upper.

        Parameters
        ----------
        event, days
            Left out: those of the best behaviour.

        Raises
        ------
        UsageError
            ``unknown_behaviour``.
        """
        import pandas as pd

        event, days = self.chosen(event, days)
        own = self.cells
        own = own[(own["event"] == event) & (own["days"] == days) & (own["half"] == HALVES[1])]
        rows = []
        for count, units, retained in zip(own["count"], own["units"], own["retained"], strict=True):
            row = {"count": count, "units": units, "retained": retained}
            if units:
                found = proportion_interval(
                    int(retained), int(units), confidence_level=self.confidence_level
                )
                row |= {"share": found.estimate, "lower": found.lower, "upper": found.upper}
            else:
                row |= {"share": np.nan, "lower": np.nan, "upper": np.nan}
            rows.append(row)
        return pd.DataFrame(rows)

    def chosen(self, event: str | None, days: float | None) -> tuple[str, float]:
        """Return the event and days that are named, or those of the best behaviour.

        Raises
        ------
        UsageError
            ``unknown_behaviour``.
        """
        known = [str(name) for name in dict.fromkeys(self.candidates["event"])]
        if not known or (event is not None and event not in known):
            raise UsageError(
                "There is no such behaviour",
                given=f"event={event!r}",
                todo=nearest_of(event or "", known, "events") if known else "look at more events",
                code="unknown_behaviour",
            )
        own = self.candidates
        if event is not None:
            own = own[own["event"] == event]
        if days is None:
            days = float(own["days"].iloc[0])
        if days not in self.asked.days:
            raise UsageError(
                "There is no such behaviour",
                given=f"days={days!r}",
                todo=f"name one of {', '.join(f'{d:g}' for d in self.asked.days)}",
                code="unknown_behaviour",
            )
        return str(own["event"].iloc[0]), days

    def plot(
        self,
        kind: Literal["grid", "counts"] = "grid",
        event: str | None = None,
        days: float | None = None,
    ) -> Chart:
        """Return phi by count and days of one event, or the share that came back by count.

        Parameters
        ----------
        kind
            ``grid`` or ``counts``.
        event, days
            Left out: those of the best behaviour; `days` is for ``counts``.
        """
        from abtest.cohorts.aha_picture import curve, grid

        refuse([(kind not in ("grid", "counts"), "kind", kind, "grid or counts")])
        return grid(self, event) if kind == "grid" else curve(self, event, days)

    def fragment(self) -> Fragment:
        """Return both figures, notes and the table as HTML, Markdown and text."""
        from abtest.show.fragment import join

        if self.candidates.empty:
            return super().fragment()
        return join([self.plot("counts").fragment(), super().fragment()])

    def experiment_text(
        self, rank: int = 1, *, role: Role = "secondary", mde: float | None = None
    ) -> str:
        """Return the entry of an experiment file that measures a behaviour of the table.

        Whether bringing units to a behaviour makes them stay only an experiment can say, on units
        that this table was not made of.

        Parameters
        ----------
        rank
            Of `table`.
        role
            ``primary`` needs an `mde`.
        mde
            The smallest relative gain worth the work.

        Raises
        ------
        UsageError
            ``bad_choice`` for a rank that the table has not, or a primary metric without `mde`.
        """
        most = len(self.table)
        todo = f"a rank from 1 to {most}" if most else "another question: no behaviour was found"
        refuse(
            [
                (not 1 <= rank <= most, "rank", rank, todo),
                (role not in get_args(Role), "role", role, "primary, secondary or diagnostic"),
                (role == "primary" and mde is None, "mde", mde, "the smallest gain worth the work"),
                (mde is not None and mde <= 0.0, "mde", mde, "a number above 0"),
            ]
        )
        row = self.table.iloc[rank - 1]
        return metric_text(str(row["event"]), int(row["count"]), float(row["days"]), role, mde)


def aha(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    *,
    behaviours: str | Sequence[str] | None = None,
    counts: Sequence[int] = (1, 2, 3, 5, 10),
    days: Sequence[float] = (1, 3, 7),
    outcome: str | Sequence[str] | None = None,
    outcome_window: tuple[float, float] = (14, 28),
    start: str | Sequence[str] | None = None,
    alive_within: float | None = None,
    holdout: float = 0.5,
    rank_by: RankBy = "phi_reach",
    top: int = 10,
    max_phi: float = 0.9,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Aha:
    """Return which behaviours of the first days go with coming back later: association, not effect.

    A behaviour is an event at least k times within d days of a unit's start. Behaviours are chosen
    in one half of the units and measured in the other: the best of many looks better than it is in
    the units in which it was found.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    behaviours
        Events to try; left out: all but `start`.
    counts, days
        The k and d to try. An event at the start counts, so that the start itself is the first
        time; one at the end of day d does not.
    outcome
        Events that count as coming back; left out: any event.
    outcome_window
        Days [a, b) after the start in which a unit must come back. They begin when the last of
        `days` is over, or later: what is counted twice would go with itself.
    start
        Events whose first starts a unit's clock; left out: any event. Not with exposures, whose
        control arm alone is read, from exposure on: what treatment changes must not define the
        metric that judges it.
    alive_within
        Only units with an event in so many days before the landmark, the last of `days`. Left
        out: all units, which are those that a metric of an experiment counts. Units that left
        early did little and did not come back, whatever they did: among all units that alone
        makes phi larger.
    holdout
        Share of the units in which behaviours are measured, not chosen; by a digest of the unit's
        name, the same on every engine and in every order of rows.
    rank_by
        ``phi_reach``: phi times reach, so that what few units do does not win; of behaviours with
        much the same phi it takes the one that more units reach. ``phi``: nearest to the count
        above which units differ. ``difference``: the lower limit of the difference, which prefers
        rare behaviours where units are many.
    top
        Events in the table; each stands there once, with its best k and d.
    max_phi
        Above it a behaviour is too good to be true, and is not ranked; nor is an event that is
        part of a named `outcome`.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be, such as windows that overlap.
    DataError
        ``unknown_event``; ``no_eligible_unit`` if no unit was watched to the end of the outcome's
        window; and what `open_log` raises.

    Notes
    -----
    Only units whose whole outcome window has ended count, whatever they did, and behaviours are
    over before it begins (landmark analysis: Anderson, Cain & Gelber 1983, J. Clin. Oncol. 1,
    710): no unit gets the time for a behaviour from having stayed. The measures are those of
    `abtest.cohorts.aha_measures.measures_of`; the difference is that of two shares with score
    limits (Miettinen & Nurminen 1985).

    Examples
    --------
    >>> import pandas as pd
    >>> times = {"a": [0, 1, 15], "b": [0, 2, 20], "c": [0], "d": [0], "e": [0, 1, 16], "f": [0]}
    >>> log = pd.DataFrame(
    ...     [
    ...         (unit, "like" if day in (1, 2) else "open", pd.Timestamp(2026, 1, 1 + day))
    ...         for unit, own in times.items()
    ...         for day in own
    ...     ],
    ...     columns=["user_id", "event", "time"],
    ... )
    >>> found = aha(log, behaviours="like", counts=[1], days=[7], max_phi=1.0, as_of="2026-02-01")
    >>> found.table["behaviour"].tolist(), found.table["phi"].tolist()
    (['like at least once within 7 days'], [1.0])
    """
    log = open_log(events, **options)
    asked = Question(
        behaviours=None if behaviours is None else names_of(behaviours),
        counts=tuple(sorted(set(counts))),
        days=tuple(sorted({float(d) for d in days})),
        outcome=None if outcome is None else names_of(outcome),
        window=(float(outcome_window[0]), float(outcome_window[1])),
        start=None if start is None else names_of(start),
        alive=alive_within,
        holdout=holdout,
        top=top,
        max_phi=max_phi,
        rank_by=rank_by,
    )
    refuse([*_choices(asked, arms=log.arms is not None), level_choice(confidence_level)])
    log.require(behaviours, outcome, start)
    found = counted(log, asked)
    if not found.alive:
        raise DataError(
            "No unit was watched to the end of the outcome's window",
            given=f"{found.started:,} units started, {found.watched:,} of them {asked.window[1]:g} "
            f"days or more before {log.until}"
            + (", none alive at the landmark" if found.watched else ""),
            todo="ask for an earlier outcome_window, or wait",
            code="no_eligible_unit",
        )
    candidates = candidates_of(found, asked, confidence_level)
    return Aha(
        table=best_of(candidates, asked, confidence_level),
        differences=None,
        notes=notes_of(log, asked, found, candidates),
        candidates=candidates,
        cells=_with_zeros(found, asked),
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, *, arms: bool) -> Iterator[Choice]:
    counts, days, (begin, end) = asked.counts, asked.days, asked.window
    whole = all(isinstance(k, int) and k >= 1 for k in counts)
    yield not counts or not whole, "counts", counts, "whole numbers from 1 on"
    yield not days or not all(d > 0 for d in days), "days", days, "days above 0"
    yield not begin < end, "outcome_window", asked.window, "two days, the first below the second"
    todo = f"days from {asked.landmark:g} on, when the last behaviour is over"
    yield begin < asked.landmark, "outcome_window", asked.window, todo
    todo = "none with exposures: the clock starts at exposure"
    yield arms and asked.start is not None, "start", asked.start, todo
    names = asked.behaviours
    yield names == (), "behaviours", names, "one event or more"
    alive = asked.alive
    todo = f"days above 0, at most the {asked.landmark:g} before the landmark"
    yield alive is not None and not 0 < alive <= asked.landmark, "alive_within", alive, todo
    yield not 0.0 < asked.holdout < 1.0, "holdout", asked.holdout, "a share between 0 and 1"
    known = get_args(RankBy)
    yield asked.rank_by not in known, "rank_by", asked.rank_by, "phi_reach, phi or difference"
    yield asked.top < 1, "top", asked.top, "1 or more"
    yield not 0.0 < asked.max_phi <= 1.0, "max_phi", asked.max_phi, "a number above 0, at most 1"


def _with_zeros(found: Counted, asked: Question) -> pd.DataFrame:
    """Return the cells with every count from 0 on for every event, days and half."""
    import pandas as pd

    events = sorted(set(found.cells["event"]) | set(asked.behaviours or ()))
    if not events:
        return found.cells
    counts = range(max(asked.counts) + 1)
    keys = ["event", "days", "half", "count"]
    index = pd.MultiIndex.from_product([events, asked.days, HALVES, counts], names=keys)
    whole = found.cells.set_index(keys)[["units", "retained"]].reindex(index, fill_value=0)
    whole = whole.reset_index()
    done = whole.groupby(["event", "days", "half"])[["units", "retained"]].transform("sum")
    none = whole["count"] == 0
    for position, name in enumerate(("units", "retained")):
        base = whole["half"].map({half: found.base[half][position] for half in HALVES})
        whole.loc[none, name] = (base - done[name])[none]
    return whole
