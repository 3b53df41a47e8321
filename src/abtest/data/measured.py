"""What the data layer hands up: metrics in cells, and everything that was counted on the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from abtest.data.samples import MetricCells, Sample
from abtest.errors import DataError, UsageError

Segment = tuple[str, str]
"""A segment: (column, value)."""

FailureCode = Literal[
    "all_null",
    "empty_outcomes",
    "impossible_times",
    "infinite_values",
    "missing_column",
    "negative_variance",
    "no_such_event",
    "no_value_column",
    "not_a_count",
    "not_binary",
    "not_numeric",
    "successes_above_trials",
    "too_small",
    "values_too_large",
]
"""Why a metric has no moments: stable words that machines may branch on."""

Failure = tuple[FailureCode, Mapping[str, object]]
"""Why a metric has no moments: a stable code and the values that go with it."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Variant x phase x exposure day x segments, with the sums of every metric.

    `variant`, `phase` (0-based) and `day` (local date, None without times) have one entry
    per cell; `segments` maps a segment column to its values per cell ("" for null).
    """

    variant: NDArray[np.object_]
    phase: NDArray[np.int64]
    day: NDArray[np.object_]
    segments: Mapping[str, NDArray[np.object_]]
    units: NDArray[np.int64]
    metrics: Mapping[str, MetricCells]

    def only(self, metrics: Collection[str]) -> Cells:
        """Return the same cells with the sums of some metrics."""
        kept = {name: sums for name, sums in self.metrics.items() if name in metrics}
        return replace(self, metrics=kept)

    def where(
        self, variant: str, segment: Segment | None = None, exposed_through: date | None = None
    ) -> NDArray[np.bool_]:
        """Return which cells belong to an arm, a segment and the exposure days up to a date.

        Raises
        ------
        UsageError
            ``unknown_segment`` for a column that was not asked for, ``no_days`` for a date
            where the data have no times.
        """
        keep = self.variant == variant
        if segment is not None:
            column, value = segment
            if column not in self.segments:
                raise UsageError(
                    f"The data were not split by {column!r}",
                    given=column,
                    todo="name the column in analysis.segments",
                    code="unknown_segment",
                )
            keep = keep & (self.segments[column] == value)
        if exposed_through is not None:
            if any(day is None for day in self.day):
                raise UsageError(
                    "The data have no exposure days",
                    given=exposed_through.isoformat(),
                    todo="name a time column in [data]",
                    code="no_days",
                )
            early = [day <= exposed_through for day in self.day]
            keep = keep & np.array(early, dtype=bool)
        return np.asarray(keep, dtype=bool)

    def combinations(self, columns: Sequence[str]) -> list[tuple[str, ...]]:
        """Return each cell's values of some segment columns."""
        if not columns:
            return [()] * len(self.variant)
        return list(zip(*(self.segments[name].tolist() for name in columns), strict=True))


