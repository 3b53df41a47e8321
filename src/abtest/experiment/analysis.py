"""What an analyst holds in the hand: an experiment, and what its data say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from abtest.data.source import nearest_of
from abtest.errors import UsageError
from abtest.experiment.document import Reason, VerdictDocument
from abtest.experiment.notes import MetricNote, notes
from abtest.experiment.requests import metric_requests
from abtest.experiment.resolve import Resolved
from abtest.files import write_json

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from abtest.cohorts import EventLog
    from abtest.data.samples import Sample
    from abtest.experiment.ruling import Ruled
    from abtest.metrics import MetricDefinition
    from abtest.show.drawing import Chart
    from abtest.show.page import Page

REPORTS = "reports"
VERDICT_FILE = "verdict.json"


@dataclass(frozen=True)
class Verdict:
    """The decision, in one sentence and with reasons."""

    decision: str
    headline: str
    recommended_variant: str | None
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        """Return the headline."""
        return self.headline


@dataclass(frozen=True, eq=False)
class Experiment:
    """A resolved experiment file and the data it names (or frames given instead).

    Made by `abtest.load`.
    """

    resolved: Resolved
    frames: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.resolved.spec.experiment.name

    def analyze(self, as_of: str | datetime | None = None) -> Analysis:
        """Return what the data say.

        Parameters
        ----------
        as_of
            Moment up to which data are believed, as a datetime with a zone or as text; a
            date is its midnight in the experiment's timezone. Left out: the midnight after
            the latest time in the data.

        Raises
        ------
        DataError
            When the data are missing, unreadable or not what the file says.
        """
        from abtest.data import measure
        from abtest.experiment.courses import course_requests, courses
        from abtest.experiment.ruling import rule

        spec = self.resolved.spec
        requests = metric_requests(spec)
        beside = [one for course in courses(spec) for one in course_requests(course).values()]
        moment = moment_of(as_of, spec.experiment.timezone)
        measured = measure(
            spec.data,
            (*requests.values(), *beside),
            spec.design(),
            root=self.resolved.root,
            frames=self.frames,
            as_of=moment,
        )
        return Analysis(self, rule(spec, self.resolved.sha256, measured, requests))

    def event_log(self, as_of: str | datetime | None = None) -> EventLog:
        """Return the experiment's log with its arms, for the helpers of `abtest.cohorts`.

        Parameters
        ----------
        as_of
            As in `analyze`.

        Raises
        ------
        UsageError
            ``no_event_log`` for experiments on other data.
        DataError
            When the data are missing, unreadable or not what the file says.
        """
        from abtest.experiment.event_log import experiment_log

        moment = moment_of(as_of, self.resolved.spec.experiment.timezone)
        return experiment_log(self.resolved, self.frames, moment)

    def __repr__(self) -> str:
        """Return name, title and metrics."""
        spec = self.resolved.spec
        return f"Experiment({self.name!r}, {len(spec.metrics)} metrics, {spec.data.kind} data)"


@dataclass(frozen=True, eq=False)
class Analysis:
    """What the data of one experiment say: verdict, effects, checks, pictures.

    Made by `Experiment.analyze`. `output` is the folder that `save` writes to.
    """

    experiment: Experiment
    ruled: Ruled
    output: Path | None = field(default=None)

    @property
    def document(self) -> VerdictDocument:
        """The verdict as `verdict.json` holds it."""
        return self.ruled.document

    @property
    def verdict(self) -> Verdict:
        """The decision with its headline and reasons."""
        document = self.document
        return Verdict(
            document.verdict,
            document.headline,
            document.recommended_variant,
            tuple(document.reasons),
        )

    @cached_property
    def effects(self) -> pd.DataFrame:
        """One row per metric, treatment arm and segment."""
        from abtest.experiment.frames import effects_frame

        return effects_frame(self.to_dict())

    @cached_property
    def checks(self) -> pd.DataFrame:
        """One row per check."""
        from abtest.experiment.frames import checks_frame

        return checks_frame(self.to_dict())

    @cached_property
    def definitions(self) -> tuple[MetricNote, ...]:
        """What each metric measures, in a sentence, with its day range."""
        return notes(self.experiment.resolved.spec)

    @cached_property
    def show(self) -> Page:
        """The parts of the report, each a rich object."""
        from abtest.experiment.context import page_context
        from abtest.show.page import Page

        return Page(
            self.to_dict(),
            self.definitions,
            page_context(self.experiment.resolved),
            {metric.id: partial(self._drawn, metric) for metric in self.metrics},
            self._courses,
        )

    @property
    def metrics(self) -> tuple[MetricDefinition, ...]:
        """The metrics of the experiment, in the order of the file."""
        return self.experiment.resolved.spec.metrics

    def _drawn(self, metric: MetricDefinition) -> tuple[Chart, ...]:
        from abtest.experiment.pictures import metric_pictures

        return metric_pictures(self.ruled, metric, self.experiment.resolved.spec.variants.control)

    def _courses(self) -> tuple[Chart, ...]:
        from abtest.experiment.pictures import course_pictures

        return course_pictures(self.ruled)

    @property
    def plot(self) -> Plots:
        """Pictures, each a matplotlib Figure."""
        return Plots(self)

    def samples(self, metric: str) -> dict[str, Sample]:
        """Return what is known of a metric in every arm, control first, for `abtest.stats`.

        `Moments` of means, proportions and ratios; `ValueCounts`, `EventTimes` or
        `RepeatedEvents` of other kinds; of the units that enter the metric's row.

        Parameters
        ----------
        metric
            Its id.

        Raises
        ------
        UsageError
            ``unknown_metric``; ``several_phases`` where arms had other shares of the traffic at
            other times, so that their units must not be put together; ``no_samples`` where the
            metric failed.
        NotEstimable
            Where an arm is no sample.

        Examples
        --------
        Whether more pushes bring units back on more days, and whether that bends::

            arms = analysis.samples("active_days")
            compare_ordered_means([*arms.values()], doses=[0, 1, 3, 7])
        """
        from abtest.experiment.arm_samples import arm_samples

        spec = self.experiment.resolved.spec
        return arm_samples(spec, self.ruled.measured, self.metric(metric))

    def metric(self, name: str) -> MetricDefinition:
        """Return a metric by its id.

        Raises
        ------
        UsageError
            ``unknown_metric``.
        """
        known = {one.id: one for one in self.metrics}
        if name not in known:
            raise UsageError(
                "There is no such metric",
                given=repr(name),
                todo=nearest_of(name, [*known], "metrics"),
                code="unknown_metric",
            )
        return known[name]

    def at(self, as_of: str | datetime) -> Analysis:
        """Return what today's data say about the units mature on that date."""
        return self.experiment.analyze(as_of)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain values, in the order of the schema."""
        return self.document.model_dump(mode="json")

    def save(self) -> Path:
        """Write `verdict.json` and return its path.

        It goes to the folder of the run or, in a notebook opened by hand, to
        ``reports/NAME/`` of the project.
        """
        resolved = self.experiment.resolved
        folder = self.output or resolved.root / REPORTS / self.experiment.name
        target = folder / VERDICT_FILE
        write_json(target, self.to_dict())
        return target

    def __str__(self) -> str:
        """Return the verdict and the deciding effects as text."""
        return self.show.summary().text

    def __repr__(self) -> str:
        """Return the headline."""
        return f"Analysis({self.experiment.name!r}: {self.document.headline})"

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, object]]:
        """Return the summary in every form that a notebook may want."""
        return self.show.summary()._repr_mimebundle_(include, exclude)


@dataclass(frozen=True, eq=False)
class Plots:
    """Pictures of an analysis."""

    analysis: Analysis

    def metric(self, metric: str) -> tuple[Figure, ...]:
        """Return the pictures of one metric: curves, distributions, effects along quantiles.

        Means, proportions and ratios have none: their sums do not tell how values lie.

        Raises
        ------
        UsageError
            ``unknown_metric`` when the experiment has no such metric.
        """
        return self.analysis._drawn(self.analysis.metric(metric))

    def over_time(self) -> tuple[Figure, ...]:
        """Return retention, the funnel and effects by time since exposure, where there are any."""
        return self.analysis._courses()

    def effects(self, scale: str = "relative") -> Figure:
        """Return the forest plot of all metrics, "relative" or "absolute"."""
        if scale not in ("relative", "absolute"):
            raise UsageError(
                "There is no such scale.", given=repr(scale), todo='Use "relative" or "absolute".'
            )
        return self.analysis.show.forest_chart("relative" if scale == "relative" else "absolute")


def moment_of(as_of: str | datetime | None, timezone: str) -> datetime | None:
    """Return `as_of` as a moment with a zone; a date is its midnight in the zone.

    Raises
    ------
    UsageError
        When the text is not a date or time, or a datetime has no zone.
    """
    if as_of is None:
        return None
    if isinstance(as_of, str):
        try:
            moment = datetime.fromisoformat(as_of)
        except ValueError:
            raise UsageError(
                "as_of is not a date or time.",
                given=repr(as_of),
                todo="Write it as 2026-01-19 or 2026-01-19T00:00:00+01:00.",
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(timezone))
        return moment
    if hasattr(as_of, "to_pydatetime"):  # pandas: the engine's clock has no nanoseconds
        as_of = cast("datetime", as_of.to_pydatetime(warn=False))
    if as_of.tzinfo is None:
        raise UsageError(
            "as_of has no time zone.",
            given=as_of.isoformat(),
            todo="Give it one, or write it as text: then it is read in the experiment's zone.",
        )
    return as_of
