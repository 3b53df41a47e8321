"""Data frames as tables for readers, and notes beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from abtest.show import escape
from abtest.show.fragment import Fragment
from abtest.show.numbers import MINUS, MISSING, count
from abtest.show.tables import Cell, Column, Group, Table

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 60
"""So many rows are shown; the frame has them all."""


def frame_table(frame: pd.DataFrame, caption: str, *, most: int = MOST_ROWS) -> Fragment:
    """Return the first rows of a frame as a table; the index is left out.

    Examples
    --------
    >>> import pandas as pd
    >>> steps = pd.DataFrame({"step": ["view"], "units": [1200], "share": [0.25]})
    >>> print(frame_table(steps, "Steps"))
    Steps
    step  units  share
    ----  -----  -----
    view  1,200   0.25
    """
    numeric = [frame[name].dtype.kind in "iufb" for name in frame.columns]
    columns = [
        Column(str(name).replace("_", " "), numeric=is_number)
        for name, is_number in zip(frame.columns, numeric, strict=True)
    ]
    rows = [
        [Cell(_text(value)) for value in row]
        for row in frame.head(most).itertuples(index=False, name=None)
    ]
    more = f" (first {most} of {len(frame):,} rows)" if len(frame) > most else ""
    return Table(f"{caption}{more}", columns, [Group(rows)]).fragment()


def notes(sentences: Sequence[str]) -> Fragment:
    """Return sentences as a list; nothing for none."""
    if not sentences:
        return Fragment("", "", "")
    items = "".join(f"<li>{escape.bdi(text)}</li>" for text in sentences)
    return Fragment(
        f'<div class="abtest"><ul>{items}</ul></div>',
        "\n".join(f"- {escape.line(text)}" for text in sentences),
        "\n".join(f"- {escape.markdown(text)}" for text in sentences),
    )


def _text(value: Any) -> str:
    if value is None or value is False or value is True:
        return {None: MISSING, True: "yes", False: "no"}[value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return MISSING
        return f"{value:,.4g}".replace("-", MINUS)
    text = str(value)
    return MISSING if text in ("NaT", "<NA>", "nan") else text
