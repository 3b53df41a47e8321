"""Do the arms hold the share of units that was planned?"""

from __future__ import annotations

from abtest.checks.result import FAIL_BELOW, CheckResult, Facts

WARN_BELOW = 0.01


def check_sample_ratio(facts: Facts) -> CheckResult | None:
    """Test all exposed units by first variant, before any exclusion, against the plan.

    Phases of allocation are tested each on its own and added up: pooling them would
    call a planned ramp a mismatch. Chi-square without continuity correction
    (Kohavi, Tang & Xu 2020, "Trustworthy Online Controlled Experiments", ch. 21), exact for
    small counts.
    """
    from abtest.stats import sample_ratio

    observed = by_phase(facts)
    if sum(map(sum, observed)) == 0:
        return None
    test = sample_ratio(observed, [phase.allocation for phase in facts.design.phases])
    p = test.p_value
    status, code = (
        ("fail", "sample_ratio_mismatch")
        if p < FAIL_BELOW
        else ("warn", "sample_ratio_suspicious")
        if p < WARN_BELOW
        else ("pass", "sample_ratio_ok")
    )
    names = facts.design.variants
    totals = [sum(column) for column in zip(*observed, strict=True)]
    planned = [
        sum(
            sum(row) * phase.allocation[arm]
            for row, phase in zip(observed, facts.design.phases, strict=True)
        )
        for arm in range(len(names))
    ]
    values = {
        "observed": dict(zip(names, totals, strict=True)),
        "expected": dict(zip(names, planned, strict=True)),
        "planned": dict(zip(names, facts.design.phases[-1].allocation, strict=True)),
        "phases": len(facts.design.phases),
    }
    return CheckResult("sample_ratio", status, code, p, values)  # type: ignore[arg-type]


def by_phase(facts: Facts) -> list[list[int]]:
    """Return exposed units as phase x variant."""
    names = facts.design.variants
    tally = facts.measured.tally
    if len(facts.design.phases) == 1:
        return [[tally.exposed.get(name, 0) for name in names]]
    table = [[0] * len(names) for _ in facts.design.phases]
    for (phase, _), counts in tally.exposed_by_day.items():
        for arm, name in enumerate(names):
            table[phase][arm] += counts.get(name, 0)
    return table
