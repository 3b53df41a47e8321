"""Do the data name variants that the experiment file does not?"""

from __future__ import annotations

from abtest.checks.result import CheckResult, Facts

FAIL_ABOVE_SHARE = 0.01


def check_unknown_variant(facts: Facts) -> CheckResult:
    """Count rows of undeclared variants; they take no part in anything."""
    tally = facts.measured.tally
    rows = tally.unknown_variant_rows
    share = rows / tally.rows if tally.rows else 0.0
    values = {"rows": rows, "share": share, "by_variant": dict(tally.unknown_variant)}
    if rows == 0:
        return CheckResult("unknown_variant", "pass", "variants_known", None, values)
    if share > FAIL_ABOVE_SHARE:
        return CheckResult("unknown_variant", "fail", "variants_unknown_many", None, values)
    return CheckResult("unknown_variant", "warn", "variants_unknown_some", None, values)
