"""`verdict.json`: its shape, its lists of codes, and reading one back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from abtest.checks.result import CheckCode, CheckName, CheckStatus
from abtest.data.measured import FailureCode
from abtest.metrics.definition import Direction, Role
from abtest.stats.not_estimable import NotEstimableCode
from abtest.stats.results import PairMethod, RelativeStatus
from abtest.stats.results import WarningCode as StatisticalWarning

SCHEMA_VERSION = 1

Decision = Literal["ship", "do_not_ship", "keep_running", "inconclusive", "invalid"]
RowOutcome = Literal["improved", "within_margin", "harmed", "excluded", "unclear"]
ArmOutcome = Literal["ships", "harmed", "no_gain", "open"]
EffectStatus = Literal["ok", "not_computed"]
ReasonCode = Literal[
    "check_failed",
    "not_complete",
    "improved",
    "within_margin",
    "harmed",
    "excluded",
    "unclear",
    "not_computed",
    "arm_ships",
    "arm_harmed",
    "arm_no_gain",
    "recommended_distinguishable",
    "recommended_not_distinguishable",
    "short_of_plan",
]
NotComputedReason = FailureCode | NotEstimableCode | Literal["numerical_failure"]
WarningCode = (
    StatisticalWarning | Literal["control_not_positive", "untrustworthy", "values_rounded"]
)
Values = dict[str, Any]


class Part(BaseModel):
    """A part of the document; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Reason(Part):
    """Why the verdict is what it is; text in any language is made from `code` and `values`."""

    code: ReasonCode
    metric: str | None = None
    variant: str | None = None
    values: Values = {}


class Variant(Part):
    """An arm, how many units met it first, and what became of it."""

    name: str
    role: Literal["control", "treatment"]
    units: int
    outcome: ArmOutcome | None


class Check(Part):
    """A test of the experiment's validity."""

    check: CheckName
    status: CheckStatus
    p_value: float | None
    code: CheckCode
    values: Values = {}


class AbsoluteEffect(Part):
    """Treatment minus control with its interval; a limit is null where there is none."""

    estimate: float | None
    lower: float | None
    upper: float | None


class RelativeEffect(Part):
    """Treatment minus control over |control|, with the state of its confidence set."""

    estimate: float | None
    lower: float | None
    upper: float | None
    status: RelativeStatus


class SegmentValue(Part):
    """The segment of a row."""

    column: str
    value: str


class Winsorized(Part):
    """Where a metric's values were cut off, and the units of each arm that were above."""

    threshold: float
    above: dict[str, int]


class Effect(Part):
    """One metric in one treatment arm (and one segment) against control."""

    metric: str
    kind: str
    role: Role
    direction: Direction
    test: Literal["superiority", "non_inferiority"]
    mde: float | None
    margin: float | None
    margin_absolute: float | None
    variant: str
    control: str
    segment: SegmentValue | None
    status: EffectStatus
    reason: NotComputedReason | None
    """Code of why it was not computed; null when status is ok."""
    reason_values: Values = {}
    """What the reason is about, such as the name of a missing column."""
    window_days: Annotated[list[float], Field(min_length=2, max_length=2)] | None
    n_control: int
    n_treatment: int
    winsorized: Winsorized | None = None
    """The threshold of a winsorised metric; null where values were taken as they are."""
    excluded: Values
    """Units left out and why, by arm: {"immature": {"control": 3}}; "skipped_days" lists dates."""
    control_value: float | None
    treatment_value: float | None
    absolute: AbsoluteEffect
    relative: RelativeEffect
    p_value: float | None
    """Of the row's own test: two-sided for superiority, one-sided against the margin otherwise."""
    log10_p: float | None
    alpha: float | None
    """The row's share: superiority decides at p < alpha, non-inferiority at p < alpha / 2."""
    confidence_level: float | None
    interval: Literal["simultaneous", "individual"]
    method: PairMethod | None
    """How the arms were compared: "post_stratified" is within strata, "cuped" with covariates."""
    variance_reduction: float | None
    """Share of the variance of the difference that covariates and strata saved, together where
    there are both; null without either, and where too few events leave it unknown."""
    outcome: RowOutcome | None
    """null for rows that do not decide: secondary, diagnostic, segments, and before completion."""
    warnings: list[WarningCode]


class SegmentDifference(Part):
    """Whether the effect on one metric in one arm differs between the values of a column."""

    metric: str
    variant: str
    column: str
    segments: int
    """Segments that were compared."""
    status: EffectStatus
    reason: NotComputedReason | None
    """Code of why it was not computed; null when status is ok."""
    test: Literal["cochran_q", "welch_f"] | None
    statistic: float | None
    p_value: float | None
    """Of the hypothesis that all segments have the same effect."""
    p_adjusted: float | None
    """Adjusted (Holm) over all columns and arms of the metric."""
    i_squared: AbsoluteEffect
    """Part of the variation between the estimates that is not chance, with its interval."""


class Deviation(Part):
    """A promise of the lock that the analysis does not keep."""

    key: str
    locked: Any
    actual: Any
    decides: bool


class Provenance(Part):
    """What the numbers were made from."""

    spec_sha256: str
    data_fingerprint: str
    abtest: str
    python: str
    packages: dict[str, str]
    seed: int


class VerdictDocument(Part):
    """The verdict of one experiment."""

    schema_version: Literal[1]
    experiment: str
    title: str
    as_of: str | None
    complete: bool
    look: int | None
    exploratory: bool
    verdict: Decision
    headline: str
    recommended_variant: str | None
    reasons: list[Reason]
    variants: list[Variant]
    checks: list[Check]
    effects: list[Effect]
    segment_differences: list[SegmentDifference] = []
    """One per metric, arm and segment column; they never decide."""
    deviations: list[Deviation]
    provenance: Provenance
