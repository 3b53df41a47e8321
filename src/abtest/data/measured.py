"""What the data layer hands up: moments in cells, and everything that was counted on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from abtest.stats.moments import Moments

Segment = tuple[str, str]
"""A segment: (column, value)."""


@dataclass(frozen=True, eq=False)
class MetricSums:
    """Sums of one metric about its pilot constants, one row per cell.

    `n`, `nulls` and `immature` have shape (cells,); `sums` (cells, k); `products`
    (cells, k, k); `pilot` (k,).
    """

    pilot: NDArray[np.float64]
    n: NDArray[np.int64]
    nulls: NDArray[np.int64]
    immature: NDArray[np.int64]
    sums: NDArray[np.float64]
    products: NDArray[np.float64]
    covariate_nulls: NDArray[np.int64]


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
    metrics: Mapping[str, MetricSums]


@dataclass(frozen=True)
class Tally:
    """Rows and units counted on the way; dictionaries are by variant (first variant met).

    `exposed` counts all exposed units by first variant before any exclusion and
    `exposed_by_day` the same by phase and local day, which is what sample-ratio checks test.
    """

    rows: int = 0
    event_rows: int = 0
    exposed: Mapping[str, int] = field(default_factory=dict)
    exposed_by_day: Mapping[tuple[int, date | None], Mapping[str, int]] = field(default_factory=dict)
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
    skipped_days: Mapping[str, tuple[date, ...]] = field(default_factory=dict)


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

    def moments(
        self,
        metric: str,
        variant: str,
        *,
        segment: Segment | None = None,
        exposed_through: date | None = None,
        with_crossovers: bool = False,
    ) -> tuple[Moments, ...]:
        """Return the metric's moments in one arm, one entry per phase."""
        raise NotImplementedError
