"""From measured data to the document of the verdict: checked, estimated, ruled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from abtest.checks import CheckResult, Facts, run_checks
from abtest.data.measured import Measured
from abtest.data.request import MetricRequest
from abtest.experiment.courses import Course, course_rows, courses
from abtest.experiment.document import (
    SCHEMA_VERSION,
    Check,
    Provenance,
    Variant,
    VerdictDocument,
)
from abtest.experiment.effects import (
    SMALLEST_SEGMENT,
    Comparison,
    Row,
    estimate_pair,
    estimate_row,
)
from abtest.experiment.headline import headline
from abtest.experiment.interaction import segment_differences
from abtest.experiment.levels import Level, row_levels
from abtest.experiment.outcome import row_outcome
from abtest.experiment.provenance import packages, python_version
from abtest.experiment.schedule import closes_at, is_complete
from abtest.experiment.spec import ExperimentSpec
from abtest.experiment.verdict import Preference, Ruling, decide, may_judge, shipping_arms
from abtest.show.numbers import json_number
from abtest.stats import NotEstimable


@dataclass(frozen=True)
class Ruled:
    """Everything the verdict was made from, and the verdict."""

    document: VerdictDocument
    rows: tuple[Row, ...]
    measured: Measured
    courses: tuple[tuple[Course, tuple[Row, ...]], ...] = ()
    """What is drawn over time since exposure, with its rows."""


def rule(
    spec: ExperimentSpec,
    spec_sha256: str,
    measured: Measured,
    requests: Mapping[str, MetricRequest],
) -> Ruled:
    """Return the verdict of one experiment from its measured data.

    What is measured beside its metrics is drawn, and is no part of the verdict.
    """
    from abtest import __version__

    drawn = tuple(
        (one, course_rows(spec, measured, one))
        for one in courses(spec)
        if all(measured.has(metric.id) for metric in one.metrics)
    )
    measured = measured.only({metric.id for metric in spec.metrics})
    checks = check(spec, measured, requests)
    rows = estimate_all(spec, measured, requests)
    deciding = [row for row in rows if row.metric.decides and row.effect.segment is None]
    closes = closes_at(spec.experiment.end, spec.metrics)
    complete = is_complete(measured.as_of, closes)
    ruling = _ruling(spec, measured, requests, deciding, checks, complete, closes)
    judged = tuple(_with_outcome(row, ruling) for row in rows)
    document = VerdictDocument(
        schema_version=SCHEMA_VERSION,
        experiment=spec.experiment.name,
        title=spec.experiment.title,
        as_of=_iso(measured.as_of),
        complete=complete,
        look=None,
        exploratory=True,
        verdict=ruling.decision,
        headline=headline(ruling, deciding, checks, closes, measured.as_of),
        recommended_variant=ruling.recommended,
        reasons=list(ruling.reasons),
        variants=_variants(spec, measured, ruling),
        checks=checks,
        effects=[row.effect for row in judged],
        segment_differences=segment_differences(
            rows, spec.analysis.all_segments, spec.analysis.alpha
        ),
        deviations=[],
        provenance=Provenance(
            spec_sha256=spec_sha256,
            data_fingerprint=measured.fingerprint,
            abtest=__version__,
            python=python_version(),
            packages=packages(),
            seed=spec.analysis.seed,
        ),
    )
    return Ruled(document, judged, measured, drawn)


def check(
    spec: ExperimentSpec, measured: Measured, requests: Mapping[str, MetricRequest]
) -> list[Check]:
    """Return all checks of an experiment, the lock's included."""
    facts = Facts(
        measured,
        spec.design(),
        tuple(metric.id for metric in spec.metrics if metric.role == "primary"),
        tuple(metric.id for metric in spec.metrics if metric.decides),
        frozenset(metric.id for metric in spec.metrics if metric.missing_expected),
    )
    lock = CheckResult("lock", "warn", "lock_absent")
    beside = first_variant_effects(spec, measured, requests)
    return [
        _document_check(
            replace(result, values={**result.values, "first_variant": beside})
            if beside and result.check == "crossover"
            else result
        )
        for result in (*run_checks(facts), lock)
    ]


def first_variant_effects(
    spec: ExperimentSpec, measured: Measured, requests: Mapping[str, MetricRequest]
) -> list[dict[str, Any]]:
    """Return the effects on primaries with crossovers counted in the arm they met first.

    Empty without crossovers. Excluding units by what happened after exposure can bias;
    this is the estimate that cannot, shown beside.
    """
    if measured.first_variant_cells is None:
        return []
    primaries = {metric.id for metric in spec.metrics if metric.role == "primary"}
    found = []
    for what in _comparisons(spec, requests):
        if what.metric.id not in primaries or what.metric.id in measured.failures:
            continue
        try:
            pair = estimate_pair(measured, what, with_crossovers=True)
        except NotEstimable:
            continue
        interval = pair.absolute(1 - spec.analysis.alpha)
        found.append({"metric": what.metric.id, "variant": what.variant, **asdict(interval)})
    return found


