"""Are there enough units to say anything?"""

from __future__ import annotations

from abtest.checks.result import CheckResult, Facts

TOO_FEW = 2
FEW = 100


def check_units(facts: Facts) -> CheckResult:
    """Count mature units by arm: an arm counts with the primary that has the most.

    A primary that cannot be computed says nothing about units: where none can, the exposed
    units count, so that a column of text is told as what it is and not as a lack of units.
    """
    measured = facts.measured
    computed = [metric for metric in facts.primaries if metric not in measured.failures]
    most = {
        name: max(
            (measured.units_in(metric, name) for metric in computed),
            default=measured.tally.exposed[name],
        )
        for name in facts.design.variants
    }
    fewest = min(most.values())
    values = {"by_variant": most}
    if fewest < TOO_FEW:
        return CheckResult("units", "fail", "units_too_few", None, values)
    if fewest < FEW:
        return CheckResult("units", "warn", "units_few", None, values)
    return CheckResult("units", "pass", "units_enough", None, values)
