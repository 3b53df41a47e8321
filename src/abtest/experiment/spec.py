"""The experiment file as Python objects: frozen, strict, unknown keys refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from abtest.data.request import Design, Phase, UnitRequest, UnitValue
from abtest.data.settings import DataSettings, Name, Names, Table
from abtest.experiment.past import PastSegment
from abtest.metrics import AnyMetric
from abtest.metrics.roles import EventRoles

ExperimentStatus = Literal["running", "concluded"]
Sequential = Literal["fixed"]
Correction = Literal["bonferroni"]


def _with_zone(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise PydanticCustomError("no_zone", "has no time zone")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError
        raise PydanticCustomError("unknown_zone", "is not a time zone") from None
    return value


Moment = Annotated[datetime, AfterValidator(_with_zone)]
"""A date and time with a zone."""
Zone = Annotated[str, AfterValidator(_zone)]
"""A name of the tz database."""
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


def title_of(name: str) -> str:
    """Return a title made from a name.

    Examples
    --------
    >>> title_of("onboarding_checklist")
    'Onboarding checklist'
    """
    return name.replace("_", " ").replace("-", " ").strip().capitalize()


def _default_title(data: dict[str, Any]) -> str:
    return title_of(str(data.get("name", "")))


def _equal_shares(data: dict[str, Any]) -> dict[str, float]:
    shares = dict.fromkeys([data.get("control", ""), *data.get("treatments", ())], 0.0)
    return dict.fromkeys(shares, 1 / len(shares))


class ExperimentSection(Table):
    """What is tried, by whom and when."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$", max_length=100)]
    """Name of the experiment: that of its folder; small letters, digits, underscores, hyphens."""
    title: str = Field(min_length=1, default_factory=_default_title)
    """Name for readers; left out: made from the name."""
    hypothesis: str | None = None
    """What is expected and why, in one sentence."""
    owner: str | None = None
    """Who answers questions about it."""
    tags: Names = ()
    """Words to find it by in the index."""
    status: ExperimentStatus = "running"
    """A concluded experiment is skipped by a plain run; the index keeps its last verdict."""
    start: Moment | None = None
    """First moment of enrolment; events data need it."""
    end: Moment | None = None
    """End of enrolment; events data need it."""
    timezone: Zone = "UTC"
    """Zone of calendar days and of times in the data that have no zone of their own."""


class AllocationPhase(Table):
    """A change of the allocation during enrolment."""

    start: Moment = Field(alias="from")
    """Moment from which the new allocation holds, between start and end of the experiment."""
    allocation: dict[str, Share]
    """Planned share of each variant from then on; the shares sum to 1."""


class Variants(Table):
    """The arms and who gets which."""

    control: Name
    """Value of the variant column that the others are compared with."""
    treatments: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
    """Values of the variant column that are tried, one or more."""
    allocation: dict[str, Share] = Field(default_factory=_equal_shares)
    """Planned share of each variant; the shares sum to 1. Left out: equal shares."""
    cost_per_unit: dict[str, Cost] = Field(default_factory=dict)
    """What each unit of a variant costs, in the currency of values; left out: 0."""
    fixed_cost: dict[str, Cost] = Field(default_factory=dict)
    """What a variant costs once, spread over its units and taken as known; left out: 0."""
    phases: Annotated[tuple[AllocationPhase, ...], Field(strict=False)] = ()
    """Where the allocation changed: effects are estimated within phases."""


class Analysis(Table):
    """How the experiment is judged."""

    alpha: Probability = 0.05
    """Chance of a false gain that is accepted, two-sided."""
    power: Probability = 0.8
    """Chance of finding an effect of the size `mde` that the plan aims at."""
    sequential: Sequential = "fixed"
    """When the data may decide: `fixed` is once, when the experiment is complete."""
    correction: Correction = "bonferroni"
    """How alpha is shared over superiority primaries and arms."""
    cuped: bool = True
    """Reduce the variance with values from before exposure, where the data have them."""
    segments: Names = ()
    """Columns of attributes known before exposure; effects are shown for each value."""
    past_segments: Annotated[tuple[PastSegment, ...], Field(strict=False)] = ()
    """Segments by what units did before exposure, from the event log."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of everything random."""

    @property
    def all_segments(self) -> tuple[str, ...]:
        """Columns of attributes, then the segments that the log gives."""
        return (*self.segments, *(segment.name for segment in self.past_segments))


class ExperimentSpec(Table):
    """One experiment, resolved: every value is there and none changes."""

    experiment: ExperimentSection
    """What is tried, by whom and when."""
    variants: Variants
    """The arms and who gets which."""
    data: DataSettings
    """Where rows come from and what columns mean."""
    events: EventRoles = EventRoles()
    """What the log calls the events that metrics of the catalogue are made of."""
    analysis: Analysis = Analysis()
    """How the experiment is judged."""
    metrics: Annotated[tuple[AnyMetric, ...], Field(strict=False, min_length=1)]
    """What is measured; the roles say what decides."""

    def design(self) -> Design:
        """Return what the data layer must know; the first phase has no start."""
        variants = self.variants
        names = (variants.control, *variants.treatments)
        first = Phase(None, tuple(variants.allocation[name] for name in names))
        later = (
            Phase(phase.start, tuple(phase.allocation[name] for name in names))
            for phase in variants.phases
        )
        section = self.experiment
        segments = self.analysis.all_segments
        strata = tuple(dict.fromkeys(name for metric in self.metrics for name in metric.strata))
        strata = tuple(name for name in strata if name not in segments)
        return Design(
            control=variants.control,
            treatments=variants.treatments,
            phases=(first, *later),
            start=section.start,
            end=section.end,
            timezone=section.timezone,
            segments=(*segments, *strata),
            strata=strata,
            past=tuple(
                segment.plan(None if segment.metric is None else self._before(segment.metric))
                for segment in self.analysis.past_segments
            ),
            unit_costs=tuple(variants.cost_per_unit.get(name, 0.0) for name in names),
            fixed_costs=tuple(variants.fixed_cost.get(name, 0.0) for name in names),
        )

    def _before(self, name: str) -> UnitValue:
        """Return the value before exposure of a metric."""
        metric = next(metric for metric in self.metrics if metric.id == name)
        request = metric.request("events", cuped=True, covariates=())
        assert isinstance(request, UnitRequest)  # events data
        return request.covariates[0]