def estimate_all(
    spec: ExperimentSpec, measured: Measured, requests: Mapping[str, MetricRequest]
) -> tuple[Row, ...]:
    """Return the rows of the whole experiment, then those of each segment."""
    levels = row_levels(spec.metrics, len(spec.variants.treatments), spec.analysis.alpha)
    rows = [
        estimate_row(measured, comparison, levels[comparison.metric.id])
        for comparison in _comparisons(spec, requests)
    ]
    individual = Level(spec.analysis.alpha, "individual")
    order = {segment.name: segment.levels for segment in spec.analysis.past_segments}
    for column in spec.analysis.all_segments:
        found = measured.segment_values(column)
        for value in order.get(column, tuple(found)):
            units = found.get(value, {})
            if sum(units.values()) >= SMALLEST_SEGMENT:
                rows += [
                    estimate_row(measured, comparison, individual)
                    for comparison in _comparisons(spec, requests, (column, value))
                ]
    return tuple(rows)


def _comparisons(
    spec: ExperimentSpec,
    requests: Mapping[str, MetricRequest],
    segment: tuple[str, str] | None = None,
) -> list[Comparison]:
    return [
        Comparison(metric, requests[metric.id], spec.variants.control, variant, segment)
        for metric in spec.metrics
        for variant in spec.variants.treatments
    ]


def _ruling(
    spec: ExperimentSpec,
    measured: Measured,
    requests: Mapping[str, MetricRequest],
    deciding: Sequence[Row],
    checks: Sequence[Check],
    complete: bool,
    closes: datetime | None,
) -> Ruling:
    treatments = spec.variants.treatments
    outcomes = {}
    preference = None
    if may_judge(checks, complete):
        outcomes = {
            (row.metric.id, row.variant): "unclear"
            if row.pair is None
            else row_outcome(row.metric, row.pair, float(row.effect.alpha or spec.analysis.alpha))
            for row in deciding
        }
        shipping = shipping_arms(deciding, outcomes, treatments)
        if shipping:
            preference = _preference(spec, measured, requests, deciding, shipping)
    return decide(
        deciding,
        outcomes,
        treatments,
        checks,
        complete=complete,
        preference=preference,
        waiting={"as_of": _iso(measured.as_of), "closes": _iso(closes)},
    )


def _preference(
    spec: ExperimentSpec,
    measured: Measured,
    requests: Mapping[str, MetricRequest],
    deciding: Sequence[Row],
    shipping: Sequence[str],
) -> Preference:
    """Return the shipping arm with the best first primary, tested against the next."""
    first = next(metric for metric in spec.metrics if metric.role == "primary")
    sign = 1.0 if first.direction == "increase" else -1.0
    estimates = {
        row.variant: sign * (row.pair.treatment_value - row.pair.control_value)
        for row in deciding
        if row.metric.id == first.id and row.variant in shipping and row.pair is not None
    }
    ranked = sorted(estimates, key=lambda arm: -estimates[arm])
    if len(ranked) < 2:
        return Preference(shipping[0] if not ranked else ranked[0], alpha=spec.analysis.alpha)
    try:
        pair = estimate_pair(measured, Comparison(first, requests[first.id], ranked[1], ranked[0]))
        p_value = json_number(pair.test().p_value)
    except NotEstimable:  # neither of the two varies: nothing tells them apart
        p_value = None
    return Preference(ranked[0], ranked[1], p_value, spec.analysis.alpha)


def _with_outcome(row: Row, ruling: Ruling) -> Row:
    outcome = ruling.outcomes.get((row.metric.id, row.variant))
    update: dict[str, Any] = {}
    if row.effect.segment is None and outcome is not None:
        update["outcome"] = outcome
    if ruling.decision == "invalid":
        update["warnings"] = [*row.effect.warnings, "untrustworthy"]
    if not update:
        return row
    return Row(row.metric, row.variant, row.pair, row.effect.model_copy(update=update))


def _variants(spec: ExperimentSpec, measured: Measured, ruling: Ruling) -> list[Variant]:
    exposed = measured.tally.exposed
    control = spec.variants.control
    return [
        Variant(name=control, role="control", units=exposed.get(control, 0), outcome=None),
        *(
            Variant(name=arm, role="treatment", units=exposed.get(arm, 0), outcome=ruling.arms[arm])
            for arm in spec.variants.treatments
        ),
    ]


def _document_check(result: CheckResult) -> Check:
    return Check(
        check=result.check,
        status=result.status,
        p_value=json_number(result.p_value),
        code=result.code,
        values=rounded(result.values),
    )


def rounded(value: Any) -> Any:
    """Return nested values with every number as documents hold it."""
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return json_number(value)
    return value


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
