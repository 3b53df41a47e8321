"""All parts of one report, ready to be shown cell by cell in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from abtest.show import banner, effect_table, forest_plot, metric_notes, origin, segment_table
from abtest.show import trust_box as trust_module
from abtest.show.effect_words import Row, as_row
from abtest.show.forest_rows import Scale
from abtest.show.fragment import Fragment, join, section

if TYPE_CHECKING:
    from abtest.show.drawing import Chart


HYPOTHESIS = "Hypothesis"
"""The further fact that stands under the verdict instead of at the foot."""


@dataclass(frozen=True, init=False, repr=False)
class Page:
    """The parts of a report, made from a verdict and the notes on its metrics.

    Parameters
    ----------
    document
        A verdict as in `verdict.json`.
    notes
        One row per metric with ``metric``, ``label``, ``sentence``, ``window`` and
        ``direction``: mappings or dataclasses.
    extra
        Further facts for the foot of the report, by name; ``Hypothesis`` stands at the top.
    charts
        What draws the pictures of a metric, by metric; called when they are shown.
    courses
        What draws the pictures over time since exposure.
    """

    document: Row
    notes: tuple[Row, ...]
    extra: Mapping[str, str]
    charts: Mapping[str, Callable[[], Sequence[Chart]]]
    courses: Callable[[], Sequence[Chart]]

    def __init__(
        self,
        document: Row,
        notes: Iterable[object] = (),
        extra: Mapping[str, str] | None = None,
        charts: Mapping[str, Callable[[], Sequence[Chart]]] | None = None,
        courses: Callable[[], Sequence[Chart]] = tuple,
    ) -> None:
        object.__setattr__(self, "document", document)
        object.__setattr__(self, "charts", dict(charts or {}))
        object.__setattr__(self, "courses", courses)
        object.__setattr__(self, "notes", tuple(as_row(note) for note in notes))
        object.__setattr__(self, "extra", dict(extra or {}))

    def headline(self) -> Fragment:
        """Return the verdict, the result in one sentence, and why."""
        return banner.verdict(self.document, self.notes, self.extra.get(HYPOTHESIS, ""))

    def trust(self) -> Fragment:
        """Return checks, arms, exclusions and departures from the plan."""
        return trust_module.trust(self.document, self.notes)

    def effects(self) -> Fragment:
        """Return the table of effects."""
        return effect_table.effects(self.document, self.notes)

    def forest(self, scale: Scale = "relative") -> Fragment:
        """Return the forest plot of relative or absolute effects."""
        return forest_plot.forest_fragment(self.document, self.notes, scale)

    def forest_chart(self, scale: Scale = "relative") -> Chart:
        """Return the forest plot as a matplotlib figure."""
        return forest_plot.forest(self.document, self.notes, scale)

    def pictures(self) -> Fragment:
        """Return the pictures of metrics that have some, and those over time since exposure."""
        drawn = [chart.fragment() for draw in self.charts.values() for chart in draw()]
        if not drawn:
            return self.over_time()
        standing = effect_table.standing(self.document)
        own = section("Distributions and times", standing, *drawn, name="pictures")
        return join([own, self.over_time()])

    def over_time(self) -> Fragment:
        """Return retention, the funnel and effects by age; empty when there are none."""
        drawn = [chart.fragment() for chart in self.courses()]
        if not drawn:
            return Fragment("", "", "")
        return section(
            "Over time since exposure",
            effect_table.standing(self.document),
            *drawn,
            name="over-time",
        )

    def segments(self) -> Fragment:
        """Return the effects within segments; empty when there are none."""
        return segment_table.segments(self.document, self.notes)

    def definitions(self) -> Fragment:
        """Return what every metric means and how it was judged."""
        return metric_notes.definitions(self.notes, self.document)

    def not_computed(self) -> Fragment:
        """Return what could not be computed and why; empty when everything was."""
        return metric_notes.not_computed(self.document, self.notes)

    def provenance(self) -> Fragment:
        """Return where the numbers come from."""
        facts = {name: fact for name, fact in self.extra.items() if name != HYPOTHESIS}
        return origin.provenance(self.document, facts)

    def summary(self) -> Fragment:
        """Return what a person asks first: the verdict, the effects, the trust box."""
        return join([self.headline(), self.effects(), self.trust()])

    def __str__(self) -> str:
        """Return the summary as plain text."""
        return self.summary().text

    def __repr__(self) -> str:
        """Return the name of the experiment and its verdict."""
        return f"Page({self.document['experiment']!r}, verdict={self.document['verdict']!r})"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, object]]:
        """Return the summary in every form."""
        return self.summary()._repr_mimebundle_(include, exclude)
