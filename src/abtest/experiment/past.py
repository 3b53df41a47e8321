"""Segments that the log itself gives: what units did before exposure, in levels."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from abtest.data.request import PastLevels, UnitValue
from abtest.data.settings import Name, Names, Table
from abtest.metrics.activity import Counted, EventNames, Window, counted_value, names_of

Number = Annotated[float, Field(allow_inf_nan=False)]
DEFAULT_WINDOW = (-28.0, 0.0)


class PastSegment(Table):
    """Units by what they did before exposure: new or existing, light or heavy."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=60)]
    """Name of the segment; small letters, digits and underscores."""
    metric: Name | None = None
    """A metric of this experiment, whose value before exposure is taken."""
    event: EventNames | None = None
    """Instead of a metric: the event that is counted, or a list of events; "*" is any."""
    ignore: Names = ()
    """Events that do not count where `event` is "*"."""
    aggregate: Literal["count", "any", "sum", "distinct_days", "distinct_events"] = "count"
    """How the events become one number."""
    window_days: Window | None = None
    """[start, end) in days before exposure; left out: [-28, 0]."""
    cuts: Annotated[tuple[Number, ...], Field(strict=False, min_length=1)] = (1.0,)
    """Where a new level begins: [1, 5] makes three, below 1, from 1 to below 5, and from 5 on."""
    labels: Names = ()
    """Names of the levels, from the lowest on; left out: made from the cuts."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels, from the lowest on."""
        return self.labels or level_names(self.cuts)

    def plan(self, of_metric: UnitValue | None) -> PastLevels:
        """Return what the data must give; `of_metric` is the metric's value before exposure."""
        return PastLevels(self.name, of_metric or self._counted(), self.cuts, self.levels)

    def _counted(self) -> UnitValue:
        assert self.event is not None
        counted = Counted(names_of(self.event), self.ignore)
        return counted_value(counted, self.aggregate, self.window_days or DEFAULT_WINDOW, "rolling")


def level_names(cuts: tuple[float, ...]) -> tuple[str, ...]:
    """Return names of the levels between cuts.

    Examples
    --------
    >>> level_names((1.0, 5.0))
    ('below 1', '1 to below 5', '5 or more')
    """
    between = (f"{low:g} to below {high:g}" for low, high in pairwise(cuts))
    return (f"below {cuts[0]:g}", *between, f"{cuts[-1]:g} or more")
