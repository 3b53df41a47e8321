"""A sentence with a table under it: how results of many rows show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


def listing(text: str, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Fragment:
    """Return a sentence and a table in all forms; the first column names the rows.

    Parameters
    ----------
    text
        The sentence: the caption of the table, and alone the plain form.
    heading
        Names of the columns.
    rows
        Cells as text, each row as long as the heading.
    """
    from abtest.show.fragment import Fragment
    from abtest.show.tables import Cell, Column, Group, Table

    columns = [Column(name, numeric=place > 0) for place, name in enumerate(heading)]
    table = Table(text, columns, [Group([[Cell(cell) for cell in row] for row in rows])]).fragment()
    return Fragment(f'<div class="abtest">{table.html}</div>', text, table.markdown)
