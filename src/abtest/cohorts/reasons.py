"""Why units leave: the share of each reason, and whether arms differ in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import ibis
import numpy as np

from abtest.cohorts.choices import Choice, level_choice, refuse
from abtest.cohorts.differences import share_differences
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.cohorts.shares import share_limits
from abtest.cohorts.watched import Watched, watched
from abtest.data.clock import microseconds
from abtest.errors import DataError
from abtest.stats import NotEstimable, Test, association

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

ALL = "all"
"""Name of the one group where there are no arms."""
NO_REASON = "no reason given"
"""What units have whose event says nothing."""
MOST_REASONS = 200


@dataclass(frozen=True, eq=False, repr=False)
class Reasons(CohortResult):
    """Why units left, as `reasons` returns it.

    Attributes
    ----------
    table
        One row per arm (or ``all``) and reason, the most frequent first: arm, reason, units, left
        (units of the arm that left), share, lower, upper (of those that left; Wilson), exposed
        (units of the arm; null without arms), of_exposed.
    differences
        Treatment minus control in the share of **exposed** units that left for each reason, by
        score limits; None without arms.
    composition
        Chi-square test of whether those who left have the same reasons in all arms; None without
        arms, or where fewer than two arms or reasons have units.
    """

    composition: Test | None
    days: int | None
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        within = "" if self.days is None else f" within {self.days} days"
        return f"Why units left{within}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return a bar for each reason; with arms those of control and one treatment.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.reasons_picture import picture

        return picture(self, arm)


def reasons(
    events: LogTable,
    left: str | Sequence[str],
    *,
    days: int | None = None,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Reasons:
    """Return for which reasons units left.

    A unit counts once, with the last of its events of leaving. The reason is what the column
    `property` of that event says; where no column is named, the name of the event. Units that
    gave no reason are shown as such: shares are of all who left, and no share is made larger
    because others did not answer.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    left
        Events of leaving, such as ``"cancel"``, or one for each reason.
    days
        With exposures, the days of 24 hours from each unit's exposure in which it left, of units
        whose window is over; 28 where left out. Without, all of the log counts.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`; ``property=`` names the column of reasons.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be.
    DataError
        ``unknown_event``, ``too_many_reasons``, and what `open_log` raises.

    Notes
    -----
    With exposures the differences are of all exposed units (Miettinen & Nurminen's score
    limits), which randomisation makes comparable. The test of the composition (Pearson's
    chi-square) is among those who left: who they are may itself be an effect of the treatment.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 2, 3, 4, 4],
    ...         "event": "cancel",
    ...         "why": ["price", "price", None, "price", "unused"],
    ...         "time": pd.to_datetime(["2026-01-05"] * 4 + ["2026-01-06"]),
    ...     }
    ... )
    >>> found = reasons(log, "cancel", property="why", as_of="2026-02-01")
    >>> found.table[["reason", "units", "share"]].values.tolist()
    [['price', 2, 0.5], ['no reason given', 1, 0.25], ['unused', 1, 0.25]]
    """
    log = open_log(events, **options)
    names = names_of(left)
    refuse(_choices(names, days, arms=log.arms is not None))
    refuse([level_choice(confidence_level)])
    log.require(names)
    window = None if log.arms is None else (28 if days is None else days)
    exposed = None if window is None else watched(log, window)
    counts = _counts(log, names, exposed, window)
    units = None if exposed is None else exposed.counts
    return Reasons(
        table=_table(counts, units, confidence_level),
        differences=None if units is None else _differences(counts, units, confidence_level),
        notes=_notes(log, window, 0 if exposed is None else exposed.waiting),
        composition=None if units is None else _composition(counts),
        days=window,
        confidence_level=confidence_level,
    )


def _choices(names: tuple[str, ...], days: int | None, *, arms: bool) -> Iterator[Choice]:
    yield not names, "left", names, "the event of leaving, or several"
    yield days is not None and not arms, "days", days, "it with exposures only"
    yield days is not None and days < 1, "days", days, "1 day or more"


def _counts(
    log: EventLog, names: tuple[str, ...], exposed: Watched | None, days: int | None
) -> pd.DataFrame:
    """Return units by reason (rows, the most frequent first) and arm (columns)."""
    import pandas as pd

    events = log.named(names)
    reason = events["property"] if "property" in events.columns else events["event"]
    rows = events.mutate(reason=reason.fill_null(NO_REASON))
    arms: tuple[str, ...] = (ALL,)
    if exposed is None or days is None:
        rows = rows.select("unit", "reason", "time", arm=ibis.literal(ALL))
    else:
        arms = tuple(exposed.counts)
        joined = rows.join(exposed.units, "unit")
        passed = joined["time"].delta(joined["start"], unit="microsecond")
        inside = joined.filter((passed >= 0) & (passed < microseconds(days)))
        rows = inside.select("unit", "reason", "time", "arm")
    latest = ibis.window(group_by="unit", order_by=[rows["time"].desc(), rows["reason"]])
    last = rows.mutate(place=ibis.row_number().over(latest))
    last = last.filter(last["place"] == 0)
    found = log.run(last.group_by("arm", "reason").aggregate(n=last.count())).to_pandas()
    wide = found.pivot(index="reason", columns="arm", values="n")
    wide = wide.reindex(columns=list(arms)).fillna(0).astype("int64")
    if len(wide) > MOST_REASONS:
        raise DataError(
            "There are too many reasons to be shown",
            given=f"{len(wide):,} different ones in {log.label}",
            todo=f"group them into {MOST_REASONS} at most, in a column named by property=...",
            code="too_many_reasons",
        )
    order = wide.assign(total=wide.sum(axis=1), name=wide.index)
    order = order.sort_values(["total", "name"], ascending=[False, True])
    return pd.DataFrame(wide.reindex(order.index))


def _table(
    counts: pd.DataFrame, exposed: Mapping[str, int] | None, confidence_level: float
) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for arm in counts.columns:
        left = int(counts[arm].sum())
        whole = None if exposed is None else exposed[arm]
        for reason, units in counts[arm].items():
            share, lower, upper = share_limits(int(units), left, confidence_level)
            rows.append(
                {
                    "arm": arm, "reason": reason, "units": int(units), "left": left,
                    "share": share, "lower": lower, "upper": upper, "exposed": whole,
                    "of_exposed": int(units) / whole if whole else np.nan,
                }
            )  # fmt: skip
    columns = ["arm", "reason", "units", "left", "share", "lower", "upper", "exposed", "of_exposed"]
    return pd.DataFrame(rows, columns=columns)


def _differences(
    counts: pd.DataFrame, exposed: Mapping[str, int], confidence_level: float
) -> pd.DataFrame:
    arms = {
        arm: (np.full(len(counts), exposed[arm]), counts[arm].to_numpy()) for arm in counts.columns
    }
    keys = {"reason": [str(reason) for reason in counts.index]}
    return share_differences(arms, keys, confidence_level=confidence_level)


def _composition(counts: pd.DataFrame) -> Test | None:
    try:
        return association(counts.T.to_numpy().tolist())
    except NotEstimable:
        return None


def _notes(log: EventLog, days: int | None, waiting: int) -> tuple[str, ...]:
    notes = [
        "Each unit counts once, with its last event of leaving. Shares are of all who left: those "
        "who gave no reason are one of the rows, and the others are not made larger for them.",
    ]
    if days is not None and log.arms is not None:
        notes.append(
            f"Units that left within {days} days of exposure, of those whose {days} days were over "
            f"by {log.until}; {waiting:,} units still wait."
        )
        notes.append(
            "Differences are of all exposed units. The test of the reasons is among those who "
            "left: who they are may itself be an effect, so it describes and decides nothing."
        )
        if log.arms.crossover:
            notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    notes.append("A reason that people give is not always what made them leave.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
