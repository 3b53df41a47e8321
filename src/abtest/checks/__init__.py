"""Checks of an experiment's validity: each is one function, and this tuple lists them.

A check looks at facts and never at effects; it answers None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable

from abtest.checks.allocation_drift import check_allocation_drift
from abtest.checks.counted import (
    check_duplicates,
    check_future_times,
    check_immature,
    check_late_data,
)
from abtest.checks.crossover import check_crossover
from abtest.checks.exposure_without_events import check_exposure_without_events
from abtest.checks.missing_values import check_missing_values
from abtest.checks.result import CheckResult, Facts
from abtest.checks.sample_ratio import check_sample_ratio
from abtest.checks.units import check_units
from abtest.checks.unknown_variant import check_unknown_variant

CHECKS: tuple[Callable[[Facts], CheckResult | None], ...] = (
    check_sample_ratio,
    check_allocation_drift,
    check_crossover,
    check_units,
    check_unknown_variant,
    check_missing_values,
    check_exposure_without_events,
    check_immature,
    check_late_data,
    check_future_times,
    check_duplicates,
)


def run_checks(facts: Facts) -> tuple[CheckResult, ...]:
    """Return the answers of all checks that apply, in the order of `CHECKS`."""
    return tuple(result for check in CHECKS if (result := check(facts)) is not None)


__all__ = ["CHECKS", "CheckResult", "Facts", "run_checks"]
