"""Did units meet more than one variant?"""

from __future__ import annotations

from abtest.checks.result import FAIL_BELOW, CheckResult, Facts, share_p_value

FAIL_ABOVE_SHARE = 0.01


def check_crossover(facts: Facts) -> CheckResult:
    """Count units seen in two variants; they are excluded from effects.

    Fails above 1% of the exposed units or when the share differs between the arms: units
    that leave one arm more often than the other make the rest incomparable.
    """
    tally = facts.measured.tally
    crossed = sum(tally.crossover.values())
    exposed = sum(tally.exposed.values())
    p = share_p_value(tally.crossover, tally.exposed) if crossed else None
    values = {
        "units": crossed,
        "share": crossed / exposed if exposed else 0.0,
        "by_variant": dict(tally.crossover),
    }
    if crossed == 0:
        return CheckResult("crossover", "pass", "crossover_none", None, values)
    if crossed > FAIL_ABOVE_SHARE * exposed:
        return CheckResult("crossover", "fail", "crossover_many", p, values)
    if p is not None and p < FAIL_BELOW:
        return CheckResult("crossover", "fail", "crossover_unequal", p, values)
    return CheckResult("crossover", "warn", "crossover_some", p, values)
