"""Are there enough units to say anything?"""

from __future__ import annotations

from abtest.checks.result import CheckResult, Facts, Status

TOO_FEW = 2
FEW = 100


def check_units(facts: Facts) -> CheckResult:
    """Count mature units by arm: an arm counts with the primary that has the most."""
    most = {
        name: max(
            (
                sum(moments.n for moments in facts.measured.moments(metric, name))
                for metric in facts.primaries
                if metric not in facts.measured.failures
            ),
            default=0,
        )
        for name in facts.design.variants
    }
    fewest = min(most.values())
    status: Status = "fail" if fewest < TOO_FEW else "warn" if fewest < FEW else "pass"
    code = {"fail": "units_too_few", "warn": "units_few"}.get(status, "units_enough")
    return CheckResult("units", status, code, None, {"by_variant": most})
