"""The picture of a log's health: events per day, gaps marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.show.bar_plot import Bars, stacked_bars
from abtest.show.numbers import count
from abtest.show.plot_frame import Words

if TYPE_CHECKING:
    from abtest.cohorts.log_health import LogHealth
    from abtest.show.drawing import Chart

LONGEST = 400
"""So many days are drawn, the last ones."""


def by_day(found: LogHealth) -> Chart:
    """Return events per day; days without events are hatched."""
    daily = found.daily.tail(LONGEST)
    dropped = len(found.daily) - len(daily)
    gaps = int(found.daily["gap"].sum())
    numbers = dict(zip(found.table["check"], found.table["value"], strict=True))
    days = f"{count(len(found.daily))} day{'' if len(found.daily) == 1 else 's'}"
    said = (
        f"{count(numbers['rows'])} rows, {days} from the first event to the last, "
        f"{count(gaps)} of them without events."
        if len(found.daily)
        else f"{count(numbers['rows'])} rows, and no event of after the year 2000."
    )
    look = found.table[found.table["status"] == "look"]["check"].tolist()
    second = f"To look at: {', '.join(look)}." if look else "Nothing asks for a second look."
    hatched = "Hatched: no event on the day." if gaps else ""
    more = f"The first {count(dropped)} days are in the table only." if dropped else ""
    words = Words(
        heading=found.title,
        said=tuple(text for text in (said, second, f"{hatched} {more}".strip()) if text),
        axis="Events per day, repeats included",
        below="Day",
        caption=f"{found.title}: events per day. {said} {second}",
        alt=f"{found.title}, events per day as bars. {said} {second}",
    )
    if not len(daily):
        nothing = Bars("Events", np.array([np.nan]), "info")
        return stacked_bars(words, ("",), [nothing])
    bars = Bars("Events", daily["events"].to_numpy(dtype=np.float64), "info")
    return stacked_bars(words, tuple(daily["day"]), [bars], unknown=daily["gap"].to_numpy())
