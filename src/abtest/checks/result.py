"""What a check looks at and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from abtest.data.measured import Measured
from abtest.data.request import Design

CheckStatus = Literal["pass", "warn", "fail", "not_computed"]
CheckName = Literal[
    "sample_ratio",
    "allocation_drift",
    "crossover",
    "units",
    "unknown_variant",
    "missing_values",
    "exposure_without_events",
    "immature",
    "late_data",
    "future_times",
    "duplicates",
    "lock",
]
CheckCode = Literal[
    "sample_ratio_ok",
    "sample_ratio_suspicious",
    "sample_ratio_mismatch",
    "allocation_stable",
    "allocation_drifted",
    "allocation_too_few_units",
    "crossover_none",
    "crossover_some",
    "crossover_many",
    "crossover_unequal",
    "units_enough",
    "units_few",
    "units_too_few",
    "variants_known",
    "variants_unknown_some",
    "variants_unknown_many",
    "missing_none",
    "missing_few",
    "missing_some",
    "silent_equal",
    "silent_unequal",
    "immature_none",
    "immature_some",
    "late_data_none",
    "late_data_some",
    "future_times_none",
    "future_times_some",
    "duplicates_none",
    "duplicates_some",
    "lock_absent",
]

FAIL_BELOW = 0.001
"""p-value below which a validity test fails (or, where it cannot fail, warns)."""


@dataclass(frozen=True)
class Facts:
    """What checks may look at: the data as measured and what was planned, never effects."""

    measured: Measured
    design: Design
    primaries: tuple[str, ...]
    deciding: tuple[str, ...]
    answered: frozenset[str] = frozenset()
    """Metrics of answers: that many units have none is usual there."""


@dataclass(frozen=True)
class CheckResult:
    """The answer of one check; `values` hold the numbers that a sentence is made from."""

    check: CheckName
    status: CheckStatus
    code: CheckCode
    p_value: float | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


def split(counts: Mapping[str, int], of: Mapping[str, int]) -> list[list[int]]:
    """Return rows (counted, not counted) by variant, for a test of equal shares."""
    names = list(of)
    counted = [counts.get(name, 0) for name in names]
    return [counted, [of[name] - count for name, count in zip(names, counted, strict=True)]]


def share_p_value(counts: Mapping[str, int], of: Mapping[str, int]) -> float | None:
    """Return the p-value of a chi-square test that the share is the same in every arm.

    None where there is too little to compare.
    """
    return equal_rows_p_value(split(counts, of))


def equal_rows_p_value(table: Sequence[Sequence[int]]) -> float | None:
    """Return the p-value of a chi-square test of equal row distributions; None if too sparse."""
    from abtest.stats import NotEstimable, homogeneity

    try:
        return homogeneity(table).p_value
    except NotEstimable:
        return None
