"""Progression of purchases: of the units that bought k times, the share that bought once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.differences import share_differences
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.repeat_counts import Question, Reached, Waits, reached_of, waits_of
from abtest.cohorts.result import CohortResult
from abtest.errors import DataError
from abtest.stats import EventTimes, proportion_interval, survival_curve

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

_DAYS = 28.0
_MOST = 50
SELECTION = (
    "Selection, not effect: units that bought more often are other units. That more of them buy "
    "again does not say that bringing a unit to a second purchase makes it buy a third."
)


@dataclass(frozen=True, eq=False, repr=False)
class RepeatProgression(CohortResult):
    """Purchases in order, as `repeat_progression` returns them.

    Attributes
    ----------
    table
        Without arms, one row per purchase but the last: purchase (k), reached (units that made
        it), again (of these, units that made the next), share (of again in reached), lower, upper
        (Wilson); and, if asked for, within, within_lower, within_upper: the share that makes the
        next within so many days (Kaplan & Meier), null where nobody was watched so long.
        With arms, one row per arm and purchase: arm, purchase (k), units (exposed, whose days are
        over), reached, share (of reached in units), lower, upper, and after_previous, the share
        among units of the arm that made the purchase before.
    differences
        Treatment minus control, by unit; None without arms. Rows of kind ``exposed`` are shares of
        all exposed units, rows of kind ``conditional`` shares of units that made the purchase
        before: these were chosen by the treatment too, and their difference is no effect.
    """

    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" ({', '.join(self.asked.purchase)})" if self.asked.purchase else ""
        return f"Repeat purchases{of}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the share that bought once more; with arms the shares of exposed units.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.repeat_picture import arms, steps

        return steps(self) if self.differences is None else arms(self, arm)


def repeat_progression(
    events: LogTable,
    *,
    purchase: str | Sequence[str] | None = None,
    up_to: int = 6,
    within_days: float | None = None,
    days: float | None = None,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> RepeatProgression:
    """Return the share of units that bought once more, after the first, second ... purchase.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    purchase
        Events that are purchases; left out: any event.
    up_to
        The last purchase, from 2 to 50.
    within_days
        Calendar days in which the next purchase counts. Units that were watched for less time
        count as long as they were. Without exposures only.
    days
        Days of 24 hours from exposure in which purchases count; left out: 28. With exposures only.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice``.
    DataError
        ``unknown_event``, ``no_events`` without a purchase on a day that is over, and what
        `open_log` raises.

    Notes
    -----
    A purchase is a calendar date with one in the log's timezone: two on a date count once. The
    plain share has whatever time the log gives to each unit, which is less for units that bought
    late; ``within`` gives all the same time: 1 less the estimate of Kaplan & Meier (1958, JASA 53,
    457) of waiting longer, with its log-log interval. Differences of arms have score intervals by
    unit (Miettinen & Nurminen 1985).

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2, 2, 3],
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05", "2026-01-07", "2026-01-20"] + ["2026-01-06"] * 2 + ["2026-01-09"]
    ...         ),
    ...     }
    ... )
    >>> found = repeat_progression(log, up_to=3)
    >>> found.table[["purchase", "reached", "again"]].values.tolist()
    [[1, 3, 1], [2, 1, 1]]
    """
    log = open_log(events, **options)
    refuse(
        [*_choices(log.arms is not None, up_to, within_days, days), level_choice(confidence_level)]
    )
    log.require(purchase)
    asked = Question(
        None if purchase is None else names_of(purchase),
        int(up_to),
        None if within_days is None else float(within_days),
        float(_DAYS if days is None else days) if log.arms else None,
    )
    if log.arms is not None:
        found, waiting = reached_of(log, asked)
        return RepeatProgression(
            table=_arm_table(found, asked, confidence_level),
            differences=_differences(found, asked, confidence_level),
            notes=_arm_notes(log, asked, waiting),
            asked=asked,
            confidence_level=confidence_level,
        )
    waits = waits_of(log, asked)
    if not waits[1].reached:
        raise DataError(
            "There is no purchase on a day that is over",
            given=f"{log.label}, believed up to {log.until}",
            todo="check which events are purchases, and as_of",
            code="no_events",
        )
    return RepeatProgression(
        table=_table(waits, asked, confidence_level),
        differences=None,
        notes=_notes(log, asked),
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(
    arms: bool, up_to: int, within_days: float | None, days: float | None
) -> Iterator[Choice]:
    whole = isinstance(up_to, int | np.integer) and not isinstance(up_to, bool)
    yield not (whole and 2 <= up_to <= _MOST), "up_to", up_to, f"a whole number from 2 to {_MOST}"
    for name, given in (("within_days", within_days), ("days", days)):
        bad = given is not None and not is_above(given)
        yield bad, name, given, "more than 0 days"
    yield arms and within_days is not None, "within_days", within_days, "days with exposures"
    yield not arms and days is not None, "days", days, "within_days, or exposures"


def _share(part: int, units: int, confidence_level: float) -> dict[str, float]:
    if not units:
        return {"share": np.nan, "lower": np.nan, "upper": np.nan}
    low, high = proportion_interval(part, units, confidence_level=confidence_level).interval
    return {
        "share": part / units,
        "lower": np.nan if low is None else low,
        "upper": np.nan if high is None else high,
    }


def _table(waits: Mapping[int, Waits], asked: Question, confidence_level: float) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for place, wait in waits.items():
        row: dict[str, Any] = {"purchase": place, "reached": wait.reached, "again": wait.again}
        row |= _share(wait.again, wait.reached, confidence_level)
        if asked.within is not None:
            row |= _within(wait, asked.within, confidence_level)
        rows.append(row)
    return pd.DataFrame(rows)


def _within(wait: Waits, days: float, confidence_level: float) -> dict[str, float]:
    """Return the share that buys again within some days, where somebody was watched so long."""
    unknown = dict.fromkeys(("within", "within_lower", "within_upper"), np.nan)
    if not wait.reached:
        return unknown
    curve = survival_curve(
        EventTimes.from_table(wait.days, wait.events, wait.censored),
        confidence_level=confidence_level,
    )
    if days > curve.times[-1] and curve.survival[-1] > 0.0:
        return unknown
    left = curve.at(days)
    assert left.estimate is not None
    return {
        "within": 1.0 - left.estimate,
        "within_lower": np.nan if left.upper is None else 1.0 - left.upper,
        "within_upper": np.nan if left.lower is None else 1.0 - left.lower,
    }


def _arm_table(
    found: Mapping[str, Reached], asked: Question, confidence_level: float
) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for arm, own in found.items():
        before = own.units
        for k in range(1, asked.up_to + 1):
            reached = int(own.at_least[k - 1])
            rows.append(
                {"arm": arm, "purchase": k, "units": own.units, "reached": reached}
                | _share(reached, own.units, confidence_level)
                | {"after_previous": reached / before if before else np.nan}
            )
            before = reached
    return pd.DataFrame(rows)


def _differences(
    found: Mapping[str, Reached], asked: Question, confidence_level: float
) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for kind, first in (("exposed", 1), ("conditional", 2)):
        places = list(range(first, asked.up_to + 1))
        counts = {}
        for arm, own in found.items():
            reached = own.at_least[first - 1 :]
            below = own.at_least[:-1] if kind == "conditional" else [own.units] * len(places)
            counts[arm] = (below, reached)
        keys: dict[str, list[Any]] = {"kind": [kind] * len(places), "purchase": places}
        parts.append(share_differences(counts, keys, confidence_level=confidence_level))
    return pd.concat(parts, ignore_index=True)


def _notes(log: EventLog, asked: Question) -> tuple[str, ...]:
    notes = [
        f"A purchase is a calendar date with one, in {log.timezone}: two on a date count once.",
        SELECTION,
        "The plain share takes each unit for as long as the log has it: units that bought late had "
        "less time to buy again, so that it grows with the length of the log.",
    ]
    if asked.within is None:
        notes.append("within_days gives every unit the same time.")
    else:
        notes.append(
            f"within: the next purchase at most {asked.within:g} days later; units that were "
            "watched for less count as long as they were (Kaplan & Meier), as if those that bought "
            "late bought again as soon as the others."
        )
    notes.append("Units count as new from their first purchase in the log.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)


def _arm_notes(log: EventLog, asked: Question, waiting: int) -> tuple[str, ...]:
    assert log.arms is not None
    notes = [
        f"Purchases in the first {asked.days:g} days from exposure, of units whose days have "
        f"ended; {waiting:,} units still wait. A purchase is a calendar date with one, in "
        f"{log.timezone}.",
        "Shares of all exposed units compare the arms. Conditional rows are of units that made the "
        "purchase before, whom the treatment chose too: their difference is no effect.",
        SELECTION,
    ]
    if log.arms.crossover:
        notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
