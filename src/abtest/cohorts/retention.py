"""Retention: of the units that started together, the share that came back in each later period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

from abtest.cohorts.choices import Choice, level_choice, refuse
from abtest.cohorts.differences import share_differences
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import (
    PERIODS,
    ROLLING_DAYS,
    Period,
    days_label,
    period_name,
)
from abtest.cohorts.result import CohortResult
from abtest.cohorts.retention_cells import Cell, Question, RetentionKind, Windows, cell_counts
from abtest.stats import proportion_interval

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

_WORDS: dict[str, str] = {
    "on": "came back in the period",
    "unbounded": "came back in the period or later",
    "bracket": "came back in the bracket",
    "streak": "came back in every period up to it",
}


@dataclass(frozen=True, eq=False, repr=False)
class Retention(CohortResult):
    """Retention by cohort and period, as `retention` returns it.

    Attributes
    ----------
    table
        One row per cohort (an arm, where arms are given) and period: cohort, period (0 is that of
        the start), label, size, eligible (units whose period has ended by `as_of`), retained,
        rate, lower, upper (Wilson), complete (all units are eligible). Nothing is known where no
        unit is eligible: rate and limits are null; nobody who came back is 0.
    pooled
        The same over all cohorts: retained over eligible units, so that cohorts weigh by their
        units.
    differences
        Treatment minus control per period; None without arms.
    """

    pooled: pd.DataFrame
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" of {', '.join(self.asked.back)}" if self.asked.back else ""
        return f"Retention{of} by {self.asked.period}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the triangle of cohorts; with arms the curves of control and one treatment.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.retention_picture import curves, triangle

        return triangle(self) if self.differences is None else curves(self, arm)


def retention(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    *,
    start: str | Sequence[str] | None = None,
    back: str | Sequence[str] | None = None,
    kind: RetentionKind = "on",
    period: Period = "week",
    windows: Windows | None = None,
    periods: int | None = None,
    brackets: Sequence[tuple[int, int]] | None = None,
    cohorts: Literal["first", "recurring"] = "first",
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Retention:
    """Return how many units of each cohort came back, period by period.

    A cohort are the units whose first start event lies in one calendar period; with `exposures`
    it is an arm, and time counts from each unit's exposure.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    start
        Events that start a unit's clock; left out: any event. Not with exposures.
    back
        Events that count as coming back; left out: any event.
    kind
        ``on``: in the period itself. ``unbounded``: in the period or later, up to a horizon of
        `periods`, the same for all units, so that a unit watched for longer has no better chance.
        ``bracket``: in one of `brackets`. ``streak``: in every period from 1 up to it.
    period
        ``day``, ``week`` (from Monday) or ``month``.
    windows
        ``calendar``: periods of the calendar in the log's timezone; the default. ``rolling``:
        24 hours, 7 or 28 days counted from the start; the default with exposures.
    periods
        The last period; left out: 30 days, 12 weeks or 12 months, as far as the log reaches.
    brackets
        First and last period of each bracket, such as ``[(1, 3), (4, 7)]``.
    cohorts
        ``first``: a unit starts once. ``recurring``: it starts anew in every calendar period in
        which it has a start event; its cohorts are then not independent, and are not pooled.
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
    A cell is complete when its period has ended by `as_of` for every unit; calendar cells are
    complete or unknown, rolling ones count the units whose period has ended. Limits are Wilson's;
    differences of arms have score limits by unit (Miettinen & Nurminen 1985).

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 2, 2, 3],
    ...         "event": "open",
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05", "2026-01-13", "2026-01-06", "2026-01-07", "2026-01-12"]
    ...         ),
    ...     }
    ... )
    >>> found = retention(log, period="week", as_of="2026-01-19")
    >>> found.table[["cohort", "period", "size", "retained"]].values.tolist()
    [['2026-01-05', 0, 2, 2], ['2026-01-05', 1, 2, 1], ['2026-01-12', 0, 1, 1]]
    """
    log = open_log(events, **options)
    asked = Question(
        kind=kind,
        period=period,
        windows=windows or ("rolling" if log.arms else "calendar"),
        start=None if start is None else names_of(start),
        back=None if back is None else names_of(back),
        periods=periods,
        brackets=tuple(brackets or ()),
        recurring=cohorts == "recurring",
    )
    refuse(_choices(asked, arms=log.arms is not None, cohorts=cohorts))
    refuse([level_choice(confidence_level)])
    log.require(start, back)
    cells, counts = cell_counts(log, asked)
    table = _table(counts, cells, log, asked, confidence_level)
    by_arm = None if log.arms is None else _differences(table, log.arms.names, confidence_level)
    return Retention(
        table=table,
        differences=by_arm,
        notes=_notes(log, asked),
        pooled=_pooled(table, confidence_level),
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, *, arms: bool, cohorts: str) -> Iterator[Choice]:
    known = get_args(RetentionKind)
    yield asked.kind not in known, "kind", asked.kind, "on, unbounded, bracket or streak"
    yield asked.period not in PERIODS, "period", asked.period, "day, week or month"
    windows = asked.windows
    yield windows not in get_args(Windows), "windows", windows, "calendar or rolling"
    yield cohorts not in ("first", "recurring"), "cohorts", cohorts, "first or recurring"
    periods = asked.periods
    odd = periods is not None and not (isinstance(periods, Integral) and periods >= 1)
    yield odd, "periods", periods, "a whole number, 1 or more"
    todo = "none with exposures: the clock starts at exposure"
    yield arms and asked.start is not None, "start", asked.start, todo
    todo = "first: units start anew in calendar periods only, and without arms"
    yield asked.recurring and (windows == "rolling" or arms), "cohorts", cohorts, todo
    brackets = asked.brackets
    todo = 'brackets=[(1, 3), ...] together with kind="bracket"'
    yield (asked.kind == "bracket") != bool(brackets), "brackets", brackets, todo
    todo = "pairs of periods from 1 on, such as (1, 3)"
    yield any(not 1 <= a <= b for a, b in brackets), "brackets", brackets, todo
    todo = "the horizon up to which coming back counts, the same for all units"
    yield asked.kind == "unbounded" and periods is None, "periods", periods, todo


def _table(
    counts: dict[Any, dict[str, int]],
    cells: Sequence[Cell],
    log: EventLog,
    asked: Question,
    confidence_level: float,
) -> pd.DataFrame:
    import pandas as pd

    order = list(counts) if log.arms is None else list(log.arms.names)
    rows: list[dict[str, Any]] = []
    for cohort in order:
        row = counts[cohort]
        name = cohort if log.arms is not None else period_name(int(cohort), asked.period)
        size = row["size"]
        labels = [(0, _label(0, 0, asked), size, size)]
        for cell in cells:
            last = cell.last if asked.kind == "bracket" else cell.number
            label = _label(cell.first if last > cell.number else cell.number, last, asked)
            counted = row[f"eligible{cell.number}"], row[f"retained{cell.number}"]
            labels.append((cell.number, label, *counted))
        for number, label, eligible, retained in labels:
            if not eligible and log.arms is None:
                continue  # beyond the log
            rows.append(
                {"cohort": name, "period": number, "label": label, "size": size,
                 "eligible": eligible, "retained": retained}
                | _share(retained, eligible, confidence_level)
                | {"complete": eligible == size}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _label(first: int, last: int, asked: Question) -> str:
    period = asked.period
    if asked.windows == "rolling":
        days = ROLLING_DAYS[period]
        if first == last:
            return days_label(first, days)
        return f"days {first * days}–{(last + 1) * days - 1}"
    return f"{period} {first}" if first == last else f"{period}s {first}–{last}"


def _share(retained: int, eligible: int, confidence_level: float) -> dict[str, float]:
    if not eligible:
        return {"rate": np.nan, "lower": np.nan, "upper": np.nan}
    found = proportion_interval(retained, eligible, confidence_level=confidence_level)
    low, high = found.interval
    return {
        "rate": retained / eligible,
        "lower": np.nan if low is None else low,
        "upper": np.nan if high is None else high,
    }


def _pooled(table: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for number, part in table.groupby("period", sort=True):
        eligible, retained = int(part["eligible"].sum()), int(part["retained"].sum())
        rows.append(
            {"period": number, "label": part["label"].iloc[0], "eligible": eligible,
             "retained": retained} | _share(retained, eligible, confidence_level)
        )  # fmt: skip
    return pd.DataFrame(rows)


def _differences(table: pd.DataFrame, arms: Sequence[str], confidence_level: float) -> pd.DataFrame:
    later = table[table["period"] > 0]
    parts = {name: later[later["cohort"] == name] for name in arms}
    keys = {name: parts[arms[0]][name].tolist() for name in ("period", "label")}
    counts = {name: (part["eligible"], part["retained"]) for name, part in parts.items()}
    return share_differences(counts, keys, confidence_level=confidence_level)


def _notes(log: EventLog, asked: Question) -> tuple[str, ...]:
    clock = (
        "counted from each unit's start"
        if asked.windows == "rolling"
        else f"of the calendar in {log.timezone}"
    )
    found = [
        f"A unit is retained if it {_WORDS[asked.kind]}; periods are {clock}. Period 0 is the "
        "size of the cohort, not activity.",
        f"Believed up to {log.until}. Cells are of units whose period has ended; "
        "others are not known, which is not 0.",
    ]
    if log.arms is None:
        found.append(
            "Units count as new from the first event in the log: those of before it look new in "
            "its first periods."
        )
    if asked.recurring:
        found.append(
            "A unit is in every cohort in whose period it started: rows share units, and pooled "
            "shares have no interval that holds."
        )
    if log.arms is not None and log.arms.crossover:
        found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
