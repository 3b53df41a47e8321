"""Stickiness: on how many days units were active, as a histogram and as "at least"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

from abtest.cohorts.active_days import active_days_counts, first_day_of_window, too_long
from abtest.cohorts.choices import Choice, level_choice, refuse
from abtest.cohorts.differences import mean_differences, moments_of, share_differences
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.cohorts.retention_cells import Windows
from abtest.cohorts.shares import share_limits
from abtest.stats import MomentsTable

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment

MOST_DAYS = 366
Over = Literal["active", "all"]


@dataclass(frozen=True, eq=False, repr=False)
class Stickiness(CohortResult):
    """Active days of units in a window, as `stickiness` returns it.

    Attributes
    ----------
    table
        One row per cohort (an arm, or ``all``) and number of days: cohort, days, eligible (units
        of the cohort), units (active on exactly so many days), share, lower, upper, at_least
        (units active on so many days or more), at_least_share, at_least_lower, at_least_upper.
        Limits are Wilson's. Where no unit is eligible, shares are null. Day 0 is there only where
        units without activity are known: with arms, and over all units of the log.
    means
        One row per cohort: cohort, eligible, mean (active days per unit), rate (mean over days).
    differences
        Treatment minus control in the share active on at least so many days; None without arms.
    mean_differences
        Treatment minus control in mean active days (Welch); None without arms.
    """

    means: pd.DataFrame
    mean_differences: pd.DataFrame | None
    active: tuple[str, ...] | None
    days: int
    windows: Windows
    over: Over
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" with {', '.join(self.active)}" if self.active else ""
        return f"Active days{of}, of {self.days}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the histogram; with arms those of control and one treatment, and the difference.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.stickiness_picture import histogram, histograms

        return histogram(self) if self.differences is None else histograms(self, arm)

    def fragment(self) -> Fragment:
        """Return figure, notes and tables as HTML, Markdown and text."""
        from abtest.show.fragment import folded, join
        from abtest.show.frame_table import frame_table

        parts = [super().fragment(), folded("Means", frame_table(self.means, "Mean active days"))]
        if self.mean_differences is not None:
            shown = frame_table(self.mean_differences, "Mean active days: differences of the arms")
            parts.append(folded("Differences of the means", shown))
        return join(parts)


def stickiness(
    events: LogTable,
    *,
    active: str | Sequence[str] | None = None,
    days: int = 28,
    windows: Windows = "calendar",
    over: Over | None = None,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Stickiness:
    """Return on how many of some days units were active.

    Without exposures the window are the last complete calendar days before `as_of`. With
    exposures it starts at each unit's exposure, and only units count whose window is over; units
    without activity count as 0 days.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    active
        Events that count as activity; left out: any event.
    days
        Length of the window, at most 366.
    windows
        With exposures. ``calendar``: dates in the log's timezone, that of exposure is the first;
        what happened before exposure on it does not count. ``rolling``: days of 24 hours from the
        moment of exposure.
    over
        Without exposures. ``active``: units active in the window; the default. ``all``: units
        with any event before the end of the window; then 0 days are known too.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be, and for a window that begins before the log.
    DataError
        ``unknown_event`` and what `open_log` raises.

    Notes
    -----
    With shares p(k) of units active on at least k days, the mean of active days is the sum of
    p(k) over k from 1 on. Differences of shares have score limits by unit (Miettinen & Nurminen
    1985), that of means is Welch's. One row per unit: counting a unit again in every week of a
    range would make rows that depend on each other.

    The metric ``active_days_rate`` of the catalogue is the mean over calendar days with arms.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2, 3],
    ...         "event": "open",
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-07", "2026-01-05"]
    ...         ),
    ...     }
    ... )
    >>> found = stickiness(log, days=3, as_of="2026-01-08")
    >>> found.table[["days", "units", "at_least"]].values.tolist()
    [[1, 2, 3], [2, 0, 1], [3, 1, 1]]
    """
    log = open_log(events, **options)
    given = over
    over = over or "active"
    refuse(_choices(days, windows, given, arms=log.arms is not None))
    refuse([level_choice(confidence_level)])
    if log.arms is None:
        refuse([too_long(log, days)])
    log.require(active)
    names = None if active is None else names_of(active)
    counts = active_days_counts(log, names, days, windows, idle=over == "all")
    cohorts = ("all",) if log.arms is None else log.arms.names
    histograms = {name: counts.get(name, np.zeros(days + 1, dtype=np.int64)) for name in cohorts}
    first = 1 if log.arms is None and over == "active" else 0
    moments = {name: _moments(found) for name, found in histograms.items()}
    compared = log.arms is not None
    return Stickiness(
        table=_table(histograms, first, confidence_level),
        differences=_differences(histograms, confidence_level) if compared else None,
        notes=_notes(log, days, windows, over),
        means=_means(moments, days),
        mean_differences=mean_differences(
            moments, {"days": [days]}, confidence_level=confidence_level
        )
        if compared
        else None,
        active=names,
        days=days,
        windows=windows,
        over=over,
        confidence_level=confidence_level,
    )


def _choices(days: int, windows: str, over: str | None, *, arms: bool) -> Iterator[Choice]:
    yield not 1 <= days <= MOST_DAYS, "days", days, f"1 to {MOST_DAYS}"
    yield windows not in get_args(Windows), "windows", windows, "calendar or rolling"
    yield over not in (*get_args(Over), None), "over", over, "active or all"
    todo = "none with exposures: all exposed units count"
    yield arms and over is not None, "over", over, todo
    todo = "calendar without exposures: rolling days start at exposure"
    yield not arms and windows == "rolling", "windows", windows, todo


def _moments(histogram: np.ndarray[Any, np.dtype[np.int64]]) -> MomentsTable:
    place = np.arange(len(histogram), dtype=np.float64)
    sums = [float(place @ histogram)]
    squares = {(0, 0): [float((place * place) @ histogram)]}
    return moments_of([int(histogram.sum())], [sums], squares)


def _table(
    histograms: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]],
    first: int,
    confidence_level: float,
) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name, histogram in histograms.items():
        eligible = int(histogram.sum())
        at_least = histogram[::-1].cumsum()[::-1]
        for day in range(first, len(histogram)):
            exactly, more = int(histogram[day]), int(at_least[day])
            share, lower, upper = share_limits(exactly, eligible, confidence_level)
            more_share, more_lower, more_upper = share_limits(more, eligible, confidence_level)
            rows.append(
                {
                    "cohort": name, "days": day, "eligible": eligible,
                    "units": exactly, "share": share, "lower": lower, "upper": upper,
                    "at_least": more, "at_least_share": more_share,
                    "at_least_lower": more_lower, "at_least_upper": more_upper,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _means(moments: Mapping[str, MomentsTable], days: int) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {"cohort": name, "eligible": int(one.n[0]), "mean": one.mean[0, 0]}
        for name, one in moments.items()
    ]
    return pd.DataFrame(rows).assign(rate=lambda table: table["mean"] / days)


def _differences(
    histograms: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]], confidence_level: float
) -> pd.DataFrame:
    days = len(next(iter(histograms.values()))) - 1
    arms = {
        name: (np.full(days, found.sum()), found[::-1].cumsum()[::-1][1:])
        for name, found in histograms.items()
    }
    keys = {"at_least": list(range(1, days + 1))}
    return share_differences(arms, keys, confidence_level=confidence_level)


def _notes(log: EventLog, days: int, windows: Windows, over: Over) -> tuple[str, ...]:
    if log.arms is None:
        first, _ = first_day_of_window(log, days)
        who = (
            "Units active in the window; how many were not is not known."
            if over == "active"
            else "All units with an event before the end of the window; those who came late had "
            "fewer days to be active on."
        )
        found = [
            f"Active days are dates in {log.timezone}: the {days} complete days from "
            f"{first.isoformat()} on. {who}"
        ]
    else:
        kind = (
            f"dates in {log.timezone} from that of exposure on"
            if windows == "calendar"
            else "days of 24 hours from the moment of exposure"
        )
        found = [
            f"Active days are {days} {kind}, of units whose window was over by "
            f"{log.until}. Units without activity count as 0 days.",
            "Differences for at least k days share their units: p_adjusted is for reading all of "
            "them together (Holm).",
        ]
        if log.arms.crossover:
            found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
