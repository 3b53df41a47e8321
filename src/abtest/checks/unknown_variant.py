"""Do the data name variants that the experiment file does not?"""

from __future__ import annotations

from abtest.checks.result import CheckResult, Facts, Status

FAIL_ABOVE_SHARE = 0.01


def check_unknown_variant(facts: Facts) -> CheckResult:
    """Count rows of undeclared variants; they take no part in anything."""
    tally = facts.measured.tally
    rows = tally.unknown_variant_rows
    share = rows / tally.rows if tally.rows else 0.0
    status: Status = "pass" if rows == 0 else "fail" if share > FAIL_ABOVE_SHARE else "warn"
    code = {"pass": "variants_known", "warn": "variants_unknown_some"}.get(
        status, "variants_unknown_many"
    )
    values = {"rows": rows, "share": share, "by_variant": dict(tally.unknown_variant)}
    return CheckResult("unknown_variant", status, code, None, values)
