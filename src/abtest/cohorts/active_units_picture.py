"""Pictures of active units: three lengths of time, or one of them by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.drawn_dates import drawn_dates
from abtest.show.line_plot import STYLES, NamedLine, line_plot
from abtest.show.numbers import count, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.active_units import ActiveUnits, Counted
    from abtest.show.drawing import Chart

NAMES: dict[str, str] = {"dau": "Daily", "wau": "Weekly", "mau": "Monthly"}


def by_length(found: ActiveUnits) -> Chart:
    """Return the lines of daily, weekly and monthly active units."""
    table, cut = drawn_dates(found.table, "day", "dau")
    last = table.iloc[-1]
    said = f"On {last['day']}: {count(last['dau'])} units active"
    if np.isfinite(last["dau_mau"]):
        said += (
            f", {count(last['wau'])} in 7 days and {count(last['mau'])} in {found.month}. Over "
            f"these {found.month} days a unit that was active at all was so on "
            f"{percent(last['dau_mau'], 1)} of the days (mean DAU over MAU)."
        )
    elif _last(table["mau"]) is None:
        said += f". The log has fewer than {found.month} days: no month is known."
    else:
        said += f", and none in {found.month} days."
    lines = [_line(NAMES[name], table[name]) for name in ("mau", "wau", "dau")]
    aside = "A picture, not a verdict: the ratio divides by those who were active."
    return line_plot(_words(found, (said, aside, cut), ""), tuple(table["day"]), lines)


def by_arm(found: ActiveUnits, counted: Counted) -> Chart:
    """Return one line per arm."""
    table, cut = drawn_dates(found.table, "day", "dau")
    parts = dict(tuple(table.groupby("cohort", sort=False)))
    ends = [
        f"{in_sentence(name)} {count(_last(part[counted]))} of "
        f"{count(part['exposed'].iloc[-1])} exposed units"
        for name, part in list(parts.items())[: len(STYLES)]
    ]
    dropped = len(parts) - len(ends)
    more = (
        f" In the table only: {', '.join(map(in_sentence, list(parts)[-dropped:]))}."
        if dropped
        else ""
    )
    day = found.table["day"].iloc[-1]
    which = NAMES[counted].lower()
    said = f"{NAMES[counted]} active units at the end, {day}: {'; '.join(ends)}.{more}"
    lines = [_line(str(name), part[counted]) for name, part in parts.items()]
    ticks = tuple(next(iter(parts.values()))["day"])
    aside = "A picture, not a verdict: counts grow with enrolment and with an arm's share of units."
    return line_plot(_words(found, (said, aside, cut), f", {which}"), ticks, lines)


def _line(name: str, values: pd.Series) -> NamedLine:
    numbers = np.asarray(values.astype("float64"), dtype=np.float64)
    return NamedLine(name, count(_last(values)), numbers)


def _last(values: pd.Series) -> float | None:
    value = values.astype("float64").iloc[-1]
    return float(value) if np.isfinite(value) else None


def _words(found: ActiveUnits, said: tuple[str, ...], which: str) -> Words:
    return Words(
        heading=found.title,
        said=tuple(text for text in said if text),
        axis=f"Units active{which}",
        below="Day",
        caption=f"{found.title}. {said[0]}",
        alt=f"{found.title}, lines. {said[0]}",
    )