@dataclass(frozen=True)
class Tally:
    """Rows and units counted on the way; dictionaries are by variant (first variant met).

    Every row of the exposures (or units) is counted once, under the first that applies:
    ignored variant, null unit, null variant, future, late, unknown variant, null time. `rows`
    are those before `as_of`, the base of the share of unknown variants.
    `exposed` counts all exposed units by first variant before any exclusion and
    `exposed_by_day` the same by phase and local day, which is what sample-ratio checks test.
    `late_rows` are rows, events included, at or after `as_of` and not in the future;
    `future_rows` lie after the clock of the run. `never_exposed`, `before_start` and
    `after_end` are units. `unknown_variant` has the twenty names with most units.
    `without_events` counts exposed units with no activity from their exposure to the end of the
    longest window, and `valueless`, by metric, those with an event that lacks the value to sum or
    compare. `duplicate_event_rows` are exact repeats among the events that metrics count or sum,
    in their windows; nothing else that is made of events changes with a repeat.
    """

    rows: int = 0
    event_rows: int = 0
    exposed: Mapping[str, int] = field(default_factory=dict)
    exposed_by_day: Mapping[tuple[int, date | None], Mapping[str, int]] = field(
        default_factory=dict
    )
    crossover: Mapping[str, int] = field(default_factory=dict)
    unknown_variant: Mapping[str, int] = field(default_factory=dict)
    unknown_variant_rows: int = 0
    ignored_variant_rows: int = 0
    null_unit_rows: int = 0
    null_variant_rows: int = 0
    null_time_rows: int = 0
    null_event_rows: int = 0
    duplicate_exposure_rows: int = 0
    duplicate_event_rows: int = 0
    duplicate_unit_rows: int = 0
    never_exposed: int = 0
    before_start: int = 0
    after_end: int = 0
    late_rows: int = 0
    future_rows: int = 0
    without_events: Mapping[str, int] | None = None
    valueless: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    skipped_days: Mapping[str, tuple[date, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cap:
    """Where a metric's values were winsorised, and how many units of each arm were above."""

    threshold: float
    above: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Measured:
    """Everything the upper layers know about the data of one experiment."""

    as_of: datetime | None
    cells: Cells
    tally: Tally
    first_variant_cells: Cells | None
    """Cells of crossover units by first variant: added to `cells` they give the
    first-variant effect; None when there are none."""
    fingerprint: str
    failures: Mapping[str, Failure] = field(default_factory=dict)
    """Metrics without moments: code and values, by metric."""
    phases: int = 1
    """Phases of allocation of the design, those without units included."""
    caps: Mapping[str, Cap] = field(default_factory=dict)
    """Thresholds of winsorised metrics."""

    def has(self, metric: str) -> bool:
        """Return whether a metric was measured, be it in vain."""
        return metric in self.cells.metrics or metric in self.failures

    def only(self, metrics: Collection[str]) -> Measured:
        """Return the same of some metrics."""
        later = self.first_variant_cells
        return replace(
            self,
            cells=self.cells.only(metrics),
            first_variant_cells=None if later is None else later.only(metrics),
            failures={name: one for name, one in self.failures.items() if name in metrics},
            caps={name: one for name, one in self.caps.items() if name in metrics},
        )

    def samples(
        self,
        metric: str,
        variant: str,
        *,
        segment: Segment | None = None,
        exposed_through: date | None = None,
        with_crossovers: bool = False,
        strata: Sequence[str] = (),
    ) -> tuple[Sample, ...]:
        """Return the metric in one arm, one sample per phase and stratum.

        Phases and strata without units have samples of n = 0, so that the entries of two arms
        belong together.

        Parameters
        ----------
        metric, variant
            Names as in the experiment file.
        segment
            Only units of this segment.
        exposed_through
            Only units exposed on this local day or earlier.
        with_crossovers
            Add the crossover units to the arm they met first.
        strata
            Segment columns: an entry for each combination of their values met in any arm.

        Raises
        ------
        DataError
            When the metric is one of `failures`, with the failure's code.
        """
        if metric in self.failures:
            code, values = self.failures[metric]
            raise DataError(
                f"The metric {metric!r} could not be measured",
                given=", ".join(f"{name} = {value}" for name, value in values.items()),
                todo="look at the reason code",
                code=code,
            )
        parts = [self.cells]
        if with_crossovers and self.first_variant_cells is not None:
            parts.append(self.first_variant_cells)
        kept = [cells.where(variant, segment, exposed_through) for cells in parts]
        labels = [cells.combinations(strata) for cells in parts]
        met = sorted({stratum for label in labels for stratum in label}) or [()]
        found: list[Sample] = []
        for phase in range(self.phases):
            for stratum in met:
                merged: Sample = None
                for cells, keep, label in zip(parts, kept, labels, strict=True):
                    here = np.array([one == stratum for one in label], dtype=bool)
                    part = cells.metrics[metric].sample(keep & here & (cells.phase == phase))
                    merged = part if merged is None else merged + part
                assert merged is not None  # there is always the first part
                found.append(merged)
        return tuple(found)

    def units_in(self, metric: str, variant: str, *, segment: Segment | None = None) -> int:
        """Return the units of an arm in a metric, also where they make no sample."""
        return int(self.cells.metrics[metric].n[self.cells.where(variant, segment)].sum())

    def excluded(self, metric: str) -> Mapping[str, Mapping[str, int]]:
        """Return units that are not in the metric, by variant.

        The reasons: immature, outside, missing, crossover.
        """
        counts: dict[str, dict[str, int]] = {}
        for variant in self.tally.exposed:
            keep = self.cells.where(variant)
            sums = self.cells.metrics.get(metric)
            counts[variant] = {
                "immature": 0 if sums is None else int(sums.immature[keep].sum()),
                "outside": 0 if sums is None else int(sums.outside[keep].sum()),
                "missing": 0 if sums is None else int(sums.nulls[keep].sum()),
                "crossover": self.tally.crossover.get(variant, 0),
            }
        return counts

    def covariate_nulls(self, metric: str, *, segment: Segment | None = None) -> Mapping[str, int]:
        """Return how many covariate values of the metric's units were missing, by variant."""
        sums = self.cells.metrics.get(metric)
        if sums is None:
            return dict.fromkeys(self.tally.exposed, 0)
        return {
            variant: int(sums.covariate_nulls[self.cells.where(variant, segment)].sum())
            for variant in self.tally.exposed
        }

    def indicated(self, metric: str) -> tuple[int, ...]:
        """Return the positions of covariates with an indicator, in the order of these."""
        sums = self.cells.metrics.get(metric)
        return () if sums is None else sums.indicated

    def rounded_to(self, metric: str) -> int | None:
        """Return the digits that a metric's values were rounded to; None where they were not."""
        cells = self.cells.metrics.get(metric)
        return getattr(cells, "digits", None)

    def segment_values(self, column: str) -> Mapping[str, Mapping[str, int]]:
        """Return the values of a segment, sorted, with their units by variant ("" is null)."""
        values = self.cells.segments[column]
        found: dict[str, dict[str, int]] = {}
        for value in sorted(set(values.tolist())):
            found[value] = {
                variant: int(self.cells.units[self.cells.where(variant, (column, value))].sum())
                for variant in self.tally.exposed
            }
        return found

    def units(self, *, exposed_through: date | None = None) -> Mapping[str, int]:
        """Return units by variant without crossovers, exposed on this local day or earlier."""
        return {
            variant: int(self.cells.units[self.cells.where(variant, None, exposed_through)].sum())
            for variant in self.tally.exposed
        }

    @property
    def days(self) -> tuple[date, ...]:
        """Local days with an exposure, sorted; () without times."""
        return tuple(sorted({day for day in self.cells.day if day is not None}))
