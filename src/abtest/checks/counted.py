"""Rows and units that were set aside: worth a warning as soon as there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from abtest.checks.result import CheckCode, CheckName, CheckResult, Facts


def check_immature(facts: Facts) -> CheckResult | None:
    """Count units whose window had not closed by `as_of`, by metric and arm."""
    if facts.measured.as_of is None:
        return None
    by_metric: dict[str, Mapping[str, int]] = {}
    for metric in facts.measured.cells.metrics:
        excluded = facts.measured.excluded(metric)
        immature = {name: counts["immature"] for name, counts in excluded.items()}
        if any(immature.values()):
            by_metric[metric] = immature
    units = max((sum(counts.values()) for counts in by_metric.values()), default=0)
    return _any(
        "immature",
        "immature_none",
        "immature_some",
        units,
        {"units": units, "by_metric": by_metric},
    )


def check_late_data(facts: Facts) -> CheckResult | None:
    """Count rows later than `as_of`; they are ignored."""
    if facts.measured.as_of is None:
        return None
    return _any("late_data", "late_data_none", "late_data_some", facts.measured.tally.late_rows)


def check_future_times(facts: Facts) -> CheckResult | None:
    """Count rows with times that have not come yet: a wrong clock or a wrong zone."""
    if facts.measured.as_of is None:
        return None
    return _any(
        "future_times", "future_times_none", "future_times_some", facts.measured.tally.future_rows
    )


def check_duplicates(facts: Facts) -> CheckResult:
    """Count rows that repeat another exactly; each counts once.

    Of events only those that metrics count or sum are compared.
    """
    tally = facts.measured.tally
    kinds = {
        "exposures": tally.duplicate_exposure_rows,
        "events": tally.duplicate_event_rows,
        "units": tally.duplicate_unit_rows,
    }
    return _any("duplicates", "duplicates_none", "duplicates_some", sum(kinds.values()), kinds)


def _any(
    check: CheckName,
    none: CheckCode,
    some: CheckCode,
    count: int,
    values: Mapping[str, Any] | None = None,
) -> CheckResult:
    return CheckResult(
        check,
        "warn" if count else "pass",
        some if count else none,
        None,
        {"rows": count, **(values or {})},
    )
