"""What every helper returns: a tidy table, a figure, notes, differences of the arms."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment


@dataclass(frozen=True, eq=False)
class CohortResult:
    """The answer of a cohort helper; it shows itself in a notebook.

    Attributes
    ----------
    table
        Tidy table of the numbers.
    differences
        Treatment minus control by unit, one row per comparison; None without arms.
    notes
        Sentences on how to read it: what was left out, what the numbers cannot say.
    """

    table: pd.DataFrame
    differences: pd.DataFrame | None
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What it is, as the heading of its figure and table."""
        raise NotImplementedError

    def plot(self) -> Chart:
        """Return the figure that people expect of it, with alternative text."""
        raise NotImplementedError

    def fragment(self) -> Fragment:
        """Return figure, notes and tables as HTML, Markdown and text."""
        from abtest.show.fragment import folded, join
        from abtest.show.frame_table import frame_table, notes

        parts = [self.plot().fragment(), notes((*self.notes, *self._other_arms()))]
        parts.append(folded("Table", frame_table(self.table, self.title)))
        if self.differences is not None:
            shown = frame_table(self.differences, f"{self.title}: differences of the arms")
            parts.append(folded("Differences of the arms", shown))
        return join(parts)

    def _other_arms(self) -> tuple[str, ...]:
        """Return how to see the arms that a figure of one of several does not show."""
        if self.differences is None or "arm" not in signature(self.plot).parameters:
            return ()
        arms = [str(arm) for arm in dict.fromkeys(self.differences["arm"])]
        if len(arms) < 2:
            return ()
        return (
            f"The figure is of one of {len(arms)} treatments: {', '.join(arms)}; "
            f"plot({arms[-1]!r}) is that of another.",
        )

    def __str__(self) -> str:
        """Return the title, the notes and the table as text."""
        from abtest.show.fragment import join
        from abtest.show.frame_table import frame_table, notes

        return join([frame_table(self.table, self.title), notes(self.notes)]).text

    def __repr__(self) -> str:
        """Return what it is and how large."""
        return f"<{type(self).__name__}: {self.title}, {len(self.table):,} rows>"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return every form by MIME type, as notebooks ask for it."""
        return self.fragment()._repr_mimebundle_(include, exclude)
