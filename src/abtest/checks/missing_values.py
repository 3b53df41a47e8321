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

    Of answers only the second: most units give none, but as many in each arm. Units stay in
    whose events lack the value to sum or compare; ``valueless`` has these, where there are any.
    """
    by_metric: dict[str, dict[str, object]] = {}
    lowest: float | None = None
    status: CheckStatus = "pass"
    valueless: dict[str, dict[str, object]] = {}
    for metric in facts.deciding:
        if metric in facts.measured.failures:
            continue
        lacking = facts.measured.tally.valueless.get(metric)
        if lacking:
            exposed = facts.measured.tally.exposed
            share = sum(lacking.values()) / sum(exposed.values())
            p = share_p_value(lacking, exposed)
            lowest = _lower(lowest, p)
            if share > WARN_ABOVE_SHARE or (p is not None and p < FAIL_BELOW):
                status = "warn"
            valueless[metric] = {"share": share, "p_value": p, "by_variant": dict(lacking)}
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
        lowest = _lower(lowest, p)
        many = share > WARN_ABOVE_SHARE and metric not in facts.answered
        if many or (p is not None and p < FAIL_BELOW):
            status = "warn"
        by_metric[metric] = {"share": share, "p_value": p, "by_variant": missing}
    code: CheckCode = (
        "missing_some"
        if status == "warn"
        else "missing_few"
        if by_metric or valueless
        else "missing_none"
    )
    values = {"by_metric": by_metric} | ({"valueless": valueless} if valueless else {})
    return CheckResult("missing_values", status, code, lowest, values)


def _lower(lowest: float | None, p: float | None) -> float | None:
    return lowest if p is None else p if lowest is None else min(lowest, p)
