"""Pictures of maturity: units whose window is over, by date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.drawn_dates import drawn_dates
from abtest.show.line_plot import STYLES, NamedLine, line_plot
from abtest.show.numbers import count, percent
from abtest.show.plot_frame import Words, in_sentence

if TYPE_CHECKING:
    import pandas as pd

    from abtest.cohorts.maturity import Maturity
    from abtest.show.drawing import Chart


def by_window(found: Maturity) -> Chart:
    """Return one line per window."""
    drawn = found.days[-len(STYLES) :]
    rows = {row["days"]: row for row in found.table.to_dict("records")}
    said = "; ".join(
        f"{_days(days)} {count(rows[days]['mature'])} ({percent(rows[days]['share'], 1)})"
        for days in drawn
    )
    units = int(rows[drawn[-1]]["units"])
    sentence = f"Of {count(units)} unit{'' if units == 1 else 's'}, so many have completed: {said}."
    table, cut = drawn_dates(found.by_date, "date", "mature")
    parts = dict(tuple(table.groupby("days")))
    lines = [
        NamedLine(
            _days(days), f"all on {rows[days]['complete_on']}", _values(parts[days]["mature"])
        )
        for days in drawn
    ]
    return line_plot(
        _words(found, "", sentence, cut), tuple(parts[drawn[0]]["date"]), lines,
        mark=_mark(table, found),
    )  # fmt: skip


def by_arm(found: Maturity, days: int) -> Chart:
    """Return one line per arm for one window."""
    rows = found.table[found.table["days"] == days].to_dict("records")
    drawn = rows[: len(STYLES)]
    said = "; ".join(
        f"{in_sentence(row['cohort'])} {percent(row['share'], 1)} of {count(row['units'])}"
        for row in drawn
    )
    last = max((str(row["complete_on"]) for row in rows if row["complete_on"]), default="")
    sentence = f"Units that have completed {_days(days)}: {said}. All will have by {last}."
    if len(rows) > len(drawn):
        others = (in_sentence(row["cohort"]) for row in rows[len(drawn) :])
        sentence += f" In the table only: {', '.join(others)}."
    table, cut = drawn_dates(found.by_date[found.by_date["days"] == days], "date", "mature")
    parts = dict(tuple(table.groupby("cohort")))
    lines = [
        NamedLine(
            row["cohort"], f"{count(row['mature'])} now", _values(parts[row["cohort"]]["share"])
        )
        for row in drawn
    ]
    ticks = tuple(parts[rows[0]["cohort"]]["date"])
    words = _words(found, f", {_days(days)}", sentence, cut)
    return line_plot(words, ticks, lines, percent=True, mark=_mark(table, found))


def _mark(table: pd.DataFrame, found: Maturity) -> tuple[int, str]:
    dates = list(dict.fromkeys(table["date"]))
    return dates.index(found.as_of_date), "as of"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _values(values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(values, dtype=np.float64)


def _words(found: Maturity, which: str, said: str, cut: str) -> Words:
    heading = f"{found.title}{which}"
    aside = "Dates ahead are of units that have started already."
    return Words(
        heading=heading,
        said=(said, aside, *([cut] if cut else [])),
        axis="Share of units whose window is over" if which else "Units whose window is over",
        below="Date",
        caption=f"{heading}, by date. {said} {aside}",
        alt=f"{heading}, lines by date. {said}",
    )
