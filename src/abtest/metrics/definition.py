"""What every metric states, whatever its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from abtest.data.request import MetricRequest, UnitValue
from abtest.data.settings import Names, Table
from abtest.metrics.activity import Activity, Clock, Window, activity_value, windows_of
from abtest.metrics.activity_rules import group_misfits
from abtest.metrics.misfit import Misfit
from abtest.metrics.wording import condition

if TYPE_CHECKING:  # numerics load only when something is estimated: `abtest check` stays quick
    from abtest.show.drawing import Chart
    from abtest.stats.results import PairEstimate

    Sample = Any
    """What a kind's request asks for, in one arm and phase."""

Role = Literal["primary", "guardrail", "secondary", "diagnostic"]
Direction = Literal["increase", "decrease"]
DataKind = Literal["events", "units", "totals"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MetricId = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


class MetricDefinition(Table, ABC):
    """Keys that all metrics share; each kind adds its own and says how two arms are compared.

    A kind declares the sufficient statistic it needs (`request`) and how two arms are
    estimated from it (`estimate`). Nothing else in abtest asks what kind a metric is.
    """

    adjusts: ClassVar[bool] = True
    """Whether covariates and strata can take noise out of it."""
    missing_expected: ClassVar[bool] = False
    """Whether many units without a value are usual, as with answers to a survey."""

    id: MetricId
    """Name of the metric in results; small letters, digits and underscores."""
    title: str | None = None
    """Name for readers; left out: made from the id."""
    description: str | None = None
    """One sentence for readers."""
    owner: str | None = None
    """Who answers questions about the metric."""
    role: Role
    """primary and guardrail decide; secondary and diagnostic are reported."""
    direction: Direction
    """Which way is good."""
    window_days: Window | None = None
    """[start, end) in days after exposure; events data only."""
    window: Clock = "rolling"
    """rolling: days of 24 hours from the moment of exposure. calendar: dates in the experiment's
    timezone, of which day 0 is the rest of the date of exposure; events data only."""
    among: Activity | None = None
    """The metric is about the units that meet this, such as { event = "open", window_days = [-28,
    0], at_most = 0 }; the others are left out and counted (events data)."""
    mde: Positive | None = None
    """Relative effect that the experiment is sized for (superiority)."""
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Loss that is still acceptable, relative to control (non-inferiority)."""
    margin_absolute: Positive | None = None
    """Loss that is still acceptable, in the metric's unit (non-inferiority)."""
    weight: Positive = 1.0
    """Share of alpha among the superiority primaries."""
    cuped: bool | None = None
    """Use the pre-exposure value as covariate; left out: as `analysis.cuped` says."""
    covariates: Names | None = None
    """Covariates of this metric: columns known before exposure instead of `data.covariates`
    (units data), or other metrics whose pre-exposure values are used beside its own (events)."""
    strata: Names = ()
    """Columns of attributes known before exposure: arms are compared within each combination of
    their values, weighted by its share of all units (post-stratification)."""

    @property
    def kind_name(self) -> str:
        """The kind, as the file says it; every kind declares its own `kind` literal."""
        return str(self.__dict__["kind"])

    @property
    def decides(self) -> bool:
        """Whether the metric takes part in the verdict."""
        return self.role in ("primary", "guardrail")

    @property
    def test(self) -> Literal["superiority", "non_inferiority"]:
        """Which test its rows are: a margin makes them non-inferiority."""
        has_margin = self.margin is not None or self.margin_absolute is not None
        return "non_inferiority" if has_margin else "superiority"

    @property
    def closes_after(self) -> float:
        """Days after the end of enrolment at which the metric may be judged."""
        return self.window_days[1] if self.window_days is not None else 0.0

    @property
    def group(self) -> UnitValue | None:
        """Which units the metric is about: those with another number than 0; None for all."""
        if self.among is None:
            return None
        window = self.window_days or (0.0, 0.0)
        return activity_value(self.among, window, self.window)

    @property
    def conditional(self) -> bool:
        """Whether it is about units that are chosen by what happens after exposure."""
        group = self.group
        return group is not None and any(end > 0 for _, end in windows_of(group))

    @property
    def needs_costs(self) -> bool:
        """Whether it is made of what arms cost, so that one must cost something."""
        return False

    @property
    def label(self) -> str:
        """Name for readers."""
        return self.title or self.id.replace("_", " ").capitalize()

    @abstractmethod
    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the sets of own keys, one of which each shape of data needs in full.

        A shape that is not there cannot support the kind.
        """

    @abstractmethod
    def request(self, data: DataKind, *, cuped: bool, covariates: Sequence[str]) -> MetricRequest:
        """Return the per-unit values and the statistic this metric needs.

        Parameters
        ----------
        data
            Shape of the experiment's data.
        cuped
            Whether a pre-exposure covariate is wanted.
        covariates
            Pre-exposure columns of a units table.
        """

    @abstractmethod
    def estimate(
        self, control: Sequence[Sample], treatment: Sequence[Sample], *, adjusted: bool
    ) -> PairEstimate:
        """Return both arms estimated from their samples, one per phase of allocation.

        `adjusted` says that the samples carry covariates.
        """

    def pictures(
        self, arms: Mapping[str, Sample], control: str, confidence_level: float
    ) -> tuple[Chart, ...]:
        """Return the pictures of the metric from one sample per arm; () where a kind has none."""
        del arms, control, confidence_level
        return ()

    def remarks(self) -> tuple[str, ...]:
        """Return sentences on how the numbers of units are taken; () where as they are."""
        return ()

    @abstractmethod
    def definition(self) -> str:
        """Return one sentence that says what is measured, without the day range."""

    @property
    def meaning(self) -> str:
        """What is measured, and among which units."""
        sentence = " ".join((self.definition(), *self.remarks()))
        if self.among is not None:
            sentence += f" Among units with {condition(self.among, self.window_days)}."
        if self.conditional:
            sentence += " Conditional: the treatment may change which, or how many, these are."
        return sentence

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return the keys that are missing or meaningless for this shape of data."""
        shapes = self.shapes()
        if data not in shapes:
            return (_unsupported(self, data),)
        own = sorted({key for sets in shapes.values() for keys in sets for key in keys})
        given = {key for key in own if getattr(self, key) not in (None, ())}
        choices = shapes[data]
        best = max(choices, key=lambda keys: len(given & set(keys)))
        found = [_missing(self, data, key, choices) for key in best if key not in given]
        found += [_stray(self, data, key, best) for key in sorted(given - set(best))]
        if data != "events":
            stray = [key for key in ("among", "window_days") if getattr(self, key) is not None]
            found += [_stray(self, data, key, best) for key in stray]
        if self.among is not None:
            found += group_misfits("among", self.among)
        if not self.adjusts:
            asked = {"cuped": self.cuped, "covariates": self.covariates, "strata": self.strata}
            what = f"a metric of kind {self.kind_name} is compared as it is, without adjustment"
            found += [Misfit(key, what, "leave it out") for key, given in asked.items() if given]
        return tuple(found)


def _unsupported(metric: MetricDefinition, data: DataKind) -> Misfit:
    kind = metric.kind_name
    able = " or ".join(sorted(metric.shapes()) or ("events", "units"))
    return Misfit(
        "kind",
        f'a metric of kind "{kind}" cannot be computed from {data} data',
        f"use data of kind {able}, or leave the metric out",
    )


def _missing(
    metric: MetricDefinition, data: DataKind, key: str, choices: Sequence[Sequence[str]]
) -> Misfit:
    ways = " or ".join(", ".join(keys) for keys in choices)
    kind = metric.kind_name
    return Misfit(key, f'"{key}" is missing', f"a {kind} on {data} data needs {ways}")


def _stray(metric: MetricDefinition, data: DataKind, key: str, keys: Sequence[str]) -> Misfit:
    kind = metric.kind_name
    return Misfit(
        key,
        f'"{key}" means nothing for a {kind} on {data} data',
        f"remove it; what counts here is {', '.join(keys)}",
    )
