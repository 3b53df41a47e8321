"""Do exposed units without any event fall more on one arm?"""

from __future__ import annotations

from abtest.checks.result import FAIL_BELOW, CheckCode, CheckResult, Facts, share_p_value


def check_exposure_without_events(facts: Facts) -> CheckResult | None:
    """Warn when the share of exposed units without any event differs between the arms.

    Events count from exposure to the end of the longest window of a metric.

    Such a difference is either a real effect or logging that works in one arm only; data
    without an event log have nothing to check.
    """
    tally = facts.measured.tally
    if tally.without_events is None:
        return None
    exposed = sum(tally.exposed.values())
    silent = sum(tally.without_events.values())
    p = share_p_value(tally.without_events, tally.exposed)
    unequal = p is not None and p < FAIL_BELOW
    values = {
        "units": silent,
        "share": silent / exposed if exposed else 0.0,
        "by_variant": dict(tally.without_events),
    }
    code: CheckCode = "silent_unequal" if unequal else "silent_equal"
    return CheckResult("exposure_without_events", "warn" if unequal else "pass", code, p, values)
