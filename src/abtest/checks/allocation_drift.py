"""Did the shares of the arms change over enrolment, outside the declared phases?"""

from __future__ import annotations

from collections import defaultdict

from abtest.checks.result import FAIL_BELOW, CheckCode, CheckResult, Facts, equal_rows_p_value


def check_allocation_drift(facts: Facts) -> CheckResult | None:
    """Test that the arms' shares are the same on every exposure day of a phase.

    Chi-square of day x arm within each phase; the smallest p-value counts, times the
    number of phases tested (Bonferroni).
    """
    from abtest.stats import adjust

    names = facts.design.variants
    tables: dict[int, list[list[int]]] = defaultdict(list)
    days: dict[int, list[str]] = defaultdict(list)
    for (phase, day), counts in sorted(
        facts.measured.tally.exposed_by_day.items(), key=lambda item: (item[0][0], str(item[0][1]))
    ):
        if day is not None:
            tables[phase].append([counts.get(name, 0) for name in names])
            days[phase].append(day.isoformat())
    tested = {phase: table for phase, table in tables.items() if len(table) > 1}
    if not tested:
        return None
    p_by_phase = {
        phase: p for phase, table in tested.items() if (p := equal_rows_p_value(table)) is not None
    }
    if not p_by_phase:
        return CheckResult("allocation_drift", "not_computed", "allocation_too_few_units")
    p = min(adjust([*p_by_phase.values()], method="bonferroni").adjusted)
    worst = min(p_by_phase, key=lambda phase: p_by_phase[phase])
    failed = p < FAIL_BELOW
    values = {"days": sum(map(len, tested.values())), "phase": worst}
    if failed:
        values["worst_day"] = _most_deviant_day(tested[worst], days[worst])  # type: ignore[assignment]
    code: CheckCode = "allocation_drifted" if failed else "allocation_stable"
    return CheckResult("allocation_drift", "fail" if failed else "pass", code, p, values)


def _most_deviant_day(table: list[list[int]], days: list[str]) -> str:
    total = sum(map(sum, table))
    shares = [sum(column) / total for column in zip(*table, strict=True)]

    def distance(row: list[int]) -> float:
        n = sum(row)
        pairs = zip(row, shares, strict=True)
        return float(sum((k - n * share) ** 2 / (n * share) for k, share in pairs if n and share))

    return days[max(range(len(table)), key=lambda index: distance(table[index]))]
