"""Are values of deciding metrics missing?"""

from __future__ import annotations

from abtest.checks.result import (
    FAIL_BELOW,
    CheckCode,
    CheckResult,
    CheckStatus,
    Facts,
    share_p_value,
)

WARN_ABOVE_SHARE = 0.05


def check_missing_values(facts: Facts) -> CheckResult:
    """Warn when many values of a deciding metric are null, or more in one arm than another.

    Of answers only the second: most units give none, but as many in each arm.
    """
    by_metric: dict[str, dict[str, object]] = {}
    lowest: float | None = None
    status: CheckStatus = "pass"
    for metric in facts.deciding:
        if metric in facts.measured.failures:
            continue
        missing: dict[str, int] = {}
        units: dict[str, int] = {}
        excluded = facts.measured.excluded(metric)
        for name in facts.design.variants:
            missing[name] = excluded[name]["missing"]
            units[name] = facts.measured.units_in(metric, name) + missing[name]
        total = sum(missing.values())
        if total == 0:
            continue
        share = total / sum(units.values())
        p = share_p_value(missing, units)
        if p is not None:
            lowest = p if lowest is None else min(lowest, p)
        many = share > WARN_ABOVE_SHARE and metric not in facts.answered
        if many or (p is not None and p < FAIL_BELOW):
            status = "warn"
        by_metric[metric] = {"share": share, "p_value": p, "by_variant": missing}
    code: CheckCode = (
        "missing_some" if status == "warn" else "missing_few" if by_metric else "missing_none"
    )
    return CheckResult("missing_values", status, code, lowest, {"by_metric": by_metric})
