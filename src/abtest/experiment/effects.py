"""One row per metric, treatment arm and segment: estimated, or said why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from abtest.data.measured import Measured, Segment
from abtest.data.request import UnitRequest
from abtest.experiment.document import (
    AbsoluteEffect,
    Effect,
    NotComputedReason,
    RelativeEffect,
    SegmentValue,
    WarningCode,
    Winsorized,
)
from abtest.experiment.levels import Level
from abtest.experiment.outcome import row_test
from abtest.experiment.usable_covariates import usable_covariates
from abtest.metrics import MetricDefinition
from abtest.show.numbers import json_number
from abtest.stats import Moments, NotEstimable
from abtest.stats.adjustment.strata import within_strata
from abtest.stats.adjustment.strata_cells import merge_strata

if TYPE_CHECKING:
    from abtest.stats.results import Method, PairEstimate, PairMethod
    from abtest.stats.results import WarningCode as StatisticalWarning

SMALLEST_SEGMENT = 30
"""Segments with fewer units are not shown."""
WITH_COVARIATES: frozenset[Method] = frozenset(
    {"welch_cuped", "post_stratified_cuped", "delta_cuped", "delta_post_stratified_cuped"}
)
"""Methods that adjust for values from before exposure."""

NO_RELATIVE = RelativeEffect(estimate=None, lower=None, upper=None, status="undefined")
NO_ABSOLUTE = AbsoluteEffect(estimate=None, lower=None, upper=None)


@dataclass(frozen=True)
class Row:
    """A row of the verdict with the estimate that it came from."""

    metric: MetricDefinition
    variant: str
    pair: PairEstimate | None
    effect: Effect


@dataclass(frozen=True)
class Comparison:
    """What is compared: a metric, two arms, and perhaps a segment."""

    metric: MetricDefinition
    request: Any
    control: str
    variant: str
    segment: Segment | None = None


def estimate_row(measured: Measured, what: Comparison, level: Level) -> Row:
    """Return the row of one comparison; a metric that fails is a typed row, never an abort."""
    failure = measured.failures.get(what.metric.id)
    if failure is not None:
        return _not_computed(measured, what, level, *failure)
    try:
        pair = estimate_pair(measured, what)
        effect = _computed(measured, what, level, pair)
    except NotEstimable as error:
        return _not_computed(measured, what, level, error.code)
    except ArithmeticError:
        return _not_computed(measured, what, level, "numerical_failure")
    return Row(what.metric, what.variant, pair, effect)


def estimate_pair(
    measured: Measured, what: Comparison, *, with_crossovers: bool = False
) -> PairEstimate:
    """Return both arms of a comparison, estimated.

    Raises
    ------
    NotEstimable
        With a code, when the data do not allow an estimate.
    """
    arms = [
        measured.samples(
            what.metric.id,
            name,
            segment=what.segment,
            with_crossovers=with_crossovers,
            strata=what.metric.strata,
        )
        for name in (what.control, what.variant)
    ]
    adjusted = isinstance(what.request, UnitRequest) and bool(what.request.covariates)
    if not adjusted:
        return _estimate(measured, what, arms, adjusted=False)
    found = usable_covariates(
        arms,
        values=len(what.request.variables),
        covariates=len(what.request.covariates),
        indicated=measured.indicated(what.metric.id),
    )
    pair = _estimate(measured, what, found.arms, adjusted=found.adjusted)
    return pair.with_warnings(*found.codes(used=pair.method in WITH_COVARIATES))


def _estimate(
    measured: Measured, what: Comparison, arms: Sequence[Sequence[Moments]], *, adjusted: bool
) -> PairEstimate:
    """Return both arms, estimated within phases and strata."""
    if not what.metric.strata:
        return what.metric.estimate(arms[0], arms[1], adjusted=adjusted)
    control, treatment, codes = _with_full_strata(arms[0], arms[1], measured.phases)
    pair = what.metric.estimate(control, treatment, adjusted=adjusted)
    if len(control) > measured.phases:  # otherwise no phase has a second stratum
        phases = (_by_phase(arm, measured.phases) for arm in arms)
        pair = within_strata(pair, what.metric.estimate(*phases, adjusted=False))
    return pair.with_warnings(*codes)


def _by_phase(arm: Sequence[Moments], phases: int) -> list[Moments]:
    """Return the moments of an arm by phase, its strata merged."""
    size = len(arm) // phases
    return [reduce(add, arm[phase * size : (phase + 1) * size]) for phase in range(phases)]


def _with_full_strata(
    control: Sequence[Moments], treatment: Sequence[Moments], phases: int
) -> tuple[list[Moments], list[Moments], list[StatisticalWarning]]:
    """Return strata by phase of which each has two units in both arms, and what to know of them.

    Raises
    ------
    NotEstimable
        ``strata_unbalanced``, as `merge_strata`.
    """
    size = len(control) // phases
    kept: tuple[list[Moments], list[Moments]] = ([], [])
    codes: dict[StatisticalWarning, None] = {}
    for phase in range(phases):
        here = slice(phase * size, (phase + 1) * size)
        try:
            found = merge_strata(control[here], treatment[here])
        except NotEstimable as error:
            if error.code != "too_few_units":
                raise
            # this phase has too few units in all: it is left out further on
            kept[0].append(reduce(add, control[here]))
            kept[1].append(reduce(add, treatment[here]))
            continue
        kept[0].extend(found.control)
        kept[1].extend(found.treatment)
        codes |= dict.fromkeys(found.warnings)
    return *kept, list(codes)


def _computed(measured: Measured, what: Comparison, level: Level, pair: PairEstimate) -> Effect:
    absolute = pair.absolute(level.confidence)
    relative = pair.relative(level.confidence)
    test = row_test(what.metric, pair)
    warnings: list[WarningCode] = [*pair.warnings]
    if what.metric.margin is not None and not pair.control_value > 0:
        warnings.append("control_not_positive")
    if measured.rounded_to(what.metric.id) is not None:
        warnings.append("values_rounded")
    return Effect(
        **_identity(what),
        status="ok",
        reason=None,
        n_control=pair.n_control,
        n_treatment=pair.n_treatment,
        winsorized=_winsorized(measured, what),
        excluded=_excluded(measured, what),
        control_value=json_number(pair.control_value),
        treatment_value=json_number(pair.treatment_value),
        absolute=AbsoluteEffect(
            estimate=json_number(absolute.estimate),
            lower=json_number(absolute.lower),
            upper=json_number(absolute.upper),
        ),
        relative=RelativeEffect(
            estimate=json_number(relative.estimate),
            lower=json_number(relative.lower),
            upper=json_number(relative.upper),
            status=relative.status,
        ),
        p_value=json_number(test.p_value),
        log10_p=json_number(test.log10_p),
        alpha=json_number(level.alpha),
        confidence_level=json_number(level.confidence),
        interval=level.interval,
        method=cast("PairMethod", pair.method),
        variance_reduction=json_number(pair.variance_reduction),
        outcome=None,
        warnings=warnings,
    )


def _not_computed(
    measured: Measured,
    what: Comparison,
    level: Level,
    reason: str,
    values: Mapping[str, object] = MappingProxyType({}),
) -> Row:
    counts = dict.fromkeys((what.control, what.variant), 0)
    if what.metric.id not in measured.failures:
        for name in counts:
            counts[name] = measured.units_in(what.metric.id, name, segment=what.segment)
    effect = Effect(
        **_identity(what),
        status="not_computed",
        reason=cast("NotComputedReason", reason),
        reason_values=dict(values),
        n_control=counts[what.control],
        n_treatment=counts[what.variant],
        excluded=_excluded(measured, what) if what.metric.id not in measured.failures else {},
        control_value=None,
        treatment_value=None,
        absolute=NO_ABSOLUTE,
        relative=NO_RELATIVE,
        p_value=None,
        log10_p=None,
        alpha=json_number(level.alpha),
        confidence_level=json_number(level.confidence),
        interval=level.interval,
        method=None,
        variance_reduction=None,
        outcome=None,
        warnings=[],
    )
    return Row(what.metric, what.variant, None, effect)


def _identity(what: Comparison) -> dict[str, Any]:
    metric = what.metric
    segment = what.segment
    return {
        "metric": metric.id,
        "kind": metric.kind_name,
        "role": metric.role,
        "direction": metric.direction,
        "test": metric.test,
        "mde": json_number(metric.mde),
        "margin": json_number(metric.margin),
        "margin_absolute": json_number(metric.margin_absolute),
        "variant": what.variant,
        "control": what.control,
        "segment": SegmentValue(column=segment[0], value=segment[1]) if segment else None,
        "window_days": list(metric.window_days) if metric.window_days else None,
    }


def _winsorized(measured: Measured, what: Comparison) -> Winsorized | None:
    """Return the threshold of the metric; units above it are counted for the whole experiment."""
    cap = measured.caps.get(what.metric.id)
    if cap is None:
        return None
    arms = (what.control, what.variant) if what.segment is None else ()
    threshold = json_number(cap.threshold)
    assert threshold is not None  # it is some unit's value
    return Winsorized(threshold=threshold, above={name: cap.above[name] for name in arms})


def _excluded(measured: Measured, what: Comparison) -> dict[str, Any]:
    """Units of both arms that are not in the row, by reason, and days left out of totals.

    Counted for the whole experiment only: rows of segments have none.
    """
    if what.segment is not None:
        return {}
    counts = measured.excluded(what.metric.id)
    arms = (what.control, what.variant)
    found: dict[str, Any] = {}
    for reason in ("immature", "outside", "missing", "crossover"):
        by_arm = {name: counts.get(name, {}).get(reason, 0) for name in arms}
        if any(by_arm.values()):
            found[reason] = by_arm
    skipped = measured.tally.skipped_days.get(what.metric.id, ())
    if skipped:
        found["skipped_days"] = [day.isoformat() for day in skipped]
    return found
